"""Tells the owner's commands how to reach a venue that runs: its address and a token, in a file that only the owner can
read.

There is one such file for each database, beside it, and one for a venue that keeps nothing. It is the venue's for as
long as the venue runs: no other overwrites or removes it, and a command reaches the venue of the database that it
names.
"""

import fcntl
import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from acme_exchange.input.errors import UserError
from acme_exchange.input.folders import DATABASE_FILE, make_directory

if TYPE_CHECKING:
    # A command that only asks a venue needs no database, and starts in a third of the time without what reads one.
    from sqlalchemy import URL

ENDING = ".admin.json"
IN_MEMORY = f"memory{ENDING}"


class AccessUnusable(UserError):
    """The file cannot be left for the owner's commands; the text says why."""


@dataclass(frozen=True)
class AdminAccess:
    """What a command needs to be let in. The token appears in no representation.

    :ivar url: the venue's, without a path.
    :ivar certificate: what the venue shows its clients, PEM; None where it is reached without TLS.
    """

    url: str
    token: str = field(repr=False)
    certificate: str | None = None


def path_for(database: "URL", directory: Path) -> Path:
    """The file of the venue that works with a database.

    :param directory: where it lies when the database is none of SQLite's.
    """
    if database.get_backend_name() == "sqlite" and database.database:
        return _path_beside(Path(database.database))
    name = hashlib.sha256(database.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return directory / f"{name}{ENDING}"


def _path_beside(file: Path) -> Path:
    """The file of the venue that works with one of SQLite's."""
    resolved = file.resolve()
    return resolved.with_name(resolved.name + ENDING)


def find_access(directory: Path) -> AdminAccess | None:
    """The access to the venue that keeps its data in a directory, or keeps nothing and was told of that directory."""
    return read_access(_path_beside(directory / DATABASE_FILE)) or read_access(directory / IN_MEMORY)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def read_access(path: Path) -> AdminAccess | None:
    """The access that a running venue left; None when there is none, or it is of no use."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return AdminAccess(fields["url"], fields["token"], fields["certificate"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


class AccessFile:
    """The file as the venue leaves it, from `write` to `remove`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def write(self, access: AdminAccess) -> None:
        """
        :raises AccessUnusable: the file cannot be written, or is another running venue's.
        """
        try:
            make_directory(self._path.parent)
            self._file = self._claimed()
            content = json.dumps({"url": access.url, "token": access.token, "certificate": access.certificate})
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, content.encode(), 0)
        except BlockingIOError:
            raise AccessUnusable(
                f"{self._path}: another venue that runs has left this file for its owner's commands; end that one, or "
                "take another directory with --data"
            ) from None
        except OSError as error:
            self.remove()
            raise AccessUnusable(
                f"{self._path}: cannot be written ({error.strerror}), and the owner's commands would not find the "
                "venue; make room there, or take another directory with --data"
            ) from None

    def remove(self) -> None:
        """The venue has ended. What is another's is left alone."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _claimed(self) -> int:
        """The file, locked. One that another venue removes in the same moment is made again."""
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._path.exists() and os.fstat(file).st_ino == self._path.stat().st_ino:
                    return file
            except OSError:
                os.close(file)
                raise
            os.close(file)
