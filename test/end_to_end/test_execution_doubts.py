"""The execution matrix: placements and cancels whose outcome the connector is not told.

The connector's deadlines are a fifth of what they are, and so are the venue's silences.
"""

from decimal import Decimal

import pytest

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.in_flight_order import OrderState
from test.end_to_end.trader import ASK, BID, DEPOSIT, TAKER_FEE, Exchange, Fault, Log, Trader

HASTE = 5
HURRIED = (
    "TRADING_REQUEST_DEADLINE",
    "PLACEMENT_VALIDITY",
    "NOT_FOUND_CONFIRMATION_TIME",
    "DOUBT_RESOLUTION_TIME",
    "DOUBT_FIRST_DELAY",
    "DOUBT_LONGEST_DELAY",
)
SILENCE = 10 / HASTE

FILLED = ["created", "filled", "completed"]
PRIVATE = {"orders", "fills", "positions", "balances"}

NO_ANSWER = [
    pytest.param(True, "close", id="lost answer"),
    pytest.param(True, "reset", id="reset after arrival"),
    pytest.param(True, "error", id="500 after arrival"),
    pytest.param(True, "silence", id="10 s of silence after arrival"),
]
NO_ARRIVAL = [
    pytest.param(False, "close", id="lost request"),
    pytest.param(False, "reset", id="reset before arrival"),
    pytest.param(False, "error", id="500 before arrival"),
    pytest.param(False, "silence", id="10 s of silence before arrival"),
]
STREAMS = pytest.mark.parametrize("silent_stream", [False, True], ids=["stream", "no stream"])


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch):
    for name in HURRIED:
        monkeypatch.setattr(CONSTANTS, name, getattr(CONSTANTS, name) / HASTE)


async def speaks_again(exchange: Exchange, trader: Trader) -> None:
    """The private stream tells again, and what it did not tell is found by a poll."""
    exchange.line.dropped_channels = set()
    await trader.poll()


# -------------------------------------------------------------------------------------------------------- placements


@STREAMS
@pytest.mark.parametrize("arrives, outcome", NO_ANSWER)
async def test_submit_that_arrived_is_created(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str, silent_stream: bool
):
    exchange.line.dropped_channels = PRIVATE if silent_stream else set()
    exchange.line.befall("POST", "/orders", Fault(arrives, outcome, SILENCE))

    order = trader.buy("0.01", BID - 1)

    await trader.hears(order, "created")
    await speaks_again(exchange, trader)
    assert [each["clientId"] for each in await exchange.open_orders()] == [order]
    await trader.until(lambda: log.has(f"It is not known whether order {order} was placed"))
    await trader.agrees()

    trader.cancel(order)
    await trader.hears(order, "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    await trader.agrees()
    assert log.errors() == []


@STREAMS
@pytest.mark.parametrize("arrives, outcome", NO_ANSWER)
async def test_submit_that_arrived_and_filled_is_filled_once(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str, silent_stream: bool
):
    exchange.line.dropped_channels = PRIVATE if silent_stream else set()
    exchange.line.befall("POST", "/orders", Fault(arrives, outcome, SILENCE))

    order = trader.buy("0.1")

    await trader.hears(order, *FILLED)
    await speaks_again(exchange, trader)
    assert trader.story(order) == FILLED
    assert trader.fills(order) == [(ASK, Decimal("0.1"), Decimal("0.1") * ASK * TAKER_FEE)]
    await trader.agrees()
    assert log.errors() == []


async def test_fills_that_come_before_the_answer_to_the_submit(exchange: Exchange, trader: Trader, log: Log):
    answer = exchange.line.befall("POST", "/orders", Fault(True, "held"))
    order = trader.buy("0.1", BID + 5)
    await answer.answer
    await exchange.take("sell", "0.04")
    await trader.hears(order, "created", "filled")

    answer.released.set()

    await trader.agrees()
    assert trader.connector.in_flight_orders[order].current_state is OrderState.PARTIALLY_FILLED
    await exchange.take("sell", "0.06")
    await trader.hears(order, "filled", "filled", "completed")
    assert trader.story(order) == ["created", "filled", "filled", "completed"]
    await trader.agrees()
    assert log.errors() == []


@pytest.mark.parametrize("arrives, outcome", NO_ARRIVAL)
async def test_submit_that_never_arrived_fails_and_leaves_nothing(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str
):
    fault = exchange.line.befall("POST", "/orders", Fault(arrives, outcome, SILENCE))

    order = trader.buy("0.01", BID - 1)

    await trader.hears(order, "failed")
    assert trader.story(order) == ["failed"]
    assert trader.failure(order).startswith("Order not found: ")
    assert log.has(trader.failure(order))
    if outcome == "silence":  # the placement comes when its order is given up, and is too late for the venue, too
        late = await fault.answer
        assert (late.status, b"rejectAfterTs" in late.body) == (400, True)
    assert await exchange.order(order) is None
    assert await exchange.balance() == DEPOSIT
    await trader.agrees()


async def test_submit_stays_pending_while_the_venue_tells_nothing_and_is_created_when_it_does(
    exchange: Exchange, trader: Trader, log: Log
):
    exchange.line.dropped_channels = PRIVATE
    exchange.line.befall("POST", "/orders", Fault(True, "close"))
    for _ in range(30):
        exchange.line.befall("GET", "/orders/by_client_id/", Fault(False, "error"))

    order = trader.buy("0.01", BID - 1)

    await trader.until(lambda: log.has("It stays pending"))
    assert trader.story(order) == []
    assert trader.connector.in_flight_orders[order].is_pending_create
    await trader.poll()  # finds the order among the open ones
    await trader.hears(order, "created")
    await speaks_again(exchange, trader)
    await trader.agrees()


@pytest.mark.parametrize("arrives, outcome", NO_ANSWER)
async def test_cancel_of_a_submit_in_doubt_is_honoured(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str
):
    exchange.line.dropped_channels = PRIVATE
    exchange.line.befall("POST", "/orders", Fault(arrives, outcome, SILENCE))
    order = trader.buy("0.01", BID - 1)

    trader.cancel(order)

    await trader.until(lambda: "created" in trader.story(order))
    await speaks_again(exchange, trader)
    await trader.hears(order, "created", "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    assert await exchange.open_orders() == []
    await trader.agrees()
    assert log.errors() == []


# ------------------------------------------------------------------------------------------------------------ cancels


def befall_cancel(exchange: Exchange, arrives: bool, outcome: str) -> None:
    # A DELETE on a broken connection is sent a second time before the connector hears of it.
    for _ in range(2 if outcome in ("close", "reset") else 1):
        exchange.line.befall("DELETE", "/orders/", Fault(arrives, outcome, SILENCE))


@STREAMS
@pytest.mark.parametrize("arrives, outcome", [*NO_ANSWER, *NO_ARRIVAL])
async def test_cancel_without_an_answer_cancels_once(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str, silent_stream: bool
):
    order = trader.buy("0.01", BID - 1)
    await trader.hears(order, "created")
    exchange.line.dropped_channels = PRIVATE if silent_stream else set()
    befall_cancel(exchange, arrives, outcome)

    trader.cancel(order)

    if silent_stream:
        await trader.until(lambda: trader.connector.in_flight_orders[order].is_pending_cancel_confirmation)
        await speaks_again(exchange, trader)
    await trader.hears(order, "cancelled")
    assert trader.story(order) == ["created", "cancelled"]
    assert await exchange.open_orders() == []
    await trader.agrees()
    assert log.errors() == []


async def test_cancel_that_is_reported_before_its_answer(exchange: Exchange, trader: Trader, log: Log):
    order = trader.buy("0.01", BID - 1)
    await trader.hears(order, "created")
    answer = exchange.line.befall("DELETE", "/orders/", Fault(True, "held"))

    trader.cancel(order)

    await trader.hears(order, "cancelled")
    answer.released.set()
    await trader.agrees()
    assert trader.story(order) == ["created", "cancelled"]
    assert log.errors() == []


@pytest.mark.parametrize("arrives, outcome", NO_ANSWER)
async def test_cancel_without_an_answer_that_crosses_a_fill_completes_the_order(
    exchange: Exchange, trader: Trader, log: Log, arrives: bool, outcome: str
):
    order = trader.buy("0.01", BID + 5)
    await trader.hears(order, "created")
    exchange.line.dropped_channels = PRIVATE
    await exchange.take("sell", "0.01")
    befall_cancel(exchange, arrives, outcome)

    trader.cancel(order)

    await trader.hears(order, *FILLED)
    await speaks_again(exchange, trader)
    assert trader.story(order) == FILLED
    await trader.agrees()
    assert log.errors() == []
