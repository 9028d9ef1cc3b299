"""Reading what `hbot` prints, and waiting for what only shows by asking."""

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path


def cells(table: str, row_starts_with: str) -> dict[str, str]:
    """The first matching row of a Markdown table, by its column."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    row = next(row for row in rows if row[0] == row_starts_with)
    return dict(zip(rows[0], row))


def shown(amount: Decimal) -> str:
    """How `hbot` prints an amount."""
    return f"{float(amount):g}"


def guesses_cost(workspace: Path) -> set[int]:
    """How many steps it takes to try one password, for each of what the workspace has encrypted: a word to know the
    password by, and the keys."""
    files = [workspace / "conf" / ".password_verification", *(workspace / "conf" / "connectors").glob("*.yml")]
    encrypted = [
        found for path in files for found in re.findall(r"\b7b22[0-9a-f]+\b", path.read_text(encoding="utf-8"))
    ]
    assert len(encrypted) >= 3
    return {json.loads(bytes.fromhex(one))["crypto"]["kdfparams"]["c"] for one in encrypted}


def wait_for(condition: Callable[[], bool], seconds: int = 600) -> None:
    """Waits for what only shows by asking."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
