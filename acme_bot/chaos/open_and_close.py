"""A Hummingbot script that opens a position and closes it again, for ever, with market and limit orders."""

import os
from decimal import Decimal
from random import Random

from hummingbot.connector.connector_base import ConnectorBase
from hummingbot.core.data_type.common import MarketDict, OrderType, PositionAction
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

PATIENCE_SECONDS = 3
PARTS = 3
MARKET_ORDERS = 0.7  # of all; the others are limit orders, at the best price of one side or the other


class OpenAndCloseConfig(StrategyV2ConfigBase):
    """`order_amount` in coins, of each part; `seed` decides sides and order types."""

    script_file_name: str = os.path.basename(__file__)
    derivative: str
    market: str
    order_amount: Decimal
    seed: int

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.derivative, self.market)


class OpenAndClose(StrategyV2Base):
    """With no order under way, it opens a position in several parts when there is none, and closes the one that there
    is. An order that takes longer than some seconds is cancelled."""

    def __init__(self, connectors: dict[str, ConnectorBase], config: OpenAndCloseConfig):
        super().__init__(connectors, config)
        self._random = Random(config.seed)

    def on_tick(self) -> None:
        connector = self.connectors[self.config.derivative]
        orders = list(connector.in_flight_orders.values())
        for order in orders:
            if self.current_timestamp - order.creation_timestamp > PATIENCE_SECONDS:
                connector.cancel(order.trading_pair, order.client_order_id)
        if not orders and self._has_both_sides(connector):
            self._trade(connector)

    def _has_both_sides(self, connector: ConnectorBase) -> bool:
        return not any(connector.get_price(self.config.market, is_buy).is_nan() for is_buy in (True, False))

    def _trade(self, connector: ConnectorBase) -> None:
        position = connector.account_positions.get(self.config.market)
        if position is None:
            is_buy = self._random.random() < 0.5
            for _ in range(PARTS):
                self._order(connector, is_buy, self.config.order_amount, PositionAction.OPEN)
            return
        left = abs(position.amount)
        while left > 0:
            part = min(left, self.config.order_amount)
            self._order(connector, position.amount < 0, part, PositionAction.CLOSE)
            left -= part

    def _order(self, connector: ConnectorBase, is_buy: bool, amount: Decimal, action: PositionAction) -> None:
        place = self.buy if is_buy else self.sell
        if self._random.random() < MARKET_ORDERS:
            place(self.config.derivative, self.config.market, amount, OrderType.MARKET, position_action=action)
        else:
            price = connector.get_price(self.config.market, self._random.random() < 0.5)
            place(self.config.derivative, self.config.market, amount, OrderType.LIMIT, price, position_action=action)
