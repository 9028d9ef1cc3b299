"""The execution matrix: funding, liquidation, leverage, position modes, and trading pairs that come and go."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from hummingbot.core.data_type.common import PositionAction, PositionMode
from hummingbot.core.event import events
from test.end_to_end.trader import ASK, BID, DEPOSIT, INDEX, PAIR, TAKER_FEE, Exchange, Log, Trader

FILLED = ["created", "filled", "completed"]
ETH, ETH_MARKET = "ETH-USD", "ETH-PERP"
PRIVATE = {"orders", "fills", "positions", "balances"}

StartTrader = Callable[..., Awaitable[Trader]]


# ------------------------------------------------------------------------------------------------------------ funding


async def payments(exchange: Exchange) -> list[dict[str, Any]]:
    """The account's, oldest first."""
    return (await exchange.owner.get("/funding_payments")).result[::-1]


async def funding_agrees(exchange: Exchange, trader: Trader, count: int) -> list[Decimal]:
    """So many payments come to be reported, each once, with the opposite of the venue's sign; returns the amounts."""
    await trader.until(lambda: len(trader.events_of(events.FundingPaymentCompletedEvent)) >= count)
    paid = await payments(exchange)
    reported = trader.events_of(events.FundingPaymentCompletedEvent)
    assert [(event.trading_pair, event.funding_rate, event.amount) for event in reported] == [
        (payment["future"].replace("-PERP", "-USD"), payment["rate"], -payment["payment"]) for payment in paid
    ]
    assert len({event.timestamp for event in reported}) == len(reported) == count
    return [event.amount for event in reported]


async def mark_and_rate(exchange: Exchange) -> tuple[Decimal, Decimal]:
    mark = (await exchange.owner.get("/futures/BTC-PERP")).result["mark"]
    rate = (await exchange.owner.get("/funding_rates?future=BTC-PERP")).result[0]["rate"]
    return mark, rate


@pytest.mark.parametrize("side, sign", [("buy", -1), ("sell", 1)], ids=["long pays", "short receives"])
async def test_funding_while_open(exchange: Exchange, trader: Trader, log: Log, side: str, sign: int):
    await trader.hears(getattr(trader, side)("0.1"), *FILLED)
    exchange.set_index(INDEX - 1000)  # the mark stays above it
    before = await exchange.balance()

    exchange.settle_funding()
    await trader.poll()

    mark, rate = await mark_and_rate(exchange)
    assert rate > 0
    (amount,) = await funding_agrees(exchange, trader, count=1)
    assert amount == sign * Decimal("0.1") * mark * rate
    assert await exchange.balance() == before + amount
    assert log.has(f"Funding payment of {abs(amount)} {'paid' if sign < 0 else 'received'} on {PAIR} market.")
    await trader.agrees()


async def test_funding_of_two_markets_at_once_is_told_apart(exchange: Exchange, start_trader: StartTrader):
    """Hummingbot's records hold one payment of each time."""
    trader = await start_trader(PAIR, ETH)
    await exchange.rest("sell", "10", "3400.5", ETH_MARKET)
    await exchange.rest("buy", "10", "3399.5", ETH_MARKET)
    for pair, size in ((PAIR, "0.1"), (ETH, "0.5")):
        await trader.hears(trader.buy(size, pair=pair), *FILLED)
    exchange.set_index(INDEX - 1000)
    exchange.set_index("3300", ETH_MARKET)
    exchange.settle_funding()

    await trader.poll()

    await trader.until(lambda: len(trader.events_of(events.FundingPaymentCompletedEvent)) == 2)
    first, second = trader.events_of(events.FundingPaymentCompletedEvent)
    assert {first.trading_pair, second.trading_pair} == {PAIR, ETH}
    assert first.timestamp != second.timestamp
    assert len({round(event.timestamp, 3) for event in (first, second)}) == 1


async def test_funding_while_flat_is_nothing(exchange: Exchange, trader: Trader):
    exchange.set_index(INDEX - 1000)
    exchange.settle_funding()
    await trader.poll()
    await trader.hears(trader.buy("0.1"), *FILLED)
    exchange.settle_funding()
    await trader.poll()

    await funding_agrees(exchange, trader, count=1)  # the second; of the first there was none
    await trader.agrees()


async def test_several_missed_funding_payments_are_reported_in_their_order(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.1"), *FILLED)
    before = await exchange.balance()
    for index in (64_000, 63_000, 66_500):
        exchange.set_index(index)
        exchange.settle_funding()

    await trader.poll()

    amounts = await funding_agrees(exchange, trader, count=3)
    assert await exchange.balance() == before + sum(amounts)
    await trader.agrees()


async def test_funding_while_the_line_was_cut_is_reported_when_it_is_mended(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.1"), *FILLED)
    exchange.set_index(INDEX - 1000)
    await trader.agrees()
    trader.stop_clock()
    exchange.line.dropped_channels = PRIVATE
    exchange.settle_funding()
    exchange.line.dropped_channels = set()

    exchange.line.cut()

    await funding_agrees(exchange, trader, count=1)
    trader.start_clock()
    await trader.agrees()


async def test_funding_is_not_reported_again_after_a_restart(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("0.1"), *FILLED)
    exchange.set_index(INDEX - 1000)
    exchange.settle_funding()
    await trader.poll()
    await funding_agrees(exchange, trader, count=1)

    await trader.stop()
    await trader.start()
    await trader.poll()
    await funding_agrees(exchange, trader, count=1)
    exchange.settle_funding()
    await trader.poll()

    await funding_agrees(exchange, trader, count=2)
    await trader.agrees()


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_funding_while_no_bot_ran_is_reported_by_the_next(exchange: Exchange, trader: Trader, end: str):
    await trader.hears(trader.buy("0.1"), *FILLED)

    await getattr(trader, end)()
    exchange.settle_funding()
    exchange.settle_funding()
    await trader.start()
    await trader.poll()

    await funding_agrees(exchange, trader, count=2)
    await getattr(trader, end)()
    await trader.start()
    exchange.settle_funding()
    await trader.poll()
    await funding_agrees(exchange, trader, count=3)
    await trader.agrees()


async def test_funding_of_both_hedge_positions_is_one_payment(exchange: Exchange, trader: Trader):
    trader.connector.set_position_mode(PositionMode.HEDGE)
    await trader.until(lambda: trader.connector.position_mode is PositionMode.HEDGE)
    for order in (trader.buy("0.1"), trader.sell("0.04")):
        await trader.hears(order, *FILLED)
    exchange.set_index(INDEX - 1000)
    exchange.settle_funding()

    await trader.poll()

    await trader.until(lambda: trader.events_of(events.FundingPaymentCompletedEvent))
    (event,) = trader.events_of(events.FundingPaymentCompletedEvent)
    mark, rate = await mark_and_rate(exchange)
    assert event.amount == -sum(payment["payment"] for payment in await payments(exchange))
    assert event.amount == -Decimal("0.06") * mark * rate
    await trader.agrees()


# -------------------------------------------------------------------------------------------------------- liquidation


async def test_liquidation_cancels_the_orders_and_ends_the_position(exchange: Exchange, trader: Trader):
    await trader.hears(trader.buy("1"), *FILLED)
    order = trader.buy("0.1", 50_000)
    await trader.hears(order, "created")
    await exchange.clear()
    await exchange.rest("buy", "1", 56_400)

    exchange.set_index(56_500)

    await trader.hears(order, "cancelled")
    assert await exchange.open_orders() == []
    assert await exchange.position() == 0
    fills = (await exchange.owner.get("/fills")).result
    assert (fills[0]["type"], fills[0]["price"], fills[0]["size"]) == ("liquidation", 56_400, 1)
    assert await exchange.balance() == DEPOSIT - (ASK - 56_400) - (ASK + 56_400) * TAKER_FEE
    await trader.agrees()
    assert trader.connector.account_positions == {}

    again = trader.buy("0.01", 56_000)
    await trader.hears(again, "created")
    await trader.agrees()


# ------------------------------------------------------------------------------------------- leverage, position modes


async def test_leverage_change_holds_for_every_pair(exchange: Exchange, start_trader: StartTrader):
    trader = await start_trader(PAIR, ETH)
    await trader.hears(trader.buy("0.1"), *FILLED)
    await trader.agrees()

    trader.connector.set_leverage(ETH, 5)

    await trader.until(lambda: trader.connector.get_leverage(PAIR) == trader.connector.get_leverage(ETH) == 5)
    assert (await exchange.owner.get("/account")).result["leverage"] == 5
    assert trader.connector.account_positions[PAIR].leverage == 5
    await trader.agrees()


async def test_leverage_change_is_refused(exchange: Exchange, trader: Trader, log: Log):
    trader.connector.set_leverage(PAIR, 21)

    await trader.until(lambda: log.has(f"Error setting leverage 21 for {PAIR}: Invalid leverage"))
    assert (await exchange.owner.get("/account")).result["leverage"] == trader.connector.get_leverage(PAIR) == 10
    await trader.agrees()


async def test_position_mode_change_to_hedge_and_back(exchange: Exchange, start_trader: StartTrader):
    trader = await start_trader(PAIR, ETH)
    for mode in (PositionMode.HEDGE, PositionMode.ONEWAY):
        trader.events.clear()
        trader.connector.set_position_mode(mode)

        await trader.until(lambda: len(trader.events_of(events.PositionModeChangeEvent)) == 2)
        assert {(event.trading_pair, event.position_mode, event.message) for event in trader.events} == {
            (PAIR, mode, ""),
            (ETH, mode, ""),
        }
        assert (await exchange.owner.get("/account")).result["positionMode"] == mode.name.lower()
        assert trader.connector.position_mode is mode
        await trader.agrees()


@pytest.mark.parametrize("price", [None, BID - 1], ids=["with a position", "with an order"])
async def test_position_mode_change_is_refused(exchange: Exchange, trader: Trader, log: Log, price: Decimal | None):
    await trader.hears(trader.buy("0.01", price), *(FILLED if price is None else ["created"]))

    trader.connector.set_position_mode(PositionMode.HEDGE)

    await trader.until(lambda: trader.events_of(events.PositionModeChangeEvent))
    (event,) = trader.events_of(events.PositionModeChangeEvent)
    words = "Cannot change position mode with open positions or orders"
    assert (event.trading_pair, event.position_mode, event.message) == (PAIR, PositionMode.HEDGE, words)
    assert log.has(words)
    assert trader.connector.position_mode is PositionMode.ONEWAY
    await trader.agrees()


async def test_hedge_positions_are_opened_and_closed_each_for_itself(exchange: Exchange, trader: Trader):
    trader.connector.set_position_mode(PositionMode.HEDGE)
    await trader.until(lambda: trader.connector.position_mode is PositionMode.HEDGE)
    for order in (trader.buy("0.1"), trader.sell("0.04")):
        await trader.hears(order, *FILLED)
    await trader.agrees()
    assert (trader.position(f"{PAIR}LONG"), trader.position(f"{PAIR}SHORT")) == (Decimal("0.1"), Decimal("-0.04"))

    closing = trader.sell("0.1", action=PositionAction.CLOSE)
    await trader.hears(closing, *FILLED)
    await trader.agrees()
    assert (trader.position(f"{PAIR}LONG"), trader.position(f"{PAIR}SHORT")) == (0, Decimal("-0.04"))

    too_much = trader.buy("0.1", action=PositionAction.CLOSE)
    await trader.hears(too_much, *FILLED)
    assert trader.fills(too_much)[0][1] == Decimal("0.04")
    await trader.agrees()


# ------------------------------------------------------------------------------------------------------ trading pairs


async def eth_book(exchange: Exchange) -> None:
    await exchange.rest("buy", "10", "3399.5", ETH_MARKET)
    await exchange.rest("sell", "10", "3400.5", ETH_MARKET)


def best_bid(trader: Trader, pair: str) -> Decimal:
    return Decimal(str(trader.connector.get_price(pair, False)))


async def test_pairs_that_are_closed_or_absent_keep_no_other_waiting_and_join_when_they_open(
    exchange: Exchange, start_trader: StartTrader, log: Log
):
    trader = await start_trader("FOO-USD", "LTC-USD", PAIR, closed=2)
    await trader.hears(trader.buy("0.1"), *FILLED)
    exchange.settle_funding()
    await trader.poll()
    await funding_agrees(exchange, trader, count=1)
    assert trader.connector.ready and list(trader.connector.order_books) == [PAIR]

    exchange.open("LTC-PERP", 80)
    await exchange.rest("sell", "1", 80, "LTC-PERP")
    await trader.until(lambda: "LTC-USD" in trader.connector.order_books and trader.connector.ready)
    await trader.hears(trader.buy("1", 81, pair="LTC-USD"), *FILLED)
    await trader.until(lambda: "LTC-USD" in trader.connector.account_positions)

    warnings = [text for record in log.records if "is no market that can be traded" in (text := record.getMessage())]
    foo, ltc = sorted(warnings)
    assert foo.startswith("FOO-USD is no market") and "The venue trades BTC-USD, DOGE-USD, ETH-USD" in foo
    assert ltc.startswith("LTC-USD is no market") and "LTC-USD joins when it opens" in ltc
    assert log.errors() == []


async def test_the_venues_near_names_are_told_of_a_pair_that_it_has_not(
    exchange: Exchange, start_trader: StartTrader, log: Log
):
    await start_trader("BTCC-USD", PAIR, closed=1)

    assert log.has("BTCC-USD is no market that can be traded at present")
    assert log.has("Near names are BTC-USD")


async def test_trading_pair_added_while_running_can_be_traded(exchange: Exchange, trader: Trader, log: Log):
    await eth_book(exchange)
    resting = trader.buy("0.01", BID - 1)
    await trader.hears(resting, "created")

    assert await trader.connector.add_trading_pair(ETH)

    await trader.until(lambda: best_bid(trader, ETH) == Decimal("3399.5"))
    assert trader.connector.get_leverage(ETH) == 10
    await exchange.rest("buy", "1", "3399.9", ETH_MARKET)
    await trader.until(lambda: best_bid(trader, ETH) == Decimal("3399.9"))
    order = trader.buy("0.5", pair=ETH)
    await trader.hears(order, *FILLED)
    assert trader.fills(order) == [(Decimal("3400.5"), Decimal("0.5"), Decimal("0.5") * Decimal("3400.5") * TAKER_FEE)]
    await trader.agrees()
    assert trader.position(ETH) == Decimal("0.5")
    exchange.set_index(3300, ETH_MARKET)
    exchange.settle_funding()
    await trader.poll()
    await trader.until(lambda: trader.events_of(events.FundingPaymentCompletedEvent))
    assert trader.events_of(events.FundingPaymentCompletedEvent)[0].trading_pair == ETH
    await trader.agrees()
    assert trader.story(resting) == ["created"]
    assert log.errors() == []


async def test_trading_pair_removed_while_running_leaves_the_other_and_its_orders(
    exchange: Exchange, start_trader: StartTrader, log: Log
):
    await eth_book(exchange)
    trader = await start_trader(PAIR, ETH)
    filled, cancelled = trader.buy("0.5", "3399.6", pair=ETH), trader.buy("0.5", "3000", pair=ETH)
    await trader.hears(filled, "created")
    await trader.hears(cancelled, "created")

    assert await trader.connector.remove_trading_pair(ETH)

    assert ETH not in trader.connector.order_books
    await exchange.rest("buy", "1", BID + 7)
    await trader.until(lambda: best_bid(trader, PAIR) == BID + 7)
    await exchange.take("sell", "0.5", ETH_MARKET)
    trader.cancel(cancelled, ETH)
    await trader.hears(filled, *FILLED)
    await trader.hears(cancelled, "cancelled")
    await trader.hears(trader.buy("0.01"), *FILLED)
    await trader.agrees()
    assert log.errors() == []


async def test_a_market_that_was_never_traded_does_not_use_up_the_rate_limit(exchange: Exchange, trader: Trader):
    for _ in range(3):
        await trader.poll()

    assert exchange.line.requests.count("GET /api/markets") <= 5
