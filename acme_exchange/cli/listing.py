"""Prints accounts, keys and ledgers out of a database, also while a venue works with it."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import URL, Connection

from acme_exchange.accounts.keys import AccountSettings, no_account
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import iso
from acme_exchange.cli.owner import plain
from acme_exchange.engine.model.money import EXACT
from acme_exchange.owner.remote import AdministrationError
from acme_exchange.store import Database
from acme_exchange.store.ledger import Entry
from acme_exchange.store.sql.database import looking_at
from acme_exchange.store.sql.keys import unrevoked
from acme_exchange.store.sql.ledger import account_lines, entries

WIDTH = 160
TOTALS = ("deposits", "profit", "fees", "funding", "absorbed")


def list_accounts(database: URL, as_json: bool) -> None:
    """Prints the accounts, what they have, and their profit.

    :raises StoreUnusable: no venue keeps its data there.
    """
    with looking_at(database) as connection:
        lines = account_lines(connection)
    if as_json:
        print(codec.encode([line.fields() for line in lines]).decode())
        return
    table = Table("account", box=None)
    for name in ("balance", "equity", "deposits", "profit"):
        table.add_column(f"{name} (USD)", justify="right")
    table.add_column("")
    for line in lines:
        numbers = (line.cash, line.equity, line.deposits, line.profit)
        table.add_row(Text(line.name), *map(plain, numbers), _limits_text(line.settings))
    Console(width=WIDTH).print(table)


def _limits_text(settings: AccountSettings) -> str:
    """What is special about an account: that it is disabled, and limits of its own."""
    limits = {"requests": settings.requests, "orders": settings.orders}
    parts = ["disabled"] if settings.disabled else []
    return ", ".join(parts + [f"{limit} {name} a second" for name, limit in limits.items() if limit is not None])


def list_keys(database: URL, account: str) -> None:
    """Prints an account's keys, without secrets.

    :raises AdministrationError: there is no such account.
    :raises StoreUnusable: no venue keeps its data there.
    """
    with looking_at(database) as connection:
        _known_balance(connection, account)
        found = unrevoked(connection)
    table = Table("key", "may", box=None)
    for key in found:
        if key.account == account:
            table.add_row(Text(key.key), "read" if key.read_only else "read and trade")
    Console(width=WIDTH).print(table)


def back_up(database: URL, file: Path) -> None:
    """Copies a database into a file, as it is at one moment.

    :raises StoreUnusable: no venue keeps its data there, or the file cannot be written.
    """
    source = Database(database, read_only=True)
    try:
        source.backup(file)
    finally:
        source.close()
    print(f"{file} is a whole copy; to restore it, put it in the database's place while no venue runs.")


def print_ledger(database: URL, account: str, as_json: bool) -> None:
    """Prints an account's every deposit, fill, fee and funding payment.

    :raises AdministrationError: there is no such account.
    :raises StoreUnusable: no venue keeps its data there.
    """
    with looking_at(database) as connection:
        balance = _known_balance(connection, account)
        found = list(entries(connection, account))
    totals = _totals(found)
    if as_json:
        rows = [_entry_fields(entry) for entry in found]
        print(codec.encode({"account": account, "entries": rows, **totals, "balance": balance}).decode())
    else:
        _print_entries(found, totals, balance)


def _print_entries(found: list[Entry], totals: Mapping[str, Decimal], balance: Decimal) -> None:
    table = Table("time (UTC)", "what", "market", "side", box=None)
    for name in ("size", "price", "profit", "fee", "amount", "balance"):
        table.add_column(name, justify="right", no_wrap=True)
    running = Decimal(0)
    for entry in found:
        running = EXACT.add(running, entry.amount)
        numbers = (entry.size, entry.price, entry.profit or None, entry.fee or None, entry.amount, running)
        table.add_row(
            iso(entry.time)[:19].replace("T", " "),
            entry.kind,
            Text(entry.market or ""),
            entry.side or "",
            *("" if number is None else plain(number) for number in numbers),
        )
    console = Console(width=WIDTH)
    console.print(table)
    summary = Table(box=None, show_header=False)
    summary.add_column()
    summary.add_column(justify="right")
    for name, total in [*totals.items(), ("balance", balance)]:
        summary.add_row(name, plain(total))
    console.print(summary)


def _totals(found: list[Entry]) -> dict[str, Decimal]:
    """What the balance is made of; `fees` were paid, so that they count the other way."""
    totals = dict.fromkeys(TOTALS, Decimal(0))
    for entry in found:
        parts = {"profit": entry.profit, "fees": entry.fee, "funding": entry.funding}
        if entry.kind == "deposit":
            parts["deposits"] = entry.amount
        elif entry.kind == "absorbed loss":
            parts["absorbed"] = entry.amount
        for name, part in parts.items():
            totals[name] = EXACT.add(totals[name], part)
    return totals


def _entry_fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__} | {"time": iso(entry.time)}


def _known_balance(connection: Connection, account: str) -> Decimal:
    for line in account_lines(connection):
        if line.name == account:
            return line.cash
    raise AdministrationError(no_account(account))
