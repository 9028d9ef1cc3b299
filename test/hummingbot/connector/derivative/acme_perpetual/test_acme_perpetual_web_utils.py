import asyncio
import json
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import LoopbackVenue, never, refuses
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from unittest.mock import patch

from aioresponses import aioresponses

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_throttler import AcmeThrottler
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeApiError
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest


class AcmePerpetualUrlTests(IsolatedAsyncioWrapperTestCase):
    def test_urls_of_the_default_server(self):
        self.assertEqual("http://127.0.0.1:8600/api/markets", web_utils.public_rest_url(CONSTANTS.MARKETS_PATH_URL))
        self.assertEqual("http://127.0.0.1:8600/api/account", web_utils.private_rest_url(CONSTANTS.ACCOUNT_PATH_URL))
        self.assertEqual("http://127.0.0.1:8600/api/", web_utils.public_rest_url(CONSTANTS.PING_PATH_URL))
        self.assertEqual("ws://127.0.0.1:8600/ws/", web_utils.wss_url())

    def test_urls_of_a_configured_server(self):
        server = "https://acme.example:8443"

        self.assertEqual(f"{server}/api/time", web_utils.public_rest_url(CONSTANTS.SERVER_TIME_PATH_URL, domain=server))
        self.assertEqual(f"{server}/api/orders", web_utils.private_rest_url(CONSTANTS.ORDERS_PATH_URL, domain=server))
        self.assertEqual("wss://acme.example:8443/ws/", web_utils.wss_url(server))

    def test_names_in_a_path_are_escaped(self):
        self.assertEqual(
            "/markets/BTC%2FUSD/orderbook", web_utils.filled_path(CONSTANTS.ORDER_BOOK_PATH_URL, market="BTC/USD")
        )
        self.assertEqual(
            "/orders/by_client_id/a%3Fb%23c",
            web_utils.filled_path(CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL, client_order_id="a?b#c"),
        )


class AcmePerpetualServerTimeTests(IsolatedAsyncioWrapperTestCase):
    @aioresponses()
    async def test_get_current_server_time(self, mock_api):
        mock_api.get(
            "http://127.0.0.1:8600/api/time",
            body=json.dumps({"success": True, "result": "2026-01-02T03:04:05.678901+00:00"}),
        )

        milliseconds = await web_utils.get_current_server_time()

        self.assertAlmostEqual(1767323045678.901, milliseconds, places=2)

    @aioresponses()
    async def test_get_current_server_time_of_another_server(self, mock_api):
        mock_api.get("https://acme.example/api/time", body='{"success": true, "result": "1970-01-01T00:00:01+00:00"}')

        self.assertEqual(1000, await web_utils.get_current_server_time(domain="https://acme.example"))

    @aioresponses()
    async def test_what_is_no_time_is_an_error(self, mock_api):
        for result in ('"yesterday"', "12", "null", '"2026-01-02T03:04:05"'):
            mock_api.get("http://127.0.0.1:8600/api/time", body=f'{{"success": true, "result": {result}}}')
            with self.subTest(result), self.assertRaises(wire.WireError):
                await web_utils.get_current_server_time()


class AcmePerpetualClockTests(IsolatedAsyncioWrapperTestCase):
    """The synchronizer is fed when a signature needs it, and again when the venue says that it is wrong."""

    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.venue.answer("GET", "/api/time", "2023-11-14T22:13:20+00:00")
        self.venue.answer("GET", "/api/account", None)
        self.venue.answer("GET", "/api/markets", [])
        self.clock = TimeSynchronizer()
        self.factory = web_utils.build_api_factory(
            time_synchronizer=self.clock, auth=AcmePerpetualAuth("key", "secret", self.clock), domain=self.venue.url
        )

    async def request(self, path: str, is_auth_required: bool):
        assistant = await self.factory.get_rest_assistant()
        url = web_utils.public_rest_url(path, self.venue.url)
        await assistant.execute_request(url=url, throttler_limit_id=path, is_auth_required=is_auth_required)

    def requested(self):
        return [request.path for request in self.venue.requests]

    async def test_the_first_signed_request_asks_for_the_time_once(self):
        await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)
        await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)

        self.assertEqual(["/api/time", "/api/account", "/api/account"], self.requested())
        self.assertAlmostEqual(1_700_000_000, self.clock.time(), delta=60)

    async def test_public_requests_need_no_clock(self):
        await self.request(CONSTANTS.MARKETS_PATH_URL, is_auth_required=False)

        self.assertEqual(["/api/markets"], self.requested())

    async def test_a_clock_error_is_healed_at_once_however_many_samples_were_wrong(self):
        for _ in range(5):
            self.clock.add_time_offset_ms_sample(0)
        self.venue.answer("GET", "/api/account", refuses(401, CONSTANTS.CLOCK_ERROR))

        with self.assertRaises(AcmeApiError):
            await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)
        self.venue.answer("GET", "/api/account", None)
        await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)

        self.assertEqual(["/api/account", "/api/time", "/api/account"], self.requested())
        self.assertAlmostEqual(1_700_000_000_000, int(self.venue.requests[-1].headers["ACME-TS"]), delta=60_000)

    async def test_other_refusals_leave_the_clock_alone(self):
        self.clock.add_time_offset_ms_sample(7)
        self.venue.answer("GET", "/api/account", refuses(401, "Not logged in: Invalid signature"))

        with self.assertRaises(AcmeApiError):
            await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)

        self.assertEqual(7, self.clock.time_offset_ms)

    async def test_a_login_asks_for_the_time_too(self):
        assistant = await self.factory.get_ws_assistant()
        await assistant.connect(ws_url=web_utils.wss_url(self.venue.url))
        await assistant.send(WSJSONRequest(payload={}, is_auth_required=True))
        await assistant.send(WSJSONRequest(payload={}, is_auth_required=True))

        login = await (await self.venue.client()).expect(op="login")
        await assistant.disconnect()

        self.assertEqual(["/api/time"], self.requested())
        self.assertAlmostEqual(1_700_000_000_000, login["args"]["time"], delta=60_000)

    async def test_without_the_venues_time_the_own_clock_is_used(self):
        short_deadline = patch.object(CONSTANTS, "REQUEST_DEADLINE", 0.5)

        async def never_for_this_one(request):
            short_deadline.stop()
            return await never(request)

        self.venue.answer("GET", "/api/time", never_for_this_one)
        self.venue.answer("GET", "/api/account", None)
        short_deadline.start()
        await self.request(CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)

        self.assertEqual(["/api/time", "/api/account"], self.requested())


class AcmePerpetualRateLimitTests(IsolatedAsyncioWrapperTestCase):
    def setUp(self):
        self.throttler = AcmeThrottler(CONSTANTS.RATE_LIMITS)

    async def use_up(self, limit_id: str) -> int:
        """Sends requests until one would have to wait, and returns how many went out."""
        sent = 0
        while self.throttler.execute_task(limit_id).within_capacity():
            async with self.throttler.execute_task(limit_id):
                sent += 1
        return sent

    async def test_every_path_has_a_limit(self):
        paths = {value for name, value in vars(CONSTANTS).items() if name.endswith("_PATH_URL")}

        self.assertEqual(set(), paths - {limit.limit_id for limit in CONSTANTS.RATE_LIMITS})

    async def test_the_venues_limits_are_kept(self):
        self.assertEqual(20, await self.use_up(CONSTANTS.PLACE_ORDER_LIMIT_ID))
        self.assertEqual(10, await self.use_up(CONSTANTS.FILLS_PATH_URL))
        self.assertEqual(0, await self.use_up(CONSTANTS.BALANCES_PATH_URL))

    async def test_public_requests_together_stay_in_their_own_bucket(self):
        self.assertEqual(30, await self.use_up(CONSTANTS.MARKETS_PATH_URL))
        self.assertEqual(0, await self.use_up(CONSTANTS.FUTURES_PATH_URL))
        self.assertEqual(20, await self.use_up(CONSTANTS.PLACE_ORDER_LIMIT_ID))

    async def test_polling_never_delays_placing_and_cancelling(self):
        for path in CONSTANTS.READING_PATH_URLS:
            await self.use_up(path)

        self.assertEqual(20, await self.use_up(CONSTANTS.PLACE_ORDER_LIMIT_ID))
        self.assertGreaterEqual(await self.use_up(CONSTANTS.CANCEL_ORDER_LIMIT_ID), 100)

    async def test_several_bots_share_an_accounts_limits(self):
        self.throttler = AcmeThrottler(CONSTANTS.RATE_LIMITS, limits_share_percentage=Decimal("50"))

        self.assertEqual(10, await self.use_up(CONSTANTS.PLACE_ORDER_LIMIT_ID))
        self.assertEqual(5, await self.use_up(CONSTANTS.FILLS_PATH_URL))

    async def test_waiting_for_the_rate_limit_is_no_part_of_the_deadline(self):
        venue = LoopbackVenue()
        await venue.start()
        self.addAsyncCleanup(venue.stop)
        venue.answer("GET", "/api/account", None)
        factory = web_utils.build_api_factory_without_time_synchronizer_pre_processor(self.throttler)
        assistant = await factory.get_rest_assistant()
        released = asyncio.Event()

        with (
            patch.object(CONSTANTS, "REQUEST_DEADLINE", 0.05),
            patch.object(
                type(self.throttler.execute_task(CONSTANTS.ACCOUNT_PATH_URL)),
                "acquire",
                lambda context: released.wait(),
            ),
        ):
            waiting = asyncio.create_task(
                assistant.execute_request(
                    url=web_utils.public_rest_url("/account", venue.url), throttler_limit_id="/account"
                )
            )
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            self.assertFalse(done)
        released.set()
        self.assertEqual({"success": True, "result": None}, await waiting)
