"""The house's quotes, moved as a batch."""

from decimal import Decimal

import pytest

from acme_exchange.engine import BookChanged, OrderChanged, Requote, Traded
from acme_exchange.engine.model.accounts import QUOTES
from test.acme_exchange.engine.scenario import BTC, SPOT, Scenario


@pytest.fixture
def venue():
    venue = Scenario("ann")
    venue.quote([("99", "5"), ("98", "5")], [("101", "5"), ("102", "5")])
    return venue


def ids(venue):
    return {order.price: order.id for order in venue.engine.open_orders(QUOTES)}


def test_only_what_differs_moves(venue):
    before = ids(venue)
    venue.quote([("99", "5"), ("97", "5")], [("101", "5"), ("102", "6")])
    after = ids(venue)
    assert (after[99], after[101]) == (before[99], before[101])
    assert after[102] != before[102]
    (change,) = venue.of(BookChanged)
    assert change.bids == ((98, 0), (97, 5))
    assert change.asks == ((102, 6),)


def test_quoting_the_same_again_changes_nothing(venue):
    before = venue.engine.snapshot()
    venue.quote([("99", "5"), ("98", "5")], [("101", "5"), ("102", "5")])
    assert venue.events == []
    assert venue.engine.snapshot() == before


def test_what_was_taken_is_filled_up(venue):
    venue.buy("ann", "2")
    venue.quote([("99", "5"), ("98", "5")], [("101", "5"), ("102", "5")])
    assert venue.book()[1] == {"101": "5", "102": "5"}


def test_what_was_taken_whole_comes_back(venue):
    venue.buy("ann", "7")
    venue.quote([("99", "5"), ("98", "5")], [("101", "5"), ("102", "5")])
    assert venue.book()[1] == {"101": "5", "102": "5"}


def test_all_is_withdrawn_before_anything_is_placed(venue):
    venue.quote([("102", "5"), ("101", "5")], [("104", "5"), ("105", "5")])
    assert venue.of(Traded) == []
    assert venue.book() == ({"102": "5", "101": "5"}, {"104": "5", "105": "5"})


def test_quotes_that_reach_an_accounts_order_trade_with_it(venue):
    venue.sell("ann", "2", "100")
    venue.quote([("101", "5")], [("103", "5")])
    assert venue.fills("ann") == [("sell", "2", "100")]
    assert venue.book() == ({"101": "3"}, {"103": "5"})


def test_quotes_do_not_overtake_an_account_that_waits_at_their_price(venue):
    venue.sell("ann", "2", "101")
    venue.quote([("99", "5")], [("101", "6")])
    venue.do(venue.order("@takes", "buy", "1", "101", ioc=True))
    assert venue.fills("ann") == [("sell", "1", "101")]


def test_empty_sides_withdraw_everything(venue):
    venue.quote([], [])
    assert venue.book() == ({}, {})


def test_the_houses_orders_are_not_reported(venue):
    venue.quote([("98", "5")], [("103", "5")])
    assert venue.of(OrderChanged) == []


@pytest.mark.parametrize(
    ("market", "bids", "asks", "refusal"),
    [
        ("DOT-PERP", [], [], (404, "No such market: DOT-PERP")),
        (SPOT, [], [], (400, f"Invalid parameter market: {SPOT} is a spot market, and only futures are traded")),
        (BTC, [("99.5", "1")], [], (400, "Invalid price")),
        (BTC, [("NaN", "1")], [("101", "1")], (400, "Invalid price")),
        (BTC, [("97", "1"), ("97", "2")], [], (400, "Invalid price")),
        (BTC, [("101", "1")], [("101", "1")], (400, "Invalid price")),
        (BTC, [("97", "0")], [], (400, "Size too small")),
        (BTC, [("97", "0.05")], [], (400, "Size too small")),
    ],
)
def test_impossible_quotes(venue, market, bids, asks, refusal):
    def pairs(side):
        return tuple((Decimal(price), Decimal(size)) for price, size in side)

    assert venue.refused(Requote(market, pairs(bids), pairs(asks))) == refusal
