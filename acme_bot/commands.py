"""The commands of `acme-bot`, their options, and what may be written for each."""

import argparse
from pathlib import Path
from typing import Any

from acme_bot.demo.strategies import INVENTORY_MAKER, PAIR, STRATEGIES
from acme_bot.server import DEFAULT_SERVER, venue_data
from acme_bot.soak import SHORTEST_SECONDS

CHAOS_SECONDS = 600
SOAK_SECONDS = 3600
A_WORKSPACE = "the folder of a workspace, as `acme-bot workspace` or `acme-bot new` makes it"
PASSWORD = "The password of the workspace's keys is that in the variable HBOT_PASSWORD; without one it is asked for."


def add_workspace(commands: Any) -> argparse.ArgumentParser:
    """Adds `workspace` to the command line."""
    workspace = _command(
        commands,
        "workspace",
        "make a folder a complete Hummingbot, or bring it up to date",
        "A workspace has configuration, keys, logs and records of its own, and its own command line, `hbot`. Bringing "
        "it up to date replaces its copy of Hummingbot by the one that is installed, and leaves the rest alone.",
    )
    workspace.add_argument("folder", metavar="DIR", type=Path, help="the folder; it is made if it is not there yet")
    for option, what in (("--scripts", "V2 scripts"), ("--controllers", "V2 controllers")):
        workspace.add_argument(
            option, metavar="FROM", type=Path, help=f"copy the {what} in the folder FROM into the workspace"
        )
    workspace.add_argument(
        "--connect",
        action="store_true",
        help="store the key of the venue on this machine in the workspace, encrypted with a password: that in the "
        "variable HBOT_PASSWORD, or one that you are asked for",
    )
    _add_venue_options(workspace.add_argument_group("with --connect"))
    return workspace


def add_new(commands: Any) -> argparse.ArgumentParser:
    """Adds `new` to the command line."""
    new = _command(
        commands,
        "new",
        "make a workspace, store the venue's key in it, and start a bot that earns",
        f"The bot trades {PAIR} on the venue on this machine, with settings that earn on its simulated prices, and "
        f"goes on when the terminal is closed. {PASSWORD}",
    )
    new.add_argument("folder", metavar="DIR", type=Path, help="the workspace; it is made if it is not there yet")
    _add_strategy(new, INVENTORY_MAKER.name)
    _add_venue_options(new)
    return new


def add_cancel(commands: Any) -> argparse.ArgumentParser:
    """Adds `cancel` to the command line."""
    return _add_workspace_command(
        commands,
        "cancel",
        "cancel all orders of the account that a workspace's bot trades on",
        f"Orders that you placed by hand are among them. The bot has to be stopped before. {PASSWORD}",
    )


def add_close(commands: Any) -> argparse.ArgumentParser:
    """Adds `close` to the command line."""
    return _add_workspace_command(
        commands,
        "close",
        "cancel all orders of the account that a workspace's bot trades on, and close its positions",
        "Positions are closed with market orders, whatever the price; those that you opened by hand are among them. "
        f"The bot has to be stopped before. {PASSWORD}",
    )


def add_client(commands: Any) -> argparse.ArgumentParser:
    """Adds `client` to the command line."""
    return _add_workspace_command(
        commands,
        "client",
        "open Hummingbot's interactive client in a workspace",
        "It asks for the password of the workspace's keys; at the first time, for a new one. `exit` leaves it.",
    )


def add_install(commands: Any) -> argparse.ArgumentParser:
    """Adds `install` to the command line."""
    return _add_tree_command(
        commands,
        "install",
        "copy the connector, its candles and their tests into a Hummingbot source tree",
        "Nothing of Hummingbot's own is changed. What was copied is listed in a file in the tree, by which `acme-bot "
        "uninstall` finds it.",
    )


def add_uninstall(commands: Any) -> argparse.ArgumentParser:
    """Adds `uninstall` to the command line."""
    return _add_tree_command(
        commands,
        "uninstall",
        "remove from a Hummingbot source tree what `acme-bot install` has copied there",
        "Files that were changed since are left, and named.",
    )


def add_doctor(commands: Any) -> argparse.ArgumentParser:
    """Adds `doctor` to the command line."""
    doctor = _command(
        commands,
        "doctor",
        "say what is wrong with an installation, and how to mend it",
        "It changes nothing. The exit code is 0 when nothing is wrong, and else 1.",
    )
    doctor.add_argument(
        "place",
        metavar="DIR",
        type=Path,
        nargs="?",
        help="a workspace, or a Hummingbot source tree, to be looked at too (default: what is installed alone)",
    )
    return doctor


def add_demo(commands: Any) -> argparse.ArgumentParser:
    """Adds `demo` to the command line."""
    demo = _command(
        commands,
        "demo",
        "let Hummingbot make a market on a venue of its own, and compare what both have on record",
        "The demo starts a venue and a bot on it, shows what they do, and stops them. It then compares the bot's "
        "records with the venue's ledger, line by line, and says what the bot has earned. The exit code is 0 when all "
        "lines agree.",
    )
    demo.add_argument(
        "--seconds",
        metavar="N",
        type=_seconds,
        default=0,
        help="stop the bot N seconds after its first order, or up to three minutes later, once it has bought and sold; "
        "0: when you press Ctrl-C (default: %(default)s)",
    )
    _add_market_seed(demo)
    _add_strategy(demo, next(iter(STRATEGIES)))
    _add_folder(demo)
    demo.add_argument(
        "--prepare",
        metavar="COMMAND",
        help="run COMMAND, such as one that installs Hummingbot, while the market is open already, and start the bot "
        "when it is done",
    )
    _add_recording_options(demo)
    return demo


def add_paper(commands: Any) -> argparse.ArgumentParser:
    """Adds `paper` to the command line."""
    paper = _command(
        commands,
        "paper",
        "open a venue on a real exchange's prices, without a key and without risk",
        "It reads the exchange's public market data, and runs `acme-exchange serve` on them until Ctrl-C. In another "
        "terminal, `acme-bot new my-bot` makes a bot that trades there.",
    )
    _add_markets(paper)
    paper.add_argument(
        "--record", metavar="FILE.gz", type=Path, help="write what is read to FILE.gz too, to play it again"
    )
    served = paper.add_argument_group("handed on to the venue; `acme-exchange serve --help` says more")
    served.add_argument("--port", metavar="PORT", help="the TCP port that the venue listens on (default: 8600)")
    served.add_argument(
        "--accounts",
        metavar="FILE",
        type=Path,
        help='open the accounts in FILE, a JSON list of {"name", "key", "secret", "deposit", "readOnly"} (default: one '
        "account, main, with 10,000 USD)",
    )
    _add_data(served)
    served.add_argument(
        "--latency",
        metavar="MS",
        help="carry out orders and cancellations MS milliseconds late on average (default: 50)",
    )
    served.add_argument(
        "--queue",
        metavar="RULE",
        help="decide by the rule behind, prob1 or prob3 which of the orders at a price were cancelled (default: "
        "behind)",
    )
    return paper


def add_report(commands: Any) -> argparse.ArgumentParser:
    """Adds `report` to the command line."""
    report = _command(
        commands,
        "report",
        "print and draw what an account has earned, and with what",
        "The report is read out of the database of the venue on this machine, whether the venue runs or not. It is "
        "printed, drawn as a chart (PNG), and written as a page (HTML).",
    )
    report.add_argument(
        "what",
        metavar="WORKSPACE|ACCOUNT",
        help="the folder of a workspace, whose password is asked for, or the name of an account, such as main",
    )
    _add_data(report)
    report.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="the folder to which the chart and the page are written (default: the current one)",
    )
    report.add_argument("--text", action="store_true", help="print the report, and write no chart and no page")
    return report


def add_chaos(commands: Any) -> argparse.ArgumentParser:
    """Adds `chaos` to the command line."""
    chaos = _command(
        commands,
        "chaos",
        "let three bots trade while everything fails, and compare what they and the venue have on record",
        "Requests and answers are lost, streams break, bots and the venue are killed; then it is calm, and the records "
        "have to agree to the last digit. The exit code is 0 when they do.",
    )
    chaos.add_argument(
        "--seconds",
        metavar="N",
        type=_duration,
        default=CHAOS_SECONDS,
        help="let things fail for N seconds; to start, to calm down and to compare takes some minutes more "
        "(default: %(default)s)",
    )
    chaos.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=1,
        help="the number that decides what fails when, and the market's prices (default: %(default)s)",
    )
    _add_folder(chaos)
    return chaos


def add_soak(commands: Any) -> argparse.ArgumentParser:
    """Adds `soak` to the command line."""
    soak = _command(
        commands,
        "soak",
        "let a bot trade on five markets for long, and fail if anything keeps rising",
        "Memory, open files, queues and delays of the bot and of the venue are measured each second, drawn as a chart, "
        "and judged: the exit code is 1 when one of them has risen by more than is allowed in the last two thirds of "
        "the run.",
    )
    soak.add_argument(
        "--seconds",
        metavar="N",
        type=_soak_seconds,
        default=SOAK_SECONDS,
        help=f"let the bot trade for N seconds, {SHORTEST_SECONDS} at least (default: %(default)s)",
    )
    _add_market_seed(soak)
    soak.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        help="the folder for the chart, and for configuration, logs and records; it must be empty, or not there yet "
        "(default: a temporary one; either is kept)",
    )
    return soak


def add_feed(commands: Any) -> argparse.ArgumentParser:
    """Adds `feed` to the command line."""
    feed = _command(
        commands,
        "feed",
        "read a real exchange's public market data, without a key, and write them as lines of JSON",
        "The lines go to standard output, for `acme-exchange serve --follow -`, into a recording, or both; with "
        "--record a terminal shows none of them. It goes on until Ctrl-C.",
    )
    _add_markets(feed)
    feed.add_argument(
        "--record", metavar="FILE.gz", type=Path, help="write the lines to FILE.gz, which must not exist yet"
    )
    feed.add_argument(
        "--no-history",
        action="store_true",
        help="do not ask the exchange for the candles of the time before the start, with which charts begin",
    )
    return feed


def _command(commands: Any, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    sentence = f"{summary[0].upper()}{summary[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=f"{sentence} {more}")
    return parser


def _add_workspace_command(commands: Any, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    parser = _command(commands, name, summary, more)
    parser.add_argument("folder", metavar="DIR", type=Path, help=A_WORKSPACE)
    return parser


def _add_tree_command(commands: Any, name: str, summary: str, more: str) -> argparse.ArgumentParser:
    parser = _command(commands, name, summary, more)
    parser.add_argument(
        "root", metavar="HUMMINGBOT_ROOT", type=Path, help="the folder of the source tree, in which setup.py is"
    )
    return parser


def _usual_data() -> str:
    """Where a venue keeps its data by itself, as argparse takes it in a help text."""
    return str(venue_data(None)).replace("%", "%%")


def _add_data(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help=f"where the venue keeps its data (default: {_usual_data()})"
    )


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        help="the folder for configuration, logs and records, which is kept; it must be empty, or not there yet "
        "(default: a temporary one, removed if all goes well)",
    )


def _add_market_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        help="the number that decides the market's prices; the same N gives the same prices again (default: a random "
        "one)",
    )


def _add_recording_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--follow",
        metavar="FILE",
        type=Path,
        help="trade on a real market that `acme-bot feed --record FILE` has recorded, in place of a simulated one",
    )
    parser.add_argument(
        "--speed",
        metavar="TIMES",
        type=float,
        default=1.0,
        help="with --follow: play the recording TIMES as fast as it was recorded (default: %(default)s)",
    )


def _add_strategy(parser: argparse.ArgumentParser, usual: str) -> None:
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default=usual,
        help="what the bot trades with: perpetual_market_making is a strategy of Hummingbot's version 1, "
        "inventory_maker a V2 controller (default: %(default)s)",
    )


def _add_venue_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help=f"where the venue keeps its data, the key of its first account among them (default: {_usual_data()})",
    )
    parser.add_argument(
        "--server",
        metavar="URL",
        help=f"the venue's address (default: that of the venue that runs on these data, else {DEFAULT_SERVER})",
    )


def _add_markets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "exchange", metavar="EXCHANGE", help="Hummingbot's name of the exchange, such as binance_perpetual"
    )
    parser.add_argument(
        "pairs", metavar="PAIR", nargs="+", help="Hummingbot's name of a market there, such as BTC-USDT; one or more"
    )


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
