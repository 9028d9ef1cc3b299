"""`docs/qa.md` against the tests that it names."""

import importlib
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "qa.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line][1:]
REFERENCE = re.compile(r"`(test_\w+)\.(test_\w+)`")


def test_every_row_names_a_test_that_is_there():
    assert len(ROWS) > 15
    named = {row: REFERENCE.findall(row.rpartition(" | ")[2]) for row in ROWS}
    assert [row for row, tests in named.items() if not tests] == []
    assert [test for tests in named.values() for test in tests if not _exists(*test)] == []


def _exists(module: str, name: str) -> bool:
    return callable(getattr(importlib.import_module(f"test.end_to_end.{module}"), name, None))
