"""Writes the access log: a JSON object a line for each request, with who asked and how it went, and no secret."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from msgspec import Struct

from acme_exchange.api.wire import codec

ACCOUNT = "account"
"""Under which a request holds its account's name, once its signature has been found to be the account's."""

SOURCE = "source"
"""Under which a request about a market that follows a real one holds whose prices these are."""

logger = logging.getLogger("acme_exchange.access")


class Line(Struct):
    """A line of the log: one request.

    :ivar time: ISO-8601, when it came.
    :ivar account: whose key signed it; None for a public request, and for one that was refused.
    :ivar source: the exchange that the market follows which the request is about; None for any other.
    :ivar path: without its query, in which a client may have put anything.
    :ivar status: HTTP; 101 for a WebSocket, once that is closed.
    :ivar milliseconds: until it was answered.
    """

    time: str
    address: str | None
    account: str | None
    source: str | None
    method: str
    path: str
    status: int
    milliseconds: float


class AccessLogger(AbstractAccessLogger):
    """Writes a line for each request that was answered."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        line = Line(
            time=datetime.fromtimestamp(datetime.now(UTC).timestamp() - time, UTC).isoformat(timespec="milliseconds"),
            address=request.remote,
            account=request.get(ACCOUNT),
            source=request.get(SOURCE),
            method=request.method,
            path=request.path,
            status=response.status,
            milliseconds=round(time * 1000, 3),
        )
        self.logger.info(codec.encode(line).decode())


def write_access_log(path: Path) -> None:
    """Appends from now on to a file that its owner alone can read.

    :raises OSError: the file cannot be written.
    """
    path.touch(mode=0o600, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
