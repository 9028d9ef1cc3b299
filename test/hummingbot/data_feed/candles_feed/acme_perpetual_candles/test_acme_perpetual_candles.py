import asyncio
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import LoopbackVenue, breaks_off, refuses
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from types import SimpleNamespace
from typing import Any, Dict, List
from unittest.mock import AsyncMock, patch
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from hummingbot.client import settings
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as ACME
from hummingbot.core.api_throttler.async_throttler import AsyncThrottler
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.data_feed.candles_feed.acme_perpetual_candles import AcmePerpetualCandles, constants as CONSTANTS
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig, HistoricalCandlesConfig

START = 1767322800  # 2026-01-02T03:00:00Z
MINUTE = 60
PATH = "/api/markets/BTC-PERP/candles"


def candle(number: int, close: float = 65000, volume: float = 0) -> Dict[str, Any]:
    """The candle of the minute `number`, as the venue sends it; it opens at 65,000."""
    start = START + number * MINUTE
    return {
        "startTime": datetime.fromtimestamp(start, UTC).isoformat(timespec="microseconds"),
        "time": start * 1000,
        "open": 65000,
        "high": max(65000, close),
        "low": min(65000, close),
        "close": close,
        "volume": volume,
    }


class AcmePerpetualCandlesTests(IsolatedAsyncioWrapperTestCase):
    trading_pair = "BTC-USD"
    ex_trading_pair = "BTC-PERP"
    interval = "1m"
    max_records = 4

    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.conf = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(patch.object(settings, "CONNECTORS_CONF_DIR_PATH", self.conf))
        self.configure(self.venue.url)
        self.data_feed = self.feed()
        self.addAsyncCleanup(self.data_feed.stop_network)

    def configure(self, server: str):
        (self.conf / "acme_perpetual.yml").write_text(f"connector: acme_perpetual\nacme_perpetual_server: '{server}'\n")

    def feed(self, interval: str = interval, max_records: int = max_records) -> AcmePerpetualCandles:
        return AcmePerpetualCandles(self.trading_pair, interval, max_records)

    def query(self, number: int = -1) -> Dict[str, str]:
        return dict(parse_qsl(urlsplit(self.venue.requests[number].path).query))

    async def live(self, *answers: Any) -> List[List[List[float]]]:
        """What the feed has after each of the answers to its requests, rows of time and close."""
        self.venue.answer("GET", PATH, *answers, [])
        seen = []

        async def sleep(delay: float):
            seen.append([[row[0], row[4]] for row in self.data_feed._candles])
            if len(seen) == len(answers):
                raise asyncio.CancelledError

        with patch.object(self.data_feed, "_sleep", sleep), self.assertRaises(asyncio.CancelledError):
            await self.data_feed.listen_for_subscriptions()
        return seen

    # ------------------------------------------------------------------------------------------------ what it is

    def test_initialization(self):
        self.assertEqual(self.trading_pair, self.data_feed._trading_pair)
        self.assertEqual(self.interval, self.data_feed.interval)
        self.assertEqual(0, len(self.data_feed._candles))
        self.assertEqual(self.max_records, self.data_feed._candles.maxlen)
        self.assertEqual("acme_perpetual_BTC-USD", self.data_feed.name)

    def test_get_exchange_trading_pair(self):
        self.assertEqual(self.ex_trading_pair, self.data_feed.get_exchange_trading_pair(self.trading_pair))

    def test_the_factory_makes_it(self):
        AllConnectorSettings.create_connector_settings()
        feed = CandlesFactory.get_candle(CandlesConfig(connector="acme_perpetual", trading_pair=self.trading_pair))
        self.assertIsInstance(feed, AcmePerpetualCandles)

    def test_an_interval_that_the_venue_has_not_is_refused_with_those_it_has(self):
        for interval in ("1s", "8h", "1w", "15s"):
            with (
                self.subTest(interval),
                self.assertRaisesRegex(ValueError, f"'{interval}': choose one of 1m, 3m, 5m, 15m, 30m, 1h"),
            ):
                self.feed(interval)

    def test_every_interval_is_one_of_hummingbots(self):
        for interval, resolution in CONSTANTS.INTERVALS.items():
            self.assertEqual(resolution, self.feed(interval).interval_in_seconds)

    def test_it_asks_the_configured_server(self):
        self.assertEqual(self.venue.url + PATH, self.data_feed.candles_url)
        self.configure("")
        self.assertEqual("http://127.0.0.1:8600" + PATH, self.feed().candles_url)

    def test_where_no_server_was_connected_the_environment_names_one(self):
        (self.conf / "acme_perpetual.yml").unlink()
        with patch.dict(os.environ, {"ACME_PERPETUAL_SERVER": "https://acme.example/"}):
            self.assertEqual("https://acme.example" + PATH, self.feed().candles_url)

    def test_where_no_server_is_known_none_is_asked(self):
        (self.conf / "acme_perpetual.yml").unlink()
        with self.assertRaisesRegex(IOError, "No Acme server is known. Connect acme_perpetual, or name"):
            _ = self.feed().candles_url

    def test_a_server_that_is_not_safe_is_not_replaced_by_another(self):
        self.configure("http://acme.example")
        with self.assertRaisesRegex(ValueError, "with https://"):
            self.feed()

    def test_settings_that_cannot_be_read_are_named(self):
        (self.conf / "acme_perpetual.yml").write_text("a: [")
        with self.assertRaisesRegex(ValueError, r"cannot be read from .*acme_perpetual\.yml"):
            self.feed()

    async def test_a_connector_shares_its_server_its_throttler_and_its_deadlines(self):
        throttler = AsyncThrottler(ACME.RATE_LIMITS)
        connector = SimpleNamespace(
            throttler=throttler, domain="https://acme.example", exchange_symbol_associated_to_pair=AsyncMock()
        )
        factory_class = type(self.data_feed._api_factory)
        self.data_feed.attach_connector(connector)

        self.assertEqual("https://acme.example" + PATH, self.data_feed.candles_url)
        self.assertIs(throttler, self.data_feed._api_factory.throttler)
        self.assertIs(factory_class, type(self.data_feed._api_factory))
        _, pools = throttler.get_related_limits(CONSTANTS.CANDLES_ENDPOINT)
        self.assertIn(throttler.get_related_limits(ACME.PUBLIC_POOL)[0], [pool for pool, _ in pools])

    async def test_check_network(self):
        self.venue.answer("GET", "/api/", {"name": "acme", "status": "ok"})
        self.assertIs(NetworkStatus.CONNECTED, await self.data_feed.check_network())
        self.venue.answer("GET", "/api/", breaks_off)
        with self.assertRaises(IOError):
            await self.data_feed.check_network()

    # -------------------------------------------------------------------------------------------------- history

    async def test_fetch_candles(self):
        self.venue.answer("GET", PATH, [candle(0), candle(1, 66000, 131000), candle(2)])

        rows = await self.data_feed.fetch_candles(start_time=START, end_time=START + 2 * MINUTE, limit=2)

        self.assertEqual((3, 10), rows.shape)
        self.assertEqual([START + MINUTE, 65000, 66000, 65000, 66000, 2, 131000, 0, 0, 0], list(rows[1]))
        self.assertEqual(
            {"resolution": "60", "start_time": str(START), "end_time": str(START + 2 * MINUTE)}, self.query()
        )

    async def test_a_span_without_a_candle_is_a_flat_one(self):
        self.venue.answer("GET", PATH, [candle(0, 66000, 9), candle(3)])

        rows = await self.data_feed.fetch_candles(end_time=START + 3 * MINUTE)

        self.assertEqual([START + n * MINUTE for n in range(4)], list(rows[:, 0]))
        for flat in rows[1:3]:
            self.assertEqual([66000, 66000, 66000, 66000, 0, 0, 0, 0, 0], list(flat[1:]))

    async def test_no_candles(self):
        self.venue.answer("GET", PATH, [])
        self.assertEqual((0, 10), (await self.data_feed.fetch_candles(end_time=START)).shape)

    async def test_an_answer_never_has_to_hold_more_than_it_can(self):
        self.venue.answer("GET", PATH, [])
        await self.data_feed.fetch_candles(end_time=START + 10_000 * MINUTE, limit=10_000)
        span = int(self.query()["end_time"]) - int(self.query()["start_time"])
        self.assertEqual(1501, span // MINUTE + 1)

    async def test_a_malformed_candle_is_an_error_that_names_the_field(self):
        for name, wrong in (("open", None), ("close", "65000"), ("low", 0), ("volume", True), ("startTime", "noon")):
            self.venue.answer("GET", PATH, [{**candle(0), name: wrong}])
            with self.subTest(name), self.assertRaisesRegex(ValueError, f"'{name}'"):
                await self.data_feed.fetch_candles(end_time=START)

    async def test_get_historical_candles_in_several_requests(self):
        self.venue.answer("GET", PATH, [candle(2), candle(3)], [candle(0), candle(1), candle(2)], [candle(0)])
        found = await self.data_feed.get_historical_candles(
            HistoricalCandlesConfig(
                connector_name="acme_perpetual",
                trading_pair=self.trading_pair,
                interval=self.interval,
                start_time=START,
                end_time=START + 3 * MINUTE,
            )
        )
        self.assertEqual([START + n * MINUTE for n in range(4)], list(found["timestamp"]))

    # ----------------------------------------------------------- intervals that are made of the venue's shorter ones

    async def test_a_longer_candle_is_made_exactly_of_those_in_it(self):
        self.data_feed = self.feed("3m", max_records=3)
        # Minute 4 had no trade.
        answer = [candle(n, 65000 + 10 * n * (-1) ** n, volume=100 + n) for n in (0, 1, 2, 3, 5, 6)]
        self.venue.answer("GET", PATH, answer, [])

        await self.data_feed._update()

        rows = [[*row[:5], row[6]] for row in self.data_feed._candles]
        self.assertEqual([START, 65000, 65020, 64990, 65020, 303], rows[0])
        self.assertEqual([START + 3 * MINUTE, 65000, 65000, 64950, 64950, 208], rows[1])
        self.assertEqual([START + 6 * MINUTE, 65000, 65060, 65000, 65060, 106], rows[2])
        self.assertEqual({"resolution": "60"}, self.query())

    async def test_the_venue_is_asked_for_whole_intervals_and_no_more_than_it_can_answer(self):
        for interval, resolution in (("3m", 60), ("30m", 900), ("2h", 3600), ("6h", 3600), ("12h", 3600)):
            self.data_feed = self.feed(interval)
            self.venue.answer("GET", PATH, [])
            end = 1767312000 + 400 * 43200
            await self.data_feed.fetch_candles(end_time=end, limit=10_000)

            query = {name: int(value) for name, value in self.query().items()}
            with self.subTest(interval):
                self.assertEqual(resolution, query["resolution"])
                self.assertEqual(0, query["start_time"] % self.data_feed.interval_in_seconds)
                self.assertEqual(end + self.data_feed.interval_in_seconds, query["end_time"] + resolution)
                self.assertLessEqual((query["end_time"] - query["start_time"]) // resolution + 1, 1501)

    async def test_an_answer_that_was_cut_off_within_an_interval_begins_with_the_next_one(self):
        self.data_feed = self.feed("3m", max_records=500)
        self.venue.answer("GET", PATH, [candle(n) for n in range(1, 1502)], [])

        await self.data_feed._update()

        self.assertEqual(START + 3 * MINUTE, self.data_feed._candles[0][0])

    # ----------------------------------------------------------------------------------------------------- live

    async def test_the_first_request_brings_all_that_is_kept(self):
        (seen,) = await self.live([candle(n, 65000 + n) for n in range(6)])

        self.assertEqual([[START + n * MINUTE, 65000 + n] for n in range(2, 6)], seen)
        self.assertEqual({"resolution": "60"}, self.query())  # which are the latest, the venue's clock says
        self.assertTrue(self.data_feed.ready)
        self.assertEqual((4, 10), self.data_feed.candles_df.shape)
        self.data_feed.check_candles_sorted_and_equidistant(np.array(self.data_feed._candles))
        self.assertTrue(self.data_feed.ready)

    async def test_a_request_for_news_reads_the_candle_before_the_last_once_more(self):
        *_, seen = await self.live(
            [candle(n) for n in range(4)], [candle(2, 65007), candle(3, 65008), candle(4, 65009)]
        )

        self.assertEqual([65000, 65007, 65008, 65009], [close for _, close in seen])
        self.assertEqual({"resolution": "60", "start_time": str(START + 2 * MINUTE)}, self.query())

    async def test_more_than_an_answer_holds_is_read_in_pages(self):
        self.data_feed = self.feed(max_records=5)
        self.venue.answer("GET", PATH, [candle(3), candle(4)], [candle(0), candle(1), candle(2)])

        await self.data_feed._update()

        self.assertEqual([START + n * MINUTE for n in range(5)], list(self.data_feed.candles_df["timestamp"]))
        self.assertEqual(str(START + 2 * MINUTE), self.query()["end_time"])

    async def test_a_young_market_has_what_there_is(self):
        self.venue.answer("GET", PATH, [candle(0)], [], [candle(0), candle(1)])
        await self.data_feed._update()
        self.assertEqual(1, len(self.data_feed._candles))
        await self.data_feed._update()
        self.assertEqual(2, len(self.data_feed._candles))
        self.assertFalse(self.data_feed.ready)

    async def test_that_there_are_fewer_than_are_waited_for_is_said_once(self):
        with self.assertLogs(self.data_feed.logger(), "WARNING") as logs:
            await self.live([candle(0)], [candle(0)], [], [])
        self.assertEqual(1, len(logs.output))
        self.assertIn("has 1 candles of 1m of BTC-USD so far, of the 4 that are asked for", logs.output[0])

    async def test_a_market_without_a_trade_has_none(self):
        self.assertEqual([[], []], await self.live([], []))

    async def test_a_venue_with_another_past_is_read_from_the_beginning(self):
        self.venue.answer(
            "GET", PATH, [candle(n) for n in range(4)], [candle(8), candle(9)], [candle(n, 7) for n in range(6, 10)]
        )
        await self.data_feed._update()
        await self.data_feed._update()
        self.assertEqual(
            [[START + n * MINUTE, 7] for n in range(6, 10)], [[r[0], r[4]] for r in self.data_feed._candles]
        )

    async def test_while_the_venue_does_not_answer_there_are_none_and_then_all(self):
        whole = [candle(n) for n in range(4)]
        for name, failure in (("refused", refuses(500, "An unexpected error occurred")), ("malformed", ["no candle"])):
            with self.subTest(name):
                self.data_feed = self.feed()
                before, during, after = await self.live(whole, failure, whole)
                self.assertEqual(4, len(before))
                self.assertEqual([], during)
                self.assertEqual(before, after)

    async def test_an_outage_is_one_line_in_the_log(self):
        with self.assertLogs(self.data_feed.logger(), "WARNING") as log:
            await self.live(*[breaks_off] * 3)
        self.assertEqual(1, str(log.output).count("No candles of BTC-USD until the venue answers"))

    async def test_short_intervals_are_asked_for_more_often(self):
        delays = {interval: self.feed(interval)._poll_interval for interval in CONSTANTS.INTERVALS}
        self.assertEqual((1, 3), (delays.pop("1m"), delays.pop("3m")))
        self.assertEqual({5}, set(delays.values()))
