"""The state of a market that follows a real one: the levels that its source displays, its mark, and its funding."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from acme_exchange.engine.model.money import ZERO

if TYPE_CHECKING:
    from acme_exchange.engine.model.accounts import Holding
    from acme_exchange.engine.model.orders import LiveOrder
    from acme_exchange.engine.model.words import Side

USUAL_INTERVAL = 8 * 3600 * 1_000_000
"""Microseconds between two payments, until the source has told of two."""
SAME_PAYMENT = 60 * 1_000_000
"""Microseconds between two times that mean one payment: exchanges pay some milliseconds late."""


class MirrorLevel:
    """One price of the source's book.

    What rests of it here is max(0, displayed − taken), in segments: the queue has accounts' orders between them.

    :ivar key: where the price sorts in its side of the book.
    :ivar displayed: what the source shows, less what it has traded since.
    :ivar taken: what accounts have taken of it here. It stays taken until the level leaves the source's book.
    :ivar rest: what rests of it here.
    :ivar time: the source's, of the last frame that told of the level, microseconds since the epoch.
    :ivar segments: the source's orders, as far as they rest here, in the order of the queue.
    """

    __slots__ = ("price", "key", "displayed", "taken", "rest", "time", "segments")

    def __init__(self, price: Decimal, key: int):
        self.price = price
        self.key = key
        self.displayed = ZERO
        self.taken = ZERO
        self.rest = ZERO
        self.time = 0
        self.segments: list[LiveOrder] = []

    def take(self, size: Decimal) -> None:
        """An account has taken `size` of what rests."""
        self.taken += size
        self.rest -= size

    @property
    def due(self) -> Decimal:
        """What should rest here."""
        return max(ZERO, self.displayed - self.taken) if self.taken else self.displayed


class Mirror:
    """The source of one market. It is halted until the source's book has come.

    :ivar mark: the source's; None until it was told.
    :ivar holding: the house's, which trades for the source; None until the source has displayed anything.
    """

    __slots__ = ("levels", "mark", "halted", "segments_made", "holding")

    def __init__(self) -> None:
        self.levels: dict[Side, dict[Decimal, MirrorLevel]] = {"buy": {}, "sell": {}}
        self.mark: Decimal | None = None
        self.halted = True
        self.segments_made = 0
        self.holding: Holding | None = None


class FollowedFunding:
    """The source's funding: its rate, and when it is paid. Stands where a market of the venue's own has a
    `FundingClock`.

    :ivar next_time: microseconds since the epoch. After a payment it is a guess, until the source tells it.
    """

    __slots__ = ("next_time", "_rate", "_paid", "_interval")

    def __init__(self, rate: Decimal, next_time: int, now: int = 0):
        """A time that has passed by `now` was paid before anybody was here: the next one counts."""
        late = now - next_time
        self.next_time = next_time if late < 0 else next_time + USUAL_INTERVAL * (late // USUAL_INTERVAL + 1)
        self._rate = rate
        self._paid = 0
        self._interval = USUAL_INTERVAL

    def row(self) -> dict[str, str | int]:
        """What a snapshot holds of it."""
        return {
            "funding_start": self._paid,
            "funding_since": self._interval,
            "funding_next": self.next_time,
            "premium": str(self._rate),
            "area": "0",
        }

    @classmethod
    def resumed(cls, row: dict[str, Any]) -> FollowedFunding | None:
        """What `row` has written; None if nothing was told yet."""
        if row["funding_start"] is None:
            return None
        funding = cls(Decimal(row["premium"]), row["funding_next"])
        funding._paid, funding._interval = row["funding_start"], row["funding_since"]
        return funding

    def tell(self, rate: Decimal, next_time: int) -> None:
        """The source's rate and time are these now; a time that was paid already is old news."""
        self._rate = rate
        if next_time <= self._paid:
            return
        if self._paid:
            self._interval = next_time - self._paid
        self.next_time = next_time

    def correct(self, rate: Decimal, time: int) -> None:
        """The source has paid `rate` at `time`; exchanges pay some milliseconds late."""
        if abs(time - self.next_time) < SAME_PAYMENT:
            self._rate = rate

    def observe(self, mark: Decimal, index: Decimal, now: int) -> None:
        """Does nothing: the source weighs its premiums itself."""

    def rate(self, now: int) -> Decimal:
        """What a long pays at `next_time`, a fraction of the notional."""
        return self._rate

    def settle(self, now: int) -> tuple[Decimal, int]:
        """Ends the interval: its rate and its time. Of several that have passed, one is paid, the first."""
        self._paid = self.next_time
        self.next_time += self._interval * ((now - self._paid) // self._interval + 1)
        return self._rate, self._paid
