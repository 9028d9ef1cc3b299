"""Serves REST over aiohttp: authentication, rate limits and envelopes around the table of routes (Acme API §1 to
§3)."""

import inspect
import logging
import math
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from aiohttp import hdrs, web

from acme_exchange.accounts.keys import ApiKey
from acme_exchange.api import errors
from acme_exchange.api.access_log import ACCOUNT, SOURCE
from acme_exchange.api.answering import HEADERS, failure, http_failure
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.rate_limits import REQUESTS, Charge, RateLimits, TooManyRequests, charges
from acme_exchange.api.routes import ROUTES, Call, Paged, Route
from acme_exchange.api.strangers import COUNTED
from acme_exchange.api.turns import in_turns
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Success
from acme_exchange.clock import Clock
from acme_exchange.engine import Refused
from acme_exchange.store.progress import StoreFailed
from acme_exchange.venue import Venue

BASE = "/api"
LARGEST_BODY_BYTES = 64 * 1024
PATH_PATTERNS = {"market": ".+", "future": ".+", "order_id": "(?!history$)[^/]+"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Admit = Callable[[Route, web.Request, bytes], ApiKey | None]
"""Who makes a request of a route with a body; refuses those who may not."""

logger = logging.getLogger(__name__)


class Asked(Protocol):
    """What is looked at of a request, and what is noted of it; aiohttp's are such."""

    @property
    def method(self) -> str: ...

    @property
    def raw_path(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def remote(self) -> str | None: ...

    @property
    def match_info(self) -> Mapping[str, str]: ...

    def __setitem__(self, name: str, value: Any, /) -> None: ...


class RestInterface:
    """Answers every route of the table."""

    def __init__(self, venue: Venue, clock: Clock, authenticator: Authenticator, limits: RateLimits) -> None:
        """
        :param clock: what time it is, as clients are told.
        """
        self._venue = venue
        self._clock = clock
        self._authenticator = authenticator
        self._limits = limits

    def add_routes(self, router: web.UrlDispatcher, base: str = BASE, admit: Admit | None = None) -> None:
        """
        :param base: what all paths begin with.
        :param admit: who asks, in place of who has signed the request.
        """
        for route in ROUTES:
            router.add_route(route.method, base + _pattern(route.path), self._handler(route, admit or self._admit))
        router.add_route("GET", base, self._handler(ROUTES[0], admit or self._admit))

    def _handler(self, route: Route, admit: Admit) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            body = await _body(request)
            key = admit(route, request, body)
            call = self._understood(route, request, key, body if route.writes else request.query)
            if route.writes:
                await self._venue.delay()
            result = route.handler(call)
            if inspect.isawaitable(result):
                result = await result
            elif isinstance(result, Iterator):
                result = await in_turns(result)
            await self._venue.progress.settle()
            return _success(result)

        return handle

    def carry_out(self, route: Route, request: Asked, body: bytes) -> bytes:
        """The body of the answer to a request whose handler is done at once; for its asker once it is kept.

        :raises Exception: what `failed` explains.
        """
        call = self._understood(route, request, self._admit(route, request, body), body)
        return codec.encode(Success(result=route.handler(call)))

    def _understood(self, route: Route, request: Asked, key: ApiKey | None, given: bytes | Mapping[str, str]) -> Call:
        """What is asked for.

        :param given: where the parameters are: a read's query, a write's body.
        """
        if key and route.writes and key.read_only:
            raise Refused(403, errors.NOT_AUTHORIZED)
        request[COUNTED] = True
        fields = _fields(given) if isinstance(given, bytes) else given
        account = key.account if key else ""
        self._look_at(request.match_info)
        parameters = route.parameters.read(fields)
        self._note_source(request, getattr(parameters, "market", None))
        behind = self._authenticator.behind(request.headers) if route.writes else 0
        return Call(self._venue, self._clock, account, request.match_info, parameters, behind)

    def _look_at(self, path: Mapping[str, str]) -> None:
        for name in ("market", "future"):
            if name in path:
                self._venue.look_at(path[name])

    def _note_source(self, request: Asked, market: str | None) -> None:
        path = request.match_info
        source = self._venue.engine.source(path.get("market") or path.get("future") or market or "")
        if source is not None:
            request[SOURCE] = source

    def _admit(self, route: Route, request: Asked, body: bytes) -> ApiKey | None:
        """Who asks, once it is clear that they may, and may now.

        A request that fails to prove who it is from counts for its address, as all that strangers are refused does:
        guessing keys is not free, and nobody uses up the limit of a key that they do not have.
        """
        now = self._venue.clock.now()
        if not route.private:
            self._limits.admit([Charge(REQUESTS, request.remote)], now)
            return None
        # An empty query is signed without its question mark (Acme API §2).
        target = request.raw_path.removesuffix("?")
        signed = f"{request.method}{target}".encode("utf-8", "surrogateescape") + body
        key = self._authenticator.request(request.headers, signed)
        request[ACCOUNT] = key.account
        allowed = self._venue.store.keyring
        counted = Charge(REQUESTS, key.key, allowed.most_requests(key.key))
        self._limits.admit(charges(route.counts, counted, key, allowed), now)
        return key


@web.middleware
async def failures_in_envelopes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is answered as Acme API §1 and §7 say."""
    try:
        return await handler(request)
    except Exception as error:
        return failed(error, request.method, request.path)


def failed(error: Exception, *request: str) -> web.Response:
    """The answer to what went wrong.

    :param request: its method and its path, for the log.
    """
    if isinstance(error, Refused):
        return failure(error.status, error.text)
    if isinstance(error, TooManyRequests):
        retry_after = f"{math.ceil(error.retry_after * 1000) / 1000:.3f}"
        answer = failure(429, error.text, {hdrs.RETRY_AFTER: retry_after})
        if error.is_flood:
            answer.force_close()
        return answer
    if isinstance(error, web.HTTPException):
        return http_failure(error)
    incident = uuid.uuid4().hex
    # Of a store that has failed, the venue says why itself, and ends.
    if not isinstance(error, StoreFailed):
        logger.error("incident %s: %s failed", incident, " ".join(request), exc_info=error)
    return failure(500, errors.unexpected(incident))


def _pattern(path: str) -> str:
    """The path as the router reads it: a market's name may hold a `/`, and an order's id is not another path's word."""
    for name, pattern in PATH_PATTERNS.items():
        path = path.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
    return path


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError) as error:
        # The body's reader keeps the error, and that what was read: until the next collection of garbage, otherwise.
        error.__traceback__ = None
        raise Refused(400, errors.invalid_parameter("body")) from None


def _fields(body: bytes) -> object:
    """The parameters of a write, as they came."""
    if not body:
        return {}
    try:
        return codec.decode(body)
    except codec.InvalidJson:
        raise Refused(400, errors.invalid_parameter("body")) from None


def _success(result: object) -> web.Response:
    if isinstance(result, Paged):
        answer = Success(result=result.result, has_more_data=result.has_more_data)
    else:
        answer = Success(result=result)
    return web.Response(body=codec.encode(answer), headers=HEADERS, content_type="application/json")
