"""Where prices come from: a simulated index, and the liquidity around it."""

from acme_exchange.market.definition import MarketDefinition, default_markets
from acme_exchange.market.simulation import MarketSimulation

__all__ = ["MarketDefinition", "MarketSimulation", "default_markets"]
