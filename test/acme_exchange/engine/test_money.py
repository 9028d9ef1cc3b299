"""Profit, fees and rebates, to the last digit (Acme API §8, money)."""

from decimal import Decimal, localcontext

import pytest

from acme_exchange.engine import BalanceChanged, CreateAccount, Deposit, Filled, Refused
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from acme_exchange.engine.model.money import divide
from test.acme_exchange.engine.scenario import BTC, ETH, Scenario


@pytest.fixture
def venue():
    return Scenario("ann", "bob")


def everything(venue):
    """Cash and unrealized profit of everyone, the house included."""
    accounts = [*HOUSE_ACCOUNTS, "ann", "bob"]
    return sum(venue.engine.account(name).total_account_value for name in accounts)


def test_a_position_is_bought_at_its_average_price(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "3", "104")
    venue.buy("ann", "4")
    assert (venue.position("ann").entry_price, venue.position("ann").cost) == (103, 412)
    assert (venue.position("bob").entry_price, venue.position("bob").cost) == (103, -412)


def test_a_part_that_is_closed_realizes_its_profit_and_leaves_the_average(venue):
    venue.sell("bob", "4", "100")
    venue.buy("ann", "4")
    venue.buy("bob", "1", "110")
    venue.sell("ann", "1")
    position = venue.position("ann")
    assert (position.realized_profit, position.entry_price, position.net_size) == (10, 100, 3)
    assert venue.total("ann") == 10000 + 10 - Decimal("0.2") - Decimal("0.055")


def test_a_position_that_turns_around_begins_anew_at_the_new_price(venue):
    venue.sell("bob", "2", "100")
    venue.buy("ann", "2")
    venue.buy("bob", "5", "90")
    venue.sell("ann", "5")
    position = venue.position("ann")
    assert (position.side, position.net_size, position.entry_price, position.realized_profit) == ("sell", -3, 90, -20)
    assert position.cost == -270


def test_a_flat_position_stays_in_the_list(venue):
    venue.sell("bob", "2", "100")
    venue.buy("ann", "2")
    venue.buy("bob", "2", "101")
    venue.sell("ann", "2")
    position = venue.position("ann")
    assert (position.size, position.cost, position.entry_price, position.realized_profit) == (0, 0, None, 2)
    assert (position.estimated_liquidation_price, position.recent_break_even_price) == (None, None)
    assert position.recent_profit == 0


def test_a_market_in_which_an_account_only_had_orders_is_no_position(venue):
    venue.buy("ann", "1", "90")
    assert venue.engine.positions("ann") == []


def test_nothing_is_lost_when_an_average_price_has_no_end(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "2", "101")
    venue.buy("ann", "3")
    for price in ("103", "107", "98"):
        venue.buy("bob", "0.7", price)
        venue.sell("ann", "0.7", price)
        assert everything(venue) == 20000
    venue.index("99")
    assert everything(venue) == 20000
    venue.buy("bob", "0.9", "99")
    venue.sell("ann", "0.9", "99")
    # Bought 1 × 100 + 2 × 101, sold 0.7 × (103 + 107 + 98) + 0.9 × 99; all by taking.
    turnover = Decimal("302") + Decimal("304.7")
    assert venue.total("ann") == 10000 + Decimal("2.7") - turnover * Decimal("0.0005")
    assert everything(venue) == 20000


def test_an_average_price_without_end_stays_while_parts_are_closed(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "2", "101")
    venue.buy("ann", "3")
    for _ in range(3):
        venue.buy("bob", "0.7", "103")
        venue.sell("ann", "0.7")
        assert venue.position("ann").entry_price == Decimal("100.666666666667")


def test_a_quotient_is_rounded_once_and_never_to_a_negative_zero():
    assert divide(Decimal(2), Decimal(3), Decimal("0.01")) == Decimal("0.67")
    assert not divide(Decimal(-1), Decimal(10**9), Decimal("0.01")).is_signed()


def test_the_callers_decimal_context_does_not_matter(venue):
    with localcontext() as context:
        context.prec = 3
        venue.sell("bob", "3.3", "101")
        venue.buy("ann", "3.3")
        assert venue.total("ann") == Decimal("9999.833350")
        assert venue.position("ann").cost == Decimal("333.3")
    assert everything(venue) == 20000


def test_fees_are_the_accounts_own_and_a_rebate_is_paid_by_the_house(venue):
    venue.do(CreateAccount("rebated", Decimal("-0.0001"), Decimal("0.0003")))
    venue.do(Deposit("rebated", Decimal(1000)))
    venue.sell("rebated", "1", "100")
    venue.buy("ann", "1")
    maker, taker = venue.of(Filled)
    assert (maker.fee, maker.fee_rate) == (Decimal("-0.01"), Decimal("-0.0001"))
    assert (taker.fee, taker.fee_rate) == (Decimal("0.05"), Decimal("0.0005"))
    assert venue.total("rebated") == Decimal("1000.01")
    assert venue.total("@house") == Decimal("0.04")


def test_trades_with_the_house_balance_too(venue):
    venue.quote([("99", "5")], [("101", "5")])
    venue.buy("ann", "3")
    venue.sell("bob", "1")
    assert everything(venue) == 20000
    assert venue.engine.market("BTC-PERP").open_interest == 3


def test_open_interest_counts_each_contract_once(venue):
    venue.sell("bob", "2", "100")
    venue.buy("ann", "2")
    assert venue.engine.market("BTC-PERP").open_interest == 2
    venue.buy("bob", "3", "100")
    venue.sell("ann", "3")
    assert venue.engine.market("BTC-PERP").open_interest == 1


def test_a_deposit_is_there_at_once(venue):
    venue.do(Deposit("ann", Decimal("0.01")))
    assert [change.balance.total for change in venue.of(BalanceChanged)] == [Decimal("10000.01")]


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1e15", "1e-13"])
def test_impossible_deposits(venue, amount):
    assert venue.refused(Deposit("ann", Decimal(amount))) == (400, "Invalid parameter amount")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (CreateAccount("ann"), "Invalid parameter name"),
        (CreateAccount("@house"), "Invalid parameter name"),
        (CreateAccount("@mine"), "Invalid parameter name"),
        (CreateAccount(""), "Invalid parameter name"),
        (CreateAccount("x" * 65), "Invalid parameter name"),
        (CreateAccount("new", maker_fee=Decimal(1)), "Invalid parameter makerFee"),
        (CreateAccount("new", taker_fee=Decimal("NaN")), "Invalid parameter takerFee"),
    ],
)
def test_impossible_accounts(venue, command, text):
    assert venue.refused(command) == (400, text)


def test_asking_about_nobody(venue):
    for question in (venue.engine.account, venue.engine.balance, venue.engine.positions, venue.engine.open_orders):
        with pytest.raises(Refused, match="No such subaccount"):
            question("nobody")


def test_positions_are_listed_in_the_order_in_which_they_were_first_opened():
    venue = Scenario("ann", "bob")
    venue.buy("ann", "1", "99")
    for market in (ETH, BTC):
        venue.sell("bob", "1", "100", market=market)
        venue.buy("ann", "1", "100", market=market)
    assert [position.market for position in venue.engine.positions("ann")] == [ETH, BTC]


def test_recent_profit_is_that_since_the_position_was_last_flat_after_fees(venue):
    def trade(side, size, price):
        other = "sell" if side == "buy" else "buy"
        venue.place("bob", other, size, price)
        venue.place("ann", side, size, price)
        position = venue.position("ann")
        return position.recent_profit - position.unrealized_profit

    assert trade("buy", "4", "100") == Decimal("-0.2")  # the fee, 0.05 %
    assert trade("buy", "4", "110") == Decimal("-0.42")
    assert trade("sell", "2", "120") == Decimal("-0.54") + 2 * (120 - 105)
    # The sale turned the position around: only the fee of what it opened counts, as if it had been two sales.
    assert trade("sell", "7", "105") == Decimal("-0.0525")
    assert trade("buy", "1", "105") == 0


def test_a_position_that_is_turned_around_breaks_even_where_one_of_its_own_would():
    venue = Scenario("ann", "eve", money="1000000", price_band=Decimal("0.05"))
    venue.index("64500")
    for account in ("ann", "eve"):
        venue.quote([("64000", "10")], [("64500", "10")])
        venue.buy(account, "2")
        venue.index("66000")
        venue.quote([("66000", "10")], [("66500", "10")])
        for size in ("5",) if account == "ann" else ("2", "3"):
            venue.sell(account, size)
        venue.index("64500")
    turned, anew = venue.position("ann"), venue.position("eve")
    assert turned.recent_profit == anew.recent_profit
    assert turned.recent_break_even_price == anew.recent_break_even_price == 66000 - 33
