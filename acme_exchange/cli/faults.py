"""Faults on the command line: `--fault`, and `acme-exchange faults`."""

import argparse
import json
import urllib.error
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from acme_exchange.api.faults import NAMES, TIMED_FAULTS, FaultRequest
from acme_exchange.engine import Refused
from acme_exchange.owner.access import FILE_NAME, AdminAccess, read_access

PATIENCE_SECONDS = 10
WIDTH = 120
FORM = "NAME=RATE, or NAME=RATE:SECONDS for " + " and ".join(TIMED_FAULTS)
COLUMNS = ("id", "name", "rate", "seconds", "times", "method", "path", "channel", "seen", "struck")


class NoFaults(Exception):
    """The faults cannot be had; the text says why."""


def fault(text: str) -> FaultRequest:
    """What `--fault` asks for.

    :raises argparse.ArgumentTypeError: saying what to write.
    """
    name, _, numbers = text.partition("=")
    rate, _, seconds = numbers.partition(":")
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"write {FORM}; the names are {', '.join(NAMES)}, not {name!r}")
    try:
        return FaultRequest.read({"name": name, "rate": rate, "seconds": seconds or None}).checked()
    except Refused as refused:
        reason = "a rate is above 0 and at most 1, seconds at most 3600"
        raise argparse.ArgumentTypeError(f"write {FORM}; {reason}, not {text!r} ({refused.text})") from None


def print_faults(directory: Path) -> None:
    """Lists the faults of the venue that keeps its data in `directory`.

    :raises NoFaults: no venue runs there, or it does not answer.
    """
    access = read_access(directory / FILE_NAME)
    if access is None:
        raise NoFaults(f"No venue with its data in {directory} is running; start one, or name its folder with --data.")
    faults = _faults(access)
    if not faults:
        print(f"No faults are set on {access.url}.")
        return
    table = Table(*COLUMNS, box=None, title=f"Faults on {access.url}", title_justify="left")
    for each in faults:
        table.add_row(*("" if each[column] is None else str(each[column]) for column in COLUMNS))
    Console(width=WIDTH).print(table)


def _faults(access: AdminAccess) -> list[dict[str, Any]]:
    try:
        with access.open("/faults", PATIENCE_SECONDS) as response:
            return json.load(response)["result"]
    except urllib.error.HTTPError as error:
        raise NoFaults(f"{access.url} refuses to list its faults ({error.code}); start it again.") from None
    except OSError as error:
        raise NoFaults(f"{access.url} does not answer ({error}); start it again.") from None
