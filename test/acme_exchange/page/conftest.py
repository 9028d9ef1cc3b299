from collections.abc import AsyncIterator

import aiohttp
import pytest

from test.acme_exchange.venue import RunningVenue, running_venue
from test.browser import browser, browser_if_any, look  # noqa: F401


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def running() -> AsyncIterator[RunningVenue]:
    """A venue whose time stands still, and whose books hold what the test puts there."""
    async with running_venue() as venue:
        yield venue
