"""Reads a database: history in pages, and the state from which an engine goes on."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, select

from acme_exchange.engine.events import Filled, FundingPaid, FundingSettled, Traded
from acme_exchange.engine.snapshot import VERSION as SNAPSHOT_VERSION
from acme_exchange.engine.views import Order
from acme_exchange.store.candles import starts_within, without_gaps
from acme_exchange.store.ledger import Entry, newest
from acme_exchange.store.sql import rows, tables
from acme_exchange.store.sql.ledger import SOURCES
from acme_exchange.store.store import Candle, FillFilter, FirstStart, OrderFilter, Page, Period


def orders(
    connection: Connection, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool
) -> Page[Order]:
    columns = tables.orders.c
    query = select(tables.orders).where(columns.account == account)
    query = _matching(
        query, {columns.market: accepted.market, columns.side: accepted.side, columns.kind: accepted.kind}
    )
    return _page(connection, query, (columns.created_at, columns.id), period, limit, oldest_first, rows.order_of)


def fills(
    connection: Connection, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool
) -> Page[Filled]:
    columns = tables.fills.c
    query = select(tables.fills).where(columns.account == account)
    query = _matching(query, {columns.market: accepted.market, columns.order_id: accepted.order_id})
    if accepted.least_id is not None:
        query = query.where(columns.id >= accepted.least_id)
    return _page(connection, query, (columns.time, columns.id), period, limit, oldest_first, rows.fill_of)


def funding_payments(
    connection: Connection, account: str, market: str | None, period: Period, limit: int
) -> list[FundingPaid]:
    query = select(tables.payments).where(tables.payments.c.account == account)
    return _whole_moments(connection, tables.payments, query, market, period, limit, rows.payment_of)


def funding_rates(connection: Connection, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
    return _whole_moments(connection, tables.rates, select(tables.rates), market, period, limit, rows.rate_of)


def ledger(connection: Connection, account: str, period: Period, limit: int) -> list[Entry]:
    found = [
        _whole_moments(connection, table, select(table).where(table.c.account == account), None, period, limit, made)
        for table, made in reversed(SOURCES)
    ]
    return newest(found, limit)


def trades(connection: Connection, market: str, period: Period, limit: int, least_id: int) -> list[Traded]:
    columns = tables.trades.c
    query = select(tables.trades).where(columns.market == market)
    if least_id:
        query = query.where(columns.id >= least_id)
    return _page(connection, query, (columns.time, columns.id), period, limit, False, rows.trade_of).records


def candles(connection: Connection, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
    columns = tables.candles.c
    ours = select(tables.candles).where(columns.market == market, columns.resolution == resolution)
    first = connection.scalar(ours.with_only_columns(func.min(columns.start)))
    if first is None:
        return []
    starts = starts_within(first, resolution, period, now, limit)
    if not starts:
        return []
    before = select(func.max(columns.start)).where(
        columns.market == market, columns.resolution == resolution, columns.start <= starts.start
    )
    needed = ours.where(columns.start >= before.scalar_subquery(), columns.start < starts.stop).order_by(columns.start)
    return without_gaps([rows.candle_of(row) for row in connection.execute(needed)], starts)


def first_start(connection: Connection) -> FirstStart | None:
    row = connection.execute(select(tables.venue)).one()
    return None if row.began is None else FirstStart(row.began, row.first_seed)


def engine_state(connection: Connection) -> dict[str, Any] | None:
    """The snapshot that an engine goes on from; None when nothing was kept yet.

    The quotes of the house are not in it: whoever simulates the market makes them anew.
    """
    row = connection.execute(select(tables.venue)).one()
    accounts = _plain(connection, select(tables.accounts).order_by(tables.accounts.c.number))
    if not accounts:
        return None
    holdings = select(tables.holdings).join(tables.accounts, tables.holdings.c.account == tables.accounts.c.name)
    statistics = select(tables.statistics).order_by(tables.statistics.c.market, tables.statistics.c.bucket)
    return {
        "version": SNAPSHOT_VERSION,
        "now": row.now,
        "funding_interval": row.funding_interval,
        "counters": {name: getattr(row, name) for name in tables.COUNTERS},
        "client_ids": None,
        "markets": _plain(connection, select(tables.markets)),
        "statistics": _plain(connection, statistics),
        "accounts": accounts,
        "holdings": _plain(connection, holdings.order_by(tables.accounts.c.number, tables.holdings.c.market)),
        "orders": [_resting(connection, row) for row in _plain(connection, _open_orders())],
    }


def _open_orders() -> Select[Any]:
    """In their queue order: an order takes its place in the queue, for good, with the command that gives it its id."""
    return select(tables.orders).where(tables.IS_OPEN).order_by(tables.orders.c.id)


def _resting(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    mine = select(tables.fills.c.price, tables.fills.c.size).where(tables.fills.c.order_id == row["id"])
    notional = sum((Decimal(fill.price) * Decimal(fill.size) for fill in connection.execute(mine)), Decimal(0))
    return row | {"filled_notional": str(notional)}


def _plain(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _matching(query: Select[Any], wanted: dict[Column[Any], Any]) -> Select[Any]:
    return query.where(*(column == value for column, value in wanted.items() if value is not None))


def _page[Record](
    connection: Connection,
    query: Select[Any],
    order: Sequence[Column[Any]],
    period: Period,
    limit: int,
    oldest_first: bool,
    made: Callable[[Any], Record],
) -> Page[Record]:
    query = _within(query, order[0], period)
    query = query.order_by(*(column if oldest_first else column.desc() for column in order)).limit(limit + 1)
    found = [made(row) for row in connection.execute(query)]
    return Page(found[:limit], more=len(found) > limit)


def _within(query: Select[Any], time: Column[Any], period: Period) -> Select[Any]:
    if period.start is not None:
        query = query.where(time >= period.start)
    return query if period.end is None else query.where(time <= period.end)


def _whole_moments[Record](
    connection: Connection,
    table: Table,
    query: Select[Any],
    market: str | None,
    period: Period,
    limit: int,
    made: Callable[[Any], Record],
) -> list[Record]:
    columns = table.c
    query = _within(_matching(query, {columns.market: market}), columns.time, period)
    last = connection.execute(
        query.with_only_columns(columns.time).order_by(columns.time.desc()).offset(limit - 1).limit(1)
    ).scalar()
    if last is not None:
        query = query.where(columns.time >= last)
    return [made(row) for row in connection.execute(query.order_by(columns.time.desc(), columns.id.desc()))]
