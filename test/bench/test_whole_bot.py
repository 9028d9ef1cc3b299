"""The exchange of the whole bots: every connector reads the same of it; and unequal work is not counted."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from bench.market import MID_PRICE, SHOWN
from bench.measure import Line
from bench.table import with_other_parts
from bench.whole_bot import NONE, OURS, Measured, lines_of, unequal_work
from bench.whole_bot_dialects import EXCHANGES
from bench.whole_bot_exchange import FILLED_AGES, PACES, STEPS_A_SECOND, Exchange, Market, start
from bench.whole_bot_process import PAIRS, addresses, constants, keys
from hummingbot.client.config.config_helpers import get_connector_class
from hummingbot.connector.derivative.bybit_perpetual.bybit_perpetual_user_stream_data_source import (
    BybitPerpetualUserStreamDataSource,
)
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.event import events
from hummingbot.core.event.event_listener import EventListener
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

RIVALS = [name for name in PAIRS if name != OURS]
PATIENCE = 60
WORK = {"placed": 240, "cancelled": 200, "filled": 40}


class Heard(EventListener):
    def __init__(self) -> None:
        super().__init__()
        self.fills: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
        self.ended: dict[str, str] = {}
        self.created: set[str] = set()

    def __call__(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "OrderFilledEvent":
            self.fills[event.trade_type.name] = event.price, event.amount, event.trade_fee.flat_fees[0].amount
        elif kind == "OrderCancelledEvent" or kind.endswith("CompletedEvent"):
            self.ended[event.order_id] = kind
        else:
            self.created.add(event.order_id)


async def test_every_connector_reads_the_same_market_and_the_same_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same time, as whole bots do."""
    # Bybit's waits when its stream ends, whyever that does.
    monkeypatch.setattr(BybitPerpetualUserStreamDataSource, "_sleep", lambda _self, _seconds: asyncio.sleep(0))
    exchanges = {name: EXCHANGES[name]() for name in PAIRS}
    market = Market(list(exchanges.values()), PACES["recorded"])
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        stack.push_async_callback(ConnectionsFactory().close)
        connectors = {
            name: await stack.enter_async_context(trading_on(exchange, monkeypatch))
            for name, exchange in exchanges.items()
        }
        for number in range(1, STEPS_A_SECOND + 1):
            await market.step(number)
        for name, connector in connectors.items():
            await has_the_market(connector, exchanges[name])
            await trades(connector, exchanges[name])


@asynccontextmanager
async def trading_on(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PerpetualDerivativePyBase]:
    """The exchange's connector, ready and with all its streams."""
    name = exchange.name
    runner, url = await start(exchange)
    for constant, value in addresses(name, url).items():
        monkeypatch.setattr(constants(name), constant, value)
    connector = get_connector_class(name)(trading_pairs=[PAIRS[name]], **keys(name, url))
    ticking = asyncio.create_task(tick(connector))
    try:
        await connector.start_network()
        await until(lambda: connector.ready and watched(exchange) == {"book", "trades", "funding", "account"})
        yield connector
    finally:
        ticking.cancel()
        await connector.stop_network()
        await runner.cleanup()


async def has_the_market(connector: PerpetualDerivativePyBase, exchange: Exchange) -> None:
    """The best levels that all of them tell, the last trade, and the mark price."""
    pair = PAIRS[exchange.name]
    book = connector.get_order_book(pair)
    wanted = [side[:SHOWN] for side in exchange.book.best]

    def best() -> list[list[tuple[float, float]]]:
        sides = book.bid_entries(), book.ask_entries()
        return [[(row.price, row.amount) for row in side][:SHOWN] for side in sides]

    await until(lambda: best() == wanted and book.last_trade_price == MID_PRICE)
    await until(lambda: 0 <= connector.get_funding_info(pair).mark_price - Decimal(MID_PRICE) < 7)


async def trades(connector: PerpetualDerivativePyBase, exchange: Exchange) -> None:
    """One order is cancelled; two more, of both sides, are filled."""
    heard = Heard()
    for tag in events.MarketEvent:
        connector.add_listener(tag, heard)
    pair, amount = PAIRS[exchange.name], Decimal("0.010")
    cancelled = connector.buy(pair, amount, OrderType.LIMIT, Decimal(59_000), position_action=PositionAction.OPEN)
    await until(lambda: cancelled in heard.created)
    connector.cancel(pair, cancelled)
    await until(lambda: cancelled in heard.ended)
    buy = connector.buy(pair, amount, OrderType.LIMIT, Decimal(59_400), position_action=PositionAction.OPEN)
    sell = connector.sell(pair, amount, OrderType.LIMIT, Decimal(60_600), position_action=PositionAction.OPEN)
    await until(lambda: {buy, sell} <= heard.created)
    for order in exchange.open_orders():
        order.placed -= FILLED_AGES[0]
    await exchange.fill_what_is_due(True)
    await until(lambda: {buy, sell} <= heard.ended.keys())
    assert heard.ended[cancelled] == "OrderCancelledEvent"
    assert heard.fills == {
        "BUY": (Decimal(59_400), amount, Decimal("0.1188")),
        "SELL": (Decimal(60_600), amount, Decimal("0.1212")),
    }
    assert exchange.done["placed"] == 3 and exchange.done["cancelled"] == 1 and exchange.done["filled"] == 2


def watched(exchange: Exchange) -> set[str]:
    return {topic for topic, sockets in exchange._sockets.items() if sockets}


async def tick(connector: PerpetualDerivativePyBase) -> None:
    while True:
        connector._set_current_timestamp(time.time())
        connector.tick(time.time())
        await asyncio.sleep(0.05)


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)


# --------------------------------------------------------------------------------------------------------------- lines


def measured(done: dict[str, dict[str, int]]) -> Measured:
    """Ours takes half of the processor time, and half of the memory above what a bot without a connector takes."""
    costs = {name: 1.0 if name == OURS else 2.0 for name in done} | {NONE: 0.1}
    megabytes = {name: 210.0 if name == OURS else 220.0 for name in done} | {NONE: 200.0}
    return Measured(
        60.0,
        {name: [each] * 10 for name, each in costs.items()},
        {name: [each] * 10 for name, each in megabytes.items()},
        {name: Counter(each) for name, each in done.items()},
    )


async def test_every_connector_hears_as_often_as_any_other_of_an_event_first() -> None:
    exchanges = [EXCHANGES[name]() for name in PAIRS]
    market = Market(exchanges, PACES["recorded"])
    shown: dict[str, list[str]] = {"book": [], "trades": [], "funding": []}
    for exchange in exchanges:

        async def show(topic: str, frame: str, name: str = exchange.name) -> None:
            shown[topic].append(name)

        exchange.show = show  # type: ignore[method-assign]

    for number in range(1, 8 * STEPS_A_SECOND + 1):
        await market.step(number)

    for topic, names in shown.items():
        firsts = Counter(names[:: len(PAIRS)])
        assert set(firsts) == set(PAIRS) and len(set(firsts.values())) == 1, topic


def test_bots_that_did_the_same_work_are_compared() -> None:
    processor, memory, of_connector = lines_of(measured(dict.fromkeys((OURS, *RIVALS), WORK)))

    assert (processor.ours, processor.score, processor.is_met) == (10.0, 2.0, True)
    assert processor.rivals == dict.fromkeys(RIVALS, 20.0)
    assert memory.is_met is False and memory.score == pytest.approx(220 / 210)
    assert of_connector.is_met is True and of_connector.score == 2.0


@pytest.mark.parametrize("what", WORK)
def test_a_bot_that_did_less_is_not_counted(what: str) -> None:
    idle = dict.fromkeys((OURS, *RIVALS), WORK) | {OURS: WORK | {what: 100 if what != "filled" else 30}}

    for line in lines_of(measured(idle)):
        assert line.is_met is False and math.isnan(line.score)
        assert f"orders {what}: acme" in line.score_says


def test_a_bot_may_be_a_quote_of_each_side_behind_but_not_stand_still() -> None:
    assert unequal_work({"a": WORK, "b": WORK | {"placed": 238, "filled": 38}}) == ""
    assert unequal_work({"a": {"placed": 2, "cancelled": 2, "filled": 2}, "b": {"placed": 2, "cancelled": 2}}) != ""


def test_lines_of_parts_that_were_not_measured_stay() -> None:
    def line(part: str, name: str, ours: float) -> Line:
        return Line(name, "s", ours, 1.0, "", part=part)

    kept = [asdict(line("books", "a", 1)), asdict(line("bot", "old", 2)), asdict(line("orders", "c", 3))]

    assert with_other_parts([line("bot", "new", 9)], kept, ["books", "orders", "bot"]) == [
        line("books", "a", 1),
        line("orders", "c", 3),
        line("bot", "new", 9),
    ]
