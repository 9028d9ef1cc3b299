"""The options of `acme-exchange serve`, and what may be written for each."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acme_exchange.api.faults import FaultName
from acme_exchange.cli.faults import fault
from acme_exchange.cli.following import add_follow_options
from acme_exchange.cli.place import add_place_options
from acme_exchange.market.plan import FASTEST
from acme_exchange.notifications.receiver import NOTIFY_VARIABLE, NoReceiver, Receiver, receiver
from acme_exchange.store import Durability


def add_serve(commands: Any, run: Callable[[argparse.Namespace], None]) -> None:
    """Adds `serve` to the command line."""
    serve = commands.add_parser(
        "serve",
        help="run the exchange until Ctrl-C",
        description="Runs the exchange until Ctrl-C. Prints its URL on standard output once it listens.",
    )
    serve.add_argument(
        "--host", type=_host, default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    serve.add_argument("--port", type=_port, default=8600, help="0 takes a free one (default: %(default)s)")
    serve.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help='open the accounts of a JSON list of {"name", "key", "secret", "deposit", "readOnly"} (default: one '
        "account with 10,000 USD)",
    )
    serve.add_argument(
        "--header-prefix",
        type=_header_prefix,
        action="append",
        default=[],
        metavar="PREFIX",
        help="accept authentication headers with this prefix besides ACME, such as FTX; may be given several times",
    )
    serve.add_argument(
        "--access-log", type=Path, metavar="FILE", help="append a JSON object for each request, without any secret"
    )
    serve.add_argument(
        "--page-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which browsers reach the page, besides addresses and localhost; may be given several times",
    )
    serve.add_argument(
        "--notify",
        type=_receiver,
        metavar="URL",
        help="tell a Discord or Slack webhook, or an ntfy topic, of fills, liquidations, and bots that fall silent "
        f"(default: what {NOTIFY_VARIABLE} says, which other users of the machine cannot see)",
    )
    _add_store_options(serve)
    _add_market_options(serve)
    add_follow_options(serve)
    _add_tls_options(serve)
    serve.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="NAME=RATE[:SECONDS]",
        help=f"for testing clients, may be given several times: {', '.join(FaultName)}",
    )
    serve.set_defaults(run=run)


def _add_store_options(serve: argparse.ArgumentParser) -> None:
    add_place_options(serve)
    serve.add_argument(
        "--memory",
        action="store_true",
        help="keep nothing after the end, except the key of the account that the first start makes; an exchange with "
        "--accounts, and without --data and --database, keeps nothing either",
    )
    serve.add_argument(
        "--durability",
        type=Durability,
        choices=list(Durability),
        default=Durability.POWER_CUT,
        help="what an acknowledged order survives: a power cut, or, faster on a slow disk, a crash of the exchange "
        "alone (default: %(default)s)",
    )
    serve.add_argument(
        "--accept-lost-log",
        action="store_true",
        help="start although the database's log, whose name ends in -wal, is missing; for when you know that nothing "
        "was in it",
    )


def _add_market_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--seed", type=int, help="what the prices follow (default: a new one, printed)")
    serve.add_argument(
        "--markets", type=Path, metavar="FILE", help="a JSON list of markets in place of the default ones"
    )
    serve.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="follow the prices of a CSV file in place of a simulation: time and price, or time, open, high, low and "
        "close, of BTC-PERP or of the markets in a column market",
    )
    serve.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="TIMES",
        help="move prices so many times as fast, simulated and recorded ones; nothing else does (default: %(default)s)",
    )
    serve.add_argument("--no-liquidity", action="store_true", help="let nobody but the accounts place orders")
    serve.add_argument(
        "--funding-interval",
        type=_interval,
        default=3600,
        metavar="SECONDS",
        help="time between funding payments (default: %(default)s)",
    )


def _add_tls_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="serve https and wss with this certificate, and those that lead to its authority",
    )
    serve.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of that certificate, without a passphrase")


def _receiver(text: str) -> Receiver:
    try:
        return receiver(text)
    except NoReceiver as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _host(text: str) -> str:
    if not text or text != text.strip():
        raise argparse.ArgumentTypeError(
            f"write an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them, not {text!r}"
        )
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"write a port from 0 to 65535, not {text!r}")
    return int(text)


def _interval(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"write a whole number of seconds above 0, not {text!r}")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"write a number above 0 and up to {FASTEST:.0f}, not {text!r}")
    return speed


def _header_prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", text):
        raise argparse.ArgumentTypeError(f"write letters, digits and hyphens, such as FTX, not {text!r}")
    return text
