"""Keeps the mid prices of a market some seconds after each fill of an account's, in a file beside the database, for
whoever asks later what the fills were worth. Nobody keeps the order books of the past."""

import logging
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from acme_exchange.clock import Clock
from acme_exchange.engine import Engine, Event, Filled
from acme_exchange.store.store import is_house

HORIZONS = (1, 10, 60)
"""Seconds after a fill."""
LATE_MICROSECONDS = 1_000_000
"""What is looked at later than that, as after a pause of the machine, is not kept."""
MICROSECONDS = 1_000_000
FILE_NAME = "middles.csv"

logger = logging.getLogger(__name__)


class MidPriceRecorder:
    """Writes a line for each fill and horizon: the fill's time and id, the seconds, and half way between the best
    prices then.

    It looks whenever anything happens on the venue, which is many times a second. Nothing is written of what is not due
    when the venue ends, nor of a book without a side. A disk that is full ends it, and not the venue.
    """

    def __init__(self, engine: Engine, clock: Clock, folder: Path):
        self._engine = engine
        self._clock = clock
        private = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(private, "a", encoding="utf-8", buffering=1)
        self._due: dict[int, deque[Filled]] = {seconds: deque() for seconds in HORIZONS}

    def listen(self, events: Sequence[Event]) -> None:
        """Takes in what one command has caused."""
        for event in events:
            if type(event) is Filled and not is_house(event.account):
                for due in self._due.values():
                    due.append(event)
        now = self._clock.now()
        for seconds, due in self._due.items():
            while due and due[0].time + seconds * MICROSECONDS <= now:
                self._look(due.popleft(), seconds, now)

    def close(self) -> None:
        """Closes the file; nothing more is kept."""
        self._file.close()

    def _look(self, fill: Filled, seconds: int, now: int) -> None:
        mid_price = self._mid_price(fill.market)
        is_late = now - fill.time - seconds * MICROSECONDS > LATE_MICROSECONDS
        if mid_price is None or is_late or self._file.closed:
            return
        try:
            print(fill.time, fill.id, seconds, f"{mid_price:f}", sep=",", file=self._file)
        except OSError as error:
            logger.warning("what markets do after fills is not kept any more: %s", error.strerror)
            with suppress(OSError):
                self._file.close()

    def _mid_price(self, market: str) -> Decimal | None:
        bids, asks = self._engine.levels(market, 1)
        return (bids[0][0] + asks[0][0]) / 2 if bids and asks else None


def read_mid_prices(folder: Path) -> dict[tuple[int, int, int], float]:
    """By the fill's time (microseconds since the epoch) and id, and the seconds after it; empty where none are kept."""
    path = folder / FILE_NAME
    return dict(_read(path)) if path.exists() else {}


def _read(path: Path) -> Iterator[tuple[tuple[int, int, int], float]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            # A venue that was killed may have left half a line, and a power cut anything.
            with suppress(ValueError):
                time, fill, seconds, mid_price = line.removesuffix("\n").split(",")
                if line.endswith("\n"):
                    yield (int(time), int(fill), int(seconds)), float(mid_price)
