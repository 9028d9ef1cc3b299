"""Reading what `hbot` prints, and waiting for what only shows by asking."""

import time
from collections.abc import Callable
from decimal import Decimal


def cells(table: str, row_starts_with: str) -> dict[str, str]:
    """The first matching row of a Markdown table, by its column."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    row = next(row for row in rows if row[0] == row_starts_with)
    return dict(zip(rows[0], row))


def shown(amount: Decimal) -> str:
    """How `hbot` prints an amount."""
    return f"{float(amount):g}"


def wait_for(condition: Callable[[], bool], seconds: int = 600) -> None:
    """Waits for what only shows by asking."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
