"""Carries out `acme-exchange page`: prints an address with a one-time code, which signs a browser in."""

import argparse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from acme_exchange.cli.place import add_place_options, running
from acme_exchange.engine import Refused
from acme_exchange.owner.remote import ask

if TYPE_CHECKING:
    # An address is asked for in a moment without what answers.
    from acme_exchange.server import Server

INVITATION = 'Watch "{account}" in a browser; the address signs in once, within ten minutes: '
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Addresses that a server listens on, and none that a browser opens."""


def add_command(commands: Any) -> None:
    """Adds `page` to the command line."""
    page = commands.add_parser(
        "page",
        help="print an address that opens an account's page in a browser",
        description="Print the address of a running exchange's page, with a code in it that signs a browser in: once, "
        "and within ten minutes.",
    )
    page.add_argument(
        "account", nargs="?", metavar="ACCOUNT", help="whose page it is, such as main (default: the oldest account's)"
    )
    page.add_argument("--read-only", action="store_true", help="let the page show the account, and not trade on it")
    page.add_argument("--owner", action="store_true", help="let the page show all accounts side by side, and not trade")
    add_place_options(page)
    page.set_defaults(run=_run)


def invitation(server: "Server", url: str, account: str) -> str | None:
    """Where the page of an account is, and that it is so once; None where the account has no key.

    :param url: the server's, without a path.
    """
    try:
        grant = server.page.grant(account)
    except Refused:
        return None
    return f"{INVITATION.format(account=account)}{browsable(server.page.address(url, grant))}"


def browsable(address: str) -> str:
    """The address, of this machine where it is of every network that the machine is in."""
    parts = urlsplit(address)
    host = EVERYWHERE.get(parts.hostname or "")
    return address if host is None else urlunsplit(parts._replace(netloc=f"{host}:{parts.port}"))


def _run(options: argparse.Namespace) -> None:
    access = running(options)
    asked = {"account": options.account, "readOnly": options.read_only, "owner": options.owner}
    print(browsable(access.url + ask(access, "POST", "/page", asked)["path"]))
