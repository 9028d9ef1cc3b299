"""How a run is shared among several processes: whole lives kept together, the longest first, the rest in a drawn order.

Tests that share a fixture of their module (a venue, the life of a bot) are one *group*, which runs in one process, and
so are those that look at a page in a browser, which then is started once; every other test is a group of its own. The
longest groups start first. Those of about the same length are shuffled with a seed that the run prints, so that a test
which needs another one before it is found out.
"""

import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import frexp
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

DURATIONS_FILE = Path(__file__).with_name("durations.json")
LONG = 1.0
"""From how many seconds on a test's duration is kept."""
BROWSER = "browser"
"""The fixture that starts one."""
SHORT = 0.02
"""About what any other test takes."""


def group_of(item: pytest.Item) -> str:
    """The test's group: its module or its class when it has a fixture of that scope, else its browser or the test
    alone."""
    definitions = item._fixtureinfo.name2fixturedefs.values()
    scopes = {overriding[-1].scope for overriding in definitions if overriding}
    path, *names = item.nodeid.split("::")
    if scopes & {"module", "package"}:
        return path
    if BROWSER in item._fixtureinfo.name2fixturedefs:
        return BROWSER
    return "::".join([path, *names[:-1]]) if "class" in scopes else item.nodeid


def arrange(groups: Mapping[str, Sequence[str]], durations: Mapping[str, float], seed: int) -> list[str]:
    """The names of the groups in the order in which they start: by length, in powers of two, and else as drawn."""
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    length = {name: sum(durations.get(test, SHORT) for test in tests) for name, tests in groups.items()}
    return sorted(names, key=lambda name: -frexp(max(length[name], LONG))[1])


def grouped(items: Iterable[pytest.Item]) -> dict[str, list[pytest.Item]]:
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(group_of(item), []).append(item)
    return groups


def refuse_repeated(tests: Iterable[str]) -> None:
    """:raises pytest.UsageError: when several tests have one id, because only one of them would run."""
    if repeated := [test for test, times in Counter(tests).items() if times > 1]:
        raise pytest.UsageError(f"several tests have one id, and all but one would be dropped: {repeated}")


def kept_durations() -> dict[str, float]:
    return json.loads(DURATIONS_FILE.read_text(encoding="utf-8"))


class _Groups(LoadScopeScheduling):
    """Gives the groups to the processes, each when a process has almost done those it had."""

    def __init__(self, config: pytest.Config, log: object, groups_file: Path) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._groups_file = groups_file
        self._group_of: dict[str, str] = {}

    def schedule(self) -> None:
        refuse_repeated(next(iter(self.registered_collections.values())))
        self._group_of = json.loads(self._groups_file.read_text(encoding="utf-8"))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._group_of[nodeid]


class Controller:
    """Hooks of the process that shares the tests out, which collects none itself."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="pytest-groups-")
        self._groups_file = Path(self._folder.name) / "groups.json"
        self._scheduler: _Groups | None = None
        self._ended: set[str] = set()
        self._durations: Counter[str] = Counter()

    def pytest_report_header(self) -> str:
        return f"order of the tests: SEED={self._seed}"

    def pytest_configure_node(self, node) -> None:
        node.workerinput |= {"seed": self._seed, "groups_file": str(self._groups_file)}

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> _Groups:
        self._scheduler = _Groups(config, log, self._groups_file)
        return self._scheduler

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations[report.nodeid] += report.duration
        if report.when == "teardown":
            self._ended.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fails a run in which fewer tests ran than every process collected, for nothing may be dropped in silence."""
        if exitstatus == pytest.ExitCode.OK and self._dropped():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if session.config.getoption("--keep-durations"):
            self._keep_durations()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        collected = self._collected()
        terminalreporter.write_line(f"{len(self._ended)} of {len(collected)} collected tests ran")
        for test in self._dropped():
            terminalreporter.write_line(f"DROPPED {test}", red=True)

    def pytest_unconfigure(self) -> None:
        self._folder.cleanup()

    def _collected(self) -> list[str]:
        return (self._scheduler and self._scheduler.collection) or []

    def _dropped(self) -> list[str]:
        return [test for test in self._collected() if test not in self._ended]

    def _keep_durations(self) -> None:
        kept = kept_durations() | {test: round(seconds, 1) for test, seconds in self._durations.items()}
        long = {test: seconds for test, seconds in sorted(kept.items()) if seconds >= LONG}
        DURATIONS_FILE.write_text(json.dumps(long, indent=0) + "\n", encoding="utf-8")


class Worker:
    """Hooks of a process that runs tests: each arranges all of them in the same way, and runs those it is given."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        groups = grouped(items)
        ids = {name: [item.nodeid for item in group] for name, group in groups.items()}
        order = arrange(ids, kept_durations(), config.workerinput["seed"])
        items[:] = [item for name in order for item in groups[name]]
        self._tell(Path(config.workerinput["groups_file"]), {test: name for name in order for test in ids[name]})

    def _tell(self, path: Path, group_of_test: dict[str, str]) -> None:
        """All processes write the same, so that the last one may replace what the others wrote."""
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(group_of_test, file)
        Path(file.name).replace(path)


def add_options(parser: pytest.Parser) -> None:
    parser.addoption("--order", type=int, metavar="SEED", help="the order of the tests in several processes (-n)")
    parser.addoption("--keep-durations", action="store_true", help="keep how long the tests took, for their order")


def configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker())
    elif config.getoption("numprocesses"):
        seed = config.getoption("--order")
        config.pluginmanager.register(Controller(random.randrange(1_000_000) if seed is None else seed))
