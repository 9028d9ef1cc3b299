import subprocess
import sys
import unittest

# In whatever order Hummingbot's modules are imported, each of which looks for connectors at another time.
ENTRANCES = (
    "hummingbot.connector.connector_base",
    "hummingbot.client.config.client_config_map",
    "hummingbot.core.rate_oracle.rate_oracle",
    "hummingbot.data_feed.market_data_provider",
    "hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants",
)
READING_THE_SETTINGS = """
import importlib, sys
importlib.import_module(sys.argv[1])
from hummingbot.client.config.config_helpers import ClientConfigMap
settings = ClientConfigMap(rate_oracle_source={"name": "acme_perpetual"})
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.data_feed.candles_feed.candles_factory import CandlesConfig, CandlesFactory
feed, second = (
    CandlesFactory.get_candle(CandlesConfig(connector=connector, trading_pair="BTC-USD"))
    for connector in ("acme_perpetual", "acme_perpetual_second")
)
assert second.name == "acme_perpetual_second_BTC-USD"
assert settings.rate_oracle_source.name == "acme_perpetual"
assert AllConnectorSettings.get_connector_config_keys("acme_perpetual") is not None
print(type(RateOracle.get_instance().source).__name__, type(feed).__name__)
from hummingbot.core.rate_oracle.rate_oracle import RATE_ORACLE_SOURCES
assert all(isinstance(kind, type) for kind in RATE_ORACLE_SOURCES.values())
assert all(isinstance(kind, type) for kind in CandlesFactory._candles_map.values())
print([finder for finder in sys.meta_path if "acme_perpetual" in type(finder).__module__])
"""


class AcmePerpetualRegistrationTests(unittest.TestCase):
    def test_hummingbot_knows_the_candles_and_the_rates_whatever_was_imported_first(self):
        for entrance in ENTRANCES:
            with self.subTest(entrance):
                run = subprocess.run(
                    [sys.executable, "-c", READING_THE_SETTINGS, entrance], capture_output=True, text=True, timeout=100
                )
                self.assertEqual(
                    ("AcmePerpetualRateSource AcmePerpetualCandles\n[]\n", 0), (run.stdout, run.returncode)
                )
