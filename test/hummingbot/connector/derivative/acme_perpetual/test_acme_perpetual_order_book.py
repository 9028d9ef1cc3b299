import copy
import unittest
import zlib
from itertools import islice, pairwise, zip_longest
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.recordings import book_frames, needs_recordings
from typing import Dict, Iterator, List

from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_market_data as market_data,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book import BookFollower, BookLevels

WRONG_CHECKSUM = 1


def checksum(bids: List[market_data.Level], asks: List[market_data.Level]) -> int:
    """The checksum, written out as the API's description words it (Acme API §6)."""
    bids, asks = sorted(bids, reverse=True)[:100], sorted(asks)[:100]
    levels = [level for pair in zip_longest(bids, asks, fillvalue=()) for level in pair]
    return zlib.crc32(":".join(str(float(number)) for level in levels for number in level).encode())


def frame(bids=((99.0, 1.0),), asks=((101.0, 2.0),), of=None, wrong=False) -> market_data.BookFrame:
    """A frame with these levels, and the checksum of the book `of` (bids, asks), which a partial is itself."""
    expected = checksum(*of) if of else checksum(list(bids), list(asks))
    return market_data.BookFrame(list(bids), list(asks), WRONG_CHECKSUM if wrong else expected, 0.0)


PARTIAL = frame()
UPDATE = frame(bids=[(98.0, 3.0)], asks=[], of=([(99.0, 1.0), (98.0, 3.0)], [(101.0, 2.0)]))


class BookLevelsTests(unittest.TestCase):
    def test_a_size_of_zero_takes_a_level_away(self):
        book = BookLevels()

        self.assertTrue(book.replace(frame(bids=[(99.0, 1.0), (98.0, 1.0)])))
        self.assertTrue(book.update(frame(bids=[(99.0, 0.0)], asks=[], of=([(98.0, 1.0)], [(101.0, 2.0)]))))

    def test_taking_away_what_is_not_there_changes_nothing(self):
        book = BookLevels()
        book.replace(PARTIAL)

        gone = frame(bids=[(50.0, 0.0)], asks=[(500.0, 0.0)], of=(PARTIAL.bids, PARTIAL.asks))
        self.assertTrue(book.update(gone))

    def test_a_partial_replaces_everything(self):
        book = BookLevels()
        book.replace(PARTIAL)

        self.assertTrue(book.replace(frame(bids=[(5.0, 1.0)], asks=[])))

    def test_a_side_of_more_than_a_hundred_levels_is_not_the_venues(self):
        bids = [(float(price), 1.0) for price in range(1, 101)]
        book = BookLevels()

        self.assertTrue(book.replace(frame(bids=bids)))
        # The venue's checksum has the best hundred of them.
        pushed_out = frame(bids=[(100.5, 1.0)], asks=[], of=([*bids, (100.5, 1.0)], [(101.0, 2.0)]))
        self.assertFalse(book.update(pushed_out))

    levels = st.lists(st.tuples(st.integers(1, 60).map(lambda n: n / 2), st.integers(0, 3).map(float)), max_size=12)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(levels, levels), max_size=8))
    def test_agrees_with_a_plain_book_after_any_changes(self, changes):
        book, plain = BookLevels(), ({}, {})
        for change in changes:
            for side, levels in zip(plain, change):
                side.update(levels)
            bids, asks = ([level for level in side.items() if level[1]] for side in plain)
            self.assertTrue(book.update(frame(*change, of=(bids, asks))))


class RecordedBookTests(unittest.TestCase):
    """The books of ten markets of a real exchange: none of its frames is refused, and each corruption is."""

    @needs_recordings
    def test_every_recorded_frame_agrees(self):
        followers: Dict[str, BookFollower] = {}
        for number, raw in enumerate(book_frames()):
            follower = followers.setdefault(raw["market"], BookFollower(0))
            self.assertTrue(follower.accept(market_data.book_frame(raw), wire.is_partial(raw), 0), f"frame {number}")
        self.assertEqual(10, len(followers))
        self.assertEqual(971, number + 1)

    @needs_recordings
    def test_every_corruption_of_a_single_level_is_detected(self):
        books: Dict[str, BookLevels] = {}
        corruptions = 0
        for raw in book_frames():
            book, true = books.setdefault(raw["market"], BookLevels()), market_data.book_frame(raw)
            for corrupted in self.corruptions(true):
                other = self.copied(book)
                agrees = other.replace(corrupted) if wire.is_partial(raw) else other.update(corrupted)
                self.assertFalse(agrees, corrupted)
                corruptions += 1
            self.assertTrue(book.replace(true) if wire.is_partial(raw) else book.update(true))
        self.assertGreater(corruptions, 9_000)

    def corruptions(self, true: market_data.BookFrame) -> Iterator[market_data.BookFrame]:
        for name in ("bids", "asks"):
            levels = getattr(true, name)
            for i, (price, size) in enumerate(levels):
                for wrong in ([], [(price, size * 2 or 1.0)], [(price * 1.0001, size or 1.0)]):
                    yield true._replace(**{name: [*levels[:i], *wrong, *islice(levels, i + 1, None)]})

    def copied(self, book: BookLevels) -> BookLevels:
        return copy.deepcopy(book)


class BookFollowerTests(unittest.TestCase):
    def setUp(self):
        self.book = BookFollower(now=100)

    def live(self, at: float = 100):
        self.assertTrue(self.book.accept(PARTIAL, True, at))

    def test_a_partial_makes_it_live_and_updates_are_passed_on(self):
        self.assertFalse(self.book.is_live)
        self.live()
        self.assertTrue(self.book.is_live)
        self.assertTrue(self.book.accept(UPDATE, False, 100.1))

    def test_without_a_partial_it_is_subscribed_to_again(self):
        self.assertEqual(105, self.book.resubscribe_at)
        self.assertIn("no snapshot", self.book.reason)

    def test_a_mismatch_drops_the_book_until_the_next_partial(self):
        self.live()

        self.assertFalse(self.book.accept(frame(wrong=True), False, 110))

        self.assertFalse(self.book.is_live)
        self.assertEqual(110, self.book.resubscribe_at)
        self.assertIn("checksum", self.book.reason)
        self.book.resubscribed(110)
        self.assertFalse(self.book.accept(UPDATE, False, 110.1))
        self.live(110.2)
        self.assertTrue(self.book.accept(UPDATE, False, 110.3))

    def test_a_partial_that_does_not_agree_is_no_book(self):
        self.assertFalse(self.book.accept(frame(wrong=True), True, 110))
        self.assertFalse(self.book.is_live)

    def test_a_market_that_goes_wrong_again_and_again_is_subscribed_to_once_a_second(self):
        self.live()
        times = []
        now = 110.0
        for _ in range(5):
            self.book.accept(frame(wrong=True), True, now)
            now = self.book.resubscribe_at
            times.append(now)
            self.book.resubscribed(now)
        self.assertEqual([1.0] * 4, [later - earlier for earlier, later in pairwise(times)])

    def test_an_update_for_a_book_that_was_never_brought_is_a_reason(self):
        self.assertFalse(self.book.accept(UPDATE, False, 102))

        self.assertEqual(102, self.book.resubscribe_at)
        self.assertIn("before the snapshot", self.book.reason)

    def test_leftovers_of_the_old_subscription_are_no_reason(self):
        self.live()
        self.book.resubscribed(110)

        self.assertFalse(self.book.accept(UPDATE, False, 110.1))
        self.assertEqual(115, self.book.resubscribe_at)

        self.book.subscription_confirmed()
        self.assertFalse(self.book.accept(UPDATE, False, 112))
        self.assertEqual(112, self.book.resubscribe_at)

    def test_silence_counts_only_after_ticking(self):
        self.live(100)
        self.assertEqual(float("inf"), self.book.resubscribe_at)
        self.book.accept(UPDATE, False, 100.5)
        self.assertEqual(float("inf"), self.book.resubscribe_at)
        self.book.accept(UPDATE, False, 101)
        self.assertEqual(106, self.book.resubscribe_at)
        self.assertIn("silent", self.book.reason)

    def test_a_quiet_market_may_be_silent(self):
        self.live(100)
        for now in range(110, 200, 10):
            self.book.accept(UPDATE, False, now)
            self.assertEqual(float("inf"), self.book.resubscribe_at)

    def test_one_complaint_until_the_book_works_again(self):
        self.live()
        self.assertTrue(self.book.first_complaint())
        self.assertFalse(self.book.first_complaint())
        self.book.resubscribed(101)
        self.live(102)
        self.assertFalse(self.book.first_complaint())
        self.book.accept(UPDATE, False, 102.1)
        self.assertTrue(self.book.first_complaint())
