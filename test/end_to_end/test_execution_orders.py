"""The execution matrix: orders of every kind, how they are filled, cancelled and refused."""

from decimal import Decimal

import pytest

from hummingbot.core.data_type.common import OrderType, PositionAction
from test.end_to_end.trader import ASK, BID, DEPOSIT, MAKER_FEE, TAKER_FEE, Exchange, Log, Trader

FILLED = ["created", "filled", "completed"]
PRIVATE = {"orders", "fills", "positions", "balances"}


# ------------------------------------------------------------------------------------------------------------- market


async def test_market_buy_fills(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1")

    await trader.hears(order, *FILLED)
    assert trader.story(order) == FILLED
    assert trader.fills(order) == [(ASK, Decimal("0.1"), Decimal("3.2505"))]
    assert await exchange.position() == trader.position() == Decimal("0.1")
    assert await exchange.balance() == DEPOSIT - Decimal("3.2505")
    await trader.agrees()


async def test_market_sell_fills(exchange: Exchange, trader: Trader):
    order = trader.sell("0.1")

    await trader.hears(order, *FILLED)
    assert trader.story(order) == FILLED
    assert trader.fills(order) == [(BID, Decimal("0.1"), Decimal("3.2495"))]
    assert await exchange.position() == Decimal("-0.1")
    assert await exchange.balance() == DEPOSIT - Decimal("3.2495")
    await trader.agrees()
    assert trader.position() == Decimal("-0.1")


async def test_market_order_fills_at_every_price_it_takes(exchange: Exchange, trader: Trader):
    await exchange.rest("sell", "0.02", ASK - 1)

    order = trader.buy("0.03")

    await trader.hears(order, "created", "filled", "filled", "completed")
    assert [fill[:2] for fill in trader.fills(order)] == [(ASK - 1, Decimal("0.02")), (ASK, Decimal("0.01"))]
    await trader.agrees()


async def test_market_order_is_cancelled_as_far_as_the_book_does_not_reach(exchange: Exchange, trader: Trader):
    await exchange.clear()
    await exchange.rest("sell", "0.02", ASK)
    await exchange.rest("buy", "0.02", BID)

    order = trader.buy("0.03")

    await trader.hears(order, "created", "filled", "cancelled")
    assert trader.story(order) == ["created", "filled", "cancelled"]
    await trader.agrees()


async def test_market_order_fills_where_the_other_side_of_the_book_is_empty(exchange: Exchange, trader: Trader):
    await exchange.clear()
    await exchange.rest("sell", "0.1", ASK)
    await trader.until(lambda: trader.connector.get_order_book("BTC-USD").snapshot[0].empty)

    order = trader.buy("0.1")

    await trader.hears(order, *FILLED)
    await trader.agrees()


async def test_market_order_into_an_empty_book_is_cancelled(exchange: Exchange, trader: Trader):
    await exchange.clear()
    await trader.until(lambda: all(side.empty for side in trader.connector.get_order_book("BTC-USD").snapshot))

    order = trader.buy("0.1")

    await trader.hears(order, "created", "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    await trader.agrees()


async def test_market_order_closes_a_position(exchange: Exchange, trader: Trader):
    opening = trader.buy("0.1")
    await trader.hears(opening, *FILLED)

    closing = trader.sell("0.1", action=PositionAction.CLOSE)

    await trader.hears(closing, *FILLED)
    assert trader.fills(closing) == [(BID, Decimal("0.1"), Decimal("3.2495"))]
    assert await exchange.position() == 0
    assert await exchange.balance() == DEPOSIT - (ASK - BID) / 10 - (ASK + BID) / 10 * TAKER_FEE
    await trader.agrees()
    assert trader.connector.account_positions == {}


# -------------------------------------------------------------------------------------------------------------- limit


async def test_limit_orders_rest_below_and_above_both_at_once(exchange: Exchange, trader: Trader):
    below, above = trader.buy("0.01", BID - 90), trader.sell("0.02", ASK + 90)

    await trader.hears(below, "created")
    await trader.hears(above, "created")
    orders = {order["clientId"]: order for order in await exchange.open_orders()}
    assert {
        client_id: (order["side"], order["price"], order["size"], order["status"])
        for client_id, order in orders.items()
    } == {below: ("buy", BID - 90, Decimal("0.01"), "open"), above: ("sell", ASK + 90, Decimal("0.02"), "open")}
    assert {order.client_order_id for order in trader.connector.limit_orders} == {below, above}
    await trader.agrees()
    assert trader.story(below) == trader.story(above) == ["created"]


@pytest.mark.parametrize("side, price", [("buy", BID - 50), ("sell", ASK + 50)], ids=["below", "above"])
async def test_limit_order_rests(exchange: Exchange, trader: Trader, side: str, price: Decimal):
    order = getattr(trader, side)("0.01", price)

    await trader.hears(order, "created")
    (resting,) = await exchange.open_orders()
    assert (resting["clientId"], resting["side"], resting["price"]) == (order, side, price)
    await trader.agrees()


async def test_aggressive_limit_order_fills_at_the_better_price(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", ASK + 100)

    await trader.hears(order, *FILLED)
    assert trader.fills(order) == [(ASK, Decimal("0.1"), Decimal("0.1") * ASK * TAKER_FEE)]
    await trader.agrees()


async def test_resting_limit_order_fills_as_maker(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", BID + 5)
    await trader.hears(order, "created")

    await exchange.take("sell", "0.1")

    await trader.hears(order, *FILLED)
    assert trader.fills(order) == [(BID + 5, Decimal("0.1"), Decimal("0.1") * (BID + 5) * MAKER_FEE)]
    assert await exchange.balance() == DEPOSIT - Decimal("0.1") * (BID + 5) * MAKER_FEE
    await trader.agrees()


async def test_partly_filled_limit_order_rests_with_what_is_left(exchange: Exchange, trader: Trader):
    await exchange.rest("sell", "0.03", ASK - 5)

    order = trader.buy("0.1", ASK - 5)

    await trader.hears(order, "created", "filled")
    (resting,) = await exchange.open_orders()
    assert (resting["filledSize"], resting["remainingSize"]) == (Decimal("0.03"), Decimal("0.07"))
    assert trader.connector.in_flight_orders[order].executed_amount_base == Decimal("0.03")
    await trader.agrees()

    await exchange.take("sell", "0.07")
    await trader.hears(order, "created", "filled", "filled", "completed")
    price, first, rest = ASK - 5, Decimal("0.03"), Decimal("0.07")
    assert trader.fills(order) == [(price, first, first * price * TAKER_FEE), (price, rest, rest * price * MAKER_FEE)]
    await trader.agrees()


async def test_partly_filled_limit_order_is_cancelled(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", BID + 5)
    await trader.hears(order, "created")
    await exchange.take("sell", "0.03")
    await trader.hears(order, "filled")

    trader.cancel(order)

    await trader.hears(order, "cancelled")
    assert trader.story(order) == ["created", "filled", "cancelled"]
    assert await exchange.open_orders() == []
    assert await exchange.position() == Decimal("0.03")
    await trader.agrees()


async def test_order_that_meets_the_accounts_own_is_filled_by_others_and_cancels_it(exchange: Exchange, trader: Trader):
    resting = trader.sell("0.01", ASK - 5)
    await trader.hears(resting, "created")

    crossing = trader.buy("0.01", ASK)

    await trader.hears(resting, "cancelled")
    await trader.hears(crossing, *FILLED)
    assert trader.fills(crossing)[0][0] == ASK
    await trader.agrees()


# ---------------------------------------------------------------------------------------------------------- post-only


async def test_post_only_order_rests(exchange: Exchange, trader: Trader):
    order = trader.sell("0.01", BID + 1, kind=OrderType.LIMIT_MAKER)

    await trader.hears(order, "created")
    (resting,) = await exchange.open_orders()
    assert (resting["postOnly"], resting["price"], resting["status"]) == (True, BID + 1, "open")
    await trader.agrees()


async def test_post_only_order_that_would_cross_is_reported_as_it_is(exchange: Exchange, trader: Trader):
    order = trader.sell("0.01", BID, kind=OrderType.LIMIT_MAKER)

    await trader.hears(order, "created", "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    assert await exchange.balance() == DEPOSIT
    await trader.agrees()


# -------------------------------------------------------------------------------------------------------- reduce-only


async def test_reduce_only_order_closes(exchange: Exchange, trader: Trader):
    await trader.hears(trader.sell("0.1"), *FILLED)

    order = trader.buy("0.1", ASK - 5, action=PositionAction.CLOSE)

    await trader.hears(order, "created")
    assert (await exchange.order(order))["reduceOnly"] is True
    await exchange.take("sell", "0.1")
    await trader.hears(order, *FILLED)
    await trader.agrees()
    assert trader.connector.account_positions == {}


async def test_reduce_only_order_is_cut_to_the_position(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.02"), *FILLED)

    order = trader.sell("0.1", action=PositionAction.CLOSE)

    await trader.hears(order, *FILLED)
    assert trader.story(order) == FILLED
    assert trader.fills(order) == [(BID, Decimal("0.02"), Decimal("0.02") * BID * TAKER_FEE)]
    assert await exchange.position() == 0
    await trader.agrees()


async def test_resting_reduce_only_order_is_cut_when_the_position_shrinks(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.1"), *FILLED)
    order = trader.sell("0.1", ASK - 5, action=PositionAction.CLOSE)
    await trader.hears(order, "created")
    await exchange.owner.place("BTC-PERP", "sell", "0.06")  # by hand

    await trader.until(lambda: trader.connector.in_flight_orders[order].amount == Decimal("0.04"))
    await trader.agrees()

    await exchange.take("buy", "0.04")
    await trader.hears(order, *FILLED)
    assert trader.fills(order)[0][:2] == (ASK - 5, Decimal("0.04"))
    await trader.agrees()


async def test_resting_reduce_only_order_is_cancelled_when_the_position_is_gone(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.1"), *FILLED)
    order = trader.sell("0.1", ASK + 50, action=PositionAction.CLOSE)
    await trader.hears(order, "created")

    await exchange.owner.place("BTC-PERP", "sell", "0.1")

    await trader.hears(order, "cancelled")
    await trader.agrees()


async def test_reduce_only_order_is_refused_when_flat(exchange: Exchange, trader: Trader, log: Log):
    await refused(exchange, trader, log, trader.sell("0.1", action=PositionAction.CLOSE), "Invalid reduce-only order")


# --------------------------------------------------------------------------------------------------------- cancelling


async def test_cancel_one_leaves_the_other(exchange: Exchange, trader: Trader):
    one, other = trader.buy("0.01", BID - 1), trader.buy("0.01", BID - 2)
    await trader.hears(one, "created")
    await trader.hears(other, "created")

    trader.cancel(one)

    await trader.hears(one, "cancelled")
    assert [order["clientId"] for order in await exchange.open_orders()] == [other]
    await trader.agrees()


async def test_cancel_twice_cancels_once(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("0.01", BID - 1)
    await trader.hears(order, "created")

    trader.cancel(order)
    trader.cancel(order)
    await trader.hears(order, "cancelled")
    trader.cancel(order)

    await trader.agrees()
    assert trader.story(order) == ["created", "cancelled"]
    assert log.errors() == []


async def test_cancel_of_an_order_that_the_owner_cancelled_meanwhile(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("0.01", BID - 1)
    await trader.hears(order, "created")
    exchange.line.dropped_channels = PRIVATE
    await exchange.owner.delete(f"/orders/by_client_id/{order}")

    trader.cancel(order)  # "Order already queued for cancellation"
    await trader.poll()

    await trader.hears(order, "cancelled")
    await trader.poll()
    await trader.agrees()
    assert log.errors() == []


async def test_cancel_of_a_filled_order_completes_it(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("0.01", BID + 5)
    await trader.hears(order, "created")
    exchange.line.dropped_channels = PRIVATE
    await exchange.take("sell", "0.01")

    trader.cancel(order)  # "Order already closed"

    await trader.hears(order, *FILLED)
    await trader.poll()
    await trader.agrees()
    assert trader.story(order) == FILLED
    trader.cancel(order)
    await trader.agrees()
    assert log.errors() == []


async def test_cancel_all_leaves_manual_orders_alone(exchange: Exchange, trader: Trader):
    manual = [
        (await exchange.owner.place("BTC-PERP", side, "0.01", price, **named)).result["id"]
        for side, price, named in (("buy", 64_000, {}), ("sell", 66_000, {"clientId": "by-hand"}))
    ]
    orders = [trader.buy("0.01", BID - 1), trader.sell("0.01", ASK + 1)]
    for order in orders:
        await trader.hears(order, "created")

    results = await trader.connector.cancel_all(10)

    assert sorted((result.order_id, result.success) for result in results) == sorted((order, True) for order in orders)
    assert [trader.story(order) for order in orders] == [["created", "cancelled"]] * 2
    assert sorted(order["id"] for order in await exchange.open_orders()) == sorted(manual)
    await trader.agrees()


# ---------------------------------------------------------------------------------------------------------- refusals


async def refused(exchange: Exchange, trader: Trader, log: Log, order: str, words: str) -> None:
    """The order fails with these words, in the event and in the log, and the venue has no order."""
    await trader.hears(order, "failed")
    assert trader.story(order) == ["failed"]
    assert words in trader.failure(order)
    assert log.has(words)
    assert await exchange.order(order) is None
    assert order not in trader.connector.in_flight_orders
    await trader.agrees()


async def test_refused_for_margin(exchange: Exchange, trader: Trader, log: Log):
    words = "Account does not have enough margin for order."
    order = trader.buy("1.6", BID)
    await refused(exchange, trader, log, order, words)
    assert trader.failure(order) == words


async def test_refused_for_a_size_above_the_maximum(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("500.0001", BID)
    await refused(exchange, trader, log, order, "Size too large")
    assert trader.failure(order) == "Size too large"


async def test_refused_for_a_size_below_the_minimum(exchange: Exchange, trader: Trader, log: Log):
    await refused(exchange, trader, log, trader.buy("0.00009", BID), "lower than minimum order size 0.0001")


async def test_refused_for_a_size_below_the_least_that_may_rest(exchange: Exchange, trader: Trader, log: Log):
    words = f"wait in the book at {BID}, where the least is 0.001"
    await refused(exchange, trader, log, trader.buy("0.0009", BID), words)


async def test_refused_for_a_size_below_a_minimum_that_the_venue_has_raised(
    exchange: Exchange, trader: Trader, log: Log
):
    await trader.connector._update_trading_rules()
    trader.connector._smallest_resting_sizes["BTC-USD"] = Decimal("0.0001")  # as it was when the rules were read
    await refused(exchange, trader, log, trader.buy("0.0009", BID), "Size too small for provide")


@pytest.mark.parametrize("price", [None, BID])
async def test_what_is_below_the_least_that_may_rest_is_closed(
    exchange: Exchange, trader: Trader, price: Decimal | None
):
    await trader.hears(trader.buy("0.0004"), "completed")
    await trader.hears(trader.sell("0.0004", price, action=PositionAction.CLOSE), "completed")
    assert await exchange.position() == 0
    await trader.agrees()


@pytest.mark.parametrize(
    "amount, price, words",
    [
        ("NaN", BID, "amount has to be a number above 0, and is NaN"),
        ("-1", BID, "amount has to be a number above 0, and is -1"),
        ("1e30", BID, "amount of 1E+30 is out of range"),
        ("0.01", "NaN", "price has to be a number above 0, and is NaN"),
        ("0.01", "1e30", "price of 1E+30 is out of range"),
    ],
)
async def test_numbers_that_are_none_fail_before_they_are_sent(
    exchange: Exchange, trader: Trader, log: Log, amount: str, price: Decimal | str, words: str
):
    await refused(exchange, trader, log, trader.buy(amount, price), words)


async def test_prices_and_sizes_off_the_increments_are_put_on_them(exchange: Exchange, trader: Trader):
    order = trader.buy("0.01239", "64000.9")
    await trader.hears(order, "created")
    (resting,) = await exchange.open_orders()
    assert (resting["price"], resting["size"]) == (64_000, Decimal("0.0123"))
    await trader.agrees()


@pytest.mark.parametrize(
    "rule, increment, words",
    [("min_price_increment", "0.5", "Invalid price"), ("min_base_amount_increment", "0.00001", "Size too small")],
)
async def test_refused_for_an_increment_that_the_venue_has_changed(
    exchange: Exchange, trader: Trader, log: Log, rule: str, increment: str, words: str
):
    setattr(trader.connector.trading_rules["BTC-USD"], rule, Decimal(increment))  # as it was when they were read
    order = trader.buy("0.01235", "64000.5")
    await refused(exchange, trader, log, order, words)
    assert trader.failure(order) == words


async def test_refused_for_a_notional_below_the_minimum(exchange: Exchange, trader: Trader, log: Log):
    trader.connector.trading_rules["BTC-USD"].min_notional_size = Decimal(100)
    await refused(exchange, trader, log, trader.buy("0.001", BID), "lower than minimum notional size 100")


async def test_refused_for_an_unsupported_type(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("0.01", BID, kind=OrderType.AMM_SWAP)
    await refused(exchange, trader, log, order, "OrderType.AMM_SWAP is not in the list of supported order types")
