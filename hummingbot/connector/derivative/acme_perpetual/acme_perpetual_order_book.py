"""Following a market's book on the WebSocket, and noticing when it no longer is the venue's (Acme API §6).

Hummingbot's own book keeps no texts and no checksum, so the levels are kept here a second time, each with its text
ready. That makes it cheap enough to verify every frame.
"""

from bisect import bisect_left
from collections import deque
from typing import Deque, Iterable, List, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_market_data as market_data

# As many frames, each soon after the one before, make a market that ticks.
TICKING_FRAMES = 3
NEVER = float("inf")


class BookSide:
    """The levels of one side, as the checksum writes them.

    :ivar texts: of all levels, best first
    """

    def __init__(self, best_is_highest: bool):
        self.texts: List[bytes] = []
        self._sign = -1.0 if best_is_highest else 1.0
        self._keys: List[float] = []  # the prices, so that the best is the least

    def update(self, levels: Iterable[market_data.Level]):
        """Sets each level to its new size; a size of 0 takes it away."""
        keys, texts, sign = self._keys, self.texts, self._sign
        for price, size in levels:
            key = price * sign
            place = bisect_left(keys, key)
            is_known = place < len(keys) and keys[place] == key
            if is_known and size:
                texts[place] = market_data.level_text(price, size)
            elif is_known:
                del keys[place], texts[place]
            elif size:
                keys.insert(place, key)
                texts.insert(place, market_data.level_text(price, size))


class BookLevels:
    """Both sides of one market's book.

    The checksum counts the best 100 levels a side. A level that leaves them is sent with size 0, like one that is gone,
    so there never are more, and all that are here are counted: one that should have left makes a mismatch too.
    """

    def __init__(self):
        self._bids = BookSide(best_is_highest=True)
        self._asks = BookSide(best_is_highest=False)

    def replace(self, frame: market_data.BookFrame) -> bool:
        """Takes a full state. Returns whether it is the venue's book."""
        self.__init__()
        return self.update(frame)

    def update(self, frame: market_data.BookFrame) -> bool:
        """Takes the levels that changed. Returns whether what they make of the book is the venue's."""
        self._bids.update(frame.bids)
        self._asks.update(frame.asks)
        return market_data.book_checksum(self._bids.texts, self._asks.texts) == frame.checksum


class BookFollower:
    """What one market's subscription has brought, and whether it still can be trusted.

    A follower either holds a book that agrees with the venue's or waits for a full state. It does not speak to the
    venue: `resubscribe_at` says when whoever does has to unsubscribe and subscribe again. Times are seconds of any
    clock that never goes back, the same one in every call.
    """

    def __init__(self, now: float):
        self._levels: Optional[BookLevels] = None
        self._frame_times: Deque[float] = deque(maxlen=TICKING_FRAMES)
        self._subscribed_at = now
        self._expects_leftovers = False
        self._complained = False
        self.resubscribe_at = now + CONSTANTS.BOOK_SILENCE_LIMIT
        self.reason = "it brought no snapshot"

    @property
    def is_live(self) -> bool:
        """Whether the book is complete, and was the venue's when last heard of."""
        return self._levels is not None

    def accept(self, frame: market_data.BookFrame, is_partial: bool, now: float) -> bool:
        """Takes a frame. Returns whether it is to be passed on: it belongs to the book, and the checksum agrees."""
        if is_partial:
            self._levels = BookLevels()
            self._frame_times.clear()
            agrees = self._levels.replace(frame)
        elif self._levels is None:
            if not self._expects_leftovers:
                self.lose("an update came before the snapshot", now)
            return False
        else:
            agrees = self._levels.update(frame)
        if not agrees:
            self.lose("it did not match the venue's checksum", now)
            return False
        self._frame_accepted(is_partial, now)
        return True

    def lose(self, reason: str, now: float):
        """Gives the book up: until the next full state nothing is passed on."""
        self._levels = None
        self.reason = reason
        self.resubscribe_at = max(now, self._subscribed_at + CONSTANTS.RESUBSCRIPTION_INTERVAL)

    def resubscribed(self, now: float):
        """A new subscription was asked for; frames of the old one may still be on their way."""
        self._levels = None
        self._subscribed_at = now
        self._expects_leftovers = True
        self.resubscribe_at = now + CONSTANTS.BOOK_SILENCE_LIMIT
        self.reason = "it brought no snapshot"

    def subscription_confirmed(self):
        """The venue confirmed the latest subscription: whatever comes from here on belongs to it."""
        self._expects_leftovers = False

    def first_complaint(self) -> bool:
        """Whether the present trouble is still to be logged; True once until the book works again."""
        first, self._complained = not self._complained, True
        return first

    def _frame_accepted(self, is_partial: bool, now: float):
        self._frame_times.append(now)
        self._complained = self._complained and is_partial
        self.resubscribe_at = now + CONSTANTS.BOOK_SILENCE_LIMIT if self._is_ticking() else NEVER
        self.reason = f"it was silent for {CONSTANTS.BOOK_SILENCE_LIMIT:g} s"

    def _is_ticking(self) -> bool:
        times = list(self._frame_times)
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        return len(times) == TICKING_FRAMES and max(gaps) < CONSTANTS.BOOK_SILENCE_LIMIT
