"""Runs a venue and its bots as processes: starts them, watches them, and never leaves one behind."""

import os
import select
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from acme_bot.bot import Bot
from acme_bot.venue import Venue
from acme_bot.workspace import require_empty

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, SIGINT and SIGTERM end `wait` and do nothing else. For the main thread."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float = 0) -> bool:
        """Waits until a signal has come, now or before, for at most `seconds`. Returns whether one has."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def _note(self, number: int, frame: object) -> None:
        os.write(self._write, b"!")


class Run[AnyVenue: Venue](ABC):
    """A venue and bots that trade on it, from their start to the verdict. Ctrl-C and SIGTERM end it like the end of its
    time.

    :ivar interruption: to be waited with, so that a signal ends the wait.
    """

    def __init__(self, venue: AnyVenue, bots: Sequence[Bot], console: Console) -> None:
        self.venue = venue
        self.bots = bots
        self.console = console
        self.interruption = Interruption()

    def run(self) -> int:
        """Carries it out and ends every process. Returns the exit code: 0 when all was well, else 1.

        Raises `Problem` when it cannot go on.
        """
        try:
            with self.interruption:
                return 0 if self.carry_out() else 1
        finally:
            for bot in self.bots:
                bot.kill()
            self.venue.stop()

    @abstractmethod
    def carry_out(self) -> bool:
        """Starts, watches and judges. Returns whether all was well. Raises `Problem` when it cannot go on."""

    def say(self, text: str, style: str | None = None) -> None:
        """Prints a line, as wide as it is."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def say_error(self, text: str) -> None:
        """Prints a line about what was not as it should be."""
        self.say(text, style="bold red")


def in_folder(folder: Path | None, prefix: str, console: Console, run: Callable[[Path], int]) -> int:
    """Calls `run` with `folder`, which must be empty or not there yet, or with a temporary one, which is removed when
    all went well. Returns what `run` does, 0 for well. Raises `WorkspaceError` when `folder` holds something."""
    place = prepared(folder) if folder else Path(tempfile.mkdtemp(prefix=prefix))
    status = 1
    try:
        status = run(place)
    finally:
        if folder is None and status == 0:
            shutil.rmtree(place)
        else:
            console.print(
                f"Hummingbot's configuration, logs and data, and the venue's log, are in {place}", soft_wrap=True
            )
    return status


def prepared(folder: Path) -> Path:
    """The absolute path of `folder`, made when it is not there. Raises `WorkspaceError` when it holds something."""
    folder = folder.expanduser().resolve()
    require_empty(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
