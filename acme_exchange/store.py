"""The one place where history lives: what the engine has reported and then forgets.

Kept in memory for now. Whoever keeps it elsewhere writes another :class:`Store`; nothing else of the venue knows.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Protocol

from acme_exchange.engine.events import Event, Filled, FundingPaid, FundingSettled, OrderChanged, Traded
from acme_exchange.engine.views import Order

HOUSE_PREFIX = "@"
CANDLE_RESOLUTIONS = (15, 60, 300, 900, 3600, 14400, 86400)
MOST_CANDLES_KEPT = 10_000
MOST_TRADES_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time, both ends included; None: without end.

    :ivar start: microseconds since the epoch.
    :ivar end: microseconds since the epoch.
    """

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Page[Record]:
    """The first records that fit a query.

    :ivar more: whether further ones fit.
    """

    records: list[Record]
    more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which of an account's orders are meant; None: all."""

    market: str | None = None
    side: str | None = None
    kind: str | None = None

    def accepts(self, order: Order) -> bool:
        return (
            self.market in (None, order.market) and self.side in (None, order.side) and self.kind in (None, order.kind)
        )


@dataclass(frozen=True, slots=True)
class FillFilter:
    """Which of an account's fills are meant; None: all."""

    market: str | None = None
    order_id: int | None = None

    def accepts(self, fill: Filled) -> bool:
        return self.market in (None, fill.market) and self.order_id in (None, fill.order_id)


@dataclass(frozen=True, slots=True)
class Candle:
    """The trades of one span of time.

    :ivar start: microseconds since the epoch.
    :ivar volume: US dollars.
    """

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Store(Protocol):
    """What the venue asks of its history. Nothing here refuses: an unknown account or market has no records."""

    def record(self, events: Sequence[Event], cancelled_by_client: bool = False) -> None:
        """Keeps what one command has caused, all of it or nothing.

        :param cancelled_by_client: the command was a cancel, so that what it closed is not to be cancelled again.
        """

    def order(self, account: str, order_id: int) -> Order | None:
        """An order of the account, open or closed."""

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        """An order of the account, open or closed."""

    def was_cancelled_by_client(self, order_id: int) -> bool:
        """Whether a cancel of the client's closed the order."""

    def orders(
        self, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Order]:
        """Orders, open and closed, by the time they were placed."""

    def fills(
        self, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Filled]:
        """Fills by their time."""

    def funding_payments(self, account: str, market: str | None, period: Period, limit: int) -> list[FundingPaid]:
        """Newest first; all those of the oldest moment, even past the limit, so that nothing hides behind a page."""

    def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        """Newest first; all those of the oldest moment, even past the limit."""

    def trades(self, market: str, period: Period, limit: int) -> list[Traded]:
        """Public trades, newest first."""

    def candles(self, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
        """The latest candles that start within the period, oldest first, without gaps from the first trade to `now`.

        :param resolution: seconds, one of `CANDLE_RESOLUTIONS`.
        :param now: microseconds since the epoch.
        """


class _Timeline[Record]:
    """Records in the order of their time."""

    def __init__(self, time: Callable[[Record], int]) -> None:
        self._time = time
        self._records: list[Record] = []

    def append(self, record: Record) -> None:
        self._records.append(record)

    def within(self, period: Period, oldest_first: bool = False) -> Iterator[Record]:
        records, time = self._records, self._time
        first = 0 if period.start is None else bisect_left(records, period.start, key=time)
        end = len(records) if period.end is None else bisect_right(records, period.end, key=time)
        positions = range(first, end) if oldest_first else range(end - 1, first - 1, -1)
        return (records[position] for position in positions)


class MemoryStore:
    """A :class:`Store` that lasts as long as the process. What belongs to the house is not kept."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._cancelled_by_client: set[int] = set()
        self._order_ids: defaultdict[str, _Timeline[int]] = defaultdict(
            lambda: _Timeline(lambda order_id: self._orders[order_id].created_at)
        )
        self._by_client_id: dict[tuple[str, str], int] = {}
        self._fills: defaultdict[str, _Timeline[Filled]] = defaultdict(lambda: _Timeline(lambda fill: fill.time))
        self._payments: defaultdict[str, _Timeline[FundingPaid]] = defaultdict(lambda: _Timeline(lambda paid: paid.time))
        self._rates: _Timeline[FundingSettled] = _Timeline(lambda settled: settled.time)
        self._trades: defaultdict[str, deque[Traded]] = defaultdict(lambda: deque(maxlen=MOST_TRADES_KEPT))
        self._candles: defaultdict[tuple[str, int], deque[Candle]] = defaultdict(
            lambda: deque(maxlen=MOST_CANDLES_KEPT)
        )
        self._recorders: dict[type, Callable] = {
            Filled: self._record_fill,
            FundingPaid: self._record_payment,
            FundingSettled: self._rates.append,
            Traded: self._record_trade,
        }

    def record(self, events: Sequence[Event], cancelled_by_client: bool = False) -> None:
        for event in events:
            if isinstance(event, OrderChanged):
                self._record_order(event.order, cancelled_by_client)
            elif recorder := self._recorders.get(type(event)):
                recorder(event)

    def order(self, account: str, order_id: int) -> Order | None:
        order = self._orders.get(order_id)
        return order if order is not None and order.account == account else None

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        return self._orders.get(self._by_client_id.get((account, client_id), 0))

    def was_cancelled_by_client(self, order_id: int) -> bool:
        return order_id in self._cancelled_by_client

    def orders(
        self, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Order]:
        ids = self._order_ids[account].within(period, oldest_first)
        return _page((order for order in map(self._orders.__getitem__, ids) if accepted.accepts(order)), limit)

    def fills(
        self, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Filled]:
        fills = self._fills[account].within(period, oldest_first)
        return _page((fill for fill in fills if accepted.accepts(fill)), limit)

    def funding_payments(self, account: str, market: str | None, period: Period, limit: int) -> list[FundingPaid]:
        return _whole_moments(self._payments[account].within(period), market, limit)

    def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        return _whole_moments(self._rates.within(period), market, limit)

    def trades(self, market: str, period: Period, limit: int) -> list[Traded]:
        chosen = []
        for trade in reversed(self._trades[market]):
            if len(chosen) == limit or (period.start is not None and trade.time < period.start):
                break
            if period.end is None or trade.time <= period.end:
                chosen.append(trade)
        return chosen

    def candles(self, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
        kept = self._candles[market, resolution]
        if not kept:
            return []
        span = resolution * 1_000_000
        latest = now if period.end is None else min(now, period.end)
        last_start = latest - latest % span
        first_start = max(kept[0].start, last_start - (limit - 1) * span)
        if period.start is not None:
            first_start = max(first_start, -(-period.start // span) * span)
        return _without_gaps(kept, range(first_start, last_start + 1, span))

    def _record_order(self, order: Order, cancelled_by_client: bool) -> None:
        if order.id not in self._orders:
            self._order_ids[order.account].append(order.id)
            if order.client_id is not None:
                self._by_client_id[order.account, order.client_id] = order.id
        self._orders[order.id] = order
        if cancelled_by_client and order.status == "closed":
            self._cancelled_by_client.add(order.id)

    def _record_fill(self, fill: Filled) -> None:
        if not fill.account.startswith(HOUSE_PREFIX):
            self._fills[fill.account].append(fill)

    def _record_payment(self, payment: FundingPaid) -> None:
        if not payment.account.startswith(HOUSE_PREFIX):
            self._payments[payment.account].append(payment)

    def _record_trade(self, trade: Traded) -> None:
        self._trades[trade.market].append(trade)
        for resolution in CANDLE_RESOLUTIONS:
            candles = self._candles[trade.market, resolution]
            span = resolution * 1_000_000
            start = trade.time - trade.time % span
            if candles and candles[-1].start == start:
                candles[-1] = _grown(candles[-1], trade)
            else:
                volume = trade.price * trade.size
                candles.append(Candle(start, trade.price, trade.price, trade.price, trade.price, volume))


def _page[Record](fitting: Iterator[Record], limit: int) -> Page[Record]:
    records = list(islice(fitting, limit))
    return Page(records, more=next(fitting, None) is not None)


def _whole_moments[Record: (FundingPaid, FundingSettled)](
    newest_first: Iterable[Record], market: str | None, limit: int
) -> list[Record]:
    chosen: list[Record] = []
    for record in newest_first:
        if market not in (None, record.market):
            continue
        if len(chosen) >= limit and record.time != chosen[-1].time:
            break
        chosen.append(record)
    return chosen


def _grown(candle: Candle, trade: Traded) -> Candle:
    return Candle(
        start=candle.start,
        open=candle.open,
        high=max(candle.high, trade.price),
        low=min(candle.low, trade.price),
        close=trade.price,
        volume=candle.volume + trade.price * trade.size,
    )


def _without_gaps(kept: deque[Candle], starts: range) -> list[Candle]:
    """The candles that begin at `starts`, with a flat one at the last price for each span in which nothing traded."""
    needed: dict[int, Candle] = {}
    for candle in reversed(kept):
        needed[candle.start] = candle
        if candle.start <= starts.start:
            break
    price = next(reversed(needed.values())).close
    chosen = []
    for start in starts:
        candle = needed.get(start) or Candle(start, price, price, price, price, Decimal(0))
        price = candle.close
        chosen.append(candle)
    return chosen
