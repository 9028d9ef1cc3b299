"""`acme-exchange account` and `acme-exchange ledger`: what the owner asks of a venue that keeps its data."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from acme_exchange.cli.place import add_place_options, data_location
from acme_exchange.engine.model.money import EXACT
from acme_exchange.input.numbers import number
from acme_exchange.owner.operations import A_SECOND, RATE_LIMIT


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
    print(f"{done['account']} has {plain(done['balance'])} USD now.")


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
        from acme_exchange.cli.listing import list_keys

        list_keys(data_location(options).database, options.account)


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
    from acme_exchange.cli.listing import list_accounts

    list_accounts(data_location(options).database, options.json)


def _backup(options: argparse.Namespace) -> None:
    from acme_exchange.cli.listing import back_up

    back_up(data_location(options).database, options.file)


def _ledger(options: argparse.Namespace) -> None:
    from acme_exchange.cli.listing import print_ledger

    print_ledger(data_location(options).database, options.account, options.json)


def plain(number: Decimal) -> str:
    """An amount as a person writes it, without superfluous zeros."""
    return f"{Decimal(number).normalize(EXACT):f}"
