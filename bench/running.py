"""The connector as it runs: how soon it is ready, how soon it reacts, what memory it takes, and what it holds up."""

import asyncio
import gc
import json
import math
import statistics
import tempfile
import time
import tracemalloc
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import aiohttp

from bench.market import DEPTH, Change, Hyperliquid, changes
from bench.measure import NOISE, Line, beside_rivals, ended, interleaved, tails
from bench.serving import start_venue
from bench.streams import track_orders
from bench.stub import ask, stub
from bench.subjects import ALL, Acme, Socket, Subject, Tracking, YieldingSocket
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.order_book import OrderBook

PAIRS = (1, 20, 100)
GOAL_READY = 3.0
PATIENCE = 180
FRAMES_A_SECOND = 1000
PACED_SECONDS = 3
PACED_MARKETS = 10
GOAL_BLOCKED = 5.0
GOAL_TICK = 1.1
GOAL_MEMORY = 1.1
TICKS = 60
TICK_SECONDS = 0.05
ROUNDS_OF_TICKS = 5
ROUNDS_OF_MEMORY = 3
MEMORY_SAYS = f"of Python's, {DEPTH} levels a side, also of hyperliquid's; only we keep what verifies a book"
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
        process = start_venue(accounts, "--markets", str(definitions))
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


class TickingSocket(Socket):
    """A frame each so many seconds, which notes when it came."""

    def __init__(self, frames: Sequence[str], seconds: float):
        super().__init__(frames)
        self._seconds = seconds
        self._due = time.monotonic()
        self.ticked: list[float] = []

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
        self._due += self._seconds
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        message = await super().receive(timeout)
        self.ticked.append(time.monotonic())
        return message


async def reaction_seconds(subject: Subject, url: str) -> Sequence[float]:
    """From a book's frame at the connector until the order that it moved the strategy to place is at the exchange."""
    subject.lift_limits()
    connector, pair = subject.connector, subject.pairs[0]
    connector._set_current_timestamp(time.time())

    class Strategy(OrderBook):
        """Reacts to each change of the book at once."""

        def apply_diffs(self, bids, asks, update_id):
            super().apply_diffs(bids, asks, update_id)
            self._react()

        def restore_from_snapshot_and_diffs(self, snapshot, diffs):
            super().restore_from_snapshot_and_diffs(snapshot, diffs)
            self._react()

        def _react(self):
            connector.buy(pair, Decimal("0.001"), OrderType.LIMIT, Decimal(50_000), position_action=PositionAction.OPEN)

    full, updates = changes(TICKS, 6)
    socket = TickingSocket(list(map(subject.dialect.book, updates)), TICK_SECONDS)
    ask(url, "placed")
    async with Tracking(subject, Strategy) as tracking:
        await tracking.begin(full)
        await tracking.read(socket)
        placed: list[float] = []
        async with asyncio.timeout(PATIENCE):
            while len(placed) < TICKS:
                await asyncio.sleep(0.2)
                placed += ask(url, "placed").get(subject.name, [])
    # The first of them makes the connection.
    return [later - earlier for later, earlier in zip(placed[1:], socket.ticked[1:])]


async def _tick_to_trade_line() -> Line:
    times: dict[str, list[list[float]]] = defaultdict(list)

    async def react(kind: type[Subject], url: str) -> float:
        milliseconds = [seconds * 1e3 for seconds in await reaction_seconds(kind(url=url), url)]
        times[kind.name].append(milliseconds)
        return statistics.median(milliseconds)

    async with stub() as url:
        figures = await interleaved({kind.name: lambda kind=kind: react(kind, url) for kind in ALL}, ROUNDS_OF_TICKS)
        await AcmeConnectionsFactory().close()
    remark = f"{tails(times)}; the rivals' books are not verified"
    return beside_rivals("tick to trade", "ms", figures, Acme.name, GOAL_TICK, remark)


# ------------------------------------------------------------------------------------ what the event loop is held up by


async def longest_stretch(subject: Subject, full: Sequence[Change], updates: Sequence[Change]) -> float:
    """Milliseconds for which nothing else could run, at worst, with a thousand frames a second."""
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def probe() -> None:
        nonlocal longest
        while True:
            began = loop.time()
            await asyncio.sleep(PROBE_SECONDS)
            longest = max(longest, loop.time() - began - PROBE_SECONDS)

    frames = list(map(subject.dialect.book, updates))
    async with Tracking(subject) as tracking:
        await tracking.begin(full)
        socket = TickingSocket(frames, 1 / FRAMES_A_SECOND)
        probing = asyncio.create_task(probe())
        await tracking.read(socket)
        await ended(probing)
    return longest * 1e3


async def _blocking_line() -> Line:
    full, updates = changes(FRAMES_A_SECOND * PACED_SECONDS, 6, PACED_MARKETS)
    figures = await interleaved(
        {kind.name: lambda kind=kind: longest_stretch(kind(PACED_MARKETS), full, updates) for kind in ALL}
    )
    ours = figures.pop(Acme.name)
    low, worst, high = statistics.quantiles(ours, n=4)
    says = f"ms, the longest stretch, {low:.1f} to {high:.1f}"
    if worst < GOAL_BLOCKED <= high:
        says += NOISE
    return Line(
        "event loop held up, 1,000 frames a second",
        "ms",
        worst,
        worst,
        says,
        f"< {GOAL_BLOCKED:g} ms",
        high < GOAL_BLOCKED,
        {name: statistics.median(each) for name, each in figures.items()},
        higher_is_better=False,
        spread=[low, high],
    )


# -------------------------------------------------------------------------------------------------------------- memory


async def _memory_lines() -> list[Line]:
    markets = await interleaved(
        {kind.name: lambda kind=kind: _market_kilobytes(kind) for kind in ALL}, ROUNDS_OF_MEMORY
    )
    orders, later = _orders_kilobytes()
    return [
        beside_rivals("memory per market", "kB", markets, Acme.name, GOAL_MEMORY, MEMORY_SAYS),
        Line(
            "memory per 1,000 orders",
            "kB",
            orders,
            later / orders,
            f"of it after 1,000 others came and went ({later:.0f} kB)",
            higher_is_better=False,
        ),
    ]


async def _market_kilobytes(kind: type[Subject]) -> float:
    """What a market that is followed takes of Python's memory; what Hummingbot's book takes beside it is the same for
    all, and so are the levels: an exchange that always tells whole books tells them whole."""
    markets = 30
    full, updates = changes(40 * markets, 6, markets)
    first = kind(markets)
    async with Tracking(first) as tracking:  # whatever is made once and stays
        await tracking.begin(full)
    subject = kind(markets)
    if isinstance(subject.dialect, Hyperliquid):
        subject.dialect = Hyperliquid(DEPTH)
    frames = list(map(subject.dialect.book, updates))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    async with Tracking(subject) as tracking:
        await tracking.begin(full)
        await tracking.read(YieldingSocket(frames))
        gc.collect()
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
