"""The order book of one market: price levels in order, and time order within a level."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from sortedcontainers import SortedDict

from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.words import Side

if TYPE_CHECKING:
    from acme_exchange.engine.model.accounts import Holding

PriceAndSize = tuple[Decimal, Decimal]

_HALF = Decimal("0.5")


class Level:
    """The orders at one price, oldest first, and their total size. `key` is where the price sorts in its side."""

    __slots__ = ("price", "key", "size", "orders")

    def __init__(self, price: Decimal, key: int):
        self.price = price
        self.key = key
        self.size = ZERO
        # An OrderedDict finds its first item in constant time also after many removals; a dict does not.
        self.orders: OrderedDict[int, LiveOrder] = OrderedDict()


class BookSide:
    """The bids or the asks. Levels are keyed by ticks, negated for bids, so that the best key is always the least."""

    def __init__(self, side: Side, increment: Decimal):
        self._sign = -1 if side == "buy" else 1
        self._increment = increment
        self._levels: SortedDict[int, Level] = SortedDict()
        self._best: Level | None = None
        self._before: dict[int, PriceAndSize] = {}

    def key(self, price: Decimal) -> int:
        """Where a price sorts; it must be a multiple of the increment."""
        return self._sign * int(price // self._increment)

    def best(self) -> Level | None:
        """The level that trades first."""
        return self._best

    def at(self, price: Decimal) -> Level | None:
        """The level of a price, which must be a multiple of the increment."""
        return self._levels.get(self.key(price))

    def level(self, key: int) -> Level | None:
        """The level of a key."""
        return self._levels.get(key)

    def better_than(self, price: Decimal) -> list[Level]:
        """The levels that trade before those of `price`, best first."""
        return [self._levels[key] for key in self._levels.irange(maximum=self.key(price), inclusive=(True, False))]

    def top(self, depth: int) -> list[PriceAndSize]:
        """The best `depth` levels as (price, size), best first."""
        return [(level.price, level.size) for level in islice(self._levels.values(), depth)]

    def orders(self) -> Iterator[LiveOrder]:
        """All orders in the order in which they would trade."""
        for level in self._levels.values():
            yield from level.orders.values()

    def add(self, order: LiveOrder) -> None:
        """Puts an order at the end of its level's queue."""
        key = order.key = self.key(order.price)
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = Level(order.price, key)
            if self._best is None or key < self._best.key:
                self._best = level
        self._resize(key, level, order.remaining)
        level.orders[order.id] = order

    def remove(self, order: LiveOrder) -> None:
        """Takes an order out, with what remains of it."""
        key = order.key
        level = self._levels[key]
        del level.orders[order.id]
        self._resize(key, level, -order.remaining)
        if not level.orders:
            del self._levels[key]
            if level is self._best:
                self._best = self._levels.peekitem(0)[1] if self._levels else None

    def shrink(self, order: LiveOrder, size: Decimal) -> None:
        """Takes `size` off an order's level, where the order keeps its place."""
        self._resize(order.key, self._levels[order.key], -size)

    def take_changes(self) -> tuple[PriceAndSize, ...]:
        """The levels that differ from what they were when this was last called, best first; size 0 means gone."""
        changes = []
        for key, (price, before) in sorted(self._before.items()):
            level = self._levels.get(key)
            after = level.size if level else ZERO
            if after != before:
                changes.append((price, after))
        self._before.clear()
        return tuple(changes)

    def _resize(self, key: int, level: Level, change: Decimal) -> None:
        if key not in self._before:
            self._before[key] = (level.price, level.size)
        level.size += change


class Book:
    """The bids and asks of one market."""

    def __init__(self, increment: Decimal):
        self.bids = BookSide("buy", increment)
        self.asks = BookSide("sell", increment)

    def own(self, side: Side) -> BookSide:
        """Where an order of `side` rests."""
        return self.bids if side == "buy" else self.asks

    def opposite(self, side: Side) -> BookSide:
        """What an order of `side` trades with."""
        return self.asks if side == "buy" else self.bids

    def mid(self) -> Decimal | None:
        """Halfway between the best bid and the best ask; None while a side is empty."""
        bid, ask = self.bids.best(), self.asks.best()
        if bid is None or ask is None:
            return None
        return (bid.price + ask.price) * _HALF

    def takeable(self, order: LiveOrder) -> tuple[Decimal, Decimal]:
        """The size that `order` would trade at once, and its notional, leaving out its account's own orders.

        Of orders that may only reduce, no more counts than the position they reduce will have left by then: those of
        one position may rest at its size each.
        """
        size, notional = ZERO, ZERO
        best = self.opposite(order.side).best()
        if best is None or not order.reaches(best.price):
            return size, notional
        traded: dict[Holding, Decimal] = {}
        for resting in self.opposite(order.side).orders():
            if size == order.size or not order.reaches(resting.price):
                break
            if resting.account is order.account:
                continue
            part = min(resting.remaining, order.size - size)
            if holding := resting.holding if resting.holding.reducing else None:
                before = traded.get(holding, ZERO)
                if resting.reducing:
                    part = min(part, max(ZERO, holding.room(resting.side) - before))
                traded[holding] = before + part
            size += part
            notional += part * resting.price
        return size, notional
