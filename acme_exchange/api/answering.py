"""The envelopes of answers, and what every answer says in its head (Acme API §1)."""

from aiohttp import hdrs, web

from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Failure

HEADERS = {hdrs.SERVER: "acme", "X-Content-Type-Options": "nosniff"}
"""Of every answer: no version of anything, and that a browser is to take it for what it is said to be."""


def failure(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """The envelope of whatever did not succeed."""
    body = codec.encode(Failure(error=text))
    return web.Response(status=status, body=body, headers=HEADERS | (headers or {}), content_type="application/json")


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Has an answer say what every answer says; to be called before it is sent."""
    for name, value in HEADERS.items():
        response.headers[name] = value
