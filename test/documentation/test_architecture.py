"""`docs/architecture.md` against the imports of the code."""

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tools import draw_imports

PROJECT = Path(__file__).parents[2]
# Everything the engine needs of others: nothing here reads a clock, a file or a socket.
PURE = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "decimal",
    "functools",
    "itertools",
    "msgspec",
    "sortedcontainers",
    "typing",
}


def imports_below(folder: str) -> dict[str, set[str]]:
    below = [file for file in draw_imports.files() if file.is_relative_to(PROJECT / folder)]
    assert below, f"{folder} has no sources"
    return {file.relative_to(PROJECT).as_posix(): set(draw_imports.imported(file)) for file in below}


def wrong(folder: str, forbidden: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (file, name)
        for file, names in imports_below(folder).items()
        for name in sorted(names)
        if name.split(".")[0] in forbidden
    ]


def test_the_diagram_is_what_the_code_imports():
    page = draw_imports.PAGE.read_text(encoding="utf-8")
    assert page == draw_imports.drawn(page), "python -m tools.draw_imports draws it again"


# The connector has Hummingbot find its candles, which are made of the connector's words.
REGISTERED = ("acme_perpetual", "acme_perpetual_candles")


def test_no_packages_import_each_other_or_in_a_circle():
    arrows = draw_imports.arrows() - {REGISTERED}
    order = TopologicalSorter()
    for importing, imported in arrows:
        order.add(importing, imported)
    order.prepare()  # names the circle that it finds


@pytest.mark.parametrize(
    "folder, forbidden", [("acme_exchange", ("hummingbot", "acme_bot")), ("hummingbot", ("acme_exchange", "acme_bot"))]
)
def test_imports_point_one_way(folder, forbidden):
    assert wrong(folder, forbidden) == []


def test_the_engine_imports_nothing_that_knows_the_world():
    found = [
        (file, name)
        for file, names in imports_below("acme_exchange/engine").items()
        for name in sorted(names)
        if name.split(".")[0] not in PURE and not name.startswith("acme_exchange.engine")
    ]
    assert found == []
