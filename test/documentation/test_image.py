"""The Dockerfile lines of `docs/scaling.md`, done to a Hummingbot in a folder instead of one in an image."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from acme_bot.workspace import make_workspace

PROJECT = Path(__file__).parents[2]
IMAGE_ROOT = "/home/hummingbot/"
COPIES = re.findall(r"^COPY (\S+) (\S+)$", (PROJECT / "docs" / "scaling.md").read_text(encoding="utf-8"), re.MULTILINE)
LOOK = """
from hummingbot.client.settings import AllConnectorSettings
assert "acme_perpetual" in AllConnectorSettings.get_connector_settings()
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
print(type(CandlesFactory.get_candle(CandlesConfig(connector="acme_perpetual", trading_pair="BTC-USD"))).__name__)
"""


def test_hummingbot_with_the_folders_that_are_copied_has_the_connector_and_its_candles(tmp_path):
    root = make_workspace(tmp_path / "image")
    for folder in root.glob("hummingbot/**/acme_perpetual*/"):
        shutil.rmtree(folder)
    assert len(COPIES) == 2
    for source, target in COPIES:
        shutil.copytree(PROJECT / source, root / target.removeprefix(IMAGE_ROOT))

    looked = subprocess.run([sys.executable, "-c", LOOK], cwd=root, capture_output=True, text=True, check=False)

    assert looked.stdout.strip() == "AcmePerpetualCandles", looked.stderr
