"""Serves the page's requests: its files, signing in and out, the API for whoever is signed in, and the channels.

All of it lies below `/page`, where alone the session's cookie is sent. Every request but the page itself has to come
from the page.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import hdrs, web
from pydantic import Field, StrictBool

from acme_exchange.accounts.keys import ApiKey, main_account, no_account
from acme_exchange.api import errors
from acme_exchange.api.access_log import ACCOUNT
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.faults import Faults
from acme_exchange.api.rate_limits import REQUESTS, Charge, RateLimits, charges
from acme_exchange.api.rest import RestInterface
from acme_exchange.api.routes import Route
from acme_exchange.api.websocket import WebSocketInterface
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Answer, Success, iso
from acme_exchange.api.wire.requests import Name, Request
from acme_exchange.engine import Refused
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.page import history
from acme_exchange.page.assets import STATIC_PATH, Assets
from acme_exchange.page.codes import OWNER, Codes, Grant
from acme_exchange.page.origin import OriginCheck
from acme_exchange.page.overview import owners_view
from acme_exchange.page.sessions import LASTS_SECONDS, PageSession, Sessions
from acme_exchange.venue import Venue

BASE = "/page"
LARGEST_SIGN_IN_BYTES = 4096

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
History = Callable[[Venue, ApiKey, Any], Awaitable[Answer | Sequence[Answer]]]


class CodeRequest(Request):
    """To sign in with a one-time code."""

    code: Name


class KeyRequest(Request):
    """To sign in with a key, whose secret has signed the time as a WebSocket's log-in does (Acme API §2)."""

    key: Name
    time: Name
    sign: Name
    subaccount: str = ""


class IssueRequest(Request):
    """To have a code made: for an account, or for the owner's view; of the first account when neither is named."""

    account: Name | None = None
    read_only: StrictBool = Field(False, alias="readOnly")
    owner: StrictBool = False


class Page:
    """The page's routes."""

    def __init__(
        self,
        venue: Venue,
        rest: RestInterface,
        sockets: WebSocketInterface,
        authenticator: Authenticator,
        limits: RateLimits,
        faults: Faults,
        origins: OriginCheck,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._sockets = sockets
        self._authenticator = authenticator
        self._limits = limits
        self._faults = faults
        self._origins = origins
        self._assets = Assets()
        self._sessions = Sessions(venue.keys, venue.clock)
        self._connections: dict[str, set[asyncio.Transport]] = {}
        self.codes = Codes(venue.clock)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("GET", "/", self._index)
        router.add_route("GET", f"{STATIC_PATH}/{{name}}", self._file)
        router.add_route("GET", f"{BASE}/session", self._own(self._who))
        router.add_route("POST", f"{BASE}/session", self._own(self._sign_in))
        router.add_route("DELETE", f"{BASE}/session", self._own(self._sign_out))
        router.add_route("GET", f"{BASE}/ws", self._own(self._channels))
        histories: dict[str, History] = {"equity": history.equity, "fills": history.fills, "ledger": history.ledger}
        for name, handler in histories.items():
            router.add_route("GET", f"{BASE}/{name}", self._own(self._of_account(handler)))
        router.add_route("GET", f"{BASE}/origin", self._own(self._origin))
        router.add_route("GET", f"{BASE}/owner", self._own(self._owners_view))
        self._rest.add_routes(router, f"{BASE}/api", self._admit)

    def add_to(self, admin: AdminInterface) -> None:
        """Has codes be asked for by `POST /admin/page`."""
        admin.add("POST", "/page", self._issue)

    def grant(self, account: str, read_only: bool = False) -> Grant:
        """What opens an account's page, by the first of its keys, one that may trade before one that may not.

        :raises Refused: 404, there is no such account; 400, it has no key.
        """
        if not self._venue.engine.has_account(account):
            raise Refused(404, no_account(account))
        names = (account, main_account(account))
        keys = [key for key in self._venue.keys.values() if key.account in names]
        if not keys:
            raise Refused(400, f"{account} has no key; account keys {account} --create makes one")
        key = min(keys, key=lambda key: (names.index(key.account), key.read_only))
        return Grant(key.key, account, read_only)

    def address(self, url: str, grant: Grant) -> str:
        """Where a browser is signed in, once, within ten minutes. What follows the # is not sent over the network.

        :param url: the venue's, without a path.
        """
        return f"{url}/#code={self.codes.issue(grant)}"

    def _issue(self, fields: Any) -> dict[str, str]:
        asked = IssueRequest.read(fields)
        name = asked.account or next(iter(self._venue.engine.account_names()), "")
        grant = OWNER if asked.owner else self.grant(name, asked.read_only)
        return {"account": grant.account, "path": self.address("", grant)}

    async def _index(self, request: web.Request) -> web.StreamResponse:
        self._origins.require_host(request)
        return self._assets.index()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self._origins.require_host(request)
        return self._assets.file(request.match_info["name"])

    def _own(self, handler: Handler) -> Handler:
        """The handler, for requests of the page alone."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._origins.require(request)
            return await handler(request)

        return handle

    async def _who(self, request: web.Request) -> web.Response:
        return _answer(self._described(self._session(request)))

    async def _sign_in(self, request: web.Request) -> web.Response:
        self._limits.admit([Charge(REQUESTS, (BASE, request.remote))], self._venue.clock.now())
        if request.content_length is None or request.content_length > LARGEST_SIGN_IN_BYTES:
            raise Refused(413, errors.TOO_LARGE)
        cookie = self._sessions.open(self._grant(await request.read()))
        answer = _answer(self._described(self._sessions.find(cookie)))
        answer.set_cookie(
            _cookie_name(request),
            cookie,
            max_age=LASTS_SECONDS,
            path=BASE,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return answer

    def _grant(self, body: bytes) -> Grant:
        """What a sign-in opens.

        :raises Refused: 401, the code or the signature is not valid; 400, it is neither.
        """
        try:
            fields = codec.decode(body)
        except codec.InvalidJson:
            raise Refused(400, errors.invalid_parameter("body")) from None
        if isinstance(fields, dict) and "code" in fields:
            grant = self.codes.redeem(CodeRequest.read(fields).code)
            if grant.key is not None and grant.key not in self._venue.keys:
                raise Refused(401, errors.INVALID_API_KEY)
            return grant
        asked = KeyRequest.read(fields)
        key = self._authenticator.login(asked.key, asked.sign, asked.time, asked.subaccount)
        return Grant(key.key, key.account)

    async def _sign_out(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is not None:
            self._sessions.end(session)
            for transport in self._connections.get(session.id, ()):
                transport.abort()
        answer = _answer(self._described(None))
        answer.del_cookie(_cookie_name(request), path=BASE)
        return answer

    def _of_account(self, handler: History) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            key = self._admitted(request, None)
            if key is None:
                raise Refused(401, errors.NOT_LOGGED_IN)
            result = await handler(self._venue, key, request.query)
            await self._venue.progress.settle()
            return _answer(result)

        return handle

    async def _origin(self, request: web.Request) -> web.Response:
        """Whose prices a market's are, in words; null where they are simulated."""
        self._admitted(request, None)
        origin = self._venue.origins.get(request.query.get("market", ""))
        return _answer(origin() if origin else None)

    async def _owners_view(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if session is None or not session.is_owner:
            raise Refused(401, errors.NOT_LOGGED_IN)
        self._limits.admit([Charge(REQUESTS, (BASE, session.id))], self._venue.clock.now())
        return _answer(await owners_view(self._venue, self._sockets, self._faults))

    async def _channels(self, request: web.Request) -> web.WebSocketResponse:
        session = self._session(request)
        transport = request.transport
        if session is None or transport is None:
            return await self._sockets.serve(request)
        connections = self._connections.setdefault(session.id, set())
        connections.add(transport)
        try:
            return await self._sockets.serve(request, session.key)
        finally:
            connections.discard(transport)
            if not connections:
                self._connections.pop(session.id, None)

    def _admit(self, route: Route, request: web.Request, body: bytes) -> ApiKey | None:
        """Who asks, by the page's session, as the API asks it of a signature. The page has limits of its own: it
        neither uses up what a bot on the same machine, or of the same account, may ask, nor waits for it."""
        self._origins.require(request)
        key = self._admitted(request, route)
        if not route.private:
            return None
        if key is None:
            raise Refused(401, errors.NOT_LOGGED_IN)
        return key

    def _admitted(self, request: web.Request, route: Route | None) -> ApiKey | None:
        """Whose session it is, with the request counted."""
        session = self._session(request)
        key = session.key if session else None
        owner = session.id if session else request.remote
        if key is not None:
            request[ACCOUNT] = key.account
        counts, counted = route.counts if route else "request", Charge(REQUESTS, (BASE, owner))
        self._limits.admit(charges(counts, counted, key, self._venue.store.keyring), self._venue.clock.now())
        return key

    def _described(self, session: PageSession | None) -> dict[str, Any]:
        key = session.key if session else None
        return {
            "account": key.account if key else None,
            "readOnly": key.read_only if key else True,
            "owner": session is not None and session.is_owner,
            "time": iso(self._venue.clock.now()),
        }

    def _session(self, request: web.Request) -> PageSession | None:
        return self._sessions.find(request.cookies.get(_cookie_name(request)))


def _cookie_name(request: web.Request) -> str:
    """Browsers give cookies to every port of a name: two venues on a machine must not overwrite one another's."""
    return f"acme_page_{request.url.port}"


def _answer(result: Any) -> web.Response:
    return web.Response(
        body=codec.encode(Success(result=result)),
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )
