"""Reads a feed's lines: from another program's output, or from a recording, which is played at its own pace."""

import asyncio
import gzip
import os
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from acme_exchange.market.follow.lines import LONGEST_LINE, HistoryLine, Line, LineError, MarketLine, read_line

STANDARD_INPUT = Path("-")
PART_BYTES = 1 << 16
MOST_SAID = 20
"""Lines that do not fit, of which each is named."""
MOST_AHEAD = 10_000
"""Lines of another program that wait to be taken."""


class FollowError(Exception):
    """There is nothing to follow; the text says why, and what to write instead."""


class LineSource:
    """A feed's lines, its markets first.

    :ivar markets: what the feed announces, before anything else happens.
    :ivar histories: candles from before that came with them.
    :param path: a recording, gzipped or not; "-" is standard input.
    :raises FollowError: it cannot be read, or does not begin with markets.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]):
        self._path = path
        self._warn = warn
        self.is_recording = path != STANDARD_INPUT
        self._file = _opened(path)
        self.markets: list[MarketLine] = []
        self.histories: list[HistoryLine] = []
        self._first: Line | None = None
        self._number = 0
        self._left_out = 0
        self._read_head()

    def _read_head(self) -> None:
        pairs: dict[str, str] = {}
        for line in self._lines():
            if isinstance(line, MarketLine) and pairs.setdefault(line.market, line.pair) != line.pair:
                raise FollowError(
                    f"{self._name}: both {pairs[line.market]} and {line.pair} would be {line.market}; a feed has to "
                    "read one of them alone"
                )
            if isinstance(line, MarketLine) and line.market not in {each.market for each in self.markets}:
                self.markets.append(line)
            elif isinstance(line, HistoryLine):
                self.histories.append(line)
            else:
                self._first = line
                break
        if not self.markets:
            raise FollowError(
                f"{self._name}: no market is announced in it; it has to be what `acme-bot feed` writes, from the "
                "beginning"
            )

    @property
    def _name(self) -> str:
        return str(self._path) if self.is_recording else "standard input"

    def _lines(self) -> Iterator[Line]:
        """The lines from here on. One that does not fit is left out, with a word; they may end half-way."""
        while True:
            try:
                text = self._file.readline(LONGEST_LINE + 1)
            except (EOFError, OSError, zlib.error) as error:
                why = "was cut off" if isinstance(error, EOFError) else f"cannot be read any further ({error})"
                self._warn(f"{self._name} {why}: it is followed up to line {self._number}.")
                return
            if not text.endswith(b"\n"):
                if text:
                    why = "is too long" if len(text) > LONGEST_LINE else "is not whole"
                    self._warn(f"{self._name}, line {self._number + 1} {why}: it is followed up to there.")
                return
            self._number += 1
            try:
                yield read_line(text)
            except LineError as error:
                self._leave_out(error)

    def _leave_out(self, error: LineError) -> None:
        self._left_out += 1
        if self._left_out <= MOST_SAID:
            last = "; no more of them are named" if self._left_out == MOST_SAID else ""
            self._warn(f"{self._name}, line {self._number} is left out: {error}{last}")

    async def live(self) -> AsyncIterator[Line]:
        """The lines as another program writes them; ends with that program."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Line | None] = asyncio.Queue()
        room = threading.Semaphore(MOST_AHEAD)

        def read() -> None:
            for line in self._lines():
                room.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, None)

        threading.Thread(target=read, daemon=True, name="feed").start()
        if self._first is not None:
            yield self._first
        while (line := await queue.get()) is not None:
            room.release()
            yield line

    def recorded(self) -> Iterator[Line]:
        """The lines of a recording, one after the other, without any pause; asked for again, from the beginning."""
        if not isinstance(self._file, _Pipe):
            self._file.seek(0)
            self._number = 0
        yield from self._lines()


class _Pipe:
    """A pipe's lines. Python's own reader of standard input cannot be left while another thread waits in it."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._waiting = b""

    def readline(self, most: int) -> bytes:
        """The next line with its end; without one at the end of all, or after `most` bytes."""
        parts = [self._waiting]
        while b"\n" not in parts[-1] and sum(map(len, parts)) < most:
            part = os.read(self._descriptor, PART_BYTES)
            if not part:
                break
            parts.append(part)
        line, end, self._waiting = b"".join(parts).partition(b"\n")
        return line + end


def _opened(path: Path) -> "BinaryIO | _Pipe":
    if path == STANDARD_INPUT:
        return _Pipe(sys.stdin.fileno())
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == b"\x1f\x8b"
        return gzip.open(path, "rb") if is_gzipped else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise FollowError(
            f"{path}: cannot be read ({error.strerror}); name a recording, or - for standard input"
        ) from None
