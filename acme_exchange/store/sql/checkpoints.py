"""SQLite's checkpoints: they move what its write-ahead log has gathered into its file, and wait for the disk twice.

SQLite would make them within a commit, and hold up for it whoever waits for that commit.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from logging import getLogger
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.sql.database import Database, sqlite_connection

ROWS = 10_000
"""After how many changed rows a checkpoint is made: every two seconds under load, so that not one acknowledgement in a
hundred waits for it; minutes without."""
MOST_BEHIND = 2
"""How many times as many rows may be changed while one is made: then it is waited for, so that the log is bounded."""
PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
LARGE_LOG_BYTES = 64 * 1024 * 1024
"""From here on it is said that the log grows, each time that it has doubled."""
LARGEST_LOG_BYTES = 2 * 1024 * 1024 * 1024
HELD_UP = (
    "another program has read the database in one transaction for so long that its log has grown to %d MB (%s); end "
    "that program, or have it read a backup (acme-exchange backup)"
)

logger = getLogger(__name__)


class Checkpoints:
    """Makes them beside the writing. For other databases than SQLite it does nothing.

    The log begins anew only when a checkpoint has moved all of it. One that is made while batches are written moves
    nearly all; the rest is little, and is moved between two batches.

    :ivar has_rest: whether such a rest is to be moved now.
    """

    def __init__(self, database: Database, writing: Connection) -> None:
        """
        :param writing: the connection that batches are written over.
        """
        self._connection = database.engine.connect()
        self._log = database.file.log if database.file else None
        self._writing = writing
        self._thread = ThreadPoolExecutor(1, "store-checkpoints")
        self._rows = 0
        self._warned_bytes = LARGE_LOG_BYTES // 2
        self._latest: Future[Any] | None = None
        self.has_rest = False

    @property
    def is_behind(self) -> bool:
        """Whether the one at hand takes so long that more should not be written before it is made."""
        is_at_hand = self._latest is not None and not self._latest.done()
        return is_at_hand and self._changed() >= MOST_BEHIND * ROWS

    def follow_batch(self, may_wait: bool) -> None:
        """Has one made if it is time. To be called after each batch.

        :param may_wait: for the one at hand, if that is behind; for the others, nobody ever waits.
        :raises SQLAlchemyError: the latest checkpoint could not be made.
        :raises StoreFailed: the log has become too large.
        """
        if self._log is None or self.has_rest:
            return
        if may_wait and self._latest and self.is_behind:
            wait([self._latest])
        elif self._changed() >= ROWS and (self._latest is None or self._latest.done()):
            if self._latest:
                self._latest.result()
            self._rows += self._changed()
            self._latest = self._thread.submit(self._make)

    def close(self) -> None:
        """Waits for the one at hand. What is left in the log then, SQLite moves when the last connection is closed."""
        self._thread.shutdown()
        self._connection.close()

    def move_rest(self) -> None:
        """Moves what the latest left. To be called by whoever writes, between two batches.

        :raises SQLAlchemyError: it cannot be moved.
        :raises StoreFailed: the log has become too large.
        """
        assert self._log is not None, "there is a rest without a log"
        _checkpoint(self._writing)
        self._look_at(self._log)
        self.has_rest = False

    def _changed(self) -> int:
        """Rows, since the latest began to be made."""
        return sqlite_connection(self._writing).total_changes - self._rows

    def _make(self) -> None:
        _checkpoint(self._connection)
        self.has_rest = True

    def _look_at(self, log: Path) -> None:
        """A log begins anew only when nobody reads in it: a reader who stays lets it grow."""
        size = log.stat().st_size
        if size >= LARGEST_LOG_BYTES:
            raise StoreFailed(f"The venue ends, and has lost nothing it said: {HELD_UP % (size >> 20, log)}.")
        if size >= 2 * self._warned_bytes:
            self._warned_bytes = size
            logger.warning(HELD_UP, size >> 20, log)
        elif size < LARGE_LOG_BYTES:
            self._warned_bytes = LARGE_LOG_BYTES // 2


def _checkpoint(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql(PASSIVE).one()
