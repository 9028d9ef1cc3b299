"""Carries out `acme-exchange account`, `backup` and `ledger`, also while the venue runs."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from acme_exchange.api.rate_limits import ORDERS, REQUESTS
from acme_exchange.cli.place import add_place_options, data_location
from acme_exchange.engine.model.money import EXACT
from acme_exchange.input.numbers import number
from acme_exchange.owner.limits import A_SECOND, MOST_A_SECOND, RATE_LIMIT


def add_commands(commands: Any) -> None:
    """Adds `account`, `backup` and `ledger` to the command line."""
    summary = "open accounts, deposit money, and manage keys, limits and access"
    account = commands.add_parser(
        "account",
        help=summary,
        description=f"{_sentence(summary)} Each of these works while the exchange runs, and while it does not.",
    )
    actions = account.add_subparsers(required=True, metavar="action")
    _add_account(actions)
    _add_access(actions)
    _add_keys(actions)
    backup = _action(
        commands, "backup", "copy the database into a file, as it is at one moment, also while it runs", _backup
    )
    backup.add_argument("file", type=Path, metavar="FILE", help="the copy, an SQLite database; it must not exist yet")
    ledger = _action(commands, "ledger", "print an account's every deposit, fill, fee and funding payment", _ledger)
    _add_name(ledger)
    ledger.add_argument("--json", action="store_true", help="print one JSON object in place of a table")


def _add_account(actions: Any) -> None:
    create = _action(
        actions, "create", "open an account, and make its first key", _create, "The key's secret is shown once."
    )
    _add_name(create, "the name of the new account, such as alice, or alice/grid for a subaccount of alice")
    create.add_argument(
        "--deposit",
        type=_amount,
        default=Decimal(10_000),
        metavar="USD",
        help="the money that it opens with, in USD; 0 for none (default: %(default)s)",
    )
    listed = _action(actions, "list", "list the accounts, what they have, and their profit", _list)
    listed.add_argument("--json", action="store_true", help="print one JSON list in place of a table")
    deposit = _action(actions, "deposit", "add money to an account", _deposit)
    _add_name(deposit)
    deposit.add_argument("amount", type=_amount, metavar="USD", help="how much, in USD, such as 2500")


def _add_access(actions: Any) -> None:
    for name, summary, run in (
        ("disable", "refuse an account's keys until it is enabled, and cancel its orders", _disable),
        ("enable", "accept the keys of a disabled account again", _enable),
    ):
        _add_name(_action(actions, name, summary, run))
    limits = _action(
        actions,
        "limits",
        "set how many requests and orders a second an account may send, or print it",
        _limit,
        "Without --requests and --orders it prints what holds. `default` for N gives back what any other account has.",
    )
    _add_name(limits)
    for option, what, limit in (
        ("--requests", "requests with each of the account's keys", REQUESTS.limit),
        ("--orders", "orders, placed and modified, with all of its keys together", ORDERS.limit),
    ):
        limits.add_argument(
            option,
            type=_rate,
            metavar="N",
            help=f"allow N {what}, each second, from 1 to {MOST_A_SECOND}; an account for which nothing was said has "
            f"{limit} (default: leave it as it is)",
        )


def _add_keys(actions: Any) -> None:
    keys = _action(actions, "keys", "list an account's keys, or make or revoke one", _keys, "A list shows no secrets.")
    _add_name(keys)
    change = keys.add_mutually_exclusive_group()
    change.add_argument("--create", action="store_true", help="make a further key, and show its secret once")
    change.add_argument("--revoke", metavar="KEY", help="accept the key KEY no more")
    keys.add_argument(
        "--read-only", action="store_true", help="with --create: make one that may not place, cancel or change anything"
    )


def _add_name(parser: argparse.ArgumentParser, what: str = "the account's name, such as main or alice/grid") -> None:
    parser.add_argument("account", metavar="ACCOUNT", help=what)


def _action(actions: Any, name: str, summary: str, run: Callable[..., Any], more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=f"{_sentence(summary)} {more}".rstrip()
    )
    add_place_options(parser)
    parser.set_defaults(run=run)
    return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


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
