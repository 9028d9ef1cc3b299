"""Where time enters the venue. Everything else is told what time it is, in microseconds since the epoch."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since the epoch, never less than the answer before."""


class SystemClock:
    """The machine's clock, made to run forwards only.

    Follows the wall clock when that jumps ahead (a laptop that slept, a correction) and keeps running at its own pace
    when that is set back: ledgers stay in order, and rate limits and funding never stand still.
    """

    def __init__(self) -> None:
        self._latest = time.time_ns()
        self._elapsed = time.monotonic_ns()

    def now(self) -> int:
        elapsed = time.monotonic_ns()
        self._latest = max(self._latest + elapsed - self._elapsed, time.time_ns())
        self._elapsed = elapsed
        return self._latest // 1000
