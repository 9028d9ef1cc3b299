from dataclasses import replace
from decimal import Decimal

import pytest

from acme_bot.compare.reconciliation import both_sides_filled, reconcile_connector, reconcile_statements
from acme_bot.compare.statement import Fill, Funding, Holding, Order, OrderState, Statement
from acme_bot.compare.venue_account import Valuation

OPENING = Decimal(10_000)
ORDERS = {
    "b1": Order("b1", "buy", Decimal(60_000), Decimal("0.01"), OrderState.FILLED),
    "s1": Order("s1", "sell", Decimal(60_010), Decimal("0.01"), OrderState.CANCELLED),
    "s2": Order("s2", "sell", Decimal(60_020), Decimal("0.01"), OrderState.CANCELLED),
}
FILLS = {
    "1": Fill("1", "b1", "buy", Decimal(60_000), Decimal("0.01"), Decimal("0.12")),
    "2": Fill("2", "s1", "sell", Decimal(60_010), Decimal("0.004"), Decimal("0.048008")),
}
FUNDING = [
    Funding(1_767_323_040, Decimal("0.00001"), Decimal("-0.0036")),
    Funding(1_767_323_060, Decimal("-0.000012"), Decimal("0.00432")),
]
STATEMENT = Statement(ORDERS, FILLS, FUNDING)
# 10000 - 600 + 240.04 - 0.168008 + 0.00072 = 9639.872712, and the 0.006 that are left were bought for 360.
ACCOUNT = Valuation(
    Holding(Decimal("0.006"), Decimal("9999.872712")), entry=Decimal(60_000), cost=Decimal(360), value=Decimal("9999.9")
)


def differing(hummingbot: Statement, venue: Statement = STATEMENT, account: Valuation = ACCOUNT) -> set[str]:
    return {line.name for line in reconcile_statements(hummingbot, venue, OPENING, account) if not line.agrees}


def with_order(name: str, **changes) -> Statement:
    return replace(STATEMENT, orders={**ORDERS, name: replace(ORDERS[name], **changes)})


def with_fill(name: str, **changes) -> Statement:
    return replace(STATEMENT, fills={**FILLS, name: replace(FILLS[name], **changes)})


def with_balance(balance: str) -> Valuation:
    return replace(ACCOUNT, holding=replace(ACCOUNT.holding, balance=Decimal(balance)))


def without(entries: dict, key: str) -> dict:
    return {name: entry for name, entry in entries.items() if name != key}


def test_equal_books_agree_in_every_line():
    lines = reconcile_statements(STATEMENT, STATEMENT, OPENING, ACCOUNT)

    assert [line for line in lines if not line.agrees] == []
    assert {line.name: line.venue for line in lines} == {
        "orders": "3",
        "orders filled": "1",
        "orders cancelled": "2",
        "orders left open": "0",
        "each order: side, price, size, state": "3 of 3",
        "buy fills": "1",
        "sell fills": "1",
        "bought, BTC": "0.01",
        "sold, BTC": "0.004",
        "volume, USD": "840.04",
        "fees, USD": "0.168008",
        "each fill: order, side, price, size, fee": "2 of 2",
        "funding payments": "2",
        "funding received, USD": "0.00072",
        "each funding payment: rate, amount": "2 of 2",
        "position, BTC (sum of fills)": "0.006",
        "balance without the position's cost, USD": "9639.872712",
    }


EACH_ORDER, EACH_FILL = "each order: side, price, size, state", "each fill: order, side, price, size, fee"
CASH = "balance without the position's cost, USD"


@pytest.mark.parametrize(
    "hummingbot, lines",
    [
        (replace(STATEMENT, orders=without(ORDERS, "s2")), {"orders", "orders cancelled", EACH_ORDER}),
        (with_order("s2", state=OrderState.OPEN), {"orders cancelled", "orders left open", EACH_ORDER}),
        (with_order("s2", state=OrderState.FILLED), {"orders filled", "orders cancelled", EACH_ORDER}),
        (with_order("s2", price=Decimal(60_021)), {EACH_ORDER}),
        (with_order("s2", amount=Decimal("0.02")), {EACH_ORDER}),
        (with_order("s2", side="buy"), {EACH_ORDER}),
        (
            replace(STATEMENT, fills=without(FILLS, "2")),
            {"sell fills", "sold, BTC", "volume, USD", "fees, USD", EACH_FILL, "position, BTC (sum of fills)", CASH},
        ),
        (
            replace(STATEMENT, fills={**FILLS, "3": replace(FILLS["2"], id="3")}),
            {"sell fills", "sold, BTC", "volume, USD", "fees, USD", EACH_FILL, "position, BTC (sum of fills)", CASH},
        ),
        (with_fill("2", price=Decimal("60010.000001")), {"volume, USD", EACH_FILL, CASH}),
        (with_fill("2", fee=Decimal("0.04800799999999999999999999999")), {"fees, USD", EACH_FILL, CASH}),
        (with_fill("2", order_id="s2"), {EACH_FILL}),
        (
            replace(STATEMENT, funding=FUNDING[:1]),
            {"funding payments", "funding received, USD", "each funding payment: rate, amount", CASH},
        ),
        (
            replace(STATEMENT, funding=[FUNDING[0], replace(FUNDING[1], amount=Decimal("-0.00432"))]),
            {"funding received, USD", "each funding payment: rate, amount", CASH},
        ),
        (
            replace(STATEMENT, funding=[FUNDING[0], replace(FUNDING[1], rate=Decimal("0.000012"))]),
            {"each funding payment: rate, amount"},
        ),
    ],
    ids=[
        "order missing",
        "order open",
        "order's state",
        "order's price",
        "order's size",
        "order's side",
        "fill missing",
        "fill twice",
        "fill's price",
        "fill's fee, far behind the point",
        "fill's order",
        "funding missing",
        "funding's sign",
        "funding's rate",
    ],
)
def test_each_kind_of_difference_is_found_in_the_lines_that_it_touches(hummingbot, lines):
    assert differing(hummingbot) == lines


def test_what_only_the_venue_has_is_a_difference_too():
    assert "orders" in differing(replace(STATEMENT, orders=without(ORDERS, "s2")))
    assert "orders" in differing(STATEMENT, replace(STATEMENT, orders=without(ORDERS, "s2")))


def test_an_order_that_the_venue_cut_to_the_position_is_what_was_ordered():
    cut = with_order("s1", amount=Decimal("0.004"), reduces=True)

    assert differing(STATEMENT, cut) == set()
    assert differing(STATEMENT, with_order("s1", amount=Decimal("0.004"))) == {"each order: side, price, size, state"}
    assert differing(STATEMENT, with_order("s1", amount=Decimal("0.02"), reduces=True)) == {
        "each order: side, price, size, state"
    }


def test_an_order_that_both_have_open_was_not_cancelled_at_the_end():
    books = with_order("s2", state=OrderState.OPEN)

    assert differing(books, books) == {"orders left open"}


@pytest.mark.parametrize(
    "account, lines",
    [
        (
            replace(ACCOUNT, holding=replace(ACCOUNT.holding, position=Decimal("0.0060000000001"))),
            {"position, BTC (sum of fills)"},
        ),
        (with_balance("9999.87271200000000000000000001"), {CASH}),
    ],
    ids=["position", "balance"],
)
def test_holdings_are_compared_to_the_last_digit(account, lines):
    assert differing(STATEMENT, account=account) == lines


def test_differing_entries_are_named():
    lines = reconcile_statements(with_order("s2", price=Decimal(1)), STATEMENT, OPENING, ACCOUNT)

    (difference,) = next(line.differences for line in lines if line.name == EACH_ORDER)

    assert difference.startswith("s2: Hummingbot ") and "60020" in difference


def test_the_venues_numbers_are_taken_in_hummingbots_precision():
    """A price of the venue's with more than six decimals is cut as Hummingbot cuts it, and not compared loosely."""
    venue = with_fill("2", price=Decimal("60010.0000009"))

    assert EACH_FILL not in differing(STATEMENT, venue)
    assert EACH_FILL in differing(with_fill("2", price=Decimal("60010.000001")), venue)


def test_funding_that_a_double_cannot_hold_is_no_difference_in_the_balance():
    exact = Decimal("-0.123456789012345678901234567")
    venue = replace(STATEMENT, funding=[replace(FUNDING[0], amount=exact)])
    stored = replace(STATEMENT, funding=[replace(FUNDING[0], amount=Decimal("-0.12345678901234568"))])
    # 9999.872712 - 0.00072 - 0.123456789012345678901234567
    balance = "9999.748535210987654321098765433"

    assert differing(stored, venue, with_balance(balance)) == set()
    assert differing(stored, venue, with_balance(balance[:-1] + "4")) == {CASH}


def test_the_connectors_doubles_are_compared_as_doubles():
    venue = Holding(Decimal("0.1"), Decimal("9999.872712345678901234"))
    printed = Holding(Decimal("0.1"), Decimal("9999.87271234568"))

    assert all(line.agrees for line in reconcile_connector(printed, venue))
    off_by_little = replace(printed, balance=Decimal("9999.872712345679"))
    assert [line.agrees for line in reconcile_connector(off_by_little, venue)] == [True, False]


@pytest.mark.parametrize("fills, both", [(FILLS, True), (without(FILLS, "1"), False), ({}, False)])
def test_both_sides(fills, both):
    assert both_sides_filled(Statement(fills=fills)) is both
