"""The strategies of the demo: Hummingbot's own market making of version 1, and a controller of version 2.

Both quote closer to the mid price than the house does, whose quotes are 0.07 % away from it, and take their profit
closer than that too: whoever takes, takes from them. A round trip earns the distance between the two prices and costs
two maker fees of 0.02 % each, so that distance has to be more than 0.04 %. Losses are cut late, because a position is
usually gone within seconds, and to cut one costs the house's spread and a taker's fee.
"""

from dataclasses import replace

from acme_bot.bot import Strategy
from acme_bot.hbot import CONNECTOR

PAIR = "BTC-USD"

# Spreads are in percent.
MARKET_MAKING = Strategy(
    "perpetual_market_making",
    {
        "derivative": CONNECTOR,
        "market": PAIR,
        "leverage": "5",
        "order_amount": "0.002",
        "bid_spread": "0.05",
        "ask_spread": "0.05",
        "order_refresh_time": "5",
        "filled_order_delay": "1",
        "long_profit_taking_spread": "0.08",
        "short_profit_taking_spread": "0.08",
        "stop_loss_spread": "0.4",
        "time_between_stop_loss_orders": "5",
        "stop_loss_slippage_buffer": "0.1",
    },
)
# Spreads and barriers are fractions. It quotes 250 USD on each side, and its executors close their positions before it
# stops, at a taker's cost: a round trip has to earn more than with version 1. A stronger skew would give away on one
# side what the other has earned.
INVENTORY_MAKER = Strategy(
    "inventory_maker",
    {
        "connector_name": CONNECTOR,
        "trading_pair": PAIR,
        "leverage": "5",
        "position_mode": "ONEWAY",
        "total_amount_quote": "500",
        "buy_spreads": "0.0006",
        "sell_spreads": "0.0006",
        "executor_refresh_time": "5",
        "cooldown_time": "1",
        "take_profit": "0.001",
        "stop_loss": "0.004",
        "time_limit": "120",
        "inventory_skew": "0.0002",
    },
    stop_seconds=20,
    funding_seconds=60,
)
STRATEGIES = {strategy.name: strategy for strategy in (MARKET_MAKING, INVENTORY_MAKER)}

# A real market's best prices lie much closer together, and what quotes as far away as above is seldom met there.
CLOSE = {
    MARKET_MAKING.name: {
        "bid_spread": "0.005",
        "ask_spread": "0.005",
        "long_profit_taking_spread": "0.01",
        "short_profit_taking_spread": "0.01",
    },
    INVENTORY_MAKER.name: {"buy_spreads": "0.00005", "sell_spreads": "0.00005", "take_profit": "0.0001"},
}


def on_a_real_market(strategy: Strategy) -> Strategy:
    """The same, close enough to the mid price to be filled now and then; at a real exchange's fees it earns nothing."""
    return replace(strategy, settings={**strategy.settings, **CLOSE.get(strategy.name, {})})
