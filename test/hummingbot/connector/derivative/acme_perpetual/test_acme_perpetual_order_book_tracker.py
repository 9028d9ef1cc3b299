import asyncio
from test.hummingbot.connector.derivative.acme_perpetual.book_stream_test_case import (
    BookStreamTestCase,
    book_frame,
    partial,
)
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE, eventually, refuses
from unittest.mock import patch

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_market_data as market_data
from hummingbot.core.data_type.order_book_message import OrderBookMessageType
from hummingbot.core.data_type.order_book_row import OrderBookRow

FIRST = [(100.0, 1.0)], [(101.0, 1.0)]


class AcmePerpetualOrderBookTrackerTests(BookStreamTestCase):
    async def test_all_books_begin_with_what_the_subscriptions_bring(self):
        client = await self.start("BTC-USD", "ETH-USD", brings_books=False)

        await client.send(partial("ETH-PERP"))
        await eventually(lambda: "ETH-USD" in self.tracker.order_books)
        self.assertFalse(self.tracker.ready)
        await client.send(partial("BTC-PERP"))
        await self.ready()

        self.assertEqual([FIRST, FIRST], [self.book("BTC-USD"), self.book("ETH-USD")])
        self.assertEqual([], [request for request in self.venue.requests if "orderbook" in request.path])

    async def test_a_book_that_no_subscription_brings_is_asked_for_until_it_comes(self):
        self.rest_book("BTC-PERP", refuses(500, "Please retry request"), 50.0)

        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01), self.assertLogs(level="WARNING") as logs:
            await self.start("BTC-USD", brings_books=False)
            await self.ready()

        self.assertEqual(([(50.0, 1.0)], [(51.0, 1.0)]), self.book())
        self.assertIn("The order book of BTC-USD cannot be had yet (Please retry request).", "\n".join(logs.output))

    async def test_what_is_older_than_its_book_is_dropped(self):
        await self.start("BTC-USD")
        update_id = self.tracker.order_books["BTC-USD"].snapshot_uid

        for late, bid in ((0, 50.0), (1, 60.0)):
            rows = [[OrderBookRow(price, 1.0, update_id + late)] for price in (bid, bid + 1)]
            self.tracker._order_book_snapshot_stream.put_nowait(
                market_data.BookMessage(OrderBookMessageType.SNAPSHOT, "BTC-USD", update_id + late, 1.0, *rows)
            )

        self.assertEqual(([(60.0, 1.0)], [(61.0, 1.0)]), self.book())
        self.assertEqual(1, self.tracker.metrics.total_diffs_rejected)

    async def test_books_begin_again_after_the_network_was_away_and_stay_the_same_objects(self):
        client = await self.start("BTC-USD")
        book = self.tracker.order_books["BTC-USD"]

        self.tracker.start()
        self.assertFalse(self.tracker.ready)
        client = await self.subscribed_client(1)
        await client.send(partial("BTC-PERP"))
        await self.ready()

        self.assertEqual(FIRST, self.book())
        self.assertIs(book, self.tracker.order_books["BTC-USD"])

    async def test_a_pair_is_added_once(self):
        client = await self.start("BTC-USD")

        with self.assertLogs(level="WARNING") as logs:
            self.assertFalse(await self.tracker.add_trading_pair("BTC-USD"))
            adding = asyncio.create_task(self.tracker.add_trading_pair("ETH-USD"))
            await client.expect(op="subscribe", channel="funding", market="ETH-PERP")
            self.assertFalse(await self.tracker.add_trading_pair("ETH-USD"))
        self.assertIn("The order book of BTC-USD is followed already.", "\n".join(logs.output))

        await client.send(partial("ETH-PERP"))
        self.assertTrue(await asyncio.wait_for(adding, PATIENCE))

    async def test_adding_that_is_cancelled_leaves_nothing_behind(self):
        client = await self.start("BTC-USD")
        adding = asyncio.create_task(self.tracker.add_trading_pair("ETH-USD"))
        await client.expect(op="subscribe", channel="funding", market="ETH-PERP")

        adding.cancel()

        await client.expect(op="unsubscribe", channel="funding", market="ETH-PERP")
        await asyncio.wait([adding])
        self.assertTrue(adding.cancelled())
        self.assertEqual(["BTC-USD"], self.data_source._trading_pairs)

    async def test_a_message_that_cannot_be_applied_is_logged_and_the_next_one_is_applied(self):
        client = await self.start("BTC-USD")
        await client.send(partial("BTC-PERP"))
        await self.until_book_is(*FIRST)

        with self.assertLogs(self.tracker.logger(), "ERROR") as logs:
            broken = market_data.BookMessage(OrderBookMessageType.DIFF, "BTC-USD", 1000, 1.0, None, None)
            self.tracker._order_book_diff_stream.put_nowait(broken)
        self.assertIn("Unexpected error applying a change to an order book.", logs.output[0])

        bids = [[100.0, 1.0], [99.0, 1.0]]
        await client.send(book_frame("BTC-PERP", "update", [[99.0, 1.0]], [], of=(bids, [[101.0, 1.0]])))
        await self.until_book_is([(100.0, 1.0), (99.0, 1.0)], [(101.0, 1.0)])
