"""Candles from before a venue's start, of markets that follow a real exchange: out of that exchange's own history."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from acme_exchange.engine.events import FundingSettled
from acme_exchange.market.follow.lines import HistoryLine
from acme_exchange.store import Candle, Period

_MICROSECONDS = 1_000_000


class KnownPast:
    """Keeps the candles that a feed has told, and those that can be made of them."""

    def __init__(self, histories: Iterable[HistoryLine]):
        self._candles: dict[tuple[str, int], list[Candle]] = {}
        for line in histories:
            key = line.market, line.resolution
            self._candles[key] = [
                Candle(
                    each.start - each.start % (line.resolution * _MICROSECONDS),
                    Decimal(each.open),
                    Decimal(each.high),
                    Decimal(each.low),
                    Decimal(each.close),
                    volume=Decimal(each.volume),
                )
                for each in line.candles
            ]

    async def before(
        self, stored: Sequence[Candle], market: str, resolution: int, period: Period, now: int, limit: int
    ) -> list[Candle]:
        """The candles that a store has found for the same question, `Store.candles`, and those before its first."""
        first = stored[0].start if stored else now + 1
        start, end = period.start or 0, period.end if period.end is not None else now
        older = [each for each in self._made(market, resolution) if start <= each.start <= end and each.start < first]
        return [*older, *stored][-limit:]

    async def rates_before(
        self, stored: Sequence[FundingSettled], market: str | None, period: Period, limit: int
    ) -> list[FundingSettled]:
        """Those that a store has found: a feed tells none of before."""
        return list(stored)

    def _made(self, market: str, resolution: int) -> list[Candle]:
        """Of the coarsest that was told and fits; none where the source told none."""
        fitting = [each for name, each in self._candles if name == market and resolution % each == 0]
        candles = self._candles[market, max(fitting)] if fitting else []
        return list(_gathered(candles, resolution * _MICROSECONDS))


def _gathered(candles: Iterable[Candle], span: int) -> Iterable[Candle]:
    """Candles of a longer span: first open, highest, lowest, last close, and the volume together."""
    made: Candle | None = None
    for candle in candles:
        start = candle.start - candle.start % span
        if made is None or made.start != start:
            if made is not None:
                yield made
            made = Candle(start, candle.open, candle.high, candle.low, candle.close, volume=candle.volume)
        else:
            high, low = max(made.high, candle.high), min(made.low, candle.low)
            made = Candle(start, made.open, high, low, candle.close, volume=made.volume + candle.volume)
    if made is not None:
        yield made
