"""How a run is shared among several processes: whole lives kept together, the longest first, the rest in a drawn order.

Tests that share a fixture of their module (a venue, the life of a bot) are one *group*, which runs in one process, and
so are those that look at a page in a browser, which then is started once; every other test is a group of its own. The
longest groups start first. Those of about the same length are shuffled with a seed that the run prints, so that a test
which needs another one before it is found out.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import frexp
from pathlib import Path

import pytest

from test.copies import run_in_copies

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


def arrange(groups: Mapping[str, Iterable[str]], durations: Mapping[str, float], seed: int) -> list[str]:
    """The names of the groups in the order in which they start: by length, in powers of two, and else as drawn."""
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    length = {name: sum(durations.get(test, SHORT) for test in tests) for name, tests in groups.items()}
    return sorted(names, key=lambda name: -frexp(max(length[name], LONG))[1])


def grouped(items: Sequence[pytest.Item]) -> dict[str, dict[str, int]]:
    """Of each group the names of its tests, and their places among the items.

    :raises pytest.UsageError: when several tests have one name, because nobody could tell whether both ran.
    """
    groups: dict[str, dict[str, int]] = {}
    for place, item in enumerate(items):
        tests = groups.setdefault(group_of(item), {})
        if item.nodeid in tests:
            raise pytest.UsageError(f"several tests have one id: {item.nodeid}")
        tests[item.nodeid] = place
    return groups


def kept_durations() -> dict[str, float]:
    return json.loads(DURATIONS_FILE.read_text(encoding="utf-8"))


class Sharing:
    """Hooks of a run whose tests are shared among several processes."""

    def __init__(self, processes: int, seed: int) -> None:
        self._processes = processes
        self._seed = seed
        self._collected: list[str] = []
        self._ended: set[str] = set()
        self._broken: list[str] = []
        self._durations: Counter[str] = Counter()

    def pytest_report_header(self) -> str:
        return f"order of the tests: SEED={self._seed}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed or session.config.option.collectonly:
            return None
        groups = grouped(session.items)
        self._collected = [item.nodeid for item in session.items]
        order = arrange(groups, kept_durations(), self._seed)
        self._broken = run_in_copies(session, [[*groups[name].values()] for name in order], self._processes)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations[report.nodeid] += report.duration
        if report.when == "teardown":
            self._ended.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fails a run in which fewer tests ran than were collected, for nothing may be dropped in silence."""
        if exitstatus == pytest.ExitCode.OK and (self._dropped() or self._broken):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if session.config.getoption("--keep-durations"):
            self._keep_durations()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"{len(self._ended)} of {len(self._collected)} collected tests ran")
        for wrong in (*self._broken, *(f"DROPPED {test}" for test in self._dropped())):
            terminalreporter.write_line(wrong, red=True)

    def _dropped(self) -> list[str]:
        return [test for test in self._collected if test not in self._ended]

    def _keep_durations(self) -> None:
        kept = kept_durations() | {test: round(seconds, 1) for test, seconds in self._durations.items()}
        long = {test: seconds for test, seconds in sorted(kept.items()) if seconds >= LONG}
        DURATIONS_FILE.write_text(json.dumps(long, indent=0) + "\n", encoding="utf-8")


def add_options(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, metavar="N", help="share the tests among so many processes")
    parser.addoption("--order", type=int, metavar="SEED", help="the order of the tests in several processes")
    parser.addoption("--keep-durations", action="store_true", help="keep how long the tests took, for their order")


def configure(config: pytest.Config) -> None:
    if processes := config.getoption("--processes"):
        seed = config.getoption("--order")
        config.pluginmanager.register(Sharing(processes, random.randrange(1_000_000) if seed is None else seed))
