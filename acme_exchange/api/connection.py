"""Bounds what one client's connection may take: memory, time, and turns of the event loop.

aiohttp parses whatever arrives, at once, and answers what it has parsed without giving way: a client that sends faster
than it is answered, or does not read its answers, fills the memory and makes everyone else wait. It has no setting
against that, so that its protocol is extended here. What it is to read is handed to it in small pieces, and only once
what came before is answered and the answer is on its way; meanwhile nothing more is read from the client, which TCP
then holds back. After each request the connection gives way to the others.

Bounds, for each connection:

- of what arrived and is not yet parsed: what one read of the socket brings, at most 64 KiB;
- of what is parsed and not yet handled: the requests within :data:`PIECE_BYTES`;
- of what is answered and not yet sent: one answer beyond what asyncio's transport holds, :data:`UNSENT_BYTES`;
- of a request: :data:`LARGEST_HEAD_BYTES`, :data:`LARGEST_REQUEST_BYTES`; of a frame: see :class:`FrameMeter`.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from acme_exchange.api import errors
from acme_exchange.api.answering import failure
from acme_exchange.api.clients import Client
from acme_exchange.api.frame_meter import FrameMeter, FrameTooLarge
from acme_exchange.api.half_head import HalfHead
from acme_exchange.api.whole_requests import WholeAnswer, WholeRequest, whole_request

PIECE_BYTES = 2 * 1024
"""What the parser is given at a time: most requests come in one piece, and no piece holds many."""

PIECES_A_TURN = 8
"""How many pieces of one body, or of one frame, are taken before others have their turn."""

READ_BYTES = 64 * 1024
"""What is read from a socket at once; asyncio reads 256 KiB unless told."""

UNSENT_BYTES = 32 * 1024
"""What a client may leave unread before it is answered no more, beside what the system's buffers hold."""

LARGEST_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers; those of the clients we know take less than 2 KiB."""

LARGEST_REQUEST_BYTES = 1024 * 1024
"""Of a request as it comes over the wire. A body may have 64 KiB; a client that sends somewhat more is told so."""

HEAD_SECONDS = 10.0
"""For the head of a request, from its first byte, or from the connection's beginning, or the answer before it."""

BODY_SECONDS = 10.0
"""For the body of a request, from the end of its head."""

IDLE_SECONDS = 75.0
"""Between two requests, as nginx allows."""

ANSWER_SECONDS = 30.0
"""For a client to read what waits for it."""

LINGERING_SECONDS = 1.0
"""For which what is left of a refused body is read, so that the client sees why."""

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 400 Bad Request\r\nServer: acme\r\nX-Content-Type-Options: nosniff\r\n"
    b"Content-Type: application/json\r\nContent-Length: 45\r\nConnection: close\r\n\r\n"
    b'{"success":false,"error":"Request too large"}'
)


def _refuse_nothing() -> None:
    """For a connection that is gone."""


def _send_nothing() -> None:
    """When nobody waits for the client to read."""


class FrameParser(Protocol):
    """What reads frames, as aiohttp calls it."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Takes bytes; whether nothing more is to come, and what is left of them."""

    def feed_eof(self) -> None:
        """Notes that the client sends nothing more."""


class ShortWay(Protocol):
    """What answers a request that is read without aiohttp."""

    def answer(self, request: WholeRequest) -> WholeAnswer | None:
        """What is to be answered; None, and nothing has happened, when aiohttp is to read it."""

    def deliver(self, answer: WholeAnswer, send: Callable[[bytes], None]) -> None:
        """Has the answer sent as soon as it may be."""


class _MeteredParser:
    """A parser that is given no more of a frame than its head, where that claims too much."""

    def __init__(self, parser: FrameParser, meter: FrameMeter, refuse: Callable[[], None]) -> None:
        self._parser = parser
        self._meter = meter
        self._refuse: Callable[[], None] | None = refuse

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if self._refuse is None:
            return False, b""
        try:
            self._meter.add(data)
        except FrameTooLarge:
            refuse, self._refuse = self._refuse, None
            refuse()
            return False, b""
        return self._parser.feed_data(data)

    def feed_eof(self) -> None:
        self._parser.feed_eof()


class HttpConnection(web.RequestHandler):
    """aiohttp's protocol, bounded; whatever is no HTTP is answered in the envelope, too (Acme API §1).

    :ivar client: who is on the other side, as far as is known.
    :ivar refuse_frame: what is done about a frame that is too large; set by whoever serves frames.
    """

    def __init__(self, manager: web.Server, client: Client, short_way: ShortWay, **options: Any) -> None:
        super().__init__(
            manager, keepalive_timeout=IDLE_SECONDS, lingering_time=LINGERING_SECONDS, auto_decompress=False, **options
        )
        self.client = client
        self.refuse_frame: Callable[[], None] = self.abort
        self._short_way = short_way
        self._backlog = bytearray()
        self._is_held = False
        self._request_bytes = 0
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._frames: FrameMeter | None = None
        self._half_head = HalfHead()
        self._is_idle = False
        self._held = 0
        self._deadline = math.inf
        self._sent = _send_nothing

    def is_overdue(self, now: float) -> bool:
        """
        :param now: by the event loop's clock, in seconds.
        """
        return now > self._deadline

    def abort(self) -> None:
        """Ends the connection now, whatever is still to be sent."""
        self._backlog.clear()
        if self.transport is not None:
            self.transport.abort()

    def frame_handled(self) -> None:
        """One message of the client's has been dealt with: the next may be read."""
        if self._frames is not None:
            self._frames.waiting -= 1
            if self._backlog and self._frames.waiting <= 0:
                self._take_backlog()

    def send(self, data: bytes, sent: Callable[[], None]) -> None:
        """Sends bytes as they are.

        :param sent: called once the client does not leave too much unread; never, when it goes before that.
        :raises ConnectionError: it is gone, or goes.
        """
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self.transport.write(data)
        if self._paused:
            self._sent = sent
        else:
            sent()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._expect(HEAD_SECONDS)
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES
        super().connection_made(transport)
        cast(asyncio.Transport, transport).set_write_buffer_limits(UNSENT_BYTES)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._backlog.clear()
        self._payload = EMPTY_PAYLOAD
        self.client.leave()
        super().connection_lost(exc)
        # What refers to itself stays in memory until garbage is looked for, with all the requests that it still has.
        self._messages.clear()
        self.refuse_frame = _refuse_nothing
        self._sent = _send_nothing

    def data_received(self, data: bytes) -> None:
        if not self._backlog and len(data) <= PIECE_BYTES and self._may_take():
            if not self._take_whole(data):
                self._take(data)
        else:
            self._backlog += data
            self._take_backlog()
        self._report_held()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._frames is None:
            self._expect(ANSWER_SECONDS)
        self._report_held()

    def resume_writing(self) -> None:
        super().resume_writing()
        sent, self._sent = self._sent, _send_nothing
        sent()
        self._report_held()
        if self._frames is None:
            self._expect(IDLE_SECONDS)
            if not self._request_in_progress:
                self._await_next()
            self._later()

    def pause_reading(self) -> None:
        """A body's reader, or the frames' queue, has enough; the socket itself is held back by what then waits here."""
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False
        self._later()

    def set_parser(self, parser: FrameParser) -> None:
        """Reads frames from now on, in place of requests."""
        self._frames = FrameMeter()
        self._deadline = math.inf
        super().set_parser(_MeteredParser(parser, self._frames, lambda: self.refuse_frame()))
        self._later()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        result = await super()._handle_request(request, start_time, request_handler)
        self.client.answered()
        if self._paused:
            await self._drain_helper()
        self._await_next()
        if self._backlog or self._messages:
            self._later()
            await asyncio.sleep(0)
        return result

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        plain = super().handle_error(request, status, exc, message)
        # What the parser says of it repeats what was sent, which may be a secret.
        text = errors.TOO_LARGE if isinstance(exc, LineTooLong) else errors.MALFORMED_REQUEST
        answer = failure(plain.status, text)
        answer.force_close()
        return answer

    def _await_next(self) -> None:
        """From an answer on; what is left of a body that was not asked for comes first, if need be."""
        if self._messages:
            self._expect(math.inf)
        elif not self._payload.is_eof():
            self._expect(BODY_SECONDS)
        else:
            self._is_idle = not self._half_head.has_begun
            self._expect(IDLE_SECONDS if self._is_idle else HEAD_SECONDS)
            self._request_bytes = 0
        self._report_held()

    def _report_held(self) -> None:
        """Counts what is in memory for the client: what it has sent, and what it does not read."""
        held = len(self._backlog) + self._request_bytes
        if self._paused and self.transport is not None:
            held += self.transport.get_write_buffer_size()
        if held != self._held:
            change, self._held = held - self._held, held
            self.client.hold(change)

    def _may_take(self) -> bool:
        """Whether what comes next can be parsed now."""
        if self._reading_paused or self._paused:
            return False
        if self._frames is not None:
            return self._frames.waiting <= 0
        if not self._payload.is_eof():
            return True
        return not (self._upgrade or self._messages or self._request_in_progress)

    def _later(self) -> None:
        if self._backlog:
            self._loop.call_soon(self._take_backlog)

    def _take_backlog(self) -> None:
        for _ in range(PIECES_A_TURN):
            if self._force_close or self._close or self.transport is None:
                self._backlog.clear()
            if not self._backlog or not self._may_take():
                break
            piece = bytes(self._backlog[:PIECE_BYTES])
            del self._backlog[:PIECE_BYTES]
            self._take(piece)
        else:
            self._later()
        self._hold(bool(self._backlog))
        self._report_held()

    def _hold(self, holds: bool) -> None:
        """Stops reading from the client, or goes on."""
        transport = self.transport
        if holds == self._is_held or transport is None or transport.is_closing():
            return
        self._is_held = holds
        if holds:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _take(self, piece: bytes) -> None:
        known = self._request_count
        super().data_received(piece)
        if self._frames is not None:
            return
        new = self._request_count - known
        self._half_head.add(piece, [message for message, _ in list(self._messages)[-new:]] if new else ())
        if new:
            self._payload = self._messages[-1][1]
            self._request_bytes = 0
            self._is_idle = False
            self._expect(math.inf if self._payload.is_eof() else BODY_SECONDS)
            return
        self._request_bytes += len(piece)
        if self._request_bytes > LARGEST_REQUEST_BYTES:
            self.abort()
        elif not self._payload.is_eof() or self._upgrade or self._request_in_progress:
            return
        elif self._is_idle:
            self._is_idle = False
            self._expect(HEAD_SECONDS)
        elif self._request_bytes > LARGEST_HEAD_BYTES and self.transport is not None:
            self.transport.write(_HEAD_TOO_LARGE)
            self.force_close()

    def _take_whole(self, data: bytes) -> bool:
        """Has a request answered that has come alone and whole, once what it brings about is kept.

        :returns: whether it was one.
        """
        request = whole_request(data, self.client.address) if self._awaits_request() else None
        answer = None if request is None else self._short_way.answer(request)
        if answer is None:
            return False
        self._request_count += 1
        self._request_in_progress = True
        self._is_idle = False
        self._expect(math.inf)
        if answer.is_authenticated:
            self.client.authenticated()
        self._short_way.deliver(answer, partial(self._send_whole, answer.closes))
        return True

    def _awaits_request(self) -> bool:
        """Whether nothing of a request has come yet, and aiohttp is done with the one before."""
        return (
            self._waiter is not None
            and self._frames is None
            and not self._messages
            and not self._request_bytes
            and not self._half_head.has_begun
            and self._payload.is_eof()
            and not (self._close or self._force_close or self._logging_enabled)
        )

    def _send_whole(self, closes: bool, message: bytes) -> None:
        self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(message)
        self.client.answered()
        # aiohttp's own timer, which runs since it has answered something itself.
        self._next_keepalive_close_time = self._loop.time() + IDLE_SECONDS
        if closes:
            self.force_close()
        elif not self._paused:
            self._await_next()
            self._later()

    def _expect(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds


def connection_of(request: web.Request) -> HttpConnection:
    """The connection that a request came over."""
    return cast(HttpConnection, request.protocol)
