"""Two bots of one account share its rate limits, as Hummingbot's `rate_limits_share_pct` of each says.

The venue's clock stands still, and the bots count by it: whatever is sent until it is moved is sent in one second.
"""

import asyncio
import json
import logging
from decimal import Decimal

import pytest

from hummingbot.client import settings
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_constants as CONSTANTS,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_throttler import AcmeThrottler
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from test.acme_exchange.venue import running_venue

ORDERS = CONSTANTS.PLACEMENTS_PER_SECOND  # of each bot: together twice what a second allows
WINDOW = CONSTANTS.ONE_SECOND * 1.01


class PlacementAnswers(logging.Handler):
    """The statuses of the venue's answers to placements, as its access log has them."""

    def __init__(self):
        super().__init__()
        self._statuses: asyncio.Queue[int] = asyncio.Queue()

    def emit(self, record):
        line = json.loads(record.getMessage())
        if (line["method"], line["path"]) == ("POST", "/api/orders"):
            self._statuses.put_nowait(line["status"])

    async def next(self, count: int) -> list[int]:
        async with asyncio.timeout(180):
            return sorted([await self._statuses.get() for _ in range(count)])


@pytest.fixture
async def venue():
    async with running_venue() as running:
        yield running
    await AcmeConnectionsFactory().close()


@pytest.fixture
def answers(caplog):
    log, handler = logging.getLogger("acme_exchange.access"), PlacementAnswers()
    log.addHandler(handler)
    with caplog.at_level(logging.INFO, log.name):
        yield handler
    log.removeHandler(handler)


@pytest.fixture
def two_bots(tmp_path, monkeypatch, venue):
    """Makes two bots of one account, each with a percentage of its limits."""
    file = tmp_path / "conf_client.yml"
    monkeypatch.setattr(settings, "CLIENT_CONFIG_PATH", file)
    monkeypatch.setattr(AcmeThrottler, "_now", lambda _: venue.clock.now() / 1_000_000)

    def make(percentage):
        file.write_text(f"rate_limits_share_pct: {percentage}\n", encoding="utf-8")
        return [
            AcmePerpetualDerivative("alice-key", "alice-secret", venue.url, trading_required=False) for _ in range(2)
        ]

    return make


def place_orders(venue, bots) -> asyncio.Future:
    """Each bot places `ORDERS` small orders, as fast as it may."""
    return asyncio.gather(
        *(
            bot._account.place_order(
                account_data.place_order_request(
                    "BTC-PERP",
                    f"{maker}-{number}",
                    TradeType.BUY,
                    OrderType.LIMIT,
                    PositionAction.OPEN,
                    PositionMode.ONEWAY,
                    Decimal("0.001"),
                    Decimal(10_000),
                ),
                venue.clock.now() / 1_000_000 + 60,
            )
            for maker, bot in enumerate(bots)
            for number in range(ORDERS)
        )
    )


def waiting(bots) -> list[int]:
    return [sum(map(len, bot._throttler._queues.values())) for bot in bots]


def next_second(venue, bots):
    venue.advance(WINDOW)
    for bot in bots:
        bot._throttler._start_whatever_can()


async def test_two_bots_at_half_of_the_limit_never_exceed_it_together(venue, answers, two_bots):
    bots = two_bots(50)
    placing = place_orders(venue, bots)

    assert await answers.next(ORDERS) == [200] * ORDERS
    assert waiting(bots) == [ORDERS // 2] * 2

    next_second(venue, bots)

    assert await answers.next(ORDERS) == [200] * ORDERS
    assert len(await placing) == 2 * ORDERS


async def test_two_bots_that_both_take_all_of_it_are_told_and_come_back(venue, answers, two_bots):
    bots = two_bots(100)
    placing = place_orders(venue, bots)

    assert await answers.next(2 * ORDERS) == [200] * ORDERS + [429] * ORDERS

    next_second(venue, bots)

    assert await answers.next(ORDERS) == [200] * ORDERS
    assert len(await placing) == 2 * ORDERS
