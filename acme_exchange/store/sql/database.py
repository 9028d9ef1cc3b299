"""Opening a database: its file and lock, its version, and how transactions are made."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    Executable,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from acme_exchange.store.sql import tables

FILE_NAME = "venue.sqlite"
NOTHING_YET = {
    "version": tables.VERSION,
    "run": 0,
    "now": 0,
    "funding_interval": 0,
    "order": 0,
    "trade": 0,
    "fill": 0,
    "payment": 0,
}


class StoreUnusable(Exception):
    """There is no working with the database; the text says why and what to do. No password is in it."""


class InUse(StoreUnusable):
    """Another venue works with it."""


def database_url(text: str) -> URL:
    """:raises StoreUnusable: the text is no URL of a database."""
    try:
        return make_url(text)
    except ArgumentError:
        raise StoreUnusable("--database: write a URL such as sqlite:////home/you/venue.sqlite") from None


def file_url(directory: Path) -> URL:
    return URL.create("sqlite", database=str(directory / FILE_NAME))


class Database:
    """A database of this version, and the right to write to it until `close`."""

    def __init__(self, url: URL, read_only: bool = False) -> None:
        """
        :param read_only: to look at what a venue keeps, also while one works with it.
        :raises StoreUnusable: with a sentence.
        :raises InUse: likewise.
        """
        self._lock: int | None = None
        self._name = url.render_as_string(hide_password=True)
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        if is_file and read_only and not Path(url.database).exists():
            raise StoreUnusable(f"{self._name}: no venue has kept anything here")
        if is_file and not read_only:
            self._lock = _own_file(Path(url.database))
        try:
            self.engine = _engine(url)
            if read_only:
                self._check_version()
            else:
                self._prepare()
        except (SQLAlchemyError, ImportError) as error:
            self.close()
            reason = getattr(error, "orig", None) or error
            raise StoreUnusable(f"{self._name}: cannot be used as the venue's database ({reason})") from None
        except StoreUnusable:
            self.close()
            raise

    def close(self) -> None:
        """Gives it back."""
        if engine := getattr(self, "engine", None):
            engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _check_version(self) -> None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table(tables.venue.name):
                raise StoreUnusable(f"{self._name}: no venue has kept anything here")
            self._refuse_newer(connection.scalar(select(tables.venue.c.version)))

    def _prepare(self) -> None:
        with self.engine.connect() as connection, transaction(connection):
            if not inspect(connection).has_table(tables.venue.name):
                tables.metadata.create_all(connection)
                connection.execute(tables.venue.insert(), NOTHING_YET)
            version = connection.scalar(select(tables.venue.c.version))
            self._refuse_newer(version)
            for step in range(version, tables.VERSION):
                tables.MIGRATIONS[step](connection)
            connection.execute(update(tables.venue).values(version=tables.VERSION, run=tables.venue.c.run + 1))

    def _refuse_newer(self, version: int) -> None:
        if version > tables.VERSION:
            raise StoreUnusable(
                f"{self._name}: was written by a newer acme-exchange (version {version} of its tables; this one knows "
                f"up to {tables.VERSION}); install that one again, or take another directory with --data"
            )


class Prepared:
    """A statement that is compiled once, for what is done thousands of times a second.

    SQLAlchemy takes several times as long as SQLite does to lead a statement to its driver. The values go to the driver
    as they are: texts, integers, booleans and None.
    """

    def __init__(self, statement: Executable, dialect: Dialect, names: Sequence[str] | None = None) -> None:
        """
        :param names: the columns that an insert gives values for.
        """
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._sql = str(compiled)
        self._names = compiled.positiontup

    def execute(self, connection: Connection, rows: Sequence[dict]) -> int:
        """Executes it once for each row, one at least; how many rows of the table it has found."""
        return connection.exec_driver_sql(self._sql, list(map(self._parameters, rows))).rowcount

    def finds(self, cursor: DBAPICursor, row: dict) -> bool:
        """Whether it finds anything. All is fetched, so that no read transaction stays open."""
        cursor.execute(self._sql, self._parameters(row))
        return bool(cursor.fetchall())

    def _parameters(self, row: dict) -> dict | tuple:
        return row if self._names is None else tuple([row[name] for name in self._names])


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """One transaction, also for what changes tables; its writes are kept once the block is left, all or none."""
    with connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield


@contextmanager
def moment(connection: Connection) -> Iterator[None]:
    """Everything that is read in the block is of one moment."""
    with connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield


def _engine(url: URL) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: sqlite3.Connection, _: object) -> None:
    """The driver begins no transactions by itself: it would not for what changes tables.

    A commit hands its pages to the operating system and does not wait for the disk: that survives the end of this
    process, however sudden. Should the machine lose its power, the last moments may be gone, but what is there is
    whole: `synchronous=NORMAL` still waits for the disk at each checkpoint, which a venue makes itself (`Checkpoints`).
    """
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {setting}")


def _own_file(path: Path) -> int:
    """Makes the file, which holds secrets, its owner's alone, and locks it; the lock ends with the process."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnusable(
            f"{path}: the venue cannot keep anything here ({error.strerror}); take another directory with --data, or "
            "keep nothing with --memory"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InUse(
            f"{path}: another venue works with it; end that one, or take another directory with --data"
        ) from None
    return lock
