"""Acme API §5: every private request, its fields exactly."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from test.acme_exchange.venue import ALICE, BOB, Client, RunningVenue, running_venue

ORDER_FIELDS = {
    "id",
    "clientId",
    "market",
    "future",
    "type",
    "side",
    "size",
    "price",
    "reduceOnly",
    "ioc",
    "postOnly",
    "status",
    "filledSize",
    "remainingSize",
    "avgFillPrice",
    "createdAt",
    "liquidation",
    "positionSide",
}
FILL_FIELDS = {
    "id",
    "market",
    "future",
    "type",
    "side",
    "price",
    "size",
    "orderId",
    "tradeId",
    "time",
    "feeRate",
    "fee",
    "feeCurrency",
    "liquidity",
    "baseCurrency",
    "quoteCurrency",
    "clientId",
    "positionSide",
}
POSITION_FIELDS = {
    "future",
    "side",
    "size",
    "netSize",
    "openSize",
    "longOrderSize",
    "shortOrderSize",
    "cost",
    "entryPrice",
    "unrealizedPnl",
    "realizedPnl",
    "initialMarginRequirement",
    "maintenanceMarginRequirement",
    "estimatedLiquidationPrice",
    "collateralUsed",
    "positionSide",
}
ACCOUNT_FIELDS = {
    "username",
    "collateral",
    "freeCollateral",
    "totalAccountValue",
    "totalPositionSize",
    "initialMarginRequirement",
    "maintenanceMarginRequirement",
    "marginFraction",
    "openMarginFraction",
    "liquidating",
    "leverage",
    "makerFee",
    "takerFee",
    "positions",
    "positionMode",
}


async def buy(alice: Client, bob: Client, size: str = "0.01", price: int = 64000, **fields) -> int:
    """Bob offers, Alice takes; the id of her order."""
    assert (await bob.place("BTC-PERP", "sell", size, price)).status == 200
    return (await alice.place("BTC-PERP", "buy", size, price, **fields)).result["id"]


async def test_an_account_that_has_done_nothing_yet(alice: Client):
    account = (await alice.get("/account")).result
    assert account.keys() == ACCOUNT_FIELDS
    assert (account["username"], account["collateral"], account["freeCollateral"]) == ("alice", 10000, 10000)
    assert (account["makerFee"], account["takerFee"]) == (Decimal("0.0002"), Decimal("0.0005"))
    assert (account["positions"], account["positionMode"], account["liquidating"]) == ([], "oneway", False)
    assert (await alice.get("/wallet/balances")).result == [
        {
            "coin": "USD",
            "total": 10000,
            "free": 10000,
            "availableWithoutBorrow": 10000,
            "usdValue": 10000,
            "spotBorrow": 0,
        }
    ]


async def test_leverage_is_the_accounts_and_shows_in_it(alice: Client, bob: Client):
    answer = await alice.post("/account/leverage", {"leverage": 5})
    assert (answer.status, answer.result) == (200, None)
    assert (await alice.get("/account")).result["leverage"] == 5
    assert (await bob.get("/account")).result["leverage"] != 5
    for leverage in (0, 21, 2.5, "high"):
        refused = await alice.post("/account/leverage", {"leverage": leverage})
        assert (refused.status, refused.error) == (400, "Invalid leverage")
    assert (await alice.get("/account")).result["leverage"] == 5


async def test_a_placed_order_is_answered_as_new_and_rests(alice: Client):
    answer = await alice.place("BTC-PERP", "buy", "0.0100", "60000", clientId="mine", postOnly=True)
    order = answer.result
    assert order == {
        "id": order["id"],
        "clientId": "mine",
        "market": "BTC-PERP",
        "future": "BTC-PERP",
        "type": "limit",
        "side": "buy",
        "size": Decimal("0.01"),
        "price": 60000,
        "reduceOnly": False,
        "ioc": False,
        "postOnly": True,
        "status": "new",
        "filledSize": 0,
        "remainingSize": Decimal("0.01"),
        "avgFillPrice": None,
        "createdAt": "2026-01-02T03:04:05.678901+00:00",
        "liquidation": False,
        "positionSide": None,
    }
    assert isinstance(order["id"], int)
    resting = order | {"status": "open"}
    assert (await alice.get("/orders")).result == [resting]
    assert (await alice.get("/orders?market=BTC-PERP")).result == [resting]
    assert (await alice.get("/orders?market=ETH-PERP")).result == []
    assert (await alice.get(f"/orders/{order['id']}")).result == resting
    assert (await alice.get("/orders/by_client_id/mine")).result == resting


async def test_a_client_id_may_hold_whatever_a_path_can_carry(alice: Client):
    await alice.place("BTC-PERP", "buy", "0.01", 60000, clientId="a/b c?ü 50%")
    order = (await alice.get("/orders/by_client_id/a%2Fb%20c%3F%C3%BC%2050%25")).result
    assert order["clientId"] == "a/b c?ü 50%"
    assert (await alice.delete("/orders/by_client_id/a%2Fb%20c%3F%C3%BC%2050%25")).status == 200


async def test_a_filled_order_is_found_by_both_its_names_and_in_the_history(alice: Client, bob: Client):
    order_id = await buy(alice, bob, clientId="mine")
    order = (await alice.get("/orders/by_client_id/mine")).result
    assert order.keys() == ORDER_FIELDS
    assert (order["id"], order["status"]) == (order_id, "closed")
    assert (order["filledSize"], order["remainingSize"], order["avgFillPrice"]) == (Decimal("0.01"), 0, 64000)
    assert (await alice.get(f"/orders/{order_id}")).result == order
    assert (await alice.get("/orders")).result == []
    assert (await alice.get("/orders/history")).result == [order]


async def test_nobody_sees_or_touches_anothers_order(alice: Client, bob: Client):
    order_id = (await alice.place("BTC-PERP", "buy", "0.01", 60000, clientId="mine")).result["id"]
    for path in (f"/orders/{order_id}", "/orders/by_client_id/mine"):
        for answer in (await bob.get(path), await bob.delete(path), await bob.post(f"{path}/modify", {"size": 1})):
            assert (answer.status, answer.error) == (404, "Order not found")
    assert (await bob.delete("/orders")).status == 200
    assert (await alice.get(f"/orders/{order_id}")).result["status"] == "open"
    assert (await bob.place("BTC-PERP", "buy", "0.01", 60000, clientId="mine")).status == 200


async def test_a_fill_is_exact_on_both_sides(alice: Client, bob: Client):
    order_id = await buy(alice, bob, size="0.0123", price=64321, clientId="mine")
    (fill,) = (await alice.get("/fills")).result
    assert fill == {
        "id": fill["id"],
        "market": "BTC-PERP",
        "future": "BTC-PERP",
        "type": "order",
        "side": "buy",
        "price": 64321,
        "size": Decimal("0.0123"),
        "orderId": order_id,
        "tradeId": fill["tradeId"],
        "time": "2026-01-02T03:04:05.678901+00:00",
        "feeRate": Decimal("0.0005"),
        "fee": Decimal("0.39557415"),
        "feeCurrency": "USD",
        "liquidity": "taker",
        "baseCurrency": None,
        "quoteCurrency": None,
        "clientId": "mine",
        "positionSide": None,
    }
    (twin,) = (await bob.get("/fills")).result
    assert (twin["tradeId"], twin["side"], twin["liquidity"]) == (fill["tradeId"], "sell", "maker")
    assert (twin["fee"], twin["id"] != fill["id"]) == (Decimal("0.15822966"), True)
    (balance,) = (await alice.get("/wallet/balances")).result
    assert balance["total"] == 10000 - fill["fee"]


async def test_every_amount_leaves_with_exactly_its_digits(alice: Client, bob: Client, http, running: RunningVenue):
    await buy(alice, bob, size="0.0123", price=64321)
    headers = alice.signature_headers("GET", "/api/fills", "")
    async with http.get(f"{running.url}/api/fills", headers=headers) as response:
        text = await response.text()
    assert '"fee":0.39557415' in text and '"size":0.0123' in text


async def test_a_position_follows_its_fills_and_stays_when_flat(alice: Client, bob: Client):
    assert (await alice.get("/positions")).result == []
    await buy(alice, bob, size="0.01", price=64000)
    (position,) = (await alice.get("/positions")).result
    assert position.keys() == POSITION_FIELDS
    assert (position["side"], position["size"], position["netSize"]) == ("buy", Decimal("0.01"), Decimal("0.01"))
    assert (position["entryPrice"], position["cost"], position["positionSide"]) == (64000, 640, "net")
    assert (await alice.get("/account")).result["positions"] == [position]
    await buy(bob, alice, size="0.01", price=64500)
    (flat,) = (await alice.get("/positions")).result
    assert (flat["size"], flat["netSize"], flat["entryPrice"], flat["realizedPnl"]) == (0, 0, None, 5)


async def test_average_prices_come_when_asked_for(alice: Client, bob: Client):
    await buy(alice, bob)
    for asked in ("true", "True", "1"):
        (position,) = (await alice.get(f"/positions?showAvgPrice={asked}")).result
        assert position.keys() - POSITION_FIELDS == {"recentAverageOpenPrice", "recentBreakEvenPrice", "recentPnl"}
        assert position["recentAverageOpenPrice"] == 64000
    (position,) = (await alice.get("/positions?showAvgPrice=false")).result
    assert position.keys() == POSITION_FIELDS


async def test_cancelling_one_order_by_either_name(alice: Client):
    order_id = (await alice.place("BTC-PERP", "buy", "0.01", 60000)).result["id"]
    await alice.place("BTC-PERP", "buy", "0.01", 60001, clientId="mine")
    for path in (f"/orders/{order_id}", "/orders/by_client_id/mine"):
        assert (await alice.delete(path)).result == "Order queued for cancellation"
        order = (await alice.get(path)).result
        assert (order["status"], order["filledSize"], order["remainingSize"]) == ("closed", 0, 0)
    assert (await alice.get("/orders")).result == []


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (None, []),
        ({}, []),
        ({"market": "BTC-PERP"}, ["eth-buy", "eth-sell"]),
        ({"side": "sell"}, ["btc-buy", "eth-buy"]),
        ({"market": "ETH-PERP", "side": "buy"}, ["btc-buy", "btc-sell", "eth-sell"]),
        ({"market": None, "conditionalOrdersOnly": False}, []),
    ],
)
async def test_cancelling_all_orders_or_some(alice: Client, body: dict | None, left: list[str]):
    for market, prices in (("BTC-PERP", (60000, 70000)), ("ETH-PERP", (2000, 5000))):
        for side, price in zip(("buy", "sell"), prices):
            placed = await alice.place(market, side, "0.01", price, clientId=f"{market[:3].lower()}-{side}")
            assert placed.status == 200
    assert (await alice.delete("/orders", body)).result == "Orders queued for cancellation"
    assert sorted(order["clientId"] for order in (await alice.get("/orders")).result) == left


@pytest.mark.parametrize("by_client_id", [False, True])
async def test_modifying_replaces_the_order(alice: Client, by_client_id: bool):
    old = (await alice.place("BTC-PERP", "buy", "0.01", 60000, clientId="old")).result
    path = "/orders/by_client_id/old" if by_client_id else f"/orders/{old['id']}"
    new = (await alice.post(f"{path}/modify", {"price": "60001", "size": 0.02, "clientId": "new"})).result
    assert new["id"] != old["id"]
    assert (new["price"], new["size"], new["clientId"], new["status"]) == (60001, Decimal("0.02"), "new", "new")
    assert (await alice.get(f"/orders/{old['id']}")).result["status"] == "closed"
    assert [order["id"] for order in (await alice.get("/orders")).result] == [new["id"]]


async def test_a_refused_modification_leaves_the_order_where_it_was(alice: Client):
    order_id = (await alice.place("BTC-PERP", "buy", "0.01", 60000)).result["id"]
    answer = await alice.post(f"/orders/{order_id}/modify", {"size": 10_000})
    assert answer.status == 400
    (order,) = (await alice.get("/orders")).result
    assert (order["id"], order["size"]) == (order_id, Decimal("0.01"))


async def test_the_history_holds_open_and_closed_orders_newest_first_and_says_whether_there_is_more(
    alice: Client, running: RunningVenue
):
    ids = []
    for count in range(5):
        ids.append((await alice.place("BTC-PERP", "buy", "0.01", 60000 + count)).result["id"])
        running.advance(1)
    await alice.delete(f"/orders/{ids[1]}")
    history = await alice.get("/orders/history")
    assert [order["id"] for order in history.result] == ids[::-1]
    assert [order["status"] for order in history.result] == ["open", "open", "open", "closed", "open"]
    assert history.body["hasMoreData"] is False
    for limit, more in ((4, True), (5, False)):
        page = await alice.get(f"/orders/history?limit={limit}")
        assert ([order["id"] for order in page.result], page.body["hasMoreData"]) == (ids[::-1][:limit], more)
    oldest_first = await alice.get("/orders/history?order=asc&limit=2")
    assert [order["id"] for order in oldest_first.result] == ids[:2]
    period = await alice.get("/orders/history?start_time=1767323046.678901&end_time=1767323048.678901")
    assert [order["id"] for order in period.result] == ids[3:0:-1]


async def test_the_history_can_be_narrowed(alice: Client, bob: Client):
    bought = await buy(alice, bob)
    asked = (await alice.place("ETH-PERP", "sell", "0.01", 5000)).result["id"]
    taken = (await alice.place("BTC-PERP", "sell", "0.01")).result["id"]
    for query, expected in (
        ("market=ETH-PERP", [asked]),
        ("side=buy", [bought]),
        ("orderType=market", [taken]),
        ("side=sell&orderType=limit", [asked]),
    ):
        assert [order["id"] for order in (await alice.get(f"/orders/history?{query}")).result] == expected


async def test_only_the_history_says_whether_there_is_more(alice: Client):
    for path in ("/fills", "/orders", "/funding_payments", "/positions"):
        assert "hasMoreData" not in (await alice.get(path)).body


async def test_fills_can_be_narrowed_and_turned_round(alice: Client, bob: Client, running: RunningVenue):
    ids = []
    for price in (64000, 64001, 64002):
        ids.append(await buy(alice, bob, price=price))
        running.advance(1)
    for query, expected in (
        ("order=desc", ids[::-1]),
        ("order=asc", ids),
        ("limit=2", ids[:0:-1]),
        ("order=asc&limit=1", ids[:1]),
        (f"orderId={ids[1]}", [ids[1]]),
        ("market=BTC-PERP&limit=1", ids[2:]),
        ("market=ETH-PERP", []),
        ("start_time=1767323046.678901&end_time=1767323046.678901", [ids[1]]),
        ("start_time=1767323046.678902", [ids[2]]),
        ("end_time=1767323045", []),
    ):
        assert [fill["orderId"] for fill in (await alice.get(f"/fills?{query}")).result] == expected, query


async def test_fills_can_be_asked_for_from_an_id_on(alice: Client, bob: Client, running: RunningVenue):
    """More than a page of them at one moment: time alone would never lead past those."""
    for _ in range(12):
        assert (await bob.place("DOGE-PERP", "sell", 1, "0.15")).status == 200
    assert (await alice.place("DOGE-PERP", "buy", 12)).status == 200
    seen, least = [], 0
    while page := (await alice.get(f"/fills?order=asc&limit=5&minId={least}")).result:
        seen += [fill["id"] for fill in page]
        least = seen[-1] + 1
    assert len(seen) == len(set(seen)) == 12 and seen == sorted(seen)


@pytest.mark.parametrize("path", ["/fills", "/markets/DOGE-PERP/trades"])
async def test_no_page_of_a_period_ends_within_a_moment(alice: Client, bob: Client, running: RunningVenue, path: str):
    for count in (3, 12, 2):
        for _ in range(count):
            assert (await bob.place("DOGE-PERP", "sell", 1, "0.15")).status == 200
        assert (await alice.place("DOGE-PERP", "buy", count)).status == 200
        running.advance(1)
    whole = [each["id"] for each in (await alice.get(f"{path}?limit=1000")).result]

    seen, end = [], "1767323055"
    while page := (await alice.get(f"{path}?limit=5&end_time={end}")).result:
        seen += [each["id"] for each in page if each["id"] not in seen]
        before = datetime.fromisoformat(page[-1]["time"]) - timedelta(microseconds=1)
        end = f"{Decimal(round(before.timestamp() * 1_000_000)).scaleb(-6)}"
    assert (len(whole), seen) == (17, whole)
    assert len((await alice.get(f"{path}?limit=5")).result) == 5
    least = whole[6]
    assert [each["id"] for each in (await alice.get(f"{path}?minId={least}")).result] == whole[:7]


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ('"size":0.30000000000000004,"price":64000', ("0.3", "64000")),
        ('"size":0.7999999999999999,"price":64000.000000000004', ("0.8", "64000")),
        ('"size":"0.30000000000000004","price":64000', ("0.3", "64000")),
    ],
)
async def test_a_number_that_was_reckoned_with_doubles_is_taken_as_it_was_meant(alice: Client, body, meant):
    order = await alice.post("/orders", f'{{"market":"BTC-PERP","side":"buy","type":"limit",{body}}}')
    assert (order.status, order.result["size"], order.result["price"]) == (200, *map(Decimal, meant))
    changed = await alice.post(f"/orders/{order.result['id']}/modify", '{"size":0.6000000000000001}')
    assert (changed.status, changed.result["size"]) == (200, Decimal("0.6"))


@pytest.mark.parametrize("size", ["0.30005", "0.300000000000004", "0.300000000000000044", "0.00010000000001"])
async def test_a_number_that_is_off_the_increment_otherwise_is_refused(alice: Client, size):
    answer = await alice.place("BTC-PERP", "buy", Decimal(size), 64000)
    assert (answer.status, answer.error) == (400, "Size too small")


@pytest.mark.parametrize(
    ("market", "reason"), [("BTC/USD", "is a spot market, and only futures are traded"), ("LTC-PERP", "is disabled")]
)
async def test_why_a_market_takes_no_orders_is_said(alice: Client, market, reason):
    answer = await alice.place(market, "buy", 1, 80)
    assert (answer.status, answer.error) == (400, f"Invalid parameter market: {market} {reason}")


async def test_no_order_is_conditional_so_that_narrowing_to_those_cancels_none(alice: Client):
    assert (await alice.place("BTC-PERP", "buy", "0.01", 60000)).status == 200
    assert (await alice.delete("/orders", {"conditionalOrdersOnly": True})).status == 200
    assert len((await alice.get("/orders")).result) == 1
    assert (await alice.delete("/orders", {"conditionalOrdersOnly": "yes"})).status == 400
    assert (await alice.delete("/orders", {"limitOrdersOnly": True})).status == 200
    assert (await alice.get("/orders")).result == []


async def test_all_of_many_fills_of_one_moment_can_be_had(alice: Client, bob: Client, running: RunningVenue):
    for count in range(120):
        assert (await bob.place("DOGE-PERP", "sell", 1, "0.15")).status == 200
        if count % 15 == 14:
            running.advance(1)
    assert (await alice.place("DOGE-PERP", "buy", 120)).status == 200
    running.advance(1)
    assert len((await alice.get("/fills")).result) == 100
    fills = (await alice.get("/fills?limit=1000")).result
    assert len({fill["id"] for fill in fills}) == 120
    assert len({fill["time"] for fill in fills}) == 1


@pytest.mark.parametrize("path", ["/fills", "/orders", "/orders/history"])
async def test_an_unknown_market_is_refused_and_not_just_empty(alice: Client, path: str):
    answer = await alice.get(f"{path}?market=NIX-PERP")
    assert (answer.status, answer.error) == (404, "No such market: NIX-PERP")


async def test_funding_payments_are_positive_when_the_account_paid(http):
    async with running_venue([ALICE, BOB], funding_interval=60) as running:
        alice = Client(http, running, "alice-key", "alice-secret")
        bob = Client(http, running, "bob-key", "bob-secret")
        # A book and a last price above the index hold the mark above it, so that the long pays.
        await alice.place("BTC-PERP", "buy", "0.01", 66000)
        await bob.place("BTC-PERP", "sell", "0.01", 66000)
        await alice.place("BTC-PERP", "buy", "0.01", 65900)
        await bob.place("BTC-PERP", "sell", "0.01", 66100)
        for _ in range(13):
            running.advance(10)
        paid = (await alice.get("/funding_payments?future=BTC-PERP")).result
        received = (await bob.get("/funding_payments")).result
        assert len(paid) == 2
        assert paid[0].keys() == {"id", "future", "payment", "rate", "time"}
        assert [payment["time"][11:19] for payment in paid] == ["03:06:00", "03:05:00"]
        assert all(payment["rate"] > 0 and payment["payment"] > 0 for payment in paid)
        assert [payment["payment"] for payment in received] == [-payment["payment"] for payment in paid]
        fees = sum(fill["fee"] for fill in (await alice.get("/fills")).result)
        (balance,) = (await alice.get("/wallet/balances")).result
        assert balance["total"] == 10000 - fees - sum(payment["payment"] for payment in paid)
        later = await alice.get("/funding_payments?start_time=1767323160&end_time=1767323160")
        assert later.result == paid[:1]


async def test_hedge_mode_keeps_both_sides_apart(alice: Client, bob: Client):
    assert (await alice.post("/account/position_mode", {"mode": "hedge"})).result is None
    assert (await alice.get("/account")).result["positionMode"] == "hedge"
    await buy(alice, bob, positionSide="long")
    await bob.place("BTC-PERP", "buy", "0.02", 64000)
    short = await alice.place("BTC-PERP", "sell", "0.02", 64000, positionSide="short")
    assert short.result["positionSide"] == "short"
    positions = {position["positionSide"]: position for position in (await alice.get("/positions")).result}
    assert {side: position["netSize"] for side, position in positions.items()} == {
        "long": Decimal("0.01"),
        "short": Decimal("-0.02"),
    }
    assert [fill["positionSide"] for fill in (await alice.get("/fills")).result] == ["short", "long"]
    answer = await alice.post("/account/position_mode", {"mode": "oneway"})
    assert (answer.status, answer.error) == (400, "Cannot change position mode with open positions or orders")
