"""An account's money, entry by entry, as it is kept: what came in, what each fill brought and cost, and funding."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from heapq import merge
from typing import Any

from sqlalchemy import Connection, Float, Select, Table, case, cast, func, select

from acme_exchange.accounts.keys import AS_ANY, AccountSettings
from acme_exchange.engine.model.money import EXACT
from acme_exchange.store.ledger import ZERO, Deposits, Entry, Flow, fill_entry, flow_of, payment_entry, posting_entry
from acme_exchange.store.sql import tables
from acme_exchange.store.sql.keys import settings
from acme_exchange.store.sql.rows import fill_of, payment_of, posting_of
from acme_exchange.store.store import is_house


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account in a list; amounts are US dollars.

    :ivar cash: without what open positions would bring.
    :ivar equity: with that, at the marks that were kept last.
    :ivar deposits: what was ever paid in.
    """

    name: str
    cash: Decimal
    equity: Decimal
    deposits: Decimal
    settings: AccountSettings

    @property
    def profit(self) -> Decimal:
        """What the account has made of its deposits, open positions included."""
        return EXACT.subtract(self.equity, self.deposits)

    def fields(self) -> dict[str, Any]:
        """By the names that they have in JSON; a limit that is null is as for any account."""
        return {
            "account": self.name,
            "balance": self.cash,
            "equity": self.equity,
            "deposits": self.deposits,
            "profit": self.profit,
            **asdict(self.settings),
        }


def account_lines(connection: Connection) -> list[AccountLine]:
    """All accounts but the house's, oldest first."""
    unrealized, paid, owners = _unrealized(connection), deposits(connection), settings(connection)
    lines = []
    for row in connection.execute(select(tables.accounts).order_by(tables.accounts.c.number)):
        if not is_house(row.name):
            cash = Decimal(row.cash)
            equity = EXACT.add(cash, unrealized.get(row.name, ZERO))
            amount = paid[row.name].total if row.name in paid else ZERO
            lines.append(AccountLine(row.name, cash, equity, amount, owners.get(row.name, AS_ANY)))
    return lines


def _unrealized(connection: Connection) -> dict[str, Decimal]:
    """What closing each account's positions at the marks would bring."""
    found: dict[str, Decimal] = {}
    for (account, _), worth in unrealized(connection).items():
        found[account] = EXACT.add(found.get(account, ZERO), worth)
    return found


def unrealized(connection: Connection) -> dict[tuple[str, str], Decimal]:
    """What closing an account's positions in a market at the mark would bring, by account and market."""
    held, markets = tables.holdings.c, tables.markets.c
    query = select(held.account, held.market, held.size, held.cost, markets.mark)
    found: dict[tuple[str, str], Decimal] = {}
    for row in connection.execute(query.join(tables.markets, held.market == markets.name)):
        if row.mark is not None:
            worth = EXACT.subtract(EXACT.multiply(Decimal(row.size), Decimal(row.mark)), Decimal(row.cost))
            found[row.account, row.market] = EXACT.add(found.get((row.account, row.market), ZERO), worth)
    return found


def entries(connection: Connection, account: str) -> Iterator[Entry]:
    """The account's entries, oldest first; they are read as they are taken."""
    return merge(*(_read(connection, table, made, account) for table, made in SOURCES), key=lambda entry: entry.time)


def deposits(connection: Connection) -> dict[str, Deposits]:
    """What was deposited into each account."""
    columns = tables.postings.c
    found: dict[str, Deposits] = {}
    for row in connection.execute(
        select(columns.account, columns.amount, columns.time).where(columns.kind == "deposit")
    ):
        one = Deposits(Decimal(row.amount), row.time)
        found[row.account] = found[row.account].and_then(one) if row.account in found else one
    return found


def flows(connection: Connection, account: str, span: int, start: int, until: int) -> list[Flow]:
    """What the account did in spans of time, added up by the database: nobody waits until a million fills are read.

    :param span: microseconds.
    :param start: microseconds since the epoch, included like `until`.
    """
    filled, paid, posted = tables.fills.c, tables.payments.c, tables.postings.c
    size = cast(filled.size, Float) * case((filled.side == "buy", 1.0), else_=-1.0)
    sums = (func.sum(size), func.sum(size * cast(filled.price, Float)), func.sum(cast(filled.fee, Float)))
    query = _in_spans(tables.fills, account, span, start, until, filled.market, *sums).group_by(filled.market)
    found = [Flow(*row) for row in connection.execute(query)]
    query = _in_spans(tables.payments, account, span, start, until, func.sum(cast(paid.payment, Float)))
    found += [Flow(row[0], None, cost=row[1]) for row in connection.execute(query)]
    query = select(tables.postings).where(posted.account == account, posted.time.between(start, until))
    return found + [
        flow_of(posting_entry(posting_of(row)), row.time - row.time % span) for row in connection.execute(query)
    ]


def _in_spans(table: Table, account: str, span: int, start: int, until: int, *columns: Any) -> Select[Any]:
    time = table.c.time
    begin = (time - time % span).label("start")
    return select(begin, *columns).where(table.c.account == account, time.between(start, until)).group_by(begin)


def _read(connection: Connection, table: Any, made: Any, account: str) -> Iterator[Entry]:
    query = select(table).where(table.c.account == account).order_by(table.c.time, table.c.id)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield made(row)


SOURCES: tuple[tuple[Table, Callable[[Any], Entry]], ...] = (
    (tables.postings, lambda row: posting_entry(posting_of(row))),
    (tables.fills, lambda row: fill_entry(fill_of(row))),
    (tables.payments, lambda row: payment_entry(payment_of(row))),
)
"""Where entries are kept, those first that of one moment were made first."""
