import asyncio
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from typing import Awaitable, Callable, Dict, List
from unittest.mock import patch

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_market_data as market_data
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book_tracker import (
    AcmePerpetualOrderBookTracker,
)
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessage


async def forever(*_):
    await asyncio.Event().wait()


def snapshot(trading_pair: str, update_id: int, bid: float) -> OrderBookMessage:
    frame = {"data": {"time": 1.0, "checksum": 0, "bids": [[bid, 1.0]], "asks": [[bid + 1, 1.0]]}}
    return market_data.book_snapshot_message(trading_pair, frame, update_id)


def diff(trading_pair: str, update_id: int, bid: float, size: float = 1.0) -> OrderBookMessage:
    frame = {"data": {"time": 1.0, "checksum": 0, "bids": [[bid, size]], "asks": []}}
    return market_data.book_diff_message(trading_pair, frame, update_id)


class FedDataSource:
    """A data source that brings what the tests put into its queues."""

    order_book_create_function = OrderBook
    listen_for_trades = listen_for_subscriptions = forever

    def __init__(self):
        self.diffs: asyncio.Queue = asyncio.Queue()
        self.snapshots: asyncio.Queue = asyncio.Queue()
        self.asked_for: List[str] = []
        self.answers: Dict[str, Callable[[], Awaitable[OrderBookMessage]]] = {}

    async def listen_for_order_book_diffs(self, _, output: asyncio.Queue):
        while True:
            output.put_nowait(await self.diffs.get())

    async def listen_for_order_book_snapshots(self, _, output: asyncio.Queue):
        while True:
            output.put_nowait(await self.snapshots.get())

    async def get_last_traded_prices(self, trading_pairs: List[str], domain: str = "") -> Dict[str, float]:
        return {trading_pair: 1.0 for trading_pair in trading_pairs}

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        return True

    async def get_new_order_book(self, trading_pair: str) -> OrderBook:
        self.asked_for.append(trading_pair)
        message = await self.answers[trading_pair]()
        order_book = OrderBook()
        order_book.apply_snapshot(message.bids, message.asks, message.update_id)
        return order_book


class AcmePerpetualOrderBookTrackerTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        self.data_source = FedDataSource()
        self.enterContext(patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", PATIENCE))

    def start(self, *trading_pairs: str):
        self.tracker = AcmePerpetualOrderBookTracker(self.data_source, list(trading_pairs))
        self.tracker.start()
        self.addCleanup(self.tracker.stop)

    async def ready(self):
        async with asyncio.timeout(PATIENCE):
            await self.tracker.wait_ready()

    async def bids_become(self, trading_pair: str, expected: List[float]):
        async with asyncio.timeout(PATIENCE):
            while self.bids(trading_pair) != expected:
                await asyncio.sleep(0)

    def bids(self, trading_pair: str) -> List[float]:
        book = self.tracker.order_books.get(trading_pair)
        return [] if book is None else [row.price for row in book.bid_entries()]

    async def test_all_books_begin_with_what_the_subscriptions_bring(self):
        self.start("A-USD", "B-USD")
        with patch.object(self.tracker, "_sleep", side_effect=AssertionError("slept")):
            self.data_source.diffs.put_nowait(snapshot("B-USD", 1, 200.0))
            await self.bids_become("B-USD", [200.0])
            self.assertFalse(self.tracker.ready)
            self.data_source.diffs.put_nowait(snapshot("A-USD", 2, 100.0))
            self.data_source.diffs.put_nowait(diff("A-USD", 3, 99.0))
            await self.ready()

        await self.bids_become("A-USD", [100.0, 99.0])
        self.assertEqual([], self.data_source.asked_for)

    async def test_a_book_that_no_subscription_brings_is_asked_for_until_it_comes(self):
        answers = iter([IOError("down"), snapshot("A-USD", 1, 100.0)])

        async def answer():
            given = next(answers)
            if isinstance(given, Exception):
                raise given
            return given

        self.data_source.answers["A-USD"] = answer
        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01), self.assertLogs(level="WARNING") as logs:
            self.start("A-USD")
            await self.ready()

        self.assertEqual([100.0], self.bids("A-USD"))
        self.assertIn("The order book of A-USD cannot be had yet (down). Asking again.", logs.output[0])

    async def test_an_answer_by_rest_does_not_replace_what_the_subscription_brought_meanwhile(self):
        asked, answered = asyncio.Event(), asyncio.Event()

        async def answer():
            asked.set()
            await answered.wait()
            return snapshot("A-USD", 1, 50.0)

        self.data_source.answers["A-USD"] = answer
        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01):
            self.start("A-USD")
            await asked.wait()
            self.data_source.diffs.put_nowait(snapshot("A-USD", 2, 100.0))
            await self.bids_become("A-USD", [100.0])
            answered.set()
            await self.ready()

        self.assertEqual([100.0], self.bids("A-USD"))

    async def test_a_snapshot_by_rest_that_is_older_than_its_book_is_dropped(self):
        self.start("A-USD")
        self.data_source.diffs.put_nowait(snapshot("A-USD", 5, 100.0))
        await self.ready()
        self.data_source.snapshots.put_nowait(snapshot("A-USD", 4, 50.0))
        self.data_source.snapshots.put_nowait(snapshot("A-USD", 6, 60.0))

        await self.bids_become("A-USD", [60.0])
        self.assertEqual(1, self.tracker.metrics.total_diffs_rejected)

    async def test_what_comes_before_an_added_pairs_book_is_applied_to_it(self):
        self.start("A-USD")
        self.data_source.diffs.put_nowait(snapshot("A-USD", 1, 100.0))
        await self.ready()

        async def answer():
            self.data_source.diffs.put_nowait(diff("B-USD", 3, 199.0))
            while not self.tracker._saved_message_queues["B-USD"]:
                await asyncio.sleep(0)
            return snapshot("B-USD", 2, 200.0)

        self.data_source.answers["B-USD"] = answer
        self.assertTrue(await self.tracker.add_trading_pair("B-USD"))
        self.data_source.diffs.put_nowait(diff("B-USD", 4, 200.0, size=0.0))

        await self.bids_become("B-USD", [199.0])

    async def test_books_begin_again_after_the_network_was_away(self):
        self.start("A-USD")
        self.data_source.diffs.put_nowait(snapshot("A-USD", 1, 100.0))
        await self.ready()
        self.tracker.start()
        self.assertFalse(self.tracker.ready)
        self.data_source.diffs.put_nowait(snapshot("A-USD", 2, 90.0))
        await self.ready()

        self.assertEqual([90.0], self.bids("A-USD"))

    async def test_a_message_that_cannot_be_applied_is_logged_and_the_next_one_is_applied(self):
        self.start("A-USD")
        self.data_source.diffs.put_nowait(snapshot("A-USD", 1, 100.0))
        await self.ready()
        for update_id, queue in ((2, self.data_source.snapshots), (4, self.data_source.diffs)):
            broken = snapshot("A-USD", update_id, 50.0)
            broken.content["bids"] = None
            with self.assertLogs(self.tracker.logger(), "ERROR") as logs:
                queue.put_nowait(broken)
                queue.put_nowait(snapshot("A-USD", update_id + 1, 60.0 + update_id))
                await self.bids_become("A-USD", [60.0 + update_id])
            self.assertIn("Unexpected error applying a change to an order book.", logs.output[0])
