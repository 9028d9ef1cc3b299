"""Limits how much an address may ask without a valid key: requests, files and WebSocket messages (Acme API §3)."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from acme_exchange.api.access_log import ACCOUNT
from acme_exchange.api.answering import http_failure
from acme_exchange.api.connection import connection_of
from acme_exchange.api.rate_limits import FILES, STRANGERS, Bucket, Charge, RateLimits, TooManyRequests
from acme_exchange.clock import Clock

MESSAGES_A_SECOND = 50
MESSAGES_AT_ONCE = 400
"""What an address may send over WebSockets that have not logged in: what comes faster has to wait, and is not read
meanwhile. A bot that begins subscribes to a few channels of each of its markets."""

COUNTED = "counted"
"""Under which a request says that it counts already, in a limit of its own."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Strangers:
    """Limits, for each address, what the limits of the API's own requests do not count."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._next_message: dict[str | None, float] = {}

    def refuse_flood(self, bucket: Bucket, address: str | None) -> None:
        """Counts one request.

        :raises TooManyRequests: the address has asked too much.
        """
        self._limits.admit([Charge(bucket, address)], self._clock.now())

    async def wait_for_turn(self, address: str | None) -> None:
        """Counts one message over a WebSocket, and waits as long as its address has sent too many."""
        now = asyncio.get_running_loop().time()
        due = max(now, self._next_message.get(address, now)) + 1 / MESSAGES_A_SECOND
        self._next_message[address] = due
        ahead = due - now - MESSAGES_AT_ONCE / MESSAGES_A_SECOND
        if ahead > 0:
            await asyncio.sleep(ahead)

    def forget_silent(self) -> None:
        """Drops what is known of addresses that send nothing."""
        now = asyncio.get_running_loop().time()
        for address in [address for address, due in self._next_message.items() if due <= now]:
            del self._next_message[address]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Counts a request that has not been, once it is known how it ends: none of those changes anything."""
        if (nowhere := request.match_info.http_exception) is not None:
            # Not raised: it would stay in memory with all that it was raised in, until garbage is looked for.
            self.refuse_flood(STRANGERS, request.remote)
            return http_failure(nowhere)
        try:
            answer = await handler(request)
        except TooManyRequests:
            raise
        except Exception:
            if COUNTED not in request:
                self.refuse_flood(STRANGERS, request.remote)
            raise
        if ACCOUNT in request:
            connection_of(request).client.authenticated()
        elif COUNTED not in request:
            self.refuse_flood(FILES, request.remote)
        return answer
