"""A live order, as the engine has it while it rests or is matched."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.words import OrderKind, OrderStatus, PositionSide, Side

if TYPE_CHECKING:
    from acme_exchange.engine.model.accounts import Account, Holding
    from acme_exchange.engine.model.markets import Market
    from acme_exchange.engine.model.mirror import MirrorLevel


class LiveOrder:
    """An order that is being matched or rests.

    `reducing` is set for reduce-only orders, and in hedge mode for all that close: those are cut to the position.
    `id` is nought until it is accepted, `price` is for a market order, which never rests. `mirrored` is the level of a
    followed market that a resting order stands for, in its source's stead.
    `reach` is the farthest price at which it takes what rests: its own or, for a market order, the one that the rules
    set. `key` is where its price sorts, once it has rested. Size and price must be on the market's increments; they are
    kept with its decimals, so that a sum is written the same however it came about.
    """

    __slots__ = (
        "id",
        "holding",
        "client_id",
        "kind",
        "side",
        "size",
        "price",
        "reduce_only",
        "ioc",
        "post_only",
        "status",
        "filled",
        "filled_notional",
        "created_at",
        "liquidation",
        "position_side",
        "reducing",
        "mirrored",
        "reach",
        "key",
    )

    def __init__(
        self,
        holding: Holding,
        side: Side,
        kind: OrderKind,
        size: Decimal,
        price: Decimal | None = None,
        reducing: bool = False,
        liquidation: bool = False,
    ):
        self.id = 0
        self.holding = holding
        self.client_id: str | None = None
        self.kind = kind
        self.side = side
        self.size = size.quantize(holding.market.size_quantum)
        self.price = ZERO if price is None else price.quantize(holding.market.price_quantum)
        self.reduce_only = False
        self.ioc = False
        self.post_only = False
        self.status: OrderStatus = "new"
        self.filled = ZERO
        self.filled_notional = ZERO
        self.created_at = 0
        self.liquidation = liquidation
        self.position_side: PositionSide | None = None if holding.side == "net" else holding.side
        self.reducing = reducing
        self.mirrored: MirrorLevel | None = None
        self.reach = None if price is None else self.price
        self.key = 0

    @property
    def account(self) -> Account:
        return self.holding.account

    @property
    def market(self) -> Market:
        return self.holding.market

    @property
    def remaining(self) -> Decimal:
        """What is still to be matched."""
        return self.size - self.filled if self.filled else self.size

    @property
    def rests(self) -> bool:
        """Whether what it cannot take rests in the book."""
        return self.kind == "limit" and not self.ioc

    def reaches(self, price: Decimal) -> bool:
        """Whether this order would trade at `price`."""
        if self.reach is None:
            return True
        return price <= self.reach if self.side == "buy" else price >= self.reach

    @property
    def loses(self) -> bool:
        """Whether it would lose against the mark, or the index, the moment it was filled at its price."""
        prices = self.market.mark, self.market.index
        return self.price > min(prices) if self.side == "buy" else self.price < max(prices)
