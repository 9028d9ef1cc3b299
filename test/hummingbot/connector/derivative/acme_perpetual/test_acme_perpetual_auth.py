import hashlib
import hmac
import json
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import LoopbackVenue
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from urllib.parse import unquote

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_web_utils as web_utils
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, WSJSONRequest

# The examples in the documentation of the API whose dialect Acme speaks, except for the prefix of the headers.
DOCUMENTED_SECRET = "T4lPid48QtjNxjLUFOcUZghD7CUJ7sTVsfuvQZF2"
DOCUMENTED_LOGIN_SECRET = "Y2QTHI23f23f23jfjas23f23To0RfUwX3H42fvN-"


class FixedClock(TimeSynchronizer):
    def __init__(self, milliseconds: int):
        super().__init__()
        self._milliseconds = milliseconds

    def time(self) -> float:
        return self._milliseconds * 1e-3 + 1e-7


class AcmePerpetualAuthTests(IsolatedAsyncioWrapperTestCase):
    async def test_rest_authenticate(self):
        auth = AcmePerpetualAuth("the-key", DOCUMENTED_SECRET, FixedClock(1588591511721))
        request = RESTRequest(
            method=RESTMethod.GET,
            url="http://127.0.0.1:8600/api/markets",
            headers={"Accept": "x"},
            is_auth_required=True,
        )

        signed = await auth.rest_authenticate(request)

        self.assertEqual(
            {
                "Accept": "x",
                "ACME-KEY": "the-key",
                "ACME-TS": "1588591511721",
                "ACME-SIGN": "dbc62ec300b2624c580611858d94f2332ac636bb86eccfa1167a7777c496ee6f",
            },
            signed.headers,
        )

    async def test_rest_authenticate_signs_the_body(self):
        body = (
            '{"market": "BTC-PERP", "side": "buy", "price": 8500, "size": 1, "type": "limit", "reduceOnly": false, '
            '"ioc": false, "postOnly": false, "clientId": null}'
        )
        auth = AcmePerpetualAuth("the-key", DOCUMENTED_SECRET, FixedClock(1588591856950))
        request = RESTRequest(method=RESTMethod.POST, url="https://acme.example/api/orders", data=body)

        signed = await auth.rest_authenticate(request)

        self.assertEqual(
            "c4fbabaf178658a59d7bbf57678d44c369382f3da29138f04cd46d3d582ba4ba", signed.headers["ACME-SIGN"]
        )
        self.assertEqual(body, signed.data)

    async def test_rest_authenticate_makes_the_query_part_of_the_signed_url(self):
        auth = AcmePerpetualAuth("the-key", "secret", FixedClock(1700000000000))
        request = RESTRequest(
            method=RESTMethod.GET,
            url="http://127.0.0.1:8600/api/fills",
            params={"market": "BTC/USD", "start_time": 1699999999.5, "order": "asc"},
        )

        signed = await auth.rest_authenticate(request)

        expected = "1700000000000GET/api/fills?market=BTC/USD&start_time=1699999999.5&order=asc"
        self.assertEqual(hmac.digest(b"secret", expected.encode(), "sha256").hex(), signed.headers["ACME-SIGN"])
        self.assertEqual(
            "http://127.0.0.1:8600/api/fills?market=BTC/USD&start_time=1699999999.5&order=asc", str(signed.url)
        )
        self.assertIsNone(signed.params)

    async def test_ws_authenticate(self):
        auth = AcmePerpetualAuth("the-key", DOCUMENTED_LOGIN_SECRET, FixedClock(1557246346499))

        login = await auth.ws_authenticate(WSJSONRequest(payload={}, is_auth_required=True))

        self.assertEqual(
            {
                "op": "login",
                "args": {
                    "key": "the-key",
                    "sign": "d10b5a67a1a941ae9463a60b285ae845cdeac1b11edc7da9977bef0228b96de9",
                    "time": 1557246346499,
                },
            },
            login.payload,
        )

    async def test_a_subaccount_is_named_in_every_request_and_login(self):
        auth = AcmePerpetualAuth("the-key", "secret", FixedClock(1), subaccount="mein Körbchen/1")

        headers = auth.header_for_authentication("GET", "/api/account", "")
        login = await auth.ws_authenticate(WSJSONRequest(payload={}, is_auth_required=True))

        self.assertEqual("mein%20K%C3%B6rbchen%2F1", headers["ACME-SUBACCOUNT"])
        self.assertEqual("mein Körbchen/1", login.payload["args"]["subaccount"])

    def test_header_for_authentication_follows_the_servers_clock(self):
        clock = TimeSynchronizer()
        clock.add_time_offset_ms_sample((1_700_000_000 - clock._current_seconds_counter()) * 1e3)
        auth = AcmePerpetualAuth("the-key", "secret", clock)

        headers = auth.header_for_authentication("GET", "/api/account", "")

        self.assertAlmostEqual(1_700_000_000_000, int(headers["ACME-TS"]), delta=60_000)

    def test_nothing_printable_holds_the_secret(self):
        auth = AcmePerpetualAuth("the-key", "the-secret", TimeSynchronizer())

        for text in (repr(auth), str(auth), f"{auth}"):
            self.assertNotIn("the-secret", text)
            self.assertNotIn("the-key", text)

    async def test_a_connector_for_public_data_needs_no_key(self):
        for nothing in (None, ""):
            auth = AcmePerpetualAuth(nothing, nothing, FixedClock(1))
            self.assertEqual("", auth.header_for_authentication("GET", "/api/", "")["ACME-KEY"])


class SignatureOnTheWireTests(IsolatedAsyncioWrapperTestCase):
    """What is signed is what is sent, byte for byte."""

    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.venue.answer("GET", "/api/time", "2023-11-14T22:13:20+00:00")
        clock = TimeSynchronizer()
        auth = AcmePerpetualAuth("the-key", "the-secret", clock)
        self.factory = web_utils.build_api_factory(time_synchronizer=clock, auth=auth, domain=self.venue.url)

    async def sent(self, method: RESTMethod, path: str, **request):
        self.venue.answer(method.value, f"/api{unquote(path)}", None)
        assistant = await self.factory.get_rest_assistant()
        await assistant.execute_request(
            url=web_utils.private_rest_url(path, self.venue.url),
            method=method,
            is_auth_required=True,
            throttler_limit_id="/account",
            **request,
        )
        return self.venue.requests[-1]

    def assert_signed(self, sent):
        payload = f"{sent.headers['ACME-TS']}{sent.method}{sent.path}{sent.body}"
        self.assertEqual(
            hmac.new(b"the-secret", payload.encode(), hashlib.sha256).hexdigest(), sent.headers["ACME-SIGN"]
        )

    async def test_queries_with_signs_that_are_quoted_in_different_ways(self):
        params = {
            "market": "BTC/USD",
            "plus": "a+b c",
            "and": "a&b=c",
            "percent": "100%",
            "name": "é☃",
            "empty": "",
            "number": 1.5,
            "tilde": "~!*'()",
            "comma": "1,2;3:4@5",
            "escaped": "%2F",
        }

        sent = await self.sent(RESTMethod.GET, "/fills", params=params)

        self.assert_signed(sent)
        self.assertIn("?market=BTC/USD&plus=a%2Bb+c&and=a%26b%3Dc&", sent.path)

    async def test_paths_with_escaped_names(self):
        path = web_utils.filled_path("/orders/by_client_id/{client_order_id}", client_order_id="my/order 1%é")

        sent = await self.sent(RESTMethod.GET, path)

        self.assert_signed(sent)
        self.assertEqual("/api/orders/by_client_id/my%2Forder%201%25%C3%A9", sent.path)

    async def test_bodies_of_posts_and_deletes(self):
        for method in (RESTMethod.POST, RESTMethod.DELETE):
            sent = await self.sent(method, "/orders", data={"market": "BTC-PERP", "size": "0.0001", "note": "é☃"})

            self.assert_signed(sent)
            self.assertEqual({"market": "BTC-PERP", "size": "0.0001", "note": "é☃"}, json.loads(sent.body))
            self.assertEqual("application/json", sent.headers["Content-Type"])

    async def test_a_delete_without_a_body(self):
        sent = await self.sent(RESTMethod.DELETE, "/orders/77")

        self.assert_signed(sent)
        self.assertEqual("", sent.body)

    async def test_dated_by_the_servers_clock(self):
        sent = await self.sent(RESTMethod.GET, "/account")

        self.assertAlmostEqual(1_700_000_000_000, int(sent.headers["ACME-TS"]), delta=60_000)
