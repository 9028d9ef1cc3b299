"""The `hbot` of a workspace: Hummingbot's own command line, and what it leaves out.

- `hbot history` values coins at the rates of the workspace's settings, as the bot itself does, and not at those of an
  exchange elsewhere, which it asks when nobody has read the settings;
- after `hbot stop`, what the bot leaves open on the venue is said, with the command that closes it.
"""

import shlex
import sys
from pathlib import Path

from acme_bot.password import given_password
from acme_bot.positions import open_positions, stored_client
from acme_bot.problem import Problem


def main() -> None:
    """Runs one command in the current folder, which is a workspace. Exits as `hbot` does."""
    command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if command == "history":
        from hummingbot.client.config.config_helpers import load_client_config_map_from_file

        load_client_config_map_from_file()
    from hummingbot.cli.main import app

    sys.argv[0] = "hbot"
    try:
        app()
    finally:
        if command == "stop" and "--json" not in sys.argv:
            print(left_open(Path.cwd()), end="", flush=True)


def left_open(workspace: Path) -> str:
    """What the bot of a workspace leaves on the venue, in lines; nothing when that is nothing, or there is no key."""
    place = shlex.quote(str(workspace))
    close = f"`acme-bot close {place}`"
    if not any((workspace / "conf" / "connectors").glob("acme_perpetual.yml")):
        return ""
    password = given_password()
    if password is None:
        return f"Whether a position is left: {place}/hbot balance; {close} closes it.\n"
    try:
        positions = open_positions(stored_client(workspace, password))
    except Problem as problem:
        return f"Whether a position is left is not known: {problem}\n"
    return "".join(f"Left open: {position}. {close} closes it.\n" for position in positions)


if __name__ == "__main__":
    main()
