"""An account's money, entry by entry, and how its positions and its cash have moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import merge
from typing import Literal

from acme_exchange.engine.events import Deposited, Filled, FundingPaid, Liquidated, Settled
from acme_exchange.engine.model.money import EXACT
from acme_exchange.engine.model.words import Side

ZERO = Decimal(0)

EntryKind = Literal["deposit", "fill", "funding", "expiry", "absorbed loss"]

Posting = Deposited | Settled | Liquidated
"""What is no fill and no funding, but moves cash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of an account's cash; all amounts are US dollars.

    :ivar time: microseconds since the epoch.
    :ivar kind: an "absorbed loss" is what the house bore in a liquidation.
    :ivar profit: what closing a position, or a part of it, realized.
    :ivar fee: negative for a rebate.
    :ivar funding: positive when the account received.
    :ivar amount: by how much all of that changed the balance.
    """

    time: int
    kind: EntryKind
    market: str | None
    side: Side | None
    size: Decimal | None
    price: Decimal | None
    profit: Decimal
    fee: Decimal
    funding: Decimal
    amount: Decimal


@dataclass(slots=True)
class Flow:
    """What an account did in a market within a span of time, to be drawn: doubles, which hold no amount exactly.

    :ivar start: of the span, microseconds since the epoch.
    :ivar market: None for what belongs to none.
    :ivar size: bought, less what was sold.
    :ivar paid: US dollars paid for that.
    :ivar cost: US dollars of fees and funding, less what the house bore.
    :ivar deposit: US dollars.
    """

    start: int
    market: str | None
    size: float = 0.0
    paid: float = 0.0
    cost: float = 0.0
    deposit: float = 0.0


@dataclass(frozen=True, slots=True)
class Deposits:
    """What was deposited into an account in all.

    :ivar total: US dollars.
    :ivar first: when the first was made, microseconds since the epoch.
    """

    total: Decimal
    first: int

    def and_then(self, later: "Deposits") -> "Deposits":
        return Deposits(EXACT.add(self.total, later.total), min(self.first, later.first))


def fill_entry(fill: Filled) -> Entry:
    amount = EXACT.subtract(fill.profit, fill.fee)
    return Entry(fill.time, "fill", fill.market, fill.side, fill.size, fill.price, fill.profit, fill.fee, ZERO, amount)


def payment_entry(paid: FundingPaid) -> Entry:
    received = paid.payment.copy_negate()
    return Entry(paid.time, "funding", paid.market, None, None, None, ZERO, ZERO, received, received)


def posting_entry(event: Posting) -> Entry:
    if isinstance(event, Settled):
        side: Side = "sell" if event.size > 0 else "buy"
        size, profit = event.size.copy_abs(), event.profit
        return Entry(event.time, "expiry", event.market, side, size, event.price, profit, ZERO, ZERO, profit)
    if isinstance(event, Deposited):
        return Entry(event.time, "deposit", None, None, None, None, ZERO, ZERO, ZERO, event.amount)
    return Entry(event.time, "absorbed loss", None, None, None, None, ZERO, ZERO, ZERO, event.absorbed)


def flow_of(entry: Entry, start: int) -> Flow:
    """What a single entry moved."""
    flow = Flow(start, entry.market)
    if entry.size is not None and entry.price is not None:
        flow.size = float(entry.size) if entry.side == "buy" else -float(entry.size)
        flow.paid = flow.size * float(entry.price)
    if entry.kind == "deposit":
        flow.deposit = float(entry.amount)
    elif entry.kind == "absorbed loss":
        flow.cost = -float(entry.amount)
    else:
        flow.cost = float(entry.fee) - float(entry.funding)
    return flow


def newest(sources: Sequence[Iterable[Entry]], limit: int) -> list[Entry]:
    """The latest of several lists, each the newest first; all those of the oldest moment, even past the limit.

    :param sources: of entries of one moment, those of a later list were made before.
    """
    chosen: list[Entry] = []
    for entry in merge(*sources, key=lambda entry: -entry.time):
        if len(chosen) >= limit and entry.time != chosen[-1].time:
            break
        chosen.append(entry)
    return chosen
