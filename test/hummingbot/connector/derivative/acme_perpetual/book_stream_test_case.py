"""What the tests of the public data share: a venue's frames, and the connector's public half at work on them."""

import asyncio
import zlib
from itertools import zip_longest
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import (
    PATIENCE,
    LoopbackClient,
    LoopbackVenue,
    eventually,
)
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from types import SimpleNamespace
from typing import Any, Dict, List
from unittest.mock import patch

from bidict import bidict

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_stream as stream,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_order_book_data_source import (
    AcmePerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book_tracker import (
    AcmePerpetualOrderBookTracker,
)


class MarketsOnlyConnector:
    """What the data source asks of the connector: the markets' names, and its tracker."""

    def __init__(self, symbols: Dict[str, str]):
        self.symbols = bidict(symbols)
        self.asked_for: List[List[str]] = []
        self.order_book_tracker = SimpleNamespace(ready=True)  # until a test puts one in its place

    async def trading_pair_symbol_map(self) -> bidict:
        return self.symbols

    async def ask_for_markets(self, trading_pairs: List[str]):
        self.asked_for.append(trading_pairs)

    async def exchange_symbol_associated_to_pair(self, trading_pair: str) -> str:
        return self.symbols.inverse[trading_pair]

    async def trading_pair_associated_to_exchange_symbol(self, symbol: str) -> str:
        return self.symbols[symbol]


def checksum(bids: List[List[float]], asks: List[List[float]]) -> int:
    """The checksum of a small book, best levels first (Acme API §6)."""
    levels = [level for pair in zip_longest(bids, asks, fillvalue=[]) for level in pair]
    return zlib.crc32(":".join(str(float(number)) for level in levels for number in level).encode())


def book_frame(market: str, kind: str, bids: List, asks: List, of=None, time: float = 1700000000.25) -> Dict[str, Any]:
    """A frame of the `orderbook` channel; `of` is the book after it, where that is not the frame's own levels."""
    data = {"time": time, "checksum": checksum(*(of or (bids, asks))), "bids": bids, "asks": asks, "action": kind}
    return {"channel": "orderbook", "market": market, "type": kind, "data": data}


def partial(market: str, bids=((100.0, 1.0),), asks=((101.0, 1.0),)) -> Dict[str, Any]:
    return book_frame(market, "partial", [list(level) for level in bids], [list(level) for level in asks])


class DataSourceTestCase(IsolatedAsyncioWrapperTestCase):
    symbols = {"BTC-PERP": "BTC-USD", "ETH-PERP": "ETH-USD"}
    trading_pair = "BTC-USD"

    def create_data_source(self, trading_pairs: List[str], domain: str = CONSTANTS.DEFAULT_DOMAIN):
        self.connector = MarketsOnlyConnector(self.symbols)
        return AcmePerpetualAPIOrderBookDataSource(
            trading_pairs=trading_pairs,
            connector=self.connector,
            api_factory=web_utils.build_api_factory(domain=domain),
            domain=domain,
        )

    def run_in_background(self, coroutine) -> asyncio.Task:
        task = asyncio.create_task(coroutine)
        self.addAsyncCleanup(self.stop, task)
        return task

    async def stop(self, task: asyncio.Task):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class BookStreamTestCase(DataSourceTestCase):
    """The data source and the tracker as they are in production, over real sockets."""

    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.enterContext(patch.object(stream, "TICK", 0.01))
        self.enterContext(patch.object(CONSTANTS, "RESUBSCRIPTION_INTERVAL", 0.05))
        self.enterContext(patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", PATIENCE))

    async def start(self, *trading_pairs: str, brings_books: bool = True, subscribed: int = 0) -> LoopbackClient:
        """Starts tracking, and returns the connection after its subscriptions; as a rule, with a first book of each.

        :param subscribed: how many pairs are subscribed to, where that is not all of them
        """
        self.data_source = self.create_data_source(list(trading_pairs), self.venue.url)
        self.venue.answer("GET", "/api/markets", [])
        self.tracker = AcmePerpetualOrderBookTracker(self.data_source, list(trading_pairs), domain=self.venue.url)
        self.connector.order_book_tracker = self.tracker
        self.tracker.start()
        self.addCleanup(self.tracker.stop)
        client = await self.subscribed_client(subscribed or len(trading_pairs))
        if brings_books:
            for pair in trading_pairs:
                await client.send(partial(self.connector.symbols.inverse[pair], [(1.0, 9.0)], [(9999999.0, 9.0)]))
            await self.ready()
        return client

    async def ready(self):
        await asyncio.wait_for(self.tracker.wait_ready(), PATIENCE)

    def rest_book(self, market: str, *answers: Any):
        """What `GET /markets/{market}/orderbook` answers: best bids, each of a book of its own, or functions."""
        books = [a if callable(a) else {"bids": [[a, 1.0]], "asks": [[a + 1, 1.0]], "time": 1.0} for a in answers]
        self.venue.answer("GET", f"/api/markets/{market}/orderbook", *books)

    async def subscribed_client(self, pairs: int) -> LoopbackClient:
        client = await self.venue.client()
        for _ in range(pairs):
            for channel in CONSTANTS.PUBLIC_CHANNELS:
                await client.expect(op="subscribe", channel=channel)
        return client

    def book(self, trading_pair: str = "BTC-USD"):
        """The tracker's book, as (price, size) levels, best first."""
        book = self.tracker.order_books[trading_pair]
        return (
            [(row.price, row.amount) for row in book.bid_entries()],
            [(row.price, row.amount) for row in book.ask_entries()],
        )

    async def until_book_is(self, bids, asks, trading_pair: str = "BTC-USD"):
        await eventually(lambda: self.book(trading_pair) == (bids, asks))
