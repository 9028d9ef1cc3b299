"""Hummingbot's candles on a real venue: what the feed has is what the venue says."""

import asyncio
from decimal import Decimal

import aiohttp
import pytest

from acme_exchange.engine import Advance, SetIndex
from hummingbot.client import settings
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig, HistoricalCandlesConfig
from test.acme_exchange.venue import Client, running_venue
from test.end_to_end.trader import PATIENCE

MINUTES = 2_000
PRICES = ["time", "open", "high", "low", "close", "volume"]


@pytest.fixture
async def venue():
    async with running_venue() as running:
        running.venue.execute(SetIndex("BTC-PERP", Decimal(65_000)))
        yield running
    await AcmeConnectionsFactory().close()


@pytest.fixture
async def feed(venue, tmp_path, monkeypatch):
    (tmp_path / "acme_perpetual.yml").write_text(f"acme_perpetual_server: {venue.url}\n", encoding="utf-8")
    monkeypatch.setattr(settings, "CONNECTORS_CONF_DIR_PATH", tmp_path)
    AllConnectorSettings.get_connector_settings()
    feed = CandlesFactory.get_candle(
        CandlesConfig(connector="acme_perpetual", trading_pair="BTC-USD", interval="1m", max_records=MINUTES)
    )
    yield feed
    await feed.stop_network()


async def trade(venue, session, *prices):
    """Alice buys from Bob."""
    bob, alice = Client(session, venue, "bob-key", "bob-secret"), Client(session, venue, "alice-key", "alice-secret")
    for price in prices:
        assert (await bob.place("BTC-PERP", "sell", "0.01", price)).status == 200
        assert (await alice.place("BTC-PERP", "buy", "0.01", price)).status == 200


async def agrees(feed, venue, session):
    """Waits until the feed's latest 1501 candles are the venue's, to the last digit."""
    async with asyncio.timeout(PATIENCE):
        while True:
            rows = (await Client(session, venue).get("/markets/BTC-PERP/candles?resolution=60")).result
            theirs = [[float(row[name]) / (1000 if name == "time" else 1) for name in PRICES] for row in rows]
            columns = ["timestamp", *PRICES[1:5], "quote_asset_volume"]
            if feed.candles_df[columns].values.tolist()[-1501:] == theirs:
                return theirs
            await asyncio.sleep(0.05)


async def test_live_candles_open_move_and_close_as_the_venues(venue, feed):
    async with aiohttp.ClientSession() as session:
        await trade(venue, session, 65_000)
        venue.clock.advance(60 * MINUTES)
        venue.venue.execute(Advance())
        await feed.start_network()
        await agrees(feed, venue, session)
        assert feed.ready

        await trade(venue, session, 65_100, 64_900, 65_050)
        *_, last = await agrees(feed, venue, session)
        assert last[2:5] == [65_100, 64_900, 65_050]

        venue.clock.advance(180)
        await trade(venue, session, 65_200)
        *_, closed, flat, _, last = await agrees(feed, venue, session)
        assert closed[2:5] == [65_100, 64_900, 65_050] and flat[1:] == [65_050] * 4 + [0] and last[4] == 65_200
        feed.check_candles_sorted_and_equidistant(feed.candles_df.values)
        assert feed.ready


async def test_history(venue, feed):
    async with aiohttp.ClientSession() as session:
        await trade(venue, session, 65_000)
        began = venue.clock.now() // 60_000_000 * 60
        venue.clock.advance(60 * MINUTES)
        await trade(venue, session, 66_000)

    found = await feed.get_historical_candles(
        HistoricalCandlesConfig(
            connector_name="acme_perpetual",
            trading_pair="BTC-USD",
            interval="1m",
            start_time=began,
            end_time=began + 60 * MINUTES,
        )
    )

    assert found["timestamp"].tolist() == [began + 60 * number for number in range(MINUTES + 1)]
    assert found["close"].iloc[-2:].tolist() == [65_000, 66_000]
