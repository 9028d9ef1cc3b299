"""Acme API §6 over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest

from acme_exchange.accounts.keys import AccountEntry, KeyEntry
from acme_exchange.api import outbox
from acme_exchange.clock import SystemClock
from test.acme_exchange.api import recordings
from test.acme_exchange.api.client_book import ClientBook
from test.acme_exchange.venue import ALICE, Client, Listener, RunningVenue, running_venue

NOW = 1767323045.678901


@asynccontextmanager
async def listening(http: aiohttp.ClientSession, running: RunningVenue) -> AsyncIterator[Listener]:
    async with http.ws_connect(running.websocket_url) as socket:
        yield Listener(socket, running)


@pytest.fixture
async def listener(http: aiohttp.ClientSession, running: RunningVenue) -> AsyncIterator[Listener]:
    async with listening(http, running) as listener:
        yield listener


@pytest.fixture
async def lively() -> AsyncIterator[RunningVenue]:
    """A venue whose market is simulated; its time moves with `advance` alone."""
    async with running_venue(liquidity=True) as venue:
        yield venue


async def private(listener: Listener, name: str = "alice", *channels: str) -> None:
    await listener.login(f"{name}-key", f"{name}-secret")
    for channel in channels or ("orders", "fills", "positions", "balances"):
        await listener.subscribe(channel)


def data_of(frames: list[dict], channel: str) -> list:
    return [frame["data"] for frame in frames if frame["channel"] == channel]


async def test_the_path_may_end_in_a_slash_or_not(http: aiohttp.ClientSession, running: RunningVenue):
    async with http.ws_connect(running.websocket_url.rstrip("/")) as socket:
        assert await Listener(socket, running).pending() == []


# What a session is told about its own frames


async def test_a_ping_is_answered(listener: Listener):
    await listener.send(op="ping")
    assert await listener.next() == {"type": "pong"}


@pytest.mark.parametrize(
    ("frame", "code", "error"),
    [
        ("{", 400, "Invalid JSON"),
        ("", 400, "Invalid JSON"),
        ("[]", 400, "Invalid JSON"),
        ("NaN", 400, "Invalid JSON"),
        ("[" * 20_000, 400, "Invalid JSON"),
        ("{}", 400, "Invalid op"),
        ('{"op": 5}', 400, "Invalid op"),
        ('{"op": "sing"}', 400, "Invalid op"),
        ('{"op": "subscribe"}', 400, "Invalid channel"),
        ('{"op": "subscribe", "channel": "nothing", "market": "BTC-PERP"}', 400, "Invalid channel"),
        ('{"op": "subscribe", "channel": ["trades"]}', 400, "Invalid channel"),
        ('{"op": "subscribe", "channel": {"trades": 1}}', 400, "Invalid channel"),
        ('{"op": "subscribe", "channel": "trades"}', 400, "Missing parameter market"),
        ('{"op": "subscribe", "channel": "trades", "market": "NIX-PERP"}', 404, "No such market: NIX-PERP"),
        ('{"op": "subscribe", "channel": "trades", "market": {"a": 1}}', 404, "No such market: {'a': 1}"),
        ('{"op": "subscribe", "channel": "funding", "market": "BTC/USD"}', 404, "No such market: BTC/USD"),
        ('{"op": "subscribe", "channel": "orders"}', 400, "Not logged in"),
        ('{"op": "unsubscribe", "channel": "fills"}', 400, "Not logged in"),
        ('{"op": "unsubscribe", "channel": "trades", "market": "BTC-PERP"}', 400, "Not subscribed"),
        ('{"op": "unsubscribe", "channel": "markets"}', 400, "Not subscribed"),
        ('{"op": "login"}', 400, "Invalid login credentials"),
        ('{"op": "login", "args": "alice"}', 400, "Invalid login credentials"),
        ('{"op": "login", "args": {}}', 400, "Invalid login credentials"),
        ('{"op": "login", "args": {"key": 1, "sign": [], "time": {}}}', 400, "Invalid login credentials"),
    ],
)
async def test_a_bad_frame_is_answered_and_never_ends_the_session(
    listener: Listener, frame: str, code: int, error: str
):
    await listener.socket.send_str(frame)
    answer = await listener.next()
    assert (answer["type"], answer["code"], answer["msg"]) == ("error", code, error)
    assert await listener.pending() == []


async def test_an_error_names_the_subscription_it_is_about(listener: Listener):
    await listener.send(op="subscribe", channel="trades", market="NIX-PERP")
    assert await listener.next() == {
        "type": "error",
        "channel": "trades",
        "market": "NIX-PERP",
        "code": 404,
        "msg": "No such market: NIX-PERP",
    }


async def test_bytes_are_read_like_text(listener: Listener):
    await listener.socket.send_bytes(b'{"op": "ping"}')
    assert await listener.next() == {"type": "pong"}
    await listener.socket.send_bytes(b"\xff\xfe")
    assert (await listener.next())["msg"] == "Invalid JSON"


@pytest.mark.parametrize("channel", ["orderbook", "trades", "ticker", "funding", "markets"])
async def test_subscribing_twice_and_ending_it_twice(listener: Listener, running: RunningVenue, channel: str):
    named = {"channel": channel} | ({} if channel == "markets" else {"market": "BTC-PERP"})
    await listener.send(op="subscribe", **named)
    await listener.pending()
    await listener.send(op="subscribe", **named)
    assert (await listener.next())["msg"] == "Already subscribed"
    await listener.send(op="unsubscribe", **named)
    assert await listener.next() == named | {"type": "unsubscribed"}
    running.advance(5)
    assert await listener.pending() == []
    await listener.send(op="unsubscribe", **named)
    assert (await listener.next())["msg"] == "Not subscribed"


async def test_a_fault_of_the_venue_is_answered_with_its_id_and_does_not_end_the_session(
    listener: Listener, running: RunningVenue, monkeypatch, caplog
):
    def broken(name: str):
        raise RuntimeError("the engine has a fault")

    monkeypatch.setattr(running.venue.engine, "market_names", broken)
    await listener.send(op="subscribe", channel="trades", market="BTC-PERP")
    answer = await listener.next()
    assert (answer["type"], answer["code"]) == ("error", 500)
    assert answer["msg"].split("(")[1].removesuffix(")") in caplog.text
    assert await listener.pending() == []


async def test_recorded_subscriptions_are_answered_as_they_were(listener: Listener):
    """The dialect's own frames, with the markets that Acme has too."""
    sent = [frame for frame in recordings.frames("sent") if frame["market"] == "BTC-1231"]
    assert len(sent) == 3
    for frame in sent:
        await listener.socket.send_json(frame)
        recorded = {"channel": frame["channel"], "market": frame["market"], "type": "subscribed"}
        assert recorded in recordings.frames("received")
        assert recorded in await listener.pending()


async def test_frames_have_the_fields_of_the_recorded_ones(http: aiohttp.ClientSession, lively: RunningVenue):
    kinds = {}
    for frame in recordings.frames("received"):
        if "data" in frame:
            kinds.setdefault((frame["channel"], frame["type"]), frame)
    async with listening(http, lively) as listener:
        for channel in ("orderbook", "trades", "ticker"):
            await listener.send(op="subscribe", channel=channel, market="BTC-PERP")
        seen = {}
        while seen.keys() < kinds.keys():
            lively.advance(0.1)
            seen |= {(frame["channel"], frame["type"]): frame for frame in await listener.pending() if "data" in frame}
    for kind, recorded in kinds.items():
        assert seen[kind].keys() == recorded.keys()
        ours, theirs = seen[kind]["data"], recorded["data"]
        if kind[0] == "trades":
            (ours, *_), (theirs, *_) = ours, theirs
        assert ours.keys() == theirs.keys()


async def test_a_hundred_subscriptions_and_not_one_more(http: aiohttp.ClientSession, monkeypatch):
    async with running_venue() as running, listening(http, running) as listener:
        names = [f"M{count}-PERP" for count in range(101)]
        monkeypatch.setattr(running.venue.engine, "market_names", lambda: names)
        for name in names[:100]:
            await listener.subscribe("trades", name)
        await listener.send(op="subscribe", channel="trades", market=names[100])
        answer = await listener.next()
        assert (answer["type"], answer["code"], answer["msg"]) == ("error", 400, "Too many subscriptions")
        await listener.send(op="unsubscribe", channel="trades", market=names[0])
        await listener.next()
        await listener.subscribe("trades", names[100])


# Logging in


async def test_a_login_that_succeeds_has_no_answer(listener: Listener):
    await listener.login("alice-key", "alice-secret")
    await listener.login("alice-key", "alice-secret")
    assert await listener.pending() == []
    await listener.subscribe("orders")


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "nobody"},
        {"key": "bob-key"},
        {"sign": "0" * 64},
        {"sign": None},
        {"time": 1767323039000},
        {"time": None},
        {"time": "soon"},
        {"subaccount": "spare"},
    ],
)
async def test_a_login_that_fails_is_answered_and_can_be_tried_again(listener: Listener, changed: dict):
    await listener.login("alice-key", "alice-secret", **changed)
    answer = await listener.next()
    assert (answer["type"], answer["code"], answer["msg"]) == ("error", 400, "Invalid login credentials")
    await listener.send(op="subscribe", channel="orders")
    assert (await listener.next())["msg"] == "Not logged in"
    await private(listener)


async def test_a_session_belongs_to_one_account(listener: Listener):
    await private(listener)
    await listener.login("bob-key", "bob-secret")
    assert (await listener.next())["msg"] == "Invalid login credentials"


async def test_a_session_can_be_a_subaccounts(http: aiohttp.ClientSession):
    grid = AccountEntry("alice/grid", Decimal(500), (KeyEntry("grid-key", False, "grid-secret"),))
    async with running_venue([ALICE, grid]) as running, http.ws_connect(running.websocket_url) as socket:
        listener = Listener(socket, running)
        await listener.login("alice-key", "alice-secret", subaccount="grid")
        await listener.subscribe("orders")
        await Client(http, running, "alice-key", "alice-secret").place("BTC-PERP", "buy", "0.02", 64000)
        assert await listener.pending() == []
        await Client(http, running, "grid-key", "grid-secret").place("BTC-PERP", "buy", "0.01", 64000)
        assert [float(order["size"]) for order in data_of(await listener.pending(), "orders")] == [0.01, 0.01]


# Private channels


async def test_every_change_of_an_order_is_one_frame_in_its_order(listener: Listener, alice: Client, bob: Client):
    await private(listener)
    placed = (await alice.place("BTC-PERP", "buy", "0.02", 64000, clientId="mine")).result
    await bob.place("BTC-PERP", "sell", "0.005", 64000)
    await alice.delete("/orders/by_client_id/mine")
    frames = await listener.pending()
    assert all(frame.keys() == {"channel", "type", "data"} and frame["type"] == "update" for frame in frames)
    orders = data_of(frames, "orders")
    assert orders[0] == placed
    assert [(order["status"], float(order["filledSize"]), float(order["remainingSize"])) for order in orders] == [
        ("new", 0, 0.02),
        ("open", 0, 0.02),
        ("open", 0.005, 0.015),
        ("closed", 0.005, 0),
    ]
    (fill,) = data_of(frames, "fills")
    assert fill == (await alice.get("/fills")).result[0]
    (position,) = data_of(frames, "positions")
    assert position == (await alice.get("/positions")).result[0] | {
        name: position[name] for name in ("openSize", "longOrderSize", "collateralUsed")
    }
    assert data_of(frames, "balances")[-1] == (await alice.get("/wallet/balances")).result[0]


async def test_private_frames_do_not_wait_for_the_pace_of_public_ones(listener: Listener, alice: Client):
    await private(listener)
    await listener.send(op="subscribe", channel="orderbook", market="BTC-PERP")
    await listener.pending()
    await alice.place("BTC-PERP", "buy", "0.02", 64000)
    assert [frame["channel"] for frame in await listener.pending()] == ["orders", "orders", "balances"]


async def test_a_read_only_key_may_listen(listener: Listener, alice: Client):
    await listener.login("alice-eyes", "alice-eyes-secret")
    await listener.subscribe("orders")
    await alice.place("BTC-PERP", "buy", "0.02", 64000)
    assert [order["status"] for order in data_of(await listener.pending(), "orders")] == ["new", "open"]


async def test_nobody_hears_of_anothers_account(
    http: aiohttp.ClientSession, running: RunningVenue, listener: Listener, alice: Client, bob: Client
):
    await private(listener, "bob")
    await alice.place("BTC-PERP", "buy", "0.02", 64000)
    assert await listener.pending() == []
    await bob.place("BTC-PERP", "sell", "0.01", 64000)
    frames = await listener.pending()
    assert {order["side"] for order in data_of(frames, "orders")} == {"sell"}
    assert [fill["liquidity"] for fill in data_of(frames, "fills")] == ["taker"]


async def test_free_margin_that_the_mark_moves_is_told(http: aiohttp.ClientSession, lively: RunningVenue):
    alice = Client(http, lively, "alice-key", "alice-secret")
    async with listening(http, lively) as listener:
        await alice.place("BTC-PERP", "buy", "0.01")
        await private(listener, "alice", "balances")
        while not (balances := data_of(await listener.pending(), "balances")):
            lively.advance(0.1)
        assert balances[-1] == (await alice.get("/wallet/balances")).result[0]


async def test_a_funding_payment_is_told_by_position_and_balance(http: aiohttp.ClientSession):
    async with running_venue(funding_interval=60) as running, listening(http, running) as listener:
        alice = Client(http, running, "alice-key", "alice-secret")
        bob = Client(http, running, "bob-key", "bob-secret")
        await alice.place("BTC-PERP", "buy", "0.01", 66000)
        await bob.place("BTC-PERP", "sell", "0.01", 66000)
        await alice.place("BTC-PERP", "buy", "0.01", 65900)
        await bob.place("BTC-PERP", "sell", "0.01", 66100)
        await private(listener, "alice", "positions", "balances")
        frames = []
        for _ in range(7):
            running.advance(10)
            frames += await listener.pending()
        (paid,) = (await alice.get("/funding_payments")).result
        assert paid["payment"] > 0
        fee = (await alice.get("/fills")).result[0]["fee"]
        assert 10000 - fee - paid["payment"] in [balance["total"] for balance in data_of(frames, "balances")]
        assert data_of(frames, "positions")


# Public channels


async def test_a_book_begins_with_a_partial_and_goes_on_with_what_changed(
    listener: Listener, alice: Client, running: RunningVenue
):
    await alice.place("BTC-PERP", "buy", "0.01", 64000)
    await listener.send(op="subscribe", channel="orderbook", market="BTC-PERP")
    subscribed, partial = await listener.pending()
    assert subscribed == {"channel": "orderbook", "market": "BTC-PERP", "type": "subscribed"}
    assert (partial["type"], partial["data"]["action"], float(partial["data"]["time"])) == ("partial", "partial", NOW)
    assert (partial["data"]["bids"], partial["data"]["asks"]) == ([[64000, Decimal("0.01")]], [])

    order_id = (await alice.place("BTC-PERP", "buy", "0.01", 64001)).result["id"]
    await alice.place("BTC-PERP", "buy", "0.02", 64001)
    running.advance(0.05)
    (update,) = await listener.pending()
    assert (update["type"], update["data"]["action"]) == ("update", "update")
    assert [[float(number) for number in level] for level in update["data"]["bids"]] == [[64001.0, 0.03]]
    await alice.delete(f"/orders/{order_id}")
    await alice.delete("/orders")
    running.advance(0.05)
    (update,) = await listener.pending()
    assert [[float(number) for number in level] for level in update["data"]["bids"]] == [[64001.0, 0.0], [64000.0, 0.0]]


async def test_a_client_that_does_what_it_is_told_has_the_book_at_every_frame(
    http: aiohttp.ClientSession, lively: RunningVenue
):
    alice = Client(http, lively, "alice-key", "alice-secret")
    book = ClientBook()
    async with listening(http, lively) as listener:
        await listener.subscribe("orderbook", "BTC-PERP")
        updates = 0
        for step in range(60):
            lively.advance(0.1)
            if step % 20 == 5:
                await alice.place("BTC-PERP", "buy" if step % 40 == 5 else "sell", "0.05")
            for frame in await listener.pending():
                book.take(frame["data"])
                updates += frame["type"] == "update"
                assert book.checksum() == frame["data"]["checksum"]
        lively.server.pacemaker.beat()
        for frame in await listener.pending():
            book.take(frame["data"])
    assert updates >= 15
    answer = (await alice.get("/markets/BTC-PERP/orderbook?depth=100")).result
    assert len(answer["bids"]) == len(answer["asks"]) == 100
    assert [[list(level) for level in side] for side in book.levels] == [answer["bids"], answer["asks"]]


async def test_one_who_joins_or_comes_back_later_gets_the_book_as_it_is(
    http: aiohttp.ClientSession, lively: RunningVenue
):
    async with listening(http, lively) as first, listening(http, lively) as second:
        await first.subscribe("orderbook", "ETH-PERP")
        books = {first: ClientBook(), second: ClientBook()}
        alice = Client(http, lively, "alice-key", "alice-secret")
        await alice.place("ETH-PERP", "buy", "0.1")
        await second.subscribe("orderbook", "ETH-PERP")
        for _ in range(5):
            lively.advance(0.1)
        for listener, book in books.items():
            for frame in await listener.pending():
                book.take(frame["data"])
                assert book.checksum() == frame["data"]["checksum"]
        assert books[first].levels == books[second].levels

        await second.send(op="unsubscribe", channel="orderbook", market="ETH-PERP")
        await second.next()
        lively.advance(0.1)
        await second.subscribe("orderbook", "ETH-PERP")
        (again,) = await second.pending()
        assert again["type"] == "partial"
        books[second].take(again["data"])
        for frame in await first.pending():
            books[first].take(frame["data"])
        assert books[first].levels == books[second].levels


async def test_a_book_that_nobody_listens_to_any_more_is_not_looked_at(
    http: aiohttp.ClientSession, lively: RunningVenue, monkeypatch
):
    asked = []
    levels = lively.venue.engine.levels
    monkeypatch.setattr(lively.venue.engine, "levels", lambda *args: asked.append(args) or levels(*args))
    async with listening(http, lively) as listener:
        await listener.subscribe("orderbook", "BTC-PERP")
        await listener.send(op="unsubscribe", channel="orderbook", market="BTC-PERP")
        await listener.pending()
        assert asked == [("BTC-PERP", 100)]
        lively.advance(1)
        assert len(asked) == 1


async def test_trades_come_with_the_taker_s_side(listener: Listener, alice: Client, bob: Client):
    await listener.subscribe("trades", "BTC-PERP")
    for price in (64000, 64001):
        await alice.place("BTC-PERP", "sell", "0.01", price)
    await bob.place("BTC-PERP", "buy", "0.02")
    (frame,) = await listener.pending()
    assert (frame["channel"], frame["market"], frame["type"]) == ("trades", "BTC-PERP", "update")
    assert frame["data"] == (await alice.get("/markets/BTC-PERP/trades")).result[::-1]
    assert {trade["side"] for trade in frame["data"]} == {"buy"}


async def test_a_ticker_follows_the_best_prices_and_repeats_every_second(
    listener: Listener, alice: Client, running: RunningVenue
):
    await listener.subscribe("ticker", "BTC-PERP")
    (empty,) = await listener.pending()
    assert [empty["data"][name] for name in ("bid", "ask", "bidSize", "askSize", "last")] == [None] * 5
    await alice.place("BTC-PERP", "buy", "0.01", 64000)
    await alice.place("BTC-PERP", "sell", "0.02", 66000)
    for _ in range(2):
        running.advance(1)
        frame = (await listener.pending())[-1]
        numbers = {name: value if value is None else float(value) for name, value in frame["data"].items()}
        assert numbers == {
            "bid": 64000.0,
            "ask": 66000.0,
            "bidSize": 0.01,
            "askSize": 0.02,
            "last": None,
            "time": pytest.approx(running.clock.now() / 1e6),
        }


async def test_markets_come_whole_and_then_as_they_change(listener: Listener, alice: Client, running: RunningVenue):
    await listener.subscribe("markets")
    (partial,) = await listener.pending()
    assert partial.keys() == {"channel", "type", "data"}
    assert (partial["type"], partial["data"]["action"]) == ("partial", "partial")
    assert partial["data"]["data"] == {market["name"]: market for market in (await alice.get("/markets")).result}
    await alice.place("XRP-PERP", "buy", 100, "0.5")
    running.advance(0)
    (update,) = await listener.pending()
    assert (update["type"], update["data"]["action"]) == ("update", "update")
    assert list(update["data"]["data"]) == ["XRP-PERP"]
    assert float(update["data"]["data"]["XRP-PERP"]["bid"]) == 0.5


async def test_funding_comes_at_once_and_every_second(listener: Listener, alice: Client, running: RunningVenue):
    await listener.subscribe("funding", "BTC-PERP")
    frames = await listener.pending()
    for _ in range(2):
        running.advance(1)
        frames += await listener.pending()
    assert [frame["data"]["time"][17:19] for frame in frames] == ["05", "06", "07"]
    assert frames[0]["data"].keys() == {
        "future",
        "index",
        "mark",
        "nextFundingRate",
        "nextFundingTime",
        "openInterest",
        "time",
    }
    future = (await alice.get("/futures/BTC-PERP")).result
    for name in ("index", "mark", "nextFundingRate", "nextFundingTime", "openInterest"):
        assert frames[-1]["data"][name] == future[name]


async def test_the_venue_moves_by_itself_on_a_real_clock(http: aiohttp.ClientSession):
    async with running_venue(clock=SystemClock(), liquidity=True) as running, listening(http, running) as listener:
        await listener.subscribe("orderbook", "BTC-PERP")
        await listener.send(op="subscribe", channel="funding", market="BTC-PERP")
        kinds = []
        while kinds.count(("orderbook", "update")) < 3 or kinds.count(("funding", "update")) < 2:
            frame = await listener.next()
            kinds.append((frame["channel"], frame["type"]))


# How a connection ends


async def test_a_client_that_is_silent_for_a_minute_is_closed(http: aiohttp.ClientSession, running: RunningVenue):
    async with listening(http, running) as silent, listening(http, running) as talking, listening(http, running) as raw:
        running.advance(59.9)
        await talking.pending()
        await raw.socket.ping()
        await raw.pending()
        running.advance(0.1)
        message = await silent.socket.receive(timeout=60)
        assert (message.type, silent.socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)
        assert await talking.pending() == []
        assert await raw.pending() == []


async def test_a_ping_of_the_protocol_is_answered_and_keeps_the_connection(
    http: aiohttp.ClientSession, running: RunningVenue
):
    async with http.ws_connect(running.websocket_url, autoping=False) as socket:
        running.advance(59.9)
        await socket.ping(b"here")
        message = await socket.receive(timeout=60)
        assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"here")
        running.advance(59.9)
        await socket.send_json({"op": "ping"})
        assert json.loads(await socket.receive_str(timeout=60)) == {"type": "pong"}


async def test_a_reader_that_is_too_slow_is_dropped_and_the_others_are_not(
    http: aiohttp.ClientSession, lively: RunningVenue, monkeypatch
):
    monkeypatch.setattr(outbox.Outbox.__init__, "__defaults__", (200_000, lambda change: None))
    host, port = lively.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(
        f"GET /ws/ HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    async with listening(http, lively) as quick:
        for name in ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP"):
            await quick.send(op="subscribe", channel="orderbook", market=name)
            text = json.dumps({"op": "subscribe", "channel": "orderbook", "market": name}).encode()
            writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        await quick.pending()
        while lively.subscriptions == 10:
            lively.advance(0.1)
            await quick.pending()
        assert lively.subscriptions == 5
        frames = []
        for _ in range(10):
            lively.advance(0.1)
            frames += await quick.pending()
        assert frames
    writer.close()


async def test_at_the_end_everybody_is_told_to_reconnect(http: aiohttp.ClientSession):
    async with running_venue() as running:
        sockets = [await http.ws_connect(running.websocket_url) for _ in range(3)]
        for socket in sockets:
            await Listener(socket, running).subscribe("trades", "BTC-PERP")
        ending = asyncio.create_task(running.server.stop())
        for socket in sockets:
            frame = json.loads(await socket.receive_str(timeout=60))
            assert (frame["type"], frame["code"]) == ("info", 20001)
            assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1001
        await ending


async def test_whoever_leaves_is_forgotten(http: aiohttp.ClientSession, running: RunningVenue):
    async with listening(http, running) as listener:
        await private(listener)
        await listener.send(op="subscribe", channel="orderbook", market="BTC-PERP")
        await listener.pending()
        assert running.subscriptions == 5
    async with listening(http, running) as other:
        await other.pending()
    assert running.subscriptions == 0
