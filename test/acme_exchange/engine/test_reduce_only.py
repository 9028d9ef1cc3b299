"""Reduce-only orders: cut to the position, also while they rest (Acme API §8, matching)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import OrderChanged
from test.acme_exchange.engine.scenario import Scenario


@pytest.fixture
def venue():
    """Ann is long 5, bob and cid have what it takes."""
    venue = Scenario("ann", "bob", "cid")
    venue.sell("bob", "5", "100")
    venue.buy("ann", "5", "100")
    return venue


def test_it_is_cut_to_the_position_when_it_is_placed(venue):
    order = venue.sell("ann", "8", "110", reduce_only=True)
    assert (order.size, order.remaining_size, order.status) == (5, 5, "open")


def test_it_closes_a_position_and_no_more(venue):
    venue.buy("bob", "9", "99")
    order = venue.sell("ann", "8", reduce_only=True)
    assert (order.size, order.filled_size) == (5, 5)
    assert venue.position("ann").net_size == 0


def test_it_is_refused_when_it_would_enlarge_the_position_or_there_is_none(venue):
    assert venue.refused(venue.order("ann", "buy", "1", "90", reduce_only=True)) == (400, "Invalid reduce-only order")
    assert venue.refused(venue.order("cid", "sell", "1", "90", reduce_only=True)) == (400, "Invalid reduce-only order")


def test_a_resting_one_shrinks_with_the_position(venue):
    order = venue.sell("ann", "5", "110", reduce_only=True)
    venue.buy("bob", "2", "99")

    venue.sell("ann", "2")

    shrunk = [event.order for event in venue.of(OrderChanged) if event.order.id == order.id]
    assert [(order.size, order.remaining_size, order.status) for order in shrunk] == [(3, 3, "open")]
    assert venue.book() == ({}, {"110": "3"})


def test_a_resting_one_closes_with_the_position(venue):
    order = venue.sell("ann", "5", "110", reduce_only=True)
    venue.buy("bob", "5", "99")
    venue.sell("ann", "5")
    assert [
        (event.order.id, event.order.status, event.order.filled_size)
        for event in venue.of(OrderChanged)
        if event.order.reduce_only
    ] == [(order.id, "closed", 0)]
    assert venue.book() == ({}, {})


def test_a_resting_one_closes_when_the_position_turns_around(venue):
    venue.sell("ann", "5", "110", reduce_only=True)
    venue.buy("bob", "8", "99")
    venue.sell("ann", "8")
    assert venue.position("ann").net_size == -3
    assert venue.engine.open_orders("ann") == []


def test_two_resting_ones_together_never_turn_the_position_around(venue):
    venue.sell("ann", "5", "105", reduce_only=True)
    venue.sell("ann", "5", "106", reduce_only=True)
    venue.buy("cid", "20")
    assert venue.fills("ann") == [("sell", "5", "105")]
    assert venue.position("ann").net_size == 0
    assert venue.engine.open_orders("ann") == []


def test_the_second_is_cut_while_the_first_is_being_taken(venue):
    venue.sell("ann", "3", "105", reduce_only=True)
    venue.sell("ann", "5", "106", reduce_only=True)
    venue.buy("cid", "20")
    assert venue.fills("ann") == [("sell", "3", "105"), ("sell", "2", "106")]


def test_a_cut_order_that_filled_before_keeps_what_it_filled(venue):
    order = venue.sell("ann", "5", "105", reduce_only=True)
    venue.buy("cid", "1", "105")
    venue.buy("bob", "2", "99")
    venue.sell("ann", "2", "99")
    (left,) = venue.engine.open_orders("ann")
    assert (left.id, left.size, left.filled_size, left.remaining_size) == (order.id, 3, 1, 2)


def test_one_that_still_fits_is_left_alone_and_not_reported(venue):
    order = venue.sell("ann", "3", "110", reduce_only=True)
    venue.buy("bob", "2", "99")
    venue.sell("ann", "2", "99")
    assert venue.position("ann").net_size == 3 and venue.engine.open_orders("ann") == [order]
    assert order.id not in {event.order.id for event in venue.of(OrderChanged)}


def test_it_needs_no_margin(venue):
    venue.index("80")
    venue.leverage("ann", 1)
    venue.sell("ann", "5", "110", reduce_only=True)
    assert venue.position("ann").collateral_used == 400
    assert venue.position("ann").short_order_size == 5


def test_it_is_accepted_without_free_collateral_beside_orders_that_turn_the_position_around(venue):
    venue.sell("ann", "900", "110")
    venue.leverage("ann", 1)
    assert venue.free("ann") == 0
    assert venue.sell("ann", "5", "105", reduce_only=True).status == "open"


def test_modifying_it_cuts_it_again(venue):
    order = venue.sell("ann", "3", "110", reduce_only=True)
    new = venue.modify("ann", order, size="9")
    assert (new.size, new.reduce_only) == (Decimal(5), True)


def test_a_resting_order_that_is_not_reduce_only_does_not_shrink(venue):
    venue.sell("ann", "5", "110")
    venue.buy("bob", "5", "99")
    venue.sell("ann", "5", "99")
    assert venue.book() == ({}, {"110": "5"})
