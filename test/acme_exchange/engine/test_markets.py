"""Markets: what they must be, when they are open, and what they tell about their day."""

from dataclasses import replace
from decimal import Decimal

import pytest

from acme_exchange.engine import (
    Advance,
    BalanceChanged,
    Engine,
    OrderChanged,
    PositionChanged,
    Refused,
    Requote,
    SetIndex,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from test.acme_exchange.engine.scenario import (
    BTC,
    DATED,
    ETH,
    EXPIRY,
    HOUR,
    NOON,
    SPOT,
    Scenario,
    markets,
    specification,
)

MINUTE = 60_000_000


@pytest.fixture
def venue():
    return Scenario("ann", "bob")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " BTC"),
        ("name", None),
        ("underlying", ""),
        ("kind", "swap"),
        ("price_increment", Decimal(0)),
        ("price_increment", Decimal("NaN")),
        ("price_increment", Decimal("1e-13")),
        ("price_increment", 1.0),
        ("size_increment", Decimal(-1)),
        ("min_provide_size", Decimal("0.15")),
        ("max_size", Decimal("0.1")),
        ("max_size", Decimal("10.05")),
        ("enabled", "yes"),
        ("expiry", 5),
    ],
)
def test_an_impossible_market_is_refused_with_its_field(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        replace(specification("X-PERP"), **{field: value})


def test_a_dated_future_needs_an_expiry():
    with pytest.raises(ValueError, match="^expiry: "):
        specification("X-1231", "future")


def test_two_markets_of_one_name():
    with pytest.raises(ValueError, match="two markets 'BTC-PERP'"):
        Engine([specification(BTC), specification(BTC)])


def test_markets_are_listed_as_given_and_found_by_name(venue):
    assert venue.engine.market_names() == [BTC, ETH, DATED, SPOT]
    market = venue.engine.market(BTC)
    assert (market.name, market.kind, market.underlying, market.enabled) == (BTC, "perpetual", "BTC", True)
    assert (market.price_increment, market.min_provide_size) == (1, Decimal("0.5"))
    for question in (venue.engine.market, lambda name: venue.engine.levels(name, 1)):
        with pytest.raises(Refused, match="No such market: DOT-PERP"):
            question("DOT-PERP")


def test_futures_are_found_by_name_and_spot_is_none(venue):
    assert venue.engine.future(BTC).expiry is None
    assert venue.engine.future(DATED).expiry == EXPIRY
    for name in (SPOT, "DOT-PERP"):
        with pytest.raises(Refused, match=f"No such future: {name}"):
            venue.engine.future(name)


def test_a_market_takes_no_orders_before_it_has_an_index():
    engine = Engine(markets())
    assert engine.market(BTC).mark is None
    with pytest.raises(Refused, match=f"Invalid parameter market: {BTC} has no price yet"):
        engine.apply(Requote(BTC, (), ()), NOON)
    assert engine.apply(Advance(), NOON + HOUR) == []


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "1e-13"])
def test_an_impossible_index(venue, price):
    assert venue.refused(SetIndex(BTC, Decimal(price))) == (400, "Invalid parameter price")


def test_the_book_is_best_first_and_as_deep_as_asked(venue):
    for price in ("97", "99", "98"):
        venue.buy("ann", "1", price)
    venue.sell("ann", "1", "104")
    venue.sell("ann", "1", "103")
    assert venue.engine.levels(BTC, 2) == ([(99, 1), (98, 1)], [(103, 1), (104, 1)])


def test_closed_markets_are_named(venue):
    assert venue.engine.closed_markets() == {SPOT}


def test_a_dated_future_expires_at_the_index(venue):
    venue.sell("bob", "2", "100", market=DATED)
    venue.buy("ann", "2", market=DATED)
    order = venue.buy("ann", "1", "90", market=DATED)
    venue.quote([("89", "1")], [("150", "1")], market=DATED)
    venue.index("130", DATED)
    cash = venue.total("ann")

    assert venue.wait(EXPIRY - NOON - 1) != []
    assert not venue.engine.future(DATED).expired
    venue.wait(1)

    assert [event.order.id for event in venue.of(OrderChanged)] == [order.id]
    assert venue.total("ann") == cash + 60
    assert {event.position.account: event.position.net_size for event in venue.of(PositionChanged)} == {
        "ann": 0,
        "bob": 0,
    }
    assert {event.account for event in venue.of(BalanceChanged)} == {"ann", "bob"}
    future = venue.engine.future(DATED)
    assert (future.expired, future.market.enabled, future.market.open_interest) == (True, False, 0)
    everyone = [*HOUSE_ACCOUNTS, "ann", "bob"]
    assert sum(venue.engine.account(name).total_account_value for name in everyone) == 20000
    refusal = 400, f"Invalid parameter market: {DATED} has expired"
    assert venue.refused(venue.order("ann", "buy", "1", "130", market=DATED)) == refusal
    assert venue.wait(HOUR // 100) == []


def test_the_price_is_the_last_one_held_between_bid_and_ask(venue):
    assert venue.engine.market(BTC).price == 100
    venue.sell("bob", "1", "105")
    venue.buy("ann", "1")
    assert venue.engine.market(BTC).price == 105
    venue.quote([("99", "1")], [("101", "1")])
    assert venue.engine.market(BTC).price == 101
    venue.quote([("109", "1")], [("111", "1")])
    assert venue.engine.market(BTC).price == 109


def test_volume_is_counted_for_a_day(venue):
    venue.sell("bob", "1", "100")
    venue.buy("ann", "1")
    assert venue.engine.market(BTC).volume_24h == 100
    venue.wait(23 * HOUR)
    venue.sell("bob", "2", "100")
    venue.buy("ann", "2")
    assert venue.engine.market(BTC).volume_24h == 300
    venue.wait(HOUR + 5 * MINUTE)
    assert venue.engine.market(BTC).volume_24h == 200


def test_changes_are_against_an_hour_a_day_and_midnight():
    venue = Scenario("ann")
    day = 24 * HOUR
    midnight = NOON // day * day + day
    venue.index("80")
    for time, price in (
        (midnight - HOUR, "90"),
        (midnight - MINUTE, "100"),
        (midnight + MINUTE, "110"),
        (midnight + HOUR, "125"),
        (midnight + 2 * HOUR, "250"),
    ):
        venue.wait(time - venue.now)
        venue.index(price)
        venue.wait(0)
    market = venue.engine.market(BTC)
    assert (market.change_1h, market.change_day) == (1, Decimal("1.5"))
    assert market.change_24h == Decimal("2.125"), "the oldest price known, within a day"
    venue.wait(midnight - MINUTE + day - venue.now)
    assert venue.engine.market(BTC).change_24h == Decimal("1.5")
