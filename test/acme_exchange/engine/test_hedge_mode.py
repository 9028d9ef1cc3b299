"""Hedge mode: a long and a short position in one market (Acme API §5, position mode)."""

import pytest

from acme_exchange.engine import Filled, FundingPaid, FundingSettled, PositionChanged, SetPositionMode
from test.acme_exchange.engine.scenario import BTC, HOUR, Scenario


@pytest.fixture
def venue():
    """Ann hedges; the house quotes 99 to 101."""
    venue = Scenario("ann", "bob", money="1000")
    venue.hedge("ann")
    venue.quote([("99", "50"), ("98", "50")], [("101", "50"), ("102", "50")])
    return venue


def test_both_sides_are_held_at_once(venue):
    venue.buy("ann", "3", position_side="long")
    venue.sell("ann", "2", position_side="short")
    long, short = venue.position("ann", side="long"), venue.position("ann", side="short")
    assert (long.net_size, long.side, long.entry_price) == (3, "buy", 101)
    assert (short.net_size, short.side, short.entry_price) == (-2, "sell", 99)
    assert venue.engine.market(BTC).open_interest == 3


def test_fills_orders_and_positions_name_their_side(venue):
    order = venue.buy("ann", "3", position_side="long")
    assert order.position_side == "long"
    assert {fill.position_side for fill in venue.of(Filled)} == {"long", None}
    assert [event.position.position_side for event in venue.of(PositionChanged)] == ["long"]


def test_closing_takes_profit_on_its_own_side_only(venue):
    venue.buy("ann", "3", position_side="long")
    venue.sell("ann", "2", position_side="short")
    venue.sell("ann", "1", position_side="long")
    assert venue.position("ann", side="long").net_size == 2
    assert venue.position("ann", side="long").realized_profit == -2
    assert venue.position("ann", side="short").net_size == -2


def test_a_position_never_turns_around(venue):
    venue.buy("ann", "3", position_side="long")
    order = venue.sell("ann", "5", position_side="long")
    assert (order.size, order.filled_size, order.reduce_only) == (3, 3, False)
    nothing_left = venue.order("ann", "sell", "1", position_side="long")
    assert venue.refused(nothing_left) == (400, "Invalid reduce-only order")


def test_a_resting_closing_order_shrinks_with_its_position(venue):
    venue.buy("ann", "3", position_side="long")
    order = venue.sell("ann", "3", "110", position_side="long")
    venue.sell("ann", "2", position_side="long")
    (left,) = venue.engine.open_orders("ann")
    assert (left.id, left.size) == (order.id, 1)


def test_reduce_only_goes_with_closing_only(venue):
    venue.buy("ann", "3", position_side="long")
    opening = venue.order("ann", "buy", "1", position_side="long", reduce_only=True)
    assert venue.refused(opening) == (400, "Invalid reduce-only order")
    assert venue.sell("ann", "1", position_side="long", reduce_only=True).filled_size == 1


def test_the_side_must_be_given_and_be_one(venue):
    assert venue.refused(venue.order("ann", "buy", "1")) == (400, "Position side is required in hedge mode")
    assert venue.refused(venue.order("ann", "buy", "1", position_side="net")) == (400, "Invalid parameter positionSide")


def test_each_side_needs_its_own_margin(venue):
    venue.buy("ann", "40", position_side="long")
    venue.sell("ann", "40", position_side="short")
    assert venue.free("ann") == venue.engine.account("ann").total_account_value - 800
    beyond = venue.order("ann", "buy", "20", "95", position_side="long")
    assert venue.refused(beyond) == (400, "Account does not have enough margin for order.")


def test_orders_of_one_side_do_not_share_margin_with_the_other(venue):
    venue.buy("ann", "40", "95", position_side="long")
    venue.sell("ann", "40", "105", position_side="short")
    assert venue.free("ann") == 200


def test_its_own_order_on_the_other_position_side_is_still_its_own(venue):
    venue.sell("ann", "5", "100", position_side="short")
    venue.buy("ann", "1", "100", position_side="long")
    assert venue.of(Filled) == []


def test_the_mode_changes_only_without_positions_and_orders(venue):
    words = (400, "Cannot change position mode with open positions or orders")
    order = venue.buy("ann", "1", "90", position_side="long")
    assert venue.refused(SetPositionMode("ann", "oneway")) == words
    venue.cancel("ann", order)
    venue.buy("ann", "1", position_side="long")
    assert venue.refused(SetPositionMode("ann", "oneway")) == words
    venue.sell("ann", "1", position_side="long")
    venue.do(SetPositionMode("ann", "oneway"))
    assert venue.engine.account("ann").position_mode == "oneway"
    assert venue.buy("ann", "1").position_side is None


def test_the_mode_the_account_already_has_is_always_welcome(venue):
    venue.buy("ann", "1", position_side="long")
    venue.do(SetPositionMode("ann", "hedge"))
    assert venue.engine.account("ann").position_mode == "hedge"


def test_an_unknown_mode(venue):
    assert venue.refused(SetPositionMode("ann", "both")) == (400, "Invalid parameter mode")


def test_funding_is_paid_on_each_side(venue):
    venue.buy("ann", "3", position_side="long")
    venue.sell("ann", "2", position_side="short")
    venue.quote([("104", "50")], [("106", "50")])
    venue.buy("bob", "1")
    venue.wait(HOUR // 2)
    (settled,) = [event for event in venue.of(FundingSettled) if event.market == BTC]
    paid = {event.position_side: event.payment for event in venue.of(FundingPaid) if event.account == "ann"}
    assert settled.rate > 0
    assert paid == {"long": 3 * 105 * settled.rate, "short": -2 * 105 * settled.rate}
