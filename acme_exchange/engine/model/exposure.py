"""Keeps up, with every order and every mark, what an account's resting orders would lose if they were filled at
once."""

from decimal import Decimal

from sortedcontainers import SortedDict

from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.words import Side


class Exposure:
    """The sizes that rest on one side of one holding, by price, and what those beyond the mark would lose against it.

    A buy above the mark, or a sell below it, loses the difference the moment it is filled. Sums over the orders beyond
    the mark are kept, so that an order costs a look-up, and a mark that moves costs the prices that it passes.
    """

    __slots__ = ("_buying", "_sizes", "_mark", "_beyond", "_notional")

    def __init__(self, side: Side):
        self._buying = side == "buy"
        self._sizes: SortedDict[Decimal, Decimal] = SortedDict()
        self._mark: Decimal | None = None
        self._beyond = ZERO
        self._notional = ZERO

    def change(self, price: Decimal, size: Decimal) -> None:
        """Counts `size` more, or, negative, less at a price."""
        resting = self._sizes.get(price, ZERO) + size
        if resting:
            self._sizes[price] = resting
        else:
            del self._sizes[price]
        if self._mark is not None and self._loses(price, self._mark):
            self._beyond += size
            self._notional += size * price

    def loss(self, mark: Decimal) -> Decimal:
        """US dollars that the orders would lose against `mark`, were all filled at once at their prices."""
        if not self._sizes:
            return ZERO
        if mark is not self._mark:
            self._follow(mark)
        if not self._beyond:
            return ZERO
        loss = self._notional - self._beyond * mark
        return loss if self._buying else -loss

    def _loses(self, price: Decimal, mark: Decimal) -> bool:
        return price > mark if self._buying else price < mark

    def _follow(self, mark: Decimal) -> None:
        before, self._mark = self._mark, mark
        if before is None:
            low, high = (mark, None) if self._buying else (None, mark)
        else:
            low, high = min(before, mark), max(before, mark)
            # Most orders rest where no mark has been: then none was passed.
            if self._sizes.peekitem(-1)[0] < low if self._buying else self._sizes.peekitem(0)[0] > high:
                return
        for price in self._sizes.irange(low, high):
            lost = before is not None and self._loses(price, before)
            loses = self._loses(price, mark)
            if lost != loses:
                size = self._sizes[price] if loses else -self._sizes[price]
                self._beyond += size
                self._notional += size * price
