"""What a market did after each fill, kept as time passes."""

from pathlib import Path

import pytest

from acme_exchange.market import plan_markets
from acme_exchange.mid_prices import FILE_NAME, MidPriceRecorder, read_mid_prices
from acme_exchange.venue import Venue, planned_venue
from test.acme_exchange.venue import ALICE, BOB, MORNING, ManualClock, beat, place


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
def venue(clock: ManualClock, tmp_path: Path) -> Venue:
    venue = planned_venue(clock, plan_markets(clock.now(), 7, liquidity=False), [ALICE, BOB])
    venue.listen(MidPriceRecorder(venue.engine, clock, tmp_path).listen)
    beat(venue)
    return venue


def test_each_fill_is_followed_by_its_mid_prices(venue: Venue, clock: ManualClock, tmp_path: Path):
    place(venue, "alice", "buy", "0.1", 65_000)
    place(venue, "bob", "sell", "0.1", 65_000)
    place(venue, "alice", "buy", "0.1", 64_990)
    place(venue, "bob", "sell", "0.1", 65_001)
    for seconds in (0.9, 0.1, 8, 1, 49, 1):
        clock.advance(seconds)
        beat(venue)
        if seconds == 1:
            place(venue, "bob", "sell", "0.1", 64_996)
            place(venue, "bob", "sell", "0.1", 64_995)

    kept = read_mid_prices(tmp_path)

    maker, taker = sorted({fill for _, fill, _ in kept})
    assert {time for time, _, _ in kept} == {MORNING}
    for fill in (maker, taker):
        assert kept[MORNING, fill, 1] == 64_995.5
        assert kept[MORNING, fill, 10] == 64_995.5
        assert kept[MORNING, fill, 60] == 64_992.5
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_nothing_is_kept_of_a_book_without_a_side_or_of_a_moment_that_was_missed(
    venue: Venue, clock: ManualClock, tmp_path: Path
):
    place(venue, "alice", "buy", "0.1", 65_000)
    place(venue, "bob", "sell", "0.1", 65_000)
    clock.advance(1)
    beat(venue)
    place(venue, "alice", "buy", "0.1", 64_990)
    place(venue, "bob", "sell", "0.1", 65_001)
    clock.advance(15)
    beat(venue)

    assert read_mid_prices(tmp_path) == {}


def test_half_a_line_of_a_venue_that_was_killed_is_nothing(tmp_path: Path):
    (tmp_path / FILE_NAME).write_bytes(b"1,2,10,64995.5\n\0\xff\0,2,60,1\n1,x,10,5\n1,2,60,649")

    assert read_mid_prices(tmp_path) == {(1, 2, 10): 64_995.5}
