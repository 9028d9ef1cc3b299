"""Serves WebSocket over aiohttp, with one reader and one writer for each client (Acme API §6)."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from aiohttp import WSCloseCode, WSMsgType, web

from acme_exchange.accounts.keys import ApiKey
from acme_exchange.api import errors
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.connection import connection_of
from acme_exchange.api.feeds import Feeds
from acme_exchange.api.frame_heads import text_frames
from acme_exchange.api.frame_meter import LARGEST_FRAME_BYTES
from acme_exchange.api.outbox import Outbox
from acme_exchange.api.rate_limits import REQUESTS, STRANGERS
from acme_exchange.api.session import Session
from acme_exchange.api.strangers import COUNTED, Strangers
from acme_exchange.api.wire import frames
from acme_exchange.clock import Clock
from acme_exchange.engine import Refused
from acme_exchange.store.progress import StoreFailed

PATH = "/ws/"
CLOSE_SECONDS = 1.0

MakeOutbox = Callable[[Callable[[], None], Callable[[int], None]], Outbox]
"""Makes what waits for a client, told how to cut it off, and who counts what waits for all of them."""

logger = logging.getLogger(__name__)


class Connection:
    """A client's socket, with what it has asked for and what waits for it."""

    def __init__(
        self,
        request: web.Request,
        feeds: Feeds,
        authenticator: Authenticator,
        clock: Clock,
        make_outbox: MakeOutbox,
        strangers: Strangers,
        key: ApiKey | None = None,
    ) -> None:
        # One frame is encoded once for all its readers; compressing it for each of them would undo that.
        self.socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=LARGEST_FRAME_BYTES, timeout=CLOSE_SECONDS
        )
        self.is_page = key is not None
        self._request = request
        self._connection = connection_of(request)
        self._outbox = make_outbox(self._abort, self._connection.client.hold)
        self._strangers = strangers
        count = partial(strangers.refuse_flood, STRANGERS, request.remote)
        self.session = Session(self._outbox, feeds, authenticator, clock, key, count)
        self._is_open = False
        self._all_sent = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until the client goes, or the connection is closed from this side."""
        self._connection.refuse_frame = partial(self.begin_to_close, WSCloseCode.MESSAGE_TOO_BIG)
        await self.socket.prepare(self._request)
        self._is_open = True
        self._send_next()
        try:
            await self._read()
        except ConnectionError:
            logger.debug("a WebSocket client went away while it was answered")
        finally:
            self.session.close()
            self._is_open = False
            self._outbox.end()

    def begin_to_close(self, code: int) -> None:
        """Closes from this side, without waiting for it."""
        if self._closing is None:
            self._closing = asyncio.create_task(self.close(code))

    async def close(self, code: int) -> None:
        """Closes from this side; a client that does not take part in that is cut off."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.socket.close(code=code)
        except TimeoutError:
            self._abort()

    async def say_goodbye(self) -> None:
        """Sends what still waits, then that the server goes away, and closes."""
        if not self._is_open:
            self._abort()
            return
        self._outbox.put(frames.going_away())
        self._outbox.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_sent.wait(), CLOSE_SECONDS)
        await self.close(WSCloseCode.GOING_AWAY)

    async def _read(self) -> None:
        async for message in self.socket:
            self.session.heard()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.session.receive(message.data)
                if self.session.key is not None:
                    self._connection.client.authenticated()
            elif message.type is WSMsgType.PING:
                await self.socket.pong(message.data)
            await asyncio.sleep(0)
            if self.session.key is None:
                await self._strangers.wait_for_turn(self._request.remote)
            await self._outbox.room()
            self._connection.frame_handled()

    def _send_next(self) -> None:
        """A piece for each reader at a time, so that an answer never waits for all that all of them are sent."""
        self._outbox.call(self._send)

    def _send(self) -> None:
        try:
            taken = [] if self.socket.closed or not self._is_open else self._outbox.take()
            if taken:
                self._connection.send(text_frames(taken), self._send_next)
                return
        except ConnectionError:
            logger.debug("a WebSocket client went away with frames unsent")
        except StoreFailed:
            self._abort()
        self._all_sent.set()

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


class WebSocketInterface:
    """Accepts clients and keeps them until they go, fall silent, read too slowly, or the server ends."""

    def __init__(
        self, feeds: Feeds, authenticator: Authenticator, clock: Clock, make_outbox: MakeOutbox, strangers: Strangers
    ) -> None:
        self._feeds = feeds
        self._authenticator = authenticator
        self._clock = clock
        self._make_outbox = make_outbox
        self._strangers = strangers
        self._connections: set[Connection] = set()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("GET", PATH, self._serve)
        router.add_route("GET", PATH.rstrip("/"), self._serve)

    def logged_in(self) -> Iterator[tuple[ApiKey, bool]]:
        """The key of each connection that has logged in, and whether it is a browser's page."""
        for connection in self._connections:
            if key := connection.session.key:
                yield key, connection.is_page

    def bots(self, since: int) -> Counter[str]:
        """How many connections, apart from pages, are logged in to each account and have sent something since.

        :param since: microseconds.
        """
        return Counter(
            connection.session.key.account
            for connection in self._connections
            if connection.session.key and not connection.is_page and connection.session.last_heard >= since
        )

    def close_silent(self) -> None:
        """Closes the clients that have sent nothing for 60 s, without waiting for any of them, and forgets what those
        had sent who send nothing any more."""
        self._strangers.forget_silent()
        for connection in self._connections:
            if connection.session.is_silent():
                connection.begin_to_close(WSCloseCode.POLICY_VIOLATION)

    def close_revoked(self, key: str) -> None:
        """Closes the clients that have logged in with a key, now that it is revoked."""
        for connection in self._connections:
            if connection.session.key is not None and connection.session.key.key == key:
                connection.session.close()
                connection.begin_to_close(WSCloseCode.POLICY_VIOLATION)

    async def close_all(self) -> None:
        """Tells every client that the server goes away, and closes."""
        await asyncio.gather(*(connection.say_goodbye() for connection in self._connections))

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        return await self.serve(request)

    async def serve(self, request: web.Request, key: ApiKey | None = None) -> web.WebSocketResponse:
        """Serves a client until it goes.

        :param key: with which it is logged in from the beginning.
        """
        if key is None:
            self._strangers.refuse_flood(REQUESTS, request.remote)
        request[COUNTED] = True
        client = connection_of(request).client
        if key is not None:
            client.authenticated()
        if not client.may_listen():
            raise Refused(429, errors.TOO_MANY_CONNECTIONS)
        connection = Connection(
            request, self._feeds, self._authenticator, self._clock, self._make_outbox, self._strangers, key
        )
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.remove(connection)
        return connection.socket
