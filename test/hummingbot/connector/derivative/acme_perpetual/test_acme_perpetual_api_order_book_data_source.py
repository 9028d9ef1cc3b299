import asyncio
import json
import math
from contextlib import suppress
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual.book_stream_test_case import (
    BookStreamTestCase,
    DataSourceTestCase,
    book_frame,
    partial,
)
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import (
    PATIENCE,
    LoopbackClient,
    LoopbackVenue,
    eventually,
    refuses,
)
from test.hummingbot.connector.derivative.acme_perpetual.recordings import book_frames, needs_recordings
from types import SimpleNamespace
from typing import Any, Awaitable, Dict, List
from unittest.mock import AsyncMock, MagicMock, patch

from aiohttp import web
from aioresponses import aioresponses
from bidict import bidict

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_stream as stream
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_order_book_data_source import (
    AcmePerpetualAPIOrderBookDataSource,
    MarketsConnection,
)
from hummingbot.connector.test_support.network_mocking_assistant import NetworkMockingAssistant
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessageType

BASE = "http://127.0.0.1:8600/api"


TRADES_FRAME = {
    "channel": "trades",
    "market": "BTC-PERP",
    "type": "update",
    "data": [
        {
            "id": 1473821769,
            "price": 32820.0,
            "size": 0.25,
            "side": "sell",
            "liquidation": False,
            "time": "2021-07-22T22:45:25.101992+00:00",
        },
        {
            "id": 1473821770,
            "price": 32821.0,
            "size": 0.5,
            "side": "buy",
            "liquidation": False,
            "time": "2021-07-22T22:45:25.201992+00:00",
        },
    ],
}
FUNDING_TEXT = """
{"channel": "funding", "market": "BTC-PERP", "type": "update", "data": {"future": "BTC-PERP",
"index": 32810.1234567890123456789, "mark": 32815.5, "nextFundingRate": -1.25e-05,
"nextFundingTime": "2026-01-02T04:00:00+00:00", "openInterest": 12.5, "time": 1700000000}}
"""
ORDER_BOOK_ANSWER = {
    "success": True,
    "result": {"bids": [[32819.0, 1.5], [32818.0, 2.0]], "asks": [[32820.0, 0.75]], "time": 1700000000.25},
}
MARKET = {
    "name": "BTC-PERP",
    "type": "future",
    "underlying": "BTC",
    "enabled": True,
    "priceIncrement": 1.0,
    "sizeIncrement": 0.0001,
    "minProvideSize": 0.001,
    "last": 32820.0,
    "bid": 32819.0,
    "ask": 32820.0,
}
FUTURE_ANSWER = """
{"success": true, "result": {"name": "BTC-PERP", "underlying": "BTC", "type": "perpetual", "perpetual": true,
"index": 32810.1234567890123456789, "mark": 32815.5, "nextFundingRate": -1.25e-05,
"nextFundingTime": "2026-01-02T04:00:00+00:00"}}
"""


class AcmePerpetualAPIOrderBookDataSourceTests(DataSourceTestCase):
    async def asyncSetUp(self):
        self.data_source = self.create_data_source([self.trading_pair])
        self.output = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.mocking_assistant = NetworkMockingAssistant()
        await self.mocking_assistant.async_init()

    def connect_data_source(self) -> MagicMock:
        """Gives the data source a connection that carries BTC-USD, and returns what it sends with."""
        ws = MagicMock(send=AsyncMock())
        self.data_source._connections = [MarketsConnection(["BTC-USD"], ws)]
        return ws

    def next_output(self) -> Any:
        return self.output.get_nowait()

    # By REST

    @aioresponses()
    async def test_get_new_order_book_successful(self, mock_api):
        mock_api.get(f"{BASE}/markets/BTC-PERP/orderbook?depth=100", body=json.dumps(ORDER_BOOK_ANSWER))

        order_book: OrderBook = await self.data_source.get_new_order_book(self.trading_pair)

        self.assertGreater(order_book.snapshot_uid, 0)
        bids, asks = list(order_book.bid_entries()), list(order_book.ask_entries())
        self.assertEqual([(32819.0, 1.5), (32818.0, 2.0)], [(bid.price, bid.amount) for bid in bids])
        self.assertEqual([(32820.0, 0.75)], [(ask.price, ask.amount) for ask in asks])

    @aioresponses()
    async def test_get_new_order_book_raises_exception(self, mock_api):
        mock_api.get(
            f"{BASE}/markets/BTC-PERP/orderbook?depth=100",
            status=404,
            body=json.dumps({"success": False, "error": "No such market: BTC-PERP"}),
        )

        with self.assertRaisesRegex(IOError, "^No such market: BTC-PERP$"):
            await self.data_source.get_new_order_book(self.trading_pair)

    @aioresponses()
    async def test_get_funding_info(self, mock_api):
        mock_api.get(f"{BASE}/futures/BTC-PERP", body=FUTURE_ANSWER)

        info = await self.data_source.get_funding_info(self.trading_pair)

        self.assertEqual(self.trading_pair, info.trading_pair)
        self.assertEqual(Decimal("32810.1234567890123456789"), info.index_price)
        self.assertEqual(Decimal("32815.5"), info.mark_price)
        self.assertEqual(Decimal("-0.0000125"), info.rate)
        self.assertEqual(1767326400, info.next_funding_utc_timestamp)

    @aioresponses()
    async def test_get_last_traded_prices(self, mock_api):
        markets = [
            MARKET,
            {**MARKET, "name": "ETH-PERP", "underlying": "ETH", "last": None},
            {**MARKET, "name": "BTC-1231", "last": 1.0},
            {**MARKET, "name": "X-PERP", "underlying": "X"},
        ]
        mock_api.get(f"{BASE}/markets", body=json.dumps({"success": True, "result": markets}))

        prices = await self.data_source.get_last_traded_prices(["BTC-USD", "ETH-USD"], domain="any")

        self.assertEqual(32820.0, prices.pop("BTC-USD"))
        # A pair that is left out would be asked for again at once, and for ever.
        self.assertEqual(["ETH-USD"], list(prices))
        self.assertTrue(math.isnan(prices["ETH-USD"]))

    # Subscriptions

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_subscribes_to_trades_and_order_diffs_and_funding_info(self, ws_connect):
        ws_connect.return_value = self.mocking_assistant.create_websocket_mock()
        for frame in (
            {"type": "subscribed", "channel": "trades", "market": "BTC-PERP"},
            {"type": "subscribed", "channel": "orderbook", "market": "BTC-PERP"},
            {"type": "subscribed", "channel": "funding", "market": "BTC-PERP"},
        ):
            self.mocking_assistant.add_websocket_aiohttp_message(ws_connect.return_value, json.dumps(frame))

        with self.assertLogs(self.data_source.logger(), "INFO") as logs:
            self.run_in_background(self.data_source.listen_for_subscriptions())
            await self.mocking_assistant.run_until_all_aiohttp_messages_delivered(ws_connect.return_value)

        self.assertEqual(
            [
                {"op": "subscribe", "channel": channel, "market": "BTC-PERP"}
                for channel in ("orderbook", "trades", "funding")
            ],
            self.mocking_assistant.json_messages_sent_through_websocket(ws_connect.return_value),
        )
        self.assertEqual("ws://127.0.0.1:8600/ws/", ws_connect.call_args.args[0])
        self.assertIn("Subscribed to public order book, trade and funding info channels...", logs.output[0])

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_raises_cancel_exception(self, ws_connect):
        ws_connect.side_effect = asyncio.CancelledError

        with self.assertRaises(asyncio.CancelledError):
            await self.data_source.listen_for_subscriptions()

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_subscriptions_logs_exception_details(self, ws_connect):
        ws_connect.side_effect = [Exception("TEST ERROR"), asyncio.CancelledError]

        with (
            patch.object(self.data_source, "_sleep", AsyncMock()) as sleep,
            self.assertLogs(self.data_source.logger(), "ERROR") as logs,
            self.assertRaises(asyncio.CancelledError),
        ):
            await self.data_source.listen_for_subscriptions()

        self.assertIn("Unexpected error in the order book stream. Connecting again.", logs.output[0])
        self.assertIn("TEST ERROR", logs.output[0])
        sleep.assert_awaited_once()
        self.assertLessEqual(sleep.await_args.args[0], CONSTANTS.RECONNECT_DELAY_MIN)

    async def test_subscribe_channels_raises_cancel_exception(self):
        ws = MagicMock(send=AsyncMock(side_effect=asyncio.CancelledError))

        with self.assertRaises(asyncio.CancelledError):
            await self.data_source._subscribe_channels(ws)

    async def test_subscribe_channels_raises_exception_and_logs_error(self):
        ws = MagicMock(send=AsyncMock(side_effect=Exception("Test Error")))

        with (
            self.assertLogs(self.data_source.logger(), "ERROR") as logs,
            self.assertRaisesRegex(Exception, "Test Error"),
        ):
            await self.data_source._subscribe_channels(ws)

        self.assertIn("Unexpected error subscribing to the order book stream.", logs.output[0])

    async def test_subscribe_channels_goes_on_without_a_market_that_is_not_traded(self):
        self.data_source._trading_pairs = ["OLD-USD", "BTC-USD"]
        ws = MagicMock(send=AsyncMock())

        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            await self.data_source._subscribe_channels(ws)

        self.assertIn("OLD-USD is no market that can be traded at present", logs.output[0])
        self.assertEqual({"BTC-PERP"}, {call.args[0].payload["market"] for call in ws.send.await_args_list})

    async def test_subscribe_channels_waits_for_the_markets_names(self):
        self.connector.symbols.clear()

        with self.assertRaises(ConnectionError):
            await self.data_source._subscribe_channels(MagicMock())

    async def test_subscribe_to_trading_pair_successful(self):
        ws = self.connect_data_source()

        self.assertTrue(await self.data_source.subscribe_to_trading_pair("ETH-USD"))

        self.assertEqual(
            [
                ("subscribe", "orderbook", "ETH-PERP"),
                ("subscribe", "trades", "ETH-PERP"),
                ("subscribe", "funding", "ETH-PERP"),
            ],
            [tuple(call.args[0].payload.values()) for call in ws.send.await_args_list],
        )
        self.assertEqual(["BTC-USD", "ETH-USD"], self.data_source._trading_pairs)

    async def test_unsubscribe_from_trading_pair_successful(self):
        ws = self.connect_data_source()
        await self.data_source.subscribe_to_trading_pair("BTC-USD")
        ws.send.reset_mock()

        self.assertTrue(await self.data_source.unsubscribe_from_trading_pair("BTC-USD"))

        self.assertEqual(
            [("unsubscribe", channel, "BTC-PERP") for channel in ("orderbook", "trades", "funding")],
            [tuple(call.args[0].payload.values()) for call in ws.send.await_args_list],
        )
        self.assertEqual([], self.data_source._trading_pairs)

    async def test_dynamic_subscriptions_fail_without_a_connection(self):
        for change in (self.data_source.subscribe_to_trading_pair, self.data_source.unsubscribe_from_trading_pair):
            with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
                self.assertFalse(await change("ETH-USD"))
            self.assertIn("ETH-USD while the order book stream is not connected", logs.output[0])
        self.assertEqual(["BTC-USD"], self.data_source._trading_pairs)

    async def test_dynamic_subscriptions_fail_with_the_connection(self):
        ws = self.connect_data_source()
        await self.data_source._subscribe(ws, "BTC-USD")
        ws.send.side_effect = ConnectionError("gone")
        for change, trading_pair in (
            (self.data_source.subscribe_to_trading_pair, "ETH-USD"),
            (self.data_source.unsubscribe_from_trading_pair, "BTC-USD"),
        ):
            with self.assertLogs(self.data_source.logger(), "ERROR") as logs:
                self.assertFalse(await change(trading_pair))
            self.assertIn("gone", logs.output[0])

    async def test_dynamic_subscriptions_can_be_cancelled(self):
        ws = self.connect_data_source()
        await self.data_source._subscribe(ws, "BTC-USD")
        ws.send.side_effect = asyncio.CancelledError
        with self.assertRaises(asyncio.CancelledError):
            await self.data_source.subscribe_to_trading_pair("ETH-USD")
        with self.assertRaises(asyncio.CancelledError):
            await self.data_source.unsubscribe_from_trading_pair("BTC-USD")

    async def test_a_pair_is_subscribed_to_once(self):
        ws = self.connect_data_source()
        for _ in range(2):
            self.assertTrue(await self.data_source.subscribe_to_trading_pair("ETH-USD"))
        self.assertEqual(3, ws.send.await_count)

    async def test_a_pair_whose_market_is_gone_can_still_be_unsubscribed_from(self):
        ws = self.connect_data_source()
        await self.data_source.subscribe_to_trading_pair("ETH-USD")
        self.connector.symbols.pop("ETH-PERP")

        self.assertTrue(await self.data_source.unsubscribe_from_trading_pair("ETH-USD"))
        self.assertTrue(await self.data_source.unsubscribe_from_trading_pair("ETH-USD"))
        self.assertEqual(6, ws.send.await_count)

    async def test_what_one_connection_cannot_carry_gets_further_ones(self):
        venue = LoopbackVenue()
        await venue.start()
        self.addAsyncCleanup(venue.stop)
        names = [f"N{n}" for n in range(CONSTANTS.MAX_STREAMED_PAIRS + 7)]
        data_source = self.create_data_source([f"{name}-USD" for name in names], venue.url)
        self.connector.symbols = bidict({f"{name}-PERP": f"{name}-USD" for name in [*names, "NEW"]})
        self.run_in_background(data_source.listen_for_subscriptions())
        clients = [await venue.client(), await venue.client()]
        subscribed = [set(), set()]
        await eventually(lambda: sum(client.frames_waiting() for client in clients) == 3 * len(names))
        for client, markets in zip(clients, subscribed):
            while client.has_frames():
                markets.add((await client.next_frame())["market"])

        self.assertEqual([7, CONSTANTS.MAX_STREAMED_PAIRS], sorted(map(len, subscribed)))
        self.assertEqual({f"{name}-PERP" for name in names}, subscribed[0] | subscribed[1])

    async def test_a_pair_that_no_connection_has_room_for_gets_a_new_one(self):
        ws = self.connect_data_source()
        self.data_source._connections[0].trading_pairs = [f"N{n}-USD" for n in range(CONSTANTS.MAX_STREAMED_PAIRS)]
        opened = []
        with patch.object(self.data_source, "_keep_connected", AsyncMock(side_effect=opened.append)):
            self.assertTrue(await self.data_source.subscribe_to_trading_pair("ETH-USD"))
            self.assertFalse(await self.data_source.subscribe_to_trading_pair("OLD-USD"))
            await asyncio.gather(*self.data_source._listeners)

        ws.send.assert_not_awaited()
        self.assertEqual([["ETH-USD"]], [connection.trading_pairs for connection in opened])

    # What the stream brings

    async def bring(self, listening: Awaitable[None], *texts: Any):
        """Has the data source read these frames, with somebody who listens; what that brings is in the output."""
        self.run_in_background(listening)
        await asyncio.sleep(0)
        ws = MagicMock(send=AsyncMock())
        await self.data_source._subscribe(ws, self.trading_pair)
        messages = [SimpleNamespace(data=text if isinstance(text, str) else json.dumps(text)) for text in texts]

        async def receive() -> SimpleNamespace:
            if not messages:
                # Frames are settled when others have had their turn, which takes a millisecond.
                await asyncio.sleep(0.05)
                raise asyncio.CancelledError
            return messages.pop(0)

        ws.receive = receive
        with self.assertRaises(asyncio.CancelledError):
            await self.data_source._process_websocket_messages(ws)

    async def assert_listening_can_be_cancelled(self, listening: Awaitable[None]):
        task = asyncio.create_task(listening)
        await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task

    async def test_listen_for_trades_successful(self):
        await self.bring(self.data_source.listen_for_trades(self.loop, self.output), TRADES_FRAME)

        sell, buy = self.next_output(), self.next_output()
        self.assertEqual(OrderBookMessageType.TRADE, sell.type)
        self.assertEqual(self.trading_pair, sell.trading_pair)
        self.assertEqual((1473821769, 32820.0, 0.25), (sell.trade_id, sell.content["price"], sell.content["amount"]))
        self.assertEqual(float(TradeType.SELL.value), sell.content["trade_type"])
        self.assertEqual(float(TradeType.BUY.value), buy.content["trade_type"])
        self.assertAlmostEqual(1626993925.101992, sell.timestamp, places=5)

    async def test_listen_for_trades_cancelled_when_listening(self):
        await self.assert_listening_can_be_cancelled(self.data_source.listen_for_trades(self.loop, self.output))

    async def test_listen_for_trades_logs_exception(self):
        malformed = {**TRADES_FRAME, "data": [{"id": 1}]}

        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            listening = self.data_source.listen_for_trades(self.loop, self.output)
            await self.bring(listening, malformed, malformed, TRADES_FRAME)

        self.assertEqual(1, len(logs.output))
        self.assertIn("Ignored a malformed frame of trades ('side' is missing).", logs.output[0])
        self.assertEqual(1473821769, self.next_output().trade_id)

    async def test_what_came_before_somebody_listened_comes_first(self):
        await self.bring(asyncio.sleep(0), TRADES_FRAME)
        await self.bring(self.data_source.listen_for_trades(self.loop, self.output), TRADES_FRAME)

        self.assertEqual([1473821769, 1473821770] * 2, [self.next_output().trade_id for _ in range(4)])

    async def test_listen_for_order_book_diffs_successful(self):
        listening = self.data_source.listen_for_order_book_diffs(self.loop, self.output)
        update = book_frame("BTC-PERP", "update", [[99.0, 0.5]], [[101.0, 0]], of=([[100.0, 1.0], [99.0, 0.5]], []))
        await self.bring(listening, partial("BTC-PERP"))
        await self.bring(asyncio.sleep(0), update)

        snapshot, diff = self.next_output(), self.next_output()
        self.assertEqual(OrderBookMessageType.SNAPSHOT, snapshot.type)
        self.assertEqual(OrderBookMessageType.DIFF, diff.type)
        self.assertEqual(self.trading_pair, diff.trading_pair)
        self.assertEqual(1700000000.25, diff.timestamp)
        self.assertEqual([(99.0, 0.5)], [(row.price, row.amount) for row in diff.bids])
        self.assertEqual([(101.0, 0.0)], [(row.price, row.amount) for row in diff.asks])
        self.assertGreater(diff.update_id, snapshot.update_id)

    async def test_listen_for_order_book_diffs_cancelled(self):
        listening = self.data_source.listen_for_order_book_diffs(self.loop, self.output)
        await self.assert_listening_can_be_cancelled(listening)

    async def test_listen_for_order_book_diffs_logs_exception(self):
        malformed = {"channel": "orderbook", "market": "BTC-PERP", "type": "update", "data": {"bids": []}}
        listening = self.data_source.listen_for_order_book_diffs(self.loop, self.output)
        with patch.object(CONSTANTS, "RESUBSCRIPTION_INTERVAL", 0), self.assertLogs(level="WARNING") as logs:
            await self.bring(listening, malformed)
        await self.bring(asyncio.sleep(0), partial("BTC-PERP"))

        warning = "order book of BTC-USD: a frame was malformed ('checksum' is missing)"
        self.assertTrue(any(warning in line for line in logs.output), logs.output)
        self.assertEqual(OrderBookMessageType.SNAPSHOT, self.next_output().type)

    async def test_what_is_read_after_others_had_their_turn_waits_for_no_later_frame(self):
        update = book_frame("BTC-PERP", "update", [[99.0, 0.5]], [], of=([[100.0, 1.0], [99.0, 0.5]], [[101.0, 1.0]]))

        with patch.object(CONSTANTS, "LONGEST_BATCH", 0):
            listening = self.data_source.listen_for_order_book_diffs(self.loop, self.output)
            await self.bring(listening, partial("BTC-PERP"), update)

        self.assertEqual(["SNAPSHOT", "DIFF"], [self.next_output().type.name for _ in range(2)])

    async def test_frames_that_wait_for_too_long_let_others_run(self):
        turns = []
        self.loop.call_soon(lambda: self.loop.call_soon(turns.append, "the others'"))
        self.output.put_nowait = lambda trade: turns.append("a frame's")

        with patch.object(CONSTANTS, "LONGEST_BATCH", 0):
            await self.bring(self.data_source.listen_for_trades(self.loop, self.output), *[TRADES_FRAME] * 3)

        self.assertEqual("a frame's", turns[-1])
        self.assertIn("the others'", turns)

    # Snapshots, by REST where the stream brings none

    @aioresponses()
    async def test_listen_for_order_book_snapshots_cancelled_when_fetching_snapshot(self, mock_api):
        mock_api.get(f"{BASE}/markets/BTC-PERP/orderbook?depth=100", exception=asyncio.CancelledError())

        with patch.object(self.data_source, "_sleep", AsyncMock()), self.assertRaises(asyncio.CancelledError):
            await self.data_source.listen_for_order_book_snapshots(self.loop, self.output)

    @aioresponses()
    async def test_listen_for_order_book_snapshots_log_exception(self, mock_api):
        self.data_source._trading_pairs = ["OLD-USD", "BTC-USD", "ETH-USD"]
        mock_api.get(f"{BASE}/markets/BTC-PERP/orderbook?depth=100", exception=Exception("Test Error"), repeat=True)
        mock_api.get(f"{BASE}/markets/ETH-PERP/orderbook?depth=100", body=json.dumps(ORDER_BOOK_ANSWER), repeat=True)

        with (
            patch.object(self.data_source, "_sleep", AsyncMock(side_effect=[None, None, asyncio.CancelledError])),
            self.assertLogs(self.data_source.logger(), "WARNING") as logs,
            self.assertRaises(asyncio.CancelledError),
        ):
            await self.data_source.listen_for_order_book_snapshots(self.loop, self.output)

        self.assertEqual(2, len(logs.output))
        self.assertIn("OLD-USD is no market that can be traded at present", logs.output[0])
        self.assertIn(
            "Unexpected error fetching order book snapshot for BTC-USD. (Exception('Test Error'))", logs.output[1]
        )
        self.assertEqual(["ETH-USD", "ETH-USD"], [self.next_output().trading_pair for _ in range(2)])

    @aioresponses()
    async def test_listen_for_order_book_snapshots_successful(self, mock_api):
        mock_api.get(f"{BASE}/markets/BTC-PERP/orderbook?depth=100", body=json.dumps(ORDER_BOOK_ANSWER))

        with (
            patch.object(self.data_source, "_sleep", AsyncMock(side_effect=[None, asyncio.CancelledError])),
            self.assertRaises(asyncio.CancelledError),
        ):
            await self.data_source.listen_for_order_book_snapshots(self.loop, self.output)

        snapshot = self.next_output()
        self.assertEqual(OrderBookMessageType.SNAPSHOT, snapshot.type)
        self.assertEqual(self.trading_pair, snapshot.trading_pair)
        self.assertEqual([(32819.0, 1.5), (32818.0, 2.0)], [(row.price, row.amount) for row in snapshot.bids])

    async def test_no_snapshot_is_fetched_where_the_stream_works_or_the_tracker_is_not_ready(self):
        self.data_source._request = AsyncMock()
        self.connector.order_book_tracker.ready = False
        await self.data_source._request_order_book_snapshots(self.output)

        self.connector.order_book_tracker.ready = True
        await self.bring(asyncio.sleep(0), partial("BTC-PERP"))
        await self.data_source._request_order_book_snapshots(self.output)

        self.data_source._request.assert_not_awaited()

    # Funding

    async def test_listen_for_funding_info_cancelled_when_listening(self):
        await self.assert_listening_can_be_cancelled(self.data_source.listen_for_funding_info(self.output))

    async def test_listen_for_funding_info_logs_exception(self):
        malformed = FUNDING_TEXT.replace("32815.5", '"high"')

        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            await self.bring(self.data_source.listen_for_funding_info(self.output), malformed, malformed, FUNDING_TEXT)

        self.assertEqual(1, len(logs.output))
        self.assertIn("Ignored a malformed frame of funding ('mark' is not an exact number).", logs.output[0])
        self.assertEqual(Decimal("32815.5"), self.next_output().mark_price)

    async def test_listen_for_funding_info_successful(self):
        await self.bring(self.data_source.listen_for_funding_info(self.output), FUNDING_TEXT)

        update = self.next_output()
        self.assertEqual(self.trading_pair, update.trading_pair)
        self.assertEqual(Decimal("32810.1234567890123456789"), update.index_price)
        self.assertEqual(Decimal("32815.5"), update.mark_price)
        self.assertEqual(Decimal("-0.0000125"), update.rate)
        self.assertEqual(1767326400, update.next_funding_utc_timestamp)


class BookStreamTests(BookStreamTestCase):
    async def test_the_partial_takes_the_place_of_rests_book(self):
        self.rest_book("BTC-PERP", 50.0)
        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01):
            client = await self.start("BTC-USD", brings_books=False)
            await self.ready()
        self.assertEqual(([(50.0, 1.0)], [(51.0, 1.0)]), self.book())

        await client.send(partial("BTC-PERP"))
        await self.until_book_is([(100.0, 1.0)], [(101.0, 1.0)])

        await client.send(
            book_frame(
                "BTC-PERP",
                "update",
                [[100.0, 0], [99.0, 2.0]],
                [[102.0, 3.0]],
                of=([[99.0, 2.0]], [[101.0, 1.0], [102.0, 3.0]]),
            )
        )
        await self.until_book_is([(99.0, 2.0)], [(101.0, 1.0), (102.0, 3.0)])

    async def test_frames_that_came_before_the_tracker_was_ready_are_all_applied(self):
        client = await self.start("BTC-USD", "ETH-USD", brings_books=False)
        await client.send(partial("ETH-PERP", asks=[(999.0, 1.0)]))
        bids = {100.0: 1.0}
        for n in range(200):
            bids[200.0 + n] = 1.0
            gone = [[min(bids), 0]] if len(bids) > 100 else []
            for price, _ in gone:
                del bids[price]
            levels = sorted(map(list, bids.items()), reverse=True)
            await client.send(
                book_frame("ETH-PERP", "update", [[200.0 + n, 1.0], *gone], [], of=(levels, [[999.0, 1.0]]))
            )
        await eventually(lambda: "ETH-USD" in self.tracker.order_books)
        await self.until_book_is(sorted(bids.items(), reverse=True), [(999.0, 1.0)], "ETH-USD")
        self.assertFalse(self.tracker.ready)

        await client.send(partial("BTC-PERP"))
        await self.ready()

    async def test_a_mismatch_subscribes_to_that_market_again_and_leaves_the_others_alone(self):
        client = await self.start("BTC-USD", "ETH-USD")
        await client.send(partial("BTC-PERP"))
        await client.send(partial("ETH-PERP", bids=[(10.0, 1.0)], asks=[(11.0, 1.0)]))
        # An update is lost: the one that took the level at 99.5 away.
        await client.send(
            book_frame("BTC-PERP", "update", [[99.5, 1.0]], [], of=([[100.0, 1.0], [99.5, 1.0]], [[101.0, 1.0]]))
        )
        await self.until_book_is([(100.0, 1.0), (99.5, 1.0)], [(101.0, 1.0)])

        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            await client.send(
                book_frame("BTC-PERP", "update", [[98.0, 1.0]], [], of=([[100.0, 1.0], [98.0, 1.0]], [[101.0, 1.0]]))
            )
            self.assertEqual(
                {"op": "unsubscribe", "channel": "orderbook", "market": "BTC-PERP"}, await client.next_frame()
            )
            self.assertEqual(
                {"op": "subscribe", "channel": "orderbook", "market": "BTC-PERP"}, await client.next_frame()
            )
        self.assertEqual(1, len(logs.output))
        self.assertIn(
            "Subscribing again to the order book of BTC-USD: it did not match the venue's checksum.", logs.output[0]
        )

        await client.send({"type": "unsubscribed", "channel": "orderbook", "market": "BTC-PERP"})
        await client.send({"type": "subscribed", "channel": "orderbook", "market": "BTC-PERP"})
        await client.send(partial("BTC-PERP", bids=[(100.0, 1.0), (98.0, 1.0)]))
        await client.send(
            book_frame("ETH-PERP", "update", [[10.5, 1.0]], [], of=([[10.5, 1.0], [10.0, 1.0]], [[11.0, 1.0]]))
        )

        await self.until_book_is([(10.5, 1.0), (10.0, 1.0)], [(11.0, 1.0)], "ETH-USD")
        # Hummingbot's tracker would repeat its last changes on top of a snapshot, and 99.5 would be back.
        await self.until_book_is([(100.0, 1.0), (98.0, 1.0)], [(101.0, 1.0)])
        self.assertFalse(client.has_frames())

    async def test_trouble_that_lasts_is_logged_once(self):
        client = await self.start("BTC-USD")
        wrong = {**partial("BTC-PERP")}
        wrong["data"]["checksum"] += 1

        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            for _ in range(4):
                await client.send(wrong)
                await client.expect(op="subscribe", channel="orderbook")
        self.assertEqual(1, len(logs.output))

    async def test_an_update_before_any_partial_subscribes_again(self):
        client = await self.start("BTC-USD", brings_books=False)

        await client.send(book_frame("BTC-PERP", "update", [[98.0, 1.0]], []))

        await client.expect(op="unsubscribe", channel="orderbook", market="BTC-PERP")
        await client.expect(op="subscribe", channel="orderbook", market="BTC-PERP")

    async def test_a_confirmed_subscription_that_lost_its_partial_is_not_waited_for(self):
        client = await self.start("BTC-USD", brings_books=False)
        await client.send(book_frame("BTC-PERP", "update", [[98.0, 1.0]], []))
        await client.expect(op="subscribe", channel="orderbook", market="BTC-PERP")

        await client.send({"type": "subscribed", "channel": "orderbook", "market": "BTC-PERP"})
        await client.send(book_frame("BTC-PERP", "update", [[98.0, 1.0]], []))

        await client.expect(op="subscribe", channel="orderbook", market="BTC-PERP")

    async def test_silence_of_a_market_that_was_ticking_subscribes_again(self):
        client = await self.start("BTC-USD", "ETH-USD")
        with patch.object(CONSTANTS, "BOOK_SILENCE_LIMIT", 0.3):
            for market in ("BTC-PERP", "ETH-PERP"):
                await client.send(partial(market))
            for size in (2.0, 3.0, 4.0):
                await client.send(
                    book_frame("BTC-PERP", "update", [[100.0, size]], [], of=([[100.0, size]], [[101.0, 1.0]]))
                )

            with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
                self.assertEqual(
                    {"op": "unsubscribe", "channel": "orderbook", "market": "BTC-PERP"}, await client.next_frame()
                )
                self.assertEqual(
                    {"op": "subscribe", "channel": "orderbook", "market": "BTC-PERP"}, await client.next_frame()
                )
        self.assertEqual(1, len(logs.output))
        self.assertIn("BTC-USD: it was silent for 0.3 s", logs.output[0])

    async def test_a_malformed_book_frame_costs_only_its_market(self):
        client = await self.start("BTC-USD", "ETH-USD")
        await client.send(partial("BTC-PERP"))
        await client.send(partial("ETH-PERP"))

        await client.send({"channel": "orderbook", "market": "BTC-PERP", "type": "update", "data": {"bids": 7}})

        await client.expect(op="unsubscribe", channel="orderbook", market="BTC-PERP")
        await client.send(
            book_frame("ETH-PERP", "update", [[99.0, 1.0]], [], of=([[100.0, 1.0], [99.0, 1.0]], [[101.0, 1.0]]))
        )
        await self.until_book_is([(100.0, 1.0), (99.0, 1.0)], [(101.0, 1.0)], "ETH-USD")

    async def test_bad_frames_are_logged_once_and_change_nothing(self):
        client = await self.start("BTC-USD")
        await client.send(partial("BTC-PERP"))
        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            for bad in (
                "",
                "{",
                "[]",
                "NaN",
                '"pong"',
                "[" * 10_000,
                "null",
                {"type": "update"},
                {"channel": "orderbook", "type": "update", "data": {}},
                {"channel": ["orderbook"]},
                partial("DOGE-PERP"),
                partial("DOGE-PERP"),
                {"channel": "candles", "market": "BTC-PERP", "type": "update", "data": 1},
                {"type": "error", "code": 400, "msg": "Already subscribed"},
                {"type": {}},
                {"type": "info", "code": 1},
                {"type": "subscribed", "channel": "orderbook", "market": "DOGE-PERP"},
            ):
                await client.send(bad)
            await client.send(
                book_frame("BTC-PERP", "update", [[99.0, 1.0]], [], of=([[100.0, 1.0], [99.0, 1.0]], [[101.0, 1.0]]))
            )
            await self.until_book_is([(100.0, 1.0), (99.0, 1.0)], [(101.0, 1.0)])

        self.assertEqual(3, len(logs.output), logs.output)
        self.assertIn("no frame of the venue's", logs.output[0])
        self.assertIn("a market that was not subscribed to", logs.output[1])
        self.assertIn("Already subscribed", logs.output[2])

    async def test_books_come_by_rest_while_the_stream_is_down(self):
        with patch.object(CONSTANTS, "BOOK_SILENCE_LIMIT", 0.05), patch.object(CONSTANTS, "RECONNECT_DELAY_MIN", 30.0):
            client = await self.start("BTC-USD")
            await client.send(partial("BTC-PERP"))
            await self.until_book_is([(100.0, 1.0)], [(101.0, 1.0)])
            self.venue.answer(
                "GET",
                "/api/markets/BTC-PERP/orderbook",
                {"bids": [[55.0, 1.0]], "asks": [[56.0, 1.0]], "time": 1700000009.0},
            )

            await client.close()

            await self.until_book_is([(55.0, 1.0)], [(56.0, 1.0)])

    async def test_a_pair_added_later_is_followed(self):
        client = await self.start("BTC-USD")

        adding = asyncio.create_task(self.tracker.add_trading_pair("ETH-USD"))
        await client.expect(op="subscribe", channel="orderbook", market="ETH-PERP")
        await client.send(partial("ETH-PERP"))
        self.assertTrue(await asyncio.wait_for(adding, PATIENCE))
        self.assertEqual(([(100.0, 1.0)], [(101.0, 1.0)]), self.book("ETH-USD"))

        self.assertTrue(await self.tracker.remove_trading_pair("ETH-USD"))
        await client.expect(op="unsubscribe", channel="funding", market="ETH-PERP")
        self.assertNotIn("ETH-USD", self.tracker.order_books)

    async def test_an_answer_by_rest_that_the_stream_overtook_leaves_an_added_pair_its_book(self):
        client = await self.start("BTC-USD")
        asked, released = asyncio.Event(), asyncio.Event()

        async def answer_late(request: web.Request) -> web.Response:
            asked.set()
            await released.wait()
            return web.json_response({"success": True, "result": {"bids": [[100.0, 1.0]], "asks": [[101.0, 1.0]]}})

        self.rest_book("ETH-PERP", answer_late)
        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01):
            adding = asyncio.create_task(self.tracker.add_trading_pair("ETH-USD"))
            await client.expect(op="subscribe", channel="orderbook", market="ETH-PERP")
            await asyncio.wait_for(asked.wait(), PATIENCE)
        await client.send(partial("ETH-PERP"))
        await client.send(
            book_frame("ETH-PERP", "update", [[100.0, 0], [99.0, 1.0]], [], of=([[99.0, 1.0]], [[101.0, 1.0]]))
        )
        await eventually(lambda: "ETH-USD" in self.tracker.order_books)
        await self.until_book_is([(99.0, 1.0)], [(101.0, 1.0)], "ETH-USD")
        released.set()

        self.assertTrue(await asyncio.wait_for(adding, PATIENCE))
        self.assertEqual(([(99.0, 1.0)], [(101.0, 1.0)]), self.book("ETH-USD"))

    async def test_a_pair_that_is_closed_at_the_start_keeps_nobody_waiting_and_joins_when_it_opens(self):
        opening = self.symbols["ETH-PERP"]
        self.symbols = {"BTC-PERP": "BTC-USD", "ETC-PERP": "ETC-USD"}
        self.enterContext(patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01))
        self.enterContext(patch.object(CONSTANTS, "BOOK_SILENCE_LIMIT", 0.2))
        with self.assertLogs(level="WARNING") as logs:
            self.rest_book("BTC-PERP", 50.0)
            client = await self.start("BTC-USD", "ETH-USD", brings_books=False, subscribed=1)
            await self.ready()
            await eventually(lambda: len(self.connector.asked_for) > 1)
        self.assertEqual(["BTC-USD"], list(self.tracker.order_books))
        self.assertEqual([["ETH-USD"]], self.connector.asked_for[:1])
        warnings = [line for line in logs.output if "ETH-USD is no market" in line]
        self.assertEqual(1, len(warnings), warnings)
        self.assertIn("Near names are ETC-USD", warnings[0])
        self.assertIn("The venue trades BTC-USD, ETC-USD. ETH-USD joins when it opens.", warnings[0])

        self.connector.symbols["ETH-PERP"] = opening
        await client.expect(op="subscribe", channel="funding", market="ETH-PERP")
        await client.send(partial("ETH-PERP"))
        await eventually(lambda: "ETH-USD" in self.tracker.order_books)
        self.assertEqual(([(100.0, 1.0)], [(101.0, 1.0)]), self.book("ETH-USD"))

    async def test_the_age_of_a_book_is_nothing_while_its_stream_confirms_it(self):
        client = await self.start("BTC-USD", brings_books=False)
        self.assertEqual(math.inf, self.data_source.book_age("BTC-USD"))
        await client.send(partial("BTC-PERP"))
        await self.ready()
        self.assertEqual(0, self.data_source.book_age("BTC-USD"))

        with patch.object(CONSTANTS, "RECONNECT_DELAY_MIN", 30.0):
            await client.close()
            await eventually(lambda: self.data_source.book_age("BTC-USD") > 0)
            with patch.object(self.data_source, "_now", return_value=self.data_source._now() + 13):
                self.assertAlmostEqual(13, self.data_source.book_age("BTC-USD"), delta=5)

    async def test_a_book_that_differs_from_the_venues_is_as_old_as_its_last_agreement(self):
        client = await self.start("BTC-USD")
        wrong = partial("BTC-PERP")
        wrong["data"]["checksum"] += 1

        await client.send(wrong)

        await eventually(lambda: self.data_source.book_age("BTC-USD") > 0)
        self.assertLess(self.data_source.book_age("BTC-USD"), PATIENCE)
        await client.expect(op="subscribe", channel="orderbook")
        await client.send(partial("BTC-PERP"))
        await eventually(lambda: self.data_source.book_age("BTC-USD") == 0)

    async def test_a_pair_whose_book_does_not_come_is_not_added(self):
        client = await self.start("BTC-USD")
        self.rest_book("ETH-PERP", refuses(404, "No such market: ETH-PERP"))

        with patch.object(CONSTANTS, "FIRST_BOOK_DEADLINE", 0.01), self.assertLogs(level="WARNING") as logs:
            self.assertFalse(await self.tracker.add_trading_pair("ETH-USD"))

        warning = "The order book of ETH-USD cannot be had yet (No such market: ETH-PERP)"
        self.assertTrue(any(warning in line for line in logs.output), logs.output)
        await client.expect(op="unsubscribe", channel="funding", market="ETH-PERP")
        self.assertEqual(["BTC-USD"], list(self.tracker.order_books))
        self.assertEqual(["BTC-USD"], self.data_source._trading_pairs)

    async def test_trades_and_funding_reach_their_queues(self):
        client = await self.start("BTC-USD")
        funding_updates: asyncio.Queue = asyncio.Queue()
        self.run_in_background(self.data_source.listen_for_funding_info(funding_updates))

        await client.send(TRADES_FRAME)
        await client.send(
            '{"channel": "funding", "market": "BTC-PERP", "type": "update", "data": '
            '{"mark": 0.1234567890123456789, "index": 5}}'
        )

        self.assertEqual(
            Decimal("0.1234567890123456789"), (await asyncio.wait_for(funding_updates.get(), PATIENCE)).mark_price
        )
        await eventually(lambda: self.tracker.order_books["BTC-USD"].last_trade_price == 32821.0)


class ReconnectionTests(BookStreamTestCase):
    """After the end of a connection, whatever ended it, the next one starts with everything subscribed."""

    async def assert_connects_again(self, client: LoopbackClient):
        again = await self.subscribed_client(1)
        self.assertIsNot(client, again)
        await again.send(partial("BTC-PERP", bids=[(77.0, 7.0)]))
        await self.until_book_is([(77.0, 7.0)], [(101.0, 1.0)])

    async def test_after_a_close(self):
        client = await self.start("BTC-USD")
        await client.close()
        await self.assert_connects_again(client)

    async def test_after_a_cut(self):
        client = await self.start("BTC-USD")
        client.drop()
        await self.assert_connects_again(client)

    async def test_when_the_server_says_that_it_goes_away(self):
        client = await self.start("BTC-USD")
        await client.send({"type": "info", "code": 20001, "msg": "Server is going away"})
        await self.assert_connects_again(client)
        await asyncio.wait_for(client.closed.wait(), PATIENCE)

    async def test_after_silence(self):
        client = await self.start("BTC-USD")
        with patch.object(CONSTANTS, "STREAM_SILENCE_LIMIT", 0.1):
            await asyncio.wait_for(client.closed.wait(), PATIENCE)
        await self.assert_connects_again(client)

    async def test_pings_that_are_answered_keep_a_connection_without_news(self):
        with (
            patch.object(CONSTANTS, "HEARTBEAT_TIME_INTERVAL", 0.03),
            patch.object(CONSTANTS, "STREAM_SILENCE_LIMIT", 2.0),
        ):
            client = await self.start("BTC-USD")
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - began < 2.5:
                await client.expect(op="ping")
                await client.send({"type": "pong"})
        self.assertFalse(client.closed.is_set())

    async def test_when_the_server_was_away_for_a_while(self):
        client = await self.start("BTC-USD")
        await self.venue.stop_serving()
        await asyncio.wait_for(client.closed.wait(), PATIENCE)
        with (
            self.assertLogs(self.data_source.logger(), "WARNING") as logs,
            patch.object(CONSTANTS, "RECONNECT_DELAY_MAX", 0.1),
        ):
            await eventually(lambda: any("Cannot connect" in line for line in logs.output))
            await self.venue.start()
            await self.assert_connects_again(client)
        self.assertEqual(1, sum("Cannot connect" in line for line in logs.output))


class RecordedBooksTests(BookStreamTestCase):
    @needs_recordings
    async def test_the_trackers_books_are_the_recorded_ones(self):
        frames = book_frames()
        self.symbols = {frame["market"]: f"{frame['market'].replace('/', '').replace('-', '')}-USD" for frame in frames}
        client = await self.start(*self.symbols.values())

        for frame in frames:
            await client.send(frame)

        for market, trading_pair in self.symbols.items():
            bids: Dict[float, float] = {}
            asks: Dict[float, float] = {}
            for frame in frames:
                if frame["market"] == market:
                    bids.update(map(tuple, frame["data"]["bids"]))
                    asks.update(map(tuple, frame["data"]["asks"]))
            await self.until_book_is(
                sorted(((price, size) for price, size in bids.items() if size), reverse=True),
                sorted((price, size) for price, size in asks.items() if size),
                trading_pair,
            )
        self.assertFalse(client.has_frames())


class FuzzTests(DataSourceTestCase):
    """Whatever comes as a frame, nothing is raised and no other market's book changes."""

    fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200)
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
        max_leaves=8,
    )
    mutated = st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["orderbook", "trades", "funding", "candles"]) | values,
            "market": st.sampled_from(["BTC-PERP", "DOGE-PERP"]) | values,
            "type": st.sampled_from(["partial", "update", "subscribed", "unsubscribed", "error", "info", "pong"])
            | values,
            "data": values
            | st.fixed_dictionaries(
                {},
                optional={
                    "time": values,
                    "checksum": st.integers() | values,
                    "bids": values | st.lists(st.lists(st.floats(), max_size=3)),
                    "asks": values | st.lists(st.lists(st.floats(), max_size=3)),
                    "mark": values,
                    "nextFundingTime": values,
                },
            ),
            "code": values,
            "msg": values,
        },
    )

    @fuzzed
    @given(st.lists(mutated, min_size=1, max_size=5))
    def test_any_frames(self, frames):
        asyncio.run(self.feed([json.dumps(frame) for frame in frames]))

    @fuzzed
    @given(st.lists(st.text(), min_size=1, max_size=5))
    def test_any_texts(self, texts):
        asyncio.run(self.feed(texts))

    async def feed(self, texts: List[str]):
        data_source = self.create_data_source(["BTC-USD", "ETH-USD"])
        logger = data_source.logger()
        self.addCleanup(logger.setLevel, logger.level)
        logger.setLevel("CRITICAL")
        ws = MagicMock(send=AsyncMock())
        await data_source._subscribe_channels(ws)
        partials = [json.dumps(partial(market)) for market in ("BTC-PERP", "ETH-PERP")]
        other = data_source._subscriptions["ETH-PERP"]
        await self.read(data_source, ws, [*partials, *texts])
        mended = book_frame("ETH-PERP", "update", [[99.0, 1.0]], [], of=([[100.0, 1.0], [99.0, 1.0]], [[101.0, 1.0]]))
        await self.read(data_source, ws, [json.dumps(mended)])

        self.assertIs(other, data_source._subscriptions["ETH-PERP"])
        self.assertTrue(other.book.is_live)

    async def read(self, data_source: AcmePerpetualAPIOrderBookDataSource, ws: MagicMock, texts: List[str]):
        ws.receive = AsyncMock(side_effect=[SimpleNamespace(data=text) for text in texts] + [asyncio.CancelledError])
        with suppress(asyncio.CancelledError, stream.StreamClosedError):
            await data_source._process_websocket_messages(ws)
        await asyncio.sleep(0)
