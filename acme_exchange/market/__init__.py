"""Makes the markets move: a simulated or a recorded index, and the liquidity around it."""

from acme_exchange.market.definition import MarketDefinition, default_markets
from acme_exchange.market.errors import MarketFileError
from acme_exchange.market.markets_file import load_markets
from acme_exchange.market.plan import MarketPlan, plan_markets
from acme_exchange.market.replay import load_replay, start_at
from acme_exchange.market.simulation import MarketSimulation
