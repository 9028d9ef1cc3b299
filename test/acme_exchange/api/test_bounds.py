"""Nobody without a key costs the others anything: counted in bytes, requests and connections, not in time."""

import asyncio
import gc
import struct
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from acme_exchange.api import connection, listener, strangers
from acme_exchange.api.connection import (
    BODY_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    LARGEST_HEAD_BYTES,
    PIECE_BYTES,
    READ_BYTES,
    UNSENT_BYTES,
    HttpConnection,
)
from acme_exchange.api.outbox import ROOM_BYTES
from acme_exchange.api.rate_limits import FLOOD, STRANGERS
from acme_exchange.owner.operations import Administration
from test.acme_exchange.venue import Client, Listener, RunningVenue

UPGRADE = (
    b"GET /ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Raw:
    """A client that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: HttpConnection) -> None:
        self.reader = reader
        self.writer = writer
        self.served = served

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> int:
        """Reads the next answer; its status, 0 for a connection that was closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
        if lengths:
            await self.reader.readexactly(int(lengths[0].split()[1]))
        return int(head.split()[1])


def open_connections(running: RunningVenue) -> list[HttpConnection]:
    return [each for each in running.server.listener._open if each.transport is not None]


@asynccontextmanager
async def raw(running: RunningVenue) -> AsyncIterator[Raw]:
    known = set(open_connections(running))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rsplit(":", 1)[1]))
    while not (new := set(open_connections(running)) - known):
        await asyncio.sleep(0)
    try:
        yield Raw(reader, writer, new.pop())
    finally:
        writer.close()


async def settled() -> None:
    """As many turns of the event loop as anything here takes."""
    for _ in range(300):
        await asyncio.sleep(0)


async def test_of_pipelined_requests_no_more_are_held_than_one_piece_has(running: RunningVenue):
    request = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
    async with raw(running) as client:
        client.writer.write(request * 50_000)
        largest_backlog = most_parsed = 0
        for _ in range(300):
            await asyncio.sleep(0)
            largest_backlog = max(largest_backlog, len(client.served._backlog))
            most_parsed = max(most_parsed, len(client.served._messages))
    assert 0 < largest_backlog <= READ_BYTES + PIECE_BYTES
    assert 0 < most_parsed <= PIECE_BYTES // len(request) + 1


def requests_in_memory() -> list[object]:
    """Those of other tests among them, which a browser may hold."""
    return [each for each in gc.get_objects() if type(each).__name__ in ("RawRequestMessage", "Request")]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000,
        b"PUT /api/time HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000,
        b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000,
        b"GET /api/account HTTP/1.1\r\nHost: a\r\nACME-KEY: k\r\nACME-TS: 1\r\nACME-SIGN: 0\r\n\r\n" * 2_000,
        b"GET /api/time\r\n\r\n",
    ],
    ids=["not-found", "not-allowed", "flood", "false-signature", "no-http"],
)
async def test_what_a_stranger_leaves_behind_is_gone_before_garbage_is_looked_for(running: RunningVenue, sent: bytes):
    gc.collect()
    gc.disable()
    others = requests_in_memory()
    try:
        async with raw(running) as client:
            left = weakref.ref(client.served)
            client.writer.write(sent)
            while await client.answer():
                pass
        client.served = None
        await settled()
        running.server.listener.end_overdue(0.0)
        requests = [each for each in requests_in_memory() if not any(each is other for other in others)]
        assert left() is None, [str(each)[:99] for each in gc.get_referrers(left())][:9]
        assert not requests
    finally:
        gc.enable()


async def test_answers_that_are_not_read_are_not_made(running: RunningVenue, monkeypatch):
    """The loopback's buffers hold some megabytes of answers; from then on nothing is answered, and nothing is read."""
    answered = []
    monkeypatch.setattr(connection.HttpConnection, "log_access", lambda *rest: answered.append(1))
    monkeypatch.setattr("acme_exchange.api.rest.RateLimits.admit", lambda *rest: None)
    async with raw(running) as client:
        client.writer.transport.pause_reading()
        client.writer.write(b"GET /api/markets HTTP/1.1\r\nHost: a\r\n\r\n" * 100_000)
        before = -1
        while len(answered) != before:
            before = len(answered)
            await settled()
            await asyncio.sleep(0.02)
        served = client.served
        assert served.writing_paused and not served.transport.is_reading()
        assert served.transport.get_write_buffer_size() < 64 * 1024 + 64 * 1024
    assert 0 < before < 100_000


async def test_each_connection_has_its_turn(running: RunningVenue, public: Client):
    """However many requests one has sent, another is answered before the fifth of them that follows."""
    order: list[str] = []
    async with raw(running) as greedy, raw(running) as modest:
        greedy.served.log_access = lambda *rest: order.append("greedy")
        modest.served.log_access = lambda *rest: order.append("modest")
        await greedy.send(b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n" * 25)
        while not order:
            await asyncio.sleep(0)
        began = len(order)
        await modest.send(b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await modest.answer() == 200
    assert order.index("modest") - began < 5


async def test_past_ten_times_the_limit_the_connection_is_closed(running: RunningVenue):
    asked = STRANGERS.limit * FLOOD + 50
    async with raw(running) as client:
        await client.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * asked)
        answers = []
        while answer := await client.answer():
            answers.append(answer)
    assert answers == [404] * STRANGERS.limit + [429] * (STRANGERS.limit * (FLOOD - 1) + 1)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/nowhere", {}),
        ("PUT", "/api/time", {}),
        ("POST", "/admin/accounts", {}),
        ("DELETE", "/api/orders", {"ACME-KEY": "guessed", "ACME-TS": "1767323045678", "ACME-SIGN": "0"}),
        ("GET", "/api/account", {"ACME-KEY": "alice-key", "ACME-TS": "1767323045678", "ACME-SIGN": "0"}),
    ],
)
async def test_whatever_is_asked_without_a_key_is_limited_and_a_key_is_not(
    http: aiohttp.ClientSession, running: RunningVenue, alice: Client, method: str, path: str, headers: dict
):
    statuses = []
    for _ in range(STRANGERS.limit + 1):
        async with http.request(method, running.url + path, headers=headers) as answer:
            statuses.append(answer.status)
    assert 429 not in statuses[:-1]
    assert (statuses[-1], answer.headers["Retry-After"]) == (429, "1.000")
    assert (await alice.delete("/orders")).status == 200


async def test_refused_log_ins_are_limited_and_past_ten_times_closed(
    http: aiohttp.ClientSession, running: RunningVenue, alice: Client
):
    async with http.ws_connect(running.websocket_url) as socket:
        client = Listener(socket, running)
        codes = []
        for _ in range(STRANGERS.limit):
            await client.login("guessed", "secret")
            codes.append((await client.next())["code"])
        assert codes == [400] * STRANGERS.limit
        await client.login("guessed", "secret")
        assert await client.next() == {
            "type": "error",
            "code": 429,
            "msg": "Do not send more than 30 requests per second",
        }
        for _ in range(STRANGERS.limit * FLOOD):
            await client.login("guessed", "secret")
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert socket.closed


async def test_of_messages_without_a_key_an_address_has_its_share_and_a_key_waits_for_nobody(
    http: aiohttp.ClientSession, running: RunningVenue, monkeypatch
):
    monkeypatch.setattr(strangers, "MESSAGES_A_SECOND", 0.001)
    monkeypatch.setattr(strangers, "MESSAGES_AT_ONCE", 2.5)
    async with http.ws_connect(running.websocket_url) as first, http.ws_connect(running.websocket_url) as second:
        for _ in range(5):
            await first.send_json({"op": "ping"})
        for _ in range(3):
            assert (await Listener(first, running).next())["type"] == "pong"
        trader = Listener(second, running)
        await trader.login("alice-key", "alice-secret")
        for _ in range(10):
            await trader.send(op="ping")
            assert (await trader.next())["type"] == "pong"
        with pytest.raises(TimeoutError):
            await Listener(first, running).next(0.05)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 10**9, raising=False)
    running.server._sockets.close_silent()
    assert running.server._sockets._strangers._next_message == {}


async def test_a_frame_that_claims_too_much_is_refused_at_its_head(running: RunningVenue):
    async with raw(running) as client:
        await client.send(UPGRADE)
        assert await client.answer() == 101
        await client.send(struct.pack("!BBQ", 0x81, 0xFF, 1 << 40) + bytes(4) + bytes(60_000))
        opcode, _, code = struct.unpack("!BBH", (await client.reader.readexactly(4)))
    assert (opcode, code) == (0x88, 1009)


async def test_of_empty_frames_no_more_are_held_than_one_piece_has(running: RunningVenue):
    async with raw(running) as client:
        await client.send(UPGRADE)
        assert await client.answer() == 101
        client.writer.write((b"\x8a\x80" + bytes(4)) * 100_000)
        most = 0
        for _ in range(300):
            await asyncio.sleep(0)
            most = max(most, client.served._frames.waiting)
    assert 0 < most <= PIECE_BYTES // 6 + 1


async def test_a_client_that_reads_nothing_is_asked_nothing_more(running: RunningVenue, monkeypatch):
    """The loopback's buffers hold some megabytes of frames; then the client's own are not taken any more."""
    monkeypatch.setattr(strangers, "MESSAGES_A_SECOND", 10**9)
    operations = [b'{"op":"subscribe","channel":"markets"}', b'{"op":"unsubscribe","channel":"markets"}']
    frames = b"".join(bytes([0x81, 0x80 | len(each)]) + bytes(4) + each for each in operations)
    async with raw(running) as client:
        await client.send(UPGRADE)
        assert await client.answer() == 101
        client.writer.transport.pause_reading()
        client.writer.write(frames * 20_000)
        while not client.served.writing_paused:
            await settled()
        for _ in range(10):
            await settled()
        assert not client.served.transport.is_reading()
        outbox = next(iter(running.server._sockets._connections))._outbox
        assert outbox._waiting_bytes < ROOM_BYTES + 64 * 1024


async def test_what_waits_for_all_clients_together_is_bounded_too(
    http: aiohttp.ClientSession, running: RunningVenue, monkeypatch
):
    """Each of those that read nothing stays under its own bound; the one for whom the most waits has to go. That more
    than `UNSENT_BYTES` waits is what makes the venue wait for a client, and here two of them do."""
    monkeypatch.setattr(strangers, "MESSAGES_A_SECOND", 10**9)
    clients = running.server.listener._clients
    clients._most_held = 2 * UNSENT_BYTES
    operations = [b'{"op":"subscribe","channel":"markets"}', b'{"op":"unsubscribe","channel":"markets"}']
    frames = b"".join(bytes([0x81, 0x80 | len(each)]) + bytes(4) + each for each in operations)
    most = 0
    async with http.ws_connect(running.websocket_url) as socket, raw(running) as first, raw(running) as second:
        reading = Listener(socket, running)
        greedy = [first, second]
        for client in greedy:
            await client.send(UPGRADE)
            assert await client.answer() == 101
            client.writer.transport.pause_reading()
            client.writer.write(frames * 20_000)
        while all(client.served.transport is not None for client in greedy):
            await settled()
            most = max(most, clients._held)
        await settled()
        assert most <= clients._most_held
        assert clients._held == sum(client.held for own in clients._of_address.values() for client in own)
        await reading.send(op="ping")
        assert await reading.next() == {"type": "pong"}
    while len(clients):
        await settled()
    assert clients._held == 0


async def test_of_what_came_and_is_not_dealt_with_all_is_counted_and_given_back(running: RunningVenue):
    clients = running.server.listener._clients
    async with raw(running) as client:
        head = b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n"
        await client.send(head)
        await settled()
        await client.send(bytes(40_000))
        while clients._held < 40_000:
            await settled()
        await client.send(bytes(10_000))
        assert await client.answer() == 401
        await settled()
        assert clients._held == 0


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (b"", HEAD_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n", HEAD_SECONDS),
        (b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345", BODY_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n", IDLE_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n|GET /api/ti", HEAD_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\nGET /api/ti", HEAD_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + b"G", HEAD_SECONDS),
        (b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", IDLE_SECONDS),
        (b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345GET /api", HEAD_SECONDS),
        (b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n123|45", IDLE_SECONDS),
        (b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n123|45GET /api", HEAD_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r|\n", IDLE_SECONDS),
        (b"GET /api/time HTTP/1.1\r\nHost: a\r\n\r|\nGET", HEAD_SECONDS),
    ],
)
async def test_whoever_lets_a_deadline_pass_is_disconnected(running: RunningVenue, sent: bytes, seconds: float):
    async with raw(running) as client:
        for part in sent.split(b"|"):
            await client.send(part)
            await settled()
        now = asyncio.get_running_loop().time()
        running.server.listener.end_overdue(now + seconds - 1)
        await settled()
        assert client.served.transport is not None
        running.server.listener.end_overdue(now + seconds + 1)
        await settled()
        assert client.served.transport is None


async def test_a_head_without_an_end_is_refused(running: RunningVenue):
    async with raw(running) as client:
        await client.send(b"GET /api/time HTTP/1.1\r\n" + b"X-Filler: 1\r\n" * (LARGEST_HEAD_BYTES // 10))
        assert await client.answer() in (0, 400)
        await settled()
        assert client.served.transport is None


async def test_a_key_that_is_revoked_is_disconnected_at_once_and_other_keys_are_not(
    http: aiohttp.ClientSession, running: RunningVenue
):
    async with http.ws_connect(running.websocket_url) as revoked, http.ws_connect(running.websocket_url) as other:
        for socket, key in ((revoked, "alice-key"), (other, "alice-eyes")):
            client = Listener(socket, running)
            await client.login(key, f"{key.removesuffix('-key')}-secret")
            await client.subscribe("orders")
        Administration(running.venue).perform("revocations", {"key": "alice-key"})
        assert (await revoked.receive()).type is aiohttp.WSMsgType.CLOSE
        assert revoked.close_code == 1008
        assert await Listener(other, running).pending() == []


async def test_no_answer_says_what_the_venue_is_made_of(http: aiohttp.ClientSession, running: RunningVenue):
    for path in ("/api/time", "/nowhere", "/api/docs", "/api/docs/swagger-ui.css", "/", "/ws/"):
        async with http.get(running.url + path) as answer:
            assert (answer.headers["Server"], answer.headers["X-Content-Type-Options"]) == ("acme", "nosniff"), path


async def test_half_sent_requests_send_away_their_own_and_nobody_who_has_shown_a_key(
    running: RunningVenue, alice: Client, monkeypatch
):
    running.server.listener._clients._most_an_address = 10
    assert (await alice.get("/account")).status == 200
    kept = open_connections(running)
    crowd = []
    for _ in range(30):
        _, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rsplit(":", 1)[1]))
        writer.write(b"GET /api/time HTTP/1.1\r\n")
        crowd.append(writer)
    await settled()
    assert kept == [each for each in kept if each.transport is not None]
    assert len(running.server.listener._clients) == len(open_connections(running)) == 10
    assert (await alice.get("/account")).status == 200
    for writer in crowd:
        writer.close()


async def test_without_a_descriptor_nobody_is_let_in_and_the_log_says_so_once(
    running: RunningVenue, public: Client, monkeypatch, caplog
):
    monkeypatch.setattr(listener, "FULL_PAUSE_SECONDS", 0)
    accept, failing = listener.accept, [24] * 50

    def refused(listening):
        if failing:
            raise OSError(failing.pop(), "Too many open files")
        return accept(listening)

    monkeypatch.setattr(listener, "accept", refused)
    assert (await public.get("/time")).status == 200
    async with raw(running):
        pass
    assert (failing, len(caplog.records)) == ([], 1)
