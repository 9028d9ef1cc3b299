"""`acme-bot`: workspaces, the interactive client, the demo, the chaos and the soak, from the command line."""

import argparse
import errno
import importlib.metadata
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from acme_bot.client import open_client
from acme_bot.demo.strategies import INVENTORY_MAKER, PAIR, STRATEGIES
from acme_bot.doctor import examine
from acme_bot.installation import DISTRIBUTION, MANIFEST, install, uninstall
from acme_bot.new import connect_workspace, settings_of, start_new
from acme_bot.password import ask_password
from acme_bot.positions import cancel_orders, close_positions, require_stopped, stored_client
from acme_bot.problem import Problem, quoted
from acme_bot.server import first_key, running_server
from acme_bot.soak import SHORTEST_SECONDS
from acme_bot.strategy_files import FOLDERS, add_files, require_files
from acme_bot.workspace import make_workspace, require_workspace

if TYPE_CHECKING:
    from acme_bot.venue import Recording

LINE_WIDTH = 120
CHAOS_SECONDS = 600
SOAK_SECONDS = 3600
SOAK_PACKAGES = ("matplotlib", "scipy")
"""What only the soak needs: the extra `soak` of this package."""
MAKE_WRITABLE = "Make it writable for you, or name another place."
ADVICE = {
    errno.EACCES: MAKE_WRITABLE,
    errno.EPERM: MAKE_WRITABLE,
    errno.EROFS: "That is a disk that can only be read: name another place.",
    errno.ENOSPC: "Make room on that disk, and run the same command again.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except Problem as problem:
        return _fail(str(problem))
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}. {ADVICE.get(error.errno or 0, 'Name another place.')}")


def _fail(text: str) -> int:
    print(f"acme-bot: {text}", file=sys.stderr)
    return 1


def _workspace(options: argparse.Namespace) -> int:
    given = {folder: require_files(folder, path) for folder in FOLDERS if (path := getattr(options, folder))}
    workspace = make_workspace(options.folder)
    for folder, source in given.items():
        print(f"{add_files(workspace, folder, source)} {folder} from {source}")
    if options.connect:
        _connect(workspace, options)
    print(
        f"{workspace} is a complete Hummingbot: `{quoted(workspace / 'hbot')}` is its command line, "
        f"`acme-bot client {quoted(workspace)}` opens its interactive client."
    )
    return 0


def _connect(workspace: Path, options: argparse.Namespace) -> str:
    """Returns the password."""
    server = running_server(options.data, options.server)
    key = first_key(options.data)
    password = ask_password(is_new=not any((workspace / "conf").glob(".password_verification")))
    print(f"Storing the key of the venue at {server}, encrypted ...", flush=True)
    connect_workspace(workspace, server, key, password)
    return password


def _new(options: argparse.Namespace) -> int:
    strategy = STRATEGIES[options.strategy]
    server = running_server(options.data, options.server)
    workspace = make_workspace(options.folder)
    password = _connect(workspace, options)
    print(f"Starting {strategy.name}; this takes half a minute ...", flush=True)
    start_new(workspace, strategy, password)
    hbot = quoted(options.folder / "hbot")
    print(
        f"{options.folder} trades {PAIR} on {server}, and goes on when this terminal is closed. What to look at:\n"
        f"  {hbot} status     what it does at present\n"
        f"  {hbot} history    what it has traded, and what that earned\n"
        f"  {hbot} logs       what it says\n"
        f"  {hbot} stop       ends it; `{hbot} start` starts it again\n"
        f"Its settings are in {settings_of(options.folder, strategy)}."
    )
    return 0


def _cancel(options: argparse.Namespace) -> int:
    workspace = _stopped(options.folder)
    count = cancel_orders(stored_client(workspace, ask_password(is_new=False)))
    print(f"Cancelled {count} {'order' if count == 1 else 'orders'}.")
    return 0


def _close(options: argparse.Namespace) -> int:
    workspace = _stopped(options.folder)
    client = stored_client(workspace, ask_password(is_new=False))
    cancel_orders(client)
    closed = close_positions(client)
    print("\n".join(f"Closed: {position}." for position in closed) or "There is no position to close.")
    return 0


def _stopped(folder: Path) -> Path:
    workspace = require_workspace(folder)
    require_stopped(workspace)
    return workspace


def _client(options: argparse.Namespace) -> int:
    open_client(options.folder)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from acme_bot.demo.run import run_demo

    return run_demo(
        STRATEGIES[options.strategy],
        options.seconds,
        options.seed,
        options.folder,
        _console(),
        options.prepare,
        _recording(options),
    )


def _recording(options: argparse.Namespace) -> "Recording | None":
    from acme_bot.venue import Recording

    if options.follow is None:
        return None
    if not options.follow.is_file():
        raise Problem(f"{options.follow} is no recording; `acme-bot feed ... --record FILE.gz` makes one.")
    return Recording(options.follow.resolve(), options.speed)


def _paper(options: argparse.Namespace) -> int:
    from acme_bot.paper import run_paper

    return run_paper(options.exchange, options.pairs, options.record, _serve_options(options))


def _serve_options(options: argparse.Namespace) -> list[str]:
    """What `acme-exchange serve` is told, of the options that it shares with `paper`."""
    given = {name: getattr(options, name) for name in ("port", "accounts", "data", "latency", "queue")}
    return [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]


def _chaos(options: argparse.Namespace) -> int:
    from acme_bot.chaos.run import Chaos
    from acme_bot.run import in_folder

    console = _console()
    return in_folder(
        options.folder, "acme-chaos-", console, lambda place: Chaos(place, options.seconds, options.seed, console).run()
    )


def _install(options: argparse.Namespace) -> int:
    files = install(options.root)
    print(
        f"Laid {len(files)} files into {options.root}; {MANIFEST} there lists them. Inside it, "
        "`pytest test/hummingbot/connector/derivative/acme_perpetual` tests them; that needs `pip install hypothesis`."
    )
    return 0


def _uninstall(options: argparse.Namespace) -> int:
    taken, left = uninstall(options.root)
    print(f"Took {len(taken)} files out of {options.root}.")
    for name in left:
        print(f"Left {name}, which was changed since it was put there.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    findings = list(examine(options.place))
    for finding in findings:
        print(f"✗ {finding.problem}\n  {finding.mend}")
    if not findings:
        print("✓ Nothing is wrong.")
    return 1 if findings else 0


def _soak(options: argparse.Namespace) -> int:
    if missing := [package for package in SOAK_PACKAGES if find_spec(package) is None]:
        raise Problem(f"the soak needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    from acme_bot.soak.run import run_soak

    return run_soak(options.seconds, options.seed, options.folder, _console())


def _report(options: argparse.Namespace) -> int:
    from acme_bot.report.run import run_report

    return run_report(options.what, options.data, options.out, options.text, _console())


def _feed(options: argparse.Namespace) -> int:
    from acme_bot.feed.run import run_feed

    return run_feed(options.exchange, options.pairs, options.record, not options.no_history)


def _console() -> Console:
    # A pipe or a file has no width of its own; what is shown holds tables.
    return Console(width=None if sys.stdout.isatty() else LINE_WIDTH)


def _version() -> str:
    versions = []
    for name in (DISTRIBUTION, "hummingbot"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} is not installed")
    return ", ".join(versions)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="acme-bot", description="Hummingbot on Acme.")
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    workspace = commands.add_parser("workspace", help="make a folder a complete Hummingbot, or bring it up to date")
    workspace.add_argument("folder", metavar="DIR", type=Path, help="the workspace; made, or brought up to date")
    workspace.add_argument("--scripts", metavar="DIR", type=Path, help="copy these V2 scripts into it")
    workspace.add_argument("--controllers", metavar="DIR", type=Path, help="copy these V2 controllers into it")
    workspace.add_argument("--connect", action="store_true", help="store the key of the venue on this machine in it")
    _add_venue_options(workspace)
    workspace.set_defaults(command=_workspace)
    new = commands.add_parser("new", help="make a workspace, store the venue's key, and start a bot that earns")
    new.add_argument("folder", metavar="DIR", type=Path, help="the workspace; made unless it is there")
    new.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default=INVENTORY_MAKER.name,
        help="what trades (default: %(default)s, a V2 controller)",
    )
    _add_venue_options(new)
    new.set_defaults(command=_new)
    for name, command, purpose in (
        ("cancel", _cancel, "cancel all orders of the account that a workspace trades on"),
        ("close", _close, "cancel them, and close its positions at any price"),
    ):
        parser_of_account = commands.add_parser(name, help=purpose)
        parser_of_account.add_argument("folder", metavar="DIR", type=Path, help="the workspace")
        parser_of_account.set_defaults(command=command)
    client = commands.add_parser("client", help="open Hummingbot's interactive client in a workspace")
    client.add_argument("folder", metavar="DIR", type=Path, help="the workspace")
    client.set_defaults(command=_client)
    for name, command, purpose in (
        ("install", _install, "lay the connector, its candles and their tests into a Hummingbot source tree"),
        ("uninstall", _uninstall, "take out of a source tree what `install` put in"),
    ):
        parser_of_tree = commands.add_parser(name, help=purpose)
        parser_of_tree.add_argument("root", metavar="HUMMINGBOT_ROOT", type=Path)
        parser_of_tree.set_defaults(command=command)
    doctor = commands.add_parser("doctor", help="say what is wrong with an installation, and how to mend it")
    doctor.add_argument("place", metavar="DIR", type=Path, nargs="?", help="a workspace, or a Hummingbot source tree")
    doctor.set_defaults(command=_doctor)
    demo = commands.add_parser(
        "demo", help="let Hummingbot make a market on a venue of its own, and compare both records"
    )
    demo.add_argument(
        "--seconds",
        metavar="N",
        type=_seconds,
        default=0,
        help="end after N s of trading, or up to three minutes later once both sides are filled (else: Ctrl-C)",
    )
    demo.add_argument("--seed", metavar="N", type=int, help="the same N gives the same market")
    demo.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default=next(iter(STRATEGIES)),
        help="what trades (default: %(default)s; inventory_maker is a V2 controller)",
    )
    demo.add_argument("--folder", metavar="DIR", type=Path, help="keep everything in DIR, which must be empty")
    demo.add_argument(
        "--prepare", metavar="COMMAND", help="what has to be done before the bot can start; the market opens before it"
    )
    demo.add_argument("--follow", metavar="FILE", type=Path, help="trade on a recording of a real market")
    demo.add_argument("--speed", metavar="N", type=float, default=1.0, help="play it so many times as fast")
    demo.set_defaults(command=_demo)
    paper = commands.add_parser("paper", help="trade on a real exchange's prices, without a key and without risk")
    paper.add_argument("exchange", metavar="EXCHANGE", help="Hummingbot's name for it, such as binance_perpetual")
    paper.add_argument("pairs", metavar="PAIR", nargs="+", help="such as BTC-USDT")
    paper.add_argument("--record", metavar="FILE.gz", type=Path, help="keep what is read, to play it again")
    paper.add_argument("--port", metavar="PORT", help="the venue's (default: 8600)")
    paper.add_argument(
        "--accounts", metavar="FILE", type=Path, help="its accounts, as `acme-exchange serve` takes them"
    )
    paper.add_argument("--data", metavar="DIR", type=Path, help="where the venue keeps what it has")
    paper.add_argument("--latency", metavar="MS", help="of orders and cancellations (default: 50)")
    paper.add_argument("--queue", metavar="RULE", help="behind, prob1 or prob3: see `acme-exchange serve --help`")
    paper.set_defaults(command=_paper)
    report = commands.add_parser("report", help="print and draw what an account has earned, and by what")
    report.add_argument("what", metavar="WORKSPACE|ACCOUNT", help="a workspace's folder, or an account's name")
    report.add_argument("--data", metavar="DIR", type=Path, help="where the venue keeps its data, when not as usual")
    report.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="where the PNG and the page go (default: here)"
    )
    report.add_argument("--text", action="store_true", help="print it, and draw nothing")
    report.set_defaults(command=_report)
    chaos = commands.add_parser("chaos", help="let three bots trade while everything fails, and compare both records")
    chaos.add_argument(
        "--seconds", metavar="N", type=_duration, default=CHAOS_SECONDS, help="of faults (default: %(default)s)"
    )
    chaos.add_argument(
        "--seed", metavar="N", type=int, default=1, help="decides what fails when (default: %(default)s)"
    )
    chaos.add_argument("--folder", metavar="DIR", type=Path, help="keep everything in DIR, which must be empty")
    chaos.set_defaults(command=_chaos)
    soak = commands.add_parser("soak", help="trade on five markets for long, and fail if anything keeps rising")
    soak.add_argument("--seconds", metavar="N", type=_soak_seconds, default=SOAK_SECONDS, help="default: %(default)s")
    soak.add_argument("--seed", metavar="N", type=int, help="the same N gives the same market")
    soak.add_argument("--folder", metavar="DIR", type=Path, help="keep everything in DIR, which must be empty")
    soak.set_defaults(command=_soak)
    feed = commands.add_parser("feed", help="read an exchange's public market data, without keys, as lines")
    feed.add_argument("exchange", metavar="EXCHANGE", help="Hummingbot's name for it, such as binance_perpetual")
    feed.add_argument("pairs", metavar="PAIR", nargs="+", help="such as BTC-USDT")
    feed.add_argument("--record", metavar="FILE.gz", type=Path, help="keep the lines in this file too")
    feed.add_argument("--no-history", action="store_true", help="do not ask for candles of before")
    feed.set_defaults(command=_feed)
    return parser


def _add_venue_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", type=Path, help="where the venue keeps its data, when not as usual")
    parser.add_argument("--server", metavar="URL", help="the venue's address (default: of the one that runs)")


def _seconds(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of seconds, or 0 for no end")
    return int(text)


def _soak_seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < SHORTEST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of seconds, {SHORTEST_SECONDS} or more")
    return int(text)


def _duration(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number of seconds above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
