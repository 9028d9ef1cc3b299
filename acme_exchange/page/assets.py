"""Serves the page's own files, and the chart library's, from this server alone."""

from importlib import resources
from pathlib import Path

from aiohttp import hdrs, web

from acme_exchange.api.packages import file_of_package
from acme_exchange.engine import Refused

STATIC_PATH = "/page/static"
CHART_LIBRARY = "lightweight-charts.js"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A browser asks each time whether a file has changed: after an update nobody sees half of the old page.
    hdrs.CACHE_CONTROL: "no-cache",
}


class Assets:
    """Answers with files, and with 304 where the browser has them already."""

    def __init__(self) -> None:
        folder = Path(str(resources.files("acme_exchange.page") / "static"))
        self._files = {path.name: path for path in folder.iterdir() if path.suffix in TYPES}

    def index(self) -> web.FileResponse:
        """The page itself."""
        return _file(self._files["index.html"])

    def file(self, name: str) -> web.FileResponse:
        """:raises Refused: 404, there is no such file, or the chart library is not installed."""
        if name == CHART_LIBRARY:
            return _file(_chart_library())
        if name not in self._files:
            raise Refused(404, "Not found")
        return _file(self._files[name])


def _file(path: Path) -> web.FileResponse:
    return web.FileResponse(path, headers=HEADERS | {hdrs.CONTENT_TYPE: f"{TYPES[path.suffix]}; charset=utf-8"})


def _chart_library() -> Path:
    return file_of_package("lwcharts", "vendor", "lightweight-charts.standalone.production.js")
