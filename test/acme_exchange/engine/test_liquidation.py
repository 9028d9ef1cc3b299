"""What happens under the maintenance margin of 3 % (Acme API §8, liquidation)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import (
    BalanceChanged,
    CreateAccount,
    Deposit,
    Filled,
    Liquidated,
    OrderChanged,
    PositionChanged,
    SetPositionMode,
    Traded,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from test.acme_exchange.engine.scenario import BTC, ETH, Scenario


@pytest.fixture
def venue():
    """Ann has 500 dollars and is long 50 at 100, with leverage 20; bob is rich, and short."""
    venue = Scenario("bob", money="1000000")
    venue.do(CreateAccount("ann", Decimal(0), Decimal(0)))
    venue.do(Deposit("ann", Decimal(500)))
    venue.leverage("ann", 20)
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50")
    return venue


def everything(venue):
    return sum(venue.engine.account(name).total_account_value for name in [*HOUSE_ACCOUNTS, "ann", "bob"])


def test_at_the_maintenance_margin_nothing_happens_yet(venue):
    # 500 − 50 × 7.2 = 140 is more than 3 % of 50 × 92.8 = 139.2.
    venue.index("92.8")
    assert venue.of(Liquidated) == []
    assert venue.position("ann").net_size == 50


def test_under_it_the_position_is_closed_at_the_market(venue):
    venue.buy("bob", "30", "95")
    venue.buy("bob", "30", "94")
    venue.index("92")
    # The mid is missing, so the mark is the index: worth 100 of the 138 it takes.
    assert venue.fills("ann") == [("sell", "30", "95"), ("sell", "20", "94")]
    assert venue.position("ann").net_size == 0
    assert venue.total("ann") == 500 - 30 * 5 - 20 * 6
    assert venue.of(Liquidated) == [Liquidated("ann", Decimal(0), venue.now)]


def test_its_fills_and_trades_are_marked(venue):
    venue.buy("bob", "60", "95")
    venue.index("92")
    maker, taker = venue.of(Filled)
    assert (maker.account, maker.kind, taker.account, taker.kind) == ("bob", "order", "ann", "liquidation")
    assert [trade.liquidation for trade in venue.of(Traded)] == [True]
    own = [event.order for event in venue.of(OrderChanged) if event.order.account == "ann"]
    assert [(order.status, order.kind, order.liquidation, order.filled_size) for order in own] == [
        ("new", "market", True, 0),
        ("closed", "market", True, 50),
    ]
    assert taker.order_id == own[0].id


def test_orders_are_cancelled_first(venue):
    bid = venue.buy("ann", "1", "99")
    venue.index("92")
    assert venue.events[0] == OrderChanged(venue.of(OrderChanged)[0].order, venue.now)
    assert (venue.events[0].order.id, venue.events[0].order.status) == (bid.id, "closed")
    assert venue.engine.open_orders("ann") == []


def test_the_largest_position_goes_first_and_all_go(venue):
    venue.sell("bob", "5", "100", market=ETH)
    venue.buy("ann", "5", market=ETH)
    venue.buy("bob", "60", "95")
    venue.buy("bob", "60", "95", market=ETH)
    venue.index("91")
    assert [fill.market for fill in venue.of(Filled) if fill.account == "ann"] == [BTC, ETH]
    assert {
        event.position.market: event.position.net_size
        for event in venue.of(PositionChanged)
        if event.position.account == "ann"
    } == {BTC: 0, ETH: 0}


def test_what_the_book_cannot_take_the_house_takes_over_at_the_mark(venue):
    venue.buy("bob", "30", "95")
    venue.index("92")
    assert venue.fills("ann") == [("sell", "30", "95"), ("sell", "20", "92")]
    assert venue.fills("@house") == [("buy", "20", "92")]
    assert len(venue.of(Traded)) == 1, "a handing over is no public trade"
    assert venue.engine.market(BTC).last == 95
    assert venue.total("ann") == 500 - 150 - 160


def test_it_is_taken_over_at_the_index_where_that_is_worse_than_the_mark(venue):
    venue.buy("bob", "30", "91")
    venue.sell("bob", "1", "93")
    venue.index("80")
    # The mid, 92, was the mark, which two accounts may have made.
    assert venue.fills("ann") == [("sell", "30", "91"), ("sell", "20", "80")]
    assert (venue.total("ann"), venue.of(Liquidated)[0].absorbed) == (0, 30 * 9 + 20 * 20 - 500)


def test_a_sale_that_moves_the_mark_gives_nothing_back():
    venue = Scenario("bob", money="1000000", price_band=Decimal("0.05"))
    venue.index("65000")
    venue.do(CreateAccount("ann"))
    venue.do(Deposit("ann", Decimal(10_000)))
    venue.leverage("ann", 20)
    venue.sell("bob", "2.5", "65001")
    venue.buy("ann", "2.5")
    venue.index("65006")
    venue.quote([("62914", "0.1")], [("62916", "0.1")])
    venue.sell("bob", "0.1")
    venue.quote([("62915", "0.1")], [("62917", "0.1")])
    fees = Decimal("0.0005") * 25 * (65001 + 62915) / 10
    assert venue.of(Liquidated)[0].absorbed == 0
    assert venue.fills("ann") == [("sell", "0.1", "62915"), ("sell", "2.4", "62916")]
    assert abs(venue.total("ann") - (10_000 - Decimal("2.5") * (65001 - 62916) - fees)) < 1


def test_nobody_buys_a_bankrupt_account_out_for_a_dollar(venue):
    venue.buy("bob", "50", "80")
    venue.index("92")
    assert venue.fills("ann") == [("sell", "50", "92")]
    assert venue.fills("bob") == []
    assert venue.total("ann") == 500 - 50 * 8


def test_no_sale_of_a_liquidation_is_beyond_the_bankruptcy_price(venue):
    for price in ("91", "90", "89"):
        venue.buy("bob", "10", price)
    venue.index("92")
    # 500 dollars for 50: at 90 there is nothing left.
    assert venue.fills("ann") == [("sell", "10", "91"), ("sell", "10", "90"), ("sell", "30", "92")]


def test_after_a_gap_the_house_bears_what_the_account_cannot_and_the_account_ends_with_nothing(venue):
    venue.buy("bob", "60", "40")
    venue.index("60")
    assert venue.fills("ann") == [("sell", "50", "60")]
    assert (venue.total("ann"), venue.of(Liquidated)[0].absorbed) == (0, 1500)


def test_the_mark_that_a_liquidation_leaves_in_another_market_counts_for_everyone_there(venue):
    venue.do(CreateAccount("cid", Decimal(0), Decimal(0)))
    venue.do(Deposit("cid", Decimal(560)))
    venue.leverage("cid", 20)
    venue.sell("bob", "50", "100")
    venue.buy("cid", "50")
    venue.sell("bob", "30", "100", market=ETH)
    venue.buy("ann", "30", market=ETH)
    venue.buy("bob", "30", "99")
    venue.sell("bob", "1", "101")
    venue.index("90")
    assert venue.engine.market(BTC).mark == 100, "mid and last price hold it up"

    venue.index("90", ETH)

    # Ann falls by ETH, and takes the only bid for BTC with her; with it goes the mid that held up cid's mark.
    assert [event.account for event in venue.of(Liquidated)] == ["ann", "cid"]
    assert venue.total("cid") == 60


def test_a_loss_beyond_the_accounts_money_is_the_houses(venue):
    before = venue.total("@house")
    venue.index("80")
    assert venue.total("ann") == 0
    assert venue.of(Liquidated) == [Liquidated("ann", Decimal(500), venue.now)]
    assert venue.total("@house") == before - 500
    assert everything(venue) == 1_000_500


def test_balances_are_reported_after_all_is_done(venue):
    venue.index("80")
    last = {event.account: event.balance for event in venue.of(BalanceChanged)}
    assert (last["ann"].total, last["ann"].free) == (0, 0)
    assert isinstance(venue.events[-1], BalanceChanged)


def test_no_account_sells_beyond_its_own_bankruptcy_price(venue):
    venue.index("94")
    for price in ("91", "90", "89"):
        venue.buy("bob", "10", price)
    order = venue.sell("ann", "50")
    assert venue.fills("ann") == [("sell", "10", "91"), ("sell", "10", "90")]
    assert (order.status, order.filled_size) == ("closed", 20)
    assert venue.refused(venue.order("ann", "sell", "30", "89", reduce_only=True))[0] == 400
    assert everything(venue) == 1_000_500


def test_one_liquidation_can_bring_about_another():
    venue = Scenario("rich", money="1000000")
    for name in ("ann", "bob"):
        venue.do(CreateAccount(name, Decimal(0), Decimal(0)))
        venue.do(Deposit(name, Decimal(500)))
        venue.leverage(name, 20)
        venue.sell("rich", "50", "100")
        venue.buy(name, "50")
    venue.do(Deposit("bob", Decimal(60)))
    venue.buy("rich", "50", "91")
    venue.buy("rich", "500", "70")
    venue.sell("rich", "1", "94")

    venue.index("89")

    # The mark is the mid, 92.5, which only ann cannot bear; her sale at 91 makes the mid 82, and the index the mark.
    assert [event.account for event in venue.of(Liquidated)] == ["ann", "bob"]
    assert venue.fills("ann") == [("sell", "50", "91")]
    assert venue.fills("bob") == [("sell", "50", "89")]


def test_hedged_positions_are_both_closed():
    venue = Scenario("bob", money="1000000")
    venue.do(CreateAccount("ann", Decimal(0), Decimal(0)))
    venue.do(Deposit("ann", Decimal(600)))
    venue.leverage("ann", 20)
    venue.do(SetPositionMode("ann", "hedge"))
    venue.sell("bob", "60", "100")
    venue.buy("ann", "60", position_side="long")
    venue.buy("bob", "10", "100")
    venue.sell("ann", "10", position_side="short")
    venue.index("88")
    assert venue.position("ann", side="long").net_size == 0
    assert venue.position("ann", side="short").net_size == 0
    assert {fill.position_side for fill in venue.of(Filled) if fill.account == "ann"} == {"long", "short"}


def test_the_house_is_never_liquidated(venue):
    venue.quote([], [("100", "1000")])
    venue.buy("bob", "1000")
    venue.index("5000")
    assert venue.engine.account("@quotes").total_account_value < 0
    assert "@quotes" not in {event.account for event in venue.of(Liquidated)}
    assert any(position.net_size for position in venue.engine.positions("@quotes"))


def test_a_liquidated_account_may_go_on_with_what_is_left(venue):
    venue.buy("bob", "60", "95")
    venue.index("92")
    assert venue.buy("ann", "1", "90").status == "open"
