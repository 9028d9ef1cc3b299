"""`docs/architecture.md` follows an order and a book frame through the code: real ones come by every function there."""

import importlib
import inspect
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import CodeType

import pytest

from acme_exchange.store import Database, DatabaseStore, file_url
from test.end_to_end.trader import BID, Exchange, Trader

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
STEP = re.compile(r"^\d+\. \[`([\w.]+)`\]\(\.\./([\w/]+)\.py\)", re.MULTILINE)
ORDER, FRAME = map(STEP.findall, PAGE.partition("## Through the code")[2].split("One change of a book"))
TOOL = 4
BEGUN = sys.monitoring.events.PY_START | sys.monitoring.events.PY_RESUME


def code_of(name: str, path: str) -> CodeType:
    found = importlib.import_module(path.replace("/", "."))
    for part in name.split("."):
        found = getattr(found, part)
    return inspect.unwrap(found).__code__


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[DatabaseStore]:
    store = DatabaseStore(Database(file_url(tmp_path)))
    yield store
    await store.close()


@pytest.fixture
def came_by() -> Iterator[Callable[[list[tuple[str, str]]], set[tuple[str, str]]]]:
    """Has functions watched from now on; the set that is returned fills with those that are come by."""
    watched: list[CodeType] = []
    sys.monitoring.use_tool_id(TOOL, "walk")

    def watch(steps: list[tuple[str, str]]) -> set[tuple[str, str]]:
        steps_of, seen = {code_of(*step): step for step in steps}, set()

        def note(code: CodeType, offset: int) -> None:
            seen.add(steps_of[code])

        for event in (sys.monitoring.events.PY_START, sys.monitoring.events.PY_RESUME):
            sys.monitoring.register_callback(TOOL, event, note)
        for code in steps_of:
            sys.monitoring.set_local_events(TOOL, code, BEGUN)
            watched.append(code)
        return seen

    yield watch
    for code in watched:
        sys.monitoring.set_local_events(TOOL, code, sys.monitoring.events.NO_EVENTS)
    sys.monitoring.free_tool_id(TOOL)


async def test_an_order_comes_by_every_function_that_the_page_names(exchange: Exchange, trader: Trader, came_by):
    assert len(ORDER) >= 25
    seen = came_by(ORDER)

    order_id = trader.buy("0.01")
    await trader.hears(order_id, "completed")

    await trader.until(lambda: seen == set(ORDER))


async def test_a_book_frame_comes_by_every_function_that_the_page_names(exchange: Exchange, trader: Trader, came_by):
    assert len(FRAME) >= 10
    seen = came_by(FRAME)

    await exchange.rest("buy", "0.01", BID + 5)
    await trader.until(lambda: trader.connector.get_price("BTC-USD", False) == Decimal(BID + 5))

    assert seen == set(FRAME)
