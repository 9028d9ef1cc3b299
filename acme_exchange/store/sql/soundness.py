"""Checks at each start, before anything else is done, whether a venue can go on from what its database holds.

Of a ledger that adds up, and of rows that are what their columns say and belong together, an engine can be made. What
is only history is not read for it: a page of it that is spoilt is found when somebody asks for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, String, Table, Text, select

from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from acme_exchange.engine.model.money import EXACT
from acme_exchange.store.sql import tables
from acme_exchange.store.sql.file import REMEDY, StoreUnusable

STATE = ("accounts", "markets", "statistics", "holdings", "orders")
SMALL = (
    tables.venue,
    tables.accounts,
    tables.keys,
    tables.markets,
    tables.statistics,
    tables.holdings,
    tables.postings,
)
CHOICES = {
    ("accounts", "mode"): {"oneway", "hedge"},
    ("holdings", "side"): {"net", "long", "short"},
    ("orders", "side"): {"buy", "sell"},
    ("orders", "kind"): {"limit", "market"},
}
ZERO = Decimal(0)


def check_pages(connection: Connection, name: str) -> None:
    """SQLite's own check, of the tables that are small: over all of history it would take minutes.

    :param name: the database's, for what is raised.
    :raises StoreUnusable: a page is spoilt.
    """
    if connection.dialect.name != "sqlite":
        return
    for table in SMALL:
        found = connection.exec_driver_sql(f"PRAGMA quick_check('{table.name}')").scalar()
        if found != "ok":
            _spoilt(name, f"{table.name}: {str(found).splitlines()[-1]}")


def check_state(connection: Connection, state: Mapping[str, Any] | None, name: str) -> None:
    """
    :param state: as `reader.engine_state` gives it.
    :raises StoreUnusable: a value is none of its column's, a row is missing, or the ledger does not add up.
    """
    if state is None:
        for table in (tables.orders, tables.postings, tables.keys, tables.holdings):
            if connection.execute(select(table).limit(1)).first() is not None:
                _spoilt(name, f"the rows of {tables.accounts.name} are missing")
        return
    for part in STATE:
        _check_values(tables.metadata.tables[part], state[part], name)
    accounts, markets = ({row["name"] for row in state[part]} for part in ("accounts", "markets"))
    for part in ("holdings", "orders"):
        for row in state[part]:
            for column, known in (("account", accounts), ("market", markets)):
                if row[column] not in known:
                    _spoilt(name, f"{part} has a row of {column} {row[column]!r}, which is missing")
    numbers = {row["number"] for row in state["accounts"]}
    # The house's are only there once they have had money.
    if missing := set(range(len(HOUSE_ACCOUNTS), max(numbers))) - numbers:
        _spoilt(name, f"the account of number {min(missing)} is missing")
    _check_ledger(connection, state, name)


def _check_values(table: Table, rows: Iterable[Mapping[str, Any]], name: str) -> None:
    for row in rows:
        for column in table.c:
            value = row[column.name]
            fits = (value is None and column.nullable) or _fits(column.type, value)
            if not fits or value not in CHOICES.get((table.name, column.name), {value}):
                key = ", ".join(str(row[key.name]) for key in table.primary_key)
                _spoilt(name, f"{table.name}.{column.name} of {key} is {value!r}")


def _fits(kind: Any, value: object) -> bool:
    if isinstance(kind, Boolean):
        return isinstance(value, bool)
    if isinstance(kind, Integer | BigInteger):
        return type(value) is int
    if isinstance(kind, Text):
        return isinstance(value, str) and _is_number(value)
    return isinstance(kind, String) and isinstance(value, str)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


def _check_ledger(connection: Connection, state: Mapping[str, Any], name: str) -> None:
    """Longs are as large as shorts in each market, and what accounts have is what they brought.

    As positions are none in sum, so is what they would bring at any price: what is left is cash less what they cost.
    """
    nets: defaultdict[str, Decimal] = defaultdict(Decimal)
    total = ZERO
    for row in state["accounts"]:
        total = EXACT.add(total, Decimal(row["cash"]))
    for row in state["holdings"]:
        nets[row["market"]] = EXACT.add(nets[row["market"]], Decimal(row["size"]))
        total = EXACT.subtract(total, Decimal(row["cost"]))
    if lopsided := [market for market, net in nets.items() if net]:
        _spoilt(name, f"positions in {lopsided[0]} are {nets[lopsided[0]]} in sum, not 0")
    deposits = ZERO
    postings = tables.postings.c
    for amount in connection.scalars(select(postings.amount).where(postings.kind == "deposit")):
        deposits = EXACT.add(deposits, Decimal(amount))
    if total != deposits:
        _spoilt(name, f"accounts have {total} USD, but {deposits} USD were deposited")


def _spoilt(name: str, what: str) -> None:
    raise StoreUnusable(f"{name}: is spoilt: {what}; {REMEDY}")
