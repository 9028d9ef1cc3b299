import tempfile
from decimal import Decimal
from pathlib import Path
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import LoopbackVenue, refuses
from test.hummingbot.connector.derivative.acme_perpetual.venue_data import market
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from unittest.mock import patch

from hummingbot.client import settings
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_rate_source import AcmePerpetualRateSource
from hummingbot.core.rate_oracle.rate_oracle import RateOracle

PATH = "/api/markets"
MARKETS = [market(price=32195.5), market("ETH-PERP", price=2000)]


class AcmePerpetualRateSourceTests(IsolatedAsyncioWrapperTestCase):
    async def asyncSetUp(self):
        AcmePerpetualRateSource.get_prices.cache_clear()
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.conf = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(patch.object(settings, "CONNECTORS_CONF_DIR_PATH", self.conf))
        self.configure(self.venue.url)
        self.source = AcmePerpetualRateSource()

    def configure(self, server: str):
        (self.conf / "acme_perpetual.yml").write_text(f"connector: acme_perpetual\nacme_perpetual_server: '{server}'\n")

    async def test_get_prices(self):
        self.venue.answer("GET", PATH, MARKETS)

        prices = await self.source.get_prices(quote_token="USD")

        self.assertEqual({"BTC-USD": Decimal("32195.5"), "ETH-USD": Decimal(2000)}, prices)
        self.assertIsInstance(prices["BTC-USD"], Decimal)

    async def test_only_perpetuals_with_a_price_have_a_rate(self):
        self.venue.answer(
            "GET",
            PATH,
            [
                market("ETH-PERP", price=None),
                market("SOL-PERP", price=0),
                market("BTC-1231"),
                market("BTC/USD", type="spot"),
                market("DOGE-PERP", enabled=False),
                "nothing",
                market("XRP-PERP", price=0.62),
            ],
        )
        self.assertEqual({"XRP-USD": Decimal("0.62")}, await self.source.get_prices())

    async def test_other_quote_tokens_have_no_rates_and_cost_no_request(self):
        self.assertEqual({}, await self.source.get_prices(quote_token="USDT"))
        self.assertEqual([], self.venue.requests)

    async def test_the_same_rates_serve_for_a_while(self):
        self.venue.answer("GET", PATH, MARKETS)
        for _ in range(3):
            await self.source.get_prices(quote_token="USD")
        self.assertEqual(1, len(self.venue.requests))

    async def test_no_rates_while_the_venue_does_not_answer_and_one_line_in_the_log(self):
        self.venue.answer("GET", PATH, refuses(503, "Down"), {"no": "list"}, refuses(503, "Down"))
        with self.assertLogs(self.source.logger(), "WARNING") as log:
            for _ in range(3):
                AcmePerpetualRateSource.get_prices.cache_clear()
                self.assertEqual({}, await self.source.get_prices())
        self.assertEqual(1, len(log.records))
        self.assertIn("No rates from Acme until the venue answers (Down).", log.output[0])

    async def test_another_server_that_was_connected_is_asked(self):
        self.configure("http://127.0.0.1:9")
        self.assertEqual({}, await self.source.get_prices())
        self.configure(self.venue.url)
        self.venue.answer("GET", PATH, MARKETS)
        AcmePerpetualRateSource.get_prices.cache_clear()
        self.assertIn("BTC-USD", await self.source.get_prices())

    async def test_the_rate_oracle_finds_a_rate(self):
        self.venue.answer("GET", PATH, MARKETS)
        self.assertGreater(await RateOracle(self.source, quote_token="USD").get_rate("BTC"), 0)
