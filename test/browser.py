"""A real Chromium, one for all tests of a process that look at the page, and what a page says of itself meanwhile.

Fixtures, for the conftest of a folder to import. All of it runs in one event loop, the session's.
"""

import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

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
PATIENCE_MILLISECONDS = 120_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)
MAY_BE_REFUSED = re.compile(r"/page/(session|api/account|api/orders(/\d+)?)$")


class Looker:
    """A page, and what went wrong in it: errors in its console, and requests to anybody but the venue.

    :ivar errors: a text each.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        # That a venue refuses what somebody asks of it, or has ended, is told in the console whatever the page does.
        is_refusal = "status of 40" in message.text and MAY_BE_REFUSED.search(message.location["url"])
        has_ended = "ERR_CONNECTION_REFUSED" in message.text or "ERR_CONNECTION_RESET" in message.text
        if message.type in ("error", "warning") and not is_refusal and not has_ended:
            self.errors.append(f"{message.text} {message.location['url']}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.errors.append(f"asked {request.url}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_if_any() -> AsyncIterator[Browser | None]:
    if CHROMIUM is None:
        yield None
        return
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        await chromium.close()


@pytest.fixture(scope="session")
def browser(browser_if_any: Browser | None) -> Browser:
    if browser_if_any is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    return browser_if_any


@asynccontextmanager
async def looking(browser: Browser) -> AsyncIterator[Callable]:
    """Opens a page in a browser of its own, with no cookies; at the end, none may have logged an error."""
    async with AsyncExitStack() as stack:
        lookers: list[Looker] = []

        async def opened(
            url: str, *, width: int = 1440, height: int = 900, theme: str = "dark", always: int | None = None
        ) -> Page:
            """:param always: the time that it always is in the browser, in microseconds since the epoch."""
            context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            stack.push_async_callback(context.close)
            looker = Looker(await context.new_page())
            lookers.append(looker)
            if always is not None:
                await looker.page.clock.set_fixed_time(datetime.fromtimestamp(always / 1_000_000, UTC))
            await looker.page.goto(url)
            return looker.page

        yield opened
        errors = [error for looker in lookers for error in looker.errors]
    assert errors == [], errors


@pytest_asyncio.fixture(loop_scope="session")
async def look(browser: Browser) -> AsyncIterator[Callable]:
    """As `looking`, for one test."""
    async with looking(browser) as opened:
        yield opened
