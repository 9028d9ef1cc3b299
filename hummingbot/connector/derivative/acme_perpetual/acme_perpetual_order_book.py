"""Follows a market's book on the WebSocket, and notices when it no longer is the venue's (Acme API §6).

Hummingbot's own book keeps no texts and no checksum, so the levels are kept here a second time, as their texts. One
pass over a level checks it, follows it and makes the row that Hummingbot's book takes; that makes it cheap enough to
verify every state that is passed on.
"""

import zlib
from bisect import bisect_left
from math import inf
from typing import Any, Dict, List, Optional, Sequence, Tuple

import msgspec

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_market_data as market_data,
    acme_perpetual_wire as wire,
)
from hummingbot.core.data_type.order_book_message import OrderBookMessageType

# As many frames, each soon after the one before, make a market that ticks.
TICKING_FRAMES = 3
_written = msgspec.json.Encoder().encode


class Level(msgspec.Struct, gc=False):
    """A price and how much there is at it, with the attributes of Hummingbot's `OrderBookRow`, made in a fraction of
    its time. A size of 0: gone."""

    price: float
    amount: float
    update_id: int


class BookSide:
    """The levels of one side, as the checksum writes them.

    :ivar texts: `price:size` of each, best first
    """

    __slots__ = "texts", "_sign", "_keys"

    def __init__(self, best_is_highest: bool):
        self.texts: List[str] = []
        self._sign = -1.0 if best_is_highest else 1.0
        self._keys: List[float] = []  # the prices, so that the best is the least

    def update(self, sizes: Sequence[Any], update_id: int) -> List[Level]:
        """Sets each of these prices to its new size; a size of 0 takes the level away. Returns the levels that changed.

        :raises ValueError: when a level is not a price and a size, or one of them no number, below zero, or without end
        """
        keys, texts, sign = self._keys, self.texts, self._sign
        changed = []
        for (price, size), text in zip(sizes, level_texts(sizes), strict=True):
            if type(price) is not float or type(size) is not float:
                price, size = wire.double(price, "price"), wire.double(size, "size")
                text = f"{price!r}:{size!r}"
            if not (0 < price < inf and 0 <= size < inf):
                raise wire.WireError("a level has a price that is not above zero, a size below it, or no end")
            key = price * sign
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                if size:
                    texts[place] = text
                else:
                    del keys[place], texts[place]
            elif size:
                keys.insert(place, key)
                texts.insert(place, text)
            changed.append(Level(price, size, update_id))
        return changed

    def rows(self, update_id: int) -> List[Level]:
        """The rows of all levels for Hummingbot's book, best first."""
        return [
            Level(key * self._sign, float(text[text.index(":") + 1 :]), update_id)
            for key, text in zip(self._keys, self.texts)
        ]


def level_texts(levels: Sequence[Any]) -> List[str]:
    """`price:size` of each level, as `repr` writes the numbers. A writer of JSON takes a quarter of its time, and
    differs from it only in how it writes the very small and the very large ones."""
    text = _written(levels).decode()
    if "e" in text or "0.0000" in text:
        return [f"{price!r}:{size!r}" for price, size in levels]
    return text[2:-2].replace(",", ":").split("]:[") if levels else []


def checksum(bids: List[str], asks: List[str]) -> int:
    """The checksum of a book (Acme API §6), from the text `price:size` of each side's levels, best first."""
    paired = min(len(bids), len(asks))
    texts = [""] * (2 * paired)
    if len(bids) == len(asks):
        texts[0::2], texts[1::2] = bids, asks
    else:
        texts[0::2], texts[1::2] = bids[:paired], asks[:paired]
        texts += bids[paired:] or asks[paired:]
    return zlib.crc32(":".join(texts).encode())


class BookFollower:
    """What one market's subscription has brought, and whether it still can be trusted.

    Frames that are accepted are merged until they are settled: then what they make of the book is verified once, by the
    checksum of the last of them, which is of the book's whole state (Acme API §6), and so of what they all did.

    The checksum counts the best 100 levels a side. A level that leaves them is sent with size 0, like one that is gone,
    so there never are more, and all that are here are counted: one that should have left makes a mismatch too.

    A follower either holds a book that agrees with the venue's or waits for a full state. It does not speak to the
    venue: `resubscribe_at` says when whoever does has to unsubscribe and subscribe again. Times are seconds of any
    clock that never goes back, the same one in every call.

    :ivar agreed_at: when what was brought last agreed with the venue; minus infinity before the first time
    """

    # Of a hundred books, each is out of the processor's caches when its turn comes: what lies together is read at once.
    __slots__ = (
        "agreed_at",
        "resubscribe_at",
        "_trading_pair",
        "_is_loss_logged",
        "_sides",
        "_frames",
        "_subscribed_at",
        "_last_frame_at",
        "_close_frames",
        "_expects_leftovers",
        "_loss_reason",
    )

    def __init__(self, trading_pair: str, now: float):
        self._trading_pair = trading_pair
        self.agreed_at = -inf
        self._is_loss_logged = False
        self._sides: Optional[Tuple[BookSide, BookSide]] = None
        self._frames: List[market_data.BookFrame] = []
        self._subscribed_at = self._last_frame_at = now
        self.resubscribed(now)
        self._expects_leftovers = False

    @property
    def is_live(self) -> bool:
        """Whether the book is complete, and was the venue's when last heard of."""
        return self._sides is not None

    @property
    def reason(self) -> str:
        """Why the market has to be subscribed to again."""
        return self._loss_reason or f"it was silent for {CONSTANTS.BOOK_SILENCE_LIMIT:g} s"

    def accept(self, frame: market_data.BookFrame, now: float):
        """Takes a frame, to be settled together with those that come until then."""
        if frame.is_full:
            self._frames = [frame]
        elif self._sides is not None or self._frames:
            self._frames.append(frame)
        elif not self._expects_leftovers:
            self.lose("an update came before the snapshot", now)
        if self._frames:
            self._note_frame(frame.is_full, now)

    def settle(self, update_id: int, now: float) -> Optional[market_data.BookMessage]:
        """What the accepted frames change in the book, when that makes it the venue's. None when it does not, or there
        are none."""
        frames, self._frames = self._frames, []
        if not frames:
            return None
        is_full, latest = frames[0].is_full, frames[-1]
        if is_full or self._sides is None:
            bid_side, ask_side = BookSide(True), BookSide(False)
        else:
            bid_side, ask_side = self._sides
        try:
            bids = bid_side.update(_merged([frame.bids for frame in frames]), update_id)
            asks = ask_side.update(_merged([frame.asks for frame in frames]), update_id)
        except (TypeError, ValueError) as error:
            self.lose(f"a frame was malformed ({error})", now)
            return None
        if checksum(bid_side.texts, ask_side.texts) != latest.checksum:
            self.lose("it did not match the venue's checksum", now)
            return None
        self._sides = bid_side, ask_side
        self._is_loss_logged = self._is_loss_logged and is_full
        self.agreed_at = now
        kind = OrderBookMessageType.DIFF
        if is_full:
            kind, bids, asks = OrderBookMessageType.SNAPSHOT, bid_side.rows(update_id), ask_side.rows(update_id)
        return market_data.BookMessage(kind, self._trading_pair, update_id, latest.time, bids, asks)

    def lose(self, reason: str, now: float):
        """Gives the book up: until the next full state nothing is passed on."""
        self._sides = None
        self._frames = []
        self._loss_reason = reason
        self.resubscribe_at = max(now, self._subscribed_at + CONSTANTS.RESUBSCRIPTION_INTERVAL)

    def resubscribed(self, now: float):
        """A new subscription was asked for; frames of the old one may still be on their way."""
        self._sides = None
        self._frames = []
        self._subscribed_at = self._last_frame_at = now
        self._close_frames = 0
        self._expects_leftovers = True
        self._loss_reason = "it brought no snapshot"
        self.resubscribe_at = now + CONSTANTS.BOOK_SILENCE_LIMIT

    def subscription_confirmed(self):
        """The venue confirmed the latest subscription: whatever comes from here on belongs to it."""
        self._expects_leftovers = False

    def must_log_loss(self) -> bool:
        """Whether the present loss is still to be logged; True once until the book works again."""
        first, self._is_loss_logged = not self._is_loss_logged, True
        return first

    def _note_frame(self, is_full: bool, now: float):
        is_close = not is_full and now - self._last_frame_at < CONSTANTS.BOOK_SILENCE_LIMIT
        self._close_frames = self._close_frames + 1 if is_close else 1
        self._last_frame_at = now
        self._loss_reason = ""
        self.resubscribe_at = now + CONSTANTS.BOOK_SILENCE_LIMIT if self._close_frames >= TICKING_FRAMES else inf


def _merged(sides: List[List[Any]]) -> Sequence[Any]:
    """The last size of each price in one side of several frames, in their order."""
    if len(sides) == 1:
        return sides[0]
    sizes: Dict[float, float] = {}
    for levels in sides:
        sizes.update(levels)
    return list(sizes.items())
