"""The venue's markets: what each is, and how its price and its book behave when they are simulated."""

from dataclasses import dataclass
from decimal import Decimal

from acme_exchange.engine.specification import MarketSpecification


@dataclass(frozen=True, slots=True)
class MarketDefinition:
    """A market and its simulation.

    `start_price` is where the index begins, in US dollars; `volatility` is the standard deviation of a year's
    logarithmic return (0.8 is 80 %). Markets of one underlying share one index path, whose start and volatility are
    those of the first of them.

    :raises ValueError: a field is impossible; the message begins with its name.
    """

    specification: MarketSpecification
    start_price: Decimal
    volatility: float


def default_markets(now: int) -> list[MarketDefinition]:
    """The markets of Acme API §8. `now`, in microseconds since the epoch, decides which year BTC-1231 expires in."""
    raise NotImplementedError
