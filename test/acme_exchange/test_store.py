import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import URL, func, select

from acme_exchange.accounts.keys import AccountEntry
from acme_exchange.clock import SystemClock
from acme_exchange.engine import (
    CancelOrder,
    Engine,
    FundingPaid,
    FundingSettled,
    OrderChanged,
    PlaceOrder,
    Refused,
    SetLeverage,
    Traded,
)
from acme_exchange.engine.views import Order
from acme_exchange.market import plan_markets
from acme_exchange.store import (
    Database,
    DatabaseStore,
    Durability,
    InUse,
    MemoryStore,
    OrderFilter,
    Period,
    StoreUnusable,
    database_url,
    file_url,
    memory,
)
from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.sql import checkpoints, tables
from acme_exchange.store.sql.database import in_transaction
from acme_exchange.store.sql.waits import HELD_UP, QUICK_SECONDS, SLOW_SECONDS, WEIGHT, DiskWaits
from acme_exchange.store.sql.writer import Batch, Writer
from acme_exchange.venue import Venue, planned_venue
from test.acme_exchange.venue import beat

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
EVER = Period()
NOTHING_CHANGED = {
    "now": 0,
    "funding_interval": 3600,
    "counters": {"order": 0, "trade": 0, "fill": 0, "payment": 0},
    "accounts": [],
    "markets": [],
    "holdings": [],
    "statistics": [],
}


def paid(number: int, time: int, market: str = "BTC-PERP", account: str = "alice") -> FundingPaid:
    return FundingPaid(number, account, market, "net", Decimal(number), Decimal("0.0001"), time)


def traded(number: int, time: int, price: int, size: str = "1") -> Traded:
    return Traded(number, "BTC-PERP", Decimal(price), Decimal(size), "buy", False, time)


async def test_a_page_of_payments_never_cuts_a_moment_in_two():
    store = MemoryStore()
    store.record([paid(number, time=number // 4) for number in range(12)])
    page = await store.funding_payments("alice", None, EVER, limit=5)
    assert [payment.id for payment in page] == [11, 10, 9, 8, 7, 6, 5, 4]
    rest = await store.funding_payments("alice", None, Period(end=page[-1].time - 1), limit=5)
    assert [payment.id for payment in rest] == [3, 2, 1, 0]


async def test_the_houses_records_are_not_kept():
    store = MemoryStore()
    store.record([paid(1, 1, account="@quotes"), paid(2, 1)])
    assert await store.funding_payments("@quotes", None, EVER, 10) == []
    assert len(await store.funding_payments("alice", None, EVER, 10)) == 1


async def test_rates_and_payments_of_one_market_can_be_had():
    store = MemoryStore()
    store.record([paid(1, 1), paid(2, 1, market="ETH-PERP")])
    store.record([FundingSettled(name, Decimal(1), 1) for name in ("BTC-PERP", "ETH-PERP")])
    assert [payment.id for payment in await store.funding_payments("alice", "ETH-PERP", EVER, 10)] == [2]
    assert [rate.market for rate in await store.funding_rates("ETH-PERP", EVER, 10)] == ["ETH-PERP"]
    assert len(await store.funding_rates(None, EVER, 10)) == 2


def changed(number: int, status: str, account: str = "alice") -> OrderChanged:
    """An order that is placed at second `number`, and what has become of it."""
    order = Order(
        number,
        account,
        f"mine-{number}",
        "BTC-PERP",
        "limit",
        "buy",
        Decimal(1),
        Decimal(100),
        False,
        False,
        False,
        status,
        Decimal(0),
        Decimal(status != "closed"),
        None,
        number * SECOND,
        False,
        None,
    )
    return OrderChanged(order, number * SECOND)


async def ids(store: MemoryStore, account: str = "alice", period: Period = EVER) -> list[int]:
    page = await store.orders(account, OrderFilter(), period, limit=100)
    return [order.id for order in page.records]


@pytest.fixture
def three_kept(monkeypatch) -> MemoryStore:
    monkeypatch.setattr(memory, "MOST_RECORDS_KEPT", 3)
    return MemoryStore()


async def test_of_closed_orders_the_latest_are_kept_and_of_open_ones_all(three_kept):
    store = three_kept
    for number in range(1, 9):
        owner = "bob" if number == 7 else "alice"
        store.record([changed(number, "new", owner)])
        if number != 2:
            store.record([changed(number, "closed", owner)])
    assert await ids(store) == [8, 6, 2]
    assert await ids(store, period=Period(end=7 * SECOND)) == [6, 2]
    assert await ids(store, "bob") == [7]


async def test_a_client_id_stays_used_when_its_order_is_forgotten(three_kept):
    for number in range(1, 7):
        three_kept.record([changed(number, "new"), structs.replace(changed(number, "closed"), cancelled=True)])
    assert three_kept.order("alice", 3) is None
    assert three_kept.order_by_client_id("alice", "mine-3") is None
    assert not three_kept.was_cancelled_by_client(3)
    assert three_kept.was_cancelled_by_client(4)
    assert [three_kept.has_used("alice", f"mine-{number}") for number in range(8)] == [False, *6 * [True], False]
    assert not three_kept.has_used("bob", "mine-3")


async def test_of_fills_payments_and_rates_the_latest_are_kept_over_all_accounts(three_kept):
    three_kept.record([paid(1, 1, account="bob"), paid(2, 2), paid(3, 3), paid(4, 4, account="bob"), paid(5, 5)])
    three_kept.record([FundingSettled("BTC-PERP", Decimal(number), number) for number in range(5)])
    assert [payment.id for payment in await three_kept.funding_payments("alice", None, EVER, 10)] == [5, 3]
    assert [payment.id for payment in await three_kept.funding_payments("bob", None, EVER, 10)] == [4]
    assert [settled.time for settled in await three_kept.funding_rates(None, EVER, 10)] == [4, 3, 2]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (EVER, [5, 4, 3]),
        (Period(start=4), [5, 4]),
        (Period(end=2), [2, 1, 0]),
        (Period(1, 3), [3, 2, 1]),
        (Period(9, None), []),
        (Period(3, 2), []),
    ],
)
async def test_both_ends_of_a_period_belong_to_it(period, expected):
    store = MemoryStore()
    store.record([traded(number, time=number, price=100) for number in range(6)])
    assert [trade.id for trade in await store.trades("BTC-PERP", period, limit=3)] == expected


async def candles(
    store: MemoryStore, resolution: int, now: int, period: Period = EVER, limit: int = 1501
) -> list[tuple]:
    found = await store.candles("BTC-PERP", resolution, period, now, limit)
    return [
        (
            candle.start // SECOND,
            int(candle.open),
            int(candle.high),
            int(candle.low),
            int(candle.close),
            int(candle.volume),
        )
        for candle in found
    ]


async def test_a_candle_holds_the_trades_of_its_span():
    store = MemoryStore()
    store.record([traded(1, 0, 100), traded(2, 5 * SECOND, 120), traded(3, 14 * SECOND, 90, "2")])
    store.record([traded(4, 15 * SECOND, 95)])
    assert await candles(store, 15, now=16 * SECOND) == [(0, 100, 120, 90, 90, 400), (15, 95, 95, 95, 95, 95)]
    assert await candles(store, 60, now=16 * SECOND) == [(0, 100, 120, 90, 95, 495)]


async def test_spans_without_trades_are_flat_up_to_now():
    store = MemoryStore()
    store.record([traded(1, 0, 100)])
    store.record([traded(2, 3 * MINUTE, 105)])
    flat = [(start, 100, 100, 100, 100, 0) for start in (60, 120)]
    after = [(start, 105, 105, 105, 105, 0) for start in (240, 300)]
    assert await candles(store, 60, now=5 * MINUTE) == [
        (0, 100, 100, 100, 100, 100),
        *flat,
        (180, 105, 105, 105, 105, 105),
        *after,
    ]
    assert await candles(store, 60, now=5 * MINUTE, period=Period(60 * SECOND, 120 * SECOND)) == flat
    assert await candles(store, 60, now=5 * MINUTE, period=Period(start=61 * SECOND, end=179 * SECOND)) == flat[1:]


async def test_of_too_many_candles_the_latest_are_given():
    store = MemoryStore()
    store.record([traded(1, 0, 100)])
    assert [candle[0] for candle in await candles(store, 60, now=100 * MINUTE, limit=3)] == [98 * 60, 99 * 60, 100 * 60]
    store.record([traded(2, 100 * MINUTE, 107)])
    assert [candle[4] for candle in await candles(store, 60, now=101 * MINUTE, limit=3)] == [100, 107, 107]


async def test_there_are_no_candles_before_the_first_trade_or_after_now():
    store = MemoryStore()
    assert await candles(store, 60, now=MINUTE) == []
    store.record([traded(1, 10 * MINUTE, 100)])
    assert await candles(store, 60, now=10 * MINUTE, period=Period(end=9 * MINUTE)) == []
    assert [candle[0] for candle in await candles(store, 60, now=11 * MINUTE, period=Period(end=99 * MINUTE))] == [
        600,
        660,
    ]


async def log_size(directory: Path) -> int:
    """Bytes of SQLite's write-ahead log after many batches."""
    store = DatabaseStore(Database(file_url(directory), durability=Durability.CRASH))
    store.keep_state_of(Engine(()))
    for number in range(1, 200):
        store.record([traded(number, number * HOUR, price=100)])
        await store.progress.settle()
    size = Path(f"{file_url(directory).database}-wal").stat().st_size
    await store.close()
    return size


async def test_checkpoints_made_beside_the_writing_let_the_log_begin_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "ROWS", 1_000_000)
    without = await log_size(tmp_path / "without")
    monkeypatch.setattr(checkpoints, "ROWS", 50)
    assert await log_size(tmp_path / "with") < without / 2


async def test_a_checkpoint_that_cannot_be_made_ends_the_venue(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "ROWS", 1)
    monkeypatch.setattr(checkpoints, "PASSIVE", "SELECT * FROM nowhere")
    store = DatabaseStore(Database(file_url(tmp_path)))
    store.keep_state_of(Engine(()))
    with pytest.raises(StoreFailed, match="nowhere"):
        for number in range(1, 1000):
            store.record([traded(number, 0, price=100)])
            await store.progress.settle()
    with pytest.raises(StoreFailed):
        await store.close()


def test_a_disk_that_is_quick_is_waited_for_here_and_a_slow_one_holds_up_nobody_for_long():
    waits, now = DiskWaits(), 0.0
    for _ in range(100):
        assert waits.are_short(now)
        waits.note(QUICK_SECONDS / 4, now)
    waits.note(SLOW_SECONDS, now)
    assert not waits.are_short(now + SLOW_SECONDS / HELD_UP * 0.99)
    assert waits.are_short(now + SLOW_SECONDS / HELD_UP)
    held_up = 0.0
    while now < 100:
        if waits.are_short(now):
            now += QUICK_SECONDS * 3
            held_up += QUICK_SECONDS * 3
            waits.note(QUICK_SECONDS * 3, now)
        now += 0.004
    assert 0 < held_up <= 100 * HELD_UP + QUICK_SECONDS * 3 / WEIGHT


HOLDER = AccountEntry("ann", Decimal(10_000), ())
ORDER = PlaceOrder("ann", "BTC-PERP", "buy", "limit", Decimal("0.01"), Decimal(60_000))


@asynccontextmanager
async def kept_venue(url: URL) -> AsyncIterator[Venue]:
    """A venue without liquidity, which goes on with what the database holds."""
    clock = SystemClock()
    store = DatabaseStore(Database(url))
    try:
        venue = planned_venue(clock, plan_markets(clock.now(), 7, liquidity=False), [HOLDER], store=store)
        beat(venue)
        yield venue
        await venue.progress.settle()
    finally:
        await store.close()


@pytest.mark.parametrize(
    "changed",
    [{}, {"LARGE_BATCH": -1}, {"DiskWaits.are_short": lambda *_: False}],
    ids=["here", "there", "committed there"],
)
async def test_a_restart_goes_on_with_the_orders_in_their_queue_and_repeats_no_id(tmp_path, monkeypatch, changed):
    for name, value in changed.items():
        monkeypatch.setattr(f"acme_exchange.store.sql.store.{name}", value)
    url = database_url(f"sqlite:///{tmp_path / 'anywhere.db'}")
    async with kept_venue(url) as venue:
        for number in range(4):
            venue.execute(replace(ORDER, client_id=f"mine-{number}"))
        venue.execute(CancelOrder("ann", client_id="mine-1"))
        venue.execute(SetLeverage("ann", 7))
        before = venue.engine.open_orders("ann"), venue.engine.account("ann")
    async with kept_venue(url) as venue:
        assert (venue.engine.open_orders("ann"), venue.engine.account("ann")) == before
        for used in ("mine-0", "mine-1"):
            with pytest.raises(Refused, match="Duplicate client order ID"):
                venue.execute(replace(ORDER, client_id=used))
        venue.execute(ORDER)
        found = await venue.store.orders("ann", OrderFilter(), EVER, limit=10)
        assert [order.id for order in found.records] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path, read_only):
    Database(file_url(tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / "venue.sqlite")) as database:
        database.executescript(f"UPDATE venue SET version = {tables.VERSION + 1}")
        before = database.execute("SELECT * FROM venue").fetchall()
        with pytest.raises(StoreUnusable, match="was written by a newer acme-exchange .* install that one again, or"):
            Database(file_url(tmp_path), read_only)
        assert database.execute("SELECT * FROM venue").fetchall() == before


async def test_one_venue_at_a_time_has_a_database(tmp_path):
    database = Database(file_url(tmp_path))
    with pytest.raises(InUse, match="another venue works with it"):
        Database(file_url(tmp_path))
    database.close()
    Database(file_url(tmp_path)).close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("no url", "--database: write a URL such as sqlite:////home/you/venue.sqlite"),
        ("mystery://somebody:secret@here/there", "cannot be used as the venue's database"),
    ],
)
async def test_a_url_that_leads_to_no_database_is_one_sentence_without_its_password(url, sentence):
    with pytest.raises(StoreUnusable, match=sentence) as raised:
        Database(database_url(url))
    assert "secret" not in str(raised.value)


async def test_what_the_writer_knows_of_prices_does_not_grow_over_days(tmp_path):
    database = Database(file_url(tmp_path), durability=Durability.CRASH)
    with database.engine.connect() as connection:
        with connection.begin():
            writer = Writer(connection)
        for bucket in range(1, 1000):
            row = {"market": "BTC-PERP", "bucket": bucket, "price": "1", "volume": "0"}
            batch = Batch(bucket, changes=NOTHING_CHANGED | {"statistics": [row]})
            with in_transaction(connection) as cursor:
                writer.write(cursor, batch)
        with connection.begin():
            assert connection.scalar(select(func.min(tables.statistics.c.bucket))) == 999 - 288
    assert len(writer._tables[tables.statistics].known) == 2 * 288 + 1
    database.close()
