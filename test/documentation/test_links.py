"""The links between `README.md`, `CHANGELOG.md` and `docs/`."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
DOCS = sorted((PROJECT / "docs").glob("*.md"))
PAGES = [README, PROJECT / "CHANGELOG.md", *DOCS]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def headings(page: Path) -> set[str]:
    """The names by which a page's headings can be reached."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def leads_nowhere(page: Path, target: str, heading: str) -> bool:
    place = page.parent / target if target else page
    return not place.exists() or (bool(heading) and heading not in headings(place))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    assert [link for link in LINK.findall(page.read_text(encoding="utf-8")) if leads_nowhere(page, *link)] == []


def test_the_first_page_leads_to_all_others():
    named = {README.parent / target for target, _ in LINK.findall(README.read_text(encoding="utf-8"))}
    assert sorted(set(PAGES) - {README} - named) == []
