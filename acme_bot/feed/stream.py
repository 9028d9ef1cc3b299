"""Turns an exchange's frames of one market into the feed's lines: in order, and with a line for every gap.

Nothing here waits or connects: frames and times go in, lines come out. `wants_whole_book` says when the whole book has
to be asked for, which is the reader's business.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import fields
from decimal import Decimal

from acme_bot.feed.book import Changes, SourceBook
from acme_bot.feed.dialects import BookChange, Levels, Prices, Trade
from acme_exchange.market.follow.lines import (
    BookLine,
    FundingLine,
    GapLine,
    Level,
    Line,
    PriceLine,
    SilenceLine,
    SnapshotLine,
    TradeLine,
    plain,
)

MOST_WAITING = 20_000
"""Frames that are kept while the whole book is awaited: more than an hour of a busy market's."""
TRADES_REMEMBERED = 5_000
"""After a reconnection some exchanges send their last trades again."""
SILENT_AFTER = 5_000_000
"""Microseconds without any frame."""
FIELDS = tuple(field.name for field in fields(Prices))


class MarketStream:
    """Turns the frames of one market into the feed's lines.

    :param market: its name at the venue.
    """

    def __init__(self, market: str):
        self._market = market
        self._book = SourceBook()
        self._is_whole = False
        self._last: int | None = None
        self._began: int | None = None
        self._waiting: deque[BookChange] = deque(maxlen=MOST_WAITING)
        self._trades: dict[str, None] = {}
        self._prices = Prices()
        self._heard: int | None = None
        self._is_silent = False
        self._missed: int | None = None

    @property
    def missed_funding(self) -> int | None:
        """When funding was due during a silence, microseconds since the epoch; until `funding` has told of it."""
        return self._missed

    @property
    def wants_whole_book(self) -> bool:
        """Frames of changes have come, and there is nothing to apply them to."""
        return not self._is_whole and bool(self._waiting)

    # ---------------------------------------------------------------------------------------------------------- frames

    def book(self, change: BookChange, now: int) -> Iterator[Line]:
        """A frame of the book. `now` in microseconds since the epoch, as everywhere here."""
        yield from self._hear(now)
        if change.whole:
            yield from self._whole(change, now)
        elif not self._is_whole:
            self._waiting.append(change)
        elif change.previous is not None and change.previous != self._last:
            self._is_whole = False
            self._waiting.append(change)
            yield GapLine(market=self._market, time=change.time, received=now)
        else:
            yield from self._apply(change, now)

    def trade(self, trade: Trade, now: int) -> Iterator[Line]:
        """A trade, unless it was told before, or happened before the book began."""
        yield from self._hear(now)
        if trade.id in self._trades or self._began is None or trade.time < self._began:
            return
        self._trades[trade.id] = None
        if len(self._trades) > TRADES_REMEMBERED:
            del self._trades[next(iter(self._trades))]
        price, size = plain(trade.price), plain(trade.size)
        yield TradeLine(
            market=self._market, time=trade.time, received=now, side=trade.side, price=price, size=size, id=trade.id
        )

    def prices(self, news: Prices, now: int, newer: Collection[str] = FIELDS) -> Iterator[Line]:
        """News of mark, index or funding. Where the index is not told, the mark stands for it.

        :param newer: the fields in which the news count for more than what is known; the others only fill gaps.
        """
        yield from self._hear(now)
        known = self._prices
        merged = Prices(*(_merged(getattr(news, name), getattr(known, name), name in newer) for name in FIELDS))
        if merged == known:
            return
        self._prices = merged
        if self._missed is None:
            yield from self._priced(now)

    def funding(self, rate: Decimal | None, now: int) -> Iterator[Line]:
        """What was paid when `missed_funding` says, None where that cannot be known; prices are told again from now
        on."""
        due, self._missed = self._missed, None
        if rate is not None and due is not None:
            yield FundingLine(market=self._market, time=due, received=now, rate=plain(rate))
        yield from self._priced(now)

    def _priced(self, now: int) -> Iterator[Line]:
        merged = self._prices
        if merged.mark is None or merged.rate is None or merged.next_funding_time is None:
            return
        yield PriceLine(
            market=self._market,
            time=now,
            received=now,
            mark=plain(merged.mark),
            index=plain(merged.mark if merged.index is None else merged.index),
            rate=plain(merged.rate),
            next_funding_time=merged.next_funding_time,
        )

    def look(self, now: int) -> Iterator[Line]:
        """Time passes: says so when nothing has been heard for a while."""
        if not self._is_silent and self._heard is not None and now - self._heard > SILENT_AFTER:
            self._is_silent = True
            yield SilenceLine(market=self._market, time=now, received=now)

    # --------------------------------------------------------------------------------------------------------- details

    def _hear(self, now: int) -> Iterator[Line]:
        """Something came: after a silence the book is told again, if no frame of it is missing."""
        self._heard = now
        if self._is_silent:
            self._is_silent = False
            due = self._prices.next_funding_time
            self._missed = due if due is not None and due <= now else None
            if self._is_whole:
                yield self._snapshot(self._book.again(), now, now)

    def _whole(self, change: BookChange, now: int) -> Iterator[Line]:
        """The whole book; and what came while it was on its way, if that follows on it."""
        if change.last is None and self._is_whole:
            yield from self._told(self._book.become(change.bids, change.asks), change.time, now)
            return
        later = [each for each in self._waiting if _is_later(each, change)]
        if later and later[0].previous is not None and change.last is not None and later[0].previous > change.last:
            return
        self._waiting.clear()
        self._is_whole = True
        self._last = change.last
        if self._began is None:
            self._began = change.time
        yield self._snapshot(self._book.replace(change.bids, change.asks), change.time, now)
        for i, each in enumerate(later):
            if i and each.previous is not None and each.previous != self._last:
                self._is_whole = False
                self._waiting.extend(later[i:])
                yield GapLine(market=self._market, time=each.time, received=now)
                return
            yield from self._apply(each, now)

    def _apply(self, change: BookChange, now: int) -> Iterator[Line]:
        self._last = change.last
        yield from self._told(self._book.update(change.bids, change.asks), change.time, now)

    def _told(self, changes: Changes, time: int, now: int) -> Iterator[Line]:
        bids, asks = changes
        if bids or asks:
            yield BookLine(market=self._market, time=time, received=now, bids=_written(bids), asks=_written(asks))

    def _snapshot(self, changes: Changes, time: int, now: int) -> SnapshotLine:
        bids, asks = changes
        return SnapshotLine(market=self._market, time=time, received=now, bids=_written(bids), asks=_written(asks))


def _is_later(change: BookChange, whole: BookChange) -> bool:
    return change.last is None or whole.last is None or change.last > whole.last


def _merged[T: (Decimal, int)](new: T | None, old: T | None, is_newer: bool) -> T | None:
    return new if old is None or (is_newer and new is not None) else old


def _written(levels: Levels) -> list[Level]:
    return [(plain(price), plain(size)) for price, size in levels]
