"""The strategy of `bench/stopping.py`: a script that Hummingbot runs, which lets many orders rest in many markets.

It is copied into the workspace's `scripts/`, where Hummingbot looks for scripts, and imports nothing of this project.
"""

from decimal import Decimal
from pathlib import Path

from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.core.data_type.common import MarketDict, OrderType, PositionAction, PriceType
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

CONNECTOR = "acme_perpetual"
ORDERS_A_TICK = 18
"""The venue takes twenty a second."""
NEAREST = Decimal("0.03")
SPAN = Decimal("0.01")
LEVELS = 100


class ManyOrdersConfig(StrategyV2ConfigBase):
    script_file_name: str = Path(__file__).name
    pairs: str = "BTC-USD"
    orders: int = 600
    amount: Decimal = Decimal("0.01")

    def update_markets(self, markets: MarketDict) -> MarketDict:
        markets[CONNECTOR] = set(self.pairs.split(","))
        return markets


class ManyOrders(StrategyV2Base):
    """Buys and sells by turns, too far from the market to be filled, until there are as many orders as asked for."""

    def __init__(self, connectors: dict[str, ConnectorBase], config: ManyOrdersConfig):
        super().__init__(connectors, config)
        self._connector = connectors[CONNECTOR]
        self._pairs = config.pairs.split(",")
        self._turn = 0

    def on_tick(self) -> None:
        mid_prices = {pair: self._connector.get_price_by_type(pair, PriceType.MidPrice) for pair in self._pairs}
        if any(mid_price.is_nan() for mid_price in mid_prices.values()):
            return
        missing = self.config.orders - len(self._connector.in_flight_orders)
        for _ in range(min(ORDERS_A_TICK, missing)):
            turn, at = divmod(self._turn, len(self._pairs))
            pair, is_buy = self._pairs[at], turn % 2 == 0
            away = NEAREST + SPAN * (turn % LEVELS) / LEVELS
            price = mid_prices[pair] * (1 - away if is_buy else 1 + away)
            place = self.buy if is_buy else self.sell
            place(CONNECTOR, pair, self.config.amount, OrderType.LIMIT, price, PositionAction.OPEN)
            self._turn += 1
