"""Keeps the book as subscribers have it: the best 100 levels a side, and what changed in them since the last frame."""

import zlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from acme_exchange.api.wire.answers import Level

DEPTH = 100
GONE = Decimal(0)


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """CRC-32 of at most 100 levels a side, as Acme API §6 writes them."""
    return _of_texts([_text(*level) for level in bids[:DEPTH]], [_text(*level) for level in asks[:DEPTH]])


def _of_texts(bids: Sequence[str], asks: Sequence[str]) -> int:
    return zlib.crc32(":".join([text for level in zip_longest(bids, asks) for text in level if text]).encode())


def _text(price: Decimal, size: Decimal) -> str:
    return f"{float(price)}:{float(size)}"


class BookChange(Struct, frozen=True):
    """What subscribers are told of a book.

    :ivar time: epoch seconds.
    :ivar checksum: of the whole book afterwards.
    :ivar bids: all of them for a partial, else those that changed; likewise `asks`.
    """

    time: float
    checksum: int
    bids: list[Level]
    asks: list[Level]
    action: Literal["partial", "update"]


class _Side:
    """The best levels of one side as they were published, each with its text in the checksum.

    Most of them stay as they are from one frame to the next, and to write a number as a double takes longer than to
    look its price up.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        """:param levels: best first."""
        self.levels: list[Level] = []
        self._known: dict[Decimal, tuple[Decimal, str]] = {}
        self.update(levels)

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self._known.values()]

    def update(self, levels: Sequence[Level]) -> list[Level]:
        """Takes the side as it is now; what changed in it."""
        before, self._known = self._known, {}
        now, changed, stayed = list(levels[:DEPTH]), [], 0
        for price, size in now:
            known = before.get(price)
            if known is not None:
                stayed += 1
            if known is None or known[0] != size:
                changed.append((price, size))
                known = size, _text(price, size)
            self._known[price] = known
        if stayed < len(before):
            changed += [(price, GONE) for price in before if price not in self._known]
        if changed:
            self.levels = now
        return changed


class PublishedBook:
    """What every subscriber of one market's book has been told.

    A level that enters the best 100 is sent, and one that leaves them is sent with size 0, whether it is gone from the
    book or not: a client that does exactly what it is told has exactly the best 100.
    """

    def __init__(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """
        :param bids: best first.
        :param asks: best first.
        """
        self._bids = _Side(bids)
        self._asks = _Side(asks)

    def partial(self, time: float) -> BookChange:
        """The whole book, as it was last published.

        :param time: epoch seconds.
        """
        return self._frame("partial", self._bids.levels, self._asks.levels, time)

    def update(self, bids: Sequence[Level], asks: Sequence[Level], time: float) -> BookChange | None:
        """Publishes the book as it is now.

        :returns: what changed; None when nothing did.
        """
        changed_bids, changed_asks = self._bids.update(bids), self._asks.update(asks)
        if not changed_bids and not changed_asks:
            return None
        return self._frame("update", changed_bids, changed_asks, time)

    def _frame(
        self, action: Literal["partial", "update"], bids: list[Level], asks: list[Level], time: float
    ) -> BookChange:
        return BookChange(
            time=time, checksum=_of_texts(self._bids.texts, self._asks.texts), bids=bids, asks=asks, action=action
        )
