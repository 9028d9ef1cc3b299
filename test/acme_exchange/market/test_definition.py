"""The venue's markets (Acme API §8, default markets)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from acme_exchange.market import default_markets


def microseconds(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000


NOW = microseconds(2026, 5, 1)


def test_the_default_markets_are_those_of_the_contract():
    table = {
        market.specification.name: (
            market.specification.price_increment,
            market.specification.size_increment,
            market.specification.min_provide_size,
        )
        for market in default_markets(NOW)
    }
    expected = {
        "BTC-PERP": ("1.0", "0.0001", "0.001"),
        "ETH-PERP": ("0.1", "0.001", "0.001"),
        "SOL-PERP": ("0.0025", "0.01", "0.01"),
        "XRP-PERP": ("0.000025", "1", "1"),
        "DOGE-PERP": ("5e-07", "1", "1"),
    }
    assert {name: table[name] for name in expected} == {
        name: tuple(map(Decimal, numbers)) for name, numbers in expected.items()
    }


def test_there_is_something_for_every_filter_to_meet():
    kinds = {market.specification.name: market.specification.kind for market in default_markets(NOW)}
    assert kinds["BTC-1231"] == "future"
    assert kinds["BTC/USD"] == "spot"
    disabled = [market.specification for market in default_markets(NOW) if not market.specification.enabled]
    assert [specification.kind for specification in disabled] == ["perpetual"]
    assert all(specification.name.endswith("-PERP") for specification in disabled)


@pytest.mark.parametrize(
    ("now", "expiry"),
    [
        ((2026, 5, 1), (2026, 12, 31, 3)),
        ((2026, 12, 31, 2), (2026, 12, 31, 3)),
        ((2026, 12, 31, 3), (2027, 12, 31, 3)),
        ((2027, 1, 1), (2027, 12, 31, 3)),
    ],
)
def test_the_dated_future_expires_on_the_next_last_of_december(now, expiry):
    (dated,) = [m.specification for m in default_markets(microseconds(*now)) if m.specification.kind == "future"]
    assert dated.expiry == microseconds(*expiry)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("specification", "BTC-PERP"),
        ("start_price", Decimal(0)),
        ("start_price", Decimal("NaN")),
        ("start_price", Decimal("0.5")),
        ("start_price", 65000.0),
        ("volatility", 0.0),
        ("volatility", float("nan")),
        ("volatility", 11.0),
        ("volatility", "0.8"),
    ],
)
def test_an_impossible_definition_is_refused_with_its_field(field, value):
    bitcoin = default_markets(NOW)[0]
    with pytest.raises(ValueError, match=f"^{field}: "):
        replace(bitcoin, **{field: value})
