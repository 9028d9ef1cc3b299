"""Reads `--data` and `--database`: where the exchange keeps its data."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from acme_exchange.owner.access import AdminAccess, find_access, read_access
from acme_exchange.owner.remote import NotRunning

if TYPE_CHECKING:
    # A venue that keeps nothing starts in half the time without what reads a database.
    from acme_exchange.owner.data_location import DataLocation

DEFAULT_DATA = platformdirs.user_data_path("acme-exchange", appauthor=False)


def add_place_options(
    parser: argparse.ArgumentParser, title: str = "which exchange, told by where it keeps its data"
) -> argparse._ArgumentGroup:
    """Adds `--data` and `--database`, in a group of their own, which is returned."""
    group = parser.add_argument_group(title)
    group.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"the directory in which the exchange keeps its data (default: {str(DEFAULT_DATA).replace('%', '%%')})",
    )
    group.add_argument(
        "--database",
        metavar="URL",
        help="the database that holds the data, as an SQLAlchemy URL such as sqlite:////home/you/venue.sqlite "
        "(default: a file in that directory)",
    )
    return group


def running(options: argparse.Namespace) -> AdminAccess:
    """The way to the venue that runs where the options say.

    :raises NotRunning: none does.
    """
    directory = options.data or DEFAULT_DATA
    access = find_access(directory) if options.database is None else read_access(data_location(options).access)
    if access is None:
        where = options.database or directory
        raise NotRunning(f"No venue with its data in {where} is running; start one, or name its folder with --data.")
    return access


def data_location(options: argparse.Namespace) -> "DataLocation":
    """Where the options say that the data is.

    :raises StoreUnusable: `--database` is no URL.
    """
    from acme_exchange.owner.data_location import DataLocation
    from acme_exchange.store import database_url, file_url

    directory = options.data or DEFAULT_DATA
    url = file_url(directory) if options.database is None else database_url(options.database)
    return DataLocation(url, directory)
