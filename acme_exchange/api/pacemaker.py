"""Does at intervals what no client asks for: moves the markets, sends gathered frames, and disconnects silent
clients."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from acme_exchange.api.feeds import Feeds
from acme_exchange.api.rate_limits import RateLimits
from acme_exchange.api.turns import in_turns
from acme_exchange.api.websocket import WebSocketInterface
from acme_exchange.venue import Venue

MARKET_SECONDS = 0.1
GATHERED_SECONDS = 0.05
REPEATED_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Pacemaker:
    """Moves the market and sends what is sent at intervals, giving way to clients every few milliseconds."""

    def __init__(self, venue: Venue, feeds: Feeds, limits: RateLimits, sockets: WebSocketInterface) -> None:
        self._venue = venue
        self._feeds = feeds
        self._limits = limits
        self._sockets = sockets
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_repeat(self._venue.pulse, MARKET_SECONDS)),
            asyncio.create_task(_repeat(self._feeds.send_gathered, GATHERED_SECONDS)),
            asyncio.create_task(_repeat(self._once_a_second, REPEATED_SECONDS)),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def beat(self) -> None:
        """Does everything once, at once: for whoever moves the clock by hand."""
        for steps in (self._venue.pulse, self._feeds.send_gathered, self._once_a_second):
            for _ in steps():
                pass

    def _once_a_second(self) -> Iterable[None]:
        yield from self._feeds.send_repeated()
        self._limits.forget_silent(self._venue.clock.now())
        self._sockets.close_silent()


async def _repeat(steps: Callable[[], Iterable[Any]], seconds: float) -> None:
    while True:
        try:
            await in_turns(steps())
        except Exception:
            logger.exception("the venue could not do what it does every %s s; it goes on", seconds)
        await asyncio.sleep(seconds)
