"""Serves the owner's requests to a venue that runs: from this machine alone, with the token of this run."""

import hmac
import inspect
from collections.abc import Callable
from typing import Any, Literal

from aiohttp import hdrs, web

from acme_exchange.api import errors
from acme_exchange.api.faults import ClearRequest, FaultRequest, Faults, present
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Success
from acme_exchange.engine import Refused
from acme_exchange.input.addresses import is_loopback
from acme_exchange.store.progress import Progress

BASE = "/admin"
SCHEME = "Bearer "

Handler = Callable[[Any], Any]


class AdminInterface:
    """Requests below `/admin`, each with `Authorization: Bearer {token}`; bodies and answers as in Acme API §1.

    Everything is refused with 403 that does not come over loopback, or without the token.
    """

    def __init__(self, token: str, progress: Progress) -> None:
        self._token = token
        self._progress = progress
        self._routes: list[tuple[str, str, Handler]] = []

    def add(self, method: Literal["GET", "POST", "DELETE"], path: str, handler: Handler) -> None:
        """Adds a request; before the server starts.

        :param path: below `/admin`, such as `/faults`.
        :param handler: gets the JSON body (an empty object without one), returns the `result`, or an awaitable of it,
            and may raise :class:`Refused`.
        """
        self._routes.append((method, path, handler))

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for method, path, handler in self._routes:
            router.add_route(method, BASE + path, self._guarded(handler))

    def offer(self, faults: Faults) -> None:
        """Has faults be listed, set and cleared."""
        self.add("GET", "/faults", lambda fields: [present(fault) for fault in faults.all()])
        self.add("POST", "/faults", lambda fields: present(faults.set(FaultRequest.read(fields))))
        self.add("DELETE", "/faults", lambda fields: faults.clear(ClearRequest.read(fields).id))

    def _guarded(self, handler: Handler) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.Response:
            self._refuse_strangers(request)
            result = handler(_fields(await request.read()))
            if inspect.isawaitable(result):
                result = await result
            await self._progress.settle()
            return web.Response(body=codec.encode(Success(result=result)), content_type="application/json")

        return handle

    def _refuse_strangers(self, request: web.Request) -> None:
        given = request.headers.get(hdrs.AUTHORIZATION, "").encode("utf-8", "surrogateescape")
        has_token = hmac.compare_digest(given, f"{SCHEME}{self._token}".encode())
        if not has_token or not is_loopback(request.remote or ""):
            raise Refused(403, errors.NOT_AUTHORIZED)


def _fields(body: bytes) -> Any:
    try:
        return codec.decode(body) if body else {}
    except codec.InvalidJson:
        raise Refused(400, errors.invalid_parameter("body")) from None
