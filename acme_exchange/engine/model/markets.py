"""The state of one market: its book, its prices, its funding and its statistics."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from acme_exchange.engine.model.book import Book
from acme_exchange.engine.model.funding import FundingClock
from acme_exchange.engine.model.mirror import FollowedFunding, Mirror
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.engine.model.statistics import DayStatistics

if TYPE_CHECKING:
    from acme_exchange.engine.model.accounts import Holding
    from acme_exchange.engine.model.words import Side

Ticker = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None, Decimal | None]


class Market:
    """A market's book, prices, funding, and who is active in it.

    `index` and `mark` are nought until the first index. `mark` is valid after each `refresh`. Whoever changed the book,
    the last price or the index must see to that, by way of `State.refresh_mark`, which also notes whom it concerns.
    `definition` is the specification as a snapshot holds it, once one was made: it never changes.
    """

    __slots__ = (
        "specification",
        "definition",
        "name",
        "price_quantum",
        "size_quantum",
        "book",
        "enabled",
        "expired",
        "index",
        "last",
        "mark",
        "funding",
        "open_interest",
        "statistics",
        "active",
        "quotes",
        "shown",
        "mirror",
    )

    def __init__(self, specification: MarketSpecification):
        self.specification = specification
        self.definition: dict[str, Any] | None = None
        self.name = specification.name
        self.price_quantum = _quantum(specification.price_increment)
        self.size_quantum = _quantum(specification.size_increment)
        self.book = Book(specification.price_increment)
        self.enabled = specification.enabled
        self.expired = False
        self.index = ZERO
        self.last: Decimal | None = None
        self.mark = ZERO
        self.funding: FundingClock | FollowedFunding | None = None
        self.open_interest = ZERO
        self.statistics = DayStatistics()
        self.active: dict[tuple[int, str], Holding] = {}
        self.quotes: dict[Side, dict[Decimal, LiveOrder]] = {"buy": {}, "sell": {}}
        self.mirror = None if specification.source is None else Mirror()
        self.shown: Ticker = (None, None, None, None, None)

    @property
    def halted(self) -> bool:
        """Whether the market follows a real one that is silent: then it takes no orders, and nobody is liquidated."""
        return self.mirror is not None and self.mirror.halted

    @property
    def takes_orders(self) -> bool:
        """Whether trading is open. Spot is only listed: Acme holds no coin but the dollar."""
        return self.enabled and not self.expired and self.specification.kind != "spot"

    @property
    def closed_because(self) -> str | None:
        """Why it takes no orders, after its name; None when it does."""
        if self.specification.kind == "spot":
            return "is a spot market, and only futures are traded"
        if self.expired:
            return "has expired"
        if not self.enabled:
            return "is disabled"
        return None if self.index else "has no price yet"

    @property
    def due_at(self) -> int | None:
        """When its funding is next settled, or when it expires, in microseconds since the epoch."""
        if self.halted:
            return None
        if self.funding:
            return self.funding.next_time
        return None if self.expired or not self.index else self.specification.expiry

    @property
    def perpetual(self) -> bool:
        return self.specification.kind == "perpetual"

    @property
    def price(self) -> Decimal:
        """The last price held between the best bid and ask; the mark before the first trade."""
        if self.last is None:
            return self.mark
        bid, ask = self.book.bids.best(), self.book.asks.best()
        price = self.last
        if bid is not None:
            price = max(price, bid.price)
        return min(price, ask.price) if ask is not None else price

    @property
    def ticker(self) -> Ticker:
        """Best bid, best ask, their sizes, last price."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        bid_price, bid_size = (bid.price, bid.size) if bid else (None, None)
        ask_price, ask_size = (ask.price, ask.size) if ask else (None, None)
        return bid_price, ask_price, bid_size, ask_size, self.last

    def refresh(self, now: int) -> bool:
        """Makes the mark what book, last price and index say; whether it changed.

        Mark = median of index, mid and last (Acme API §8). While mid or last is missing, the index stands in for it.
        """
        mark, before = self._median() if self.mirror is None else self.mirror.mark or self.mark, self.mark
        if not mark.compare_total(before):
            # The very same object: what was computed with it still holds, and is known by it.
            mark = before
        if self.funding:
            self.funding.observe(mark, self.index, now)
        self.mark = mark
        return mark is not before and mark != before

    def _median(self) -> Decimal:
        mid = self.book.mid() or self.index
        return sorted((self.index, mid, self.last or self.index))[1]


def _quantum(increment: Decimal) -> Decimal:
    """The last decimal of an increment: what its multiples can be quantized to."""
    return Decimal(1).scaleb(min(0, int(increment.as_tuple().exponent)))
