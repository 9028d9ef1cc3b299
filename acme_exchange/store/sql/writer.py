"""Writes a batch of events into the tables, within one transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, get_args

from sqlalchemy import (
    Connection,
    Dialect,
    Select,
    Table,
    Update,
    UpdateBase,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPICursor

from acme_exchange.accounts.keys import AccountSettings, ApiKey
from acme_exchange.engine.events import Event, Filled, FundingPaid, FundingSettled, OrderChanged, Traded
from acme_exchange.store.candles import begun, candle_start, grown
from acme_exchange.store.ledger import Posting
from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.sql import rows, tables
from acme_exchange.store.sql.database import Prepared
from acme_exchange.store.store import CANDLE_RESOLUTIONS, MOST_CANDLES_KEPT, MOST_TRADES_KEPT, Candle, is_house

BUCKETS_OF_A_DAY = 288
HOUR_RESOLUTION = 3600


@dataclass(slots=True)
class Batch:
    """What one transaction will keep, as it comes.

    :ivar number: batches are counted from 1.
    :ivar orders: the latest of each order that changed.
    :ivar new: which of them are not in the database yet.
    :ivar changes: the engine's rows, taken when the batch is complete.
    """

    number: int
    orders: dict[int, OrderChanged] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)
    client_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    fills: list[Filled] = field(default_factory=list)
    payments: list[FundingPaid] = field(default_factory=list)
    rates: list[FundingSettled] = field(default_factory=list)
    trades: list[Traded] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    keys: list[ApiKey] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    settings: dict[str, AccountSettings] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    _lists: dict[type[Event], list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._lists = {
            Filled: self.fills,
            FundingPaid: self.payments,
            FundingSettled: self.rates,
            Traded: self.trades,
            **dict.fromkeys(get_args(Posting), self.postings),
        }

    @property
    def events(self) -> int:
        """How many it holds, about."""
        return len(self.orders) + len(self.fills) + len(self.payments) + len(self.trades) + len(self.postings)

    def note(self, events: Sequence[Event]) -> bool:
        """Takes in what a command caused; whether anything in it must be kept before anybody is told."""
        urgent = False
        for event in events:
            if type(event) is OrderChanged:
                self._note_order(event)
            elif (same_kind := self._lists.get(type(event))) is not None:
                same_kind.append(event)
            else:
                continue
            urgent = True
        return urgent

    def _note_order(self, event: OrderChanged) -> None:
        order = event.order
        if order.status == "new":
            self.new.add(order.id)
            if order.client_id is not None:
                self.client_ids[order.account, order.client_id] = order.id
        self.orders[order.id] = event


class Writer:
    """Writes batches, one after the other, in transactions of whoever calls it."""

    def __init__(self, connection: Connection) -> None:
        """:param connection: to read what is there."""
        dialect = connection.dialect
        self._run = connection.scalar(select(tables.venue.c.run))
        self._tables = {
            table: _KeyedTable(table, connection)
            for table in (tables.accounts, tables.markets, tables.holdings, tables.statistics)
        }
        self._inserts = {table: _insertion(table, dialect, names) for table, names in INSERTED.items()}
        self._changes = {statement: Prepared(statement, dialect, names) for statement, names in CHANGES.items()}
        self._candles: dict[tuple[str, int], Candle] = {
            (row.market, row.resolution): rows.candle_of(row) for row in _latest_candles(connection)
        }

    def write(self, cursor: DBAPICursor, batch: Batch) -> None:
        """Puts all of a batch into the transaction at hand.

        :raises StoreFailed: another venue has taken the database over.
        """
        self._write_state(cursor, batch.changes)
        self._write_orders(cursor, batch)
        self._write_events(cursor, batch)
        self._write_candles(cursor, batch.trades)
        self._insert(cursor, tables.keys, list(map(rows.key_row, batch.keys)))
        if batch.revoked:
            self._change(cursor, _REVOKE, [(True, key) for key in batch.revoked])
        if batch.settings:
            self._change(cursor, _FORGET_SETTINGS, [(account,) for account in batch.settings])
            self._insert(cursor, tables.settings, [rows.settings_row(*pair) for pair in batch.settings.items()])

    def _write_state(self, cursor: DBAPICursor, changes: dict[str, Any]) -> None:
        counters = [changes["counters"][name] for name in tables.COUNTERS]
        mine = (changes["now"], changes["funding_interval"], *counters, self._run)
        if self._change(cursor, _MOVE_ON, [mine]) != 1:
            raise StoreFailed("Another venue has taken over this one's database; this one ends.")
        added = {table: keyed.put(cursor, changes[table.name]) for table, keyed in self._tables.items()}
        self._forget_statistics(cursor, added[tables.statistics])

    def _write_orders(self, cursor: DBAPICursor, batch: Batch) -> None:
        new, changed = [], []
        for order_id, event in batch.orders.items():
            if order_id in batch.new:
                new.append((*rows.ORDER(event.order), event.cancelled))
            else:
                changed.append((*rows.ORDER_STATE(event.order), event.cancelled))
        self._insert(cursor, tables.orders, new)
        if changed:
            self._change(cursor, _CHANGE_ORDER, changed)

    def _write_events(self, cursor: DBAPICursor, batch: Batch) -> None:
        fills = rows.worth_keeping(batch.fills, (is_house(fill.account) for fill in batch.fills))
        paid = [payment for payment in batch.payments if not is_house(payment.account)]
        self._insert(cursor, tables.fills, list(map(rows.FILL, fills)))
        self._insert(cursor, tables.payments, list(map(rows.PAYMENT, paid)))
        self._insert(cursor, tables.rates, list(map(rows.RATE, batch.rates)))
        self._insert(cursor, tables.trades, list(map(rows.TRADE, batch.trades)))
        postings = filter(None, map(rows.posting_row, batch.postings))
        self._insert(cursor, tables.postings, list(map(itemgetter(*INSERTED[tables.postings]), postings)))

    def _write_candles(self, cursor: DBAPICursor, trades: Iterable[Traded]) -> None:
        new: dict[tuple[str, int, int], Candle] = {}
        changed: dict[tuple[str, int, int], Candle] = {}
        for trade in trades:
            for resolution in CANDLE_RESOLUTIONS:
                candle = self._candles.get((trade.market, resolution))
                start = candle_start(trade.time, resolution)
                key = trade.market, resolution, start
                if candle is not None and candle.start == start:
                    candle = grown(candle, trade)
                    (new if key in new else changed)[key] = candle
                else:
                    candle = new[key] = begun(start, trade)
                self._candles[trade.market, resolution] = candle
        self._insert(cursor, tables.candles, [(*key, *rows.CANDLE(candle)) for key, candle in new.items()])
        if changed:
            grew = [(*key, *rows.CANDLE_CHANGES(candle)) for key, candle in changed.items()]
            self._change(cursor, _CHANGE_CANDLE, grew)
        for market, resolution, start in new:
            self._forget_candles(cursor, market, resolution, start)

    def _insert(self, cursor: DBAPICursor, table: Table, new: Sequence[tuple[Any, ...]]) -> None:
        if new:
            self._inserts[table].execute(cursor, new)

    def _change(self, cursor: DBAPICursor, statement: Any, changed: Sequence[tuple[Any, ...]]) -> int:
        return self._changes[statement].execute(cursor, changed)

    def _forget_statistics(self, cursor: DBAPICursor, added: Sequence[dict[str, Any]]) -> None:
        if added:
            old = [(row["market"], row["bucket"] - BUCKETS_OF_A_DAY) for row in added]
            self._change(cursor, _FORGET_STATISTICS, old)
            # A day more than the engine keeps, so that a market which is late never brings a row that is not known.
            oldest = max(row["bucket"] for row in added) - 2 * BUCKETS_OF_A_DAY
            self._tables[tables.statistics].forget(lambda key: key[1] < oldest)

    def _forget_candles(self, cursor: DBAPICursor, market: str, resolution: int, start: int) -> None:
        oldest = start - MOST_CANDLES_KEPT * resolution * 1_000_000
        self._change(cursor, _FORGET_CANDLES, [(market, resolution, oldest)])
        if resolution == HOUR_RESOLUTION:
            for (time,) in self._changes[_OLDEST_TRADE].find(cursor, (market,)):
                self._change(cursor, _FORGET_TRADES, [(market, time)])


class _KeyedTable:
    """Puts rows by their primary key: new ones are inserted, those that differ updated, in any database's SQL."""

    def __init__(self, table: Table, connection: Connection) -> None:
        key = [column.name for column in table.primary_key]
        names = [column.name for column in table.c]
        self._values = itemgetter(*names)
        self._key: Callable[[dict[str, Any]], Any] = itemgetter(*key)
        self.known: dict[Any, tuple[Any, ...]] = {
            self._key(row): self._values(row) for row in connection.execute(select(table)).mappings()
        }
        self._insert = _insertion(table, connection.dialect, names)
        changed = [column.name for column in table.c if not column.primary_key]
        self._update = Prepared(_changing(table, key, changed), connection.dialect, [f"row_{name}" for name in names])

    def forget(self, is_old: Callable[[tuple[Any, ...]], bool]) -> None:
        """No longer knows of rows that will not change any more."""
        self.known = {key: row for key, row in self.known.items() if not is_old(key)}

    def put(self, cursor: DBAPICursor, changed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Puts the rows; returns those that are new."""
        new, differing, known = [], [], self.known
        for row in changed:
            key, values = self._key(row), self._values(row)
            before = known.get(key)
            if before is None:
                new.append(row)
            elif before != values:
                differing.append(values)
            known[key] = values
        if differing:
            self._update.execute(cursor, differing)
        if new:
            self._insert.execute(cursor, list(map(self._values, new)))
        return new


def _insertion(table: Table, dialect: Dialect, names: Sequence[str]) -> Prepared:
    """Puts whole rows, but for the ids that the database itself gives."""
    return Prepared(insert(table), dialect, names, is_insert=True)


def _changing(table: Table, key: Sequence[str], changed: Sequence[str]) -> Update:
    """Changes the row of a key; every parameter is named like its column, with `row_` before."""
    return (
        update(table)
        .where(*(table.c[name] == bindparam(f"row_{name}") for name in key))
        .values({name: bindparam(f"row_{name}") for name in changed})
    )


def _named(*names: str) -> tuple[str, ...]:
    return tuple(f"row_{name}" for name in names)


INSERTED = {
    tables.orders: (*rows.ORDER.names, "cancelled_by_client"),
    tables.fills: rows.FILL.names,
    tables.payments: rows.PAYMENT.names,
    tables.rates: rows.RATE.names,
    tables.trades: rows.TRADE.names,
    tables.postings: ("account", "time", "kind", "market", "position_side", "size", "price", "amount"),
    tables.candles: ("market", "resolution", "start", *rows.CANDLE.names),
    tables.keys: rows.KEY_NAMES,
    tables.settings: ("account", "disabled", "requests", "orders"),
}
_CANDLE_KEY = ("market", "resolution", "start")
_ORDER_CHANGES = (*rows.ORDER_STATE.names[1:], "cancelled_by_client")
_MOVE_ON = _changing(tables.venue, ["run"], ["now", "funding_interval", *tables.COUNTERS])
_CHANGE_ORDER = _changing(tables.orders, ["id"], _ORDER_CHANGES)
_CHANGE_CANDLE = _changing(tables.candles, _CANDLE_KEY, rows.CANDLE_CHANGES.names)
_REVOKE = _changing(tables.keys, ["key"], ["revoked"])
_FORGET_SETTINGS = delete(tables.settings).where(tables.settings.c.account == bindparam("account"))
_FORGET_STATISTICS = delete(tables.statistics).where(
    tables.statistics.c.market == bindparam("market"), tables.statistics.c.bucket < bindparam("bucket")
)
_FORGET_CANDLES = delete(tables.candles).where(
    tables.candles.c.market == bindparam("market"),
    tables.candles.c.resolution == bindparam("resolution"),
    tables.candles.c.start < bindparam("start"),
)
_FORGET_TRADES = delete(tables.trades).where(
    tables.trades.c.market == bindparam("market"), tables.trades.c.time < bindparam("time")
)
_OLDEST_TRADE = (
    select(tables.trades.c.time)
    .where(tables.trades.c.market == bindparam("market"))
    .order_by(tables.trades.c.time.desc(), tables.trades.c.id.desc())
    .offset(literal_column(str(MOST_TRADES_KEPT - 1)))
    .limit(literal_column("1"))
)
CHANGES: dict[Select[Any] | UpdateBase, Sequence[str]] = {
    _MOVE_ON: _named("now", "funding_interval", *tables.COUNTERS, "run"),
    _CHANGE_ORDER: _named("id", *_ORDER_CHANGES),
    _CHANGE_CANDLE: _named(*_CANDLE_KEY, *rows.CANDLE_CHANGES.names),
    _REVOKE: _named("revoked", "key"),
    _FORGET_SETTINGS: ("account",),
    _FORGET_STATISTICS: ("market", "bucket"),
    _FORGET_CANDLES: _CANDLE_KEY,
    _FORGET_TRADES: ("market", "time"),
    _OLDEST_TRADE: ("market",),
}


def _latest_candles(connection: Connection) -> Iterable[Any]:
    columns = tables.candles.c
    starts = select(columns.market, columns.resolution, func.max(columns.start).label("start"))
    latest = starts.group_by(columns.market, columns.resolution).subquery()
    same = and_(
        columns.market == latest.c.market, columns.resolution == latest.c.resolution, columns.start == latest.c.start
    )
    return connection.execute(select(tables.candles).join(latest, same))
