"""Hummingbot's own position executor on the real connector: each of its barriers closes the position, in both modes."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from acme_bot.hbot import CONNECTOR
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.event import events
from hummingbot.strategy_v2.executors.position_executor.data_types import (
    PositionExecutorConfig,
    TrailingStop,
    TripleBarrierConfig,
)
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.executors import CloseType
from test.end_to_end.trader import DEPOSIT, PAIR, Exchange, Trader, fee_of

SIZE = Decimal("0.1")
UPDATE_INTERVAL = 0.05
NANODOLLAR = Decimal("1e-9")
TAKE_PROFIT, STOP_LOSS, TRAILING_STOP, TIME_LIMIT = "take_profit", "stop_loss", "trailing_stop", "time_limit"
BARRIERS = {
    TAKE_PROFIT: Decimal("0.002"),
    STOP_LOSS: Decimal("0.004"),
    TRAILING_STOP: TrailingStop(activation_price=Decimal("0.004"), trailing_delta=Decimal("0.001")),
    TIME_LIMIT: 3600,
}
pytestmark = pytest.mark.parametrize(
    "mode, side",
    [
        (PositionMode.ONEWAY, TradeType.BUY),
        (PositionMode.ONEWAY, TradeType.SELL),
        (PositionMode.HEDGE, TradeType.BUY),
        (PositionMode.HEDGE, TradeType.SELL),
    ],
)


class Strategy:
    """All that an executor wants of the strategy it belongs to."""

    def __init__(self, trader: Trader):
        self.connectors = {CONNECTOR: trader.connector}
        self.lead = 0
        self._trader = trader

    @property
    def current_timestamp(self) -> float:
        return self._trader.connector.current_timestamp + self.lead

    def buy(self, *order: Any) -> str:
        return self._place(self._trader.buy, *order)

    def sell(self, *order: Any) -> str:
        return self._place(self._trader.sell, *order)

    def cancel(self, connector_name: str, trading_pair: str, order_id: str) -> None:
        self._trader.cancel(order_id, trading_pair)

    def _place(
        self,
        place,
        connector_name: str,
        pair: str,
        amount: Decimal,
        kind: OrderType,
        price: Decimal,
        action: PositionAction,
    ) -> str:
        return place(amount, None if kind is OrderType.MARKET else price, pair=pair, kind=kind, action=action)


class Run:
    """A position that is open, held by an executor with one barrier."""

    def __init__(self, exchange: Exchange, trader: Trader, side: TradeType):
        self.exchange = exchange
        self.trader = trader
        self.strategy = Strategy(trader)
        self._side = side

    async def open(self, barrier: str) -> None:
        config = PositionExecutorConfig(
            timestamp=self.strategy.current_timestamp,
            connector_name=CONNECTOR,
            trading_pair=PAIR,
            side=self._side,
            amount=SIZE,
            leverage=20,
            triple_barrier_config=TripleBarrierConfig(
                **{barrier: BARRIERS[barrier]}, open_order_type=OrderType.MARKET, take_profit_order_type=OrderType.LIMIT
            ),
        )
        self.executor = PositionExecutor(self.strategy, config, update_interval=UPDATE_INTERVAL)
        self.executor.start()
        await self.trader.until(lambda: self.executor.open_filled_amount == SIZE)
        self.entry = self.executor.entry_price

    async def move(self, profit: str) -> None:
        """Moves the market to where the position has gained this fraction, or lost it."""
        sign = 1 if self._side is TradeType.BUY else -1
        price = (self.entry * (1 + sign * Decimal(profit))).quantize(Decimal(1))
        await self.exchange.clear()
        self.exchange.set_index(price)
        await self.exchange.rest("buy", "1", price - 1)
        await self.exchange.rest("sell", "1", price + 1)

    async def closes(self, close_type: CloseType) -> None:
        """By that barrier; everybody then agrees on what came of it, to the last digit."""
        trader, executor = self.trader, self.executor
        await trader.until(lambda: executor.is_closed)
        assert executor.close_type is close_type
        await trader.agrees()
        assert await self.exchange.position() == 0 and await self.exchange.open_orders() == []
        fees = sum(map(fee_of, trader.events_of(events.OrderFilledEvent)), Decimal(0))
        assert executor.cum_fees_quote == fees > 0
        assert executor.net_pnl_quote.quantize(NANODOLLAR) == (await self.exchange.balance()) - DEPOSIT


@pytest.fixture
async def run(exchange: Exchange, trader: Trader, mode: PositionMode, side: TradeType) -> AsyncIterator[Run]:
    trader.connector.set_position_mode(mode)
    await trader.until(lambda: trader.connector.position_mode is mode)
    run = Run(exchange, trader, side)
    yield run
    run.executor.stop()


async def test_take_profit(run: Run):
    await run.open(TAKE_PROFIT)
    await run.trader.until(lambda: run.trader.connector.limit_orders)
    await run.move("0.003")
    await run.closes(CloseType.TAKE_PROFIT)


async def test_stop_loss(run: Run):
    await run.open(STOP_LOSS)
    await run.move("-0.003")
    await run.trader.poll()
    assert not run.executor.is_closed
    await run.move("-0.005")
    await run.closes(CloseType.STOP_LOSS)


async def test_trailing_stop(run: Run):
    await run.open(TRAILING_STOP)
    await run.move("0.006")
    await run.trader.until(lambda: run.executor._trailing_stop_trigger_pct)
    await run.move("0.004")
    await run.closes(CloseType.TRAILING_STOP)
    assert run.executor.net_pnl_quote > 0


async def test_time_limit(run: Run):
    await run.open(TIME_LIMIT)
    run.strategy.lead = BARRIERS[TIME_LIMIT]
    await run.closes(CloseType.TIME_LIMIT)
