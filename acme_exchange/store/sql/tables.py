"""The tables of a venue's database. Amounts and prices are decimal text, times microseconds since the epoch.

The version counts changes of these tables. An older database is migrated by the steps in `MIGRATIONS`, in one
transaction, before anything else is done with it. Alembic would bring a directory of scripts, a configuration and a
template engine to each user's machine for what is, with one writer and a linear history, a list of statements.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, MetaData, String, Table, Text, false

from acme_exchange.engine.model.specification import DEFAULT_PRICE_BAND

VERSION = 6

COUNTERS = ("order", "trade", "fill", "payment")
"""What the engine counts, each in a column of `venue`."""

metadata = MetaData()


def _money(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable)


venue = Table(
    "venue",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run", BigInteger, nullable=False),
    Column("now", BigInteger, nullable=False),
    Column("funding_interval", Integer, nullable=False),
    Column("order", BigInteger, nullable=False),
    Column("trade", BigInteger, nullable=False),
    Column("fill", BigInteger, nullable=False),
    Column("payment", BigInteger, nullable=False),
    # What a simulated past goes by: the first start. A database from before version 2 has none.
    Column("began", BigInteger),
    Column("first_seed", Text),
    # Whether a venue works with it, or was ended while it did: then the rest is in the log (`DatabaseFile`).
    Column("is_open", Boolean, nullable=False, server_default=false()),
)

accounts = Table(
    "accounts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(64), nullable=False, unique=True),
    _money("cash"),
    Column("leverage", Integer, nullable=False),
    Column("mode", String(8), nullable=False),
    _money("maker_fee"),
    _money("taker_fee"),
)

# What the owner has set for an account, beside what the engine knows of it.
settings = Table(
    "settings",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("disabled", Boolean, nullable=False),
    # How many a second; null: as many as any account may.
    Column("requests", Integer),
    Column("orders", Integer),
)

keys = Table(
    "keys",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("read_only", Boolean, nullable=False),
    # The secret itself: a signature can only be checked with it, so that a digest would not do.
    Column("secret", Text, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

markets = Table(
    "markets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("underlying", String(64), nullable=False),
    _money("price_increment"),
    _money("size_increment"),
    _money("min_provide_size"),
    _money("max_size"),
    Column("price_band", Text, nullable=False, server_default=str(DEFAULT_PRICE_BAND)),
    # Whose prices it follows; null: its own.
    Column("source", String(64)),
    Column("enabled", Boolean, nullable=False),
    Column("expired", Boolean, nullable=False),
    Column("expiry", BigInteger),
    _money("index", nullable=True),
    _money("last", nullable=True),
    _money("mark", nullable=True),
    _money("open_interest"),
    Column("funding_start", BigInteger),
    Column("funding_since", BigInteger),
    Column("funding_next", BigInteger),
    _money("premium", nullable=True),
    _money("area", nullable=True),
)

statistics = Table(
    "statistics",
    metadata,
    Column("market", String(64), primary_key=True),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    _money("price"),
    _money("volume"),
)

holdings = Table(
    "holdings",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("market", String(64), primary_key=True),
    Column("side", String(8), primary_key=True),
    _money("size"),
    _money("cost"),
    _money("realized"),
    _money("recent"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String(64), nullable=False),
    Column("client_id", String(64)),
    Column("market", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("side", String(4), nullable=False),
    _money("size"),
    _money("price", nullable=True),
    Column("reduce_only", Boolean, nullable=False),
    Column("ioc", Boolean, nullable=False),
    Column("post_only", Boolean, nullable=False),
    Column("status", String(8), nullable=False),
    _money("filled_size"),
    _money("average_fill_price", nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("liquidation", Boolean, nullable=False),
    Column("position_side", String(8)),
    Column("cancelled_by_client", Boolean, nullable=False),
)
Index("orders_by_client_id", orders.c.account, orders.c.client_id, unique=True)
Index("orders_by_time", orders.c.account, orders.c.created_at, orders.c.id)
IS_OPEN = orders.c.status == "open"
Index("orders_open", orders.c.id, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

fills = Table(
    "fills",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("trade_id", BigInteger, nullable=False),
    Column("account", String(64), nullable=False),
    Column("market", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("side", String(4), nullable=False),
    _money("price"),
    _money("size"),
    Column("order_id", BigInteger),
    Column("client_id", String(64)),
    Column("position_side", String(8)),
    _money("fee"),
    _money("fee_rate"),
    _money("profit"),
    Column("liquidity", String(8), nullable=False),
    Column("time", BigInteger, nullable=False),
)
Index("fills_by_time", fills.c.account, fills.c.time, fills.c.id)
Index("fills_by_order", fills.c.order_id)

payments = Table(
    "payments",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String(64), nullable=False),
    Column("market", String(64), nullable=False),
    Column("position_side", String(8), nullable=False),
    _money("payment"),
    _money("rate"),
    Column("time", BigInteger, nullable=False),
)
Index("payments_by_time", payments.c.account, payments.c.time, payments.c.id)

postings = Table(
    "postings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", String(64), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("market", String(64)),
    Column("position_side", String(8)),
    _money("size", nullable=True),
    _money("price", nullable=True),
    _money("amount"),
)
Index("postings_by_time", postings.c.account, postings.c.time, postings.c.id)

rates = Table(
    "rates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("market", String(64), nullable=False),
    _money("rate"),
    Column("time", BigInteger, nullable=False),
)
Index("rates_by_time", rates.c.time)

trades = Table(
    "trades",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("market", String(64), nullable=False),
    _money("price"),
    _money("size"),
    Column("side", String(4), nullable=False),
    Column("liquidation", Boolean, nullable=False),
    Column("time", BigInteger, nullable=False),
)
Index("trades_by_time", trades.c.market, trades.c.time, trades.c.id)

candles = Table(
    "candles",
    metadata,
    Column("market", String(64), primary_key=True),
    Column("resolution", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    _money("open"),
    _money("high"),
    _money("low"),
    _money("close"),
    _money("volume"),
)


def _add_first_start(connection: Connection) -> None:
    for column, kind in (("began", "BIGINT"), ("first_seed", "TEXT")):
        connection.exec_driver_sql(f"ALTER TABLE venue ADD COLUMN {column} {kind}")


def _add_settings(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE venue ADD COLUMN is_open BOOLEAN NOT NULL DEFAULT FALSE")
    connection.exec_driver_sql(
        "CREATE TABLE settings (account VARCHAR(64) NOT NULL PRIMARY KEY, disabled BOOLEAN NOT NULL)"
    )


def _add_price_band(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"ALTER TABLE markets ADD COLUMN price_band TEXT NOT NULL DEFAULT '{DEFAULT_PRICE_BAND}'"
    )


def _add_source(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE markets ADD COLUMN source VARCHAR(64)")


def _add_rate_limits(connection: Connection) -> None:
    for column in ("requests", "orders"):
        connection.exec_driver_sql(f"ALTER TABLE settings ADD COLUMN {column} INTEGER")


MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    1: _add_first_start,
    2: _add_settings,
    3: _add_price_band,
    4: _add_source,
    5: _add_rate_limits,
}
"""What leads from a version to the next; there is nothing older than version 1."""
