"""`acme-exchange account` and `acme-exchange ledger`: what the owner asks of a venue that keeps its data."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from acme_exchange.accounts.keys import AccountSettings
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import iso
from acme_exchange.cli.place import add_place_options, data_location
from acme_exchange.engine.model.money import EXACT
from acme_exchange.input.numbers import number
from acme_exchange.owner.operations import A_SECOND, RATE_LIMIT, no_account
from acme_exchange.owner.remote import AdministrationError
from acme_exchange.store import Database
from acme_exchange.store.ledger import Entry
from acme_exchange.store.sql.database import looking_at
from acme_exchange.store.sql.keys import unrevoked
from acme_exchange.store.sql.ledger import account_lines, entries

WIDTH = 160
TOTALS = ("deposits", "profit", "fees", "funding", "absorbed")


def add_commands(commands: Any) -> None:
    """Adds `account` and `ledger` to the command line."""
    account = commands.add_parser("account", help="open accounts, deposit, and manage keys, also while it runs")
    actions = account.add_subparsers(required=True, metavar="action")
    create = _action(actions, "create", "open an account, with a key", _create)
    create.add_argument("account", metavar="ACCOUNT")
    create.add_argument(
        "--deposit", type=_amount, default=Decimal(10_000), metavar="USD", help="(default: %(default)s)"
    )
    listed = _action(actions, "list", "list the accounts, what they have, and their profit", _list)
    listed.add_argument("--json", action="store_true", help="as one JSON list")
    disable = _action(
        actions, "disable", "refuse an account's keys until it is enabled, and cancel its orders", _disable
    )
    disable.add_argument("account", metavar="ACCOUNT")
    enable = _action(actions, "enable", "accept the keys of a disabled account again", _enable)
    enable.add_argument("account", metavar="ACCOUNT")
    limits = _action(actions, "limits", "say how many requests and orders a second an account may send", _limit)
    limits.add_argument("account", metavar="ACCOUNT")
    limits.add_argument("--requests", type=_rate, metavar="N", help="of each of its keys; default: as for any account")
    limits.add_argument("--orders", type=_rate, metavar="N", help="placed and modified; default: as for any account")
    deposit = _action(actions, "deposit", "add money to an account", _deposit)
    deposit.add_argument("account", metavar="ACCOUNT")
    deposit.add_argument("amount", type=_amount, metavar="USD")
    keys = _action(actions, "keys", "list an account's keys, without secrets; or make or revoke one", _keys)
    keys.add_argument("account", metavar="ACCOUNT")
    change = keys.add_mutually_exclusive_group()
    change.add_argument("--create", action="store_true", help="make a further key, and show its secret once")
    change.add_argument("--revoke", metavar="KEY", help="accept a key no more")
    keys.add_argument(
        "--read-only", action="store_true", help="with --create: it may not place, cancel or change anything"
    )
    backup = _action(
        commands, "backup", "copy the database into FILE, as it is at one moment, also while it runs", _backup
    )
    backup.add_argument("file", type=Path, metavar="FILE")
    ledger = _action(commands, "ledger", "print an account's every deposit, fill, fee and funding payment", _ledger)
    ledger.add_argument("account", metavar="ACCOUNT")
    ledger.add_argument("--json", action="store_true", help="as one JSON object")


def _action(actions: Any, name: str, summary: str, run: Callable[..., Any]) -> argparse.ArgumentParser:
    description = f"{summary[0].upper()}{summary[1:]}."
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=description)
    add_place_options(parser)
    parser.set_defaults(run=run)
    return parser


def _amount(text: str) -> Decimal:
    try:
        amount = number(text)
    except ValueError:
        amount = Decimal(-1)
    if amount < 0:
        raise argparse.ArgumentTypeError(f"write an amount of USD, such as 10000, not {text!r}")
    return amount


def _rate(text: str) -> int | str:
    try:
        return RATE_LIMIT.validate_python(int(text) if text.isascii() and text.isdigit() else text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{A_SECOND}, not {text!r}") from None


def _administer(options: argparse.Namespace, operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return asyncio.run(data_location(options).administer(operation, fields))


def _create(options: argparse.Namespace) -> None:
    _show_key(_administer(options, "accounts", {"name": options.account, "deposit": options.deposit}))


def _deposit(options: argparse.Namespace) -> None:
    done = _administer(options, "deposits", {"account": options.account, "amount": options.amount})
    print(f"{done['account']} has {_plain(done['balance'])} USD now.")


def _show_key(made: Mapping[str, Any]) -> None:
    print(f"account   {made['account']}\nkey       {made['key']}\nsecret    {made['secret']}")
    print(
        "Write the secret down: it is not shown again. The venue's database keeps it, for it checks signatures "
        "with it; only you can read that file.",
        file=sys.stderr,
    )


def _keys(options: argparse.Namespace) -> None:
    if options.create:
        _show_key(_administer(options, "keys", {"account": options.account, "readOnly": options.read_only}))
    elif options.revoke:
        print(f"{_administer(options, 'revocations', {'key': options.revoke})['key']} is accepted no more.")
    else:
        _list_keys(options)


def _disable(options: argparse.Namespace) -> None:
    done = _administer(options, "disabling", {"account": options.account})
    print(f"{done['account']} is disabled: its keys are refused, and {done['cancelled']} orders were cancelled.")


def _enable(options: argparse.Namespace) -> None:
    print(f"{_administer(options, 'enabling', {'account': options.account})['account']} is enabled.")


def _limit(options: argparse.Namespace) -> None:
    asked = {"account": options.account, "requests": options.requests, "orders": options.orders}
    done = _administer(options, "limits", asked)
    print(
        f"{done['account']} may send {done['requests']} requests a second with each key, and {done['orders']} orders."
    )


def _list(options: argparse.Namespace) -> None:
    with looking_at(data_location(options).database) as connection:
        lines = account_lines(connection)
    if options.json:
        print(codec.encode([line.fields() for line in lines]).decode())
        return
    table = Table("account", box=None)
    for name in ("balance", "equity", "deposits", "profit"):
        table.add_column(f"{name} (USD)", justify="right")
    table.add_column("")
    for line in lines:
        numbers = (line.cash, line.equity, line.deposits, line.profit)
        table.add_row(Text(line.name), *map(_plain, numbers), _limits_text(line.settings))
    Console(width=WIDTH).print(table)


def _limits_text(settings: AccountSettings) -> str:
    """What is not as for any account."""
    limits = {"requests": settings.requests, "orders": settings.orders}
    parts = ["disabled"] if settings.disabled else []
    return ", ".join(parts + [f"{limit} {name} a second" for name, limit in limits.items() if limit is not None])


def _list_keys(options: argparse.Namespace) -> None:
    with looking_at(data_location(options).database) as connection:
        _known_balance(connection, options.account)
        found = unrevoked(connection)
    table = Table("key", "may", box=None)
    for key in found:
        if key.account == options.account:
            table.add_row(Text(key.key), "read" if key.read_only else "read and trade")
    Console(width=WIDTH).print(table)


def _backup(options: argparse.Namespace) -> None:
    database = Database(data_location(options).database, read_only=True)
    try:
        database.backup(options.file)
    finally:
        database.close()
    print(f"{options.file} is a whole copy; to restore it, put it in the database's place while no venue runs.")


def _ledger(options: argparse.Namespace) -> None:
    with looking_at(data_location(options).database) as connection:
        balance = _known_balance(connection, options.account)
        found = list(entries(connection, options.account))
    totals = _totals(found)
    if options.json:
        rows = [_entry_fields(entry) for entry in found]
        print(codec.encode({"account": options.account, "entries": rows, **totals, "balance": balance}).decode())
    else:
        _print_ledger(found, totals, balance)


def _print_ledger(found: list[Entry], totals: Mapping[str, Decimal], balance: Decimal) -> None:
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
            *("" if number is None else _plain(number) for number in numbers),
        )
    console = Console(width=WIDTH)
    console.print(table)
    summary = Table(box=None, show_header=False)
    summary.add_column()
    summary.add_column(justify="right")
    for name, total in [*totals.items(), ("balance", balance)]:
        summary.add_row(name, _plain(total))
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


def _plain(number: Decimal) -> str:
    return f"{Decimal(number).normalize(EXACT):f}"
