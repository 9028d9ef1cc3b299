"""Quotes around the mid price, moved against the position: who holds too much asks less, and bids less."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from hummingbot.core.data_type.common import PositionMode, PriceType, TradeType
from hummingbot.strategy_v2.controllers.market_making_controller_base import (
    MarketMakingControllerBase,
    MarketMakingControllerConfigBase,
)
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig


def _asked(default: Any, prompt: str, **limits: Any) -> Any:
    """A setting that is asked for, and can be changed while the bot runs."""
    return Field(
        default=default,
        json_schema_extra={"prompt": f"{prompt} (such as {default}): ", "prompt_on_new": True, "is_updatable": True},
        **limits,
    )


class InventoryMakerConfig(MarketMakingControllerConfigBase):
    """The settings of every market-making controller, with defaults that earn on Acme's simulated market, and one more.

    `inventory_skew` is how far the quotes move, as a fraction of the price, when the position is worth
    `total_amount_quote`.
    """

    controller_name: str = "inventory_maker"
    connector_name: str = _asked("acme_perpetual", "The connector")
    trading_pair: str = _asked("BTC-USD", "The trading pair")
    total_amount_quote: Decimal = _asked(Decimal(500), "USD of all quotes together", gt=0)
    buy_spreads: list[float] = _asked("0.0006", "Distances of the bids from the mid price, as fractions")
    sell_spreads: list[float] = _asked("0.0006", "Distances of the asks from the mid price, as fractions")
    executor_refresh_time: int = _asked(5, "Seconds after which a quote is renewed")
    cooldown_time: int = _asked(1, "Seconds to wait after a position was closed")
    leverage: int = _asked(5, "The leverage")
    position_mode: PositionMode = _asked("ONEWAY", "The position mode, ONEWAY or HEDGE")
    stop_loss: Decimal | None = _asked(Decimal("0.004"), "The loss at which a position is closed, as a fraction", gt=0)
    take_profit: Decimal | None = _asked(Decimal("0.001"), "The profit to close a position at, as a fraction", gt=0)
    time_limit: int | None = _asked(120, "Seconds after which a position is closed", gt=0)
    inventory_skew: Decimal = Field(default=Decimal("0.0002"), ge=0, json_schema_extra={"is_updatable": True})


class InventoryMaker(MarketMakingControllerBase):
    """Each quote is a position executor: once filled, its take-profit, stop-loss and time limit close the position."""

    async def update_processed_data(self) -> None:
        mid_price = self.market_data_provider.get_price_by_type(
            self.config.connector_name, self.config.trading_pair, PriceType.MidPrice
        )
        held = self._held_in_quote() / self.config.total_amount_quote
        self.processed_data = {
            "reference_price": mid_price * (1 - self.config.inventory_skew * held),
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
