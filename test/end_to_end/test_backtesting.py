"""Hummingbot's backtester on the venue's candles, those of the past before its first start included."""

import time
from decimal import Decimal

import pytest

from acme_bot.demo.strategies import INVENTORY_MAKER, PAIR
from acme_bot.examples.controllers.market_making.inventory_maker import InventoryMakerConfig
from acme_bot.hbot import CONNECTOR
from acme_exchange.clock import SystemClock
from hummingbot.client import settings
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_utils as utils
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase
from test.acme_exchange.venue import running_venue

HOURS = 3
# The backtester sees one price a minute.
FOR_MINUTES = {
    "id": "backtest",
    "buy_amounts_pct": "1",
    "sell_amounts_pct": "1",
    "executor_refresh_time": "180",
    "cooldown_time": "60",
    "take_profit": "0.001",
    "stop_loss": "0.003",
    "time_limit": "900",
}


@pytest.fixture
async def venue(tmp_path, monkeypatch):
    """A venue that has just begun, which this Hummingbot was told of."""
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        (tmp_path / f"{CONNECTOR}.yml").write_text(f"acme_perpetual_server: {running.url}\n", encoding="utf-8")
        monkeypatch.setattr(settings, "CONNECTORS_CONF_DIR_PATH", tmp_path)
        config = ClientConfigAdapter(utils.AcmePerpetualConfigMap.model_construct())
        config.acme_perpetual_server = running.url
        AllConnectorSettings.update_connector_config_keys(config.hb_config)
        yield running
        AllConnectorSettings.reset_connector_config_keys(CONNECTOR)
    await AcmeConnectionsFactory().close()


async def test_a_controller_is_tested_on_the_hours_before_the_venue_began(venue):
    end = int(time.time()) // 60 * 60
    config = InventoryMakerConfig(**{**INVENTORY_MAKER.settings, **FOR_MINUTES})

    found = await BacktestingEngineBase().run_backtesting(
        config, end - HOURS * 3600, end, backtesting_resolution="1m", trade_cost=0.0002
    )

    closes = found["processed_data"]["features"]["close"]
    assert len(closes) >= HOURS * 60 and closes.nunique() > 100
    assert found["results"]["total_executors_with_position"] > 0
    assert Decimal(str(found["results"]["total_volume"])) > 0
    assert {executor.config.trading_pair for executor in found["executors"]} == {PAIR}


def test_a_configuration_with_defaults_trades_as_the_demo_does():
    fields = InventoryMakerConfig.model_fields

    assert {name: str(fields[name].default) for name in INVENTORY_MAKER.settings} == dict(INVENTORY_MAKER.settings)
