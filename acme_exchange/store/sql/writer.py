"""What happens within one transaction: the rows of a batch, put where they belong."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Dialect, Table, Update, and_, bindparam, delete, func, insert, select, update

from acme_exchange.accounts.keys import ApiKey
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
from acme_exchange.store.candles import begun, candle_start, grown
from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.sql import rows, tables
from acme_exchange.store.sql.database import Prepared
from acme_exchange.store.store import CANDLE_RESOLUTIONS, HOUSE_PREFIX, MOST_CANDLES_KEPT, MOST_TRADES_KEPT, Candle

BUCKETS_OF_A_DAY = 288
HOUR_RESOLUTION = 3600
POSTED = (Deposited, Settled, Liquidated)


@dataclass(slots=True)
class Batch:
    """What one transaction will keep, as it comes.

    :ivar number: batches are counted from 1.
    :ivar orders: the latest of each order that changed, and whether the client cancelled it.
    :ivar new: which of them are not in the database yet.
    :ivar changes: the engine's rows, taken when the batch is complete.
    """

    number: int
    orders: dict[int, tuple[Order, bool]] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)
    client_ids: dict[tuple[str, str], int] = field(default_factory=dict)
    fills: list[Filled] = field(default_factory=list)
    payments: list[FundingPaid] = field(default_factory=list)
    rates: list[FundingSettled] = field(default_factory=list)
    trades: list[Traded] = field(default_factory=list)
    postings: list[Deposited | Settled | Liquidated] = field(default_factory=list)
    keys: list[ApiKey] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    changes: dict = field(default_factory=dict)

    def note(self, events: Sequence[Event], cancelled_by_client: bool) -> bool:
        """Takes in what a command caused; whether anything in it must be kept before anybody is told."""
        lists = {Filled: self.fills, FundingSettled: self.rates, Traded: self.trades, FundingPaid: self.payments}
        urgent = False
        for event in events:
            kind = type(event)
            if kind is OrderChanged:
                self._note_order(event.order, cancelled_by_client)
            elif kind in lists:
                lists[kind].append(event)
            elif kind in POSTED:
                self.postings.append(event)
            else:
                continue
            urgent = True
        return urgent

    def _note_order(self, order: Order, cancelled_by_client: bool) -> None:
        if order.status == "new":
            self.new.add(order.id)
            if order.client_id is not None:
                self.client_ids[order.account, order.client_id] = order.id
        self.orders[order.id] = order, cancelled_by_client and order.status == "closed"


class Writer:
    """Writes batches, one after the other, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        dialect = connection.dialect
        self._run = connection.scalar(select(tables.venue.c.run))
        self._tables = {
            table: _KeyedTable(table, connection)
            for table in (tables.accounts, tables.markets, tables.holdings, tables.statistics)
        }
        self._inserts = {table: _insertion(table, dialect) for table in INSERTED}
        self._move_on = Prepared(_MOVE_ON, dialect)
        self._change_order = Prepared(_CHANGE_ORDER, dialect)
        self._change_candle = Prepared(_CHANGE_CANDLE, dialect)
        self._candles: dict[tuple[str, int], Candle] = {
            (row.market, row.resolution): rows.candle_of(row) for row in _latest_candles(connection)
        }

    def __len__(self) -> int:
        """How many rows it knows to be there, without looking."""
        return sum(map(len, self._tables.values()))

    def write(self, batch: Batch) -> None:
        """Puts all of a batch into the transaction at hand.

        :raises StoreFailed: another venue has taken the database over.
        """
        self._write_state(batch.changes)
        self._write_orders(batch)
        self._write_events(batch)
        self._write_candles(batch.trades)
        self._insert(tables.keys, [rows.plain_key(key) for key in batch.keys])
        if batch.revoked:
            self._connection.execute(
                update(tables.keys).where(tables.keys.c.key.in_(batch.revoked)).values(revoked=True)
            )

    def _write_state(self, changes: dict) -> None:
        counters = {name: changes[name] for name in ("now", "funding_interval")} | changes["counters"]
        mine = {f"row_{name}": value for name, value in counters.items()} | {"row_run": self._run}
        if self._move_on.execute(self._connection, [mine]) != 1:
            raise StoreFailed("Another venue has taken over this one's database; this one ends.")
        added = {table: keyed.put(self._connection, changes[table.name]) for table, keyed in self._tables.items()}
        self._forget_statistics(added[tables.statistics])

    def _write_orders(self, batch: Batch) -> None:
        new, changed = [], []
        for order_id, (order, cancelled) in batch.orders.items():
            if order_id in batch.new:
                new.append(rows.order_row(order, cancelled))
            else:
                changed.append(rows.order_change(order, cancelled))
        self._insert(tables.orders, new)
        if changed:
            self._change_order.execute(self._connection, changed)

    def _write_events(self, batch: Batch) -> None:
        fills = rows.worth_keeping(batch.fills, (_is_house(fill.account) for fill in batch.fills))
        paid = [payment for payment in batch.payments if not _is_house(payment.account)]
        self._insert(tables.fills, map(rows.plain, fills))
        self._insert(tables.payments, map(rows.plain, paid))
        self._insert(tables.rates, map(rows.plain, batch.rates))
        self._insert(tables.trades, map(rows.plain, batch.trades))
        self._insert(tables.postings, filter(None, map(rows.posting_row, batch.postings)))

    def _write_candles(self, trades: Iterable[Traded]) -> None:
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
        self._insert(tables.candles, [_candle_row(key, candle) for key, candle in new.items()])
        if changed:
            rows_changed = [_changed_candle(key, candle) for key, candle in changed.items()]
            self._change_candle.execute(self._connection, rows_changed)
        for market, resolution, start in new:
            self._forget_candles(market, resolution, start)

    def _insert(self, table: Table, new: Iterable[dict]) -> None:
        if new := list(new):
            self._inserts[table].execute(self._connection, new)

    def _forget_statistics(self, added: Sequence[dict]) -> None:
        kept = tables.statistics.c
        for row in added:
            old = and_(kept.market == row["market"], kept.bucket < row["bucket"] - BUCKETS_OF_A_DAY)
            self._connection.execute(delete(tables.statistics).where(old))
        if added:
            # A day more than the engine keeps, so that a market which is late never brings a row that is not known.
            oldest = max(row["bucket"] for row in added) - 2 * BUCKETS_OF_A_DAY
            self._tables[tables.statistics].forget(lambda key: key[1] < oldest)

    def _forget_candles(self, market: str, resolution: int, start: int) -> None:
        kept = tables.candles.c
        oldest = start - MOST_CANDLES_KEPT * resolution * 1_000_000
        self._connection.execute(
            delete(tables.candles).where(kept.market == market, kept.resolution == resolution, kept.start < oldest)
        )
        if resolution == HOUR_RESOLUTION:
            self._forget_trades(market)

    def _forget_trades(self, market: str) -> None:
        kept = tables.trades.c
        newest_first = select(kept.time).where(kept.market == market).order_by(kept.time.desc(), kept.id.desc())
        oldest = self._connection.scalar(newest_first.offset(MOST_TRADES_KEPT - 1).limit(1))
        if oldest is not None:
            self._connection.execute(delete(tables.trades).where(kept.market == market, kept.time < oldest))


class _KeyedTable:
    """Puts rows by their primary key: new ones are inserted, the others updated, in any database's SQL."""

    def __init__(self, table: Table, connection: Connection) -> None:
        names = [column.name for column in table.primary_key]
        self._key: Callable[[dict], tuple] = lambda row: tuple(row[name] for name in names)
        self._known = {tuple(row) for row in connection.execute(select(*table.primary_key))}
        self._insert = _insertion(table, connection.dialect)
        changed = [column.name for column in table.c if not column.primary_key]
        self._update = Prepared(_changing(table, names, changed), connection.dialect)

    def __len__(self) -> int:
        return len(self._known)

    def forget(self, is_old: Callable[[tuple], bool]) -> None:
        """No longer knows of rows that will not change any more."""
        self._known = {key for key in self._known if not is_old(key)}

    def put(self, connection: Connection, changed: Sequence[dict]) -> list[dict]:
        """Puts the rows; returns those that are new."""
        new = [row for row in changed if self._key(row) not in self._known]
        known = [row for row in changed if self._key(row) in self._known]
        if known:
            self._update.execute(connection, [{f"row_{name}": row[name] for name in row} for row in known])
        if new:
            self._insert.execute(connection, new)
            self._known.update(map(self._key, new))
        return new


def _insertion(table: Table, dialect: Dialect) -> Prepared:
    """Puts whole rows, but for the ids that the database itself gives."""
    names = [column.name for column in table.c if column is not table.autoincrement_column]
    return Prepared(insert(table), dialect, names)


def _changing(table: Table, key: Sequence[str], changed: Sequence[str]) -> Update:
    """Changes the row of a key; every parameter is named like its column, with `row_` before."""
    return (
        update(table)
        .where(*(table.c[name] == bindparam(f"row_{name}") for name in key))
        .values({name: bindparam(f"row_{name}") for name in changed})
    )


INSERTED = (
    tables.orders,
    tables.fills,
    tables.payments,
    tables.rates,
    tables.trades,
    tables.postings,
    tables.candles,
    tables.keys,
)
_MOVE_ON = _changing(tables.venue, ["run"], ["now", "funding_interval", "order", "trade", "fill", "payment"])
_CHANGE_ORDER = _changing(tables.orders, ["id"], rows.ORDER_CHANGES)
_CHANGE_CANDLE = _changing(tables.candles, ["market", "resolution", "start"], ["high", "low", "close", "volume"])


def _is_house(account: str) -> bool:
    return account.startswith(HOUSE_PREFIX)


def _candle_row(key: tuple[str, int, int], candle: Candle) -> dict:
    return rows.plain(candle) | {"market": key[0], "resolution": key[1]}


def _changed_candle(key: tuple[str, int, int], candle: Candle) -> dict:
    row = _candle_row(key, candle)
    del row["open"]
    return {f"row_{name}": value for name, value in row.items()}


def _latest_candles(connection: Connection) -> Iterable:
    kept = tables.candles.c
    latest = select(kept.market, kept.resolution, func.max(kept.start).label("start"))
    latest = latest.group_by(kept.market, kept.resolution).subquery()
    same = and_(kept.market == latest.c.market, kept.resolution == latest.c.resolution, kept.start == latest.c.start)
    return connection.execute(select(tables.candles).join(latest, same))
