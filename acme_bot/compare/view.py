"""Prints a comparison as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from acme_bot.compare.reconciliation import Line

SHOWN_DIFFERENCES = 5


def show_reconciliation(console: Console, lines: Sequence[Line]) -> None:
    title = "Reconciliation: Hummingbot's records and the venue's ledger"
    console.print(comparison("Hummingbot", lines, title))
    for line in lines:
        for difference in line.differences[:SHOWN_DIFFERENCES]:
            console.print(f"✗ {line.name}: {difference}", soft_wrap=True, markup=False)
        if len(line.differences) > SHOWN_DIFFERENCES:
            console.print(f"✗ {line.name}: and {len(line.differences) - SHOWN_DIFFERENCES} more")


def comparison(bot: str, lines: Sequence[Line], title: str | None = None) -> Table:
    """What `bot` has beside what the venue has, with a mark for each line."""
    table = Table("", bot, "venue", "", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for line in lines:
        table.add_row(
            line.name,
            line.hummingbot,
            line.venue,
            "✓" if line.agrees else "✗",
            style=None if line.agrees else "bold red",
        )
    return table
