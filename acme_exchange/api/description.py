"""Serves the API's description: `/api/openapi.json` for programs, and `/api/docs` for people, by Swagger UI, from this
server alone."""

from collections.abc import Awaitable, Callable
from functools import cache

from aiohttp import hdrs, web

from acme_exchange.api.openapi import describe
from acme_exchange.api.packages import file_of_package
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
<form id="signing" autocomplete="off">
<p>Private requests are signed here, in the browser, with the key and secret that you enter: they stay in this page, and
are forgotten with it. What you send trades for that account.</p>
<label>Key <input id="key" size="36" spellcheck="false"></label>
<label>Secret <input id="secret" type="password" size="48" autocomplete="off"></label>
<label>Subaccount <input id="subaccount" size="16" spellcheck="false"></label>
<p id="signing-trouble" role="alert"></p>
</form>
<div id="page"></div>
<script src="{PAGE_PATH}/swagger-ui-bundle.js"></script>
<script src="{PAGE_PATH}/start.js"></script>
</body>
</html>
"""
START = f"""const field = (id) => document.getElementById(id).value.trim();
const bytes = (text) => new TextEncoder().encode(text);

document.getElementById("signing").addEventListener("submit", (event) => event.preventDefault());

async function signature(secret, text) {{
  const algorithm = {{ name: "HMAC", hash: "SHA-256" }};
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const signed = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text)));
  return Array.from(signed, (byte) => byte.toString(16).padStart(2, "0")).join("");
}}

// The venue's own time: this machine's clock may differ from it.
async function now() {{
  const answer = await (await fetch("/api/time")).json();
  return String(Date.parse(answer.result));
}}

async function signed(request) {{
  const url = new URL(request.url, location.href);
  const secret = field("secret");
  const isOurs = url.origin === location.origin && url.pathname.startsWith("/api/");
  if (!field("key") || !secret || !isOurs || url.pathname === "{DESCRIPTION_PATH}") return request;
  const trouble = document.getElementById("signing-trouble");
  trouble.textContent = "";
  if (!globalThis.crypto?.subtle) {{
    trouble.textContent = "Browsers sign only on pages that come over https, or from this machine.";
    return request;
  }}
  const time = await now();
  const target = url.pathname + url.search;
  request.headers["ACME-KEY"] = field("key");
  request.headers["ACME-TS"] = time;
  request.headers["ACME-SIGN"] = await signature(
    secret, time + request.method.toUpperCase() + target + (request.body ?? ""));
  if (field("subaccount")) request.headers["ACME-SUBACCOUNT"] = encodeURIComponent(field("subaccount"));
  return request;
}}

SwaggerUIBundle({{
  url: "{DESCRIPTION_PATH}",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: signed,
}});
"""
# Swagger UI sets styles of its own in the page, and has pictures within its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src "
    "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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


def _file(name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def handle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(file_of_package("swagger_ui", "static", name))

    return handle
