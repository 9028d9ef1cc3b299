from collections.abc import AsyncIterator

import aiohttp
import pytest

from test.acme_exchange.venue import Client, RunningVenue, running_venue


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def running() -> AsyncIterator[RunningVenue]:
    """A venue whose time stands still, and whose books hold what the test puts there."""
    async with running_venue() as venue:
        yield venue


@pytest.fixture
async def public(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    return Client(http, running)


@pytest.fixture
async def alice(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    """10,000 USD."""
    return Client(http, running, "alice-key", "alice-secret")


@pytest.fixture
async def alice_eyes(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    """Alice's read-only key."""
    return Client(http, running, "alice-eyes", "alice-eyes-secret")


@pytest.fixture
async def bob(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    """100,000 USD."""
    return Client(http, running, "bob-key", "bob-secret")
