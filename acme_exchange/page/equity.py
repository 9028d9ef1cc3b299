"""Computes an account's equity over time, backwards from what it is now.

What is true now is exact. The past is drawn: what each span moved is taken off again, and what was held is valued at
the span's last price.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from acme_exchange.api.wire.answers import Answer, Time, iso_or_none
from acme_exchange.engine.model.money import EXACT
from acme_exchange.engine.views import Account
from acme_exchange.store import Period
from acme_exchange.store.ledger import Flow
from acme_exchange.venue import Venue

MICROSECONDS = 1_000_000
MOST_POINTS = 400
DECIMALS = 6


class EquityCurve(Answer, frozen=True):
    """An account's equity over time, US dollars.

    :ivar since: of the first deposit.
    :ivar profit: the equity less what was deposited: after fees and funding.
    :ivar resolution: seconds between two points.
    :ivar points: epoch seconds, equity, and profit, rounded; the oldest first. The last is of now.
    """

    since: Time | None
    deposits: Decimal
    equity: Decimal
    profit: Decimal
    resolution: int
    points: list[tuple[float, float, float]]


@dataclass
class _State:
    """An account at the end of a span: its cash less the cost of its positions, its positions, its deposits."""

    cash: float
    held: dict[str, float]
    deposits: float

    def take_back(self, flows: Iterable[Flow]) -> None:
        for flow in flows:
            self.cash += flow.paid + flow.cost - flow.deposit
            self.deposits -= flow.deposit
            if flow.market is not None:
                self.held[flow.market] = self.held.get(flow.market, 0.0) - flow.size


async def equity_curve(venue: Venue, account: str, resolution: int) -> EquityCurve:
    """An account's equity over the latest `MOST_POINTS` spans.

    :param resolution: seconds, one of `CANDLE_RESOLUTIONS`.
    """
    now, state = venue.clock.now(), venue.engine.account(account)
    marks = {name: venue.engine.market(name).mark for name in venue.engine.market_names()}
    span = resolution * MICROSECONDS
    latest = now - now % span
    start = latest - (MOST_POINTS - 1) * span
    made = (await venue.store.deposits()).get(account)
    flows = await venue.store.flows(account, span, start, now)
    total = made.total if made else Decimal(0)
    first = max(start, made.first - made.first % span) if made else latest
    held = _held(state)
    traded = {flow.market for flow in flows if flow.market} | held.keys()
    prices = {market: await _closes(venue, market, resolution, first, now) for market in traded}
    prices = {market: closes | {latest: _double(marks[market])} for market, closes in prices.items()}
    worth = sum(size * prices[market][latest] for market, size in held.items())
    then = _State(float(state.total_account_value) - worth, held, float(total))
    points = _points(then, flows, prices, range(latest, first - 1, -span))
    exact = EXACT.subtract(state.total_account_value, total)
    points = [*points[:-1], (now / MICROSECONDS, float(state.total_account_value), float(exact))]
    since = iso_or_none(made.first if made else None)
    return EquityCurve(since, total, state.total_account_value, exact, resolution, points)


def _held(state: Account) -> dict[str, float]:
    held: defaultdict[str, float] = defaultdict(float)
    for position in state.positions:
        held[position.market] += float(position.net_size)
    return dict(held)


async def _closes(venue: Venue, market: str, resolution: int, start: int, end: int) -> dict[int, float]:
    candles = await venue.candles(market, resolution, Period(start, end), MOST_POINTS)
    return {candle.start: float(candle.close) for candle in candles}


def _points(
    then: _State, flows: Iterable[Flow], prices: Mapping[str, Mapping[int, float]], starts: range
) -> list[tuple[float, float, float]]:
    """:param starts: of the spans, the latest first."""
    by_start: defaultdict[int, list[Flow]] = defaultdict(list)
    for flow in flows:
        by_start[flow.start].append(flow)
    latest_known = {market: closes.get(starts[0], 0.0) for market, closes in prices.items()}
    points = []
    for start in starts:
        for market, closes in prices.items():
            latest_known[market] = closes.get(start, latest_known[market])
        equity = then.cash + sum(size * latest_known[market] for market, size in then.held.items())
        moment = (start - starts.step) / MICROSECONDS
        points.append((moment, round(equity, DECIMALS), round(equity - then.deposits, DECIMALS)))
        then.take_back(by_start[start])
    return points[::-1]


def _double(price: Decimal | None) -> float:
    return 0.0 if price is None else float(price)
