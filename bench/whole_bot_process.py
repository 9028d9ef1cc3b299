"""One whole bot, as Hummingbot runs it without its screen: its clock, its records, one connector, one strategy.

`python -m bench.whole_bot_process NAME URL FOLDER` says "ready" when it quotes, and trades until its input ends.
Without a connector, NAME `none`, it is what all bots have in common.
"""

import asyncio
import importlib
import logging.config
import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import hummingbot
from hummingbot.client.config.client_config_map import AnonymizedMetricsDisabledMode, ClientConfigMap
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.core.trading_core import TradingCore
from hummingbot.strategy.perpetual_market_making import start as _strategy  # noqa: F401, for every bot to have
from hummingbot.strategy.perpetual_market_making.perpetual_market_making_config_map import (
    perpetual_market_making_config_map as SETTINGS,
)

STRATEGY = "perpetual_market_making"
NONE = "none"
REFRESH_SECONDS = 5.0
PAIRS = {
    "acme_perpetual": "C0-USD",
    "bybit_perpetual": "C0-USDT",
    "binance_perpetual": "C0-USDT",
    "hyperliquid_perpetual": "C0-USD",
}
WALLET_KEY, WALLET = f"0x{1:064x}", "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
"""Of nobody: the first key that there is, and its address."""
QUOTES = {
    "leverage": 10,
    "position_mode": "One-way",
    "bid_spread": Decimal(1),
    "ask_spread": Decimal(1),
    "order_refresh_time": REFRESH_SECONDS,
    "order_refresh_tolerance_pct": Decimal(-100),
    "order_amount": Decimal("0.01"),
    "filled_order_delay": REFRESH_SECONDS,
    "long_profit_taking_spread": Decimal(1),
    "short_profit_taking_spread": Decimal(1),
    "stop_loss_spread": Decimal(10),
    "time_between_stop_loss_orders": 60.0,
    "stop_loss_slippage_buffer": Decimal("0.5"),
    "minimum_spread": Decimal(-100),
    "price_ceiling": Decimal(-1),
    "price_floor": Decimal(-1),
    "order_levels": 1,
    "order_level_amount": Decimal(0),
    "order_level_spread": Decimal(1),
    "order_optimization_enabled": False,
    "ask_order_optimization_depth": Decimal(0),
    "bid_order_optimization_depth": Decimal(0),
    "price_source": "current_market",
    "price_type": "mid_price",
}


def constants(name: str) -> ModuleType:
    """Where the connector has its exchange's addresses."""
    return importlib.import_module(f"hummingbot.connector.derivative.{name}.{name}_constants")


def addresses(name: str, url: str) -> Mapping[str, Any]:
    """What the connector's constants have to be for it to trade elsewhere; nothing where a setting does it."""
    socket = url.replace("http", "ws", 1)
    return {
        "acme_perpetual": {},
        "bybit_perpetual": {
            "REST_URLS": {"bybit_perpetual_main": f"{url}/"},
            "WSS_LINEAR_PUBLIC_URLS": {"bybit_perpetual_main": f"{socket}/v5/public/linear"},
            "WSS_LINEAR_PRIVATE_URLS": {"bybit_perpetual_main": f"{socket}/v5/private"},
        },
        "binance_perpetual": {"PERPETUAL_BASE_URL": f"{url}/fapi/", "PERPETUAL_WS_URL": f"{socket}/"},
        "hyperliquid_perpetual": {"PERPETUAL_BASE_URL": url, "PERPETUAL_WS_URL": f"{socket}/ws"},
    }[name]


def keys(name: str, url: str) -> dict[str, str]:
    """What a user would have connected with."""
    return {
        "acme_perpetual": {
            "acme_perpetual_api_key": "key",
            "acme_perpetual_api_secret": "secret",
            "acme_perpetual_server": url,
        },
        "bybit_perpetual": {"bybit_perpetual_api_key": "key", "bybit_perpetual_secret_key": "secret"},
        "binance_perpetual": {"binance_perpetual_api_key": "key", "binance_perpetual_api_secret": "secret"},
        "hyperliquid_perpetual": {
            "hyperliquid_perpetual_secret_key": WALLET_KEY,
            "hyperliquid_perpetual_address": WALLET,
            "hyperliquid_perpetual_mode": "arb_wallet",
            "use_vault": False,
        },
    }[name]


def log_to(folder: Path) -> None:
    """Writes what Hummingbot writes into its log, of the level that it writes by default."""
    handler = {"class": "logging.FileHandler", "filename": str(folder / "bot.log"), "formatter": "simple"}
    form = {"format": "%(asctime)s - %(process)d - %(name)s - %(levelname)s - %(message)s"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"simple": form},
            "handlers": {"file": handler},
            "root": {"level": "INFO", "handlers": ["file"]},
        }
    )


async def trade(name: str, url: str) -> None:
    """Starts the bot, and trades until the process's input ends, as it does when whoever started it has ended."""
    settings = ClientConfigAdapter(ClientConfigMap(anonymized_metrics_mode=AnonymizedMetricsDisabledMode()))
    core = TradingCore(settings)
    # Its prices come from the internet, whichever exchange a bot trades on.
    RateOracle.get_instance().start = lambda: None
    if name == NONE:
        await core.start_clock()
    else:
        for constant, value in addresses(name, url).items():
            setattr(constants(name), constant, value)
        for setting, value in {**QUOTES, "derivative": name, "market": PAIRS[name]}.items():
            SETTINGS[setting].value = value
        core.connector_manager.create_connector(name, [PAIRS[name]], True, keys(name, url))
        await core.start_strategy(STRATEGY, strategy_file_name="bench")
        if core.strategy is None:
            raise SystemExit(f"{STRATEGY} did not start on {name}: see the log")
        core.strategy._hb_app_notification = False  # it would make the screen's application, to tell it of each fill
        connector = core.markets[name]
        while not connector.in_flight_orders:
            await asyncio.sleep(0.5)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # as it is: how a bot ends is not measured


def main(name: str, url: str, folder: Path) -> None:
    hummingbot.set_data_path(str(folder))
    log_to(folder)
    asyncio.run(trade(name, url))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
