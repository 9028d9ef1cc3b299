"""What the ambiguity handling is for: the same orders, under the same faults, with it and without."""

import pytest

from acme_exchange.api.faults import FaultRequest
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_tracker import AcmePerpetualOrderTracker
from hummingbot.connector.exchange_py_base import ExchangePyBase
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from test.end_to_end.test_execution_doubts import hurried  # noqa: F401
from test.end_to_end.trader import BID, BOTS, PAIR, Exchange, Log, Trader

FAULTS = {
    "lose-answer": "0.05",
    "lose-request": "0.03",
    "error-before": "0.015",
    "error-after": "0.015",
    "too-many-requests": "0.02",
    "drop-frame": "0.03",
    "duplicate-frame": "0.03",
    "reorder-frame": "0.03",
}
ORDERS = 100
AT_ONCE = 10


class TrustingTracker(AcmePerpetualOrderTracker):
    def take_back_failed_order(self, venue_order):
        """Hummingbot's tracker ignores what it hears of an order that has failed."""


class TrustingDerivative(AcmePerpetualDerivative):
    """Takes a placement without an answer for one that failed, as Hummingbot's base class does."""

    async def _place_order_and_process_update(self, order: InFlightOrder, **kwargs) -> str:
        return await ExchangePyBase._place_order_and_process_update(self, order, **kwargs)

    def _create_order_tracker(self) -> TrustingTracker:
        return TrustingTracker(self, self._account, self._journal, self._doubts, self._pace)


class TrustingTrader(Trader):
    connector_class = TrustingDerivative


async def orphans(exchange: Exchange, trader: Trader, seed: int) -> set[str]:
    """Places orders under the faults of that seed; returns those that rest at the venue when the faults are over and
    the bot has cancelled all that it knows of."""
    faults = exchange.running.server.faults
    exchange.url = exchange.running.url
    await trader.start()
    faults._seed, faults._latest_id = seed, 0  # the same faults for everyone who comes
    for name, rate in FAULTS.items():
        faults.set(FaultRequest.read({"name": name, "rate": rate}))
    for _ in range(ORDERS // AT_ONCE):
        placed = [trader.buy("0.001", BID - 100) for _ in range(AT_ONCE)]
        await trader.until(lambda: all(trader.story(order) for order in placed))
    faults.clear()
    await trader.poll()
    await trader.connector.cancel_all(10)
    resting = {order["clientId"] for order in await exchange.open_orders()}
    assert resting <= set(trader.order_ids)
    return resting


@pytest.mark.parametrize("seed", [1, 3])
async def test_orders_get_away_from_hummingbots_base_class_and_none_from_acme(exchange: Exchange, log: Log, seed: int):
    trader, trusting = Trader(exchange, log, BOTS[0], PAIR), TrustingTrader(exchange, log, BOTS[1], PAIR)
    try:
        assert await orphans(exchange, trader, seed) == set()
        await trader.agrees()
        got_away = await orphans(exchange, trusting, seed)
        print(f"seed {seed}: {len(got_away)} of {ORDERS} orders got away from the base class's handling, 0 from Acme's")
        assert got_away
        assert all(trusting.story(order)[-1] == "failed" for order in got_away)
    finally:
        for each in (trader, trusting):
            if hasattr(each, "connector"):
                await each.stop()
