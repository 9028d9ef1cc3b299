"""Carries out `acme-exchange faults`, which lists the faults that are set."""

import argparse
from typing import Any

from acme_exchange.cli.place import add_place_options, running
from acme_exchange.owner.remote import ask

WIDTH = 120
COLUMNS = ("id", "name", "rate", "seconds", "times", "method", "path", "channel", "seen", "struck")


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
