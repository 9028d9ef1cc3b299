"""A real Chromium, one for all tests of the page, and venues in this process for it to look at.

All of it runs in one event loop, the session's, which the tests of this folder share.
"""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from test.acme_exchange.page.looking import Looker
from test.acme_exchange.venue import RunningVenue, running_venue

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def running() -> AsyncIterator[RunningVenue]:
    """A venue whose time stands still, and whose books hold what the test puts there."""
    async with running_venue() as venue:
        yield venue


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: Browser) -> AsyncIterator[Callable]:
    """Opens a page in a browser of its own, with no cookies; at the end, none of them may have complained."""
    async with AsyncExitStack() as stack:
        lookers: list[Looker] = []

        async def opened(url: str, *, width: int = 1440, height: int = 900, theme: str = "dark") -> Page:
            context: BrowserContext = await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            stack.push_async_callback(context.close)
            looker = Looker(await context.new_page())
            lookers.append(looker)
            await looker.page.goto(url)
            return looker.page

        yield opened
        complaints = [complaint for looker in lookers for complaint in looker.complaints]
    assert complaints == []
