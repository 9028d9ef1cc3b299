"""Opens a database: checks its version, sets how durable it is, and makes transactions."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from logging import getLogger
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    Select,
    UpdateBase,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from acme_exchange.input.folders import DATABASE_FILE
from acme_exchange.store.sql import tables
from acme_exchange.store.sql.file import REMEDY, DatabaseFile, Durability, StoreUnusable

NOTHING_YET = {
    "version": tables.VERSION,
    "run": 0,
    "now": 0,
    "funding_interval": 0,
    "order": 0,
    "trade": 0,
    "fill": 0,
    "payment": 0,
    "is_open": False,
}
LOCKED_SECONDS = 5
"""How long SQLite waits for a lock of another program's before it says so."""
IS_PATIENT = "is patient"
"""Under which a connection says that it waits so long; all do at first."""
PATIENCE_SECONDS = 60
"""How long the venue waits for one altogether, and nothing is acknowledged, before it ends."""
LOG_BYTES_KEPT = 64 * 1024 * 1024
"""What is left of a log that another program's transaction has let grow beyond that."""


logger = getLogger(__name__)


def database_url(text: str) -> URL:
    """:raises StoreUnusable: the text is no URL of a database."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise StoreUnusable("--database: write a URL such as sqlite:////home/you/venue.sqlite") from None
    if url.get_backend_name() == "sqlite":
        if url.query:
            raise StoreUnusable(
                "--database: name the file alone, such as sqlite:////home/you/venue.sqlite; what SQLite takes behind "
                "a question mark could lead past the venue's lock"
            )
        if url.database in (None, "", ":memory:"):
            raise StoreUnusable("--database: name a file behind sqlite:///, or keep nothing with --memory")
    return url


def file_url(directory: Path) -> URL:
    return URL.create("sqlite", database=str(directory / DATABASE_FILE))


class Database:
    """A database of this version, and the right to write to it until `close`."""

    def __init__(
        self,
        url: URL,
        read_only: bool = False,
        durability: Durability = Durability.POWER_CUT,
        accept_lost_log: bool = False,
    ) -> None:
        """
        :param read_only: to look at what a venue keeps, also while one works with it.
        :param accept_lost_log: as `DatabaseFile.check`.
        :raises StoreUnusable: with a sentence.
        :raises InUse: likewise.
        """
        self.name = url.render_as_string(hide_password=True)
        self.file = DatabaseFile(Path(url.database)) if url.get_backend_name() == "sqlite" and url.database else None
        self.run: int | None = None
        self._url, self._read_only, self._durability = url, read_only, durability
        if self.file is not None:
            if read_only and not self.file.path.exists():
                raise StoreUnusable(f"{self.name}: no venue has kept anything here")
            if not read_only:
                self.file.own()
        try:
            if self.file is not None:
                self.file.check(accept_lost_log)
            with explained(self.name):
                self.engine = self._engine()
                if read_only:
                    self._check_version()
                else:
                    self._prepare()
        except StoreUnusable:
            self.close()
            raise

    def close(self) -> None:
        """Gives it back. A venue that says what it keeps until here has left nothing behind in the log."""
        if engine := getattr(self, "engine", None):
            if self.run is not None:
                with suppress(SQLAlchemyError), engine.connect() as connection:
                    self._note(connection, is_open=False)
            engine.dispose()
        if self.file is not None:
            self.file.give_up()

    def backup(self, target: Path) -> None:
        """Copies all of it, as it is at one moment, into a file that can be put in its place; also while a venue works.

        :raises StoreUnusable: it is in no file, there is something at `target`, or it cannot be written.
        """
        if self.file is None:
            raise StoreUnusable(f"{self.name}: is in no file of SQLite's; its own tools make backups of it")
        copy = DatabaseFile(target)
        if copy.path.exists() or copy.log.exists():
            raise StoreUnusable(f"{target}: is there already; name a file that is not, or remove it first")
        copy.own()
        try:
            with self.engine.connect() as connection:
                _copied(sqlite_connection(connection), copy.path)
        except sqlite3.Error as error:
            copy.path.unlink(missing_ok=True)
            raise StoreUnusable(f"{target}: the backup was not made ({error}); make room, and start again") from None
        finally:
            copy.give_up()

    def _engine(self) -> Engine:
        engine = create_engine(self._url)
        if self.file is not None:
            event.listen(engine, "connect", self._configure)
        return engine

    def _configure(self, connection: sqlite3.Connection, _: object) -> None:
        """The driver begins no transactions by itself: it would not for what changes tables.

        With `synchronous=FULL` a commit waits until the disk has it, so that it survives a power cut. With `NORMAL` it
        is handed to the operating system, which survives the end of this process, however sudden. Checkpoints, which
        wait for the disk with both, are made beside the commits (`Checkpoints`).
        """
        connection.isolation_level = None
        connection.execute(_busy_timeout())
        if self._read_only:
            # Who looks at a venue that was killed moves nothing out of its log, and so leaves it there.
            has_log = self.file is not None and self.file.log.exists()
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)
            return
        synchronous = "FULL" if self._durability is Durability.POWER_CUT else "NORMAL"
        for setting in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "wal_autocheckpoint=0",
            f"journal_size_limit={LOG_BYTES_KEPT}",
        ):
            connection.execute(f"PRAGMA {setting}")

    def _check_version(self) -> None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table(tables.venue.name):
                raise StoreUnusable(f"{self.name}: no venue has kept anything here")
            if self._version(connection) == tables.VERSION:
                self._require_tables(connection)

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            with transaction(connection):
                found = set(inspect(connection).get_table_names())
                if not found:
                    tables.metadata.create_all(connection)
                    connection.execute(tables.venue.insert(), NOTHING_YET)
                elif not found & set(tables.metadata.tables):
                    raise StoreUnusable(
                        f"{self.name}: is another program's database; name a file that is not there yet"
                    )
                for step in range(self._version(connection), tables.VERSION):
                    tables.MIGRATIONS[step](connection)
                self._require_tables(connection)
                connection.execute(update(tables.venue).values(version=tables.VERSION, run=tables.venue.c.run + 1))
                self.run = connection.scalar(select(tables.venue.c.run))
            self._note(connection, is_open=True)

    def _note(self, connection: Connection, is_open: bool) -> None:
        """Notes in the file itself, not in its log alone, whether a venue works with it."""
        with transaction(connection):
            connection.execute(update(tables.venue).where(tables.venue.c.run == self.run).values(is_open=is_open))
        if self.file is not None:
            with connection.begin():
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()

    def _version(self, connection: Connection) -> int:
        versions = list(connection.scalars(select(tables.venue.c.version)))
        if len(versions) != 1 or type(versions[0]) is not int or versions[0] < 1:
            raise StoreUnusable(f"{self.name}: is spoilt: its version is {versions or 'missing'}; {REMEDY}")
        if versions[0] > tables.VERSION:
            raise StoreUnusable(
                f"{self.name}: was written by a newer acme-exchange (version {versions[0]} of its tables; this one "
                f"knows up to {tables.VERSION}); install that one again, or take another directory with --data"
            )
        return versions[0]

    def _require_tables(self, connection: Connection) -> None:
        inspector = inspect(connection)
        found = set(inspector.get_table_names())
        for table in tables.metadata.sorted_tables:
            columns = {column["name"] for column in inspector.get_columns(table.name)} if table.name in found else set()
            if missing := [column.name for column in table.c if column.name not in columns]:
                what = f"{table.name}.{missing[0]}" if columns else f"the table {table.name}"
                raise StoreUnusable(f"{self.name}: is spoilt: {what} is missing; {REMEDY}")


class Prepared:
    """A statement that is compiled once and led to the driver itself, for what is done thousands of times a second.

    SQLAlchemy takes several times as long as SQLite does to lead a statement there. The values go as they are: texts,
    integers, booleans and None.
    """

    def __init__(
        self, statement: Select[Any] | UpdateBase, dialect: Dialect, names: Sequence[str], is_insert: bool = False
    ) -> None:
        """
        :param names: what each value of a row is for: columns of an insert, else parameters of the statement.
        """
        compiled = statement.compile(dialect=dialect, column_keys=names if is_insert else None)
        self._sql = str(compiled)
        self._arrange: Callable[[tuple[Any, ...]], Any] | None = None
        placed = compiled.positiontup
        if placed is None:
            self._arrange = lambda row: dict(zip(names, row))
        elif list(placed) != list(names):
            places = [names.index(name) for name in placed]
            self._arrange = lambda row: tuple([row[at] for at in places])

    def execute(self, cursor: DBAPICursor, rows: Sequence[tuple[Any, ...]]) -> int:
        """Executes it for each row, one at least; how many rows of the table the last statement has found."""
        cursor.executemany(self._sql, rows if self._arrange is None else list(map(self._arrange, rows)))
        return cursor.rowcount

    def find(self, cursor: DBAPICursor, row: tuple[Any, ...]) -> Sequence[Any]:
        """The rows that it finds. All are fetched, so that no read transaction stays open."""
        cursor.execute(self._sql, row if self._arrange is None else self._arrange(row))
        return cursor.fetchall()


def sqlite_connection(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, to a database in a file."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns what a database says, or what is in it says by not fitting, into a sentence.

    :param name: the database's, without its password.
    :raises StoreUnusable: anything of that kind was raised in the block.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, ImportError) as error:
        raise StoreUnusable(
            f"{name}: cannot be used as the venue's database ({reason(error)}); {_remedy(error)}"
        ) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise StoreUnusable(f"{name}: is spoilt ({error!r}); {REMEDY}") from None


def reason(error: Exception) -> object:
    """What the driver says, without the statement and what else SQLAlchemy puts around it."""
    return getattr(error, "orig", None) or error


def is_spoilt(error: Exception) -> bool:
    """Whether the driver says that what is in the file is no database any more."""
    text = str(reason(error))
    return "malformed" in text or "not a database" in text


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """One transaction, also for what changes tables; its writes are kept once the block is left, all or none."""
    with connection.begin():
        if connection.dialect.name == "sqlite":
            _begin(connection, connection.exec_driver_sql)
        yield


class Transaction:
    """One transaction over the driver's own cursor, begun and ended by its caller.

    :ivar cursor: to write with.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = connection.connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self.cursor: DBAPICursor = self._driver.cursor()

    def begin(self) -> None:
        """Begins once no other program writes."""
        if self._is_sqlite:
            _begin(self._connection, self.cursor.execute)

    def begin_at_once(self) -> bool:
        """Begins, unless another program writes just now; of a database of SQLite's alone."""
        if self._connection.info.get(IS_PATIENT, True):
            self.cursor.execute("PRAGMA busy_timeout=0")
            self._connection.info[IS_PATIENT] = False
        try:
            self.cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            self.cursor.close()
            return False
        return True

    def commit(self) -> None:
        if self._is_sqlite:
            self.cursor.execute("COMMIT")
        else:
            self._driver.commit()
        self.cursor.close()

    def roll_back(self) -> None:
        self._driver.rollback()
        self.cursor.close()


@contextmanager
def in_transaction(connection: Connection) -> Iterator[DBAPICursor]:
    """One transaction over the driver's own cursor; likewise."""
    made = Transaction(connection)
    try:
        made.begin()
        yield made.cursor
        made.commit()
    except BaseException:
        made.roll_back()
        raise


@contextmanager
def looking_at(url: URL) -> Iterator[Connection]:
    """A connection to read a database with, also while a venue runs; all that is read is of one moment.

    :raises StoreUnusable: it is not there, or not a venue's.
    """
    database = Database(url, read_only=True)
    try:
        with database.engine.connect() as connection, moment(connection):
            yield connection
    finally:
        database.close()


@contextmanager
def moment(connection: Connection) -> Iterator[None]:
    """Everything that is read in the block is of one moment."""
    with connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield


def _busy_timeout() -> str:
    return f"PRAGMA busy_timeout={LOCKED_SECONDS * 1000}"


def _begin(connection: Connection, execute: Callable[[str], Any]) -> None:
    """Begins to write once no other program does.

    :param execute: over that connection.
    :raises Exception: the driver's, or SQLAlchemy's around it: one has done so for too long.
    """
    deadline = monotonic() + PATIENCE_SECONDS
    execute(_busy_timeout())
    connection.info[IS_PATIENT] = True
    while True:
        try:
            execute("BEGIN IMMEDIATE")
            return
        except (OperationalError, sqlite3.OperationalError) as error:
            if "locked" not in str(reason(error)) or monotonic() > deadline:
                raise
        logger.warning(
            "another program has locked the database, and nothing can be acknowledged meanwhile; end that program (the "
            "venue waits for it for %s s in all)",
            PATIENCE_SECONDS,
        )


def _remedy(error: Exception) -> str:
    text = str(reason(error))
    if "locked" in text:
        return "another program works with it: end that one, and start again"
    if "full" in text or "disk I/O" in text:
        return "make room on the disk, or take another directory with --data"
    if is_spoilt(error):
        return REMEDY
    return "mend that, or take another directory with --data"


def _copied(source: sqlite3.Connection, path: Path) -> None:
    """A database as its venue would leave it at its end, without a log."""
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        source.backup(copy)
        copy.execute("UPDATE venue SET is_open = 0")
        copy.execute("PRAGMA synchronous=FULL")
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
