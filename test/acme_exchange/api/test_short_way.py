"""Orders and cancellations that are written plainly are answered as those that aiohttp reads, byte for byte."""

import asyncio
import json
from typing import Any

import pytest

from acme_exchange.api.rate_limits import ORDERS, STRANGERS
from acme_exchange.api.whole_requests import whole_request
from acme_exchange.store.progress import StoreFailed
from test.acme_exchange.api.test_bounds import Raw, raw
from test.acme_exchange.venue import RunningVenue, running_venue, sign

ORDER = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": 0.01, "price": 60000, "clientId": "mine"}
KEY, SECRET = "alice-key", "alice-secret"


def request(
    running: RunningVenue, method: str, path: str, body: Any = None, key: str = KEY, separator: str = ": "
) -> bytes:
    """A signed request below `/api`.

    :param separator: of names and values; any but `: ` sends it the long way.
    """
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    time = str(running.clock.now() // 1000)
    headers = {
        "Host": "127.0.0.1",
        "acme-key": key,
        "ACME-TS": time,
        "ACME-SIGN": sign(SECRET, f"{time}{method}/api{path}{text}"),
        "Content-Length": str(len(text)),
    }
    lines = [f"{method} /api{path} HTTP/1.1", *(f"{name}{separator}{value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + text.encode()


async def answer(client: Raw) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers but for the time, and body."""
    head = await client.reader.readuntil(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")[:-2]
    headers = dict(line.split(b": ", 1) for line in lines)
    assert headers.pop(b"Date").endswith(b" GMT")
    return status, headers, await client.reader.readexactly(int(headers[b"Content-Length"]))


def read_by_aiohttp(running: RunningVenue) -> int:
    return running.server._runner.server.requests_count


async def told(separator: str, requests: list[tuple]) -> tuple[list, int]:
    """What a fresh venue answers, and how many of the requests aiohttp has read."""
    async with running_venue() as running, raw(running) as client:
        answers = []
        for each in requests:
            await client.send(request(running, *each, separator=separator))
            answers.append(await answer(client))
        return answers, read_by_aiohttp(running)


@pytest.mark.parametrize(
    "requests",
    [
        [("POST", "/orders", ORDER), ("DELETE", "/orders/1"), ("DELETE", "/orders/1")],
        [("POST", "/orders", ORDER), ("POST", "/orders", ORDER), ("DELETE", "/orders/by_client_id/mine")],
        [("POST", "/orders", ORDER), ("DELETE", "/orders"), ("DELETE", "/orders", {"market": "NONE-PERP"})],
        [("POST", "/orders", ORDER | {"size": "a lot"}), ("POST", "/orders", "{"), ("POST", "/orders", "[]")],
        [("POST", "/orders", ORDER | {"market": "NONE-PERP"}), ("DELETE", "/orders/by_client_id/none")],
        [("POST", "/orders", ORDER, "alice-eyes"), ("POST", "/orders", ORDER, "nobody"), ("DELETE", "/orders/7")],
        [("POST", "/orders", ORDER | {"clientId": str(each)}) for each in range(ORDERS.limit + 2)],
        [("DELETE", "/orders", None, "nobody")] * (STRANGERS.limit + 2),
    ],
    ids=["placed", "twice", "all", "malformed", "unknown", "unauthorized", "too many", "too many of a stranger"],
)
async def test_an_answer_is_the_same_on_either_way(requests: list[tuple]):
    short, read = await told(": ", requests)
    assert not read
    long, read = await told(":", requests)
    assert read == len(requests)
    assert short == long


async def test_a_flood_of_a_strangers_is_cut_off_here_too(running: RunningVenue):
    async with raw(running) as client:
        statuses = []
        while not statuses or statuses[-1]:
            await client.send(request(running, "DELETE", "/orders", key="nobody"))
            statuses.append(await client.answer())
        assert statuses[-2] == 429
        assert not read_by_aiohttp(running)


@pytest.mark.parametrize(
    "changed",
    [
        (b"POST /api/orders", b"GET /api/orders"),
        (b"/api/orders ", b"/api/orders?a=b "),
        (b"/api/orders ", b"/api/%6frders "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"\r\n", b"\n"),
        (b"Content-Length: 2", b"Content-Length: 1"),
        (b"Content-Length: 2", b"Content-Length: 3"),
        (b"Content-Length: 2", b"Content-Length: +2"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nContent-length: 2"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nExpect: 100-continue"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nUpgrade: websocket"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nContent-Encoding: gzip"),
        (b"Content-Length: 2", b"Content-Length: 2\r\nConnection: close"),
        (b"Host: a", b"Host: a\r\n b"),
        (b"Host: a", b"Host : a"),
        (b"Host: a", "Host: ä".encode()),
        (b"Host: a", b"Host: a\x00"),
        (b"Host: a", b"".join(b"A%d: a\r\n" % each for each in range(70)) + b"Host: a"),
        (b"{}", b""),
        (b"{}", b"{}POST"),
    ],
)
def test_whatever_is_written_otherwise_is_left_to_aiohttp(changed: tuple[bytes, bytes]):
    plain = b"POST /api/orders HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"
    assert whole_request(plain, "127.0.0.1").body == b"{}"
    assert plain.count(changed[0])
    assert whole_request(plain.replace(*changed), "127.0.0.1") is None


async def test_nothing_is_answered_before_it_is_kept_nor_what_follows_carried_out(running: RunningVenue):
    progress, orders = running.venue.progress, running.venue.engine.open_orders
    async with raw(running) as client:
        progress.recorded = 1
        await client.send(request(running, "POST", "/orders", ORDER))
        await client.send(request(running, "DELETE", "/orders/1"))
        while not orders("alice"):
            await asyncio.sleep(0)
        answering = asyncio.create_task(answer(client))
        for _ in range(300):
            await asyncio.sleep(0)
        assert orders("alice") and not answering.done()
        progress.keep(1)
        assert b'"status":"new"' in (await answering)[2]
        assert b"queued for cancellation" in (await answer(client))[2]
        assert not orders("alice")


async def test_what_cannot_be_kept_is_not_acknowledged(running: RunningVenue):
    async with raw(running) as client:
        running.venue.progress.recorded = 1
        await client.send(request(running, "POST", "/orders", ORDER))
        while not running.venue.engine.open_orders("alice"):
            await asyncio.sleep(0)
        running.venue.progress.fail(StoreFailed("the disk is full"))
        status, _, body = await answer(client)
        assert status.split()[1] == b"500" and b"An unexpected error occurred" in body and b"disk" not in body


async def test_a_client_that_is_gone_before_its_answer_harms_nobody(running: RunningVenue, alice):
    async with raw(running) as client:
        running.venue.progress.recorded = 1
        await client.send(request(running, "POST", "/orders", ORDER))
        while not running.venue.engine.open_orders("alice"):
            await asyncio.sleep(0)
    while client.served.transport is not None:
        await asyncio.sleep(0)
    running.venue.progress.keep(1)
    assert [order["clientId"] for order in (await alice.get("/orders")).result] == ["mine"]


async def test_half_a_request_before_a_plain_one_keeps_it_with_aiohttp(running: RunningVenue):
    whole = request(running, "POST", "/orders", ORDER)
    async with raw(running) as client:
        await client.send(whole[:40])
        while not client.served._request_bytes:
            await asyncio.sleep(0)
        await client.send(whole[40:])
        assert await client.answer() == 200
        assert read_by_aiohttp(running) == 1
        await client.send(request(running, "DELETE", "/orders/1"))
        assert await client.answer() == 200
        assert read_by_aiohttp(running) == 1
