"""The specification of a market: its name, increments and limits."""

from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from acme_exchange.engine.model.money import EXACT, MAX_DECIMALS, is_amount
from acme_exchange.engine.model.words import MarketKind

KINDS = get_args(MarketKind)
DEFAULT_PRICE_BAND = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class MarketSpecification:
    """A market (Acme API §4, market and future).

    `kind` is "perpetual", "future" (dated) or "spot"; `underlying` is the base currency, such as "BTC". A limit order
    smaller than `min_provide_size` may not rest; no order may be larger than `max_size`. `expiry` is in microseconds
    since the epoch, and given exactly for dated futures. Spot markets are listed with their price but take no orders:
    Acme keeps US dollars only. `price_band` is a fraction of the mark: nobody buys above it, or sells below it, by
    more. `source` is the exchange whose market of that name this one follows; None: its prices are the venue's own.

    :raises ValueError: a field is impossible; the message begins with its name.
    """

    name: str
    kind: MarketKind
    underlying: str
    price_increment: Decimal
    size_increment: Decimal
    min_provide_size: Decimal
    max_size: Decimal
    enabled: bool = True
    expiry: int | None = None
    price_band: Decimal = DEFAULT_PRICE_BAND
    source: str | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_amounts()
        if not isinstance(self.enabled, bool):
            raise ValueError(f"enabled: write true or false, not {self.enabled!r}")
        if self.source is not None and (self.kind != "perpetual" or not self.source):
            raise ValueError("source: only a perpetual can follow another one; name its exchange, or leave it out")
        if (self.kind == "future") != (type(self.expiry) is int and self.expiry > 0):
            raise ValueError("expiry: a dated future needs its expiry, and no other market may have one")

    def _check_names(self) -> None:
        for field in ("name", "underlying"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text or text != text.strip():
                raise ValueError(f"{field}: write a name without spaces around it, not {text!r}")
        if self.kind not in KINDS:
            raise ValueError(f"kind: write one of {', '.join(KINDS)}, not {self.kind!r}")

    def _check_amounts(self) -> None:
        for field in ("price_increment", "size_increment", "min_provide_size", "max_size"):
            value = getattr(self, field)
            if not is_amount(value) or value <= 0:
                raise ValueError(f"{field}: write a decimal above 0 with at most {MAX_DECIMALS} decimals, not {value}")
        for field in ("min_provide_size", "max_size"):
            value = getattr(self, field)
            if EXACT.remainder(value, self.size_increment):
                raise ValueError(f"{field}: {value} is no multiple of the size increment {self.size_increment}")
        if not is_amount(self.price_band) or not 0 < self.price_band < 1:
            raise ValueError(f"price_band: write a fraction above 0 and below 1, not {self.price_band}")
        if self.max_size < self.min_provide_size:
            raise ValueError(f"max_size: {self.max_size} is less than the minimum {self.min_provide_size}")
