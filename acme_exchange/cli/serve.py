"""The command line, `acme-exchange`."""

import argparse
import asyncio
import errno
import gc
import ipaddress
import logging
import re
import secrets
import signal
import socket
import ssl
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from acme_exchange.accounts.file import AccountEntry, AccountsError, first_account, load_accounts
from acme_exchange.api.access_log import write_access_log
from acme_exchange.api.faults import NAMES
from acme_exchange.api.server import Server
from acme_exchange.cli import faults, owner, page
from acme_exchange.cli.faults import NoFaults
from acme_exchange.cli.owner import DEFAULT_DATA
from acme_exchange.cli.tls import TlsUnusable, certificates, server_context
from acme_exchange.clock import Clock, SystemClock
from acme_exchange.market import MarketFileError, MarketPlan, plan_markets
from acme_exchange.market.plan import FASTEST
from acme_exchange.owner.access import FILE_NAME, AdminAccess, new_token, remove_access, write_access
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.owner.operations import Administration, AdministrationError
from acme_exchange.store import Database, DatabaseStore, Durability, MemoryStore, Store, StoreUnusable
from acme_exchange.store.progress import StoreFailed
from acme_exchange.venue import planned_venue

SEED_BITS = 32
SWITCH_SECONDS = 0.0005
"""How long a thread may keep another one from running. With Python's 5 ms, the thread that writes to the database and
the one that answers clients, which both wait for one another after every statement, make each order take that long."""


class CannotLog(Exception):
    """The access log cannot be kept where it was to be; the text says why."""


class CannotListen(Exception):
    """The server cannot be reached where it was to be; the text says why, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    :returns: the exit status: 0 after a graceful end, 1 when the venue cannot run, 2 for arguments that do not fit.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        options.run(options)
    except (
        AccountsError,
        AdministrationError,
        CannotListen,
        CannotLog,
        MarketFileError,
        NoFaults,
        StoreFailed,
        StoreUnusable,
        TlsUnusable,
    ) as error:
        _notice(str(error))
        return 1
    return 0


def _run_serve(options: argparse.Namespace) -> None:
    clock = SystemClock()
    tls = _tls(options.tls_cert, options.tls_key)
    seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
    plan = plan_markets(clock.now(), seed, not options.no_liquidity, options.speed, options.markets, options.replay)
    accounts = _accounts(options.accounts, options.data)
    if options.access_log is not None:
        _start_access_log(options.access_log)
    asyncio.run(_serve(options, clock, plan, accounts, tls))


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise TlsUnusable(f"{given} needs {missing} beside it; write both, or neither.")
    context = server_context(certificate, key)
    _warn_of_readers(key, "the key")
    return context


def _warn_of_readers(file: Path, what: str) -> None:
    if stat.S_IMODE(file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH):
        _notice(f"Warning: other users of this machine can read {what} in {file}; chmod 600 ends that.")


def _start_access_log(path: Path) -> None:
    try:
        write_access_log(path)
    except OSError as error:
        raise CannotLog(f"{path}: cannot be written ({error.strerror}); name another file with --access-log.") from None


def _run_faults(options: argparse.Namespace) -> None:
    faults.print_faults(options.data or DEFAULT_DATA)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="acme-exchange", description="A perpetual-futures exchange of your own.")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser(
        "serve",
        help="run the exchange until Ctrl-C",
        description="Runs the exchange until Ctrl-C. Prints its URL on standard output once it listens.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=8600, help="0 takes a free one (default: %(default)s)")
    serve.add_argument("--seed", type=int, help="decides the prices' path (default: a new one, printed)")
    serve.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help='a JSON list of {"name", "key", "secret", "deposit", "readOnly"} (default: one account with 10,000 USD)',
    )
    serve.add_argument(
        "--funding-interval",
        type=_interval,
        default=3600,
        metavar="SECONDS",
        help="between funding payments (default: %(default)s)",
    )
    serve.add_argument(
        "--header-prefix",
        type=_header_prefix,
        action="append",
        default=[],
        metavar="PREFIX",
        help="accept authentication headers with this prefix besides ACME, such as FTX; may be given several times",
    )
    owner.add_place_options(serve)
    serve.add_argument(
        "--memory",
        action="store_true",
        help="keep nothing beyond the end of the process but the key file; with --accounts, which has no such file, so it "
        "is unless --data or --database is given",
    )
    serve.add_argument(
        "--durability",
        type=Durability,
        choices=list(Durability),
        default=Durability.POWER_CUT,
        help="what an acknowledged order survives: a power cut, or, faster on a slow disk, a crash of the exchange alone "
        "(default: %(default)s)",
    )
    serve.add_argument(
        "--accept-lost-log",
        action="store_true",
        help="start although the database's log, VENUE-wal, is missing, when you know that nothing was in it",
    )
    serve.add_argument("--no-liquidity", action="store_true", help="nobody but the accounts places orders")
    _add_market_options(serve)
    _add_tls_options(serve)
    serve.add_argument(
        "--access-log", type=Path, metavar="FILE", help="append a JSON object for each request, without any secret"
    )
    serve.add_argument(
        "--fault",
        type=faults.fault,
        action="append",
        default=[],
        metavar="NAME=RATE[:SECONDS]",
        help=f"for testing clients, may be given several times: {', '.join(NAMES)}",
    )
    serve.add_argument(
        "--page-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which browsers reach the page, besides addresses and localhost; may be given several times",
    )
    serve.set_defaults(run=_run_serve)
    list_faults = commands.add_parser("faults", help="list the faults of a running exchange, and how often they struck")
    list_faults.add_argument(
        "--data", type=Path, metavar="DIR", help=f"where the running exchange keeps its data (default: {DEFAULT_DATA})"
    )
    list_faults.set_defaults(run=_run_faults)
    owner.add_commands(commands)
    page.add_command(commands)
    return parser


def _add_market_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--markets", type=Path, metavar="FILE", help="a JSON list of markets in place of the default ones"
    )
    serve.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="a CSV file of time and price, or time, open, high, low and close, that the index of BTC-PERP, or of the "
        "markets in its column market, follows in place of a simulation",
    )
    serve.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="TIMES",
        help="how many times as fast prices move, simulated and recorded ones; nothing else does (default: %(default)s)",
    )


def _add_tls_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="serve https and wss with this certificate, and those that lead to it",
    )
    serve.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of that certificate, without a passphrase")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"write a port from 0 to 65535, not {text!r}")
    return int(text)


def _interval(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
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


def _accounts(file: Path | None, data: Path | None) -> list[AccountEntry]:
    if file is None:
        path, accounts = first_account(data)
        _notice(f'The key and secret of your account "{accounts[0].name}" are in {path}')
        return accounts
    accounts = load_accounts(file)
    _warn_of_readers(file, "the secrets")
    return accounts


async def _serve(
    options: argparse.Namespace,
    clock: Clock,
    plan: MarketPlan,
    accounts: Sequence[AccountEntry],
    tls: ssl.SSLContext | None,
) -> None:
    _notice(f"The prices follow seed {plan.seed}; --seed {plan.seed} repeats them.")
    if not _is_loopback(options.host):
        _notice(
            f"Warning: {options.host} can be reached from other machines. Whoever has a key can trade from there"
            + ("." if tls else ", and what they send and receive is not encrypted on its way.")
        )
    store = _store(options)
    try:
        await _serve_from(store, options, clock, plan, accounts, tls)
    finally:
        await store.close()


def _store(options: argparse.Namespace) -> Store:
    """An accounts file describes a whole venue, as tests and demonstrations need it: without a word of where to keep it,
    several of them can run at once, and each begins anew."""
    is_described = options.accounts is not None and options.data is None and options.database is None
    if options.memory or is_described:
        return MemoryStore()
    database = Database(
        owner.premises(options).database, durability=options.durability, accept_lost_log=options.accept_lost_log
    )
    return DatabaseStore(database)


def _access_file(options: argparse.Namespace, store: Store) -> Path | None:
    """Where the owner's commands find the venue; one that keeps nothing can be found where `--data` says alone."""
    if options.data is None and isinstance(store, MemoryStore):
        return None
    return (options.data or DEFAULT_DATA) / FILE_NAME


async def _serve_from(
    store: Store,
    options: argparse.Namespace,
    clock: Clock,
    plan: MarketPlan,
    accounts: Sequence[AccountEntry],
    tls: ssl.SSLContext | None,
) -> None:
    venue = planned_venue(clock, plan, accounts, options.funding_interval, store)
    token, access = new_token(), _access_file(options, store)
    admin = AdminInterface(token, venue.progress)
    Administration(venue).add_to(admin)
    server = Server(venue, options.header_prefix, admin if access else None, plan.seed, options.page_host)
    for fault in options.fault:
        server.faults.set(fault)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        url = await _listen(server, options.host, options.port, tls)
        # What the start has made stays for good: to look through it for garbage would hold up clients for 60 ms.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        if access is not None:
            write_access(access, AdminAccess(url, token, options.tls_cert and certificates(options.tls_cert)))
        if invitation := page.invitation(server, url, accounts[0].name):
            _notice(invitation)
        print(f"Acme is listening on {url}", flush=True)
        await _either(ended, venue.progress.failed)
    finally:
        if access is not None:
            remove_access(access)
        await server.stop()


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _listen(server: Server, host: str, port: int, tls: ssl.SSLContext | None) -> str:
    try:
        return await server.start(host, port, tls=tls)
    except OSError as error:
        raise CannotListen(_why_not_listening(error, host, port)) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why_not_listening(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use; end what uses it, or take another with --port (0 takes a free one)."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is no address of this machine; write one that is, such as 127.0.0.1, after --host."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for the system; take one above 1023 with --port."
    return f"Cannot listen on port {port} of {host}: {error.strerror}."


def _notice(text: str) -> None:
    """Everything but the URL goes to standard error, so that a program can read the URL as the one line there is."""
    print(text, file=sys.stderr, flush=True)
