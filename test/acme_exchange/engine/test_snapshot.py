"""The engine as plain data: it goes on as if it had never stopped."""

import json
import pickle
from decimal import Decimal

import pytest

from acme_exchange.engine import CancelOrder, Engine, Refused
from acme_exchange.engine.model.state import RememberedIds
from test.acme_exchange.engine.scenario import BTC, ETH, HOUR, Scenario


def lively() -> Scenario:
    """Accounts in both modes, queues with several orders at one price, partial fills, reduce-only orders, funding."""
    venue = Scenario("ann", "bob", "cid")
    venue.hedge("cid")
    venue.leverage("bob", 5)
    venue.quote([("98", "5"), ("97", "5")], [("102", "5"), ("103", "5")])
    venue.sell("bob", "2", "101", client_id="older")
    venue.sell("ann", "3", "101", client_id="younger")
    venue.buy("cid", "1", "101", position_side="long")
    venue.buy("ann", "1", "102", market=BTC)
    venue.sell("cid", "1", "110", position_side="long")
    venue.buy("bob", "0.7", "105", reduce_only=True)
    venue.buy("bob", "1", "91", reduce_only=True)
    venue.buy("bob", "1", "92", reduce_only=True)
    first = venue.buy("ann", "2.00", "90")
    venue.buy("ann", "2", "90")
    venue.cancel("ann", first)
    venue.cancel("bob", venue.buy("bob", "1", "90", client_id="used up"))
    venue.wait(HOUR)
    return venue


def continuation(venue: Scenario) -> list:
    """What the rest of a busy day looks like, as text."""
    outcomes = []
    for act in (
        lambda: venue.buy("ann", "1", "90"),
        lambda: venue.buy("bob", "0.5"),
        lambda: venue.buy("cid", "4", position_side="long"),
        lambda: venue.cancel_all("ann"),
        lambda: venue.sell("bob", "3", "99"),
        lambda: venue.quote([("99", "5"), ("97", "5")], [("103", "5"), ("104", "5")]),
        lambda: venue.buy("ann", "1", "100", market=ETH),
        lambda: venue.index("150"),
        lambda: venue.wait(HOUR),
    ):
        act()
        outcomes.append(repr(venue.events))
    return outcomes


def test_it_goes_on_exactly_where_it_was():
    first, second = lively(), lively()
    second.engine = Engine.restore(json.loads(json.dumps(second.engine.snapshot())))
    assert second.engine.snapshot() == first.engine.snapshot()
    assert continuation(second) == continuation(first)
    assert second.engine.snapshot() == first.engine.snapshot()


def test_all_queries_answer_the_same():
    venue = lively()
    restored = Engine.restore(venue.engine.snapshot())
    for name in ("ann", "bob", "cid", "@house", "@quotes", "@takes"):
        assert restored.account(name) == venue.engine.account(name)
        assert restored.open_orders(name) == venue.engine.open_orders(name)
    for name in venue.engine.market_names():
        assert restored.market(name) == venue.engine.market(name)
        assert restored.levels(name, 100) == venue.engine.levels(name, 100)
    assert restored.future(BTC) == venue.engine.future(BTC)


def test_client_ids_are_still_refused():
    venue = lively()
    venue.engine = Engine.restore(venue.engine.snapshot())
    for client_id in ("older", "used up"):
        again = venue.order("bob", "buy", "1", "90", client_id=client_id)
        assert venue.refused(again) == (400, "Duplicate client order ID")
    assert venue.refused(CancelOrder("bob", client_id="used up")) == (400, "Order already closed")


def test_the_same_commands_give_the_same_events():
    assert continuation(lively()) == continuation(lively())


def test_a_snapshot_of_another_version_is_refused():
    snapshot = lively().engine.snapshot() | {"version": 2}
    with pytest.raises(ValueError, match="version: this engine reads snapshots of version 1, not 2"):
        Engine.restore(snapshot)


def test_a_clock_that_went_back_stands_still():
    venue = Scenario("ann")
    venue.now -= HOUR
    order = venue.buy("ann", "1", "90")
    assert order.created_at == venue.now + HOUR


def test_a_refusal_does_not_move_the_clock():
    venue = Scenario("ann")
    venue.now += HOUR // 4
    assert venue.refused(venue.order("ann", "buy", "1", "90.5")) == (400, "Invalid price")


def test_closed_orders_leave_nothing_but_their_client_ids_behind():
    venue = Scenario("ann")
    venue.cancel("ann", venue.buy("ann", "1", "90", client_id="first"))
    before = venue.engine.snapshot()
    for number in range(50):
        venue.cancel("ann", venue.buy("ann", "1", "90", client_id=f"order {number}"))
    after = venue.engine.snapshot()
    assert len(after.pop("client_ids")) == 51
    assert {name for name, rows in after.items() if rows != before[name]} == {"counters"}


def test_client_ids_can_be_kept_by_somebody_else():
    kept = RememberedIds([("ann", "theirs")])
    engine = Engine.restore(Scenario("ann", "bob").engine.snapshot(), client_ids=kept)
    venue = Scenario()
    venue.engine = engine
    assert venue.refused(venue.order("ann", "buy", "1", "90", client_id="theirs"))[0] == 400
    venue.buy("bob", "1", "90", client_id="theirs")
    assert kept.pairs == {("ann", "theirs"), ("bob", "theirs")}


def test_what_has_changed_adds_up_to_the_whole():
    """Whoever keeps the changes as rows by their keys, and the orders by the events, has the snapshot."""
    venue = lively()
    tables = venue.engine.snapshot()
    keys = {
        "markets": ("name",),
        "statistics": ("market", "bucket"),
        "accounts": ("name",),
        "holdings": ("account", "market", "side"),
    }
    venue.engine.take_changes()
    for _ in range(2):
        continuation(venue)
        changes = venue.engine.take_changes()
        for table, names in keys.items():
            rows = {tuple(row[name] for name in names): row for row in tables[table]}
            rows |= {tuple(row[name] for name in names): row for row in changes[table]}
            tables[table] = list(rows.values())
        tables |= {name: changes[name] for name in ("now", "counters")}
    now = venue.engine.snapshot()
    for table, names in keys.items():

        def by_key(row):
            return tuple(row[name] for name in names)

        assert sorted(tables[table], key=by_key) == sorted(now[table], key=by_key)
    assert (tables["now"], tables["counters"]) == (now["now"], now["counters"])
    quiet = venue.engine.take_changes()
    assert [row["name"] for row in quiet["accounts"]] == ["@house"]
    assert not quiet["markets"] and not quiet["holdings"]


def test_a_refusal_survives_pickling():
    refusal = pickle.loads(pickle.dumps(Refused(404, "Order not found")))
    assert (refusal.status, refusal.text) == (404, "Order not found")


def test_money_is_written_as_text():
    venue = lively()
    (cash,) = [row["cash"] for row in venue.engine.snapshot()["accounts"] if row["name"] == "bob"]
    assert Decimal(cash) == venue.total("bob")
