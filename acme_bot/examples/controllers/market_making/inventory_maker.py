"""Quotes around the middle of the book, moved against the position: who holds too much asks less, and bids less."""

from decimal import Decimal

from pydantic import Field

from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.controllers.market_making_controller_base import (
    MarketMakingControllerBase,
    MarketMakingControllerConfigBase,
)
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig


class InventoryMakerConfig(MarketMakingControllerConfigBase):
    """The settings of every market-making controller, and one more.

    `inventory_skew` is how far the quotes move, as a fraction of the price, when the position is worth
    `total_amount_quote`.
    """

    controller_name: str = "inventory_maker"
    inventory_skew: Decimal = Field(default=Decimal("0.001"), ge=0, json_schema_extra={"is_updatable": True})


class InventoryMaker(MarketMakingControllerBase):
    """Each quote is a position executor: once filled, its take-profit, stop-loss and time limit close the position."""

    async def update_processed_data(self):
        middle = self.market_data_provider.get_price_by_type(
            self.config.connector_name, self.config.trading_pair, PriceType.MidPrice
        )
        held = self._held_in_quote() / self.config.total_amount_quote
        self.processed_data = {
            "reference_price": middle * (1 - self.config.inventory_skew * held),
            "spread_multiplier": Decimal(1),
            "held": held,
        }

    def get_executor_config(self, level_id: str, price: Decimal, amount: Decimal) -> PositionExecutorConfig:
        return PositionExecutorConfig(
            timestamp=self.market_data_provider.time(),
            level_id=level_id,
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            side=self.get_trade_type_from_level_id(level_id),
            entry_price=price,
            amount=amount,
            triple_barrier_config=self.config.triple_barrier_config,
            leverage=self.config.leverage,
        )

    def to_format_status(self) -> list[str]:
        if not self.processed_data:
            return ["  Waiting for prices."]
        return [
            f"  Quotes around {self.processed_data['reference_price']:.2f}, "
            f"holding {self.processed_data['held']:+.1%} of {self.config.total_amount_quote}."
        ]

    def _held_in_quote(self) -> Decimal:
        """What the executors that trade have bought, less what they have sold."""
        held = Decimal(0)
        for executor in self.executors_info:
            if executor.is_trading:
                sign = 1 if executor.side == TradeType.BUY else -1
                held += sign * executor.filled_amount_quote
        return held
