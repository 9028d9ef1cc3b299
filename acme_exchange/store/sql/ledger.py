"""An account's money, entry by entry, as it is kept: what came in, what each fill brought and cost, and funding."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from typing import Any

from sqlalchemy import Connection, select

from acme_exchange.engine.model.money import EXACT
from acme_exchange.store.sql import tables
from acme_exchange.store.store import HOUSE_PREFIX

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of an account's cash; all amounts are US dollars.

    :ivar time: microseconds since the epoch.
    :ivar kind: "deposit", "fill", "funding", "expiry" or "absorbed loss" (which the house bore in a liquidation).
    :ivar profit: what closing a position, or a part of it, realized.
    :ivar fee: negative for a rebate.
    :ivar funding: positive when the account received.
    :ivar amount: by how much all of that changed the balance.
    """

    time: int
    kind: str
    market: str | None
    side: str | None
    size: Decimal | None
    price: Decimal | None
    profit: Decimal
    fee: Decimal
    funding: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account in a list.

    :ivar cash: US dollars, without what open positions would bring.
    """

    name: str
    cash: Decimal


def account_lines(connection: Connection) -> list[AccountLine]:
    """All accounts but the house's, oldest first."""
    kept = select(tables.accounts).order_by(tables.accounts.c.number)
    return [
        AccountLine(row.name, Decimal(row.cash))
        for row in connection.execute(kept)
        if not row.name.startswith(HOUSE_PREFIX)
    ]


def entries(connection: Connection, account: str) -> Iterator[Entry]:
    """The account's entries, oldest first; they are read as they are taken."""
    sources = ((tables.postings, _posting), (tables.fills, _fill), (tables.payments, _payment))
    return merge(*(_read(connection, table, made, account) for table, made in sources), key=lambda entry: entry.time)


def _read(connection: Connection, table: Any, made: Any, account: str) -> Iterator[Entry]:
    query = select(table).where(table.c.account == account).order_by(table.c.time, table.c.id)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield made(row)


def _posting(row: Any) -> Entry:
    amount = Decimal(row.amount)
    size = None if row.size is None else Decimal(row.size)
    side = None if size is None else "sell" if size > 0 else "buy"
    return Entry(
        row.time,
        row.kind,
        row.market,
        side,
        size and size.copy_abs(),
        row.price and Decimal(row.price),
        amount if row.kind == "expiry" else ZERO,
        ZERO,
        ZERO,
        amount,
    )


def _fill(row: Any) -> Entry:
    profit, fee = Decimal(row.profit), Decimal(row.fee)
    return Entry(
        row.time,
        "fill",
        row.market,
        row.side,
        Decimal(row.size),
        Decimal(row.price),
        profit,
        fee,
        ZERO,
        EXACT.subtract(profit, fee),
    )


def _payment(row: Any) -> Entry:
    received = Decimal(row.payment).copy_negate()
    return Entry(row.time, "funding", row.market, None, None, None, ZERO, ZERO, received, received)
