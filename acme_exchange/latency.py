"""Delays orders and cancellations, as the way to an exchange far away would."""

import asyncio
from random import Random


class Latency:
    """Holds each order and each cancellation back for a while.

    :param milliseconds: how long at the mean; half as long at least, and half as long again at most.
    :param seed: decides how long each.
    """

    def __init__(self, milliseconds: int, seed: int):
        self._seconds = milliseconds / 1000
        self._random = Random(f"{seed}/latency")

    @property
    def holds_back(self) -> bool:
        """Whether anything is held back at all."""
        return self._seconds > 0

    async def wait(self) -> None:
        """Waits as long as one request is under way."""
        if self._seconds:
            await asyncio.sleep(self._seconds * self._random.uniform(0.5, 1.5))
