"""`/api/openapi.json`, and `/api/docs`: the same for people, by Swagger UI, from this server alone."""

from functools import cache

from aiohttp import hdrs, web
from openapi_ui_bundles import swagger_ui

from acme_exchange.api.openapi import describe
from acme_exchange.api.routes import ROUTES
from acme_exchange.api.wire import codec

DESCRIPTION_PATH = "/api/openapi.json"
PAGE_PATH = "/api/docs"
ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>The Acme API</title>
<link rel="stylesheet" href="{PAGE_PATH}/swagger-ui.css">
<link rel="icon" href="{PAGE_PATH}/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="{PAGE_PATH}/swagger-ui-bundle.js"></script>
<script src="{PAGE_PATH}/start.js"></script>
</body>
</html>
"""
# Private requests are signed, which the page cannot do: only what is public can be tried out there.
START = f"""SwaggerUIBundle({{
  url: "{DESCRIPTION_PATH}",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  supportedSubmitMethods: ["get"],
}});
"""
# Swagger UI sets styles of its own in the page, and has pictures within its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


def add_routes(router: web.UrlDispatcher) -> None:
    router.add_route(hdrs.METH_GET, DESCRIPTION_PATH, _describe)
    _add(router, PAGE_PATH, PAGE.encode(), "text/html", {"Content-Security-Policy": POLICY})
    _add(router, f"{PAGE_PATH}/start.js", START.encode(), "text/javascript")
    for name in ASSETS:
        router.add_route(hdrs.METH_GET, f"{PAGE_PATH}/{name}", _file(name))


async def _describe(request: web.Request) -> web.Response:
    return web.Response(body=_description(), content_type="application/json")


@cache
def _description() -> bytes:
    """Made for the first who asks: it takes a good part of a start, and most venues are never asked."""
    return codec.encode(describe(ROUTES))


def _add(
    router: web.UrlDispatcher, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, headers=headers)

    router.add_route(hdrs.METH_GET, path, handle)


def _file(name: str):
    async def handle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(swagger_ui.static_path / name)

    return handle
