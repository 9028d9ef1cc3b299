"""The venue's clock. Everything else is told by it what time it is, in microseconds since the epoch.

There is one clock for what clients are told, for what their signatures are checked against, and for the engine. It only
runs forwards, over restarts too: it goes on from the latest time that was kept. So it may be ahead of the machine's,
which was ahead once and has been set right. Clients may then go by either.
"""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch, never less than the answer before."""

    def ahead(self) -> int:
        """By how many microseconds it is ahead of the machine's clock."""

    def go_on_from(self, latest: int) -> None:
        """Is not before `latest` from now on, in microseconds since the epoch."""


class SystemClock:
    """The machine's clock, made to run forwards only.

    Follows the wall clock when that jumps ahead (a laptop that slept, a correction) and keeps running at its own pace
    when that is set back: ledgers stay in order, and rate limits and funding never stand still.
    """

    def __init__(self) -> None:
        self._latest = time.time_ns()
        self._elapsed = time.monotonic_ns()

    def now(self) -> int:
        self._move_on()
        return self._latest // 1000

    def ahead(self) -> int:
        wall = self._move_on()
        return (self._latest - wall) // 1000

    def go_on_from(self, latest: int) -> None:
        self._latest = max(self._latest, latest * 1000)

    def _move_on(self) -> int:
        """Lets the time since the last call pass; returns what the machine's clock says, in nanoseconds."""
        elapsed, wall = time.monotonic_ns(), time.time_ns()
        self._latest = max(self._latest + elapsed - self._elapsed, wall)
        self._elapsed = elapsed
        return wall
