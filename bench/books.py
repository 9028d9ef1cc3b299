"""Book updates: from the raw frame to Hummingbot's book."""

import json
import statistics
import time
from collections.abc import Sequence

from bench.market import SHOWN, Change, changes
from bench.measure import TRIES, Line, beside_rivals, interleaved
from bench.subjects import WITH_BOOKS, Acme, Bybit, Socket, Subject, Tracking, YieldingSocket
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow

UPDATES = 1500
UPDATES_OF_MANY = 6000
"""Where markets are compared with each other: what a few milliseconds of something else cost does not decide."""
TRIES_OF_MANY = 5
"""There too: the highest of three costs, beside the lowest, is as far from it as any of the three was held up."""
NOT_TIMED = 3
"""Of each market's updates, the first: a book is new only once."""
GOAL_ONE_BY_ONE = 1.1
GOAL_BURST = 2.0
GOAL_FLAT = 1.10
DIFFERENCES = f"only ours is verified; hyperliquid's frames are whole books of {SHOWN} levels a side"


async def updates_a_second(
    subject: Subject, full: Sequence[Change], updates: Sequence[Change], socket: type[Socket]
) -> float:
    """Updates in a second of the processor's time, from the frame's text to Hummingbot's book.

    :raises AssertionError: when a book is not what the frames make of it
    """
    frames = [subject.dialect.book(change) for change in updates]
    async with Tracking(subject) as tracking:
        await tracking.begin(full)
        begun = NOT_TIMED * len(full)
        await tracking.read(socket(frames[:begun]))
        reading = socket(frames[begun:])
        began = time.process_time()
        await tracking.read(reading)
        seconds = time.process_time() - began
        for number, pair in enumerate(subject.pairs):
            _assert_right(tracking.tracker.order_books[pair], number, full, updates, subject.depth)
    return (len(frames) - begun) / seconds


def _assert_right(
    book: OrderBook, market: int, full: Sequence[Change], updates: Sequence[Change], depth: int | None
) -> None:
    bids = dict(full[market].bids)
    for change in updates:
        if change.market == market:
            bids.update(change.bids)
    assert [(row.price, row.amount) for row in book.bid_entries()] == sorted(bids.items(), reverse=True)[:depth]


def floor_a_second(subject: Subject, updates: Sequence[Change]) -> float:
    """The least there is: the frame's JSON parsed, and its levels applied, by nobody's connector."""
    frames = [subject.dialect.book(change) for change in updates]
    book = OrderBook()
    began = time.process_time()
    for number, frame in enumerate(frames):
        levels = json.loads(frame)["data"]
        book.apply_diffs(
            [OrderBookRow(price, size, number) for price, size in levels["bids"]],
            [OrderBookRow(price, size, number) for price, size in levels["asks"]],
            number,
        )
    return len(frames) / (time.process_time() - began)


async def book_lines() -> list[Line]:
    lines = []
    for levels in (6, 40):
        lines.append(await _levels_line(levels, "one by one", YieldingSocket, GOAL_ONE_BY_ONE))
        lines.append(await _levels_line(levels, "in a burst", Socket, GOAL_BURST))
    return [*lines, await _markets_line()]


async def _levels_line(levels: int, pace: str, socket: type[Socket], goal: float) -> Line:
    full, updates = changes(UPDATES, levels)
    figures = await interleaved(
        {kind.name: lambda kind=kind: updates_a_second(kind(), full, updates, socket) for kind in WITH_BOOKS},
        tries=TRIES,
    )
    floor = statistics.median(floor_a_second(Acme(), updates) for _ in range(3))
    remark = DIFFERENCES + ("; we merge what waits" if socket is Socket else "")
    name = f"book update, {levels} levels, {pace}"
    return beside_rivals(name, "updates/s", figures, Acme.name, goal, remark, floor)


async def _markets_line() -> Line:
    counts = (1, 10, 100)
    works = {}
    for count in counts:
        full, updates = changes(UPDATES_OF_MANY, 6, count)
        for kind in (Acme, Bybit):
            works[f"{kind.name} {count}"] = lambda kind=kind, count=count, full=full, updates=updates: updates_a_second(
                kind(count), full, updates, YieldingSocket
            )
    figures = await interleaved(works, tries=TRIES_OF_MANY)
    costs, theirs = (
        [1e6 / statistics.median(figures[f"{kind.name} {count}"]) for count in counts] for kind in (Acme, Bybit)
    )
    scores = [max(each) / min(each) for each in zip(*(figures[f"{Acme.name} {count}"] for count in counts))]
    low, score, high = statistics.quantiles(scores, n=4)
    ours_shown, theirs_shown = (", ".join(f"{cost:.0f}" for cost in each) for each in (costs, theirs))
    return Line(
        "book update, 1, 10, 100 markets",
        "µs",
        costs[-1],
        score,
        f"highest to lowest of a round, {low:.2f} to {high:.2f} ({ours_shown} µs; bybit {theirs_shown})",
        f"≤ {GOAL_FLAT}",
        high <= GOAL_FLAT,
        {Bybit.name: theirs[-1]},
        higher_is_better=False,
        spread=[low, high],
    )
