"""The venue on a socket."""

from collections.abc import Sequence

from aiohttp import web

from acme_exchange.api.admin import AdminInterface
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.feeds import Feeds
from acme_exchange.api.pacemaker import Pacemaker
from acme_exchange.api.rate_limits import RateLimits
from acme_exchange.api.rest import LARGEST_BODY_BYTES, RestInterface, failures_in_envelopes
from acme_exchange.api.websocket import WebSocketInterface
from acme_exchange.venue import Venue

SHUTDOWN_SECONDS = 2.0


class Server:
    """Serves one venue's REST and WebSocket interfaces.

    :ivar feeds: the WebSocket channels.
    :ivar pacemaker: moves the market; started by :meth:`start`, unless told otherwise.
    """

    def __init__(self, venue: Venue, header_prefixes: Sequence[str] = (), admin: AdminInterface | None = None) -> None:
        """
        :param header_prefixes: accepted in authentication headers besides `ACME`.
        :param admin: what the owner may ask while it runs; nothing when absent.
        """
        authenticator = Authenticator(venue.keys, header_prefixes)
        limits = RateLimits()
        self.feeds = Feeds(venue)
        self._sockets = WebSocketInterface(self.feeds, authenticator, venue.clock, venue.progress)
        self.pacemaker = Pacemaker(venue, self.feeds, limits, self._sockets)
        application = web.Application(middlewares=[failures_in_envelopes], client_max_size=LARGEST_BODY_BYTES)
        RestInterface(venue, authenticator, limits).add_routes(application.router)
        self._sockets.add_routes(application.router)
        if admin is not None:
            admin.add_routes(application.router)
        # A body is signed, and limited in size, as it comes: nothing is decompressed.
        self._runner = web.AppRunner(
            application, access_log=None, auto_decompress=False, shutdown_timeout=SHUTDOWN_SECONDS
        )
        self._site: web.TCPSite | None = None

    async def start(self, host: str, port: int, with_pacemaker: bool = True) -> str:
        """Listens, and from then on answers.

        :param port: 0 takes a free one.
        :param with_pacemaker: False leaves it to the caller to move the market, by `pacemaker.beat()`.
        :returns: the server's URL, without a path.
        :raises OSError: when the port is taken, or the host is none of this machine's.
        """
        self.pacemaker.beat()
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()
        if with_pacemaker:
            self.pacemaker.start()
        address, bound_port = self._runner.addresses[0][:2]
        return f"http://{f'[{address}]' if ':' in address else address}:{bound_port}"

    async def stop(self) -> None:
        """Tells every WebSocket client that the server goes away, closes, and gives the port back."""
        await self.pacemaker.stop()
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
        await self._sockets.close_all()
        await self._runner.cleanup()

