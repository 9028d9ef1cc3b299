"""The command line `acme-bot`: carries out one command, and turns what fails into a sentence."""

import argparse
import errno
import importlib.metadata
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from acme_bot import commands
from acme_bot.client import open_client
from acme_bot.compare.venue_client import Key
from acme_bot.demo.strategies import PAIR, STRATEGIES
from acme_bot.doctor import examine
from acme_bot.hbot import Hbot
from acme_bot.installation import DISTRIBUTION, MANIFEST, install, uninstall
from acme_bot.new import settings_of, start_new
from acme_bot.password import ask_password
from acme_bot.positions import cancel_orders, close_positions, require_stopped, stored_client
from acme_bot.problem import Problem, quoted
from acme_bot.server import first_key, running_server
from acme_bot.strategy_files import FOLDERS, add_files, require_files
from acme_bot.workspace import make_workspace, require_workspace

if TYPE_CHECKING:
    from acme_bot.venue import Recording

LINE_WIDTH = 120
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


def _connect(workspace: Path, options: argparse.Namespace) -> None:
    server = running_server(options.data, options.server)
    key = first_key(options.data)
    _store(_unlocked(workspace), server, key)


def _unlocked(workspace: Path) -> Hbot:
    """Asks for the password. Raises `Problem`."""
    return Hbot(workspace, ask_password(is_new=not any((workspace / "conf").glob(".password_verification"))))


def _store(hbot: Hbot, server: str, key: Key) -> None:
    """Stores a key in the workspace, encrypted, instead of an earlier one. Raises `HbotError`, also when the
    workspace's keys have another password."""
    print(f"Storing the key of the venue at {server}, encrypted ...", flush=True)
    hbot.connect(server, key.key, key.secret)


def _new(options: argparse.Namespace) -> int:
    strategy = STRATEGIES[options.strategy]
    server = running_server(options.data, options.server)
    workspace = make_workspace(options.folder)
    key = first_key(options.data)
    bot = _unlocked(workspace)
    with bot.together():
        _store(bot, server, key)
        print(f"Starting {strategy.name}; this takes half a minute ...", flush=True)
        start_new(bot, strategy)
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
    parser = argparse.ArgumentParser(
        prog="acme-bot",
        description="Hummingbot on Acme: bots of your own, paper trading on real prices, and demonstrations. "
        "`acme-exchange serve` is the venue that they trade on; `acme-bot COMMAND --help` says more of each command.",
    )
    parser.add_argument(
        "--version", action="version", version=_version(), help="print the versions of the connector and of Hummingbot"
    )
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    for add, command in (
        (commands.add_workspace, _workspace),
        (commands.add_new, _new),
        (commands.add_cancel, _cancel),
        (commands.add_close, _close),
        (commands.add_client, _client),
        (commands.add_install, _install),
        (commands.add_uninstall, _uninstall),
        (commands.add_doctor, _doctor),
        (commands.add_demo, _demo),
        (commands.add_paper, _paper),
        (commands.add_report, _report),
        (commands.add_chaos, _chaos),
        (commands.add_soak, _soak),
        (commands.add_feed, _feed),
    ):
        add(actions).set_defaults(command=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
