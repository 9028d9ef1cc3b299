"""The execution matrix: bots that are stopped and started again, cut off, or two on one account."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import PositionAction, PositionMode
from test.end_to_end.trader import ASK, BID, BOTS, MAKER_FEE, PAIR, Exchange, Fault, Log, Trader

FILLED = ["created", "filled", "completed"]
PRIVATE = {"orders", "fills", "positions", "balances"}

StartTrader = Callable[..., Awaitable[Trader]]


# ----------------------------------------------------------------------------------------------------------- restarts


async def test_restart_with_open_orders(exchange: Exchange, trader: Trader):
    one, other = trader.buy("0.01", BID - 1), trader.sell("0.02", ASK + 1)
    await trader.hears(one, "created")
    await trader.hears(other, "created")
    before = {order_id: order.exchange_order_id for order_id, order in trader.connector.in_flight_orders.items()}

    await trader.stop()
    assert {order["clientId"] for order in await exchange.open_orders()} == {one, other}
    await trader.start()

    in_flight = trader.connector.in_flight_orders
    assert {order_id: order.exchange_order_id for order_id, order in in_flight.items()} == before
    await trader.agrees()
    trader.cancel(one)
    await trader.hears(one, "cancelled")
    await exchange.take("buy", "1.02")
    await trader.hears(other, *FILLED)
    assert (trader.story(one), trader.story(other)) == (["created", "cancelled"], FILLED)
    await trader.agrees()


async def test_restart_with_orders_filled_meanwhile(exchange: Exchange, trader: Trader):
    order, untouched = trader.buy("0.1", BID + 5), trader.buy("0.01", BID - 1)
    await trader.hears(order, "created")
    await trader.hears(untouched, "created")
    await exchange.take("sell", "0.03")
    await trader.hears(order, "filled")

    await trader.stop()
    await exchange.take("sell", "0.02")
    await exchange.take("sell", "0.05")
    await trader.start()

    await trader.hears(order, "filled", "filled", "filled", "completed")
    assert trader.story(order) == ["created", "filled", "filled", "filled", "completed"]
    assert trader.fills(order) == [
        (BID + 5, size, size * (BID + 5) * MAKER_FEE) for size in map(Decimal, ("0.03", "0.02", "0.05"))
    ]
    await trader.agrees()


async def test_restart_with_an_order_partly_filled_meanwhile(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", BID + 5)
    await trader.hears(order, "created")

    await trader.stop()
    await exchange.take("sell", "0.02")
    await trader.start()

    await trader.hears(order, "filled")
    await trader.agrees()
    await exchange.take("sell", "0.08")
    await trader.hears(order, "filled", "filled", "completed")
    assert trader.story(order) == ["created", "filled", "filled", "completed"]
    await trader.agrees()


async def test_restart_with_an_order_partly_filled_and_cancelled_meanwhile(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", BID + 5)
    await trader.hears(order, "created")

    await trader.stop()
    await exchange.take("sell", "0.02")
    await exchange.owner.delete(f"/orders/by_client_id/{order}")
    await trader.start()

    await trader.hears(order, "filled", "cancelled")
    assert trader.story(order) == ["created", "filled", "cancelled"]
    await trader.agrees()


@pytest.mark.parametrize("arrives", [True, False], ids=["that arrived", "that never arrived"])
async def test_restart_with_a_submit_in_doubt(exchange: Exchange, trader: Trader, arrives: bool):
    exchange.line.dropped_channels = PRIVATE
    fault = exchange.line.befall("POST", "/orders", Fault(arrives, "silence", silence=60))
    order = trader.buy("0.01", BID - 1)
    await trader.until(lambda: "POST /api/orders" in exchange.line.requests)
    if arrives:
        await fault.answer
    else:
        await exchange.owner.get("/account")

    await trader.stop()
    exchange.line.dropped_channels = set()
    await trader.start()

    if arrives:
        await trader.hears(order, "created")
        trader.cancel(order)
        await trader.hears(order, "cancelled")
        assert trader.story(order) == ["created", "cancelled"]
    else:
        # Not before it is too late for the placement to arrive.
        assert trader.connector.in_flight_orders[order].is_pending_create
        trader.connector._pace.now = lambda: asyncio.get_running_loop().time() + 60
        await trader.poll()
        await trader.hears(order, "failed")
        assert trader.story(order) == ["failed"]
    await trader.agrees()


@pytest.mark.parametrize(
    "opening, closing, amount", [("buy", "sell", "0.1"), ("sell", "buy", "-0.1")], ids=["long", "short"]
)
async def test_restart_with_a_position(exchange: Exchange, trader: Trader, opening: str, closing: str, amount: str):
    await trader.hears(getattr(trader, opening)("0.1"), *FILLED)

    await trader.stop()
    await trader.start()

    position = trader.connector.account_positions[PAIR]
    assert (position.amount, position.entry_price) == (Decimal(amount), ASK if opening == "buy" else BID)
    await trader.agrees()
    order = getattr(trader, closing)("0.1", action=PositionAction.CLOSE)
    await trader.hears(order, *FILLED)
    await trader.agrees()
    assert trader.connector.account_positions == {}


async def test_restart_with_hedge_positions(exchange: Exchange, trader: Trader):
    trader.connector.set_position_mode(PositionMode.HEDGE)
    await trader.until(lambda: trader.connector.position_mode is PositionMode.HEDGE)
    for order in (trader.buy("0.1"), trader.sell("0.04")):
        await trader.hears(order, *FILLED)

    await trader.stop()
    await trader.start()

    await trader.until(lambda: trader.connector.position_mode is PositionMode.HEDGE)
    positions = trader.connector.account_positions
    assert {key: position.amount for key, position in positions.items()} == {
        f"{PAIR}LONG": Decimal("0.1"),
        f"{PAIR}SHORT": Decimal("-0.04"),
    }
    await trader.agrees()
    for order in (trader.sell("0.1", action=PositionAction.CLOSE), trader.buy("0.04", action=PositionAction.CLOSE)):
        await trader.hears(order, *FILLED)
    await trader.agrees()
    assert trader.connector.account_positions == {}


async def test_what_happened_while_the_line_was_cut_is_told_as_soon_as_it_is_mended(exchange: Exchange, trader: Trader):
    filled, cancelled = trader.buy("0.1", BID + 5), trader.buy("0.01", BID - 1)
    await trader.hears(filled, "created")
    await trader.hears(cancelled, "created")
    await trader.agrees()
    trader.stop_clock()
    exchange.line.dropped_channels = PRIVATE
    await exchange.take("sell", "0.1")
    await exchange.owner.delete(f"/orders/by_client_id/{cancelled}")
    exchange.line.dropped_channels = set()

    exchange.line.cut()

    await trader.hears(filled, *FILLED)
    await trader.hears(cancelled, "cancelled")
    trader.start_clock()
    await trader.agrees()


async def test_outages_in_the_middle_of_an_answer_do_not_multiply_the_polls(exchange: Exchange, trader: Trader):
    trader.stop_clock()
    for _ in range(3):
        answer = exchange.line.befall("GET", "/funding_payments", Fault(True, "held"))
        await trader.connector.stop_network()
        await trader.connector.start_network()
        await answer.answer
        answer.released.set()
    trader.start_clock()
    await trader.agrees()

    for _ in range(2):  # what the start had to ask may be asked during the first of them
        exchange.line.requests.clear()
        await trader.poll()
        await trader.until(lambda: "GET /api/funding_payments" in exchange.line.requests)

    reads = exchange.line.requests
    assert reads.count("GET /api/funding_payments") == 1
    assert reads.count("GET /api/wallet/balances") == reads.count("GET /api/positions") == 1


# -------------------------------------------------------------------------------------------------------------- kills


async def place_and_kill(exchange: Exchange, trader: Trader, amount: str, price: Decimal, arrives: bool = True) -> str:
    """A bot is killed while its placement gets no answer, and before anything of the order is on record."""
    exchange.line.dropped_channels = PRIVATE
    fault = exchange.line.befall("POST", "/orders", Fault(arrives, "silence", silence=60))
    order = trader.buy(amount, price)
    await trader.until(lambda: "POST /api/orders" in exchange.line.requests)
    if arrives:
        await fault.answer
    await trader.kill()
    exchange.line.dropped_channels = set()
    return order


async def test_kill_while_a_submit_rests_already_cancels_the_order(exchange: Exchange, trader: Trader, log: Log):
    by_hand = await exchange.owner.place("BTC-PERP", "buy", "0.02", str(BID - 2), clientId="by-hand")
    order = await place_and_kill(exchange, trader, "0.01", BID - 1)
    assert (await exchange.order(order))["status"] == "open"

    await trader.start()

    await trader.hears(order, "created", "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    assert [each["id"] for each in await exchange.open_orders()] == [by_hand.result["id"]]
    await exchange.owner.delete("/orders/by_client_id/by-hand")
    await trader.agrees()
    assert log.errors() == []


async def test_kill_while_a_submit_is_filled_reports_the_fills_once(exchange: Exchange, trader: Trader, log: Log):
    order = await place_and_kill(exchange, trader, "0.1", ASK)

    await trader.start()

    await trader.hears(order, *FILLED)
    assert trader.story(order) == FILLED
    await trader.agrees()
    await trader.kill()
    await trader.start()
    await trader.agrees()
    assert trader.story(order) == FILLED
    assert log.errors() == []


async def test_kill_while_a_submit_is_partly_filled_cancels_the_rest(exchange: Exchange, trader: Trader, log: Log):
    order = await place_and_kill(exchange, trader, "1.1", ASK)

    await trader.start()

    await trader.hears(order, "created", "filled", "cancelled")
    assert trader.story(order) == ["created", "filled", "cancelled"]
    await trader.agrees()
    assert log.errors() == []


async def test_kill_while_a_submit_never_arrives_fails_the_order(exchange: Exchange, trader: Trader):
    order = await place_and_kill(exchange, trader, "0.01", BID - 1, arrives=False)

    await trader.start()

    await trader.poll()
    assert trader.connector.in_flight_orders[order].is_pending_create
    trader.connector._pace.now = lambda: asyncio.get_running_loop().time() + 60
    await trader.poll()
    await trader.hears(order, "failed")
    assert trader.story(order) == ["failed"]
    await trader.agrees()


async def test_kill_while_a_submit_never_arrives_is_cleared_up_before_the_next_poll(
    exchange: Exchange, trader: Trader, monkeypatch: pytest.MonkeyPatch
):
    order = await place_and_kill(exchange, trader, "0.01", BID - 1, arrives=False)
    monkeypatch.setattr(CONSTANTS, "NOT_FOUND_CONFIRMATION_TIME", 0.2)
    monkeypatch.setattr(CONSTANTS, "PLACEMENT_VALIDITY", 0.5)

    await trader.start()
    trader.stop_clock()

    await trader.hears(order, "failed")
    trader.start_clock()
    await trader.agrees()


async def test_second_kill_before_the_first_is_cleared_up_forgets_nothing(exchange: Exchange, trader: Trader, log: Log):
    order = await place_and_kill(exchange, trader, "0.01", BID - 1)
    exchange.line.dropped_channels = PRIVATE
    for _ in range(30):
        exchange.line.befall("DELETE", "/orders/", Fault(False, "error"))
        exchange.line.befall("GET", "/orders", Fault(False, "error"))
    await trader.start()
    await trader.until(lambda: "DELETE /api/orders/by_client_id/" + order in exchange.line.requests)
    assert trader.story(order) == []
    await trader.kill()
    exchange.line.forgive()

    exchange.line.dropped_channels = set()
    await trader.start()

    await trader.hears(order, "created", "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    await trader.agrees()


async def test_kill_after_a_submit_was_answered_leaves_the_order_to_the_strategy(exchange: Exchange, trader: Trader):
    order = trader.buy("0.1", BID + 5)
    await trader.hears(order, "created")

    await trader.kill()
    await exchange.take("sell", "0.04")
    await trader.start()

    await trader.hears(order, "filled")
    assert [each["clientId"] for each in await exchange.open_orders()] == [order]
    await trader.agrees()


async def test_restart_beside_a_bot_with_the_same_key_leaves_its_submits_alone(
    exchange: Exchange, trader: Trader, log: Log
):
    other = Trader(exchange, log, BOTS[0], PAIR)
    await other.start()
    answer = exchange.line.befall("POST", "/orders", Fault(True, "held"))
    exchange.line.dropped_channels = PRIVATE
    others = other.buy("0.01", BID - 1)
    await answer.answer

    await trader.kill()
    await trader.start()

    await trader.agrees()
    assert trader.connector.in_flight_orders == {}
    assert [order["clientId"] for order in await exchange.open_orders()] == [others]
    exchange.line.dropped_channels = set()
    answer.released.set()
    await other.hears(others, "created")
    await other.agrees()
    await other.stop()


# ----------------------------------------------------------------------------------------------------------- two bots


async def test_two_bots_on_one_account_do_not_touch_each_others_orders(
    exchange: Exchange, start_trader: StartTrader, log: Log
):
    one, other = await start_trader(), await start_trader()
    ones, others = one.buy("0.01", BID - 1), other.buy("0.02", BID + 5)
    await one.hears(ones, "created")
    await other.hears(others, "created")
    assert (list(one.connector.in_flight_orders), list(other.connector.in_flight_orders)) == ([ones], [others])

    await one.connector.cancel_all(10)
    assert [order["clientId"] for order in await exchange.open_orders()] == [others]
    await exchange.take("sell", "0.02")

    await other.hears(others, *FILLED)
    assert (one.story(ones), one.story(others)) == (["created", "cancelled"], [])
    assert (other.story(ones), other.story(others)) == ([], FILLED)
    await one.agrees()
    await other.agrees()
    assert one.position() == other.position() == Decimal("0.02")
    assert log.errors() == []


async def test_one_bot_stops_while_the_other_trades_on(exchange: Exchange, start_trader: StartTrader):
    one, other = await start_trader(), await start_trader()
    ones = one.buy("0.01", BID - 1)
    await one.hears(ones, "created")

    await one.stop()
    others = other.buy("0.02")
    await other.hears(others, *FILLED)
    await other.agrees()
    await one.start()

    assert one.position() == Decimal("0.02")
    await one.agrees()
    assert one.story(ones) == ["created"]


@pytest.mark.parametrize("path", ["/markets", "/futures/BTC-PERP", "/positions", "/wallet/balances", "/account"])
async def test_a_start_survives_an_error_in_whatever_it_asks_for(
    exchange: Exchange, start_trader: StartTrader, path: str
):
    for _ in range(2):
        exchange.line.befall("GET", path, Fault(False, "error"))

    trader = await start_trader()

    await trader.hears(trader.buy("0.01"), *FILLED)
    await trader.agrees()
