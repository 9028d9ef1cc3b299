"""How the owner's commands reach a venue that runs: its address and a token, in a file that only the owner can read."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "admin.json"


@dataclass(frozen=True)
class AdminAccess:
    """What a command needs to be let in. The token appears in no representation.

    :ivar url: the venue's, without a path.
    """

    url: str
    token: str = field(repr=False)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def write_access(path: Path, access: AdminAccess) -> None:
    """Leaves the access in a file of its owner's, in one step: whoever reads it reads all of it.

    :raises OSError: the file cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": access.url, "token": access.token}, file)
    unfinished.replace(path)


def read_access(path: Path) -> AdminAccess | None:
    """The access that a running venue left; None when there is none, or it is of no use."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return AdminAccess(fields["url"], fields["token"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove_access(path: Path) -> None:
    """The venue has ended."""
    with suppress(OSError):
        path.unlink()
