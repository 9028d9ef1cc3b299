"""Hummingbot's rate oracle in a workspace: its rates are the prices of the server that was connected."""

import json
import subprocess
import sys
from decimal import Decimal

from test.end_to_end.conftest import Hbot

ORACLE = """
import asyncio, json
from hummingbot.client.config.config_helpers import load_client_config_map_from_file
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
load_client_config_map_from_file()
async def rates():
    source = RateOracle.get_instance().source
    print(json.dumps({pair: str(price) for pair, price in (await source.get_prices("USD")).items()}))
asyncio.run(rates())
"""


def rates(hbot: Hbot) -> dict[str, Decimal]:
    run = subprocess.run(
        [sys.executable, "-c", ORACLE], cwd=hbot.workspace, capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stderr
    return {pair: Decimal(price) for pair, price in json.loads(run.stdout).items()}


def test_a_workspace_has_the_rates_of_its_own_server(venue, hbot):
    hbot.connect(venue.url, venue.trader.key, venue.trader.secret)

    found = rates(hbot)
    assert {"BTC-USD", "ETH-USD", "DOGE-USD"} <= found.keys()
    assert 60_000 < found["BTC-USD"] < 70_000 and 0 < found["DOGE-USD"] < 1
