"""A page that stays open: what it costs, what it does when the venue goes, and whether everybody can use it."""

import asyncio
from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import CDPSession, Page, expect

from acme_exchange.clock import SystemClock
from acme_exchange.page.codes import OWNER
from acme_exchange.server import Server
from test.acme_exchange.venue import ALICE, BOB, running_venue

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
# Counts how often the book is drawn, and in how many seconds: a mutation observer is called once for all that one frame
# changes.
COUNT_DRAWINGS = """async (seconds) => {
    let drawings = 0;
    const start = performance.now();
    const observer = new MutationObserver(() => (drawings += 1));
    observer.observe(document.querySelector(".book"), { subtree: true, childList: true, characterData: true });
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    observer.disconnect();
    return [drawings, (performance.now() - start) / 1000];
}"""
FASTEST = 10
WATCHED_SECONDS = 3
HALF_AN_HOUR_IN_BEATS = 120
BEAT_SECONDS = 15
GROWTH = {"Nodes": 60, "JSEventListeners": 10, "JSHeapUsedSize": 1_500_000}
COLLECTIONS = 30
TRADES = 27


def invitation(running, account: str = "alice") -> str:
    return running.server.page.address(running.url, running.server.page.grant(account))


def serious(violations: list[dict]) -> Iterator[str]:
    for violation in violations:
        if violation["impact"] in ("serious", "critical"):
            yield f"{violation['id']}: {[node['target'] for node in violation['nodes']][:3]}"


@pytest.mark.parametrize("size, theme", [("wide", "dark"), ("narrow", "light")])
async def test_nobody_is_left_out(look, size: str, theme: str):
    width, height = SIZES[size]
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        for url in (running.url, invitation(running), f"{running.url}/#code={running.server.page.codes.issue(OWNER)}"):
            page = await look(url, width=width, height=height, theme=theme)
            await expect(page.locator("#bids tbody tr td").first).to_contain_text(",")
            found = await Axe().run(page)
            assert list(serious(found.response["violations"])) == []
            overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, "the page is wider than the window"


async def test_it_is_used_by_keyboard_alone(look):
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        page = await look(invitation(running))
        await expect(page.locator("#order-submit")).to_be_enabled()
        await page.locator("#order-form [name=price]").focus()
        await page.keyboard.type("60000")
        await page.keyboard.press("Tab")
        await page.keyboard.type("0.01")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog")).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog")).to_have_count(0)
        await page.get_by_role("tab", name="Positions").focus()
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#panel-orders")).to_be_visible()
        await expect(page.get_by_role("tab", name="Open orders")).to_be_focused()


async def test_a_venue_that_restarts_is_connected_to_again(look):
    async with running_venue((ALICE, BOB), clock=SystemClock(), liquidity=True) as running:
        page = await look(invitation(running))
        await expect(page.locator("#connection")).to_have_text("live")
        await running.server.stop()
        await expect(page.locator("#connection")).to_have_text("connection lost; trying again")

        again = Server(running.venue)
        await again.start("127.0.0.1", int(running.url.rpartition(":")[2]))
        try:
            await expect(page.locator("#connection")).to_have_text("live")
            await expect(page.locator("#who")).to_contain_text("alice")
            before = await page.locator("#trades tbody tr td").nth(2).text_content()
            await expect(page.locator("#trades tbody tr td").nth(2)).not_to_have_text(before)
        finally:
            await again.stop()


async def test_frames_are_drawn_ten_times_a_second_at_most(look):
    async with running_venue(clock=SystemClock(), liquidity=True) as running:
        page = await look(running.url)
        await expect(page.locator("#connection")).to_have_text("live")

        drawings, seconds = await page.evaluate(COUNT_DRAWINGS, WATCHED_SECONDS)

        assert 0 < drawings <= FASTEST * seconds + 1


async def test_an_open_page_does_not_grow(look):
    """Half an hour of a market and of an account, and then another, each in seconds."""
    async with running_venue((ALICE, BOB), liquidity=True) as running:
        page = await look(invitation(running))
        await expect(page.locator("#connection")).to_have_text("live")
        devtools, patience = await page.context.new_cdp_session(page), COLLECTIONS

        await pass_time(running, page)
        await expect(page.locator("#trades tbody tr")).to_have_count(TRADES)
        before = await measured(devtools)
        await pass_time(running, page)

        # What was replaced in the latest frame goes when the browser likes; what grew never goes.
        while (growth := exceeding(before, await measured(devtools))) and patience:
            patience -= 1
            await asyncio.sleep(1)
        assert growth == {}


def exceeding(before: dict[str, float], after: dict[str, float]) -> dict[str, tuple[float, float]]:
    """What has grown by more than a row of each table, before and after."""
    return {name: (before[name], after[name]) for name, most in GROWTH.items() if after[name] > before[name] + most}


async def pass_time(running, page: Page) -> None:
    for _ in range(HALF_AN_HOUR_IN_BEATS):
        running.advance(BEAT_SECONDS)
        await asyncio.sleep(0.005)
    shown = page.locator("#fact-mark")
    await expect(shown).to_have_text(f"{running.venue.engine.market('BTC-PERP').mark:,.0f}")


async def measured(devtools: CDPSession) -> dict[str, float]:
    await devtools.send("Performance.enable")
    await devtools.send("HeapProfiler.enable")
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}
