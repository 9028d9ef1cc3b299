"""An account's past as the page has it: the same from memory and from a database, and with the ledger's every digit."""

from collections.abc import AsyncIterator

import pytest

from acme_exchange.market import plan_markets
from acme_exchange.page.equity import equity_curve
from acme_exchange.store import Database, DatabaseStore, MemoryStore, Period, file_url
from acme_exchange.venue import Venue, planned_venue
from test.acme_exchange.venue import ALICE, BOB, MORNING, ManualClock, beat, place

MINUTE = 60
INTERVAL = 5 * MINUTE


@pytest.fixture(params=["memory", "database"])
async def traded(request, tmp_path) -> AsyncIterator[Venue]:
    """Alice bought 0.1 at 65,000, sold half of it at 65,200 three minutes later, and paid funding meanwhile."""
    clock = ManualClock(MORNING)
    store = MemoryStore() if request.param == "memory" else DatabaseStore(Database(file_url(tmp_path)))
    venue = planned_venue(clock, plan_markets(clock.now(), 7, liquidity=False), [ALICE, BOB], INTERVAL, store)
    try:
        beat(venue)
        trade(venue, "buy", 65_000, "0.1")
        for _ in range(6):
            clock.advance(MINUTE / 2)
            beat(venue)
        trade(venue, "sell", 65_200, "0.05")
        # Bids and asks above the index: whoever is long pays.
        place(venue, "bob", "buy", "0.01", 65_800)
        place(venue, "bob", "sell", "0.01", 66_000)
        for _ in range(10):
            clock.advance(INTERVAL / 10)
            beat(venue)
        yield venue
    finally:
        await store.close()


def trade(venue: Venue, side: str, price: int, size: str) -> None:
    """Alice's order rests, and Bob meets it."""
    place(venue, "alice", side, size, price)
    place(venue, "bob", "sell" if side == "buy" else "buy", size, None)


async def test_the_ledger_adds_up_to_the_balance_to_the_last_digit(traded: Venue):
    entries = await traded.store.ledger("alice", Period(), 100)

    assert [entry.kind for entry in entries if entry.kind != "funding"] == ["fill", "fill", "deposit"]
    assert any(entry.kind == "funding" and entry.funding for entry in entries)
    assert sum(entry.amount for entry in entries) == traded.engine.balance("alice").total


async def test_a_page_of_the_ledger_never_cuts_a_moment_in_two(traded: Venue):
    everything = await traded.store.ledger("alice", Period(), 100)
    pages, end = [], None
    while page := await traded.store.ledger("alice", Period(end=end), 1):
        pages += page
        end = page[-1].time - 1

    assert pages == everything


async def test_the_equity_is_exact_now_and_reckoned_back_to_the_deposit(traded: Venue):
    curve = await equity_curve(traded, "alice", MINUTE)

    state = traded.engine.account("alice")
    assert curve.equity == state.total_account_value
    assert curve.profit == state.total_account_value - 10_000
    assert curve.points[-1][1:] == (float(curve.equity), float(curve.profit))
    first_minute = curve.points[0]
    fee = 65_000 * 0.1 * 0.0002
    assert first_minute[1] == pytest.approx(10_000 - fee), "the price at which was bought is the minute's last"
    assert len(curve.points) == 9
    cash = [entry for entry in await traded.store.ledger("alice", Period(), 100) if entry.kind != "deposit"]
    assert curve.profit == sum(entry.amount for entry in cash) + sum(
        position.unrealized_profit for position in state.positions
    )


async def test_spans_that_hold_nothing_change_nothing(traded: Venue):
    coarse = await equity_curve(traded, "bob", 3600)

    assert [point[1] for point in coarse.points] == [float(traded.engine.account("bob").total_account_value)]
