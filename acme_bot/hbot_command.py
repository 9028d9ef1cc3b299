"""The `hbot` of a workspace: Hummingbot's own command line, and what it leaves out.

- `hbot history` values coins at the rates of the workspace's settings, as the bot itself does, and not at those of an
  exchange elsewhere, which it asks when nobody has read the settings;
- `hbot connect` and `hbot balance` say in a line that no venue answers, and where;
- `hbot stop` waits as long as Hummingbot takes to put the ends of hundreds of orders on record, and not half a minute;
- after it, what the bot leaves open on the venue is said, with the command that closes it.
"""

import gc
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from acme_bot.hbot import CONNECTOR, SECOND_CONNECTOR
from acme_bot.password import given_password
from acme_bot.positions import open_positions, stored_client
from acme_bot.problem import Problem, quoted
from acme_bot.server import DEFAULT_SERVER, START, reason_of_silence

LONGEST_STOP = ("--timeout", "100")
"""Seconds; it is over as soon as the bot has ended."""


def main() -> None:
    """Runs one command in the current folder, which is a workspace. Exits as `hbot` does."""
    # Most of a command's time goes into importing Hummingbot, where there is no garbage to be looked for.
    gc.disable()
    words = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    command = words[0] if words else None
    if command == "history":
        from hummingbot.client.config.config_helpers import load_client_config_map_from_file

        load_client_config_map_from_file()
    if words in (["connect"], ["balance"], ["balance", CONNECTOR]):
        _require_servers(command)
    from hummingbot.cli.main import app

    gc.freeze()
    gc.enable()
    sys.argv = ["hbot", *patient(sys.argv[1:])]
    try:
        app()
    finally:
        if command == "stop" and "--json" not in sys.argv:
            for line in left_open(Path.cwd()):
                print(line, flush=True)


def patient(arguments: list[str]) -> list[str]:
    """The arguments of a command, those of a `stop` with a longer wait if they say nothing of it."""
    says_it = any(argument.partition("=")[0] in ("--timeout", "--force") for argument in arguments)
    return [*arguments, *LONGEST_STOP] if arguments[:1] == ["stop"] and not says_it else arguments


def _require_servers(command: str | None) -> None:
    """Ends the command when a server that it needs does not answer, unless it shows something else besides."""
    silent = list(silent_servers(Path.cwd()))
    for sentence in silent:
        print(sentence, file=sys.stderr, flush=True)
    if silent and command == "balance":
        sys.exit(1)
    if silent:
        # What it would log of it are tracebacks.
        logging.disable(logging.CRITICAL)


def silent_servers(workspace: Path, connect: str = "hbot connect") -> Iterator[str]:
    """A sentence for each server that a workspace has a key for and that does not answer.

    `connect` is the command that names another server.
    """
    for connector in (CONNECTOR, SECOND_CONNECTOR):
        settings = workspace / "conf" / "connectors" / f"{connector}.yml"
        if settings.exists():
            server = yaml.safe_load(settings.read_text(encoding="utf-8")).get(f"{connector}_server") or DEFAULT_SERVER
            reason = reason_of_silence(server)
            if reason is not None:
                another = f"name another with `{connect} {connector}`"
                yield f"No venue answers at {server} ({reason}): {START}, or {another}."


def left_open(workspace: Path) -> list[str]:
    """What the bot of a workspace leaves on the venue, in lines; none when that is nothing, or there is no key."""
    close = f"`acme-bot close {quoted(workspace)}`"
    if not any((workspace / "conf" / "connectors").glob("acme_perpetual.yml")):
        return []
    password = given_password()
    if password is None:
        return [f"Whether a position is left: {quoted(workspace / 'hbot')} balance; {close} closes it."]
    try:
        positions = open_positions(stored_client(workspace, password))
    except Problem as problem:
        return [f"Whether a position is left is not known: {problem}"]
    return [f"Left open: {position}. {close} closes it." for position in positions]


if __name__ == "__main__":
    main()
