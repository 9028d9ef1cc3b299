"""Carries out `acme-exchange serve`: runs the venue until a signal ends it."""

import argparse
import asyncio
import gc
import secrets
import signal
import ssl
import stat
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from acme_exchange.accounts.file import first_account, load_accounts
from acme_exchange.accounts.keys import AccountEntry
from acme_exchange.api.access_log import write_access_log
from acme_exchange.cli import page
from acme_exchange.cli.following import followed_plan, following, latency, line_source
from acme_exchange.cli.listening import listen
from acme_exchange.cli.notices import Activity, notice, say_farewell, say_what_next, warn_of_time
from acme_exchange.cli.place import DEFAULT_DATA, data_location
from acme_exchange.cli.tls import TlsUnusable, certificates, server_context
from acme_exchange.clock import Clock, SystemClock
from acme_exchange.input.addresses import is_loopback
from acme_exchange.input.errors import UserError
from acme_exchange.market import MarketPlan, plan_markets
from acme_exchange.market.follow.source import LineSource
from acme_exchange.mid_prices import MidPriceRecorder
from acme_exchange.notifications.notifier import Notifier
from acme_exchange.notifications.receiver import receiver_of_environment
from acme_exchange.owner.access import IN_MEMORY, AccessFile, AdminAccess, new_token
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.owner.operations import Administration
from acme_exchange.server import Server
from acme_exchange.store import MemoryStore, Store
from acme_exchange.venue import Venue, planned_venue

SEED_BITS = 32
SWITCH_SECONDS = 0.0005
"""How long a thread may keep another one from running. With Python's 5 ms, the thread that writes to the database and
the one that answers clients, which both wait for one another after every statement, make each order take that long."""


GARBAGE_THRESHOLDS = (10_000, 20, 20)
"""How rarely garbage is looked for: what an order leaves behind is gone without that, and it holds up clients."""


class CannotLog(UserError):
    """The access log cannot be kept where it was to be; the text says why."""


def run(options: argparse.Namespace) -> None:
    """Runs the venue until a signal ends it.

    :raises UserError: it cannot run, or not go on.
    """
    tls = _tls(options.tls_cert, options.tls_key)
    if options.access_log is not None:
        _start_access_log(options.access_log)
    asyncio.run(_serve(options, tls))


async def _serve(options: argparse.Namespace, tls: ssl.SSLContext | None) -> None:
    receiver = options.notify or receiver_of_environment()
    clock = SystemClock()
    source = line_source(options)
    plan = _plan(options, clock, source)
    store, access = _store(options)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        accounts, keys = _accounts(options.accounts, options.data)
        if plan.markets:
            notice(f"The prices follow seed {plan.seed}; --seed {plan.seed} repeats them.")
        _warn_of_strangers(options.host, tls)
        venue = planned_venue(clock, plan, accounts, options.funding_interval, store)
        venue.latency = latency(options)
        server, token = _server(venue, options, plan, access)
        if store.file is not None:
            keeper = MidPriceRecorder(venue.engine, clock, store.file.parent)
            stack.callback(keeper.close)
            venue.listen(keeper.listen)
        activity = Activity(server.connections)
        venue.listen(activity.listen)
        notifier = Notifier(receiver, venue, server.bots, notice) if receiver else None
        if notifier is not None:
            stack.push_async_callback(notifier.end)
        stack.push_async_callback(server.stop)
        url = await listen(server, options.host, options.port, tls)
        if access is not None:
            stack.callback(access.remove)
            access.write(AdminAccess(url, token, options.tls_cert and certificates(options.tls_cert)))
        warn_of_time(clock.ahead())
        if notifier is not None:
            notifier.start()
        say_what_next(url, keys, page.invitation(server, url, accounts[0].name))
        if source is not None:
            task = asyncio.create_task(following(venue, source, options).run())
            stack.callback(task.cancel)
        await _run_until_ended(url, venue, activity)
    say_farewell(activity, store.address and store.address.removeprefix("sqlite:///"))


async def _run_until_ended(url: str, venue: Venue, activity: Activity) -> None:
    """Says where it listens, and returns upon a signal, or when nothing more can be kept."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    # What the start has made stays for good: to look through it for garbage would hold up clients for 60 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    print(f"Acme is listening on {url}", flush=True)
    telling = asyncio.create_task(activity.tell())
    await _either(ended, venue.progress.failed)
    telling.cancel()


def _plan(options: argparse.Namespace, clock: Clock, source: LineSource | None) -> MarketPlan:
    seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
    plan = plan_markets(clock.now(), seed, not options.no_liquidity, options.speed, options.markets, options.replay)
    return plan if source is None else followed_plan(plan, source, options)


def _server(
    venue: Venue, options: argparse.Namespace, plan: MarketPlan, access: AccessFile | None
) -> tuple[Server, str]:
    """The server, and the token that lets its owner in."""
    server = Server(venue, options.header_prefix, plan.seed, options.page_host)
    token = new_token()
    if access is not None:
        admin = AdminInterface(token, venue.progress)
        admin.offer(server.faults)
        Administration(venue).add_to(admin)
        server.page.add_to(admin)
        server.add(admin)
    for fault in options.fault:
        server.faults.set(fault)
    return server, token


def _store(options: argparse.Namespace) -> tuple[Store, AccessFile | None]:
    """Where the venue keeps what it has, and how its owner's commands find it.

    An accounts file describes a whole venue, as tests and demonstrations need it: without a word of where to keep it,
    several of them can run at once, and each begins anew. One that keeps nothing can be found where `--data` says
    alone.
    """
    is_described = options.accounts is not None and options.data is None and options.database is None
    if options.memory or is_described:
        return MemoryStore(), AccessFile(options.data / IN_MEMORY) if options.data else None
    from acme_exchange.store import Database, DatabaseStore

    place = data_location(options)
    database = Database(place.database, durability=options.durability, accept_lost_log=options.accept_lost_log)
    return DatabaseStore(database), AccessFile(place.access)


def _accounts(file: Path | None, data: Path | None) -> tuple[Sequence[AccountEntry], Path | None]:
    """The accounts to open, and the file of the first account's key where there is no file of accounts."""
    if file is None:
        path, accounts = first_account(data or DEFAULT_DATA)
        return accounts, path
    accounts = load_accounts(file)
    _warn_of_readers(file, "the secrets")
    return accounts, None


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise TlsUnusable(f"{given} needs {missing} beside it; write both, or neither.")
    context = server_context(certificate, key)
    _warn_of_readers(key, "the key")
    return context


def _warn_of_strangers(host: str, tls: ssl.SSLContext | None) -> None:
    if not is_loopback(host):
        notice(
            f"Warning: {host} can be reached from other machines. Whoever has a key can trade from there"
            + ("." if tls else ", and what they send and receive is not encrypted on its way.")
        )


def _warn_of_readers(file: Path, what: str) -> None:
    if stat.S_IMODE(file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH):
        notice(f"Warning: other users of this machine can read {what} in {file}; chmod 600 ends that.")


def _start_access_log(path: Path) -> None:
    try:
        write_access_log(path)
    except OSError as error:
        raise CannotLog(f"{path}: cannot be written ({error.strerror}); name another file with --access-log.") from None


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
