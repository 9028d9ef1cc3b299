import io
from decimal import Decimal

import pytest
from rich.console import Console

from acme_bot.compare.reconciliation import Line
from acme_bot.compare.statement import Fill, Funding, Holding, Order, OrderState
from acme_bot.compare.venue_account import Account, Price
from acme_bot.compare.view import Glance, open_view, show_reconciliation

FACTS = ("64,919.00", "0.001 at 64,900.00", "-0.001 BTC", "-1.42", "-0.002800", "1 buy", "2 sell")


def glance(second: int, seconds: int = 90) -> Glance:
    fills = [
        Fill(str(number), "b", side, Decimal(64_900), Decimal("0.001"), Decimal("0.013"))
        for number, side in enumerate(("buy", "sell", "sell"))
    ]
    return Glance(
        second=second,
        seconds=seconds,
        opening=Decimal(10_000),
        fills=fills,
        price=Price(Decimal(64_900), Decimal(64_950), Decimal(64_919), Decimal("0.00001"), Decimal(1_795_493_140)),
        account=Account(
            Holding(Decimal("-0.001"), Decimal(9_999)),
            entry=Decimal(64_910),
            cost=Decimal("-64.91"),
            value=Decimal("9998.58"),
        ),
        quotes=[Order("b", "buy", Decimal(64_900), Decimal("0.001"), OrderState.OPEN)],
        funding=[Funding(1_795_493_110, Decimal("0.00001"), Decimal("-0.0028"))],
    )


def shown(seconds: list[int], is_terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=200)
    with open_view(console) as view:
        for second in seconds:
            view.show(glance(second))
    return console.file.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_all_that_matters_is_shown(is_terminal):
    text = shown([12], is_terminal)

    assert [fact for fact in FACTS if fact not in text] == []
    assert "12 of 90 s" in text


def test_without_a_terminal_there_is_a_line_every_five_seconds():
    lines = shown(list(range(13)), is_terminal=False).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["0", "5", "10"]


def test_without_an_end_only_the_time_so_far_is_shown():
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with open_view(console) as view:
        view.show(glance(7, seconds=0))

    assert console.file.getvalue().startswith("7 s ")


def test_a_reconciliation_shows_both_sides_and_names_what_differs():
    console = Console(file=io.StringIO(), force_terminal=False, width=120)
    differences = tuple(f"order-{number}: Hummingbot None, venue [1]" for number in range(7))

    show_reconciliation(
        console, [Line("orders", "3", "3", True), Line("each order", "3 of 3", "3 of 10", False, differences)]
    )

    table, *named = console.file.getvalue().split("└")
    assert [mark for mark in table if mark in "✓✗"] == ["✓", "✗"]
    assert "3 of 10" in table
    assert "✗ each order: order-0: Hummingbot None, venue [1]" in named[0]
    assert "order-5" not in named[0] and "and 2 more" in named[0]
