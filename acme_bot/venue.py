"""Runs an Acme venue for a demo or a soak: `acme-exchange serve` as a process that ends with this one."""

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import acme_exchange
from acme_bot import tether
from acme_bot.compare.venue_client import Key
from acme_bot.problem import Problem
from acme_exchange.notifications.receiver import NOTIFY_VARIABLE

ACCOUNT = "demo"
DEPOSIT = 10_000
START_SECONDS = 180
"""A busy machine that has just unpacked the venue's packages takes a minute for the first start."""
END_SECONDS = 10
URL = re.compile(r"http://[\w.\-:\[\]]+")
PAGE = re.compile(r"http://\S+#code=\S+")


class VenueStartError(Problem):
    """The venue did not start, and what it said."""


@dataclass(frozen=True)
class Recording:
    """A real market that was recorded, to be played over and over, `speed` times as fast."""

    file: Path
    speed: float = 1.0

    @property
    def options(self) -> list[str]:
        """The options of `acme-exchange serve` that play it."""
        return ["--follow", str(self.file), "--repeat", "--speed", str(self.speed)]


class Venue:
    """A venue that listens on a free port of this machine, with one account and two random keys to it.

    `trader` may do everything. `watcher` may only read, and has its own allowance of requests, so that watching a bot
    does not take from the bot's. The keys are in `folder`, in a file that only its owner can read.
    """

    start_seconds = START_SECONDS

    def __init__(
        self, folder: Path, *, funding_seconds: int, seed: int | None = None, recording: Recording | None = None
    ):
        """`funding_seconds` between two funding payments. The same `seed` gives the same market, if none is
        followed."""
        self._recording = recording
        self.trader, self.watcher = new_key(), new_key()
        self.url = ""
        self.page = ""
        self._folder = folder
        self._funding_seconds = funding_seconds
        self._seed = seed
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when the venue listens at `url`. Raises `VenueStartError` when it does not come to that."""
        self._log().touch(mode=0o600)
        with self._log().open("a") as log:
            self._process = tether.start(self._command(), folder=self._folder, environment=_environment(), stderr=log)
        self.url = self._announced_url()
        self.page = self._announced_page()

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "The venue was not started."
        return self._process

    @property
    def pid(self) -> int:
        """The process id of the venue, once it was started."""
        return self._running.pid

    def stop(self) -> None:
        """Ends the venue; it may have ended before, or never have started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _command(self) -> list[str]:
        accounts = ["--accounts", str(self._write_accounts())]
        return [sys.executable, "-m", "acme_exchange", "serve", *accounts, *self._options()]

    def _options(self) -> list[str]:
        seed = ["--seed", str(self._seed)] if self._seed is not None else []
        followed = self._recording.options if self._recording is not None else []
        return ["--port", "0", "--funding-interval", str(self._funding_seconds), *seed, *followed]

    def _accounts(self) -> list[dict[str, Any]]:
        return account_entries(ACCOUNT, self.trader, self.watcher)

    def _write_accounts(self) -> Path:
        path = self._folder / "accounts.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._accounts(), file)
        return path

    def _announced_url(self) -> str:
        printed, is_late = "", threading.Event()
        output = self._running.stdout
        assert output is not None

        def give_up() -> None:
            is_late.set()
            self._running.kill()

        deadline = threading.Timer(self.start_seconds, give_up)
        deadline.start()
        for line in output:
            printed += line
            if url := URL.search(line):
                deadline.cancel()
                # A venue that prints must never have to wait for a reader.
                threading.Thread(target=output.read, daemon=True).start()
                return url.group()
        deadline.cancel()
        self.stop()
        late = f"it did not listen within {self.start_seconds} s. " if is_late.is_set() else ""
        printed += self._log().read_text(encoding="utf-8")
        raise VenueStartError(f"The venue did not start: {late}{printed}".strip())

    def _announced_page(self) -> str:
        """Where a browser is signed in, once: the venue says so before it says that it listens."""
        found = PAGE.findall(self._log().read_text(encoding="utf-8"))
        return found[-1] if found else self.url

    def _log(self) -> Path:
        return self._folder / "venue.log"


def account_entries(name: str, trader: Key, watcher: Key) -> list[dict[str, Any]]:
    """An account's lines in the venue's file of accounts."""
    return [
        {"name": name, "key": trader.key, "secret": trader.secret, "deposit": DEPOSIT},
        {"name": name, "key": watcher.key, "secret": watcher.secret, "readOnly": True},
    ]


def _environment() -> dict[str, str]:
    """Of a process that runs the venue of this process's own sources, wherever they are, and that notifies nobody."""
    sources = str(Path(acme_exchange.__file__).parents[1])
    environment = {name: value for name, value in os.environ.items() if name != NOTIFY_VARIABLE}
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))}


def new_key() -> Key:
    return Key(secrets.token_urlsafe(24), secrets.token_urlsafe(32))
