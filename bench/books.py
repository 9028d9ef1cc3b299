"""Book updates: from the raw frame to Hummingbot's book."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence

from bench.market import Change, changes
from bench.measure import Line, ended, medians
from bench.subjects import ALL, Acme, Bybit, Exhausted, Socket, Subject, assistant_on
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow

UPDATES = 2000
GOAL_OF_FLOOR = 0.75
GOAL_FLAT = 1.10


class CountingBook(OrderBook):
    """Hummingbot's book, which says when it has had all the updates."""

    expected = 0
    done = asyncio.Event()

    def apply_diffs(self, bids, asks, update_id):
        super().apply_diffs(bids, asks, update_id)
        CountingBook.expected -= 1
        if CountingBook.expected == 0:
            CountingBook.done.set()


async def updates_a_second(subject: Subject, full: Sequence[Change], updates: Sequence[Change]) -> float:
    """Everything between the socket and the book is the connector's and Hummingbot's own, and runs as it does for a
    user: the stream's reader, the queues, the parser, the tracker's router, and a task for each book."""
    frames = [subject.dialect.book(change) for change in updates]
    first = [subject.dialect.book(change) for change in full] if isinstance(subject, Acme) else []
    tracker = subject.connector.order_book_tracker
    source = tracker.data_source
    for pair in subject.pairs:
        tracker._order_books[pair] = CountingBook()
        tracker._tracking_message_queues[pair] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    tasks = [
        asyncio.create_task(source.listen_for_order_book_diffs(loop, tracker._order_book_diff_stream)),
        asyncio.create_task(tracker._order_book_diff_router()),
        *(asyncio.create_task(tracker._track_single_book(pair)) for pair in subject.pairs),
    ]
    await _read(subject, first)
    CountingBook.expected, CountingBook.done = len(frames), asyncio.Event()
    began = time.perf_counter()
    await _read(subject, frames, subscribe=not first)
    async with asyncio.timeout(60):
        await CountingBook.done.wait()
    seconds = time.perf_counter() - began
    await ended(*tasks)
    return len(frames) / seconds


async def _read(subject: Subject, frames: Sequence[str], subscribe: bool = True) -> None:
    assistant = await assistant_on(subject, Socket(frames))
    if subscribe:
        await subject.subscribe(assistant)
    with contextlib.suppress(Exhausted):
        await subject.connector.order_book_tracker.data_source._process_websocket_messages(assistant)


async def floor_a_second(subject: Subject, full: Sequence[Change], updates: Sequence[Change]) -> float:
    """The least there is: the frame's JSON parsed, and its levels applied."""
    frames = [subject.dialect.book(change) for change in updates]
    data = {
        "acme_perpetual": ("data", "bids", "asks"),
        "bybit_perpetual": ("data", "b", "a"),
        "binance_perpetual": ("data", "b", "a"),
    }[subject.name]
    book = OrderBook()
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        levels = json.loads(frame)[data[0]]
        book.apply_diffs(
            [OrderBookRow(float(price), float(size), number) for price, size in levels[data[1]]],
            [OrderBookRow(float(price), float(size), number) for price, size in levels[data[2]]],
            number,
        )
    return len(frames) / (time.perf_counter() - began)


async def book_lines() -> list[Line]:
    lines = [await _levels_line(levels) for levels in (6, 40)]
    return [*lines, await _markets_line()]


async def _levels_line(levels: int) -> Line:
    full, updates = changes(UPDATES, levels)
    works = {}
    for kind in ALL:
        works[kind.name] = lambda kind=kind: updates_a_second(kind(), full, updates)
        works[f"floor of {kind.name}"] = lambda kind=kind: floor_a_second(kind(), full, updates)
    figures = await medians(works)
    score = figures[Acme.name] / figures[f"floor of {Acme.name}"]
    rivals = {kind.name: figures[kind.name] for kind in ALL[1:]}
    shares = ", ".join(f"{name.split('_')[0]} {figures[name] / figures[f'floor of {name}']:.2f}" for name in rivals)
    return Line(
        f"book update, {levels} levels",
        "updates/s",
        figures[Acme.name],
        score,
        f"of its floor (of theirs: {shares})",
        f"≥ {GOAL_OF_FLOOR} of the floor",
        score >= GOAL_OF_FLOOR,
        rivals,
        figures[f"floor of {Acme.name}"],
    )


async def _markets_line() -> Line:
    works = {}
    for markets in (1, 10, 100):
        full, updates = changes(UPDATES, 6, markets)
        for kind in (Acme, Bybit):
            works[f"{kind.name} {markets}"] = lambda kind=kind, markets=markets, full=full, updates=updates: (
                updates_a_second(kind(markets), full, updates)
            )
    figures = await medians(works)
    costs = {markets: 1e6 / figures[f"{Acme.name} {markets}"] for markets in (1, 10, 100)}
    rivals = {Bybit.name: 1e6 / figures[f"{Bybit.name} 100"]}
    score = max(costs.values()) / min(costs.values())
    return Line(
        "book update, 1, 10, 100 markets",
        "µs",
        costs[100],
        score,
        f"highest to lowest ({', '.join(f'{cost:.0f}' for cost in costs.values())} µs)",
        f"≤ {GOAL_FLAT}",
        score <= GOAL_FLAT,
        rivals,
        higher_is_better=False,
    )
