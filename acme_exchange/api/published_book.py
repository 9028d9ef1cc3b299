"""The book as subscribers have it: the best 100 levels a side, and what changed in them since the last frame."""

import zlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, zip_longest
from typing import Literal

from msgspec import Struct

from acme_exchange.api.wire.answers import Level

DEPTH = 100
GONE = Decimal(0)


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """CRC-32 of at most 100 levels a side, as Acme API §6 writes them."""
    levels = chain.from_iterable(zip_longest(bids[:DEPTH], asks[:DEPTH], fillvalue=()))
    return zlib.crc32(":".join([str(float(number)) for level in levels for number in level]).encode())


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
        self._bids = list(bids[:DEPTH])
        self._asks = list(asks[:DEPTH])

    def partial(self, time: float) -> BookChange:
        """All that was published.

        :param time: epoch seconds.
        """
        return self._frame("partial", self._bids, self._asks, time)

    def update(self, bids: Sequence[Level], asks: Sequence[Level], time: float) -> BookChange | None:
        """Publishes the book as it is now.

        :returns: what changed; None when nothing did.
        """
        now_bids, now_asks = list(bids[:DEPTH]), list(asks[:DEPTH])
        changed_bids, changed_asks = _changes(self._bids, now_bids), _changes(self._asks, now_asks)
        if not changed_bids and not changed_asks:
            return None
        self._bids, self._asks = now_bids, now_asks
        return self._frame("update", changed_bids, changed_asks, time)

    def _frame(
        self, action: Literal["partial", "update"], bids: list[Level], asks: list[Level], time: float
    ) -> BookChange:
        return BookChange(time=time, checksum=checksum(self._bids, self._asks), bids=bids, asks=asks, action=action)


def _changes(before: Sequence[Level], now: Sequence[Level]) -> list[Level]:
    known = dict(before)
    changed = [(price, size) for price, size in now if known.pop(price, None) != size]
    return changed + [(price, GONE) for price in known]
