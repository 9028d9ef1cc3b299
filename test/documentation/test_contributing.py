"""`docs/contributing.md` against the Makefile and the folders."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "contributing.md").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_page_names_every_make_target_and_no_other():
    named = [line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `make ")]
    assert sorted(re.findall(r"`make ([a-z-]+)`", " ".join(named))) == sorted(TARGETS)


def test_what_the_page_points_at_exists():
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]*|\w+\.(?:md|py|txt))`", PAGE))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []
