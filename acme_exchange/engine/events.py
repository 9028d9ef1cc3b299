"""The events that the engine returns. They carry all that the public and private channels need (Acme API §6).

Times are integer microseconds since the epoch: the clock of the command that caused the event.
"""

from decimal import Decimal

from acme_exchange.engine.model.plain_data import PlainData
from acme_exchange.engine.model.words import FillKind, HoldingSide, Liquidity, PositionSide, Side
from acme_exchange.engine.views import Balance, Order, Position


class OrderChanged(PlainData, frozen=True, gc=False):
    """An order is new, has filled in part, rests, was cut, or is closed. Orders of the house are not reported.

    `cancelled` is that a command of its account's cancelled it, so that it is not to be cancelled again.
    """

    order: Order
    time: int
    cancelled: bool = False


class Filled(PlainData, frozen=True, gc=False):
    """One side's half of a trade; the other side's half is the `Filled` of the same `trade_id`.

    The maker's half comes first, then the taker's. `kind` is "order" or "liquidation"; a negative `fee` is a rebate.
    `profit` is what closing a position, or a part of it, realized, before the fee: `profit - fee` went to the cash.
    The house's halves are reported too. `order_id` is None when the house took over a position in a liquidation, which
    no order of its own did.
    """

    id: int
    trade_id: int
    account: str
    market: str
    kind: FillKind
    side: Side
    price: Decimal
    size: Decimal
    order_id: int | None
    client_id: str | None
    position_side: PositionSide | None
    fee: Decimal
    fee_rate: Decimal
    profit: Decimal
    liquidity: Liquidity
    time: int


class Deposited(PlainData, frozen=True, gc=False):
    """US dollars were added to an account."""

    account: str
    amount: Decimal
    time: int


class Settled(PlainData, frozen=True, gc=False):
    """A position in a dated future that expired was closed at `price`. `size` is what it was, negative for a short."""

    account: str
    market: str
    position_side: HoldingSide
    size: Decimal
    price: Decimal
    profit: Decimal
    time: int


class Traded(PlainData, frozen=True, gc=False):
    """A public trade; `side` is the taker's."""

    id: int
    market: str
    price: Decimal
    size: Decimal
    side: Side
    liquidation: bool
    time: int


class BookChanged(PlainData, frozen=True, gc=False):
    """The price levels of a market that one command changed, with their new total size; 0 means gone.

    Each side is best price first. A level that ended as it began is not listed.
    """

    market: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    time: int


class TickerChanged(PlainData, frozen=True, gc=False):
    """The best prices, their sizes, or the last price of a market changed. A side without orders is None."""

    market: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    time: int


class PositionChanged(PlainData, frozen=True, gc=False):
    """A position after the fills, the funding payment or the liquidation of one command. Not for the house."""

    position: Position
    time: int


class BalanceChanged(PlainData, frozen=True, gc=False):
    """An account's `total` or `free` changed, be it by a trade, an order's margin or the mark. Not for the house."""

    account: str
    balance: Balance
    time: int


class FundingSettled(PlainData, frozen=True, gc=False):
    """A perpetual's funding rate for the interval that ended at `time`, which is on the interval's boundary."""

    market: str
    rate: Decimal
    time: int


class FundingPaid(PlainData, frozen=True, gc=False):
    """One position's funding payment, positive when the account paid. The house's are reported too."""

    id: int
    account: str
    market: str
    position_side: HoldingSide
    payment: Decimal
    rate: Decimal
    time: int


class Liquidated(PlainData, frozen=True, gc=False):
    """An account fell under its maintenance margin; its orders are cancelled and its positions closed.

    `absorbed` is the loss beyond the account's money, which the house bore.
    """

    account: str
    absorbed: Decimal
    time: int


Event = (
    OrderChanged
    | Filled
    | Deposited
    | Settled
    | Traded
    | BookChanged
    | TickerChanged
    | PositionChanged
    | BalanceChanged
    | FundingSettled
    | FundingPaid
    | Liquidated
)
