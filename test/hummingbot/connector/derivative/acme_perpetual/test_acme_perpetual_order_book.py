import pickle
import unittest
import zlib
from itertools import islice, pairwise, zip_longest
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, example, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.recordings import book_frames, needs_recordings
from typing import Dict, Iterator, List, Optional, Tuple

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_market_data as market_data
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book import BookFollower, level_texts
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessageType

WRONG_CHECKSUM = 1
Levels = List[Tuple[float, float]]
fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def checksum(bids: Levels, asks: Levels) -> int:
    """The checksum, written out as the API's description words it (Acme API §6)."""
    bids, asks = sorted(bids, reverse=True)[:100], sorted(asks)[:100]
    levels = [level for pair in zip_longest(bids, asks, fillvalue=()) for level in pair]
    return zlib.crc32(":".join(str(float(number)) for level in levels for number in level).encode())


def frame(bids=((99.0, 1.0),), asks=((101.0, 2.0),), of=None, wrong=False, full=False) -> market_data.BookFrame:
    """A frame with these levels, and the checksum of the book `of` (bids, asks), which a full one is itself."""
    expected = checksum(*of) if of else checksum(list(bids), list(asks))
    levels = [[list(level) for level in side] for side in (bids, asks)]
    return market_data.BookFrame(*levels, WRONG_CHECKSUM if wrong else expected, 5.0, full)


PARTIAL = frame(full=True)
UPDATE = frame(bids=[(98.0, 3.0)], asks=[], of=([(99.0, 1.0), (98.0, 3.0)], [(101.0, 2.0)]))


def take(book: BookFollower, *frames: market_data.BookFrame, now: float = 0) -> Optional[market_data.BookMessage]:
    """What these frames, which came together, make of a book."""
    for each in frames:
        book.accept(each, now)
    return book.settle(1, now)


def rows(message: market_data.BookMessage) -> Tuple[Levels, Levels]:
    return tuple([(row.price, row.amount) for row in side] for side in (message.bids, message.asks))


class VerifiedBookTests(unittest.TestCase):
    def setUp(self):
        self.book = BookFollower("BTC-USD", now=0)

    def test_what_agrees_is_passed_on_as_hummingbots_rows(self):
        message = take(self.book, PARTIAL)

        self.assertEqual(([(99.0, 1.0)], [(101.0, 2.0)]), rows(message))
        self.assertEqual((OrderBookMessageType.SNAPSHOT, "BTC-USD", 1, 5.0), message[:4])
        self.assertEqual([1, 1], [row.update_id for side in (message.bids, message.asks) for row in side])
        self.assertEqual(OrderBookMessageType.DIFF, take(self.book, UPDATE).type)

    def test_a_size_of_zero_takes_a_level_away(self):
        take(self.book, frame(bids=[(99.0, 1.0), (98.0, 1.0)], full=True))

        gone = take(self.book, frame(bids=[(99.0, 0.0)], asks=[], of=([(98.0, 1.0)], [(101.0, 2.0)])))
        self.assertEqual(([(99.0, 0.0)], []), rows(gone))

    def test_taking_away_what_is_not_there_changes_nothing(self):
        take(self.book, PARTIAL)

        gone = frame(bids=[(50.0, 0.0)], asks=[(500.0, 0.0)], of=((PARTIAL.bids, PARTIAL.asks)))
        self.assertIsNotNone(take(self.book, gone))

    def test_a_partial_replaces_everything(self):
        take(self.book, PARTIAL)

        self.assertIsNotNone(take(self.book, frame(bids=[(5.0, 1.0)], asks=[], full=True)))

    def test_a_side_of_more_than_a_hundred_levels_is_not_the_venues(self):
        bids = [(float(price), 1.0) for price in range(1, 101)]
        self.assertIsNotNone(take(self.book, frame(bids=bids, full=True)))

        # The venue's checksum has the best hundred of them.
        pushed_out = frame(bids=[(100.5, 1.0)], asks=[], of=([*bids, (100.5, 1.0)], [(101.0, 2.0)]))
        self.assertIsNone(take(self.book, pushed_out))

    def test_whole_numbers_count_as_the_doubles_that_they_are(self):
        whole = frame(full=True)._replace(bids=[[99, 1]])

        self.assertEqual([(99.0, 1.0)], rows(take(self.book, whole))[0])
        self.assertIsNotNone(take(self.book, UPDATE))

    def test_what_is_no_level_costs_the_book_and_says_so(self):
        for wrong in ([7], [[1.0]], [[1.0, 2.0, 3.0]], ["ab"], [["1", 1.0]], [[1.0, "1"]], [[1.0, None]], [[None, 1.0]],
                      [[1.0, True]], [[-1.0, 1.0]], [[0.0, 1.0]], [[1.0, -1.0]], [[float("inf"), 1.0]],
                      [[1.0, float("inf")]], [[10**400, 1.0]], [[1.0, [1]]], [[[1], 1.0]], [[1.0, 1.0], [{}, 1.0]],
                      [[1.0, "2,3"], [4.0, 1.0]]):  # fmt: skip
            with self.subTest(wrong):
                take(self.book, PARTIAL)
                self.assertIsNone(take(self.book, PARTIAL._replace(bids=wrong, is_full=False)))
                self.assertIn("a frame was malformed", self.book.reason)
                take(self.book, PARTIAL)
                self.assertIsNone(take(self.book, UPDATE, PARTIAL._replace(bids=wrong, is_full=False)))
                self.assertFalse(self.book.is_live)

    sizes = st.integers(0, 3).map(float)
    bids = st.lists(st.tuples(st.integers(1, 60).map(lambda n: n / 2), sizes), max_size=12)
    asks = st.lists(st.tuples(st.integers(61, 120).map(lambda n: n / 2), sizes), max_size=12)

    @fuzzed
    @given(st.lists(st.tuples(bids, asks, st.booleans()), max_size=8))
    def test_agrees_with_a_plain_book_after_any_changes_however_many_wait(self, changes):
        book, theirs, plain = BookFollower("BTC-USD", 0), OrderBook(), ({}, {})
        take(book, frame(bids=[], asks=[], full=True))
        for *change, is_last_that_waits in changes:
            for side, levels in zip(plain, change):
                side.update(levels)
            bids, asks = ([level for level in side.items() if level[1]] for side in plain)
            book.accept(frame(*change, of=(bids, asks)), 0)
            if is_last_that_waits:
                message = book.settle(1, 0)
                theirs.apply_diffs(message.bids, message.asks, 1)
                self.assertEqual(sorted(bids, reverse=True), [(row.price, row.amount) for row in theirs.bid_entries()])
                self.assertEqual(sorted(asks), [(row.price, row.amount) for row in theirs.ask_entries()])

    @fuzzed
    @given(st.lists(st.lists(st.floats(min_value=0, allow_infinity=False), min_size=2, max_size=2)))
    @example([])
    @example([[60_000.0, 0.0001], [60_000.5, 0.00009]])
    @example([[1e-05, 1e15], [9999999999999998.0, 1e16]])
    def test_levels_are_written_as_the_checksum_counts_them(self, levels):
        self.assertEqual([f"{price!r}:{size!r}" for price, size in levels], level_texts(levels))

    def test_a_level_that_is_written_like_two_is_refused(self):
        follower = BookFollower("", 0)
        self.assertIsNone(take(follower, market_data.BookFrame([["1.0,2.0],[3.0", 4.0]], [], 0, 0.0, True)))
        self.assertFalse(follower.is_live)


class ChecksumTests(unittest.TestCase):
    def test_the_documented_example(self):
        bids, asks = [[5000.5, 10.0], [4995.0, 5.0]], [[5001.0, 6.0], [5002.0, 1e-07]]

        # CRC-32 of 5000.5:10.0:5001.0:6.0:4995.0:5.0:5002.0:1e-07
        self.assertIsNotNone(take(BookFollower("", 0), market_data.BookFrame(bids, asks, 2273146441, 0.0, True)))

    def test_a_one_sided_book_leaves_the_missing_numbers_out(self):
        # CRC-32 of 5000.5:10.0:5001.0:6.0:4995.0:5.0, and of 5001.0:6.0, and of nothing
        for bids, asks, crc in (
            ([[5000.5, 10.0], [4995.0, 5.0]], [[5001.0, 6.0]], 941346228),
            ([], [[5001.0, 6.0]], 3331422436),
            ([], [], 0),
        ):
            self.assertIsNotNone(take(BookFollower("", 0), market_data.BookFrame(bids, asks, crc, 0.0, True)))


class WaitingFramesTests(unittest.TestCase):
    """Frames that wait together become one update, which is verified at the last of them."""

    def setUp(self):
        self.book = BookFollower("BTC-USD", now=0)
        take(self.book, PARTIAL)

    def test_they_are_one_update(self):
        bids = [(99.0, 1.0), (98.0, 3.0)]
        message = take(
            self.book,
            frame(
                bids=[(98.0, 7.0)], asks=[(102.0, 1.0)], of=([(99.0, 1.0), (98.0, 7.0)], [(101.0, 2.0), (102.0, 1.0)])
            ),
            frame(bids=[(98.0, 3.0)], asks=[(102.0, 0.0)], of=(bids, [(101.0, 2.0)])),
        )

        self.assertEqual(([(98.0, 3.0)], [(102.0, 0.0)]), rows(message))

    def test_one_that_was_lost_among_them_is_noticed(self):
        lost_before = frame(bids=[(97.0, 1.0)], asks=[], of=([(99.0, 1.0), (98.0, 3.0), (97.0, 1.0)], [(101.0, 2.0)]))

        self.assertIsNone(take(self.book, frame(bids=[(97.0, 2.0)], asks=[]), lost_before))

    def test_a_partial_among_them_begins_anew(self):
        message = take(self.book, frame(wrong=True), frame(bids=[(5.0, 1.0)], full=True))

        self.assertEqual(OrderBookMessageType.SNAPSHOT, message.type)
        self.assertEqual([(5.0, 1.0)], rows(message)[0])

    def test_updates_that_wait_with_their_partial_are_part_of_it(self):
        self.assertEqual([(99.0, 1.0), (98.0, 3.0)], rows(take(BookFollower("BTC-USD", 0), PARTIAL, UPDATE))[0])

    def test_a_level_that_is_gone_before_its_partial_is_settled_is_no_part_of_it(self):
        gone = frame(bids=[(99.0, 0.0), (98.0, 3.0)], asks=[], of=([(98.0, 3.0)], [(101.0, 2.0)]))

        self.assertEqual(([(98.0, 3.0)], [(101.0, 2.0)]), rows(take(self.book, PARTIAL, gone)))

    def test_nothing_waits_twice(self):
        take(self.book, UPDATE)

        self.assertIsNone(self.book.settle(2, 0))
        self.assertTrue(self.book.is_live)


class RecordedBookTests(unittest.TestCase):
    """The books of ten markets of a real exchange: none of its frames is refused, and each corruption is."""

    @needs_recordings
    def test_every_recorded_frame_agrees(self):
        books: Dict[str, BookFollower] = {}
        for number, raw in enumerate(book_frames()):
            book = books.setdefault(raw["market"], BookFollower("", 0))
            self.assertIsNotNone(take(book, market_data.book_frame(raw)), f"frame {number}")
        self.assertEqual(10, len(books))
        self.assertEqual(971, number + 1)

    @needs_recordings
    def test_every_corruption_of_a_single_level_is_detected(self):
        books: Dict[str, BookFollower] = {}
        corruptions = 0
        for raw in book_frames():
            book, true = books.setdefault(raw["market"], BookFollower("", 0)), market_data.book_frame(raw)
            kept = pickle.dumps(book)
            for corrupted in self.corruptions(true):
                self.assertIsNone(take(pickle.loads(kept), corrupted), corrupted)
                corruptions += 1
            self.assertIsNotNone(take(book, true))
        self.assertGreater(corruptions, 9_000)

    def corruptions(self, true: market_data.BookFrame) -> Iterator[market_data.BookFrame]:
        for name in ("bids", "asks"):
            levels = getattr(true, name)
            for i, (price, size) in enumerate(levels):
                for wrong in ([], [[price, size * 2 or 1.0]], [[price * 1.0001, size or 1.0]]):
                    yield true._replace(**{name: [*levels[:i], *wrong, *islice(levels, i + 1, None)]})


class BookFollowerTests(unittest.TestCase):
    def setUp(self):
        self.book = BookFollower("BTC-USD", now=100)

    def live(self, at: float = 100):
        self.assertIsNotNone(take(self.book, PARTIAL, now=at))

    def test_a_partial_makes_it_live_and_updates_are_passed_on(self):
        self.assertFalse(self.book.is_live)
        self.live()
        self.assertTrue(self.book.is_live)
        self.assertIsNotNone(take(self.book, UPDATE, now=100.1))
        self.assertEqual(100.1, self.book.agreed_at)

    def test_without_a_partial_it_is_subscribed_to_again(self):
        self.assertEqual(105, self.book.resubscribe_at)
        self.assertIn("no snapshot", self.book.reason)

    def test_a_mismatch_drops_the_book_until_the_next_partial(self):
        self.live()

        self.assertIsNone(take(self.book, frame(wrong=True), now=110))

        self.assertFalse(self.book.is_live)
        self.assertEqual(110, self.book.resubscribe_at)
        self.assertIn("checksum", self.book.reason)
        self.book.resubscribed(110)
        self.assertIsNone(take(self.book, UPDATE, now=110.1))
        self.live(110.2)
        self.assertIsNotNone(take(self.book, UPDATE, now=110.3))

    def test_a_partial_that_does_not_agree_is_no_book(self):
        self.assertIsNone(take(self.book, frame(wrong=True, full=True), now=110))
        self.assertFalse(self.book.is_live)

    def test_a_market_that_goes_wrong_again_and_again_is_subscribed_to_once_a_second(self):
        self.live()
        times = []
        now = 110.0
        for _ in range(5):
            take(self.book, frame(wrong=True, full=True), now=now)
            now = self.book.resubscribe_at
            times.append(now)
            self.book.resubscribed(now)
        self.assertEqual([1.0] * 4, [later - earlier for earlier, later in pairwise(times)])

    def test_an_update_for_a_book_that_was_never_brought_is_a_reason(self):
        self.assertIsNone(take(self.book, UPDATE, now=102))

        self.assertEqual(102, self.book.resubscribe_at)
        self.assertIn("before the snapshot", self.book.reason)

    def test_leftovers_of_the_old_subscription_are_no_reason(self):
        self.live()
        self.book.resubscribed(110)

        self.assertIsNone(take(self.book, UPDATE, now=110.1))
        self.assertEqual(115, self.book.resubscribe_at)

        self.book.subscription_confirmed()
        self.assertIsNone(take(self.book, UPDATE, now=112))
        self.assertEqual(112, self.book.resubscribe_at)

    def test_silence_counts_only_after_ticking(self):
        self.live(100)
        self.assertEqual(float("inf"), self.book.resubscribe_at)
        take(self.book, UPDATE, now=100.5)
        self.assertEqual(float("inf"), self.book.resubscribe_at)
        take(self.book, UPDATE, now=101)
        self.assertEqual(106, self.book.resubscribe_at)
        self.assertIn("silent", self.book.reason)

    def test_a_quiet_market_may_be_silent(self):
        self.live(100)
        for now in range(110, 200, 10):
            take(self.book, UPDATE, now=now)
            self.assertEqual(float("inf"), self.book.resubscribe_at)

    def test_a_loss_is_logged_once_until_the_book_works_again(self):
        self.live()
        self.assertTrue(self.book.must_log_loss())
        self.assertFalse(self.book.must_log_loss())
        self.book.resubscribed(101)
        self.live(102)
        self.assertFalse(self.book.must_log_loss())
        take(self.book, UPDATE, now=102.1)
        self.assertTrue(self.book.must_log_loss())
