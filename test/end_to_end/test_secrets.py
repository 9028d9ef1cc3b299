"""The account's keys and secrets, while the demo runs with everything logged: in the clear in one file alone."""

import io
import json
import re
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import yaml
from rich.console import Console

from acme_bot import bot
from acme_bot.demo import run, strategies
from acme_bot.workspace import make_workspace
from acme_exchange.api.routes import ROUTES
from test.acme_bot.processes import runs
from test.acme_exchange.venue import sign

SECONDS = 10
PATIENCE = 120
PAGES = ("/api/docs", "/api/openapi.json")
NAMES = {"market": "BTC-PERP", "future": "BTC-PERP", "client_id": "nobody's"}
PACKAGE = "hummingbot"
"""The workspace's copy of the installed package, which no run writes to."""


def make_talkative_workspace(folder: Path) -> Path:
    """A workspace that logs whatever any module has to say."""
    workspace = make_workspace(folder)
    path = workspace / "conf" / "hummingbot_logs.yml"
    logs = yaml.safe_load(path.read_text(encoding="utf-8"))
    logs["loggers"] = {}
    logs["root"]["level"] = "DEBUG"
    path.write_text(yaml.safe_dump(logs), encoding="utf-8")
    return workspace


@dataclass
class Witness:
    """What could be seen from outside while the demo ran.

    :ivar processes: the command line and the environment of each process of the demo's.
    :ivar answers: what the venue answered to whatever it can be asked, the refusals of a wrong signature among them.
    """

    folder: Path
    already: list[psutil.Process] = field(default_factory=lambda: psutil.Process().children(recursive=True))
    printed: io.StringIO = field(default_factory=io.StringIO)
    processes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Waits until the bot quotes, then looks."""
        deadline = time.monotonic() + PATIENCE
        while "quotes buy" not in self.printed.getvalue() and "quotes sell" not in self.printed.getvalue():
            if time.monotonic() > deadline:
                return
            time.sleep(0.2)
        for process in psutil.Process().children(recursive=True):
            if process in self.already or not runs(process):
                continue
            seen = [*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items())]
            self.processes[" ".join(process.cmdline())] = "\n".join(seen)
        self._ask_everything(re.search(r"http://[\d.:]+", self.printed.getvalue())[0])

    def _ask_everything(self, url: str) -> None:
        _, watcher = json.loads((self.folder / "accounts.json").read_text())
        order_id = json.loads(self._ask(url, "/api/orders/history", watcher))["result"][0]["id"]
        for route in ROUTES:
            path = "/api" + route.path.format(order_id=order_id, **NAMES)
            self._ask(url, path, watcher, method=route.method)
            self._ask(url, path, watcher | {"secret": "wrong"}, method=route.method)
        for path in PAGES:
            self._ask(url, path, watcher)

    def _ask(self, url: str, path: str, key: dict, method: str = "GET") -> str:
        timestamp = str(time.time_ns() // 1_000_000)
        headers = {
            "ACME-KEY": key["key"],
            "ACME-TS": timestamp,
            "ACME-SIGN": sign(key["secret"], f"{timestamp}{method}{path}"),
        }
        try:
            with urllib.request.urlopen(urllib.request.Request(url + path, method=method, headers=headers)) as answer:
                text = f"{answer.headers}\n{answer.read().decode()}"
        except urllib.error.HTTPError as refusal:
            text = f"{refusal.headers}\n{refusal.read().decode()}"
        self.answers[f"{method} {path} as {key['secret'] == 'wrong'}"] = text
        return text.partition("\n\n")[2]


@pytest.fixture(scope="module")
def witness(tmp_path_factory) -> Iterator[Witness]:
    """The demo, with everything logged, and what was seen of it."""
    witness = Witness(tmp_path_factory.mktemp("demo"))
    watching = threading.Thread(target=witness.look)
    demo = run.Demo(strategies.MARKET_MAKING, witness.folder, SECONDS, 7, Console(file=witness.printed, width=120))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot, "make_workspace", make_talkative_workspace)
        watching.start()
        status = demo.run()
        watching.join()
    assert status == 0 or "filled on both sides" in witness.printed.getvalue(), witness.printed.getvalue()
    return witness


def accounts_file(witness: Witness) -> Path:
    return witness.folder / "accounts.json"


def in_the_clear(witness: Witness, text: str | bytes) -> list[str]:
    """The names of the keys and secrets that a text holds."""
    entries = json.loads(accounts_file(witness).read_text())
    content = text.encode() if isinstance(text, str) else text
    return [
        f"{what} of {'the watcher' if 'readOnly' in entry else 'the trader'}"
        for entry in entries
        for what in ("key", "secret")
        if entry[what].encode() in content
    ]


def written_files(witness: Witness) -> dict[Path, bytes]:
    package = witness.folder / "workspace" / PACKAGE
    return {
        path: path.read_bytes()
        for path in witness.folder.rglob("*")
        if path.is_file() and not path.is_relative_to(package)
    }


def test_everything_was_logged(witness: Witness):
    """Or what follows would prove little."""
    log = (witness.folder / "workspace" / "logs" / f"logs_{Path(run.BOT).stem}.log").read_text(encoding="utf-8")
    assert " - DEBUG - " in log and "acme_perpetual" in log
    assert len(witness.processes) == 2 and len(witness.answers) > 2 * len(ROUTES)
    assert any(path.suffix == ".sqlite" for path in written_files(witness))


def test_one_file_holds_the_keys_and_only_its_owner_can_read_it(witness: Witness):
    """The venue has to know the secret, since it checks signatures with it. Hummingbot's own copy is encrypted."""
    holding = {
        path: found for path, content in written_files(witness).items() if (found := in_the_clear(witness, content))
    }
    assert list(holding) == [accounts_file(witness)], holding
    assert stat.S_IMODE(accounts_file(witness).stat().st_mode) == 0o600
    assert (witness.folder / "workspace" / "conf" / "connectors" / "acme_perpetual.yml").exists()


def test_the_process_list_holds_none(witness: Witness):
    """Hummingbot takes the password of its key store from the environment of its own processes, and nothing else."""
    assert {name: found for name, seen in witness.processes.items() if (found := in_the_clear(witness, seen))} == {}
    with_password = [name for name, seen in witness.processes.items() if "HBOT_PASSWORD=" in seen]
    assert all("hummingbot" in name for name in with_password) and len(with_password) == 1
    password = re.search(r"HBOT_PASSWORD=(.+)", witness.processes[with_password[0]])[1]
    assert not any(password.encode() in content for content in written_files(witness).values())


def test_the_venue_tells_none(witness: Witness):
    assert {asked: found for asked, text in witness.answers.items() if (found := in_the_clear(witness, text))} == {}


def test_the_demo_prints_none(witness: Witness):
    assert in_the_clear(witness, witness.printed.getvalue()) == []
