"""Measures how long commits wait for the disk, and so decides which thread waits for them.

To have another thread wait takes some tenths of a millisecond of both threads: where the disk takes little more, it
is waited for in the event loop's own. What another thread measures would be its wait for its turn, too: so the event
loop tries a slow disk again from time to time.
"""

QUICK_SECONDS = 0.001
"""At the mean of the latest."""
SLOW_SECONDS = 0.002
"""Once, beside others that were quick."""
HELD_UP = 1 / 200
"""Of the time, at most, a disk that is not quick holds up the event loop."""
WEIGHT = 1 / 16


class DiskWaits:
    """What the latest waits of the event loop were like."""

    def __init__(self) -> None:
        self._mean = 0.0
        self._until = 0.0

    def note(self, seconds: float, now: float) -> None:
        """Takes one more into account.

        :param now: when it ended, in seconds of a clock that runs forwards.
        """
        self._mean += (seconds - self._mean) * WEIGHT
        if self._mean >= QUICK_SECONDS or seconds >= SLOW_SECONDS:
            self._until = now + seconds / HELD_UP

    def are_short(self, now: float) -> bool:
        """Whether the event loop may wait for the next one itself."""
        return now >= self._until
