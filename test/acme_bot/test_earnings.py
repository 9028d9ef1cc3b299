"""What the demo earns: how it is split, and whether its settings earn at all.

The second is tried here with a maker that follows a strategy's settings on the demo's market, in simulated time: it
tells within a second what ten runs of Hummingbot tell in half an hour (`make earnings`).
"""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from acme_bot.bot import Strategy
from acme_bot.compare.statement import Fill, Funding, Holding, Statement
from acme_bot.compare.venue_account import Valuation
from acme_bot.demo.earnings import earnings
from acme_bot.demo.strategies import INVENTORY_MAKER, MARKET_MAKING
from acme_exchange.engine import CancelOrders, PlaceOrder
from acme_exchange.market.definition import default_markets
from acme_exchange.market.plan import MarketPlan
from acme_exchange.venue import Venue, planned_venue
from test.acme_exchange.venue import ALICE, MORNING, ManualClock, beat

MARKET = "BTC-PERP"
SECONDS = 60
PULSE_SECONDS = 0.3
SEEDS = range(1, 11)
ENOUGH = 8

prices = st.decimals("60000", "70000", places=1)
sizes = st.decimals("0.001", "0.1", places=4)
amounts = st.decimals("-1", "1", places=9)
deals = st.tuples(st.sampled_from(["buy", "sell"]), prices, sizes, amounts)


@given(st.lists(deals, max_size=20), st.lists(amounts, max_size=5), prices)
def test_the_parts_are_to_the_last_digit_by_how_much_more_the_account_is_worth(made, payments, mark):
    fills = {str(number): Fill(str(number), "order", *deal) for number, deal in enumerate(made)}
    funding = [Funding(number, Decimal(0), amount) for number, amount in enumerate(payments)]
    position = sum((size if side == "buy" else -size for side, _, size, _ in made), Decimal(0))
    paid = sum((price * size * (1 if side == "buy" else -1) for side, price, size, _ in made), Decimal(0))
    fees = sum((fee for *_, fee in made), Decimal(0))
    # The position's cost is any: whatever is not in it is in the balance.
    cost = position * 61_000
    balance = 10_000 - paid + cost - fees + sum(payments)
    value = balance + position * mark - cost

    earned = earnings(Statement({}, fills, funding), Valuation(Holding(position, balance), None, cost, value))

    assert earned.total == value - 10_000
    assert (earned.fees, earned.funding) == (-fees, sum(payments))


def test_a_rebate_and_a_payment_that_is_received_are_earned():
    fills = {
        "1": Fill("1", "a", "buy", Decimal(100), Decimal(2), Decimal("0.03")),
        "2": Fill("2", "b", "sell", Decimal(101), Decimal(2), Decimal("-0.01")),
    }
    valuation = Valuation(Holding(Decimal(0), Decimal("10001.995")), None, Decimal(0), Decimal("10001.995"))

    earned = earnings(Statement({}, fills, [Funding(0, Decimal(0), Decimal("0.015"))]), valuation)

    assert (earned.trading, earned.fees, earned.funding) == (2, Decimal("-0.02"), Decimal("0.015"))


@dataclass
class Maker:
    """Quotes both sides at a distance; once filled, it takes its profit at a limit, or cuts its loss at any price.

    Distances are fractions of the price.
    """

    venue: Venue
    spread: Decimal
    profit: Decimal
    loss: Decimal
    size: Decimal
    refresh_seconds: float
    closes_at_end: bool = False
    _next: float = 0.0
    _closing: bool = False

    def act(self, second: float) -> None:
        position = next((one for one in self.venue.engine.positions(ALICE.name) if one.market == MARKET), None)
        if position is None or not position.net_size:
            self._quote(second)
        else:
            self._close(position.net_size, position.entry_price)

    def end(self) -> None:
        """Cancels what rests; whoever closes in the end pays the house's spread and a taker's fee for it."""
        self.venue.execute(CancelOrders(ALICE.name))
        for position in self.venue.engine.positions(ALICE.name):
            if self.closes_at_end and position.net_size:
                self._take(position.net_size)

    def _quote(self, second: float) -> None:
        if second < self._next and not self._closing:
            return
        self._next, self._closing = second + self.refresh_seconds, False
        self.venue.execute(CancelOrders(ALICE.name))
        bids, asks = self.venue.engine.levels(MARKET, 1)
        mid_price = (bids[0][0] + asks[0][0]) / 2
        self._place("buy", mid_price * (1 - self.spread))
        self._place("sell", mid_price * (1 + self.spread))

    def _close(self, size: Decimal, entry: Decimal) -> None:
        direction = 1 if size > 0 else -1
        mark = self.venue.engine.market(MARKET).mark
        if (mark - entry) * direction <= -entry * self.loss:
            self.venue.execute(CancelOrders(ALICE.name))
            self._take(size)
        elif not self._closing:
            self.venue.execute(CancelOrders(ALICE.name))
            self._place(self._side(size), entry * (1 + direction * self.profit), abs(size))
        self._closing = True

    def _take(self, size: Decimal) -> None:
        self.venue.execute(PlaceOrder(ALICE.name, MARKET, self._side(size), "market", abs(size)))

    def _side(self, size: Decimal) -> str:
        return "sell" if size > 0 else "buy"

    def _place(self, side: str, price: Decimal, size: Decimal | None = None) -> None:
        self.venue.execute(PlaceOrder(ALICE.name, MARKET, side, "limit", size or self.size, price.quantize(Decimal(1))))


def earned(seed: int, maker: dict[str, Decimal]) -> Decimal:
    """What a minute earns on the demo's market, in USD."""
    clock = ManualClock(MORNING)
    markets = [market for market in default_markets(MORNING) if market.specification.name == MARKET]
    venue = planned_venue(clock, MarketPlan(markets, seed), [ALICE])
    trader = Maker(venue, **maker)
    for turn in range(round(SECONDS / PULSE_SECONDS)):
        beat(venue)
        trader.act(turn * PULSE_SECONDS)
        clock.advance(PULSE_SECONDS)
    trader.end()
    return venue.engine.account(ALICE.name).total_account_value - ALICE.deposit


def maker_of(strategy: Strategy) -> dict[str, Decimal]:
    """Version 2's executors close their positions at the market when they are stopped, version 1 keeps what it has."""
    settings = strategy.settings
    if strategy is MARKET_MAKING:
        percent = ("ask_spread", "long_profit_taking_spread", "stop_loss_spread")
        spread, profit, loss = (Decimal(settings[name]) / 100 for name in percent)
        size, refresh = Decimal(settings["order_amount"]), float(settings["order_refresh_time"])
    else:
        spread, profit, loss = (Decimal(settings[name]) for name in ("sell_spreads", "take_profit", "stop_loss"))
        size, refresh = Decimal("0.0038"), float(settings["executor_refresh_time"])
    return {
        "spread": spread,
        "profit": profit,
        "loss": loss,
        "size": size,
        "refresh_seconds": refresh,
        "closes_at_end": strategy is INVENTORY_MAKER,
    }


@pytest.mark.parametrize("strategy", [MARKET_MAKING, INVENTORY_MAKER], ids=lambda strategy: strategy.name)
def test_the_demos_settings_earn_on_at_least_eight_of_ten_seeds(strategy):
    results = [earned(seed, maker_of(strategy)) for seed in SEEDS]

    assert sum(result > 0 for result in results) >= ENOUGH, results


def test_a_profit_that_is_less_than_two_fees_earns_on_none():
    too_close = {"spread": Decimal("0.0001"), "profit": Decimal("0.0003"), "loss": Decimal("0.0006")}
    results = [earned(seed, {**too_close, "size": Decimal("0.001"), "refresh_seconds": 3.0}) for seed in SEEDS]

    assert sum(result > 0 for result in results) == 0, results
