"""Estimates the venue's clock from its answers."""

from typing import Awaitable, Optional

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_web_utils as web_utils
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.api_throttler.async_throttler_base import AsyncThrottlerBase


class VenueClock(TimeSynchronizer):
    """Hummingbot's clock, for one that is read several times with each order.

    The parent class works out the offset of its samples with every reading, and logs a traceback when the venue cannot
    be asked: whoever needed the time then fails in words of his own.
    """

    def __init__(self, throttler: AsyncThrottlerBase, domain: str):
        super().__init__()
        self._throttler = throttler
        self._domain = domain
        self._known_offset_ms: Optional[float] = None

    @property
    def time_offset_ms(self) -> float:
        if not self._time_offset_ms:
            return super().time_offset_ms
        if self._known_offset_ms is None:
            self._known_offset_ms = float(super().time_offset_ms)
        return self._known_offset_ms

    def add_time_offset_ms_sample(self, offset: float):
        self._known_offset_ms = None
        super().add_time_offset_ms_sample(offset)

    def clear_time_offset_ms_samples(self):
        self._known_offset_ms = None
        super().clear_time_offset_ms_samples()

    @property
    def is_known(self) -> bool:
        """Whether the venue was asked for its time."""
        return bool(self._time_offset_ms)

    async def venue_time(self) -> float:
        """Seconds since the epoch, by the venue's clock, which is asked the first time."""
        if not self.is_known:
            await self.update_server_time_if_not_initialized(
                web_utils.get_current_server_time(throttler=self._throttler, domain=self._domain)
            )
        return self.time()

    async def update_server_time_offset_with_time_provider(self, time_provider: Awaitable):
        """Takes a sample; leaves the clock as it is when there is none to be had."""
        asked_at_ms = self._current_seconds_counter() * 1e3
        try:
            venue_time_ms = await time_provider
        except (OSError, ValueError) as error:
            self.logger().debug(f"The venue's time is not known: {error}")
            return
        answered_at_ms = self._current_seconds_counter() * 1e3
        self.add_time_offset_ms_sample(venue_time_ms - (asked_at_ms + answered_at_ms) / 2)
