"""A database that is not as a venue left it is noticed and refused, in a sentence; and a backup can be gone on from."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import URL

from acme_exchange.accounts.keys import AccountEntry, AccountSettings, KeyEntry
from acme_exchange.clock import SystemClock
from acme_exchange.engine import CancelOrders, OrderChanged, PlaceOrder
from acme_exchange.market import plan_markets
from acme_exchange.store import Database, DatabaseStore, Durability, InUse, StoreUnusable, database_url, file_url
from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.sql import checkpoints, database as opening
from acme_exchange.store.sql.ledger import account_lines
from acme_exchange.venue import Venue, planned_venue
from test.acme_exchange.venue import beat

HOLDERS = [AccountEntry(name, Decimal(10_000), (KeyEntry(f"{name}-key", False, "s"),)) for name in ("ann", "bea")]
FAST = {"durability": Durability.CRASH}


def opened(url: URL, **options) -> Venue:
    """A venue with two accounts and no liquidity, which goes on with what the database holds."""
    clock = SystemClock()
    store = DatabaseStore(Database(url, **FAST, **options))
    venue = planned_venue(clock, plan_markets(clock.now(), 7, liquidity=False), HOLDERS, store=store)
    beat(venue)
    return venue


async def trade(venue: Venue) -> None:
    """Ann buys of Bea, and rests a bid."""
    for account, side, size in (("bea", "sell", "0.01"), ("ann", "buy", "0.02")):
        price = venue.engine.market("BTC-PERP").mark.quantize(Decimal(1))
        venue.execute(PlaceOrder(account, "BTC-PERP", side, "limit", Decimal(size), price))
    await venue.progress.settle()


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    """The database of a venue that traded and has ended."""
    venue = opened(file_url(tmp_path))
    await trade(venue)
    await venue.store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["venue.sqlite"]
    return tmp_path / "venue.sqlite"


def url_of(path: Path) -> URL:
    return database_url(f"sqlite:///{path}")


def refusal(path: Path, **options) -> str:
    """Why a venue does not start, and nobody can look; that is the same the second time, and in one sentence."""
    sentences = []
    for _ in range(2):
        with pytest.raises(StoreUnusable) as raised:
            DatabaseStore(Database(url_of(path), **FAST, **options))
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]
    assert "\n" not in sentences[0] and ";" in sentences[0], "it says what to do"
    return sentences[0]


async def test_many_rows_that_change_together_are_each_kept_as_they_are(tmp_path):
    """Some of them in one statement: 40 orders, part of which fill, and then all are cancelled, in one batch."""
    venue = opened(file_url(tmp_path))
    latest = {}
    venue.listen(lambda events: latest.update({e.order.id: e for e in events if isinstance(e, OrderChanged)}))
    markets = ("BTC-PERP", "ETH-PERP", "SOL-PERP")
    for number in range(40):
        name = markets[number % 3]
        price = venue.engine.market(name).mark.quantize(Decimal(1)) - 1 - number // 3
        venue.execute(PlaceOrder("ann", name, "buy", "limit", Decimal("0.1"), price, client_id=f"mine-{number}"))
    await venue.progress.settle()
    for name in markets:
        venue.execute(PlaceOrder("bea", name, "sell", "market", Decimal("0.15")))
    venue.execute(CancelOrders("ann"))
    expected = venue.engine.snapshot()
    await venue.store.close()
    store = DatabaseStore(Database(file_url(tmp_path), **FAST))
    assert len(latest) == 43
    for change in latest.values():
        assert store.order(change.order.account, change.order.id) == change.order
        assert store.was_cancelled_by_client(change.order.id) == change.cancelled
    for table, least in (("accounts", 3), ("holdings", 6), ("markets", 3)):
        assert len(store.state[table]) >= least
        assert [row for row in store.state[table] if row not in expected[table]] == []
    await store.close()


# The log


async def test_a_copy_without_the_log_is_refused_also_by_who_looks(tmp_path):
    copy = tmp_path / "copy" / "venue.sqlite"
    copy.parent.mkdir()
    venue = opened(file_url(tmp_path))
    try:
        await trade(venue)
        shutil.copyfile(tmp_path / "venue.sqlite", copy)
    finally:
        await venue.store.close()
    assert f"{copy}-wal: is missing, and with it what happened last" in refusal(copy)
    assert "is missing, and with it what happened last" in refusal(copy, read_only=True)
    venue = opened(url_of(copy), accept_lost_log=True)
    await venue.store.close()


async def test_with_its_log_it_is_the_venue_that_was_killed(tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    venue = opened(file_url(tmp_path))
    try:
        await trade(venue)
        for name in ("venue.sqlite", "venue.sqlite-wal"):
            shutil.copyfile(tmp_path / name, copy / name)
        before = venue.engine.positions("ann")
    finally:
        await venue.store.close()
    Database(file_url(copy), read_only=True).close()  # who looks leaves the log where it is
    venue = opened(file_url(copy))
    assert venue.engine.positions("ann") == before != []
    await venue.store.close()


async def test_a_log_without_its_database_is_no_new_venue(tmp_path):
    (tmp_path / "venue.sqlite-wal").write_bytes(b"what happened last")
    assert "is missing or empty, but venue.sqlite-wal is there" in refusal(tmp_path / "venue.sqlite")
    assert (tmp_path / "venue.sqlite-wal").read_bytes() == b"what happened last"


async def test_time_goes_on_from_what_was_kept(tmp_path, monkeypatch):
    """The machine was two hours ahead once: the engine's time, clients' and signatures' stay one."""
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + 7_200 * 10**9)
    venue = opened(file_url(tmp_path))
    await trade(venue)
    await venue.store.close()
    monkeypatch.undo()
    venue = opened(file_url(tmp_path))
    assert 7_190 < venue.clock.ahead() / 1_000_000 <= 7_200
    order = PlaceOrder("ann", "BTC-PERP", "buy", "limit", Decimal("0.01"), Decimal(60_000))
    venue.execute(replace(order, reject_after=venue.clock.now() + 5_000_000))
    await venue.store.close()


async def test_what_the_owner_set_for_an_account_stays_set(tmp_path):
    venue = opened(file_url(tmp_path))
    venue.store.set_account("ann", AccountSettings(disabled=True, orders=50))
    await venue.store.close()
    venue = opened(file_url(tmp_path))
    assert list(venue.keys) == ["bea-key"]
    assert venue.store.keyring.settings("ann") == AccountSettings(disabled=True, orders=50)
    venue.store.set_account("ann", AccountSettings())
    await venue.store.close()
    venue = opened(file_url(tmp_path))
    assert sorted(venue.keys) == ["ann-key", "bea-key"]
    await venue.store.close()


async def test_accounts_are_listed_with_what_they_have_and_their_profit(kept: Path):
    looking = Database(url_of(kept), read_only=True)
    with looking.engine.connect() as connection:
        ann, bea = account_lines(connection)
    looking.close()
    assert (ann.name, ann.deposits, ann.settings) == ("ann", 10_000, AccountSettings())
    assert ann.equity + bea.equity < 20_000, "fees were paid"
    assert ann.profit == ann.equity - 10_000 == ann.fields()["profit"]


# Backups


async def test_a_backup_that_is_made_while_it_runs_can_be_gone_on_from(tmp_path):
    venue = opened(file_url(tmp_path))
    await trade(venue)
    before, backup = venue.engine.positions("ann"), tmp_path / "backup.sqlite"
    looking = Database(file_url(tmp_path), read_only=True)
    looking.backup(backup)
    await trade(venue)
    with pytest.raises(StoreUnusable, match="is there already; name a file that is not"):
        looking.backup(backup)
    looking.close()
    assert backup.stat().st_mode & 0o777 == 0o600
    shutil.copyfile(backup, tmp_path / "restored.sqlite")
    restored = opened(url_of(tmp_path / "restored.sqlite"))
    assert restored.engine.positions("ann") == before
    await restored.store.close()

    (tmp_path / "stale.sqlite-wal").write_bytes((tmp_path / "venue.sqlite-wal").read_bytes())
    await venue.store.close()
    backup.rename(tmp_path / "stale.sqlite")
    assert "belongs to another database than the backup" in refusal(tmp_path / "stale.sqlite")


# One venue at a time


@pytest.mark.parametrize("way", ["symbolic link", "hard link", "other way to write it"])
async def test_no_other_name_leads_past_the_lock(tmp_path, way):
    Database(file_url(tmp_path), **FAST).close()
    file, other = tmp_path / "venue.sqlite", tmp_path / "elsewhere" / "other.sqlite"
    other.parent.mkdir()
    if way == "symbolic link":
        other.symlink_to(file)
    elif way == "hard link":
        other.hardlink_to(file)
    else:
        other = other.parent / ".." / "venue.sqlite"
    database = Database(file_url(tmp_path), **FAST)
    with pytest.raises(InUse, match="another venue works with it"):
        Database(url_of(other), **FAST)
    database.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sqlite:///file:venue.sqlite?uri=true", "name the file alone"),
        ("sqlite:///venue.sqlite?nolock=1", "name the file alone"),
        ("sqlite://", "name a file behind sqlite:///"),
        ("nonsense", "write a URL such as"),
    ],
)
def test_a_url_that_leads_past_the_lock_is_refused(text, sentence):
    with pytest.raises(StoreUnusable, match=sentence):
        database_url(text)


# Spoilt


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE accounts SET cash = 'much' WHERE name = 'ann'", "accounts.cash of 3 is 'much'"),
        ("UPDATE accounts SET cash = 'NaN' WHERE name = 'ann'", "accounts.cash of 3 is 'NaN'"),
        ("UPDATE accounts SET cash = '9' || cash WHERE name = 'ann'", "USD were deposited"),
        ("UPDATE accounts SET mode = 'both' WHERE name = 'ann'", "accounts.mode of 3 is 'both'"),
        ("UPDATE accounts SET leverage = 'ten' WHERE name = 'ann'", "accounts.leverage of 3 is 'ten'"),
        ("UPDATE holdings SET size = '7' WHERE account = 'ann'", "positions in BTC-PERP are .* in sum, not 0"),
        ("UPDATE orders SET side = 'bye' WHERE status = 'open'", "orders.side of 2 is 'bye'"),
        ("DELETE FROM accounts WHERE name = 'ann'", "is missing"),
        ("DELETE FROM accounts", "the rows of accounts are missing"),
        ("DELETE FROM venue", "its version is missing"),
        ("UPDATE venue SET version = 0", "its version is"),
        ("UPDATE venue SET version = -1", "its version is"),
        ("DROP TABLE fills", "the table fills is missing"),
        ("DROP TABLE venue", "venue"),
        ("ALTER TABLE fills DROP COLUMN fee", "fills.fee is missing"),
    ],
)
async def test_what_does_not_fit_is_a_sentence(kept: Path, change: str, sentence: str):
    with closing(sqlite3.connect(kept)) as connection:
        connection.executescript(change)
    with pytest.raises(StoreUnusable, match=sentence):
        DatabaseStore(Database(url_of(kept), **FAST))
    assert refusal(kept)


@pytest.mark.parametrize("table", ["accounts", "holdings", "venue"])
async def test_bytes_that_were_flipped_are_found(kept: Path, table: str):
    with closing(sqlite3.connect(kept)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(kept.read_bytes())
    content[(page - 1) * size : (page - 1) * size + 64] = bytes(64 * [0x5A])
    kept.write_bytes(content)
    assert "put a backup in its place" in refusal(kept)


@pytest.mark.parametrize("content", [b"not a database at all, but text", b"SQLite format 3\0", b"\0" * 4096])
async def test_what_is_no_database_is_left_alone(tmp_path, content):
    (tmp_path / "venue.sqlite").write_bytes(content)
    refusal(tmp_path / "venue.sqlite")
    assert (tmp_path / "venue.sqlite").read_bytes() == content


async def test_another_programs_database_is_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / "songs.sqlite")) as connection:
        connection.executescript("CREATE TABLE songs (title TEXT)")
    assert "is another program's database" in refusal(tmp_path / "songs.sqlite")


async def test_history_that_is_spoilt_ends_the_venue_when_it_is_found(kept: Path):
    with closing(sqlite3.connect(kept)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders_by_client_id'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(kept.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size * [0x5A])
    kept.write_bytes(content)
    venue = opened(url_of(kept))
    with pytest.raises(StoreFailed, match="malformed.* put a backup in its place"):
        venue.store.order_by_client_id("ann", "mine")
    assert venue.progress.failed.is_set()
    with pytest.raises(StoreFailed):
        await venue.store.close()


# Other programs


async def test_another_programs_lock_is_waited_out_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(opening, "LOCKED_SECONDS", 0.01)
    venue = opened(file_url(tmp_path))
    with closing(sqlite3.connect(tmp_path / "venue.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        recorded = venue.progress.recorded
        venue.execute(PlaceOrder("ann", "BTC-PERP", "buy", "limit", Decimal("0.01"), Decimal(60_000)))
        while "another program has locked the database" not in caplog.text:
            await asyncio.sleep(0)
        assert venue.progress.durable <= recorded + 1
        other.execute("ROLLBACK")
    await venue.progress.settle()
    await venue.store.close()


async def test_a_lock_that_never_ends_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LOCKED_SECONDS", 0.01)
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.05)
    venue = opened(file_url(tmp_path))
    await venue.progress.settle()
    with closing(sqlite3.connect(tmp_path / "venue.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        venue.execute(PlaceOrder("ann", "BTC-PERP", "buy", "limit", Decimal("0.01"), Decimal(60_000)))
        with pytest.raises(StoreFailed, match="database is locked"):
            await venue.progress.settle()
    with pytest.raises(StoreFailed):
        await venue.store.close()


async def test_a_reader_that_stays_is_told_of_and_the_log_is_bounded(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(checkpoints, "ROWS", 1)
    monkeypatch.setattr(checkpoints, "LARGE_LOG_BYTES", 100_000)
    monkeypatch.setattr(checkpoints, "LARGEST_LOG_BYTES", 400_000)
    venue = opened(file_url(tmp_path))
    with closing(sqlite3.connect(tmp_path / "venue.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM venue").fetchall()
        with pytest.raises(StoreFailed, match="another program has read the database in one transaction"):
            for _ in range(10_000):
                await trade(venue)
    assert "its log has grown to" in caplog.text
    with pytest.raises(StoreFailed):
        await venue.store.close()
