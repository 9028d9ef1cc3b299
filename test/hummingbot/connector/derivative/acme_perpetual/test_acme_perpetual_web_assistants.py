import asyncio
import subprocess
import sys
import time
import unittest
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import (
    PATIENCE,
    LoopbackVenue,
    breaks_off,
    never,
    refuses,
    stalls_halfway,
)
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from unittest.mock import AsyncMock, call, patch

import aiohttp
from aiohttp import web
from yarl import URL

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_web_utils as web_utils
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeApiError,
    AcmeConnectionsFactory,
    AcmeNoAnswerError,
    AcmeNotSentError,
    AcmeRequestError,
    AcmeRESTAssistant,
    RunningDeadline,
    environment_proxy,
    is_clock_error,
)
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, WSJSONRequest


class EnvironmentProxyTests(unittest.TestCase):
    def proxy(self, url: str, **environment: str):
        with patch.dict("os.environ", environment, clear=True):
            return environment_proxy(URL(url))

    def test_requests_and_streams_of_a_scheme_go_the_same_way(self):
        proxies = {"https_proxy": "http://gate:3128", "HTTP_PROXY": "http://plain:80"}

        self.assertEqual("http://gate:3128", self.proxy("https://acme.example/api/", **proxies))
        self.assertEqual("http://gate:3128", self.proxy("wss://acme.example/ws/", **proxies))
        self.assertEqual("http://plain:80", self.proxy("ws://acme.example/ws/", **proxies))
        self.assertIsNone(self.proxy("wss://acme.example/ws/", HTTP_PROXY="http://plain:80"))

    def test_this_machine_is_never_asked_for_elsewhere(self):
        for host in ("127.0.0.1", "localhost", "[::1]", "127.9.9.9"):
            self.assertIsNone(self.proxy(f"http://{host}:8600/api/", HTTP_PROXY="http://plain:80"), host)

    def test_what_the_user_excepts_is_excepted(self):
        proxies = {"HTTPS_PROXY": "http://gate:3128", "NO_PROXY": "acme.example,other.example"}

        self.assertIsNone(self.proxy("https://acme.example/api/", **proxies))
        self.assertEqual("http://gate:3128", self.proxy("https://acme.test/api/", **proxies))


class AcmeRequestTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.venue.answer("GET", "/api/time", "2026-01-02T03:04:05.678901+00:00")
        clock = TimeSynchronizer()
        clock.add_time_offset_ms_sample(0)
        auth = AcmePerpetualAuth("the-key", "the-secret", clock)
        self.factory = web_utils.build_api_factory(time_synchronizer=clock, auth=auth, domain=self.venue.url)

    async def request(self, path: str = "/account", method: RESTMethod = RESTMethod.GET, limit_id: str = "", **kwargs):
        assistant = await self.factory.get_rest_assistant()
        return await assistant.execute_request(
            url=web_utils.private_rest_url(path, self.venue.url),
            method=method,
            is_auth_required=True,
            throttler_limit_id=limit_id or path,
            **kwargs,
        )

    async def place(self):
        return await self.request("/orders", RESTMethod.POST, CONSTANTS.PLACE_ORDER_LIMIT_ID, data={"size": "0.0001"})

    async def test_numbers_are_the_decimals_of_their_text(self):
        self.venue.answer(
            "GET",
            "/api/account",
            '{"success": true, "result": {"free": 0.1234567890123456789, "step": 1e-08, "id": 7}}',
            status=200,
        )

        result = (await self.request())["result"]

        self.assertEqual(Decimal("0.1234567890123456789"), result["free"])
        self.assertEqual(Decimal("0.00000001"), result["step"])
        self.assertIsInstance(result["id"], int)

    async def test_a_refusal_is_the_venues_words_and_nothing_else(self):
        self.venue.answer("GET", "/api/account", refuses(401, "Not logged in: Invalid signature"))

        with self.assertRaises(AcmeApiError) as refusal:
            await self.request()

        self.assertEqual("Not logged in: Invalid signature", str(refusal.exception))
        self.assertEqual(401, refusal.exception.status)
        self.assertIsNone(refusal.exception.retry_after)
        self.assertFalse(refusal.exception.outcome_unknown)
        self.assertIsInstance(refusal.exception, IOError)
        self.assertNotIn("the-", repr(refusal.exception))

    async def test_what_a_read_only_key_is_refused_says_what_to_do(self):
        self.venue.answer("POST", "/api/orders", refuses(403, "Not authorized"))

        with self.assertRaises(AcmeApiError) as refusal:
            await self.place()

        self.assertEqual("Not authorized", refusal.exception.message)
        self.assertEqual(
            "Not authorized (the API key may only read: connect acme_perpetual with one that may trade)",
            str(refusal.exception),
        )

    async def test_a_refusal_can_be_returned_instead(self):
        self.venue.answer("GET", "/api/account", refuses(404, "Order not found"))

        self.assertEqual({"success": False, "error": "Order not found"}, await self.request(return_err=True))

    async def test_only_below_500_does_a_refusal_mean_that_nothing_happened(self):
        for status, unknown in ((400, False), (404, False), (429, False), (500, True), (502, True), (503, True)):
            self.assertEqual(unknown, AcmeApiError(status, "text").outcome_unknown, status)
        self.assertTrue(AcmeNoAnswerError().outcome_unknown)
        self.assertFalse(AcmeNotSentError().outcome_unknown)

    async def test_an_error_without_the_venues_words_is_still_an_error(self):
        for status, body in ((400, ""), (404, "<html>no such page</html>"), (502, "Bad gateway"), (500, "[]")):
            self.venue.answer("GET", "/api/account", body, status=status)
            with self.subTest(status), self.assertRaises(AcmeApiError) as refusal:
                await self.request()
            self.assertEqual(f"HTTP status {status}", str(refusal.exception))

    async def test_an_answer_that_is_not_the_venues_leaves_the_outcome_unknown(self):
        for body in (
            "<html>hello</html>",
            "",
            "[]",
            "{}",
            '{"success": true}',
            '{"success": 1, "result": 2}',
            '"ok"',
            '{"success": true, "result": NaN}',
            "[" * 100_000,
        ):
            self.venue.answer("POST", "/api/orders", body, status=200)
            with self.subTest(body[:40]), self.assertRaises(AcmeNoAnswerError) as error:
                await self.place()
            self.assertIn("POST /api/orders", str(error.exception))
            self.assertIn("acme_perpetual_server", str(error.exception))
            self.assertTrue(error.exception.outcome_unknown)

    async def test_a_success_that_says_it_is_none_is_a_refusal(self):
        self.venue.answer("GET", "/api/account", {"success": False, "error": "Order not found"}, status=200)

        with self.assertRaisesRegex(AcmeApiError, "^Order not found$"):
            await self.request()

    async def test_signed_requests_do_not_follow_redirects(self):
        self.venue.answer(
            "GET", "/api/account", "", status=307, headers={"Location": f"{self.venue.url}/api/elsewhere"}
        )

        with self.assertRaises(AcmeNoAnswerError):
            await self.request()

        self.assertEqual(["/api/account"], [request.path for request in self.venue.requests])

    async def test_each_kind_of_request_has_its_deadline(self):
        self.venue.answer("POST", "/api/orders", never)
        self.venue.answer("DELETE", "/api/orders/7", never)
        self.venue.answer("GET", "/api/account", never)
        with (
            patch.object(CONSTANTS, "TRADING_REQUEST_DEADLINE", 0.05),
            patch.object(CONSTANTS, "REQUEST_DEADLINE", 0.06),
        ):
            with self.assertRaisesRegex(AcmeNoAnswerError, r"^No answer to POST /api/orders within 0\.05 s\.$"):
                await self.place()
            with self.assertRaisesRegex(AcmeNoAnswerError, r"within 0\.05 s"):
                await self.request("/orders/7", RESTMethod.DELETE, CONSTANTS.CANCEL_ORDER_LIMIT_ID)
            with self.assertRaisesRegex(AcmeNoAnswerError, r"within 0\.06 s"):
                await self.request()
        self.assertEqual(5, CONSTANTS.TRADING_REQUEST_DEADLINE)
        self.assertEqual(10, CONSTANTS.REQUEST_DEADLINE)

    async def test_the_deadline_covers_reading_the_answer(self):
        self.venue.answer("POST", "/api/orders", stalls_halfway)

        with patch.object(CONSTANTS, "TRADING_REQUEST_DEADLINE", 0.05), self.assertRaises(AcmeNoAnswerError) as error:
            await self.place()

        # Hummingbot takes a TimeoutError of a cancel for an order that has no id yet, and gives the order up.
        self.assertNotIsInstance(error.exception, asyncio.TimeoutError)

    async def test_a_broken_connection_leaves_the_outcome_unknown(self):
        self.venue.answer("POST", "/api/orders", breaks_off)

        with self.assertRaises(AcmeNoAnswerError) as error:
            await self.place()

        self.assertIn("POST /api/orders", str(error.exception))

    async def test_what_can_be_repeated_is_when_a_kept_connection_was_closed(self):
        connections = []

        async def answer(request):
            connections.append(request.transport)
            return web.json_response({"success": True, "result": len(connections)})

        self.venue.answer("GET", "/api/account", answer, answer, breaks_off, answer)
        self.venue.answer("POST", "/api/orders", breaks_off)

        self.assertEqual([1, 2, 3], [(await self.request())["result"] for _ in range(3)])
        self.assertIs(connections[0], connections[1])
        self.assertIsNot(connections[1], connections[2])
        with self.assertRaises(AcmeNoAnswerError):
            await self.place()
        self.assertEqual(1, [request.method for request in self.venue.requests].count("POST"))

    async def test_an_interrupted_request_leaves_no_answer_to_the_next_one(self):
        gate = asyncio.Event()

        async def late(request):
            await gate.wait()
            return web.json_response({"success": True, "result": "late"})

        self.venue.answer("GET", "/api/account", late, "next")
        interrupted = asyncio.ensure_future(self.request())
        while not self.venue.requests:
            await asyncio.sleep(0)
        interrupted.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await interrupted
        gate.set()

        self.assertEqual("next", (await self.request())["result"])

    async def test_an_answer_that_is_no_http_leaves_the_outcome_unknown(self):
        async def nonsense(request):
            request.transport.write(b"nonsense\r\n\r\n")
            return await never(request)

        self.venue.answer("POST", "/api/orders", nonsense)

        with self.assertRaises(AcmeNoAnswerError):
            await self.place()

    async def test_an_interim_answer_is_not_the_answer(self):
        async def hints(request):
            request.transport.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            return web.json_response({"success": True, "result": 7})

        self.venue.answer("GET", "/api/account", hints)

        self.assertEqual(7, (await self.request())["result"])

    async def test_no_header_is_made_of_another(self):
        for value in ("one\r\nHost: elsewhere", "one\nHost: elsewhere", "one\rHost: elsewhere"):
            with self.subTest(value), self.assertRaises(ValueError):
                await self.request(headers={"ACME-SUBACCOUNT": value})
        self.assertEqual([], self.venue.requests)

    async def test_no_connection_means_that_nothing_was_sent(self):
        await self.venue.stop_serving()

        with self.assertRaises(AcmeNotSentError) as error:
            await self.place()

        self.assertIn("POST /api/orders", str(error.exception))
        self.assertFalse(error.exception.outcome_unknown)

    async def test_errors_of_the_network_are_ordinary_and_hold_no_secret(self):
        for answer in (never, stalls_halfway, breaks_off):
            self.venue.answer("POST", "/api/orders", answer)
            with patch.object(CONSTANTS, "TRADING_REQUEST_DEADLINE", 0.05), self.assertRaises(IOError) as error:
                await self.place()
            for text in (str(error.exception), repr(error.exception)):
                self.assertNotIn("the-", text)
                self.assertNotIn("ACME-", text)

    async def test_429_is_waited_out_and_signed_anew(self):
        too_many = refuses(429, "Do not send more than 30 requests per second", **{"Retry-After": "0.25"})
        for method, path, limit_id in (
            (RESTMethod.GET, "/account", "/account"),
            (RESTMethod.POST, "/orders", CONSTANTS.PLACE_ORDER_LIMIT_ID),
            (RESTMethod.DELETE, "/orders/7", CONSTANTS.CANCEL_ORDER_LIMIT_ID),
        ):
            self.venue.answer(method.value, f"/api{path}", too_many, too_many, 7)
            self.venue.requests.clear()
            with (
                self.subTest(path),
                patch.object(AcmeRESTAssistant, "_sleep", AsyncMock()) as sleep,
                patch.object(AcmePerpetualAuth, "_timestamp", side_effect=[1, 2, 3]),
            ):
                self.assertEqual(7, (await self.request(path, method, limit_id))["result"])
            self.assertEqual([call(0.25), call(0.25)], sleep.await_args_list)
            self.assertEqual(["1", "2", "3"], [request.headers["ACME-TS"] for request in self.venue.requests])
            self.assertEqual(3, len({request.headers["ACME-SIGN"] for request in self.venue.requests}))

    async def test_429_is_not_waited_out_for_ever(self):
        self.venue.answer("GET", "/api/account", refuses(429, "Slow down", **{"Retry-After": "0.25"}))

        with (
            patch.object(AcmeRESTAssistant, "_sleep", AsyncMock()) as sleep,
            self.assertRaises(AcmeApiError) as refusal,
        ):
            await self.request()

        self.assertEqual(CONSTANTS.RATE_LIMIT_RETRIES, sleep.await_count)
        self.assertEqual(0.25, refusal.exception.retry_after)
        self.assertFalse(refusal.exception.outcome_unknown)

    async def test_a_429_that_asks_for_too_long_a_wait_is_passed_on(self):
        self.venue.answer("GET", "/api/account", refuses(429, "Slow down", **{"Retry-After": "3600"}))

        with (
            patch.object(AcmeRESTAssistant, "_sleep", AsyncMock()) as sleep,
            self.assertRaises(AcmeApiError) as refusal,
        ):
            await self.request()

        sleep.assert_not_awaited()
        self.assertEqual(3600, refusal.exception.retry_after)

    async def test_a_429_that_does_not_say_how_long_is_waited_out_for_a_second(self):
        for header in ({}, {"Retry-After": "soon"}, {"Retry-After": "-1"}, {"Retry-After": "inf"}):
            self.venue.answer("GET", "/api/account", refuses(429, "Slow down", **header), 1)
            with self.subTest(header), patch.object(AcmeRESTAssistant, "_sleep", AsyncMock()) as sleep:
                await self.request()
            sleep.assert_awaited_once_with(1.0)

    async def test_clock_errors_are_recognised(self):
        self.assertTrue(is_clock_error(AcmeApiError(401, "Timestamp too far from current time")))
        self.assertFalse(is_clock_error(AcmeApiError(401, "Not logged in")))
        self.assertFalse(is_clock_error(AcmeRequestError("Timestamp too far from current time")))


class AcmeWebSocketTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.factory = web_utils.build_api_factory(domain=self.venue.url)

    async def test_messages_arrive_as_their_text(self):
        assistant = await self.factory.get_ws_assistant()
        await assistant.connect(ws_url=web_utils.wss_url(self.venue.url))
        client = await self.venue.client()
        await assistant.send(WSJSONRequest(payload={"op": "ping"}))
        self.assertEqual({"op": "ping"}, await client.next_frame())

        await client.send('{"price": 0.1234567890123456789}')

        self.assertEqual('{"price": 0.1234567890123456789}', (await assistant.receive()).data)
        await assistant.disconnect()

    async def test_giving_up_a_dead_connection_takes_no_time(self):
        assistant = await self.factory.get_ws_assistant()
        await assistant.connect(ws_url=web_utils.wss_url(self.venue.url))

        with (
            patch.object(aiohttp.ClientWebSocketResponse, "close", lambda socket: asyncio.Event().wait()),
            patch.object(CONSTANTS, "CLOSE_DEADLINE", 0.01),
        ):
            await asyncio.wait_for(assistant.disconnect(), PATIENCE)

        with self.assertRaises(RuntimeError):
            await assistant.receive()


class AcmeConnectionsFactoryTests(IsolatedAsyncioWrapperTestCase):
    def test_is_one_but_not_hummingbots(self):
        self.assertIs(AcmeConnectionsFactory(), AcmeConnectionsFactory())
        self.assertIsNot(ConnectionsFactory(), AcmeConnectionsFactory())
        self.assertNotIsInstance(ConnectionsFactory(), AcmeConnectionsFactory)

    def test_a_process_that_ends_says_nothing_of_connections(self):
        """An `hbot` command is such a process; its connectors are never closed."""
        program = (
            "import asyncio, sys\n"
            "from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import *\n"
            "print('imported', file=sys.stderr, flush=True)\n"
            "for _ in range(2): asyncio.run(AcmeConnectionsFactory().get_rest_connection())\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
        # In a source tree Hummingbot asks git for its branch when it is imported, which may have something to say.
        *_, said_after_the_import = ended.stderr.split("imported\n")
        self.assertEqual((0, "", ""), (ended.returncode, ended.stdout, said_after_the_import))

    def test_requests_work_in_every_event_loop_of_a_process(self):
        async def serve_and_ask() -> str:
            venue = LoopbackVenue()
            await venue.start()
            venue.answer("GET", "/api/time", "2026-01-02T03:04:05.678901+00:00")
            try:
                return await web_utils.get_current_server_time(domain=venue.url)
            finally:
                await venue.stop_serving()

        times, sessions = [], []
        for _ in range(2):
            loop = asyncio.new_event_loop()
            times.append(loop.run_until_complete(serve_and_ask()))
            sessions.append((loop, AcmeConnectionsFactory()._shared_client))
        self.assertEqual(times[0], times[1])
        for loop, session in sessions:
            loop.run_until_complete(session.close())
            loop.close()


class RunningDeadlineTests(IsolatedAsyncioWrapperTestCase):
    async def test_it_passes_while_nothing_happens(self):
        with self.assertRaises(TimeoutError):
            async with RunningDeadline(0.05):
                await asyncio.Event().wait()

    async def test_a_loop_that_is_held_up_is_not_the_venues_silence(self):
        """What came while something worked within the loop is read before the deadline is looked at."""
        answer = asyncio.get_running_loop().create_future()

        async with RunningDeadline(0.3):
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.6)
            asyncio.get_running_loop().call_later(
                0.02, asyncio.get_running_loop().call_later, 0.1, answer.set_result, 1
            )
            self.assertEqual(1, await answer)

    async def test_it_is_stretched_within_a_limit(self):
        async def hold_up():
            while True:
                time.sleep(0.06)
                await asyncio.sleep(0)

        holding = asyncio.ensure_future(hold_up())
        self.addCleanup(holding.cancel)
        with patch.object(CONSTANTS, "DEADLINE_STRETCH", 3), self.assertRaises(TimeoutError):
            async with RunningDeadline(0.05):
                await asyncio.Event().wait()

    async def test_what_ends_in_time_leaves_no_timer(self):
        deadline = RunningDeadline(5)
        async with deadline:
            pass
        self.assertTrue(deadline._timer.cancelled())
