"""What the demo says in the end of what it earned, and how it quotes, on its own market and on a recorded one."""

from pathlib import Path

import pytest
from rich.console import Console

from acme_bot.demo.run import Demo
from acme_bot.demo.strategies import STRATEGIES
from acme_bot.venue import Recording


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_recorded_market_is_spoken_of_as_one_and_quoted_more_closely(name, tmp_path):
    own = Demo(STRATEGIES[name], tmp_path, 1, None, Console())
    recorded = Demo(STRATEGIES[name], tmp_path, 1, None, Console(), recording=Recording(Path("day.jsonl.gz")))
    assert "made so that a maker can live on it" in own._what_it_says()
    assert recorded._what_it_says().startswith("These are recorded prices (day.jsonl.gz)")
    assert "made so" not in recorded._what_it_says()
    spread = "bid_spread" if "bid_spread" in own._strategy.settings else "buy_spreads"
    assert float(recorded._strategy.settings[spread]) <= float(own._strategy.settings[spread]) / 10
