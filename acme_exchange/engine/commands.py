"""The commands that the engine carries out. Each is plain, immutable data, so that it can be written down and replayed.

Prices and amounts are Decimal US dollars, sizes are Decimal units of the underlying. The vocabulary of the fields
(sides, kinds, modes) is that of Acme API §5.
"""

from dataclasses import dataclass
from decimal import Decimal

from acme_exchange.engine.model.words import OrderKind, PositionMode, PositionSide, Side

DEFAULT_MAKER_FEE = Decimal("0.0002")
DEFAULT_TAKER_FEE = Decimal("0.0005")

PriceAndSize = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """Opens an account with no money, in one-way mode, at the default leverage.

    `account` is its name: unique, at most 64 characters; names that begin with "@" are the house's own.
    The fees are fractions of notional; a negative one is a rebate.
    """

    account: str
    maker_fee: Decimal = DEFAULT_MAKER_FEE
    taker_fee: Decimal = DEFAULT_TAKER_FEE


@dataclass(frozen=True, slots=True)
class Deposit:
    """Adds a positive amount of US dollars to an account."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class SetLeverage:
    """Sets the account's one leverage for every market: an integer from 1 to 20."""

    account: str
    leverage: int


@dataclass(frozen=True, slots=True)
class SetPositionMode:
    """Sets "oneway" or "hedge". Setting the mode that the account already has is always allowed."""

    account: str
    mode: PositionMode


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Places an order (Acme API §5, POST /orders).

    `kind` is "limit" or "market"; `price` is None for a market order. `reject_after` is in microseconds since the
    epoch. `position_side` is "long" or "short" in hedge mode, None in one-way mode.
    """

    account: str
    market: str
    side: Side
    kind: OrderKind
    size: Decimal
    price: Decimal | None = None
    reduce_only: bool = False
    ioc: bool = False
    post_only: bool = False
    client_id: str | None = None
    reject_after: int | None = None
    position_side: PositionSide | None = None


@dataclass(frozen=True, slots=True)
class ModifyOrder:
    """Cancels a resting order and places another in its stead, in one step: both happen, or neither.

    The order is named by exactly one of `order_id` and `client_id`. What is None stays: the price as it was, the size
    as what remains. The new order has a new id and lost its place in the queue; its client id is `new_client_id`, and
    None without one, since a client id is good for one order only.
    """

    account: str
    order_id: int | None = None
    client_id: str | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    new_client_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancels a resting order, named by exactly one of `order_id` and `client_id`."""

    account: str
    order_id: int | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """Cancels all resting orders of an account, or those of one market, of one side, or of both."""

    account: str
    market: str | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class SetIndex:
    """Sets the index price of a market."""

    market: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Requote:
    """Makes the resting orders of the house's quoting account in one market these: one order for each price.

    Orders that are already as desired stay untouched, with their place in the queue. New ones that cross other
    accounts' orders trade with them. Empty sides withdraw the quotes.
    """

    market: str
    bids: tuple[PriceAndSize, ...]
    asks: tuple[PriceAndSize, ...]


@dataclass(frozen=True, slots=True)
class MirrorBook:
    """What the source of a followed market displays: levels that changed, or the whole book within reach.

    :ivar bids: price and displayed size; a size of 0: the level has left the source's book.
    :ivar asks: likewise.
    :ivar time: the source's, microseconds since the epoch.
    :ivar whole: every level that is not named is gone.
    :ivar power: how cancellations are split around an account's order: None takes those behind it to go first; n takes
        front^n of front^n + back^n from before it.
    """

    market: str
    bids: tuple[PriceAndSize, ...]
    asks: tuple[PriceAndSize, ...]
    time: int
    whole: bool = False
    power: int | None = None


@dataclass(frozen=True, slots=True)
class MirrorTrade:
    """A trade at the source of a followed market. `side` is the taker's, `time` the source's, as in `MirrorBook`."""

    market: str
    side: Side
    price: Decimal
    size: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class FollowPrices:
    """What the source of a followed market says of its mark, index and funding.

    :ivar rate: what a long pays at `next_funding_time` (microseconds since the epoch), a fraction of the notional.
    """

    market: str
    mark: Decimal
    index: Decimal
    rate: Decimal
    next_funding_time: int


@dataclass(frozen=True, slots=True)
class FollowFunding:
    """What the source of a followed market has paid at `time` (microseconds since the epoch), while it was silent."""

    market: str
    rate: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class Halt:
    """Halts a followed market while its source is silent, or ends that. A whole `MirrorBook` has to come next then."""

    market: str
    halted: bool


@dataclass(frozen=True, slots=True)
class Delist:
    """Ends a followed market that its source has taken away."""

    market: str


@dataclass(frozen=True, slots=True)
class Advance:
    """Lets time pass: settles funding that is due and dated futures that expire. Send it several times a second."""


FollowCommand = MirrorBook | MirrorTrade | FollowPrices | FollowFunding | Halt | Delist
"""What comes of a real market that is followed."""

Command = (
    CreateAccount
    | Deposit
    | SetLeverage
    | SetPositionMode
    | PlaceOrder
    | ModifyOrder
    | CancelOrder
    | CancelOrders
    | SetIndex
    | Requote
    | MirrorBook
    | MirrorTrade
    | FollowPrices
    | FollowFunding
    | Halt
    | Delist
    | Advance
)
