"""The options of `acme-exchange serve`, and what may be written for each."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from acme_exchange.accounts.file import FIRST_ACCOUNT, FIRST_DEPOSIT
from acme_exchange.api.faults import TIMED_FAULTS, FaultName
from acme_exchange.cli.fault import fault
from acme_exchange.cli.following import add_follow_options
from acme_exchange.cli.place import add_place_options
from acme_exchange.market.plan import FASTEST
from acme_exchange.notifications.receiver import NOTIFY_VARIABLE, NoReceiver, Receiver, receiver
from acme_exchange.store import Durability


def add_serve(serve: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    """Adds the options of `serve` to its parser."""
    serve.description = (
        "Run the exchange until Ctrl-C. Once it listens, it prints its address on standard output. "
        "Without any option it listens on this machine alone, makes an account with a key at its first start, "
        "simulates prices, and keeps what happens for the next start."
    )
    _add_listening_options(serve)
    _add_account_options(serve)
    _add_store_options(serve)
    _add_market_options(serve)
    add_follow_options(serve)
    _add_notification_options(serve)
    _add_fault_options(serve)
    serve.set_defaults(run=run)


def _add_listening_options(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("listening and TLS")
    group.add_argument(
        "--host",
        type=_host,
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address of this machine to listen on; 0.0.0.0 lets other machines in (default: %(default)s)",
    )
    group.add_argument(
        "--port",
        type=_port,
        default=8600,
        help="the TCP port to listen on; 0 takes one that is free (default: %(default)s)",
    )
    _add_tls_options(group)
    group.add_argument(
        "--page-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name under which browsers may open the page, besides localhost and numeric addresses; may be "
        "given several times",
    )
    group.add_argument(
        "--access-log",
        type=Path,
        metavar="FILE",
        help="append a line to FILE for each request, a JSON object with its time, client and outcome, and no secret",
    )


def _add_tls_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="serve https and wss in place of http and ws. FILE is in PEM form: this machine's certificate, and behind "
        "it those that lead to the authority that clients trust. Needs --tls-key",
    )
    group.add_argument(
        "--tls-key",
        type=Path,
        metavar="FILE",
        help="the private key of that certificate, in PEM form, without a passphrase",
    )


def _add_account_options(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("accounts")
    group.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help='open the accounts in FILE: a JSON list of {"name", "key", "secret", "deposit", "readOnly"}, deposits in '
        f"USD (default: one account, {FIRST_ACCOUNT}, with {FIRST_DEPOSIT:,} USD and a key of its own, which are made "
        "at the first start)",
    )
    group.add_argument(
        "--header-prefix",
        type=_header_prefix,
        action="append",
        default=[],
        metavar="PREFIX",
        help="let clients sign in with headers that begin with PREFIX, as well as with ACME: FTX lets in those of FTX, "
        "which send FTX-KEY; may be given several times",
    )


def _add_store_options(serve: argparse.ArgumentParser) -> None:
    group = add_place_options(serve, "what is kept, and where")
    group.add_argument(
        "--memory",
        action="store_true",
        help="keep everything in memory, and lose it at the end; only the key of the account that the first start "
        "makes stays in the directory. An exchange with --accounts, and without --data and --database, keeps nothing "
        "either",
    )
    group.add_argument(
        "--durability",
        type=Durability,
        choices=list(Durability),
        default=Durability.POWER_CUT,
        help="what an order survives once it is acknowledged. power-cut: a power cut of this machine; crash: a crash "
        "of the exchange alone, which is faster where the disk is slow (default: %(default)s)",
    )
    group.add_argument(
        "--accept-lost-log",
        action="store_true",
        help="start although the file beside the database whose name ends in -wal is missing. It holds what is not yet "
        "in the database: for when you know that it was empty",
    )


def _add_market_options(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group(
        "markets and prices", "Prices are simulated, unless --replay or --follow says where they come from."
    )
    group.add_argument(
        "--markets",
        type=Path,
        metavar="FILE",
        help='offer the markets in FILE in place of the usual five: a JSON list of {"name", "priceIncrement", ...}',
    )
    _add_price_options(group)
    group.add_argument(
        "--no-liquidity",
        action="store_true",
        help="place no orders of the exchange's own: the books hold those of accounts alone, while prices move on",
    )
    group.add_argument(
        "--funding-interval",
        type=_interval,
        default=3600,
        metavar="SECONDS",
        help="how long after one funding payment the next is due; a market that follows a real exchange pays when "
        "that one does (default: %(default)s)",
    )


def _add_price_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="simulate the prices that belong to the number N; the same N gives the same prices again (default: a "
        "random number, which the start prints)",
    )
    group.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="take the prices from a CSV file whose columns are time and price, or time, open, high, low and close; "
        "they are those of BTC-PERP, or of the markets that a column market names",
    )
    group.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="TIMES",
        help="move simulated prices TIMES as fast, and play recorded ones so; clocks, timestamps and funding keep "
        f"their pace. Above 0, at most {FASTEST:.0f} (default: %(default)s)",
    )


def _add_notification_options(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("messages to you")
    group.add_argument(
        "--notify",
        type=_receiver,
        metavar="URL",
        help="send a message when an order fills, a position is liquidated, or a bot falls silent, to the Discord or "
        f"Slack webhook or the ntfy topic at URL (default: the address in the variable {NOTIFY_VARIABLE}, which other "
        "users of this machine cannot read, as they can a command line)",
    )


def _add_fault_options(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("for testing clients")
    group.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="NAME=RATE[:SECONDS]",
        help="let the fault NAME strike requests or frames with the probability RATE, above 0 and at most 1: "
        "lose-answer=0.05 leaves one request in twenty without an answer. SECONDS belong to "
        f"{' and '.join(TIMED_FAULTS)}: delay=0.1:0.5 answers one in ten half a second late. May be given several "
        f"times. NAME is one of {', '.join(FaultName)}",
    )


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
