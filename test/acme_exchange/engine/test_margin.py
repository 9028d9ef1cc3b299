"""What orders and positions may cost an account, and what it is worth (Acme API §8, money and margin)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import BalanceChanged, CreateAccount, Deposit, ModifyOrder, SetLeverage
from test.acme_exchange.engine.scenario import BTC, ETH, Scenario

NO_MARGIN = (400, "Account does not have enough margin for order.")


@pytest.fixture
def venue():
    """Ann has 1,000 dollars and leverage 10: good for a notional of 10,000, which is a size of 100."""
    venue = Scenario("ann", money="1000")
    for maker in ("bob", "cid"):
        venue.do(CreateAccount(maker))
        venue.do(Deposit(maker, Decimal(1_000_000)))
    return venue


def test_an_order_may_use_all_of_the_free_collateral_and_not_one_dollar_more(venue):
    assert venue.refused(venue.order("ann", "buy", "100.1", "100")) == NO_MARGIN
    venue.buy("ann", "100", "100")
    assert (venue.total("ann"), venue.free("ann")) == (1000, 0)
    assert venue.refused(venue.order("ann", "buy", "0.5", "90")) == NO_MARGIN


def test_orders_count_at_the_mark_whatever_their_price(venue):
    venue.buy("ann", "50", "50")
    assert venue.free("ann") == 500


def test_opposite_orders_share_their_margin(venue):
    venue.buy("ann", "100", "99")
    venue.sell("ann", "100", "101")
    assert venue.free("ann") == 0
    assert venue.refused(venue.order("ann", "sell", "0.5", "101", market=ETH)) == NO_MARGIN


def test_an_order_against_the_position_needs_margin_only_for_what_lies_beyond_it(venue):
    venue.sell("bob", "60", "100")
    venue.buy("ann", "60", "100")
    free = venue.free("ann")
    venue.sell("ann", "120", "105")
    assert venue.free("ann") == free


def test_an_order_that_reduces_is_accepted_even_without_free_collateral(venue):
    venue.sell("bob", "99", "100")
    venue.buy("ann", "99", "100")
    venue.index("97")
    assert venue.free("ann") == 0
    assert venue.sell("ann", "99", "105").status == "open"


def test_cancelling_frees_the_margin(venue):
    order = venue.buy("ann", "100", "99")
    venue.cancel("ann", order)
    assert venue.free("ann") == 1000
    (change,) = venue.of(BalanceChanged)
    assert (change.account, change.balance.total, change.balance.free) == ("ann", 1000, 1000)


def test_replacing_an_order_uses_the_margin_it_already_holds(venue):
    order = venue.buy("ann", "100", "99")
    new = venue.modify("ann", order, price="98")
    assert new.status == "open"
    assert venue.refused(ModifyOrder("ann", new.id, size=Decimal("100.5"))) == NO_MARGIN


def test_replacing_is_possible_when_the_account_has_no_free_collateral_left_at_all(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    order = venue.buy("ann", "45", "90")
    venue.index("95")
    assert venue.free("ann") == 0
    assert venue.modify("ann", order, price="89").size == 45


def test_an_order_that_pays_more_than_the_mark_needs_money_for_the_difference(venue):
    venue.sell("bob", "100", "105")
    assert venue.refused(venue.order("ann", "buy", "99")) == NO_MARGIN
    # 66 × 100 / 10 = 660 of margin, and 66 × 5 = 330 lost at once.
    assert venue.buy("ann", "66").filled_size == 66
    assert venue.free("ann") > 0


def test_a_resting_order_beyond_the_mark_needs_money_for_the_difference_too(venue):
    # 10 of margin and 20 of difference for each: 1,000 are enough for 33.3.
    for side, price in (("buy", "120"), ("sell", "80")):
        assert venue.refused(venue.order("ann", side, "33.4", price)) == NO_MARGIN
        order = venue.place("ann", side, "33.3", price)
        assert order.status == "open"
        venue.cancel("ann", order)


def test_a_better_price_than_its_own_is_what_a_limit_order_is_charged(venue):
    venue.sell("bob", "100", "100")
    assert venue.buy("ann", "90", "125").filled_size == 90


def test_leverage_is_the_accounts_and_counts_everywhere(venue):
    venue.leverage("ann", 20)
    venue.buy("ann", "100", "99")
    venue.buy("ann", "100", "99", market=ETH)
    assert venue.free("ann") == 0
    venue.leverage("ann", 5)
    assert venue.free("ann") == 0
    assert venue.engine.account("ann").initial_margin_requirement == Decimal("0.2")


@pytest.mark.parametrize("leverage", [0, 21, -1, 2.5, "3", True, None])
def test_impossible_leverage(venue, leverage):
    assert venue.refused(SetLeverage("ann", leverage)) == (400, "Invalid leverage")


def test_margin_that_no_decimal_holds_is_rounded_up(venue):
    venue.leverage("ann", 3)
    venue.buy("ann", "1", "99")
    assert venue.free("ann") == Decimal("966.666666666666")


def test_free_follows_the_mark_and_is_reported(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    venue.index("102")
    changes = {change.account: change.balance for change in venue.of(BalanceChanged)}
    # Fee 50 × 100 × 0.05 % = 2.5; profit 100; margin 510.
    assert (changes["ann"].total, changes["ann"].free) == (Decimal("997.5"), Decimal("587.5"))


def test_a_profit_can_be_used_before_it_is_taken(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    venue.index("110")
    assert venue.free("ann") == Decimal("997.5") + 500 - 550


def test_the_house_needs_no_margin(venue):
    venue.quote([("90", "1000")], [("110", "1000")])
    assert venue.book()[0] == {"90": "1000"}


def test_an_account_tells_all_its_numbers(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    venue.buy("ann", "10", "90")
    venue.index("104")
    account = venue.engine.account("ann")
    assert account.collateral == Decimal("997.5")
    assert account.total_account_value == Decimal("1197.5")
    assert account.total_position_size == 5200
    assert account.free_collateral == Decimal("1197.5") - 624
    assert account.margin_fraction == Decimal("0.230288461538")
    assert account.open_margin_fraction == Decimal("0.191907051282")
    assert account.maintenance_margin_requirement == Decimal("0.03")
    assert (account.leverage, account.position_mode) == (10, "oneway")
    assert (account.maker_fee, account.taker_fee) == (Decimal("0.0002"), Decimal("0.0005"))
    assert account.positions == (venue.position("ann"),)


def test_an_account_without_positions_has_no_margin_fraction(venue):
    account = venue.engine.account("ann")
    assert (account.margin_fraction, account.open_margin_fraction) == (None, None)
    assert (account.positions, account.free_collateral) == ((), 1000)


def test_a_position_tells_all_its_numbers(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    venue.buy("ann", "10", "90")
    venue.sell("ann", "5", "120")
    venue.index("104")
    position = venue.position("ann")
    assert (position.side, position.size, position.net_size, position.position_side) == ("buy", 50, 50, "net")
    assert (position.open_size, position.long_order_size, position.short_order_size) == (60, 10, 5)
    assert (position.cost, position.entry_price) == (5000, 100)
    assert (position.unrealized_profit, position.realized_profit) == (200, 0)
    assert position.collateral_used == 624
    assert position.recent_profit == Decimal("197.5")
    assert position.recent_break_even_price == Decimal("100.05")


def test_the_estimated_liquidation_price_is_where_liquidation_begins(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    price = venue.position("ann").estimated_liquidation_price
    assert price == Decimal("82.525773195876")
    venue.index("82.53")
    assert venue.position("ann").net_size == 50
    venue.index("82.52")
    assert venue.position("ann").net_size == 0


def test_markets_are_margined_together(venue):
    venue.sell("bob", "90", "100", market=ETH)
    venue.buy("ann", "90", "100", market=ETH)
    venue.index("105", ETH)
    assert venue.buy("ann", "45", "100", market=BTC).status == "open"


def test_what_a_reduce_only_order_would_lose_against_the_mark_is_not_free_either(venue):
    venue.sell("bob", "50", "100")
    venue.buy("ann", "50", "100")
    venue.sell("ann", "50", "101", reduce_only=True)
    venue.index("104")
    # Worth 997.5 and 200; margin 520; 150 would be lost at 101.
    assert venue.free("ann") == Decimal("997.5") + 200 - 520 - 150
