"""Keeps the whole book of a real market, and the part of it that is near enough to the best prices to matter to
orders."""

from collections.abc import Iterable
from decimal import Decimal

from sortedcontainers import SortedDict

from acme_bot.feed.dialects import Levels

REACH = Decimal("0.01")
"""A level is within reach up to this fraction away from the mid price."""
LEAST_LEVELS = 100
"""So many levels a side are within reach however far away they are; the API shows as many."""
TOLERANCE = Decimal("0.001")
"""So far, as a fraction, the mid price moves before the reach is measured anew."""

Changes = tuple[Levels, Levels]


class SourceBook:
    """One market's book as the source has it. Levels that leave the reach are reported as gone, those that enter it as
    new."""

    def __init__(self) -> None:
        self._bids = _Side(-1)
        self._asks = _Side(1)
        self._mid_price = Decimal(0)

    def replace(self, bids: Levels, asks: Levels) -> Changes:
        """Begins anew. Returns the levels within reach, best first."""
        self._bids.replace(bids)
        self._asks.replace(asks)
        return self.again()

    def become(self, bids: Levels, asks: Levels) -> Changes:
        """Takes these levels for the whole book. Returns those within reach that are other than before."""
        self._bids.replace(bids)
        self._asks.replace(asks)
        self._measure()
        return self._bids.changes(self._bids.prices()), self._asks.changes(self._asks.prices())

    def again(self) -> Changes:
        """Tells everything within reach once more, best first, as after `replace`."""
        self._measure()
        return self._bids.begin(), self._asks.begin()

    def update(self, bids: Levels, asks: Levels) -> Changes:
        """Applies changed levels. Returns those within reach that are other than before."""
        self._bids.apply(bids)
        self._asks.apply(asks)
        if self._has_moved():
            self._measure()
            return self._bids.changes(self._bids.prices()), self._asks.changes(self._asks.prices())
        return self._bids.changes(price for price, _ in bids), self._asks.changes(price for price, _ in asks)

    def _has_moved(self) -> bool:
        mid_price = self._mid_price_now()
        is_far = abs(mid_price - self._mid_price) > TOLERANCE * self._mid_price
        return is_far or self._bids.is_short() or self._asks.is_short()

    def _measure(self) -> None:
        self._mid_price = self._mid_price_now()
        for side in (self._bids, self._asks):
            side.measure(self._mid_price)

    def _mid_price_now(self) -> Decimal:
        touch = [best for best in (self._bids.best(), self._asks.best()) if best is not None]
        return sum(touch, Decimal(0)) / len(touch) if touch else self._mid_price


class _Side:
    """Prices are kept by their distance: `direction` is 1 for asks, −1 for bids, so that the best comes first."""

    def __init__(self, direction: int):
        self._direction = direction
        self._levels: SortedDict[Decimal, Decimal] = SortedDict()
        self._reported: dict[Decimal, Decimal] = {}
        self._end = Decimal(0)

    def replace(self, levels: Levels) -> None:
        self._levels = SortedDict((price * self._direction, size) for price, size in levels if size)

    def apply(self, levels: Levels) -> None:
        for price, size in levels:
            if size:
                self._levels[price * self._direction] = size
            else:
                self._levels.pop(price * self._direction, None)

    def best(self) -> Decimal | None:
        return self._levels.peekitem(0)[0] * self._direction if self._levels else None

    def measure(self, mid_price: Decimal) -> None:
        self._end = mid_price * (self._direction + REACH)
        if len(self._levels) >= LEAST_LEVELS:
            self._end = max(self._end, self._levels.peekitem(LEAST_LEVELS - 1)[0])
        elif self._levels:
            self._end = max(self._end, self._levels.peekitem(-1)[0])

    def is_short(self) -> bool:
        """Whether fewer levels than there should be are within reach, although there are more."""
        return len(self._reported) < min(LEAST_LEVELS, len(self._levels))

    def begin(self) -> Levels:
        """What is within reach now, which is all that has been told from here on."""
        self._reported = {key: self._levels[key] for key in self._levels.irange(maximum=self._end)}
        return [(key * self._direction, size) for key, size in self._reported.items()]

    def prices(self) -> list[Decimal]:
        """All that has been told, or is within reach."""
        return [key * self._direction for key in {*self._reported, *self._levels.irange(maximum=self._end)}]

    def changes(self, prices: Iterable[Decimal]) -> Levels:
        """How these prices' levels differ from what has been told of them, which is then told."""
        changed = []
        for price in prices:
            key = price * self._direction
            size = self._levels.get(key, Decimal(0)) if key <= self._end else Decimal(0)
            if size == self._reported.get(key, 0):
                continue
            if size:
                self._reported[key] = size
            else:
                del self._reported[key]
            changed.append((price, size))
        return changed
