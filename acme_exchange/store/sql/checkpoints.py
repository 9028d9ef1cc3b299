"""SQLite's checkpoints: they move what its write-ahead log has gathered into its file, and wait for the disk twice.

SQLite would make them within a commit, and hold up for it whoever waits for that commit.
"""

from concurrent.futures import Executor, Future, ThreadPoolExecutor

from sqlalchemy import Connection

from acme_exchange.store.sql.database import Database

ROWS = 4_000
"""After how many changed rows a checkpoint is made: about a second under load, minutes without."""
PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """Makes them beside the writing. For other databases than SQLite it does nothing."""

    def __init__(self, database: Database, writing: Connection, write_thread: Executor) -> None:
        """
        :param writing: the connection that batches are written over, in `write_thread` alone.
        """
        self._beside = database.engine.connect()
        self._is_needed = self._beside.dialect.name == "sqlite"
        self._writing = writing
        self._write_thread = write_thread
        self._thread = ThreadPoolExecutor(1, "store-checkpoints")
        self._rows = 0
        self._latest: Future | None = None

    def follow_batch(self) -> None:
        """Has one made if it is time, and does not wait for it. To be called in `write_thread`, after each batch.

        :raises SQLAlchemyError: the latest checkpoint could not be made.
        """
        if not self._is_needed or (self._latest and not self._latest.done()):
            return
        rows = self._writing.connection.driver_connection.total_changes
        if rows - self._rows < ROWS:
            return
        if self._latest:
            self._latest.result()
        self._rows = rows
        self._latest = self._thread.submit(self._make)

    def close(self) -> None:
        """Waits for the one at hand. What is left in the log then, SQLite moves when the last connection is closed."""
        self._thread.shutdown()
        self._beside.close()

    def _make(self) -> None:
        """The log begins anew only when a checkpoint has moved all of it. One that is made while batches are written
        moves nearly all; the rest is little, and is moved between two batches."""
        _checkpoint(self._beside)
        self._write_thread.submit(_checkpoint, self._writing).result()


def _checkpoint(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql(PASSIVE).one()
