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
# Each in a copy of a process that has imported nothing of Hummingbot's yet, and what takes longest of the rest.
IN_A_COPY_EACH = """
import contextlib, gc, importlib, os, sys

def read_the_settings(entrance):
    importlib.import_module(entrance)
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

gc.disable()
for name in ("aiohttp", "pandas", "pyinjective.async_client_v2", "xrpl.asyncio.clients"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
assert "hummingbot" not in sys.modules
for entrance in sys.argv[1:]:
    copy = os.fork()
    if copy == 0:
        read_the_settings(entrance)
        break
    assert os.waitpid(copy, 0)[1] == 0, entrance
"""


class AcmePerpetualRegistrationTests(unittest.TestCase):
    def test_hummingbot_knows_the_candles_and_the_rates_whatever_was_imported_first(self):
        command = [sys.executable, "-c", IN_A_COPY_EACH, *ENTRANCES]
        run = subprocess.run(command, capture_output=True, text=True, timeout=400)
        self.assertEqual(0, run.returncode, run.stderr)
        self.assertEqual("AcmePerpetualRateSource AcmePerpetualCandles\n[]\n" * len(ENTRANCES), run.stdout)
