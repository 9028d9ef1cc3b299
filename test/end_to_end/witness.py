"""What can be seen from outside of a demo that runs, and whether the account's keys and secrets are in it."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from acme_exchange.api.routes import ROUTES
from test.acme_exchange.venue import sign

PAGES = ("/api/docs", "/api/openapi.json")
NAMES = {"market": "BTC-PERP", "future": "BTC-PERP", "client_id": "nobody's"}
PACKAGE = "hummingbot"
"""The workspace's copy of the installed package, which no run writes to."""
# A demo whose bot logs whatever any module has to say.
TALKATIVE = """
import sys, yaml
from acme_bot import bot
from acme_bot.cli import main

def talkative(folder, make_workspace=bot.make_workspace):
    workspace = make_workspace(folder)
    path = workspace / "conf" / "hummingbot_logs.yml"
    logs = yaml.safe_load(path.read_text(encoding="utf-8"))
    logs["loggers"] = {}
    logs["root"]["level"] = "DEBUG"
    path.write_text(yaml.safe_dump(logs), encoding="utf-8")
    return workspace

bot.make_workspace = talkative
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Witness:
    """What was seen of a demo in `folder`.

    :ivar processes: the command line and the environment of each process of the demo's.
    :ivar answers: what the venue answered to whatever it can be asked, the refusals of a wrong signature among them.
    :ivar printed: all that the demo said.
    """

    folder: Path
    processes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    @property
    def accounts_file(self) -> Path:
        return self.folder / "accounts.json"

    @property
    def log(self) -> str:
        """All that the bot logged."""
        logs = sorted((self.folder / "workspace" / "logs").glob("logs_*.log*"))
        return "".join(path.read_text(encoding="utf-8") for path in logs)

    def look(self, processes: list[psutil.Process], url: str) -> None:
        """Looks at `processes`, and asks the venue at `url`, where the bot quotes already."""
        for process in processes:
            seen = [*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items())]
            self.processes[" ".join(process.cmdline())] = "\n".join(seen)
        _, watcher = json.loads(self.accounts_file.read_text())
        order_id = json.loads(self._ask(url, "/api/orders/history", watcher))["result"][0]["id"]
        for route in ROUTES:
            path = "/api" + route.path.format(order_id=order_id, **NAMES)
            self._ask(url, path, watcher, method=route.method)
            self._ask(url, path, watcher | {"secret": "wrong"}, method=route.method)
        for path in PAGES:
            self._ask(url, path, watcher)

    def in_the_clear(self, text: str | bytes) -> list[str]:
        """The names of the keys and secrets that a text holds."""
        content = text.encode() if isinstance(text, str) else text
        return [
            f"{what} of {'the watcher' if 'readOnly' in entry else 'the trader'}"
            for entry in json.loads(self.accounts_file.read_text())
            for what in ("key", "secret")
            if entry[what].encode() in content
        ]

    def written_files(self) -> dict[Path, bytes]:
        package = self.folder / "workspace" / PACKAGE
        return {
            path: path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not path.is_relative_to(package)
        }

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
