"""Reads a JSON file of markets, to be offered in place of the default ones."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from acme_exchange.engine.model.specification import DEFAULT_PRICE_BAND, MarketSpecification
from acme_exchange.engine.model.words import MarketKind
from acme_exchange.input import numbers
from acme_exchange.input.files import read_list
from acme_exchange.market.definition import MarketDefinition
from acme_exchange.market.errors import MarketFileError

NAME = re.compile(r"([A-Z0-9]{1,20})(-PERP|-\d{4}|-\d{8}|/USD)")
KINDS: dict[str, MarketKind] = {"-PERP": "perpetual", "/USD": "spot"}
MOST_MARKETS = 2_000
LIMIT = 10**12
"""Of every size and price."""

FIXES = {
    "name": "write a name of its own such as BTC-PERP, BTC-1231 (a dated future) or BTC/USD (spot), in capitals",
    "priceIncrement": f"write a number above 0 and below {LIMIT} with at most 10 decimals, such as 0.01",
    "sizeIncrement": f"write a number above 0 and below {LIMIT} with at most 12 decimals, such as 0.001",
    "minProvideSize": f"write a multiple of sizeIncrement, below {LIMIT}, such as 0.001",
    "maxSize": f"write a multiple of sizeIncrement, at least minProvideSize and below {LIMIT}, such as 1000",
    "priceBand": (
        "write how far from the mark one may trade, as a fraction above 0 and below 1, such as 0.05, or leave it out"
    ),
    "startPrice": f"write US dollars, at least priceIncrement and below {LIMIT}, such as 65000",
    "volatility": "write a year's standard deviation as a fraction above 0 and up to 10, such as 0.8, or leave it out",
    "enabled": "write true or false, or leave it out",
    "expiry": 'write when a dated future ends, such as "2027-12-31T03:00:00Z"; leave it out for all other markets',
}
FIELDS = {
    "name": "name",
    "price_increment": "priceIncrement",
    "size_increment": "sizeIncrement",
    "min_provide_size": "minProvideSize",
    "max_size": "maxSize",
    "price_band": "priceBand",
    "start_price": "startPrice",
    "volatility": "volatility",
    "expiry": "expiry",
}

Amount = Annotated[Decimal, BeforeValidator(numbers.number), Field(gt=0, lt=LIMIT, decimal_places=12)]
Increment = Annotated[Decimal, BeforeValidator(numbers.number), Field(gt=0, lt=LIMIT, decimal_places=10)]
"""Of prices: an index is given with two decimals more."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strict=True, pattern=rf"^{NAME.pattern}$")]
    priceIncrement: Increment
    sizeIncrement: Amount
    minProvideSize: Amount
    maxSize: Amount
    priceBand: Annotated[Decimal, BeforeValidator(numbers.number), Field(gt=0, lt=1, decimal_places=12)] = (
        DEFAULT_PRICE_BAND
    )
    startPrice: Amount
    volatility: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    enabled: StrictBool = True
    expiry: AwareDatetime | None = None


class _Problem(Exception):
    """:ivar fields: the fields that do not fit, and why."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__(fields)
        self.fields = fields


def load_markets(path: Path) -> list[MarketDefinition]:
    """Reads a JSON list of markets: objects with `name`, `priceIncrement`, `sizeIncrement`, `minProvideSize`,
    `maxSize`, `startPrice`, and if wanted `priceBand`, `volatility`, `enabled` and `expiry`.

    :raises MarketFileError: with a line for everything that is wrong: the entry, the field, and what to write.
    """
    problems: list[str] = []
    markets: dict[int, MarketDefinition] = {}
    for position, entry in enumerate(_entries(path), start=1):
        try:
            markets[position] = _market(entry, markets)
        except _Problem as problem:
            problems += [f'{path}, entry {position}, field "{field}": {text}' for field, text in problem.fields]
    if problems:
        raise MarketFileError("\n".join(problems))
    return list(markets.values())


def _entries(path: Path) -> Sequence[Any]:
    entries = read_list(path, f"1 to {MOST_MARKETS} markets", MarketFileError)
    if not 1 <= len(entries) <= MOST_MARKETS:
        raise MarketFileError(f"{path}: write a JSON list of 1 to {MOST_MARKETS} markets")
    return entries


def _market(entry: Any, earlier: dict[int, MarketDefinition]) -> MarketDefinition:
    """:raises _Problem: the entry does not fit, or not to the earlier ones."""
    if not isinstance(entry, dict):
        raise _Problem([("name", f"write an object with {', '.join(FIXES)}")])
    try:
        market = _definition(_Entry.model_validate(entry))
    except ValidationError as error:
        raise _Problem(list(_problems(error))) from None
    except ValueError as error:
        field, _, text = str(error).partition(": ")
        name = FIELDS[field]
        raise _Problem([(name, f"{text}; {FIXES[name]}")]) from None
    _compare(market, earlier)
    return market


def _problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    for each in error.errors(include_url=False, include_context=False):
        name = str(each["loc"][0])
        if name not in FIXES:
            yield name, f"is not known; the fields are {', '.join(FIXES)}"
        else:
            yield name, f"{'is missing' if each['type'] == 'missing' else 'does not fit'}; {FIXES[name]}"


def _definition(entry: _Entry) -> MarketDefinition:
    """:raises ValueError: in the words of the definition, which begin with the field's name there."""
    name = NAME.fullmatch(entry.name)
    assert name is not None, "the entry was read"
    underlying, ending = name.groups()
    specification = MarketSpecification(
        name=entry.name,
        kind=KINDS.get(ending, "future"),
        underlying=underlying,
        price_increment=entry.priceIncrement,
        size_increment=entry.sizeIncrement,
        min_provide_size=entry.minProvideSize,
        max_size=entry.maxSize,
        price_band=entry.priceBand,
        enabled=entry.enabled,
        expiry=None if entry.expiry is None else round(entry.expiry.timestamp()) * 1_000_000,
    )
    return MarketDefinition(specification, entry.startPrice, entry.volatility)


def _compare(market: MarketDefinition, earlier: dict[int, MarketDefinition]) -> None:
    """:raises _Problem: the name is taken, or markets of one underlying would begin at different prices."""
    name, underlying = market.specification.name, market.specification.underlying
    for number, other in earlier.items():
        if other.specification.name == name:
            raise _Problem([("name", f"{name} is already entry {number}; {FIXES['name']}")])
        if other.specification.underlying == underlying:
            _compare_index(market, other, number)


def _compare_index(market: MarketDefinition, other: MarketDefinition, number: int) -> None:
    reason = f"markets of {market.specification.underlying} share one index"
    if market.start_price != other.start_price:
        raise _Problem([("startPrice", f"{reason}; write {other.start_price}, as in entry {number}")])
    if market.volatility != other.volatility:
        raise _Problem([("volatility", f"{reason}; write {other.volatility}, as in entry {number}")])
