"""Keeps history in memory, of which the oldest goes when there is too much, so that a venue can run for weeks."""

import asyncio
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from acme_exchange.accounts.keys import AccountSettings, ApiKey, Keyring
from acme_exchange.engine.events import (
    Deposited,
    Event,
    Filled,
    FundingPaid,
    FundingSettled,
    Liquidated,
    OrderChanged,
    Settled,
    Traded,
)
from acme_exchange.engine.views import Order
from acme_exchange.store.candles import begun, candle_start, grown, starts_within, without_gaps
from acme_exchange.store.ledger import (
    Deposits,
    Entry,
    Flow,
    Posting,
    fill_entry,
    flow_of,
    newest,
    payment_entry,
    posting_entry,
)
from acme_exchange.store.progress import Progress
from acme_exchange.store.store import (
    CANDLE_RESOLUTIONS,
    MOST_CANDLES_KEPT,
    MOST_TRADES_KEPT,
    Candle,
    ChangingState,
    FillFilter,
    FirstStart,
    OrderFilter,
    Page,
    Period,
    is_house,
)
from acme_exchange.store.used_ids import UsedIds

MOST_RECORDS_KEPT = 50_000
FLOWS_IN_A_TURN = 500


class _Timeline[Record]:
    """Records in the order of their time."""

    def __init__(self, time: Callable[[Record], int]) -> None:
        self._time = time
        self._records: list[Record] = []

    def __len__(self) -> int:
        return len(self._records)

    def append(self, record: Record) -> None:
        self._records.append(record)

    def forget_first(self) -> None:
        del self._records[0]

    def forget(self, record: Record) -> None:
        """Takes out a record that is there."""
        first = bisect_left(self._records, self._time(record), key=self._time)
        del self._records[self._records.index(record, first)]

    def within(self, period: Period, oldest_first: bool = False) -> Iterator[Record]:
        records, time = self._records, self._time
        first = 0 if period.start is None else bisect_left(records, period.start, key=time)
        end = len(records) if period.end is None else bisect_right(records, period.end, key=time)
        positions = range(first, end) if oldest_first else range(end - 1, first - 1, -1)
        return (records[position] for position in positions)


class _Timelines[Record]:
    """A timeline for each account, which together hold `MOST_RECORDS_KEPT`."""

    def __init__(self, time: Callable[[Record], int]) -> None:
        self._by_account: defaultdict[str, _Timeline[Record]] = defaultdict(lambda: _Timeline(time))
        self._accounts: deque[str] = deque()

    def __getitem__(self, account: str) -> _Timeline[Record]:
        return self._by_account[account]

    def append(self, account: str, record: Record) -> None:
        self._by_account[account].append(record)
        self._accounts.append(account)
        if len(self._accounts) > MOST_RECORDS_KEPT:
            self._by_account[self._accounts.popleft()].forget_first()


class MemoryStore:
    """A :class:`Store` that lasts as long as the process. What belongs to the house is not kept.

    Of closed orders, of fills and of payments it keeps the latest `MOST_RECORDS_KEPT`, over all accounts; and of the
    orders before them, that their client ids were used.
    """

    address: str | None = None
    file: Path | None = None

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None
        self.first_start: FirstStart | None = None
        self.progress = Progress()
        self.keyring = Keyring()
        self._orders: dict[int, Order] = {}
        self._cancelled_by_client: set[int] = set()
        self._order_ids: defaultdict[str, _Timeline[int]] = defaultdict(
            lambda: _Timeline(lambda order_id: self._orders[order_id].created_at)
        )
        self._by_client_id: dict[tuple[str, str], int] = {}
        self._closed: deque[int] = deque()
        self._forgotten = UsedIds()
        self._fills: _Timelines[Filled] = _Timelines(lambda fill: fill.time)
        self._payments: _Timelines[FundingPaid] = _Timelines(lambda paid: paid.time)
        self._postings: _Timelines[Posting] = _Timelines(lambda posting: posting.time)
        self._deposits: dict[str, Deposits] = {}
        self._rates: _Timeline[FundingSettled] = _Timeline(lambda settled: settled.time)
        self._trades: defaultdict[str, deque[Traded]] = defaultdict(lambda: deque(maxlen=MOST_TRADES_KEPT))
        self._candles: defaultdict[tuple[str, int], deque[Candle]] = defaultdict(
            lambda: deque(maxlen=MOST_CANDLES_KEPT)
        )
        self._recorders: dict[type, Callable[..., Any]] = {
            Filled: self._record_fill,
            FundingPaid: self._record_payment,
            FundingSettled: self._record_rate,
            Traded: self._record_trade,
            Deposited: self._record_deposit,
            Settled: self._record_posting,
            Liquidated: self._record_liquidation,
        }

    def has_used(self, account: str, client_id: str) -> bool:
        pair = account, client_id
        return pair in self._by_client_id or pair in self._forgotten

    def use(self, account: str, client_id: str) -> None:
        """Does nothing: the order that is recorded right after says it."""

    def begin(self, first_start: FirstStart) -> None:
        self.first_start = first_start

    def keep_state_of(self, engine: ChangingState) -> None:
        """Does nothing: what the engine knows lasts as long as this does."""

    def add_key(self, key: ApiKey) -> None:
        self.keyring.add(key)

    def set_account(self, account: str, settings: AccountSettings) -> None:
        self.keyring.set(account, settings)

    def revoke_key(self, key: str) -> None:
        self.keyring.revoke(key)

    async def close(self) -> None:
        """Does nothing: nothing is kept."""

    def record(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, OrderChanged):
                self._record_order(event.order, event.cancelled)
            elif recorder := self._recorders.get(type(event)):
                recorder(event)

    def order(self, account: str, order_id: int) -> Order | None:
        order = self._orders.get(order_id)
        return order if order is not None and order.account == account else None

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        return self._orders.get(self._by_client_id.get((account, client_id), 0))

    def was_cancelled_by_client(self, order_id: int) -> bool:
        return order_id in self._cancelled_by_client

    async def orders(
        self, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Order]:
        ids = self._order_ids[account].within(period, oldest_first)
        return _page((order for order in map(self._orders.__getitem__, ids) if accepted.accepts(order)), limit)

    async def fills(
        self, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Filled]:
        fills = self._fills[account].within(period, oldest_first)
        return _page((fill for fill in fills if accepted.accepts(fill)), limit)

    async def funding_payments(self, account: str, market: str | None, period: Period, limit: int) -> list[FundingPaid]:
        return _whole_moments(self._payments[account].within(period), market, limit)

    async def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        return _whole_moments(self._rates.within(period), market, limit)

    async def ledger(self, account: str, period: Period, limit: int) -> list[Entry]:
        return newest([map(entry_of, events) for entry_of, events in self._moving(account, period)], limit)

    async def deposits(self) -> dict[str, Deposits]:
        return dict(self._deposits)

    async def flows(self, account: str, span: int, start: int, until: int) -> list[Flow]:
        sources = [(entry_of, list(events)) for entry_of, events in self._moving(account, Period(start, until))]
        found: list[Flow] = []
        for entry_of, events in sources:
            for event in events:
                found.append(flow_of(entry_of(event), event.time - event.time % span))
                if len(found) % FLOWS_IN_A_TURN == 0:
                    await asyncio.sleep(0)
        return found

    def _moving(self, account: str, period: Period) -> Sequence[tuple[Callable[[Any], Entry], Iterator[Any]]]:
        """What moved the account's cash, and how it becomes an entry; those last that of one moment came first."""
        return (
            (payment_entry, self._payments[account].within(period)),
            (fill_entry, self._fills[account].within(period)),
            (posting_entry, self._postings[account].within(period)),
        )

    async def trades(self, market: str, period: Period, limit: int, least_id: int = 0) -> list[Traded]:
        chosen: list[Any] = []
        for trade in reversed(self._trades[market]):
            is_before = trade.id < least_id or (period.start is not None and trade.time < period.start)
            if len(chosen) == limit or is_before:
                break
            if period.end is None or trade.time <= period.end:
                chosen.append(trade)
        return chosen

    async def candles(self, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
        candles = self._candles[market, resolution]
        if not candles:
            return []
        return without_gaps(candles, starts_within(candles[0].start, resolution, period, now, limit))

    def _record_order(self, order: Order, cancelled: bool) -> None:
        if order.id not in self._orders:
            self._order_ids[order.account].append(order.id)
            if order.client_id is not None:
                self._by_client_id[order.account, order.client_id] = order.id
        self._orders[order.id] = order
        if order.status == "closed":
            if cancelled:
                self._cancelled_by_client.add(order.id)
            self._closed.append(order.id)
            if len(self._closed) > MOST_RECORDS_KEPT:
                self._forget_order(self._closed.popleft())

    def _forget_order(self, order_id: int) -> None:
        order = self._orders[order_id]
        self._order_ids[order.account].forget(order_id)
        del self._orders[order_id]
        self._cancelled_by_client.discard(order_id)
        if order.client_id is not None:
            pair = order.account, order.client_id
            del self._by_client_id[pair]
            self._forgotten.add(pair)

    def _record_fill(self, fill: Filled) -> None:
        if not is_house(fill.account):
            self._fills.append(fill.account, fill)

    def _record_payment(self, payment: FundingPaid) -> None:
        if not is_house(payment.account):
            self._payments.append(payment.account, payment)

    def _record_deposit(self, deposited: Deposited) -> None:
        one, before = Deposits(deposited.amount, deposited.time), self._deposits.get(deposited.account)
        self._deposits[deposited.account] = before.and_then(one) if before else one
        self._record_posting(deposited)

    def _record_liquidation(self, liquidated: Liquidated) -> None:
        if liquidated.absorbed:
            self._record_posting(liquidated)

    def _record_posting(self, posting: Posting) -> None:
        if not is_house(posting.account):
            self._postings.append(posting.account, posting)

    def _record_rate(self, settled: FundingSettled) -> None:
        self._rates.append(settled)
        if len(self._rates) > MOST_RECORDS_KEPT:
            self._rates.forget_first()

    def _record_trade(self, trade: Traded) -> None:
        self._trades[trade.market].append(trade)
        for resolution in CANDLE_RESOLUTIONS:
            candles = self._candles[trade.market, resolution]
            start = candle_start(trade.time, resolution)
            if candles and candles[-1].start == start:
                candles[-1] = grown(candles[-1], trade)
            else:
                candles.append(begun(start, trade))


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
