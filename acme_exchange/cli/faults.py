"""Reads `--fault`, and carries out `acme-exchange faults`, which lists the faults that are set."""

import argparse
from typing import Any

from acme_exchange.api.faults import TIMED_FAULTS, FaultName, FaultRequest
from acme_exchange.cli.place import add_place_options, running
from acme_exchange.engine import Refused
from acme_exchange.owner.remote import ask

WIDTH = 120
FORM = "NAME=RATE, or NAME=RATE:SECONDS for " + " and ".join(TIMED_FAULTS)
COLUMNS = ("id", "name", "rate", "seconds", "times", "method", "path", "channel", "seen", "struck")


def fault(text: str) -> FaultRequest:
    """What `--fault` asks for.

    :raises argparse.ArgumentTypeError: saying what to write.
    """
    name, _, numbers = text.partition("=")
    rate, _, seconds = numbers.partition(":")
    if name not in list(FaultName):
        raise argparse.ArgumentTypeError(f"write {FORM}; the names are {', '.join(FaultName)}, not {name!r}")
    try:
        return FaultRequest.read({"name": name, "rate": rate, "seconds": seconds or None}).checked()
    except Refused as refused:
        reason = "a rate is above 0 and at most 1, seconds at most 3600"
        raise argparse.ArgumentTypeError(f"write {FORM}; {reason}, not {text!r} ({refused.text})") from None


def add_command(commands: Any) -> None:
    """Adds `faults` to the command line."""
    parser = commands.add_parser(
        "faults",
        help="list the faults that a running exchange was told to make, and how often each struck",
        description="List the faults that a running exchange was told to make, for testing clients: with `serve "
        "--fault` or by its owner's requests. Each line says what strikes (name), with which probability (rate), by "
        "how much (seconds), at most how often (times), and at which requests or frames (method, path, channel; empty: "
        "at any); then how often it could have struck (seen), and how often it did (struck).",
    )
    add_place_options(parser)
    parser.set_defaults(run=_print_faults)


def _print_faults(options: argparse.Namespace) -> None:
    access = running(options)
    faults = ask(access, "GET", "/faults")
    if not faults:
        print(f"No faults are set on {access.url}.")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*COLUMNS, box=None, title=f"Faults on {access.url}", title_justify="left")
    for each in faults:
        table.add_row(*("" if each[column] is None else str(each[column]) for column in COLUMNS))
    Console(width=WIDTH).print(table)
