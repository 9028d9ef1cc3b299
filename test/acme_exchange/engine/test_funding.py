"""Mark and funding (Acme API §8, mark and funding)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import (
    Advance,
    BalanceChanged,
    CreateAccount,
    Deposit,
    Engine,
    FundingPaid,
    FundingSettled,
    PositionChanged,
    SetIndex,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from test.acme_exchange.engine.scenario import BTC, DATED, ETH, EXPIRY, HOUR, NOON, Scenario, markets


@pytest.fixture
def venue():
    """Ann is long 10, bob short 10, bought at 100; the index is 100 and so is the mark. It is half past."""
    venue = Scenario("ann", "bob")
    venue.sell("bob", "10", "100")
    venue.buy("ann", "10")
    return venue


def premium(venue, mark: str):
    """Makes the mark what is asked, by quotes around it and a last price farther from the index, which is 100."""
    price = Decimal(mark)
    venue.quote([(price - 1, "100")], [(price + 1, "100")])
    trades = [lambda: venue.sell("ann", "0.1"), lambda: venue.buy("ann", "0.1")]
    for trade in trades if price >= 100 else reversed(trades):
        trade()
    assert venue.engine.market(BTC).mark == price


@pytest.mark.parametrize(
    ("index", "bid", "ask", "mark"),
    [("102", "103", "105", "102"), ("104", "100", "102", "101"), ("95", "96", "97", "96.5")],
)
def test_mark_is_the_median_of_index_mid_and_last(venue, index, bid, ask, mark):
    venue.quote([(bid, "1")], [(ask, "1")])
    venue.index(index)
    assert venue.engine.market(BTC).last == 100
    assert venue.engine.market(BTC).mark == Decimal(mark)


def test_without_a_mid_or_a_last_price_the_mark_is_the_index(venue):
    venue.index("107")
    assert venue.engine.market(BTC).mark == 107
    venue.quote([("90", "1")], [("94", "1")], market=ETH)
    assert venue.engine.market(ETH).mark == 100


def test_each_position_pays_net_size_times_mark_times_rate(venue):
    premium(venue, "103")
    before, profit = venue.total("ann"), venue.position("ann").recent_profit
    venue.wait(HOUR // 2)

    rate = Decimal("0.00125")
    settled = {event.market: event for event in venue.of(FundingSettled)}
    assert (settled[BTC].rate, settled[BTC].time) == (rate, NOON + HOUR // 2)
    paid = {event.account: event for event in venue.of(FundingPaid)}
    assert paid["ann"].payment == 10 * 103 * rate
    assert paid["bob"].payment == -10 * 103 * rate
    assert (paid["ann"].time, paid["ann"].rate, paid["ann"].position_side) == (NOON + HOUR // 2, rate, "net")
    assert venue.total("ann") == before - 10 * 103 * rate
    assert venue.position("ann").recent_profit == profit - 10 * 103 * rate
    assert {event.position.account for event in venue.of(PositionChanged)} == {"ann", "bob"}
    assert {event.account for event in venue.of(BalanceChanged)} == {"ann", "bob"}


def test_the_premium_is_weighed_by_the_time_for_which_it_held(venue):
    venue.wait(HOUR // 2)
    venue.wait(HOUR * 3 // 4)
    premium(venue, "104")
    venue.wait(HOUR // 4)
    assert {event.market: event.rate for event in venue.of(FundingSettled)}[BTC] == Decimal("0.000416667")


def test_a_negative_premium_makes_shorts_pay(venue):
    premium(venue, "97")
    venue.wait(HOUR // 2)
    paid = {event.account: event.payment for event in venue.of(FundingPaid)}
    assert paid["ann"] < 0 < paid["bob"]


@pytest.mark.parametrize(("mark", "rate"), [("130", "0.0075"), ("70", "-0.0075")])
def test_the_rate_is_capped(venue, mark, rate):
    premium(venue, mark)
    assert venue.engine.future(BTC).next_funding_rate == 0
    venue.wait(1)
    assert venue.engine.future(BTC).next_funding_rate == Decimal(rate)
    venue.wait(HOUR // 2)
    assert venue.of(FundingSettled)[0].rate == Decimal(rate)


def test_payments_add_up_to_nothing_with_the_houses(venue):
    premium(venue, "103")
    venue.buy("ann", "3.3")
    venue.wait(HOUR // 2)
    payments = venue.of(FundingPaid)
    assert {payment.account for payment in payments} >= {"ann", "bob", "@quotes"}
    assert sum(payment.payment for payment in payments) == 0
    everyone = [*HOUSE_ACCOUNTS, "ann", "bob"]
    assert sum(venue.engine.account(name).total_account_value for name in everyone) == 20000


def test_a_flat_account_gets_no_payment(venue):
    venue.buy("bob", "10", "100")
    venue.sell("ann", "10")
    venue.wait(HOUR // 2)
    assert venue.of(FundingPaid) == []
    assert len(venue.of(FundingSettled)) == 2


def test_without_a_premium_the_payments_are_nought_and_not_minus_nought(venue):
    venue.wait(HOUR // 2)
    assert [payment.payment.is_signed() for payment in venue.of(FundingPaid)] == [False, False]
    assert sum(payment.payment for payment in venue.of(FundingPaid)) == 0


def test_a_dated_future_has_no_funding(venue):
    venue.sell("bob", "1", "100", market=DATED)
    venue.buy("ann", "1", market=DATED)
    venue.wait(HOUR // 2)
    assert {event.market for event in venue.of(FundingPaid, FundingSettled)} == {BTC, ETH}
    assert venue.engine.future(DATED).next_funding_rate is None
    assert venue.engine.future(DATED).next_funding_time is None


def test_it_is_settled_once_an_interval_on_the_hour(venue):
    assert venue.engine.future(BTC).next_funding_time == NOON + HOUR // 2
    assert venue.wait(HOUR // 2 - 1) == []
    assert len(venue.wait(1)) > 0
    assert venue.of(FundingSettled)[0].time % HOUR == 0
    assert venue.wait(1) == []
    assert venue.engine.future(BTC).next_funding_time == NOON + 3 * HOUR // 2


def test_a_late_settlement_bears_the_time_it_was_due(venue):
    venue.wait(HOUR // 2 + 12_345)
    assert venue.of(FundingSettled)[0].time == NOON + HOUR // 2


def test_who_buys_a_microsecond_after_the_hour_does_not_pay_for_it_and_who_sells_does(venue):
    """However late the clock is looked at: nobody may order before what is due has happened."""
    venue.do(CreateAccount("cid"))
    venue.do(Deposit("cid", Decimal(10_000)))
    premium(venue, "103")
    holds = venue.position("ann").net_size
    before = venue.total("ann")
    venue.now += HOUR // 2 + 1
    with pytest.raises(ValueError, match="Advance"):
        venue.engine.apply(venue.order("cid", "buy", "5"), venue.now)
    venue.buy("cid", "5")
    assert venue.position("cid").recent_profit - venue.position("cid").unrealized_profit < 0
    assert venue.total("cid") == 10_000 - 5 * 104 * Decimal("0.0005")
    assert venue.total("ann") == before - holds * 103 * Decimal("0.00125")
    venue.sell("ann", "5")
    venue.now += 1_000
    assert venue.do(Advance()) == []


def test_the_rate_is_that_of_the_hour_and_not_of_when_somebody_looked(venue):
    venue.wait(HOUR // 2)
    premium(venue, "103")
    venue.wait(HOUR + HOUR // 2)
    venue.wait(HOUR // 2)
    assert [event.rate for event in venue.of(FundingSettled) if event.market == BTC] == [Decimal("0.00125")]


def test_a_dated_future_takes_no_order_at_its_expiry(venue):
    venue.sell("bob", "1", "100", market=DATED)
    venue.now = EXPIRY
    assert venue.refused(venue.order("ann", "buy", "1", market=DATED)) == (
        400,
        "Invalid parameter market: BTC-1231 has expired",
    )
    assert venue.engine.open_orders("bob", DATED) == []


def test_hours_in_which_the_venue_was_off_are_not_charged(venue):
    premium(venue, "103")
    venue.wait(5 * HOUR)
    assert [event.time for event in venue.of(FundingSettled) if event.market == BTC] == [NOON + 9 * HOUR // 2]
    assert venue.wait(HOUR // 4) == []


def test_the_prediction_moves_with_the_premium(venue):
    premium(venue, "103")
    venue.wait(HOUR // 8)
    assert venue.engine.future(BTC).next_funding_rate == Decimal("0.00125")
    premium(venue, "100")
    venue.wait(HOUR // 8)
    assert venue.engine.future(BTC).next_funding_rate == Decimal("0.000625")


def test_the_interval_is_configurable():
    engine = Engine(markets(), funding_interval=30)
    engine.apply(SetIndex(BTC, Decimal(100)), NOON + 7_000_000)
    assert engine.future(BTC).next_funding_time == NOON + 30_000_000


@pytest.mark.parametrize("interval", [0, -1, 1.5, "3600", None])
def test_an_impossible_interval(interval):
    with pytest.raises(ValueError, match="funding_interval"):
        Engine(markets(), funding_interval=interval)
