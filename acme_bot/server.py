"""Finds the venue on this machine, or a server elsewhere: its address, whether it answers, and a key for it."""

import json
import urllib.request
from pathlib import Path

import platformdirs

from acme_bot.compare.venue_client import Key
from acme_bot.problem import Problem
from acme_exchange.input.errors import UserError
from acme_exchange.owner.access import find_access

DEFAULT_SERVER = "http://127.0.0.1:8600"
ANSWER_SECONDS = 5
START = "start it in another terminal with `acme-exchange serve`"


def reason_of_silence(server: str) -> str | None:
    """Why `server` is no Acme server that answers; None when it is one."""
    try:
        with urllib.request.urlopen(f"{server}/api/", timeout=ANSWER_SECONDS) as answer:
            if json.load(answer)["success"] is not True:
                raise ValueError("not its answer")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return str(getattr(error, "reason", error))
    return None


def venue_data(folder: Path | None) -> Path:
    """Where the venue on this machine keeps its data: `folder`, or where it does by itself."""
    return folder or platformdirs.user_data_path("acme-exchange", appauthor=False)


def running_server(folder: Path | None, server: str | None = None) -> str:
    """The address of the venue that keeps its data in `folder`, or `server`. Raises `Problem` when it does not
    answer."""
    if server is None:
        access = find_access(venue_data(folder))
        server = access.url if access is not None else DEFAULT_SERVER
    reason = reason_of_silence(server)
    if reason is not None:
        raise Problem(f"No venue answers at {server} ({reason}): {START}, and run this command again.")
    return server


def first_key(folder: Path | None) -> Key:
    """The key that the venue in `folder` made at its first start. Raises `Problem` when there is none."""
    # A bot's own commands never come here, and start without what checks the accounts of a venue.
    from acme_exchange.accounts.file import load_accounts

    path = venue_data(folder) / "accounts.json"
    if not path.exists():
        raise Problem(f"{path} is not there, with the key of the venue's first account: {START}, which makes it.")
    try:
        entry = next(key for account in load_accounts(path) for key in account.keys if not key.read_only)
    except UserError as error:
        raise Problem(str(error)) from None
    except StopIteration:
        raise Problem(f"{path} has only keys that may read: add one that may trade.") from None
    return Key(entry.key, entry.secret)
