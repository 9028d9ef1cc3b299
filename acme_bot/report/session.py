"""Reads what an account has done out of the venue's database: all of it as it was at one moment.

The database can be read while the venue runs, and after it has ended.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, select

from acme_bot.problem import Problem
from acme_exchange.engine.events import Filled, Traded
from acme_exchange.engine.views import Order
from acme_exchange.input.errors import UserError
from acme_exchange.mid_prices import read_mid_prices
from acme_exchange.store import Candle, FillFilter, OrderFilter, Period, file_url
from acme_exchange.store.ledger import Entry
from acme_exchange.store.sql import reader, tables
from acme_exchange.store.sql.database import looking_at
from acme_exchange.store.sql.keys import unrevoked
from acme_exchange.store.sql.ledger import AccountLine, account_lines, entries, unrealized
from acme_exchange.store.store import CANDLE_RESOLUTIONS

ALL = 1_000_000_000
MOST_POINTS = 400
MICROSECONDS = 1_000_000
ROLES = ("maker", "taker")
AROUND_SECONDS = 70
"""Trades are read from so long before the first fill to so long after the last."""


@dataclass(frozen=True)
class Session:
    """An account from its first entry to the moment at which it was looked at.

    :ivar now: microseconds since the epoch, as all times.
    :ivar entries: of the ledger, oldest first.
    :ivar fills: oldest first, like the orders.
    :ivar unrealized: what closing what is left at the mark would bring, by market, US dollars.
    :ivar sources: by market, whose prices it follows; markets with simulated prices are not in it.
    :ivar trades: everybody's around the fills, by market, oldest first, as far as they are kept.
    :ivar resolution: of the candles, in seconds.
    :ivar candles: by market, oldest first.
    :ivar mid_prices: of the market, by a fill's time and id and the seconds after it, where the venue has kept it.
    """

    line: AccountLine
    now: int
    entries: Sequence[Entry]
    fills: Sequence[Filled]
    orders: Sequence[Order]
    unrealized: dict[str, Decimal]
    sources: dict[str, str]
    trades: dict[str, Sequence[Traded]]
    resolution: int
    candles: dict[str, Sequence[Candle]]
    mid_prices: dict[tuple[int, int, int], float]


def read_session(data: Path, account: str) -> Session:
    """
    :param data: the folder in which the venue keeps its database.
    :raises Problem: there is none, or no such account in it, or the account has not traded.
    """
    with _looking(data) as connection:
        line = next((line for line in account_lines(connection) if line.name == account), None)
        if line is None:
            known = ", ".join(line.name for line in account_lines(connection)) or "none"
            raise Problem(f"The venue in {data} has no account {account!r}; its accounts are: {known}.")
        return _session(connection, line, read_mid_prices(data))


def account_of_key(data: Path, key: str) -> str:
    """The account that an API key is of. Raises `Problem` when the venue does not know it."""
    with _looking(data) as connection:
        account = next((one.account for one in unrevoked(connection) if one.key == key), None)
    if account is None:
        raise Problem(f"The venue in {data} does not know the workspace's key: name its folder with --data.")
    return account


@contextmanager
def _looking(data: Path) -> Iterator[Connection]:
    try:
        with looking_at(file_url(data)) as connection:
            yield connection
    except UserError as error:
        raise Problem(f"{error}; name the venue's folder with --data.") from None


def _session(connection: Connection, line: AccountLine, mid_prices: dict[tuple[int, int, int], float]) -> Session:
    now = connection.execute(select(tables.venue.c.now)).scalar_one()
    fills = reader.fills(connection, line.name, FillFilter(), Period(), ALL, True).records
    if not fills:
        raise Problem(f"The account {line.name!r} has not traded: there is nothing to report.")
    found = list(entries(connection, line.name))
    markets = sorted({fill.market for fill in fills})
    first = min(found[0].time, fills[0].time)
    resolution = next(
        (one for one in CANDLE_RESOLUTIONS if (now - first) <= one * MOST_POINTS * MICROSECONDS), CANDLE_RESOLUTIONS[-1]
    )
    around = Period(fills[0].time - AROUND_SECONDS * MICROSECONDS, fills[-1].time + AROUND_SECONDS * MICROSECONDS)
    span = Period(first - resolution * MICROSECONDS, now)
    return Session(
        line=line,
        now=now,
        entries=found,
        fills=fills,
        orders=reader.orders(connection, line.name, OrderFilter(), Period(), ALL, True).records,
        unrealized={market: worth for (name, market), worth in unrealized(connection).items() if name == line.name},
        sources=_sources(connection),
        trades={name: reader.trades(connection, name, around, ALL, 0)[::-1] for name in markets},
        resolution=resolution,
        candles={name: reader.candles(connection, name, resolution, span, now, MOST_POINTS + 2) for name in markets},
        mid_prices=mid_prices,
    )


def _sources(connection: Connection) -> dict[str, str]:
    columns = tables.markets.c
    found = connection.execute(select(columns.name, columns.source).where(columns.source.is_not(None)))
    return {row.name: row.source for row in found}
