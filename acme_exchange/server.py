"""Serves a venue on a port: REST, WebSocket, the page and the owner's requests."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from acme_exchange.api import access_log, description
from acme_exchange.api.answering import add_headers
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.clients import Client
from acme_exchange.api.connection import HttpConnection
from acme_exchange.api.faults import Faults
from acme_exchange.api.feeds import Feeds
from acme_exchange.api.listener import Listener
from acme_exchange.api.pacemaker import Pacemaker
from acme_exchange.api.rate_limits import RateLimits
from acme_exchange.api.rest import LARGEST_BODY_BYTES, RestInterface, failures_in_envelopes
from acme_exchange.api.short_way import ShortWay
from acme_exchange.api.strangers import Strangers
from acme_exchange.api.websocket import WebSocketInterface
from acme_exchange.page.interface import Page
from acme_exchange.page.origin import OriginCheck
from acme_exchange.venue import Venue

SHUTDOWN_SECONDS = 2.0

http_logger = logging.getLogger("acme_exchange.http")
# What is no HTTP is the sender's mistake: it is answered with 400, and is no fault of the venue's to be traced.
http_logger.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))


class Routes(Protocol):
    """Requests that are answered besides the Acme API's."""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds the routes of this interface to the server's."""


class Server:
    """Serves one venue's REST and WebSocket interfaces.

    :ivar faults: what befalls clients; nothing, unless somebody asks for it.
    :ivar feeds: the WebSocket channels.
    :ivar page: what a browser shows.
    :ivar listener: who is let in; None before the start.
    :ivar pacemaker: moves the market; started by :meth:`start`, unless told otherwise.
    """

    def __init__(
        self, venue: Venue, header_prefixes: Sequence[str] = (), fault_seed: int = 0, page_hosts: Sequence[str] = ()
    ) -> None:
        """
        :param header_prefixes: accepted in authentication headers besides `ACME`.
        :param fault_seed: decides which occasions a fault takes.
        :param page_hosts: names under which browsers reach the page, besides addresses and `localhost`.
        """
        self.faults = Faults(fault_seed, venue.clock, venue.progress)
        authenticator = Authenticator(venue.keys, venue.is_open_to, self.faults.clock, header_prefixes)
        limits = RateLimits()
        self.feeds = Feeds(venue, self.faults.book)
        strangers = Strangers(limits, venue.clock)
        self._sockets = WebSocketInterface(self.feeds, authenticator, venue.clock, self.faults.outbox, strangers)
        venue.listen_for_revocations(self._sockets.close_revoked)
        self.pacemaker = Pacemaker(venue, self.feeds, limits, self._sockets)
        application = web.Application(
            middlewares=[self.faults.middleware, failures_in_envelopes, strangers.middleware],
            client_max_size=LARGEST_BODY_BYTES,
        )
        application.on_response_prepare.append(add_headers)
        rest = RestInterface(venue, self.faults.clock, authenticator, limits)
        rest.add_routes(application.router)
        self._short_way = ShortWay(venue, rest, strangers, self.faults)
        self._sockets.add_routes(application.router)
        self.page = Page(venue, rest, self._sockets, authenticator, limits, self.faults, OriginCheck(page_hosts))
        self.page.add_routes(application.router)
        description.add_routes(application.router)
        self._router = application.router
        self._runner = web.AppRunner(application, shutdown_timeout=SHUTDOWN_SECONDS)
        self.listener: Listener | None = None

    def add(self, routes: Routes) -> None:
        """Adds what else may be asked; before it starts."""
        routes.add_routes(self._router)

    def connections(self) -> int:
        """How many clients are connected now."""
        return 0 if self.listener is None else self.listener.connections()

    def bots(self, since: int) -> Counter[str]:
        """How many connections, apart from pages, are logged in to each account and have sent something since.

        :param since: microseconds.
        """
        return self._sockets.bots(since)

    async def start(self, host: str, port: int, with_pacemaker: bool = True, tls: ssl.SSLContext | None = None) -> str:
        """Listens, and from then on answers.

        :param port: 0 takes a free one.
        :param tls: what the server shows its clients; without it, nothing is encrypted.
        :param with_pacemaker: False leaves it to the caller to move the market, by `pacemaker.beat()`.
        :returns: the server's URL, without a path.
        :raises OSError: when the port is taken, or the host is none of this machine's.
        """
        self.pacemaker.beat()
        await self._runner.setup()
        self.listener = Listener(self._connection, tls)
        address, bound_port = await self.listener.open(host, port)
        if with_pacemaker:
            self.pacemaker.start()
        scheme = "http" if tls is None else "https"
        return f"{scheme}://{f'[{address}]' if ':' in address else address}:{bound_port}"

    async def stop(self) -> None:
        """Tells every WebSocket client that the server goes away, closes, and gives the port back."""
        await self.pacemaker.stop()
        if self.listener is not None:
            await self.listener.close()
        await self._sockets.close_all()
        await self._runner.cleanup()

    def _connection(self, client: Client) -> HttpConnection:
        manager = self._runner.server
        assert manager is not None, "a client came before the start"
        return HttpConnection(
            manager,
            client,
            self._short_way,
            loop=asyncio.get_running_loop(),
            access_log=access_log.logger,
            access_log_class=access_log.AccessLogger,
            logger=http_logger,
        )
