"""`Pace`: the clock and the way to wait that the whole connector uses, and that tests replace."""

import asyncio
import time


class Pace:
    """A clock and a way to wait, for whatever waits for the venue; a test puts one in its place that does not."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float):
        """Waits so many seconds."""
        await asyncio.sleep(seconds)
