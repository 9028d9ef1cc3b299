"""Keeps the prices and the volume of one market over the last day, in buckets of five minutes."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from decimal import Decimal

from acme_exchange.engine.model.money import ZERO, divide

_BUCKET = 300 * 1_000_000
_HOUR = 12
_DAY = 288
_FRACTION = Decimal("1e-8")


class DayStatistics:
    """What a market's price was in the last day, and how much was traded.

    Parallel lists, oldest bucket first: its number since the epoch, the last price in it, the US dollars traded in it.
    """

    def __init__(self) -> None:
        self.buckets: list[int] = []
        self.prices: list[Decimal] = []
        self.volumes: list[Decimal] = []

    def is_behind(self, now: int) -> bool:
        """Whether the bucket of `now` has no price yet. Within a bucket, whatever changes the price records it."""
        return not self.buckets or self.buckets[-1] != now // _BUCKET

    def record(self, now: int, price: Decimal, volume: Decimal = ZERO) -> None:
        """Notes the price at `now`, and what was traded at it."""
        bucket = now // _BUCKET
        if self.is_behind(now):
            self._forget(bucket - _DAY)
            self.buckets.append(bucket)
            self.prices.append(price)
            self.volumes.append(volume)
        else:
            self.prices[-1] = price
            self.volumes[-1] += volume

    def rows(self, since: int) -> Iterator[tuple[int, Decimal, Decimal]]:
        """Number, price and volume of the bucket of `since`, and of those after it."""
        first = bisect_left(self.buckets, since // _BUCKET)
        return zip(self.buckets[first:], self.prices[first:], self.volumes[first:])

    def volume(self, now: int) -> Decimal:
        """US dollars traded in the last day."""
        first = bisect_right(self.buckets, now // _BUCKET - _DAY)
        return sum(self.volumes[first:], ZERO)

    def changes(self, now: int) -> tuple[Decimal, Decimal, Decimal]:
        """The price's change as a fraction: in an hour, in a day, and since the UTC day began."""
        bucket = now // _BUCKET
        return self._change(bucket - _HOUR), self._change(bucket - _DAY), self._change(bucket // _DAY * _DAY - 1)

    def _change(self, bucket: int) -> Decimal:
        if not self.prices:
            return ZERO
        then = self.prices[max(0, bisect_right(self.buckets, bucket) - 1)]
        return divide(self.prices[-1] - then, then, _FRACTION)

    def _forget(self, bucket: int) -> None:
        old = bisect_right(self.buckets, bucket - 1)
        del self.buckets[:old], self.prices[:old], self.volumes[:old]
