import io

from rich.console import Console

from acme_bot.compare.reconciliation import Line
from acme_bot.compare.view import show_reconciliation


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
