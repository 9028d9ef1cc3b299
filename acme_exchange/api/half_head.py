"""Tells whether a client has sent the beginning of a request whose rest has not come yet, which aiohttp's parser does
not tell."""

from collections.abc import Iterable

from aiohttp import hdrs
from aiohttp.http_parser import RawRequestMessage

_END = b"\r\n\r\n"


class HalfHead:
    """Follows the ends of requests through a stream of bytes. Where it cannot tell, it takes one to have begun.

    :ivar has_begun: whether something has come after the latest request that is whole.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._latest = b""
        self._of_body = 0

    def add(self, piece: bytes, requests: Iterable[object]) -> None:
        """Takes the next bytes of the stream.

        :param requests: those whose heads end in these bytes, as they were parsed.
        """
        known, position = self._latest + piece, len(self._latest)
        of_body = min(self._of_body, len(piece))
        self._of_body -= of_body
        position = 0 if self.has_begun else position + of_body
        self._latest = known[-len(_END) + 1 :]
        for request in requests:
            self.has_begun = False
            end = known.find(_END, position)
            if end < 0 or not isinstance(request, RawRequestMessage) or request.chunked:
                position = -1
                break
            position = end + len(_END)
            length = int(request.headers.get(hdrs.CONTENT_LENGTH, 0))
            self._of_body = max(0, position + length - len(known))
            position = min(position + length, len(known))
        self.has_begun = self.has_begun or position < len(known)
