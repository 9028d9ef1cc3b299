"""One bot of a run: its workspace and strategy, and how it is started, killed and stopped."""

import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from acme_bot.compare.bot_records import Records
from acme_bot.compare.venue_client import Key
from acme_bot.hbot import CONNECTOR, Hbot, HbotError
from acme_bot.strategy_files import add_files
from acme_bot.workspace import make_workspace

START_SECONDS = 180
STOP_SECONDS = 60
# What Hummingbot logs when an event that is on record already is reported to it again.
REPEATED = "UNIQUE constraint failed"


@dataclass(frozen=True)
class Strategy:
    """What trades: the name that `hbot create` takes, and the settings.

    `folders` are the "scripts" and "controllers" that it needs and that a new workspace has not; `files` are single
    scripts. `stop_seconds` is how long it takes to stop, at most: a funding payment must be in both statements or in
    neither then. There is one every `funding_seconds`, which leaves time to learn of one, within 15 s, and to stop
    before the next.
    """

    name: str
    settings: Mapping[str, str]
    folders: Mapping[str, Path] = field(default_factory=dict)
    files: Sequence[Path] = ()
    stop_seconds: int = 8
    funding_seconds: int = 30


class Bot:
    """A bot in a workspace of its own, with a name of its own, which is that of its configuration too.

    Its password is random, and gone with this object.
    """

    def __init__(self, name: str, strategy: Strategy, workspace: Path) -> None:
        self.name = name
        self.strategy = strategy
        self.hbot = Hbot(workspace)
        self.records = Records(workspace, self.configuration, CONNECTOR)
        self.process: subprocess.Popen[str] | None = None
        self._launched_at = 0.0
        self._counts = (0, 0, 0)

    @property
    def configuration(self) -> str:
        return f"{self.name}.yml"

    def make_workspace(self) -> None:
        """Makes the workspace, with the strategy's files in it. Raises `Problem`."""
        workspace = make_workspace(self.hbot.workspace)
        for folder, source in self.strategy.folders.items():
            add_files(workspace, folder, source)
        for file in self.strategy.files:
            (workspace / "scripts" / file.name).write_bytes(file.read_bytes())

    def connect(self, server: str, key: Key) -> None:
        """Stores the account's key, encrypted. Raises `HbotError`."""
        self.hbot.connect(server, key.key, key.secret)

    def create(self) -> None:
        """Writes the configuration. Raises `HbotError`."""
        self.hbot.create(self.strategy.name, self.configuration, self.strategy.settings)

    def set_up(self, server: str, key: Key) -> None:
        """Does all that comes before the first start. Raises `Problem`."""
        self.make_workspace()
        with self.hbot.together():
            self.connect(server, key)
            self.create()

    def launch(self) -> None:
        """Starts it, and returns at once: `is_up` tells when it is."""
        self._launched_at = time.time()
        self.process = self.hbot.launch_bot(self.configuration)

    def kill(self) -> None:
        """Ends it with SIGKILL; it may have ended before, or never have started."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Has it cancel its orders and end, by the signal that `hbot stop` sends: that command takes seconds to start,
        in which another funding payment can fall. Raises `HbotError` when it does not end within a minute."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise HbotError(f"{self.name} did not stop within {STOP_SECONDS} s.\n{self.errors()}") from None

    @property
    def pid(self) -> int:
        """The process id of the bot's latest process."""
        assert self.process is not None, f"{self.name} was not started."
        return self.process.pid

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None and self.hbot.is_up(since=self._launched_at)

    def require_alive(self) -> None:
        """Raises `HbotError` when the bot ended by itself, or does not come to start."""
        if self.process is None or self.process.poll() is not None:
            raise HbotError(f"{self.name} ended by itself.\n{self.errors()}")
        if not self.is_up and time.time() > self._launched_at + START_SECONDS:
            raise HbotError(f"{self.name} did not start within {START_SECONDS} s.\n{self.errors()}")

    def errors(self) -> str:
        """The latest of what it printed, and of what it logged as an error."""
        return self.hbot.bot_errors(self.configuration)

    def counts(self) -> tuple[int, int, int]:
        """How many orders, fills, and news of orders it has on record; the latest that could be read."""
        # It may have been killed in the middle of something, which its next start clears up.
        with suppress(sqlite3.OperationalError):
            self._counts = self.records.counts()
        return self._counts

    def repetitions(self) -> int:
        """How many of its log's lines say that something was reported to it a second time."""
        logs = self.hbot.workspace / "logs"
        return sum(
            line.count(REPEATED)
            for log in logs.glob(f"logs_{self.name}.log*")
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        )
