"""Measures how long commits wait for the disk, and so decides which thread waits for them.

To have another thread wait takes some tenth of a millisecond of both threads: where the disk is quicker than that, it
is waited for in the event loop's own.
"""

QUICK_SECONDS = 0.0004
"""At the mean of the latest."""
SLOW_SECONDS = 0.005
"""What nobody else is to be held up for."""
HELD_UP = 1 / 1000
"""Of the time, at most, a slow disk holds up the event loop: after each slow wait, another thread waits for so long."""
WEIGHT = 1 / 16


class DiskWaits:
    """What the latest waits were like. At first, the disk is taken to be slow."""

    def __init__(self) -> None:
        self._mean = SLOW_SECONDS
        self._slow_until = 0.0

    def note(self, seconds: float, now: float) -> None:
        """Takes one more wait into account, whoever waited.

        :param now: when it ended, in seconds of a clock that runs forwards.
        """
        self._mean += (seconds - self._mean) * WEIGHT
        if seconds >= SLOW_SECONDS:
            self._slow_until = now + seconds / HELD_UP

    def are_short(self, now: float) -> bool:
        """Whether the event loop may wait for the next one itself."""
        return self._mean < QUICK_SECONDS and now >= self._slow_until
