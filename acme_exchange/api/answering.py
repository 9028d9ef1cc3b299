"""Makes the answers to requests that fail, and adds the headers that every answer has (Acme API §1)."""

from aiohttp import hdrs, web

from acme_exchange.api import errors
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Failure

HEADERS = {hdrs.SERVER: "acme", "X-Content-Type-Options": "nosniff"}
"""Of every answer: no version of anything, and that a browser is to take it for what it is said to be."""

HTTP_FAILURES = {404: errors.UNKNOWN_PATH, 405: errors.WRONG_METHOD, 413: errors.TOO_LARGE}


def failure(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """The answer to a request that failed, in the API's envelope."""
    body = codec.encode(Failure(error=text))
    return web.Response(status=status, body=body, headers=HEADERS | (headers or {}), content_type="application/json")


def http_failure(error: web.HTTPException) -> web.Response:
    """The answer to a request that aiohttp refuses, in the API's envelope, with aiohttp's header of allowed methods."""
    allowed = {name: value for name, value in error.headers.items() if name == hdrs.ALLOW}
    return failure(error.status, HTTP_FAILURES.get(error.status, error.reason), allowed)


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Adds the headers of every answer to one; to be called before it is sent."""
    for name, value in HEADERS.items():
        response.headers[name] = value
