"""Tells requests of the venue's own page from those of another site that a browser has open as well.

A browser says with `Origin`, or with `Sec-Fetch-Site` where it sends none, whose page asks. That proves nothing when
another site's name is made to lead to this machine: the name in `Host` is then the other site's, so that it must be
an address, a name of this machine's own, or one that the venue was told.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from acme_exchange.engine import Refused

FOREIGN_HOST = "The page is not served under this name; start the venue with --page-host and the name"
FOREIGN_ORIGIN = "The page of another site may not ask this"
OWN_NAMES = frozenset({"localhost"})
SAFE_METHODS = (hdrs.METH_GET, hdrs.METH_HEAD)


class OriginCheck:
    """Refuses what does not come from the venue's own page."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """:param hosts: names under which browsers reach the venue, besides addresses and `localhost`."""
        self._hosts = OWN_NAMES | {host.lower() for host in hosts}

    def require(self, request: web.Request) -> None:
        """:raises Refused: 403, the name is not the venue's, or the page that asks is another site's."""
        self.require_host(request)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None:
            is_own = urlsplit(origin).netloc.lower() == request.host.lower()
        elif request.method in SAFE_METHODS and hdrs.UPGRADE not in request.headers:
            is_own = request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
        else:
            is_own = False
        if not is_own:
            raise Refused(403, FOREIGN_ORIGIN)

    def require_host(self, request: web.Request) -> None:
        """:raises Refused: 403, the name is not the venue's."""
        name = _name_in(request.host)
        if name not in self._hosts and not _is_address(name):
            raise Refused(403, FOREIGN_HOST)


def _name_in(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
