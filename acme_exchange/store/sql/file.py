"""Opens a database's file for one venue alone, and finds out whether the file is whole, before SQLite opens it.

SQLite keeps what was committed last in a second file, the log `-wal`. Who copies or moves the one without the other
gets a database that looks whole and is old, or even new: SQLite says nothing. So a database notes in itself that a
venue works with it (`venue.is_open`); the note is made before anything else is, and taken back at the end, when there
is no log.
"""

import fcntl
import os
import sqlite3
from contextlib import closing, suppress
from enum import StrEnum
from pathlib import Path

from acme_exchange.input.errors import UserError
from acme_exchange.input.folders import make_directory

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 20
READ_VERSION = 19
"""Which byte of the header says that there may be a log; a backup has none."""
WITH_LOG = 2
REMEDY = "put a backup in its place (docs/venue.md says how), or take another directory with --data"


class Durability(StrEnum):
    """What an acknowledgement survives. A stronger one costs a wait for the disk a batch, not an order."""

    POWER_CUT = "power-cut"
    CRASH = "crash"


class StoreUnusable(UserError):
    """There is no working with the database; the text says why and what to do. No password is in it."""


class InUse(StoreUnusable):
    """Another venue works with it."""


class DatabaseFile:
    """The file of a database, and with `own` the right to be the only one that writes to it.

    The lock is on the file itself, so that no symbolic or hard link leads around it, and ends with the process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.log = self.path.with_name(f"{self.path.name}-wal")
        self._lock: int | None = None

    def own(self) -> None:
        """Makes the file, unless there is one, its owner's alone, and locks it until `give_up`.

        :raises StoreUnusable: it cannot be written here.
        :raises InUse: another process has locked it.
        """
        try:
            make_directory(self.path.parent)
            self._lock = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.give_up()
            raise InUse(
                f"{self.path}: another venue works with it; end that one, or take another directory with --data"
            ) from None
        except OSError as error:
            raise StoreUnusable(
                f"{self.path}: the venue cannot keep anything here ({error.strerror}); take another directory with "
                "--data, or keep nothing with --memory"
            ) from None

    def give_up(self) -> None:
        """Lets others have it. To be called when SQLite has closed it: its own locks end with ours."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def check(self, accept_lost_log: bool = False) -> None:
        """Looks whether the file and its log lie here as a venue left them.

        :param accept_lost_log: goes on also when a venue that did not end by itself left a log, and it is gone.
        :raises StoreUnusable: they do not.
        """
        header, has_log = self._header(), self._log_size() > 0
        if not header:
            if has_log:
                raise StoreUnusable(
                    f"{self.path}: is missing or empty, but {self.log.name} is there, which is of no use alone; put "
                    "the file that belongs to it beside it, or remove it to begin anew"
                )
            return
        if header[: len(MAGIC)] != MAGIC or len(header) < HEADER_BYTES:
            raise StoreUnusable(f"{self.path}: is no database of SQLite's, or is spoilt; {REMEDY}")
        if header[READ_VERSION] != WITH_LOG and has_log:
            raise StoreUnusable(
                f"{self.log}: belongs to another database than the backup that lies beside it; remove it and "
                f"{self.path.name}-shm, and start again"
            )
        if header[READ_VERSION] == WITH_LOG and not self.log.exists() and not accept_lost_log and self._was_open():
            raise StoreUnusable(
                f"{self.log}: is missing, and with it what happened last; the venue that worked with {self.path.name} "
                "did not end by itself. Put the log beside it, or a backup in its place; if you know that nothing is "
                "lost, because another program has closed the database since, start once with --accept-lost-log"
            )

    def _header(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return file.read(HEADER_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StoreUnusable(f"{self.path}: cannot be read ({error.strerror}); {REMEDY}") from None

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _was_open(self) -> bool:
        """What the file says without its log. One from before version 3 does not say it."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)) as found:
            return bool(found.execute("SELECT is_open FROM venue").fetchone() == (1,))
        return False
