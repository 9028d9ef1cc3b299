"""`docs/checklist.md` against the code, the tests, and the checklist itself."""

import importlib
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CHECKLIST = Path(__file__).with_name("checklist.txt")
CONNECTOR = "hummingbot.connector.derivative.acme_perpetual"
TESTS = "test.hummingbot.connector.derivative.acme_perpetual"
PAGE = (PROJECT / "docs" / "checklist.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
REFERENCES = sorted(set(re.findall(r"`((?:test_)?acme_perpetual_\w+(?:\.\w+)+)`", PAGE)))


def test_what_the_page_names_exists():
    assert len(REFERENCES) > 150
    assert [reference for reference in REFERENCES if not _exists(reference)] == []


def test_every_row_says_where_or_why_not():
    place = re.compile(r"`(test_)?acme_perpetual_\w+\.|does not apply: |where$|used by$")
    assert [row for row in ROWS if not place.search(row[-1])] == []


def test_the_page_leaves_nothing_out():
    api, connector = CHECKLIST.read_text(encoding="utf-8").split("\n\n")
    rows, names = api.splitlines()[1:], connector.splitlines()[1:]
    assert (len(rows), len(names)) == (28, 168)
    missing = [row for row in rows if f"| {row} |" not in PAGE]
    missing += [name for name in names if f"`{name}`" not in PAGE]
    assert missing == []


def _exists(reference: str) -> bool:
    module, *names = reference.split(".")
    place = importlib.import_module(f"{TESTS if module.startswith('test_') else CONNECTOR}.{module}")
    for name in names:
        if not hasattr(place, name):
            return False
        place = getattr(place, name)
    return True
