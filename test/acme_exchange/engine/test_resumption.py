"""A venue that is started again with other markets than it had."""

from dataclasses import replace
from decimal import Decimal

import pytest

from acme_exchange.engine import Engine
from acme_exchange.engine.resumption import MarketsChanged, resumed
from test.acme_exchange.engine.scenario import BTC, ETH, HOUR, Scenario, markets

INTERVAL = HOUR // 1_000_000


@pytest.fixture
def venue() -> Scenario:
    """An order of ann's rests in BTC-PERP, and bob holds a position in ETH-PERP."""
    venue = Scenario("ann", "bob")
    venue.buy("ann", "1", "90", market=BTC)
    venue.sell("ann", "1", "100", market=ETH)
    venue.buy("bob", "1", "100", market=ETH)
    return venue


def changed(name: str, **changes) -> list:
    return [replace(each, **changes) if each.name == name else each for each in markets()]


def test_the_same_markets_change_nothing(venue):
    before = venue.engine.snapshot()
    assert Engine.restore(resumed(before, markets(), INTERVAL)).snapshot() == before


@pytest.mark.parametrize("name", [BTC, ETH], ids=["an order rests", "a position is held"])
def test_a_market_in_use_has_to_be_there(venue, name):
    rest = [each for each in markets() if each.name != name]
    with pytest.raises(MarketsChanged, match=f"positions or orders in {name}, .* start it once more with that market"):
        resumed(venue.engine.snapshot(), rest, INTERVAL)


@pytest.mark.parametrize("name", [BTC, ETH])
def test_a_market_in_use_keeps_its_increments(venue, name):
    with pytest.raises(MarketsChanged, match=f"{name}: size_increment was .* and is 0.5 now"):
        resumed(venue.engine.snapshot(), changed(name, size_increment=Decimal("0.5")), INTERVAL)


def test_a_market_that_nobody_uses_may_change_or_go():
    snapshot = Scenario("ann").engine.snapshot()
    coarse = Engine.restore(resumed(snapshot, changed(BTC, size_increment=Decimal("0.5")), INTERVAL))
    assert coarse.market(BTC).size_increment == Decimal("0.5")
    rest = [each for each in markets() if each.name != ETH]
    assert ETH not in Engine.restore(resumed(snapshot, rest, INTERVAL)).market_names()


def test_another_funding_interval_is_counted_from_where_the_last_one_began(venue):
    before = {row["name"]: row for row in venue.engine.snapshot()["markets"]}
    after = {row["name"]: row for row in resumed(venue.engine.snapshot(), markets(), 2 * INTERVAL)["markets"]}
    since, due = before[BTC]["funding_since"], after[BTC]["funding_next"]
    assert since < due <= since + 2 * HOUR and due % (2 * HOUR) == 0
