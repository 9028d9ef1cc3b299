"""Computes the funding rate of one perpetual: the mean premium of the interval so far."""

from decimal import Decimal

from acme_exchange.engine.model.money import ZERO, divide

MICROSECONDS = 1_000_000
RATE_CAP = Decimal("0.0075")
_PREMIUM_QUANTUM = Decimal("1e-12")
_RATE_QUANTUM = Decimal("1e-9")


class FundingClock:
    """Weighs each premium of mark over index by the time for which it held.

    `area` is the sum of premium × microseconds since `start`, up to `since`; `premium` has held from then on.
    `next_time` is when the interval ends, a whole multiple of `interval` since the epoch. All in microseconds.
    """

    __slots__ = ("interval", "start", "since", "premium", "area", "next_time", "_observed")

    def __init__(self, interval: int, now: int):
        self.interval = interval
        self.premium = ZERO
        self.area = ZERO
        self.since = now
        self._observed: tuple[Decimal, Decimal] | None = None
        self._begin(now)

    def observe(self, mark: Decimal, index: Decimal, now: int) -> None:
        """Notes what the mark and the index are from `now` on."""
        self.area += self.premium * (now - self.since)
        self.since = now
        if self._observed is None or self._observed[0] is not mark or self._observed[1] is not index:
            self._observed = mark, index
            self.premium = divide(mark - index, index, _PREMIUM_QUANTUM)

    def rate(self, now: int) -> Decimal:
        """The mean premium ÷ 24, capped: what would be paid did the interval end `now`."""
        elapsed = now - self.start
        if elapsed == 0:
            return ZERO
        area = self.area + self.premium * (now - self.since)
        rate = divide(area, Decimal(24 * elapsed), _RATE_QUANTUM)
        return max(-RATE_CAP, min(RATE_CAP, rate))

    def settle(self, now: int) -> tuple[Decimal, int]:
        """Ends the interval: its rate and its time. A new one begins then, not when somebody looks at the clock.

        A venue that was off for several intervals settles once, for the latest: nobody pays for hours without a market.
        """
        time = now // self.interval * self.interval
        rate = self.rate(time)
        self._begin(time)
        return rate, time

    def _begin(self, now: int) -> None:
        self.start = now
        self.since = now
        self.area = ZERO
        self.next_time = (now // self.interval + 1) * self.interval
