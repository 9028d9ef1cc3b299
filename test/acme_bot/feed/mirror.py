"""The simplest follower of a feed: what the book is when every line was applied."""

from collections.abc import Mapping
from decimal import Decimal

from acme_exchange.market.follow.lines import BookLine, Level, Line, SnapshotLine


class Mirror:
    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def take(self, line: Line) -> None:
        if isinstance(line, SnapshotLine):
            self.bids.clear()
            self.asks.clear()
        if isinstance(line, SnapshotLine | BookLine):
            _apply(self.bids, line.bids)
            _apply(self.asks, line.asks)

    def equals(self, bids: Mapping[str, str], asks: Mapping[str, str]) -> bool:
        return self.bids == _exact(bids) and self.asks == _exact(asks)


def _apply(side: dict[Decimal, Decimal], levels: list[Level]) -> None:
    for price, size in levels:
        if Decimal(size):
            side[Decimal(price)] = Decimal(size)
        else:
            # A level that is told to be gone was told before: else the feed says more than it must.
            del side[Decimal(price)]


def _exact(levels: Mapping[str, str]) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(size) for price, size in levels.items()}
