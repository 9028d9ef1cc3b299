"""Runs `acme-bot feed`: writes an exchange's markets as lines, to standard output, into a recording, or both."""

import asyncio
import contextlib
import gzip
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from acme_bot.feed.dialects import DIALECTS
from acme_bot.feed.reader import FeedError, MarketReader, close_connections, perpetual_exchanges, venue_market
from acme_exchange.market.follow.lines import Line, write_line

FLUSH_SECONDS = 1.0
"""Between two times that a recording is complete on disk."""
STATUS_SECONDS = 10.0
CONNECT_SECONDS = 0.3
"""Between two markets' connections, so that the exchange's limits are kept."""


def run_feed(exchange: str, pairs: Sequence[str], record: Path | None = None, history: bool = True) -> int:
    """Reads until it is interrupted, or nobody reads its output any more. Returns the exit code.

    :param record: a file that gets every line too, gzipped; it must not exist.
    :raises FeedError: the exchange or a pair is not known, or the file cannot be written.
    """
    require_exchange(exchange)
    _require_different_markets(pairs)
    with contextlib.ExitStack() as stack:
        recording = None if record is None else stack.enter_context(_recording(record))
        output = None if record is not None and sys.stdout.isatty() else sys.stdout.buffer
        _quieten_hummingbot()
        feed = Feed(exchange, pairs, output, recording, history)
        try:
            asyncio.run(feed.run())
        except* FeedError as errors:
            raise FeedError(str(errors.exceptions[0])) from None
        except* BrokenPipeError:
            # Whoever read the lines is gone; Python would try to flush what is left of them at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except* KeyboardInterrupt:
            pass
    return 0


class Feed:
    """Some markets of one exchange, read side by side."""

    def __init__(
        self,
        exchange: str,
        pairs: Sequence[str],
        output: BinaryIO | None,
        recording: gzip.GzipFile | None,
        history: bool = True,
    ):
        self._exchange = exchange
        self._pairs = list(dict.fromkeys(pairs))
        self._output = output
        self._recording = recording
        self._history = history
        self._lines = 0

    async def run(self) -> None:
        """Reads until it is cancelled, or SIGTERM comes."""
        task = asyncio.current_task()
        if task is not None:
            with contextlib.suppress(ValueError, RuntimeError):
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_up())
                _notice(f"Reading {', '.join(self._pairs)} of {self._exchange} ...")
                readers = [MarketReader(self._exchange, pair, self._write, _notice) for pair in self._pairs]
                # Whoever reads the lines has to know all markets first.
                for reader in readers:
                    await reader.announce()
                for reader in readers:
                    group.create_task(reader.run(self._history))
                    await asyncio.sleep(CONNECT_SECONDS)
        except asyncio.CancelledError:
            pass
        finally:
            await close_connections()

    def _write(self, line: Line) -> None:
        text = write_line(line)
        self._lines += 1
        if self._output is not None:
            self._output.write(text)
            self._output.flush()
        if self._recording is not None:
            self._recording.write(text)

    async def _keep_up(self) -> None:
        noticed_at = time.monotonic()
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if self._recording is not None:
                self._recording.flush()
            if time.monotonic() - noticed_at >= STATUS_SECONDS:
                noticed_at = time.monotonic()
                _notice(f"{len(self._pairs)} markets of {self._exchange}, {self._lines:,} lines so far")


def _recording(path: Path) -> gzip.GzipFile:
    try:
        return gzip.open(path, "xb", compresslevel=6)
    except FileExistsError:
        raise FeedError(f"{path} is there already; name another file with --record.") from None
    except OSError as error:
        raise FeedError(f"{path} cannot be written ({error.strerror}); name another file with --record.") from None


def _require_different_markets(pairs: Sequence[str]) -> None:
    named: dict[str, str] = {}
    for pair in pairs:
        other = named.setdefault(venue_market(pair), pair)
        if other != pair:
            raise FeedError(f"{other} and {pair} would both be {venue_market(pair)}; leave one of them out.")


def require_exchange(exchange: str) -> None:
    """:raises FeedError: Hummingbot has no such exchange; one whose frames were not checked is named, and accepted."""
    known = perpetual_exchanges()
    if exchange not in known:
        raise FeedError(f"Hummingbot has no perpetual connector {exchange}; it has {', '.join(known)}.")
    if exchange not in DIALECTS:
        _notice(
            f"Warning: the frames of {exchange} were not checked. Look at the sizes first, which may count contracts; "
            f"a missed frame is not noticed. Checked: {', '.join(DIALECTS)}."
        )


def _quieten_hummingbot() -> None:
    """Its log goes to standard error, a line for each thing that went wrong, without tracebacks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    from hummingbot.logger import HummingbotLogger

    # It would make a whole application, which takes seconds, to show the sentence in; there is none here.
    HummingbotLogger.network = lambda self, message, *_, **__: self.warning(message)


class _OneLine(logging.Formatter):
    def formatException(self, ei: object) -> str:
        return ""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        text = super().format(record).partition("\n")[0]
        return f"{text} ({error})" if error else text


def _notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
