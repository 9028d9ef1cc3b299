"""Two bots of one account share its rate limits, as Hummingbot's `rate_limits_share_pct` of each says."""
import asyncio
import json
import logging
from test.acme_exchange.venue import running_venue

import pytest

from acme_exchange.clock import SystemClock
from hummingbot.client import settings
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory

REQUESTS = 60


@pytest.fixture
async def venue():
    async with running_venue(clock=SystemClock()) as running:
        yield running
    await AcmeConnectionsFactory().close()


@pytest.fixture
def share(tmp_path, monkeypatch):
    file = tmp_path / "conf_client.yml"
    monkeypatch.setattr(settings, "CLIENT_CONFIG_PATH", file)
    return lambda percentage: file.write_text(f"rate_limits_share_pct: {percentage}\n", encoding="utf-8")


async def statuses(venue, caplog) -> list[int]:
    """How the venue answered two bots that ask as often as they may."""
    bots = [AcmePerpetualDerivative("alice-key", "alice-secret", venue.url, trading_required=False) for _ in range(2)]
    with caplog.at_level(logging.INFO, "acme_exchange.access"):
        await asyncio.gather(*(bot._api_get(path_url=CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)
                               for bot in bots for _ in range(REQUESTS)))
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "acme_exchange.access"]
    return [line["status"] for line in lines if line["path"] == "/api/account"]


async def test_two_bots_at_half_of_the_limit_never_exceed_it_together(venue, share, caplog):
    share(50)

    assert await statuses(venue, caplog) == [200] * 2 * REQUESTS


async def test_two_bots_that_both_take_all_of_it_do(venue, share, caplog):
    share(100)

    assert 429 in await statuses(venue, caplog)
