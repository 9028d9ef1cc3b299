import asyncio
import logging
from itertools import pairwise
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from unittest.mock import AsyncMock, patch

import aiohttp

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_stream as stream,
    acme_perpetual_web_utils as web_utils,
)

LOGGER = logging.getLogger("acme_perpetual_stream_test")


class BackoffTests(IsolatedAsyncioWrapperTestCase):
    def test_delays_double_from_the_shortest_to_the_longest(self):
        with patch("random.uniform", lambda low, high: high):
            backoff = stream.Backoff()
            delays = [backoff.next_delay(lasted=0) for _ in range(8)]

        self.assertEqual([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], delays)

    def test_delays_are_jittered(self):
        firsts = {stream.Backoff().next_delay(lasted=0) for _ in range(50)}

        self.assertGreater(len(firsts), 40)
        self.assertTrue(all(0.05 <= delay <= 0.1 for delay in firsts))

    def test_a_connection_that_lasted_starts_over_and_one_that_did_not_goes_on(self):
        with patch("random.uniform", lambda low, high: high):
            backoff = stream.Backoff()
            for _ in range(5):
                backoff.next_delay(lasted=1)
            self.assertEqual(0.1, backoff.next_delay(lasted=CONSTANTS.STABLE_CONNECTION_SECONDS))


class WarningLimiterTests(IsolatedAsyncioWrapperTestCase):
    def test_each_kind_is_logged_once_in_a_while(self):
        now = [0.0]
        warnings = stream.WarningLimiter(LOGGER, clock=lambda: now[0])

        with self.assertLogs(LOGGER, "WARNING") as logs:
            for now[0], kind in ((0, "a"), (1, "a"), (1, "b"), (CONSTANTS.WARNING_INTERVAL, "a")):
                warnings.log(kind, f"{kind} at {now[0]}")
        self.assertEqual(["a at 0", "b at 1", "a at 300.0"], [record.getMessage() for record in logs.records])

    def test_a_venue_that_finds_ever_new_faults_does_not_fill_the_log(self):
        warnings = stream.WarningLimiter(LOGGER)
        with self.assertLogs(LOGGER, "WARNING") as logs:
            for n in range(1000):
                warnings.log(f"kind {n}", "text")
        self.assertEqual(CONSTANTS.MOST_WARNINGS, len(logs.output))

    def test_forgetting(self):
        warnings = stream.WarningLimiter(LOGGER)
        with self.assertLogs(LOGGER, "WARNING") as logs:
            warnings.log("a", "first")
            warnings.forget()
            warnings.log("a", "second")
        self.assertEqual(2, len(logs.output))


class KeepConnectedTests(IsolatedAsyncioWrapperTestCase):
    def setUp(self):
        self.open_stream, self.close_stream = AsyncMock(), AsyncMock()

    async def delays_of(self, *endings: BaseException):
        """The delays after connections that end in these ways, and what was logged."""
        delays = []

        async def sleep(delay: float):
            delays.append(delay)

        listen = AsyncMock(side_effect=[*endings, asyncio.CancelledError])
        with self.assertLogs(LOGGER, "WARNING") as logs, self.assertRaises(asyncio.CancelledError):
            await stream.keep_connected("stream", self.open_stream, listen, self.close_stream, sleep, LOGGER)
        return delays, logs

    async def test_it_connects_again_at_once_and_then_ever_later(self):
        delays, _ = await self.delays_of(*[ConnectionError("gone")] * 5)

        self.assertLessEqual(delays[0], CONSTANTS.RECONNECT_DELAY_MIN)
        self.assertTrue(all(later > earlier for earlier, later in pairwise(delays)))
        self.assertEqual(6, self.open_stream.await_count)
        self.assertEqual(6, self.close_stream.await_count)

    async def test_what_happens_on_a_network_is_one_line_each(self):
        _, logs = await self.delays_of(
            ConnectionError("gone"),
            ConnectionError("gone"),
            TimeoutError(),
            aiohttp.ClientPayloadError("half"),
            stream.StreamClosedError("silent"),
        )

        self.assertEqual(
            [
                f"The stream was interrupted ({text}). Connecting again."
                for text in ("gone", "TimeoutError", "half", "silent")
            ],
            [record.getMessage() for record in logs.records],
        )
        self.assertTrue(all(record.exc_info is None for record in logs.records))

    async def test_anything_else_is_logged_with_its_traceback_and_does_not_end_it(self):
        delays, logs = await self.delays_of(KeyError("bug"))

        self.assertEqual(1, len(delays))
        self.assertIsNotNone(logs.records[0].exc_info)

    async def test_after_a_connection_that_lasted_trouble_is_news_again(self):
        with patch.object(CONSTANTS, "STABLE_CONNECTION_SECONDS", 0):
            delays, logs = await self.delays_of(*[ConnectionError("gone")] * 3)

        self.assertTrue(all(delay <= CONSTANTS.RECONNECT_DELAY_MIN for delay in delays))
        self.assertEqual(3, len(logs.records))

    async def test_a_connection_that_was_never_opened_did_not_last_however_long_that_took(self):
        async def never_opens():
            if self.open_stream.await_count == 4:
                raise asyncio.CancelledError
            await asyncio.sleep(0.02)
            raise TimeoutError("no handshake")

        self.open_stream.side_effect = never_opens
        with patch.object(CONSTANTS, "STABLE_CONNECTION_SECONDS", 0.01):
            delays, logs = await self.delays_of()

        self.assertTrue(all(later > earlier for earlier, later in pairwise(delays)))
        self.assertEqual(1, len(logs.records))
        self.assertEqual(4, self.close_stream.await_count)


class ReaderTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        assistant = AsyncMock()
        assistant.receive.side_effect = asyncio.Event().wait

        async def read():
            self.reader = stream.Reader(assistant)
            self.addCleanup(self.reader.stop)
            return await self.reader.next_message()

        self.reading = asyncio.create_task(read())
        await asyncio.sleep(0)

    async def test_a_tick_ends_the_waiting_and_cancels_nobody(self):
        self.reader._tick()

        self.assertIsNone(await asyncio.wait_for(self.reading, PATIENCE))
        self.assertEqual(0, self.reading.cancelling())

    async def test_waking_it_ends_the_waiting_or_the_next_one(self):
        self.reader.wake()
        self.assertIsNone(await asyncio.wait_for(self.reading, PATIENCE))

        self.reader.wake()
        self.assertIsNone(await asyncio.wait_for(self.reader.next_message(), PATIENCE))

    async def test_waking_it_twice_at_once_cancels_nobody(self):
        self.reader.wake()
        self.reader._tick()

        self.assertIsNone(await asyncio.wait_for(self.reading, PATIENCE))
        self.assertEqual(0, self.reading.cancelling())

    async def test_a_cancellation_right_before_a_tick_is_not_lost(self):
        self.reading.cancel()
        self.reader._tick()

        with self.assertRaises(asyncio.CancelledError):
            await asyncio.wait_for(self.reading, PATIENCE)

    async def test_a_cancellation_right_after_a_tick_is_not_lost(self):
        self.reader._tick()
        self.reading.cancel()

        with self.assertRaises(asyncio.CancelledError):
            await asyncio.wait_for(self.reading, PATIENCE)


class ConnectingTests(IsolatedAsyncioWrapperTestCase):
    async def test_connecting_has_a_deadline(self):
        async def accept_and_say_nothing(reader, writer):
            await reader.read()

        server = await asyncio.start_server(accept_and_say_nothing, "127.0.0.1", 0)
        self.addCleanup(server.close)
        domain = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        factory = web_utils.build_api_factory(domain=domain)
        self.addAsyncCleanup(factory.close)

        with patch.object(CONSTANTS, "REQUEST_DEADLINE", 0.05), self.assertRaises(TimeoutError):
            await stream.connect(await factory.get_ws_assistant(), domain)
