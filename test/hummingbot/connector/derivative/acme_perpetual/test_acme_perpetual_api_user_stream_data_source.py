import asyncio
import json
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE, LoopbackClient, LoopbackVenue
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from types import SimpleNamespace
from typing import Any, Dict, List
from unittest.mock import AsyncMock, MagicMock, patch

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_stream as stream,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_user_stream_data_source import (
    AcmePerpetualAPIUserStreamDataSource,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.connector.test_support.network_mocking_assistant import NetworkMockingAssistant
from hummingbot.connector.time_synchronizer import TimeSynchronizer

SUBSCRIBED = [{"type": "subscribed", "channel": channel} for channel in ("orders", "fills", "positions", "balances")]
CONNECTED = CONSTANTS.STREAM_CONNECTED_EVENT

ORDER_FRAME = {
    "channel": "orders",
    "type": "update",
    "data": {
        "id": 24852229,
        "clientId": "HBOT1",
        "market": "BTC-PERP",
        "type": "limit",
        "side": "buy",
        "size": 0.0042,
        "price": 32750,
        "reduceOnly": False,
        "ioc": False,
        "postOnly": True,
        "status": "open",
        "filledSize": 0,
        "remainingSize": 0.0042,
        "avgFillPrice": None,
        "createdAt": "2026-01-02T03:04:05.678901+00:00",
    },
}


class UserStreamTestCase(IsolatedAsyncioWrapperTestCase):
    def create_data_source(self, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> AcmePerpetualAPIUserStreamDataSource:
        self.clock = TimeSynchronizer()
        self.clock.add_time_offset_ms_sample(0)
        auth = AcmePerpetualAuth("the-key", "the-secret", self.clock)
        factory = web_utils.build_api_factory(time_synchronizer=self.clock, auth=auth, domain=domain)
        return AcmePerpetualAPIUserStreamDataSource(auth=auth, api_factory=factory, domain=domain)

    def listen(self) -> asyncio.Queue:
        output: asyncio.Queue = asyncio.Queue()
        task = asyncio.create_task(self.data_source.listen_for_user_stream(output))
        self.addAsyncCleanup(self.stop, task)
        return output

    async def stop(self, task: asyncio.Task):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def next_event(self, output: asyncio.Queue) -> Dict[str, Any]:
        return await asyncio.wait_for(output.get(), PATIENCE)


class AcmePerpetualAPIUserStreamDataSourceTests(UserStreamTestCase):
    async def asyncSetUp(self):
        self.data_source = self.create_data_source()
        self.mocking_assistant = NetworkMockingAssistant()
        await self.mocking_assistant.async_init()

    def bring(self, ws_connect: AsyncMock, *frames: Any):
        ws_connect.return_value = self.mocking_assistant.create_websocket_mock()
        for frame in frames:
            self.mocking_assistant.add_websocket_aiohttp_message(ws_connect.return_value, json.dumps(frame))

    # Acme has no listen key: the name is the checklist's, what it asks for is a login and the event of a user.
    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_get_listen_key_successful_with_user_update_event(self, ws_connect):
        self.bring(ws_connect, *SUBSCRIBED, ORDER_FRAME)

        output = self.listen()

        self.assertEqual(CONNECTED, await self.next_event(output))
        event = await self.next_event(output)
        self.assertEqual("orders", event["channel"])
        self.assertEqual(Decimal("0.0042"), event["data"]["size"])
        sent = self.mocking_assistant.json_messages_sent_through_websocket(ws_connect.return_value)
        self.assertEqual("login", sent[0]["op"])
        self.assertEqual("the-key", sent[0]["args"]["key"])
        self.assertEqual(
            [{"op": "subscribe", "channel": channel} for channel in ("orders", "fills", "positions", "balances")],
            sent[1:],
        )
        self.assertEqual("ws://127.0.0.1:8600/ws/", ws_connect.call_args.args[0])

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_does_not_queue_empty_payload(self, ws_connect):
        self.bring(ws_connect, *SUBSCRIBED, {}, {"channel": "orders"}, {"type": "pong"}, "", [], ORDER_FRAME)

        output = self.listen()

        self.assertEqual(CONNECTED, await self.next_event(output))
        self.assertEqual("orders", (await self.next_event(output))["channel"])
        self.assertTrue(output.empty())

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_connection_failed(self, ws_connect):
        ws_connect.side_effect = [Exception("TEST ERROR."), asyncio.CancelledError]

        with (
            patch.object(self.data_source, "_sleep", AsyncMock()) as sleep,
            self.assertLogs(self.data_source.logger(), "ERROR") as logs,
            self.assertRaises(asyncio.CancelledError),
        ):
            await self.data_source.listen_for_user_stream(asyncio.Queue())

        self.assertIn("Unexpected error in the user stream. Connecting again.", logs.output[0])
        self.assertLessEqual(sleep.await_args.args[0], CONSTANTS.RECONNECT_DELAY_MIN)

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_iter_message_throws_exception(self, ws_connect):
        broken = self.mocking_assistant.create_websocket_mock()
        broken.receive.side_effect = Exception("TEST ERROR")
        self.bring(ws_connect, *SUBSCRIBED, ORDER_FRAME)
        ws_connect.side_effect = [broken, ws_connect.return_value]

        with self.assertLogs(self.data_source.logger(), "ERROR") as logs:
            output = self.listen()
            self.assertEqual(CONNECTED, await self.next_event(output))

        self.assertIn("Unexpected error in the user stream. Connecting again.", logs.output[0])
        self.assertIn("TEST ERROR", logs.output[0])
        self.assertEqual("orders", (await self.next_event(output))["channel"])

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_listen_for_user_stream_can_be_cancelled(self, ws_connect):
        ws_connect.side_effect = asyncio.CancelledError

        with self.assertRaises(asyncio.CancelledError):
            await self.data_source.listen_for_user_stream(asyncio.Queue())

    @patch("aiohttp.ClientSession.ws_connect", new_callable=AsyncMock)
    async def test_it_is_heard_of_only_once_every_channel_is_subscribed(self, ws_connect):
        self.bring(ws_connect, *SUBSCRIBED[:-1])
        output = self.listen()
        await self.mocking_assistant.run_until_all_aiohttp_messages_delivered(ws_connect.return_value)
        self.assertEqual(0, self.data_source.last_recv_time)

        self.mocking_assistant.add_websocket_aiohttp_message(ws_connect.return_value, json.dumps(SUBSCRIBED[-1]))
        await self.next_event(output)

        self.assertGreater(self.data_source.last_recv_time, 1_600_000_000)


class UserStreamOverSocketsTests(UserStreamTestCase):
    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        ticks = patch.object(stream, "TICK", 0.01)
        ticks.start()
        self.addCleanup(ticks.stop)
        self.data_source = self.create_data_source(self.venue.url)

    async def confirmed_client(self) -> LoopbackClient:
        client = await self.logged_in_client()
        for frame in SUBSCRIBED:
            await client.send(frame)
        return client

    async def logged_in_client(self) -> LoopbackClient:
        client = await self.venue.client()
        self.assertEqual("login", (await client.next_frame())["op"])
        for channel in CONSTANTS.PRIVATE_CHANNELS:
            self.assertEqual({"op": "subscribe", "channel": channel}, await client.next_frame())
        return client

    async def test_frames_that_come_before_the_last_confirmation_wait_for_the_marker(self):
        output = self.listen()
        client = await self.logged_in_client()

        await client.send(SUBSCRIBED[0])
        await client.send(ORDER_FRAME)
        for frame in SUBSCRIBED[1:]:
            await client.send(frame)
        await client.send({**ORDER_FRAME, "channel": "fills"})

        self.assertEqual(CONNECTED, await self.next_event(output))
        self.assertEqual(["orders", "fills"], [(await self.next_event(output))["channel"] for _ in range(2)])

    async def test_every_connection_begins_with_the_marker(self):
        output = self.listen()
        for end in ("close", "drop", "goodbye"):
            client = await self.confirmed_client()
            await client.send(ORDER_FRAME)
            self.assertEqual(CONNECTED, await self.next_event(output))
            self.assertEqual("orders", (await self.next_event(output))["channel"])
            self.assertGreater(self.data_source.last_recv_time, 0)
            if end == "close":
                await client.close()
            elif end == "drop":
                client.drop()
            else:
                await client.send({"type": "info", "code": 20001, "msg": "Server is going away"})
            await asyncio.wait_for(client.closed.wait(), PATIENCE)

        await self.logged_in_client()
        self.assertEqual(0, self.data_source.last_recv_time)
        self.assertTrue(output.empty())

    async def test_frames_of_a_connection_that_was_never_confirmed_are_not_delivered(self):
        output = self.listen()
        client = await self.logged_in_client()
        await client.send(ORDER_FRAME)
        client.drop()

        await self.confirmed_client()

        self.assertEqual(CONNECTED, await self.next_event(output))
        self.assertTrue(output.empty())

    async def test_silence_ends_a_connection(self):
        output = self.listen()
        client = await self.confirmed_client()
        await self.next_event(output)
        with (
            patch.object(CONSTANTS, "STREAM_SILENCE_LIMIT", 0.05),
            self.assertLogs(self.data_source.logger(), "WARNING") as logs,
        ):
            await asyncio.wait_for(client.closed.wait(), PATIENCE)
        self.assertIn("The user stream was interrupted (silent for 0.05 s). Connecting again.", logs.output[0])

        await self.confirmed_client()
        self.assertEqual(CONNECTED, await self.next_event(output))

    async def test_a_refused_login_is_told_in_the_venues_words_and_tried_again_with_a_new_clock(self):
        self.venue.answer("GET", "/api/time", "2023-11-14T22:13:20+00:00")
        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            output = self.listen()
            for _ in range(2):
                client = await self.logged_in_client()
                await client.send({"type": "error", "code": 400, "msg": "Invalid login credentials"})
                await asyncio.wait_for(client.closed.wait(), PATIENCE)
            await self.confirmed_client()
            self.assertEqual(CONNECTED, await self.next_event(output))

        self.assertEqual(1, len(logs.output))
        self.assertIn("The user stream was interrupted (Invalid login credentials). Connecting again.", logs.output[0])
        self.assertNotIn("the-secret", logs.output[0])
        self.assertAlmostEqual(1_700_000_000, self.clock.time(), delta=60)

    async def test_a_venue_that_does_not_confirm_is_left(self):
        with (
            patch.object(CONSTANTS, "SUBSCRIPTION_DEADLINE", 0.05),
            self.assertLogs(self.data_source.logger(), "WARNING") as logs,
        ):
            self.listen()
            client = await self.logged_in_client()
            await asyncio.wait_for(client.closed.wait(), PATIENCE)
            await self.logged_in_client()
        self.assertIn("the venue did not confirm the subscriptions", logs.output[0])

    async def test_pings_go_out(self):
        with patch.object(CONSTANTS, "HEARTBEAT_TIME_INTERVAL", 0.02):
            output = self.listen()
            client = await self.confirmed_client()
            await self.next_event(output)
            for _ in range(3):
                await client.expect(op="ping")

    async def test_bad_frames_do_not_end_it(self):
        output = self.listen()
        client = await self.confirmed_client()
        with self.assertLogs(self.data_source.logger(), "WARNING") as logs:
            for bad in (
                "",
                "{",
                "NaN",
                "[]",
                "1",
                "null",
                {"channel": 7, "type": "update", "data": 1},
                {"type": ["update"]},
                {"channel": "strangers", "type": "update", "data": {}},
                {"channel": "orders", "type": "resting"},
            ):
                await client.send(bad)
            await client.send(ORDER_FRAME)

            self.assertEqual(CONNECTED, await self.next_event(output))
            self.assertEqual("orders", (await self.next_event(output))["channel"])
        self.assertEqual(1, len(logs.output))
        self.assertTrue(output.empty())

    async def test_stop_disconnects(self):
        output = self.listen()
        client = await self.confirmed_client()
        await self.next_event(output)

        await self.data_source.stop()

        await asyncio.wait_for(client.closed.wait(), PATIENCE)


class FuzzTests(UserStreamTestCase):
    """Whatever comes, only frames of the private channels are delivered, and nothing is raised but the end of a
    connection that the venue ends."""

    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
        max_leaves=8,
    )
    frames = st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["orders", "fills", "positions", "balances", "orderbook"]) | values,
            "type": st.sampled_from(["partial", "update", "subscribed", "unsubscribed", "info", "pong"]) | values,
            "data": values,
            "code": values,
            "msg": values,
        },
    )

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200)
    @given(st.lists(st.text() | frames.map(json.dumps), min_size=1, max_size=5))
    def test_anything(self, texts):
        asyncio.run(self.feed(texts))

    async def feed(self, texts: List[str]):
        self.data_source = self.create_data_source()
        logger = self.data_source.logger()
        self.addCleanup(logger.setLevel, logger.level)
        logger.setLevel("CRITICAL")
        messages = [json.dumps(frame) for frame in SUBSCRIBED] + texts + [json.dumps(ORDER_FRAME)]
        ws = MagicMock(send=AsyncMock())
        ws.receive = AsyncMock(side_effect=[SimpleNamespace(data=text) for text in messages] + [asyncio.CancelledError])
        output: asyncio.Queue = asyncio.Queue()

        with self.assertRaises((asyncio.CancelledError, stream.StreamClosedError)) as end:
            await self.data_source._process_websocket_messages(ws, output)

        events = [output.get_nowait() for _ in range(output.qsize())]
        self.assertEqual(CONNECTED, events[0])
        self.assertTrue(all(event["channel"] in CONSTANTS.PRIVATE_CHANNELS for event in events[1:]))
        if isinstance(end.exception, asyncio.CancelledError):
            self.assertEqual(24852229, events[-1]["data"]["id"])
