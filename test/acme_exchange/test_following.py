"""A venue that follows, without a process: what it does with lines that do not fit its market, and how it says so."""

import logging
from decimal import Decimal

import msgspec
import pytest

from acme_exchange.engine import CreateAccount, Deposit, PlaceOrder, Refused
from acme_exchange.follow import Following
from acme_exchange.market import MarketPlan
from acme_exchange.market.follow.follower import SILENT_AFTER, Follower, specification
from acme_exchange.market.follow.lines import FundingLine, SilenceLine
from acme_exchange.market.follow.source import LineSource
from acme_exchange.venue import planned_venue
from test.acme_exchange.market.follow.test_follower import (
    AT,
    BTC,
    CHANGE,
    MARKET,
    NOW,
    PRICE,
    SNAPSHOT,
    TRADE,
    recording,
)
from test.acme_exchange.venue import ManualClock


class Followed:
    """A venue that follows one market, and is given its lines."""

    def __init__(self, tmp_path, speed: float = 1.0):
        self.clock = ManualClock(NOW)
        self.venue = planned_venue(self.clock, MarketPlan((), 1, followed=[specification(MARKET)]), ())
        source = LineSource(recording(tmp_path, [MARKET]), print)
        self.follower = Follower(source.markets)
        self.following = Following(self.venue, source, self.follower, speed)
        for command in (CreateAccount("alice"), Deposit("alice", Decimal(10_000))):
            self.venue.execute(command)

    def take(self, *lines) -> None:
        for line in lines:
            self.following.take(line)

    def best(self) -> list:
        return [side[0] for side in self.venue.engine.levels(BTC, 1) if side]

    def order(self) -> None:
        self.venue.execute(PlaceOrder("alice", BTC, "buy", "limit", Decimal("0.01"), Decimal("99.5")))


@pytest.fixture
def followed(tmp_path) -> Followed:
    found = Followed(tmp_path)
    found.take(PRICE, SNAPSHOT, TRADE)
    return found


def book(line, **sides):
    return msgspec.structs.replace(line, **sides)


def test_a_frame_that_does_not_fit_withdraws_the_book_until_it_comes_anew(followed, caplog):
    """As when the source has another tick size now: to leave the frame out alone would make the book another one."""
    finer = book(CHANGE, bids=[("99.95", "1"), ("99.8", "1")])
    followed.take(finer, finer, CHANGE)
    assert followed.best() == []
    followed.order()
    assert followed.best() == [(Decimal("99.5"), Decimal("0.01"))]
    followed.take(SNAPSHOT)
    assert followed.best() == [(Decimal("99.9"), 5), (Decimal("100.1"), 5)]
    assert [record.getMessage() for record in caplog.records] == [
        "BTC-PERP: a frame of the book does not fit its rules (Invalid price), as after other increments at the "
        "source; the book is withdrawn until it comes anew."
    ]


def test_other_increments_are_said_once(followed, caplog):
    other = msgspec.structs.replace(MARKET, price_increment="0.01")
    followed.take(other, other, CHANGE)
    assert followed.best()[0] == (Decimal("99.9"), 7)
    assert [record.getMessage() for record in caplog.records] == [
        "BTC-PERP: its increments are others now; start the exchange again to trade by them."
    ]


def test_a_crossed_book_is_never_crossed_here_and_mended_by_the_next(followed):
    followed.take(book(SNAPSHOT, bids=[("100.5", "1"), ("99.9", "5")], asks=[("100.1", "2"), ("100.6", "3")]))
    (bid, _), (ask, _) = followed.best()
    assert bid < ask
    followed.take(SNAPSHOT)
    assert followed.best() == [(Decimal("99.9"), 5), (Decimal("100.1"), 5)]


def test_a_gap_and_an_end_withdraw_the_book_and_only_the_end_halts(followed):
    followed.following.carry_out(followed.follower.distrust(BTC))
    followed.order()
    followed.following.carry_out(followed.follower.end())
    with pytest.raises(Refused, match="Market is halted"):
        followed.order()


@pytest.mark.parametrize("rate, which", [(None, "that was known last"), ("0.002", "that it paid then")])
def test_funding_that_was_due_meanwhile_is_said_with_its_rate(followed, caplog, rate, which):
    followed.take(SilenceLine(**AT))
    followed.clock.advance(4_000)
    if rate is not None:
        followed.take(FundingLine(**AT | {"time": PRICE.next_funding_time}, rate=rate))
    followed.take(SNAPSHOT, msgspec.structs.replace(PRICE, next_funding_time=NOW + 8 * 3_600_000_000))
    assert [record.getMessage() for record in caplog.records] == [
        "BTC-PERP: funding was due while its source was silent; it is paid now, at the rate "
        f"{which}, {rate or '0.0001'}."
    ]


def test_a_recording_that_is_played_slowly_is_not_silent_for_that(tmp_path, caplog):
    slow = Followed(tmp_path, speed=0.1)
    slow.take(PRICE, SNAPSHOT)
    for seconds, is_halted in ((49, False), (2, True)):
        slow.clock.advance(seconds)
        slow.following.look()
        assert slow.venue.engine.market(BTC).halted == is_halted
    assert SILENT_AFTER == 5_000_000 and not [each for each in caplog.records if each.levelno > logging.WARNING]
