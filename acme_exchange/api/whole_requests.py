"""Reads requests in the form in which nearly all come: alone, whole, in one read of the socket, and written plainly.

To read one of these takes a few steps. What differs from that form by a single sign is left to aiohttp's parser, to
read or to refuse, so that nothing is understood here that would be understood there in another way.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time

from acme_exchange.api.answering import HEADERS

_HEAD = re.compile(rb"(POST|DELETE) (/[A-Za-z0-9/_-]+) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: [ -~]*\r\n)+)\r\n")
_END = "\r\n"
_MOST_HEADERS = 64
_LONGEST_LENGTH = 6
_KEEP_ALIVE = "keep-alive"
_UNUSUAL = frozenset({"TRANSFER-ENCODING", "CONTENT-ENCODING", "EXPECT", "UPGRADE", "TE", "TRAILER"})
"""Headers that say that the request is more than what has come."""

_SUCCESS = (
    "HTTP/1.1 200 OK\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    + "Content-Type: application/json\r\nContent-Length: {}\r\nDate: {}\r\n\r\n"
)


class WholeRequest(dict[str, Any]):
    """A request; in itself it holds what is noted of it, as aiohttp's does.

    :ivar raw_path: as it came; there is no query in it, and nothing that is escaped.
    :ivar headers: by their names in capitals.
    :ivar remote: the address that it came from.
    :ivar match_info: the variable parts of the path, once it is known whose it is.
    """

    __slots__ = ("method", "raw_path", "headers", "body", "remote", "match_info")

    def __init__(self, method: str, raw_path: str, headers: Mapping[str, str], body: bytes, remote: str) -> None:
        super().__init__()
        self.method = method
        self.raw_path = raw_path
        self.headers = headers
        self.body = body
        self.remote: str | None = remote
        self.match_info: Mapping[str, str] = {}


class WholeAnswer(NamedTuple):
    """What is sent for a request, and when.

    :ivar message: head and body, as they go over the wire.
    :ivar batch: what has to be kept before (`Progress.recorded`).
    :ivar is_authenticated: whether the client has shown a key that the venue knows.
    :ivar closes: whether the connection ends with it.
    """

    message: bytes
    batch: int
    is_authenticated: bool
    closes: bool = False


def whole_request(data: bytes, remote: str) -> WholeRequest | None:
    """The request that `data` is; None unless it is one of the form that is described above, and nothing else."""
    found = _HEAD.match(data)
    if found is None:
        return None
    method, path, head = found.groups()
    lines = head.decode("ascii").split(_END)[:-1]
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name.upper()] = value.strip(" ")
    if len(headers) < len(lines) or len(lines) > _MOST_HEADERS or not _is_plain(headers, len(data) - found.end()):
        return None
    return WholeRequest(method.decode(), path.decode(), headers, data[found.end() :], remote)


def _is_plain(headers: Mapping[str, str], body_bytes: int) -> bool:
    """Whether the headers say that the request ends with these bytes of its body, and another may follow."""
    length = headers.get("CONTENT-LENGTH", "0")
    return (
        _UNUSUAL.isdisjoint(headers)
        and headers.get("CONNECTION", _KEEP_ALIVE).lower() == _KEEP_ALIVE
        and len(length) <= _LONGEST_LENGTH
        and length.isdigit()
        and int(length) == body_bytes
    )


def success(body: bytes) -> bytes:
    """The whole message of an answer to what succeeded."""
    return _SUCCESS.format(len(body), rfc822_formatted_time()).encode() + body


def written(answer: web.Response) -> bytes:
    """The whole message of an answer that is made in aiohttp's terms, as aiohttp sends it."""
    body = answer.body
    assert isinstance(body, bytes)
    headers = {**answer.headers, hdrs.CONTENT_LENGTH: str(len(body)), hdrs.DATE: rfc822_formatted_time()}
    if answer.keep_alive is False:
        headers[hdrs.CONNECTION] = "close"
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return _END.join([*lines, "", ""]).encode() + body
