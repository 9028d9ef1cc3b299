"""Hummingbot's own strategies, as they are, through `hbot` on a real venue; both parties' books agree at the end.

Hummingbot's package on PyPI has no scripts and controllers: HUMMINGBOT_SOURCE names a source tree that has. They are
not part of this project, so that without it all but what the package has is skipped.
"""

import os
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from acme_bot.bot import Strategy
from acme_bot.demo.run import Demo
from acme_bot.demo.strategies import MARKET_MAKING, PAIR
from acme_bot.hbot import CONNECTOR
from test.end_to_end import transcripts

SOURCE = os.environ.get("HUMMINGBOT_SOURCE")
STRATEGIES_PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
THRESHOLD = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (\S+) \| (\S+) \|$", re.MULTILINE)
SECONDS = 40
# In the past that this seed gives, MACD is under zero and over its signal: what macd_bb_v1 wants to buy.
SEED = 2
ON_ACME = {"connector_name": CONNECTOR, "trading_pair": PAIR, "leverage": "5"}
BARRIERS = {"take_profit": "0.0003", "stop_loss": "0.001", "time_limit": "15"}
QUOTES = {
    **ON_ACME,
    **BARRIERS,
    "total_amount_quote": "1000",
    "buy_spreads": "0.0001,0.0003",
    "sell_spreads": "0.0001,0.0003",
    "executor_refresh_time": "5",
    "cooldown_time": "2",
}
GRID = {
    **ON_ACME,
    "total_amount_quote": "1000",
    "start_price": "64850",
    "end_price": "65050",
    "limit_price": "64000",
    "min_spread_between_orders": "0.0001",
    "min_order_amount_quote": "100",
    "max_open_orders": "3",
}
CANDLES = {
    **ON_ACME,
    **BARRIERS,
    "interval": "1m",
    "total_amount_quote": "1000",
    "executor_refresh_time": "10",
    "cooldown_time": "5",
    "buy_spreads": "0.3,0.6",
    "sell_spreads": "0.3,0.6",
}
# So that a signal is there at once: any price is at one side of the middle of its band, and near its trend.
DIRECTION = {
    **ON_ACME,
    **BARRIERS,
    "interval": "1m",
    "total_amount_quote": "1000",
    "cooldown_time": "5",
    "max_executors_per_side": "1",
}
BANDS = {**DIRECTION, "bb_long_threshold": "0.5", "bb_short_threshold": "0.5"}


def v2(name: str, settings: dict[str, str], mode: str) -> Strategy:
    folders = {folder: Path(SOURCE or "", folder) for folder in ("scripts", "controllers")}
    return Strategy(name, {**settings, "position_mode": mode}, folders, stop_seconds=20, funding_seconds=60)


# Closer to the mid price than the demo's, and closed whether it wins or loses: everything comes round within a few
# seconds.
CLOSE = {
    "order_amount": "0.001",
    "bid_spread": "0.01",
    "ask_spread": "0.01",
    "order_refresh_time": "3",
    "long_profit_taking_spread": "0.03",
    "short_profit_taking_spread": "0.03",
    "stop_loss_spread": "0.06",
    "time_between_stop_loss_orders": "3",
    "stop_loss_slippage_buffer": "0.05",
}
RUNS = [
    v2("pmm_simple", QUOTES, "ONEWAY"),
    v2("pmm_simple", QUOTES, "HEDGE"),
    v2("grid_strike", GRID, "ONEWAY"),
    v2("grid_strike", GRID, "HEDGE"),
    v2("pmm_dynamic", CANDLES, "ONEWAY"),
    v2("bollinger_v1", BANDS, "ONEWAY"),
    v2("macd_bb_v1", {**BANDS, "bb_long_threshold": "1.5", "bb_short_threshold": "-0.5"}, "ONEWAY"),
    v2("supertrend_v1", {**DIRECTION, "percentage_threshold": "0.5"}, "ONEWAY"),
    Strategy(MARKET_MAKING.name, {**MARKET_MAKING.settings, **CLOSE, "position_mode": "Hedge"}),
]


def title(strategy: Strategy) -> str:
    return f"{strategy.name}-{strategy.settings['position_mode'].lower()}"


@pytest.mark.skipif(SOURCE is None, reason="HUMMINGBOT_SOURCE names no Hummingbot source tree")
@pytest.mark.parametrize("strategy", RUNS, ids=title)
def test_a_strategy_of_hummingbots_trades_and_the_books_agree(strategy, tmp_path, keep_transcript):
    printed = StringIO()
    status = Demo(strategy, tmp_path, SECONDS, SEED, console=Console(file=printed, width=120)).run()
    print(printed.getvalue())
    assert status == 0, printed.getvalue()
    keep_transcript(title(strategy), strategy.name, strategy.settings, printed.getvalue())


@pytest.mark.parametrize("strategy", RUNS, ids=title)
def test_the_docs_show_a_run_with_these_settings(strategy):
    assert transcripts.is_kept(title(strategy), strategy.name, strategy.settings)


def test_the_docs_name_every_loosened_threshold():
    loosened = {
        (run.name, setting, value)
        for run in RUNS
        for setting, value in run.settings.items()
        if setting.endswith("_threshold")
    }
    assert {(name, setting, here) for name, setting, _, here in THRESHOLD.findall(STRATEGIES_PAGE)} == loosened


@pytest.mark.skipif(SOURCE is None, reason="HUMMINGBOT_SOURCE names no Hummingbot source tree")
def test_the_defaults_in_the_docs_are_hummingbots():
    assert [row for row in THRESHOLD.findall(STRATEGIES_PAGE) if not is_default(*row[:3])] == []


def is_default(name: str, setting: str, value: str) -> bool:
    controller = Path(SOURCE, "controllers", "directional_trading", f"{name}.py").read_text(encoding="utf-8")
    return re.search(rf"{setting}: float = Field\(\s*default={re.escape(value)}[,)]", controller) is not None
