"""The command line `acme-exchange`: carries out one command, and turns what fails into a sentence."""

import argparse
import logging
import sys
from collections.abc import Sequence

from acme_exchange import __version__
from acme_exchange.cli import faults, owner, page
from acme_exchange.cli.notices import notice
from acme_exchange.input.errors import UserError

SERVE = "serve"


def carry_out(arguments: Sequence[str] | None) -> int:
    """Carries out what the arguments say, by default those of the process.

    :returns: the exit status, as `acme_exchange.cli.main.main` does.
    """
    words = sys.argv[1:] if arguments is None else arguments
    chosen = _parser(words).parse_args(words)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        chosen.run(chosen)
    except UserError as error:
        notice(str(error))
        return 1
    return 0


def _parser(words: Sequence[str] = (SERVE,)) -> argparse.ArgumentParser:
    """The parser of those words; unless `serve` is among them, it knows none of the options of `serve`."""
    parser = argparse.ArgumentParser(
        prog="acme-exchange",
        description="A perpetual-futures exchange of your own. `acme-exchange serve` runs it; the other commands look "
        "after its accounts and its data, and say more of themselves with --help.",
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="print the version of the exchange"
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    serving = commands.add_parser(SERVE, help="run the exchange until Ctrl-C")
    if SERVE in words:
        # The other commands take half as long without what runs an exchange.
        from acme_exchange.cli import options, serve

        options.add_serve(serving, serve.run)
    faults.add_command(commands)
    owner.add_commands(commands)
    page.add_command(commands)
    return parser
