"""The market as whoever opens the venue's address sees it."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from acme_exchange.clock import SystemClock
from acme_exchange.engine import Traded
from acme_exchange.market import plan_markets
from acme_exchange.server import Server
from acme_exchange.store import Period
from acme_exchange.venue import planned_venue
from test.acme_exchange.venue import ALICE, running_venue

pytestmark = pytest.mark.asyncio(loop_scope="session")
LEVELS = 13


async def test_a_market_is_seen_without_signing_in(look):
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        page = await look(running.url)

        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator("#markets tbody tr")).to_have_count(7)
        await expect(page.locator("#asks tbody tr").last.locator("td").first).to_have_text(re.compile(r"\d"))
        await expect(page.locator("#spread")).to_have_text(re.compile(r"spread \d+ · 0\.\d+ %"))
        await expect(page.locator("#legend")).to_have_text(re.compile(r"O [\d,]+  H [\d,]+  L [\d,]+  C [\d,]+"))
        await expect(page.locator("#fact-mark")).to_have_text(re.compile(r"[\d,]+"))
        await expect(page.locator("#fact-time")).to_have_text(re.compile(r"\d+:\d\d"))
        await page.locator("#resolutions button", has_text="15m").click()
        await page.locator("#market").select_option("ETH-PERP")
        await expect(page.locator("#legend")).to_have_text(re.compile(r"O 3,\d{3}\.\d "))
        await expect(page).to_have_title(re.compile("ETH-PERP"))


async def test_the_book_is_the_venues(look):
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        page = await look(running.url)
        await expect(page.locator("#bids tbody tr")).to_have_count(LEVELS)
        await running.server.pacemaker.stop()
        running.server.pacemaker.beat()
        bids, asks = running.venue.engine.levels("BTC-PERP", LEVELS)

        def cells(levels: list) -> list[str]:
            return [f"{price:,.0f}" for price, _ in levels]

        await expect(page.locator("#bids tbody td:first-child")).to_have_text(cells(bids))
        await expect(page.locator("#asks tbody td:first-child")).to_have_text(cells(asks[::-1]))


async def test_trades_before_and_after_the_page_was_opened_are_shown_newest_first(look):
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        store = running.venue.store
        traded = asyncio.Event()
        running.venue.listen(lambda events: any(isinstance(event, Traded) for event in events) and traded.set())
        await traded.wait()
        page = await look(running.url)
        shown = page.locator("#trades tbody tr")
        await expect(shown).not_to_have_count(0)
        await running.server.pacemaker.stop()
        trades = await store.trades("BTC-PERP", Period(), 27)

        await expect(shown.locator("td:first-child")).to_have_text([f"{trade.price:,.0f}" for trade in trades])


async def test_recorded_prices_are_said_to_be_recorded(look, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text("time,price\n2026-01-02T10:00:00Z,64000\n2026-01-02T10:01:00Z,64100\n", encoding="utf-8")
    clock = SystemClock()
    venue = planned_venue(clock, plan_markets(clock.now(), 7, replay_file=prices), [ALICE])
    server = Server(venue)
    page = await look(await server.start("127.0.0.1", 0))
    try:
        origin = "plays back prices recorded from 2026-01-02 10:00 to 2026-01-02 10:01 UTC"
        await expect(page.locator("#source")).to_have_text(origin)
        await page.locator("#market").select_option("ETH-PERP")
        await expect(page.locator("#source")).to_have_text("")
    finally:
        await server.stop()
