"""Faults on demand: what clients go through, and what stays true meanwhile."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from acme_exchange.api import faults
from acme_exchange.api.faults import FaultName, FaultRequest, Faults
from acme_exchange.engine import Refused
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.server import Server
from acme_exchange.store.progress import Progress
from test.acme_exchange.api.client_book import ClientBook
from test.acme_exchange.venue import ALICE, MORNING, Client, Listener, ManualClock, RunningVenue, simulated_venue

TOKEN = "owner-token"


def set_fault(running: RunningVenue, name: str, **fields: Any) -> faults.Fault:
    return running.server.faults.set(FaultRequest.read({"name": name} | fields))


async def resting(alice: Client) -> list[int]:
    return [order["price"] for order in (await alice.get("/orders")).result]


@asynccontextmanager
async def listening(http: aiohttp.ClientSession, running: RunningVenue) -> AsyncIterator[Listener]:
    """Alice, logged in."""
    async with http.ws_connect(running.websocket_url) as socket:
        listener = Listener(socket, running)
        await listener.login("alice-key", "alice-secret")
        yield listener


async def test_a_lost_request_is_not_carried_out(alice: Client, running: RunningVenue):
    fault = set_fault(running, "lose-request", times=1, method="POST", path="/orders")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
    assert await resting(alice) == []
    assert (fault.seen, fault.struck) == (1, 1)


async def test_a_lost_answer_is_of_a_request_that_was_carried_out(alice: Client, running: RunningVenue):
    set_fault(running, "lose-answer", times=1, method="POST", path="/orders")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
    assert await resting(alice) == [60000]
    assert (await alice.place("BTC-PERP", "buy", "0.01", 60001)).status == 200


async def test_an_error_before_leaves_everything_as_it_was(alice: Client, running: RunningVenue):
    set_fault(running, "error-before", times=1, path="/orders")
    answer = await alice.place("BTC-PERP", "buy", "0.01", 60000)
    assert answer.status == 500
    assert answer.error.startswith("An unexpected error occurred, please try again later (")
    assert await resting(alice) == []


async def test_an_error_after_hides_what_was_done(alice: Client, running: RunningVenue):
    set_fault(running, "error-after", times=1, path="/orders")
    answer = await alice.place("BTC-PERP", "buy", "0.01", 60000)
    assert (answer.status, answer.error[:28]) == (500, "An unexpected error occurred")
    assert await resting(alice) == [60000]


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("POST", "/orders", "Do not send more than 20 orders per second"),
        ("GET", "/account", "Do not send more than 30 requests per second"),
    ],
)
async def test_too_many_requests_is_answered_as_a_full_limit_is(alice: Client, running, method, path, text):
    set_fault(running, "too-many-requests", times=1)
    answer = await alice.request(method, path, {"market": "BTC-PERP", "side": "buy"} if method == "POST" else None)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (429, text, "1.000")
    assert (await alice.get("/account")).status == 200


async def test_a_delayed_request_is_carried_out_when_it_arrives(alice: Client, running: RunningVenue, monkeypatch):
    waited = []

    async def wait(seconds: float) -> None:
        assert await resting(alice) == []
        waited.append(seconds)

    monkeypatch.setattr(faults, "sleep", wait)
    set_fault(running, "delay", seconds="2.5", method="POST")
    assert (await alice.place("BTC-PERP", "buy", "0.01", 60000)).status == 200
    assert (await resting(alice), waited) == ([60000], [2.5])


async def test_a_fault_may_be_limited_to_a_method_a_path_and_a_number(alice: Client, running: RunningVenue):
    fault = set_fault(running, "error-before", method="GET", path="/orders/*", times=2)
    paths = ["/account", "/orders", "/orders/1", "/orders/by_client_id/a", "/orders/2"]
    assert [(await alice.get(path)).status for path in paths] == [200, 200, 500, 500, 404]
    assert (await alice.delete("/orders/1")).status == 404
    assert (fault.seen, fault.struck) == (2, 2)


async def test_a_rate_is_kept_and_repeated_with_the_seed():
    def strikes(seed: int) -> list[bool]:
        some = Faults(seed, ManualClock(MORNING), Progress())
        some.set(FaultRequest.read({"name": "cut-socket", "rate": "0.25"}))
        return [some.strikes("cut-socket") is not None for _ in range(2_000)]

    assert 430 < sum(strikes(1)) < 570
    assert strikes(1) == strikes(1) != strikes(2)


async def test_nothing_is_cut_or_changed_unless_asked_for(alice: Client, running: RunningVenue):
    assert running.server.faults.all() == []
    assert (await alice.place("BTC-PERP", "buy", "0.01", 60000)).status == 200


async def test_a_cut_socket_is_cut_without_a_word(http, running: RunningVenue):
    async with listening(http, running) as listener:
        await listener.subscribe("orders")
        set_fault(running, "cut-socket", times=1)
        await listener.send(op="ping")
        message = await listener.socket.receive(timeout=60)
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert listener.socket.close_code in (None, 1006)
    assert running.subscriptions == 0


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("drop-frame", ["open"]), ("duplicate-frame", ["new", "new", "open"]), ("reorder-frame", ["open", "new"])],
)
async def test_private_frames_are_lost_repeated_and_exchanged(
    http, alice: Client, running: RunningVenue, name, statuses
):
    async with listening(http, running) as listener:
        await listener.subscribe("orders")
        set_fault(running, name, times=1, channel="orders")
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
        frames = await listener.pending()
    assert [frame["data"]["status"] for frame in frames] == statuses
    assert await resting(alice) == [60000]


async def test_a_frame_fault_may_be_limited_to_a_channel(http, alice: Client, running: RunningVenue):
    async with listening(http, running) as listener:
        for channel in ("orders", "balances"):
            await listener.subscribe(channel)
        set_fault(running, "drop-frame", channel="orders")
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
        assert {frame["channel"] for frame in await listener.pending()} == {"balances"}


async def test_public_frames_are_not_lost(http, alice: Client, running: RunningVenue):
    set_fault(running, "drop-frame")
    async with listening(http, running) as listener:
        await listener.subscribe("orderbook", "BTC-PERP")
        await listener.next()
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
        running.advance(1)
        (frame,) = await listener.pending()
        assert [list(map(float, level)) for level in frame["data"]["bids"]] == [[60000, 0.01]]


async def test_a_corrupt_book_is_found_by_its_checksum_and_the_next_partial_is_right(
    http, alice: Client, running: RunningVenue
):
    async with listening(http, running) as listener:
        book = ClientBook()
        await listener.subscribe("orderbook", "BTC-PERP")
        book.take((await listener.next())["data"])
        fault = set_fault(running, "corrupt-book", times=1)
        await alice.place("BTC-PERP", "buy", "0.01", 60000)
        running.advance(1)
        (frame,) = await listener.pending()
        book.take(frame["data"])
        assert book.checksum() != frame["data"]["checksum"]
        assert (fault.seen, fault.struck) == (1, 1)
        await listener.send(op="unsubscribe", channel="orderbook", market="BTC-PERP")
        await listener.pending()
        await listener.subscribe("orderbook", "BTC-PERP")
        fresh = (await listener.next())["data"]
        book.take(fresh)
        assert book.checksum() == fresh["checksum"]


async def test_a_skewed_clock_is_told_and_checked_against_and_nothing_else(
    http, alice: Client, public: Client, running: RunningVenue
):
    set_fault(running, "skew-clock", seconds=-3)
    assert (await public.get("/time")).result == "2026-01-02T03:04:02.678901+00:00"
    assert (await alice.get("/account")).status == 200
    set_fault(running, "skew-clock", seconds=-60)
    running.server.faults.clear(1)
    assert (await alice.get("/account")).error == "Timestamp too far from current time"
    async with listening(http, running) as listener:
        assert [frame["msg"] for frame in await listener.pending()] == ["Invalid login credentials"]
    running.server.faults.clear()
    await alice.place("BTC-PERP", "buy", "0.01", 60000)
    assert (await alice.get("/orders")).result[0]["createdAt"] == "2026-01-02T03:04:05.678901+00:00"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Missing parameter name"),
        ({"name": "earthquake"}, "Invalid parameter name"),
        ({"name": "lose-answer", "rate": 0}, "Invalid parameter rate"),
        ({"name": "lose-answer", "rate": 1.1}, "Invalid parameter rate"),
        ({"name": "lose-answer", "times": 0}, "Invalid parameter times"),
        ({"name": "lose-answer", "seconds": 1}, "Invalid parameter seconds"),
        ({"name": "lose-answer", "channel": "fills"}, "Invalid parameter channel"),
        ({"name": "lose-answer", "method": "PUT"}, "Invalid parameter method"),
        ({"name": "drop-frame", "path": "/orders"}, "Invalid parameter path"),
        ({"name": "delay"}, "Missing parameter seconds"),
        ({"name": "delay", "seconds": -1}, "Invalid parameter seconds"),
        ({"name": "delay", "seconds": 3601}, "Invalid parameter seconds"),
        ({"name": "skew-clock"}, "Missing parameter seconds"),
    ],
)
async def test_a_fault_that_does_not_fit_is_refused_with_its_field(running: RunningVenue, fields, text):
    with pytest.raises(Refused) as refused:
        running.server.faults.set(FaultRequest.read(json.loads(json.dumps(fields), parse_float=str)))
    assert (refused.value.status, refused.value.text) == (400, text)
    assert running.server.faults.all() == []


@pytest.fixture
async def admin(http: aiohttp.ClientSession) -> AsyncIterator[Any]:
    """Asks a venue as its owner: method, JSON body, token; gives the status and the body."""
    clock = ManualClock(MORNING)
    venue = simulated_venue(clock, 7, [ALICE], liquidity=False)
    server = Server(venue)
    admin = AdminInterface(TOKEN, venue.progress)
    admin.offer(server.faults)
    server.add(admin)
    url = await server.start("127.0.0.1", 0, with_pacemaker=False)

    async def ask(method: str, body: Any = None, token: str = TOKEN) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with http.request(method, f"{url}/admin/faults", json=body, headers=headers) as response:
            return response.status, await response.json()

    yield ask
    await server.stop()


async def test_the_owner_sets_lists_and_ends_faults_while_the_venue_runs(admin):
    status, answer = await admin("POST", {"name": "delay", "rate": "0.5", "seconds": 2, "times": 3, "path": "/orders"})
    assert status == 200
    expected = {
        "id": 1,
        "name": "delay",
        "rate": 0.5,
        "seconds": 2.0,
        "times": 3,
        "method": None,
        "path": "/orders",
        "channel": None,
        "seen": 0,
        "struck": 0,
    }
    assert answer["result"] == expected
    for name in set(FaultName) - {"delay", "skew-clock"}:
        assert (await admin("POST", {"name": name, "rate": 1e-9}))[0] == 200
    assert (await admin("GET"))[1]["result"][0]["name"] == "delay"
    assert len((await admin("GET"))[1]["result"]) == len(FaultName) - 1
    assert await admin("DELETE", {"id": 1}) == (200, {"success": True, "result": None})
    assert await admin("DELETE", {"id": 1}) == (404, {"success": False, "error": "No such fault"})
    assert (await admin("DELETE"))[0] == 200
    assert (await admin("GET"))[1]["result"] == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_nobody_else_touches_faults(admin, method):
    assert await admin(method, token="guess") == (403, {"success": False, "error": "Not authorized"})


async def test_the_owner_is_not_hindered_by_faults(admin):
    await admin("POST", {"name": "error-before"})
    await admin("POST", {"name": "lose-request"})
    assert (await admin("DELETE"))[0] == 200
