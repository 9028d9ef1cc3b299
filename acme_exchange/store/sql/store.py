"""Keeps history, and all else that must survive the process, in a database.

Commands are carried out at once; what they caused is gathered into a batch, and each batch is one transaction. It is
written in the event loop's own thread: two that both run Python hold each other up at every statement. It is committed
in another, which waits for the disk while the next one gathers, unless the disk is quick (`DiskWaits`). A large batch,
one that another program's lock holds up, and any of a database that is no file of SQLite's is written there, too.
Nothing leaves the venue before its batch is kept (`Progress`).
"""

import asyncio
import sqlite3
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Concatenate

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from acme_exchange.accounts.keys import AccountSettings, ApiKey
from acme_exchange.engine.events import Event, Filled, FundingPaid, FundingSettled, Traded
from acme_exchange.engine.views import Order
from acme_exchange.store.ledger import Deposits, Entry, Flow
from acme_exchange.store.progress import Progress, StoreFailed
from acme_exchange.store.sql import keys, ledger, reader, rows, soundness, tables
from acme_exchange.store.sql.checkpoints import Checkpoints
from acme_exchange.store.sql.database import (
    Database,
    Prepared,
    Transaction,
    explained,
    in_transaction,
    is_spoilt,
    reason,
)
from acme_exchange.store.sql.file import REMEDY, StoreUnusable
from acme_exchange.store.sql.waits import DiskWaits
from acme_exchange.store.sql.writer import Batch, Writer
from acme_exchange.store.store import Candle, ChangingState, FillFilter, FirstStart, OrderFilter, Page, Period

GATHER_SECONDS = 0.004
"""Between the beginnings of two transactions, at least: a transaction costs a good part of that."""
LARGE_BATCH = 300
"""Events of a batch that would hold up the event loop for too long, were it written there."""
IDLE_SECONDS = 1.0
"""How long what nobody waits for, such as the index, may stay unkept."""

_BY_ID = select(tables.orders).where(
    tables.orders.c.id == bindparam("id"), tables.orders.c.account == bindparam("account")
)
_BY_CLIENT_ID = select(tables.orders).where(
    tables.orders.c.account == bindparam("account"), tables.orders.c.client_id == bindparam("client_id")
)
_WAS_CANCELLED = select(tables.orders.c.cancelled_by_client).where(tables.orders.c.id == bindparam("id"))
_IS_USED = select(tables.orders.c.id).where(
    tables.orders.c.account == bindparam("account"), tables.orders.c.client_id == bindparam("client_id")
)


class DatabaseStore:
    """A :class:`Store` that survives a `kill -9`, and a power cut unless its database was opened to be faster.

    What is closed or past is in the database alone, not in memory.
    """

    def __init__(self, database: Database) -> None:
        """:raises StoreUnusable: what is in the database cannot be gone on from; it is closed then."""
        self.progress = Progress()
        self.database = database
        self.address: str | None = database.name
        self.file = database.file.path if database.file else None
        # One connection each: for looking up single orders, and for writing, in one thread at a time.
        self._lookups = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._cursor = self._lookups.connection.cursor()
        self._is_used = Prepared(_IS_USED, database.engine.dialect, ("account", "client_id"))
        self._writing = database.engine.connect()
        try:
            with explained(database.name), self._writing.begin():
                self._writer = self._read_all()
        except StoreUnusable:
            self._disconnect()
            raise
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_thread = ThreadPoolExecutor(1, "store-reader")
        self._checkpoints = Checkpoints(database, self._writing)
        self._waits = DiskWaits()
        self._take_changes: Callable[[], dict[str, Any]] = dict
        self._gathering = Batch(number=1)
        self._committing: Batch | None = None
        self._done: Future[None] | None = None
        self._timer: TimerHandle | None = None
        self._latest_handover = 0.0
        self._has_news = False
        self._failure: StoreFailed | None = None
        self._unspoilt = _Unspoilt(self._fail)

    def _read_all(self) -> Writer:
        soundness.check_pages(self._writing, self.database.name)
        self.state = reader.engine_state(self._writing)
        soundness.check_state(self._writing, self.state, self.database.name)
        self.first_start = reader.first_start(self._writing)
        self.keyring = keys.keyring(self._writing)
        return Writer(self._writing)

    def begin(self, first_start: FirstStart) -> None:
        self.first_start = first_start
        with self._writing.begin():
            self._writing.execute(update(tables.venue).values(began=first_start.time, first_seed=first_start.seed))

    def keep_state_of(self, engine: ChangingState) -> None:
        self._take_changes = engine.take_changes

    def record(self, events: Sequence[Event]) -> None:
        """Keeps what one command has caused, all of it or nothing.

        :raises StoreFailed: it could not keep what came before.
        """
        if self._failure is not None:
            raise self._failure
        self._has_news = True
        if self._gathering.note(events):
            self._hurry()
        elif self._timer is None and self._committing is None:
            self._hand_over_in(IDLE_SECONDS)

    def add_key(self, key: ApiKey) -> None:
        self.keyring.add(key)
        self._gathering.keys.append(key)
        self._hurry()

    def set_account(self, account: str, settings: AccountSettings) -> None:
        self.keyring.set(account, settings)
        self._gathering.settings[account] = settings
        self._hurry()

    def revoke_key(self, key: str) -> None:
        self.keyring.revoke(key)
        self._gathering.revoked.append(key)
        self._hurry()

    async def close(self) -> None:
        try:
            while self._failure is None and (self._committing is not None or self._has_news):
                await (self._done or self._hand_over())
            if self._failure is not None:
                raise self._failure
        finally:
            self._checkpoints.close()
            self._write_thread.shutdown()
            self._read_thread.shutdown()
            self._disconnect()

    def _disconnect(self) -> None:
        self._writing.close()
        self._cursor.close()
        self._lookups.close()
        self.database.close()

    def has_used(self, account: str, client_id: str) -> bool:
        name = account, client_id
        if name in self._gathering.client_ids or (self._committing and name in self._committing.client_ids):
            return True
        with self._unspoilt:
            return bool(self._is_used.find(self._cursor, name))

    def use(self, account: str, client_id: str) -> None:
        """Nothing: the order that is recorded right after says it."""

    def order(self, account: str, order_id: int) -> Order | None:
        for batch in self._unkept():
            if order_id in batch.orders:
                order = batch.orders[order_id].order
                return order if order.account == account else None
        row = self._looked_up(_BY_ID, id=order_id, account=account)
        return None if row is None else rows.order_of(row)

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        for batch in self._unkept():
            if (account, client_id) in batch.client_ids:
                return self.order(account, batch.client_ids[account, client_id])
        row = self._looked_up(_BY_CLIENT_ID, account=account, client_id=client_id)
        return None if row is None else self.order(account, row.id)

    def was_cancelled_by_client(self, order_id: int) -> bool:
        for batch in self._unkept():
            if order_id in batch.orders:
                return batch.orders[order_id].cancelled
        row = self._looked_up(_WAS_CANCELLED, id=order_id)
        return row is not None and row.cancelled_by_client

    async def orders(
        self, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Order]:
        return await self._read(reader.orders, account, accepted, period, limit, oldest_first)

    async def fills(
        self, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Filled]:
        return await self._read(reader.fills, account, accepted, period, limit, oldest_first)

    async def funding_payments(self, account: str, market: str | None, period: Period, limit: int) -> list[FundingPaid]:
        return await self._read(reader.funding_payments, account, market, period, limit)

    async def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        return await self._read(reader.funding_rates, market, period, limit)

    async def ledger(self, account: str, period: Period, limit: int) -> list[Entry]:
        return await self._read(reader.ledger, account, period, limit)

    async def deposits(self) -> dict[str, Deposits]:
        return await self._read(ledger.deposits)

    async def flows(self, account: str, span: int, start: int, until: int) -> list[Flow]:
        return await self._read(ledger.flows, account, span, start, until)

    async def trades(self, market: str, period: Period, limit: int, least_id: int = 0) -> list[Traded]:
        return await self._read(reader.trades, market, period, limit, least_id)

    async def candles(self, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
        return await self._read(reader.candles, market, resolution, period, now, limit)

    async def _read[**P, R](
        self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs
    ) -> R:
        """What a query finds, once all that has happened so far can be found."""
        await self.progress.settle()

        def run() -> R:
            with self.database.engine.connect() as connection:
                return query(connection, *arguments, **named)

        with self._unspoilt:
            return await asyncio.get_running_loop().run_in_executor(self._read_thread, run)

    def _unkept(self) -> list[Batch]:
        """The batches that the database does not have yet, the later first."""
        return [self._gathering] if self._committing is None else [self._gathering, self._committing]

    def _looked_up(self, query: Any, **parameters: Any) -> Any:
        with self._unspoilt:
            return self._lookups.execute(query, parameters).first()

    def _hurry(self) -> None:
        """Has the batch written soon: somebody will wait for what was just noted."""
        self._has_news = True
        if self.progress.recorded == self._gathering.number:
            return
        self.progress.recorded = self._gathering.number
        if self._committing is None:
            self._hand_over_in(self._latest_handover + GATHER_SECONDS - _loop().time())

    def _hand_over_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = _loop().call_later(max(0.0, seconds), self._hand_over)

    def _hand_over(self) -> Future[None]:
        """Hands the batch that gathers to who writes it, and begins the next; done when that is written, or is not."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = _loop()
        self._latest_handover = loop.time()
        self._has_news = False
        batch, self._gathering = self._gathering, Batch(self._gathering.number + 1)
        batch.changes = self._take_changes()
        self._committing = batch
        done = self._done = loop.create_future()
        try:
            begun = self._written_here(batch)
        except Exception as error:
            loop.call_soon(self._written, batch, done, error)
            return done
        if begun is not None and self._waits.are_short(monotonic()) and not self._checkpoints.is_behind:
            loop.call_soon(self._written, batch, done, self._finish_here(begun, batch))
        else:
            self._write_thread.submit(self._finish_there, begun, batch, loop, done)
        return done

    def _written_here(self, batch: Batch) -> Transaction | None:
        """The transaction that the batch is in, to be committed; None when it is to be written in the other thread."""
        if self.file is None or batch.events > LARGE_BATCH:
            return None
        begun = Transaction(self._writing)
        if not begun.begin_at_once():
            return None
        try:
            self._writer.write(begun.cursor, batch)
        except BaseException:
            begun.roll_back()
            raise
        return begun

    def _finish_here(self, begun: Transaction, batch: Batch) -> Exception | None:
        before = monotonic()
        error = self._finish(begun, batch, may_wait=False)
        after = monotonic()
        self._waits.note(after - before, after)
        return error

    def _finish_there(
        self, begun: Transaction | None, batch: Batch, loop: AbstractEventLoop, done: Future[None]
    ) -> None:
        """In the other thread."""
        error = self._finish(begun, batch, may_wait=True)
        loop.call_soon_threadsafe(self._written, batch, done, error)

    def _finish(self, begun: Transaction | None, batch: Batch, may_wait: bool) -> Exception | None:
        """Commits a batch, having written it if need be. An error means that it is not kept, and ends the venue."""
        try:
            if begun is None:
                with in_transaction(self._writing) as cursor:
                    self._writer.write(cursor, batch)
            else:
                _commit(begun)
            self._checkpoints.follow_batch(may_wait)
        except Exception as error:
            return error
        return None

    def _written(self, batch: Batch, done: Future[None], error: Exception | None) -> None:
        if error is None:
            self.progress.keep(batch.number)
            if self._checkpoints.has_rest:
                self._write_thread.submit(self._move_rest, _loop(), done)
                return
        self._go_on(done, error)

    def _move_rest(self, loop: AbstractEventLoop, done: Future[None]) -> None:
        """In the other thread, between two batches."""
        error = None
        try:
            self._checkpoints.move_rest()
        except Exception as raised:
            error = raised
        loop.call_soon_threadsafe(self._go_on, done, error)

    def _go_on(self, done: Future[None], error: Exception | None) -> None:
        """Nobody else uses the connection now: the next batch may be written."""
        self._done = None
        done.set_result(None)
        if error is not None:
            self._fail(error)
            return
        self._committing = None
        if self.progress.recorded == self._gathering.number:
            self._hand_over_in(self._latest_handover + GATHER_SECONDS - _loop().time())
        elif self._has_news:
            self._hand_over_in(IDLE_SECONDS)

    def _fail(self, error: Exception) -> StoreFailed:
        failure = self._failure = _failure(error)
        self.progress.fail(failure)
        return failure


class _Unspoilt:
    """Ends the venue when a look at the database finds that it is spoilt: what it would say next may be wrong.

    :raises StoreFailed: it is.
    """

    def __init__(self, fail: Callable[[Exception], StoreFailed]) -> None:
        self._fail = fail

    def __enter__(self) -> None:
        """Looking begins."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, SQLAlchemyError | sqlite3.Error) and is_spoilt(error):
            raise self._fail(error) from None


def _commit(begun: Transaction) -> None:
    try:
        begun.commit()
    except BaseException:
        begun.roll_back()
        raise


def _loop() -> AbstractEventLoop:
    return asyncio.get_running_loop()


def _failure(error: Exception) -> StoreFailed:
    if isinstance(error, StoreFailed):
        return error
    what = reason(error) if isinstance(error, SQLAlchemyError | sqlite3.Error) else repr(error)
    if is_spoilt(error):
        return StoreFailed(f"The venue ends: its database is spoilt ({what}); {REMEDY}.")
    return StoreFailed(f"What happens cannot be kept any more ({what}); the venue ends, and has lost nothing it said.")
