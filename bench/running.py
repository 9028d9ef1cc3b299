"""The connector as it runs: how soon it is ready, how soon it reacts, what memory it takes, and what it holds up."""

import asyncio
import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from bench.books import CountingBook
from bench.market import changes
from bench.measure import ROUNDS, Line, ended
from bench.streams import track_orders
from bench.stub import TICKS, ask, stub
from bench.subjects import Acme, Exhausted, Socket, assistant_on
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.order_book import OrderBook

PAIRS = (1, 20, 100)
GOAL_READY = 3.0
PATIENCE = 180
FRAMES_A_SECOND = 1000
PACED_SECONDS = 3
GOAL_BLOCKED = 5.0
PROBE_SECONDS = 0.001
KILOBYTE = 1024


async def running_lines() -> list[Line]:
    return [await _starting_line(), await _tick_to_trade_line(), await _blocking_line(), *await _memory_lines()]


# ------------------------------------------------------------------------------------------------------------ starting


@asynccontextmanager
async def venue(markets: int) -> AsyncIterator[str]:
    """The real venue, with so many markets, and its URL."""
    with tempfile.TemporaryDirectory() as folder:
        accounts, definitions = Path(folder, "accounts.json"), Path(folder, "markets.json")
        accounts.write_text(json.dumps([{"name": "bench", "key": "key", "secret": "secret", "deposit": 10_000}]))
        accounts.chmod(0o600)
        definitions.write_text(
            json.dumps(
                [
                    {
                        "name": f"C{number}-PERP",
                        "priceIncrement": 0.1,
                        "sizeIncrement": 0.001,
                        "minProvideSize": 0.001,
                        "maxSize": 1000,
                        "startPrice": 1000,
                    }
                    for number in range(markets)
                ]
            )
        )
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "acme_exchange",
                "serve",
                "--port",
                "0",
                "--seed",
                "7",
                "--accounts",
                accounts,
                "--markets",
                definitions,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()
            process.wait()


async def ready_seconds(url: str, pairs: int) -> float:
    """From the connector's start until it may trade on all of its pairs; NaN when that takes three minutes."""
    connector = AcmePerpetualDerivative(
        "key", "secret", url, trading_pairs=[f"C{number}-USD" for number in range(pairs)]
    )
    began = time.monotonic()
    await connector.start_network()
    while not connector.ready and time.monotonic() < began + PATIENCE:
        connector.tick(time.time())
        await asyncio.sleep(0.05)
    seconds = time.monotonic() - began if connector.ready else math.nan
    await connector.stop_network()
    await AcmeConnectionsFactory().close()
    return seconds


async def _starting_line() -> Line:
    async with venue(max(PAIRS)) as url:
        seconds = [await ready_seconds(url, pairs) for pairs in PAIRS]
    shown = ", ".join(f"{each:.1f}" for each in seconds)
    return Line(
        "start to ready, 1, 20, 100 pairs",
        "s",
        seconds[-1],
        seconds[-1],
        f"s at 100 pairs ({shown} s)",
        f"≤ {GOAL_READY:g} s at 100 pairs",
        seconds[-1] <= GOAL_READY,
        {"any of Hummingbot's, at least": float(max(PAIRS))},
        higher_is_better=False,
    )


# ------------------------------------------------------------------------------------------------------- tick to trade


async def reaction_seconds(url: str) -> Sequence[float]:
    """From a book's frame leaving the exchange until the order that it moved the strategy to place is there."""
    subject = Acme(url=url)
    subject.lift_limits()
    connector, pair = subject.connector, subject.pairs[0]
    connector._set_current_timestamp(time.time())

    class Strategy(OrderBook):
        """Reacts to each change of the book at once."""

        def apply_diffs(self, bids, asks, update_id):
            super().apply_diffs(bids, asks, update_id)
            connector.buy(pair, Decimal("0.001"), OrderType.LIMIT, Decimal(50_000), position_action=PositionAction.OPEN)

    tracker = connector.order_book_tracker
    tracker._order_books[pair] = Strategy()
    tracker._tracking_message_queues[pair] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    tasks = [
        asyncio.create_task(each)
        for each in (
            tracker.data_source.listen_for_order_book_diffs(loop, tracker._order_book_diff_stream),
            tracker._order_book_diff_router(),
            tracker._track_single_book(pair),
            tracker.data_source.listen_for_subscriptions(),
        )
    ]
    placed: list[float] = []
    async with asyncio.timeout(PATIENCE):
        while len(placed) < TICKS:
            await asyncio.sleep(0.2)
            placed += ask(url, "placed")
    await ended(*tasks)
    return [later - earlier for later, earlier in zip(placed, ask(url, "ticked"))]


async def _tick_to_trade_line() -> Line:
    async with stub() as url:
        seconds = await reaction_seconds(url)
        await AcmeConnectionsFactory().close()
    cuts = statistics.quantiles(seconds, n=100)
    return Line(
        "tick to trade",
        "ms",
        cuts[49] * 1e3,
        cuts[98] / cuts[49],
        f"p99 ({cuts[98] * 1e3:.2f} ms) to median",
        higher_is_better=False,
    )


# ------------------------------------------------------------------------------------------- what the loop is held up
# by


class PacedSocket(Socket):
    """Frames at a steady pace."""

    def __init__(self, frames: Sequence[str]):
        super().__init__(frames)
        self._due = time.monotonic()

    async def receive(self, timeout: float | None = None):
        self._due += 1 / FRAMES_A_SECOND
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        return await super().receive(timeout)


async def longest_stretch() -> float:
    """Milliseconds for which nothing else could run, at worst, with a thousand frames of ten markets a second."""
    markets = 10
    full, updates = changes(FRAMES_A_SECOND * PACED_SECONDS, 6, markets)
    subject = Acme(markets)
    tracker = subject.connector.order_book_tracker
    loop = asyncio.get_running_loop()
    for pair in subject.pairs:
        tracker._order_books[pair] = CountingBook()
        tracker._tracking_message_queues[pair] = asyncio.Queue()
    CountingBook.expected = -1
    tasks = [
        asyncio.create_task(each)
        for each in (
            tracker.data_source.listen_for_order_book_diffs(loop, tracker._order_book_diff_stream),
            tracker._order_book_diff_router(),
            *(tracker._track_single_book(pair) for pair in subject.pairs),
        )
    ]
    assistant = await assistant_on(subject, PacedSocket(list(map(subject.dialect.book, [*full, *updates]))))
    await subject.subscribe(assistant)
    longest = 0.0

    async def probe() -> None:
        nonlocal longest
        while True:
            began = loop.time()
            await asyncio.sleep(PROBE_SECONDS)
            longest = max(longest, loop.time() - began - PROBE_SECONDS)

    probing = asyncio.create_task(probe())
    with contextlib.suppress(Exhausted):
        await tracker.data_source._process_websocket_messages(assistant)
    await ended(probing, *tasks)
    return longest * 1e3


async def _blocking_line() -> Line:
    worst = statistics.median([await longest_stretch() for _ in range(ROUNDS)])
    return Line(
        "event loop held up, 1,000 frames a second",
        "ms",
        worst,
        worst,
        "ms, the longest stretch",
        f"< {GOAL_BLOCKED:g} ms",
        worst < GOAL_BLOCKED,
        higher_is_better=False,
    )


# -------------------------------------------------------------------------------------------------------------- memory


async def _memory_lines() -> list[Line]:
    market, orders, later = await _market_kilobytes(), *_orders_kilobytes()
    return [
        Line("memory per market", "kB", market, market, "kB, with a full book", higher_is_better=False),
        Line(
            "memory per 1,000 orders",
            "kB",
            orders,
            later / orders,
            f"of it after 1,000 others came and went ({later:.0f} kB)",
            higher_is_better=False,
        ),
    ]


async def _market_kilobytes() -> float:
    markets = 30
    full, _ = changes(0, 6, markets)
    frames = [Acme.dialect.book(change) for change in full]
    tracemalloc.start()
    subject = Acme(markets)
    before = tracemalloc.get_traced_memory()[0]
    assistant = await assistant_on(subject, Socket(frames))
    await subject.subscribe(assistant)
    with contextlib.suppress(Exhausted):
        await subject.connector.order_book_tracker.data_source._process_websocket_messages(assistant)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / markets / KILOBYTE


def _orders_kilobytes() -> tuple[float, float]:
    """Of a thousand open orders; and of the thousand after them, when those before have ended."""
    tracemalloc.start()
    subject = Acme()
    taken = []
    for _ in range(2):
        before = tracemalloc.get_traced_memory()[0]
        track_orders(subject, 1000)
        taken.append((tracemalloc.get_traced_memory()[0] - before) / KILOBYTE)
        for order_id in list(subject.connector.in_flight_orders):
            subject.connector._order_tracker.stop_tracking_order(order_id)
    tracemalloc.stop()
    return taken[0], taken[1]
