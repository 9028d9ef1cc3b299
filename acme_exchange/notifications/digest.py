"""Sums up in a few lines what has happened since the last message, however much it was."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from acme_exchange.engine import Filled
from acme_exchange.engine.model.money import exactly
from acme_exchange.notifications.receiver import Message

MOST_LINES = 15
WHAT_IT_DID = {"buy": "bought", "sell": "sold"}

Kind = tuple[str, str, str, str]
"""Of a fill: account, market, side, and whether a liquidation made it."""


@dataclass
class Fills:
    """Fills of one kind, together.

    :ivar spent: price times size, US dollars; `fee` and `profit` likewise.
    """

    count: int = 0
    size: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    last: Decimal = Decimal(0)

    @exactly
    def add(self, fill: Filled) -> None:
        self.count += 1
        self.size += fill.size
        self.spent += fill.price * fill.size
        self.fee += fill.fee
        self.profit += fill.profit
        self.last = fill.price

    def line(self, kind: Kind) -> str:
        account, market, side, cause = kind
        what = f"{account} {WHAT_IT_DID[side]} {self.size:,f} {market}"
        liquidation = " in a liquidation" if cause == "liquidation" else ""
        profit = f", profit {self.profit:+,.4f}" if self.profit else ""
        return f"{what} {self._price()}{liquidation} (fee {self.fee:,.4f}{profit} USD)"

    def _price(self) -> str:
        if self.count == 1:
            return f"at {self.last:,f}"
        average = (self.spent / self.size).quantize(self.last)
        return f"in {self.count:,} fills at {average:,f} on average"


class Digest:
    """Gathers what is to be told. Takes no more memory however long nobody takes it.

    :ivar filled: set while there is anything to tell.
    :ivar urgent: set while there is something to tell that is not to wait.
    """

    def __init__(self) -> None:
        self.filled = asyncio.Event()
        self.urgent = asyncio.Event()
        self._fills: dict[Kind, Fills] = {}
        self._lines: list[str] = []
        self._left_out = 0

    def add_fill(self, fill: Filled) -> None:
        self._fills.setdefault((fill.account, fill.market, fill.side, fill.kind), Fills()).add(fill)
        self.filled.set()

    def add_urgent(self, line: str) -> None:
        if len(self._lines) < MOST_LINES:
            self._lines.append(line)
        else:
            self._left_out += 1
        self.filled.set()
        self.urgent.set()

    def take(self) -> Message:
        """What there is to tell, which is thereby told; what cannot wait comes first."""
        lines = self._lines + [fills.line(kind) for kind, fills in self._fills.items()]
        left_out = self._left_out + max(0, len(lines) - MOST_LINES)
        shown = lines[:MOST_LINES] + ([f"... and {left_out:,} more like these"] if left_out else [])
        message = Message("\n".join(shown), is_urgent=self.urgent.is_set())
        self._fills, self._lines, self._left_out = {}, [], 0
        self.filled.clear()
        self.urgent.clear()
        return message
