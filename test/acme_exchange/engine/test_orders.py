"""Placing, modifying, cancelling and finding orders, and every refusal that concerns them (Acme API §5 and §7)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import CancelOrder, CancelOrders, ModifyOrder, OrderChanged, Refused
from test.acme_exchange.engine.scenario import BTC, DATED, ETH, SPOT, Scenario


@pytest.fixture
def venue():
    return Scenario("ann", "bob", "cid")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"market": "DOT-PERP"}, (404, "No such market: DOT-PERP")),
        ({"market": SPOT}, (400, f"Invalid parameter market: {SPOT} is a spot market, and only futures are traded")),
        ({"account": "nobody"}, (404, "No such subaccount")),
        ({"side": "BUY"}, (400, "Invalid parameter side")),
        ({"kind": "stop"}, (400, "Invalid parameter type")),
        ({"price": None}, (400, "Missing parameter price")),
        ({"price": Decimal("100.5")}, (400, "Invalid price")),
        ({"price": Decimal(0)}, (400, "Invalid price")),
        ({"price": Decimal(-100)}, (400, "Invalid price")),
        ({"price": Decimal("NaN")}, (400, "Invalid price")),
        ({"price": Decimal("Infinity")}, (400, "Invalid price")),
        ({"price": Decimal("1e15")}, (400, "Invalid price")),
        ({"kind": "market"}, (400, "Invalid parameter price")),
        ({"size": Decimal("0.05")}, (400, "Size too small")),
        ({"size": Decimal("1.05")}, (400, "Size too small")),
        ({"size": Decimal(0)}, (400, "Size too small")),
        ({"size": Decimal(-1)}, (400, "Size too small")),
        ({"size": Decimal("NaN")}, (400, "Size too small")),
        ({"size": Decimal("0.4")}, (400, "Size too small for provide")),
        ({"size": Decimal("1000.1")}, (400, "Size too large")),
        ({"client_id": ""}, (400, "Invalid parameter clientId")),
        ({"client_id": "x" * 65}, (400, "Invalid parameter clientId")),
        ({"position_side": "long"}, (400, "Position side is not allowed in one-way mode")),
        ({"reduce_only": True}, (400, "Invalid reduce-only order")),
        ({"size": Decimal(1000), "price": Decimal(101)}, (400, "Account does not have enough margin for order.")),
    ],
)
def test_an_impossible_order_is_refused_in_the_words_of_the_contract(venue, change, refusal):
    order = venue.order("ann", "buy", "1", "100")
    fields = {name: getattr(order, name) for name in order.__slots__}
    assert venue.refused(type(order)(**fields | change)) == refusal


def test_an_order_under_the_minimum_is_welcome_if_it_rests_nothing(venue):
    venue.sell("bob", "1", "100")
    assert venue.buy("ann", "0.1", "100").status == "closed"
    assert venue.buy("ann", "0.1", "99", ioc=True).status == "closed"
    assert venue.buy("ann", "0.1").status == "closed"


def test_an_order_under_the_minimum_that_its_own_account_would_have_to_match_is_refused(venue):
    venue.sell("ann", "1", "100")
    assert venue.refused(venue.order("ann", "buy", "0.1", "100")) == (400, "Size too small for provide")


def test_a_post_only_order_under_the_minimum_is_refused_even_if_it_would_match(venue):
    venue.sell("bob", "1", "100")
    order = venue.order("ann", "buy", "0.1", "100", post_only=True)
    assert venue.refused(order) == (400, "Size too small for provide")


def test_an_order_is_refused_once_it_is_late(venue):
    assert venue.buy("ann", "1", "90", reject_after=venue.now).status == "open"
    late = venue.order("ann", "buy", "1", "90", reject_after=venue.now - 1)
    assert venue.refused(late) == (400, "Invalid parameter rejectAfterTs")


def test_a_client_id_is_good_for_one_order_for_ever(venue):
    order = venue.buy("ann", "1", "90", client_id="one")
    again = venue.order("ann", "buy", "1", "90", client_id="one")
    assert venue.refused(again) == (400, "Duplicate client order ID")
    venue.cancel("ann", order)
    assert venue.refused(again) == (400, "Duplicate client order ID")


def test_another_account_may_use_the_same_client_id(venue):
    venue.buy("ann", "1", "90", client_id="one")
    assert venue.buy("bob", "1", "90", client_id="one").client_id == "one"


def test_a_refused_order_does_not_use_up_its_client_id(venue):
    venue.refused(venue.order("ann", "buy", "0.1", "90", client_id="one"))
    assert venue.buy("ann", "1", "90", client_id="one").status == "open"


def test_order_ids_never_repeat(venue):
    first = venue.buy("ann", "1", "90")
    venue.cancel("ann", first)
    assert venue.buy("ann", "1", "90").id > first.id


def test_an_open_order_is_found_by_both_its_names_and_only_by_its_account(venue):
    order = venue.buy("ann", "1", "90", client_id="one")
    venue.buy("ann", "1", "90", client_id="two")
    for named in ({"order_id": order.id}, {"client_id": "two"}):
        assert venue.refused(CancelOrder("bob", **named)) == (404, "Order not found")
        venue.do(CancelOrder("ann", **named))
    assert venue.engine.open_orders("ann") == []


def test_a_closed_order_is_forgotten(venue):
    order = venue.buy("ann", "1", "90", client_id="one")
    venue.cancel("ann", order)
    assert venue.engine.open_orders("ann") == []
    assert venue.refused(CancelOrder("ann", order_id=order.id)) == (404, "Order not found")


def test_open_orders_are_listed_oldest_first_and_by_market(venue):
    first = venue.buy("ann", "1", "95")
    other = venue.buy("ann", "1", "90", market=ETH)
    second = venue.buy("ann", "1", "96")
    assert venue.engine.open_orders("ann") == [first, other, second]
    assert venue.engine.open_orders("ann", BTC) == [first, second]
    with pytest.raises(Refused, match="No such market: DOT-PERP"):
        venue.engine.open_orders("ann", "DOT-PERP")


def test_cancelling_by_either_name(venue):
    venue.cancel("ann", venue.buy("ann", "1", "90"))
    assert [event.order.status for event in venue.of(OrderChanged)] == ["closed"]
    venue.buy("ann", "1", "90", client_id="one")
    venue.do(CancelOrder("ann", client_id="one"))
    assert venue.engine.open_orders("ann") == []
    assert venue.book() == ({}, {})


def test_cancelling_what_is_not_there(venue):
    order = venue.buy("ann", "1", "90", client_id="one")
    assert venue.refused(CancelOrder("bob", order.id)) == (404, "Order not found")
    venue.cancel("ann", order)
    assert venue.refused(CancelOrder("ann", order.id)) == (404, "Order not found")
    assert venue.refused(CancelOrder("ann", client_id="one")) == (400, "Order already closed")
    assert venue.refused(CancelOrder("ann", client_id="never used")) == (404, "Order not found")


def test_cancelling_all_of_a_market_of_a_side_of_both(venue):
    venue.buy("ann", "1", "90")
    sell = venue.sell("ann", "1", "110")
    eth_buy, eth_sell = venue.buy("ann", "1", "90", market=ETH), venue.sell("ann", "1", "110", market=ETH)
    untouched = venue.buy("bob", "1", "90")

    venue.cancel_all("ann", market=BTC, side="buy")
    assert venue.engine.open_orders("ann") == [sell, eth_buy, eth_sell]
    venue.cancel_all("ann", side="sell")
    assert venue.engine.open_orders("ann") == [eth_buy]
    venue.cancel_all("ann")
    assert venue.engine.open_orders("ann") == []
    assert venue.engine.open_orders("bob") == [untouched]


def test_cancelling_all_names_what_is_wrong(venue):
    assert venue.refused(CancelOrders("ann", market="DOT-PERP")) == (404, "No such market: DOT-PERP")
    assert venue.refused(CancelOrders("ann", side="both")) == (400, "Invalid parameter side")


def test_modifying_replaces_the_order_and_loses_its_place(venue):
    old = venue.buy("ann", "2", "95", client_id="one")
    venue.buy("bob", "1", "95")

    new = venue.modify("ann", old, size="3")

    closed = venue.of(OrderChanged)[0].order
    assert (closed.id, closed.status, closed.client_id) == (old.id, "closed", "one")
    assert (new.id > old.id, new.size, new.price, new.client_id, new.status) == (True, 3, 95, None, "open")
    venue.sell("cid", "1", "95")
    assert venue.fills("bob") == [("buy", "1", "95")]


def test_modifying_the_price_alone_keeps_what_remains(venue):
    order = venue.buy("ann", "2", "95")
    venue.sell("bob", "0.5", "95")
    new = venue.modify("ann", order, price="94")
    assert (new.price, new.size, new.filled_size) == (94, Decimal("1.5"), 0)


def test_modifying_into_the_other_side_trades(venue):
    venue.sell("bob", "1", "100")
    new = venue.modify("ann", venue.buy("ann", "1", "95"), price="100")
    assert (new.status, new.filled_size) == ("closed", 1)


def test_modifying_keeps_post_only(venue):
    venue.sell("bob", "1", "100")
    new = venue.modify("ann", venue.buy("ann", "1", "95", post_only=True), price="100")
    assert (new.post_only, new.status, new.filled_size) == (True, "closed", 0)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"price": Decimal("95.5")}, (400, "Invalid price")),
        ({"size": Decimal("0.05")}, (400, "Size too small")),
        ({"size": Decimal(999), "price": Decimal(101)}, (400, "Account does not have enough margin for order.")),
        ({"price": Decimal(96), "new_client_id": "one"}, (400, "Duplicate client order ID")),
        ({}, (400, "Must modify either price or size")),
        ({"new_client_id": "two"}, (400, "Must modify either price or size")),
    ],
)
def test_a_refused_modification_leaves_the_old_order_alone(venue, change, refusal):
    order = venue.buy("ann", "1", "95", client_id="one")
    venue.leverage("ann", 2)
    assert venue.refused(ModifyOrder("ann", order.id, **change)) == refusal
    assert venue.engine.open_orders("ann") == [order]


def test_modifying_by_client_id_gives_the_new_one(venue):
    venue.buy("ann", "1", "95", client_id="one")
    venue.do(ModifyOrder("ann", client_id="one", price=Decimal(94), new_client_id="two"))
    (new,) = venue.engine.open_orders("ann")
    assert (new.client_id, new.price) == ("two", 94)
    assert venue.refused(ModifyOrder("ann", client_id="one")) == (400, "Order already closed")


def test_a_dated_future_trades_like_a_perpetual(venue):
    venue.sell("bob", "1", "100", market=DATED)
    venue.buy("ann", "1", market=DATED)
    assert venue.position("ann", DATED).net_size == 1
