"""The venue on a socket."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from acme_exchange.api import access_log, description, errors
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.faults import Faults
from acme_exchange.api.feeds import Feeds
from acme_exchange.api.pacemaker import Pacemaker
from acme_exchange.api.rate_limits import RateLimits
from acme_exchange.api.rest import LARGEST_BODY_BYTES, RestInterface, failure, failures_in_envelopes
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
        """Adds them to the server's."""


class Server:
    """Serves one venue's REST and WebSocket interfaces.

    :ivar faults: what befalls clients; nothing, unless somebody asks for it.
    :ivar feeds: the WebSocket channels.
    :ivar page: what a browser shows.
    :ivar pacemaker: moves the market; started by :meth:`start`, unless told otherwise.
    """

    def __init__(
        self,
        venue: Venue,
        header_prefixes: Sequence[str] = (),
        fault_seed: int = 0,
        page_hosts: Sequence[str] = (),
    ) -> None:
        """
        :param header_prefixes: accepted in authentication headers besides `ACME`.
        :param fault_seed: decides which occasions a fault takes.
        :param page_hosts: names under which browsers reach the page, besides addresses and `localhost`.
        """
        self.faults = Faults(fault_seed, venue.clock, venue.progress)
        authenticator = Authenticator(venue.keys, venue.engine.has_account, self.faults.clock, header_prefixes)
        limits = RateLimits()
        self.feeds = Feeds(venue, self.faults.book)
        self._sockets = WebSocketInterface(self.feeds, authenticator, venue.clock, self.faults.outbox)
        self.pacemaker = Pacemaker(venue, self.feeds, limits, self._sockets)
        application = web.Application(
            middlewares=[self.faults.middleware, failures_in_envelopes], client_max_size=LARGEST_BODY_BYTES
        )
        rest = RestInterface(venue, self.faults.clock, authenticator, limits)
        rest.add_routes(application.router)
        self._sockets.add_routes(application.router)
        self.page = Page(venue, rest, self._sockets, authenticator, limits, self.faults, OriginCheck(page_hosts))
        self.page.add_routes(application.router)
        description.add_routes(application.router)
        self._router = application.router
        self._runner = _Runner(application, shutdown_timeout=SHUTDOWN_SECONDS)
        self._site: web.TCPSite | None = None

    def add(self, routes: Routes) -> None:
        """Adds what else may be asked; before it starts."""
        routes.add_routes(self._router)

    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._runner.connections)

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
        self._site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await self._site.start()
        if with_pacemaker:
            self.pacemaker.start()
        address, bound_port = self._runner.addresses[0][:2]
        scheme = "http" if tls is None else "https"
        return f"{scheme}://{f'[{address}]' if ':' in address else address}:{bound_port}"

    async def stop(self) -> None:
        """Tells every WebSocket client that the server goes away, closes, and gives the port back."""
        await self.pacemaker.stop()
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
        await self._sockets.close_all()
        await self._runner.cleanup()


class _Connection(web.RequestHandler):
    """A client's connection, on which also what is no HTTP is answered in the envelope (Acme API §1)."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        plain = super().handle_error(request, status, exc, message)
        # What the parser says of it repeats what was sent, which may be a secret.
        text = errors.TOO_LARGE if isinstance(exc, LineTooLong) else errors.MALFORMED_REQUEST
        answer = failure(plain.status, text)
        answer.force_close()
        return answer


class _Runner(web.AppRunner):
    """Serves an application on connections of that kind: aiohttp has no other place to say of which."""

    @property
    def connections(self) -> list[web.RequestHandler]:
        """Those that are open."""
        manager = super().server
        return manager.connections if manager else []

    @property
    def server(self) -> Callable[[], _Connection] | None:
        manager = super().server
        # A body is signed, and limited in size, as it comes: nothing is decompressed.
        return manager and partial(
            _Connection,
            manager,
            loop=asyncio.get_running_loop(),
            access_log=access_log.logger,
            access_log_class=access_log.AccessLogger,
            logger=http_logger,
            auto_decompress=False,
        )
