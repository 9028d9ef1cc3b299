"""Simulates candles and funding rates from before a venue's first start, so that whoever looks back on its first day
sees more than a few trades."""

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import exp, sqrt
from random import Random

from msgspec import structs

from acme_exchange.engine.events import FundingSettled
from acme_exchange.engine.model.money import exactly
from acme_exchange.market import MarketDefinition
from acme_exchange.market.index import PULL_A_DAY
from acme_exchange.store import Candle, Period
from acme_exchange.store.candles import candle_start, starts_within, without_gaps
from acme_exchange.store.store import CANDLE_RESOLUTIONS, MOST_CANDLES_KEPT

SPANS = 2_880
"""How many candles there are of each resolution: two days of minutes, half a day of 15 s, almost eight years of
days."""

_MICROSECONDS = 1_000_000
_DAY = 86_400 * _MICROSECONDS
_DAYS_A_YEAR = 365.25
_POINTS_A_SPAN = 4
_USUAL_RATE = 5e-8
"""As large as those that the simulation's takers bring about."""
_RATE_DECIMALS = 9


class Past:
    """What candles and funding rates would have been before the venue began. Made when first asked for, and always the
    same.

    The logarithm of the price is an Ornstein-Uhlenbeck process with the volatility and the pull of `IndexWalk`, whose
    law is the same in both directions of time: it is drawn backwards from where the simulation begins. The longer ago,
    the coarser it is drawn, so that each candle has at least four prices and those of different resolutions agree.

    :param seed: decides the path.
    :param began: when the venue first started, in microseconds since the epoch.
    :param markets: those that have a past; markets of one underlying have the same.
    :param funding_interval: seconds from one funding rate to the next. There were as many as candles of an hour.
    :param speed: as the simulation's.
    """

    def __init__(
        self,
        seed: str,
        began: int,
        markets: Iterable[MarketDefinition],
        funding_interval: int = 3600,
        speed: float = 1.0,
    ):
        self._seed = seed
        self._funding_interval = funding_interval * _MICROSECONDS
        self._began = began
        self._speed = speed
        self._markets = {market.specification.name: market for market in markets}
        self._grid = _grid(began)
        self._candles = cache(self._made)
        self._path = cache(self._drawn)
        self._rates = cache(self._drawn_rates)
        self._perpetuals = [name for name, each in self._markets.items() if each.specification.kind == "perpetual"]

    async def before(
        self, stored: Sequence[Candle], market: str, resolution: int, period: Period, now: int, limit: int
    ) -> list[Candle]:
        """The candles that a store has found for the same question, `Store.candles`, and those before its first."""
        is_forgotten = now - self._began > MOST_CANDLES_KEPT * resolution * _MICROSECONDS
        if market not in self._markets or len(stored) == limit or is_forgotten:
            return list(stored)
        past = await asyncio.to_thread(self._candles, market, resolution)
        starts = starts_within(past.starts.start, resolution, period, now, limit)
        if not starts:
            return []
        needed = past.since(min(starts.start, stored[0].start) if stored else starts.start)
        return without_gaps(_joined(needed, stored), starts)

    async def rates_before(
        self, stored: Sequence[FundingSettled], market: str | None, period: Period, limit: int
    ) -> list[FundingSettled]:
        """The funding rates that a store has found for the same question, `Store.funding_rates`, and those before its
        first."""
        names = self._perpetuals if market is None else [name for name in self._perpetuals if name == market]
        if len(stored) >= limit or not names:
            return list(stored)
        return [*stored, *await asyncio.to_thread(self._rates_within, names, period, limit - len(stored))]

    def _rates_within(self, names: Sequence[str], period: Period, limit: int) -> list[FundingSettled]:
        interval, latest = self._funding_interval, self._began - 1
        last = latest // interval if period.end is None else min(latest, period.end) // interval
        first = latest // interval - SPANS + 1
        if period.start is not None:
            first = max(first, -(-period.start // interval))
        return [
            FundingSettled(name, self._rates(name)[latest // interval - moment], moment * interval)
            for moment in range(last, first - 1, -1)[: -(-limit // len(names))]
            for name in names
        ]

    def _drawn_rates(self, market: str) -> list[Decimal]:
        """Draws the funding rates of a market, latest first."""
        random = Random(f"{self._seed}/{market}/funding")
        return [Decimal(f"{random.gauss(0.0, _USUAL_RATE):.{_RATE_DECIMALS}f}") for _ in range(SPANS)]

    def _made(self, market: str, resolution: int) -> "_Candles":
        definition, span = self._markets[market], resolution * _MICROSECONDS
        path = self._path(definition.specification.underlying)
        start_price, increment = float(definition.start_price), definition.specification.price_increment
        starts = range(_oldest(self._began, resolution), self._began + 1, span)
        prices = array("q")
        for start in starts:
            part = path[_count_before(self._grid, start) : _count_before(self._grid, start + span) + 1]
            for one in (part[0], max(part), min(part), part[-1]):
                prices.append(max(1, round(start_price * exp(one) / float(increment))))
        return _Candles(starts, prices, increment)

    def _drawn(self, underlying: str) -> "array[float]":
        """The logarithm of the price at each time of the grid, as a part of that where the venue began."""
        first = next(one for one in self._markets.values() if one.specification.underlying == underlying)
        random = Random(f"{self._seed}/{underlying}/past")
        variance = first.volatility**2 / _DAYS_A_YEAR / (2 * PULL_A_DAY)
        # Eighty thousand of them, kept as machine words: as a list of numbers they would take five times the memory.
        path, later = array("d", [0.0]), self._began
        for time in (time for times in reversed(self._grid[:-1]) for time in reversed(times)):
            decay = exp(-PULL_A_DAY * self._speed * (later - time) / _DAY)
            path.append(path[-1] * decay + sqrt(variance * (1 - decay * decay)) * random.gauss(0.0, 1.0))
            later = time
        path.reverse()
        return path


@dataclass(frozen=True)
class _Candles:
    """The candles of one market and resolution, kept as machine words: as candles they would take ten times the memory.

    Nobody traded: their volume is 0.

    :ivar starts: oldest first, without gaps; the last one ends where the venue began.
    :ivar prices: open, high, low and close of each, one after the other, in increments.
    """

    starts: range
    prices: "array[int]"
    increment: Decimal

    @exactly
    def since(self, time: int) -> list[Candle]:
        """Those from the one on that `time` falls into; from the first or the last one where it falls into none."""
        first = min(max(0, (time - self.starts.start) // self.starts.step), len(self.starts) - 1)
        return [self._candle(at) for at in range(first, len(self.starts))]

    def _candle(self, at: int) -> Candle:
        first, highest, lowest, last = (price * self.increment for price in self.prices[4 * at : 4 * at + 4])
        return Candle(self.starts[at], first, highest, lowest, last, volume=Decimal(0))


def _oldest(began: int, resolution: int) -> int:
    return candle_start(began, resolution) - SPANS * resolution * _MICROSECONDS


def _grid(began: int) -> list[range]:
    """The times up to `began`, oldest first, at which prices are drawn: each candle's beginning, and within it."""
    grid, latest = [range(began, began + 1)], began
    for resolution, coarser in zip(CANDLE_RESOLUTIONS, (*CANDLE_RESOLUTIONS[1:], CANDLE_RESOLUTIONS[-1])):
        step = resolution * _MICROSECONDS // _POINTS_A_SPAN
        # Where the finer steps end, a candle of the coarser ones begins.
        oldest = candle_start(_oldest(began, resolution), coarser)
        grid.append(range(latest - (latest % step or step), oldest - 1, -step)[::-1])
        latest = oldest
    return grid[::-1]


def _count_before(grid: Iterable[range], time: int) -> int:
    """How many times of the grid are before `time`."""
    return sum(len(range(each.start, min(each.stop, time), each.step)) for each in grid)


def _joined(past: list[Candle], stored: Sequence[Candle]) -> list[Candle]:
    """In one candle of both, the past comes before the first trade."""
    if not stored or stored[0].start > past[-1].start:
        return [*past, *stored]
    earlier = [candle for candle in past if candle.start <= stored[0].start]
    if earlier[-1].start < stored[0].start:
        return [*earlier, *stored]
    before, first = earlier[-1], stored[0]
    both = structs.replace(first, open=before.open, high=max(before.high, first.high), low=min(before.low, first.low))
    return [*earlier[:-1], both, *stored[1:]]
