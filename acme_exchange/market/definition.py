"""The definitions of the venue's markets: what each is, and how its price behaves when it is simulated."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from acme_exchange.engine.model.money import is_amount
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.engine.model.words import MarketKind

_MICROSECONDS = 1_000_000
_MAX_VOLATILITY = 10.0


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

    def __post_init__(self) -> None:
        if not isinstance(self.specification, MarketSpecification):
            raise ValueError("specification: give a MarketSpecification")
        if not is_amount(self.start_price) or self.start_price < self.specification.price_increment:
            raise ValueError(
                f"start_price: write a decimal of at least the price increment "
                f"{self.specification.price_increment}, not {self.start_price}"
            )
        if not isinstance(self.volatility, float) or not 0 < self.volatility <= _MAX_VOLATILITY:
            raise ValueError(f"volatility: write a fraction above 0 and up to {_MAX_VOLATILITY}, not {self.volatility}")


def default_markets(now: int) -> list[MarketDefinition]:
    """The markets of Acme API §8. `now`, in microseconds since the epoch, decides which year BTC-1231 expires in.

    The volatilities are a little livelier than the coins' own, so that a strategy has something to do.
    """
    bitcoin = ("1.0", "0.0001", "0.001", "500")
    return [
        _market("BTC-PERP", "65000", 0.8, *bitcoin),
        _market("ETH-PERP", "3400", 1.0, "0.1", "0.001", "0.001", "10000"),
        _market("SOL-PERP", "150", 1.2, "0.0025", "0.01", "0.01", "200000"),
        _market("XRP-PERP", "0.6", 1.1, "0.000025", "1", "1", "50000000"),
        _market("DOGE-PERP", "0.15", 1.3, "5e-07", "1", "1", "200000000"),
        _market("BTC-1231", "65000", 0.8, *bitcoin, expiry=_next_year_end(now)),
        _market("BTC/USD", "65000", 0.8, *bitcoin),
        _market("LTC-PERP", "80", 1.0, "0.005", "0.01", "0.01", "200000", enabled=False),
    ]


def _market(
    name: str,
    start_price: str,
    volatility: float,
    price_increment: str,
    size_increment: str,
    minimum: str,
    maximum: str,
    enabled: bool = True,
    expiry: int | None = None,
) -> MarketDefinition:
    kind: MarketKind = "spot" if "/" in name else "future" if expiry else "perpetual"
    specification = MarketSpecification(
        name=name,
        kind=kind,
        underlying=name.replace("/", "-").partition("-")[0],
        price_increment=Decimal(price_increment),
        size_increment=Decimal(size_increment),
        min_provide_size=Decimal(minimum),
        max_size=Decimal(maximum),
        enabled=enabled,
        expiry=expiry,
    )
    return MarketDefinition(specification, Decimal(start_price), volatility)


def _next_year_end(now: int) -> int:
    """The next 31 December, 03:00 UTC, after `now`, in microseconds since the epoch."""
    year = datetime.fromtimestamp(now // _MICROSECONDS, UTC).year
    end = _year_end(year)
    return end if end > now else _year_end(year + 1)


def _year_end(year: int) -> int:
    return int(datetime(year, 12, 31, 3, tzinfo=UTC).timestamp()) * _MICROSECONDS
