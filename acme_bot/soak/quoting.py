"""The strategy of the soak: a script that Hummingbot runs, which quotes five markets and watches its own event loop.

It is copied into the workspace's `scripts/`, where Hummingbot looks for scripts, and imports nothing of this project.
"""

import asyncio
import json
import os
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot import data_path
from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.core.data_type.common import MarketDict, OrderType, PriceType
from hummingbot.core.event.events import BuyOrderCreatedEvent, OrderFilledEvent, SellOrderCreatedEvent
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

CONNECTOR = "acme_perpetual"
# Each order is of about 60 USD; of the coins, so much that a part of it that is left over is still worth an order.
AMOUNTS = {
    "BTC-USD": Decimal("0.001"),
    "ETH-USD": Decimal("0.02"),
    "SOL-USD": Decimal("0.4"),
    "XRP-USD": Decimal(100),
    "DOGE-USD": Decimal(400),
}
DISTANCES = (Decimal("0.0001"), Decimal("0.0003"))
MOST_ORDERS_WORTH = 5
"""A position of as many orders is not added to."""
LAG_SECONDS = 0.05
SAMPLE_SECONDS = 1.0
SAMPLES_FILE = "soak-samples.jsonl"


class SoakConfig(StrategyV2ConfigBase):
    script_file_name: str = os.path.basename(__file__)

    def update_markets(self, markets: MarketDict) -> MarketDict:
        markets[CONNECTOR] = set(AMOUNTS)
        return markets


class Soak(StrategyV2Base):
    """Renews one market's quotes a second, so that each market's are renewed every five seconds.

    Once a second a line goes to the file of samples: `time` (seconds since 1970), `lag` (seconds that the event loop
    was late, on average), `queued` (messages that wait for the connector), `tasks`, and by trading pair `orders`
    created and `fills`.
    """

    def __init__(self, connectors: dict[str, ConnectorBase], config: SoakConfig):
        super().__init__(connectors, config)
        self._connector = connectors[CONNECTOR]
        self._turn = 0
        self._orders: Counter[str] = Counter()
        self._fills: Counter[str] = Counter()
        self._watching = asyncio.create_task(self._watch())

    def on_tick(self) -> None:
        pair = list(AMOUNTS)[self._turn % len(AMOUNTS)]
        self._turn += 1
        for order in self.get_active_orders(CONNECTOR):
            if order.trading_pair == pair:
                self.cancel(CONNECTOR, pair, order.client_order_id)
        mid_price = self._connector.get_price_by_type(pair, PriceType.MidPrice)
        if mid_price.is_nan():
            return
        amount, position = AMOUNTS[pair], self._position(pair)
        for distance in DISTANCES:
            if position < MOST_ORDERS_WORTH * amount:
                self.buy(CONNECTOR, pair, amount, OrderType.LIMIT, mid_price * (1 - distance))
            if position > -MOST_ORDERS_WORTH * amount:
                self.sell(CONNECTOR, pair, amount, OrderType.LIMIT, mid_price * (1 + distance))

    def did_create_buy_order(self, event: BuyOrderCreatedEvent) -> None:
        self._orders[event.trading_pair] += 1

    def did_create_sell_order(self, event: SellOrderCreatedEvent) -> None:
        self._orders[event.trading_pair] += 1

    def did_fill_order(self, event: OrderFilledEvent) -> None:
        self._fills[event.trading_pair] += 1

    async def on_stop(self) -> None:
        self._watching.cancel()
        await super().on_stop()

    def _position(self, pair: str) -> Decimal:
        positions = self._connector.account_positions.values()
        return sum((one.amount for one in positions if one.trading_pair == pair), Decimal(0))

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        with Path(data_path(), SAMPLES_FILE).open("a", encoding="utf-8", buffering=1) as samples:
            while True:
                lateness, until = [], loop.time() + SAMPLE_SECONDS
                while loop.time() < until:
                    due = loop.time() + LAG_SECONDS
                    await asyncio.sleep(LAG_SECONDS)
                    lateness.append(loop.time() - due)
                samples.write(json.dumps(self._sample(sum(lateness) / len(lateness))) + "\n")

    def _sample(self, lag: float) -> dict[str, Any]:
        return {
            "time": time.time(),
            "lag": lag,
            "queued": self._queued(),
            "tasks": len(asyncio.all_tasks()),
            "orders": self._orders,
            "fills": self._fills,
        }

    def _queued(self) -> int:
        """What waits for the connector: frames of the account, since those of the markets are handled as they are
        read."""
        return int(self._connector._user_stream_tracker.user_stream.qsize())
