"""Accounts and their holdings: the money side of the engine's state."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from acme_exchange.engine.model.exposure import Exposure
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.words import HoldingSide, PositionMode, Side

if TYPE_CHECKING:
    from acme_exchange.engine.model.markets import Market
    from acme_exchange.engine.model.standing import Balance

HOUSE = "@house"
QUOTES = "@quotes"
TAKES = "@takes"
HOUSE_ACCOUNTS = (HOUSE, QUOTES, TAKES)

DEFAULT_LEVERAGE = 10
COST_QUANTUM = Decimal("1e-18")


class Worth(NamedTuple):
    """A holding at the mark, in US dollars.

    :ivar unrealized: the profit that closing would bring.
    :ivar notional: of the position, counted as positive.
    :ivar open_notional: of the largest position that the resting orders could lead to.
    :ivar order_loss: what the resting orders would lose against the mark, were all filled at once.
    :ivar index_gain: what the position is worth more at the index than at the mark.
    :ivar index_loss: what the resting orders that enlarge a position would lose more against the index, at most.
    """

    unrealized: Decimal
    notional: Decimal
    open_notional: Decimal
    order_loss: Decimal
    index_gain: Decimal
    index_loss: Decimal


def largest_size(size: Decimal, buys: Decimal, sells: Decimal) -> Decimal:
    """The larger of the positions that `buys`, or `sells`, would make of one of `size`."""
    return max((size + buys).copy_abs(), (size - sells).copy_abs())


def by_index(market: Market, size: Decimal, buys: Decimal, sells: Decimal) -> tuple[Decimal, Decimal]:
    """What a position of `size` is worth more at the index than at the mark, and what orders that open lose more there,
    at most: those of one side alone, since the other side gains."""
    away = market.mark - market.index
    if not away:
        return ZERO, ZERO
    return -size * away, buys * away if away > 0 else -sells * away


class Holding:
    """What an account holds and has on order in one market, on one position side ("net", "long" or "short").

    `cost` is what the position was bought for, negative for a short: exact, where an average price would not be. `buys`
    and `sells` are the resting sizes that could open or enlarge a position, `reducing` the resting orders that cannot.
    `exposures` say what the resting orders of each side would lose against the mark; the house's are not counted.
    `recent` is the profit taken since the position was last flat, or turned around, after fees and funding.
    """

    __slots__ = (
        "account",
        "market",
        "side",
        "size",
        "cost",
        "realized",
        "recent",
        "buys",
        "sells",
        "reducing",
        "exposures",
        "traded",
        "_worth",
        "_worth_mark",
        "_worth_index",
    )

    def __init__(self, account: Account, market: Market, side: HoldingSide):
        self.account = account
        self.market = market
        self.side = side
        self.size = ZERO
        self.cost = ZERO
        self.realized = ZERO
        self.recent = ZERO
        # With the market's decimals from the start, so that nought is written the same before and after an order.
        self.buys = self.sells = ZERO.quantize(market.size_quantum)
        self.reducing: dict[int, LiveOrder] = {}
        self.exposures = {"buy": Exposure("buy"), "sell": Exposure("sell")}
        self.traded = False
        self._worth: Worth | None = None
        self._worth_mark: Decimal | None = None
        self._worth_index: Decimal | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Its name within the account."""
        return self.market.name, self.side

    @property
    def active(self) -> bool:
        """Whether there is a position or a resting order."""
        return bool(self.size or self.buys or self.sells or self.reducing)

    def worth(self) -> Worth:
        """What the holding comes to at the mark, and at the index.

        A mark that moves concerns every account in its market, and each of them all its holdings: so what did not
        change is not computed again.
        """
        market = self.market
        mark, index = market.mark, market.index
        if self._worth is None or self._worth_mark is not mark or self._worth_index is not index:
            profit = self.size * mark - self.cost if self.size else ZERO
            buying, selling = self.exposures["buy"].loss(mark), self.exposures["sell"].loss(mark)
            loss = ZERO if buying is selling is ZERO else buying + selling
            gain, more = by_index(self.market, self.size, self.buys, self.sells)
            self._worth = Worth(profit, self.size.copy_abs() * mark, self.open_size * mark, loss, gain, more)
            self._worth_mark, self._worth_index = mark, index
        return self._worth

    @property
    def unrealized(self) -> Decimal:
        """The profit that closing at the mark would bring."""
        return self.worth().unrealized if self.size else ZERO

    @property
    def open_size(self) -> Decimal:
        """The largest position that the resting orders could lead to, which is what takes initial margin.

        Orders of both sides do not add up: filling one side undoes the other, so the larger outcome counts.
        """
        return largest_size(self.size, self.buys, self.sells)

    def room(self, side: Side) -> Decimal:
        """How much an order of `side` could at most take off the position."""
        return max(ZERO, self.size if side == "sell" else -self.size)

    def reserve(self, order: LiveOrder, change: Decimal) -> None:
        """Counts `change` more of a resting order."""
        self._worth = None
        if change and not self.account.house:
            self.exposures[order.side].change(order.price, change)
        if order.reducing:
            return
        if order.side == "buy":
            self.buys += change
        else:
            self.sells += change

    def trade(self, change: Decimal, price: Decimal, fee_rate: Decimal) -> Decimal:
        """Buys `change` (sells, when negative) at `price`; returns the profit that this realizes, before the fee.

        The cost of a part is the only quotient: it is rounded once, and the rest of the cost stays with the rest of
        the position, so that cash plus unrealized profit is not changed by the rounding.
        """
        before, profit = self.size, ZERO
        if before * change < 0:
            closing = max(change, -before) if before > 0 else min(change, -before)
            released = self.cost if closing == -before else divide(self.cost * -closing, before, COST_QUANTUM)
            profit = -closing * price - released
            self.cost -= released
            self.cost += (change - closing) * price
        else:
            self.cost += change * price
        self.size += change
        self._worth = None
        self._note_trade()
        self.realized += profit
        self._follow(before, profit - change.copy_abs() * price * fee_rate, self.size.copy_abs() * price * fee_rate)
        return profit

    def _note_trade(self) -> None:
        """Positions are listed, and kept, in the order of their first opening."""
        if not self.traded:
            self.traded = True
            self.account.holdings.pop(self.key, None)
            self.account.holdings[self.key] = self

    def _follow(self, before: Decimal, gain: Decimal, opening_fee: Decimal) -> None:
        """A position that turns around begins at its own entry, with what opening it cost."""
        if not self.size:
            self.recent = ZERO
        elif before * self.size > 0:
            self.recent += gain
        else:
            self.recent = -opening_fee


class Account:
    """An account: its cash, settings, holdings and resting orders. House accounts need no margin.

    `open_orders` counts the resting orders of each market; `shown` is the balance that was last reported.
    """

    __slots__ = (
        "name",
        "number",
        "house",
        "cash",
        "leverage",
        "mode",
        "maker_fee",
        "taker_fee",
        "holdings",
        "active",
        "orders",
        "by_client_id",
        "open_orders",
        "shown",
    )

    def __init__(self, name: str, number: int, maker_fee: Decimal, taker_fee: Decimal):
        self.name = name
        self.number = number
        self.house = name in HOUSE_ACCOUNTS
        self.cash = ZERO
        self.leverage = DEFAULT_LEVERAGE
        self.mode: PositionMode = "oneway"
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.holdings: dict[tuple[str, str], Holding] = {}
        self.active: dict[tuple[str, str], Holding] = {}
        self.orders: dict[int, LiveOrder] = {}
        self.by_client_id: dict[str, LiveOrder] = {}
        self.open_orders: Counter[str] = Counter()
        self.shown: Balance | None = None

    def holding(self, market: Market, side: HoldingSide) -> Holding:
        """The holding of that name; a new, empty one is not remembered until it becomes active."""
        return self.holdings.get((market.name, side)) or Holding(self, market, side)

    def positions(self) -> list[Holding]:
        """The holdings with a position."""
        return [holding for holding in self.active.values() if holding.size]
