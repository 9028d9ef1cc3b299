"""A statement: what an account has traded, paid and holds, in the form in which the bot's and the venue's are
compared."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum


class OrderState(Enum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Order:
    """`id` is the client order id; `price` in USD, `amount` in coins, as ordered.

    The venue cuts an order that `reduces` a position to what is left of it (Acme API §8): then its amount is less.
    """

    id: str
    side: str
    price: Decimal
    amount: Decimal
    state: OrderState
    reduces: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Fill:
    """`id` is the venue's; `order_id` the client order id; `fee` in USD, negative for a rebate.

    `time` is when the party learned of it, in seconds since 1970; it is not compared.
    """

    id: str
    order_id: str
    side: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    time: float = field(default=0, compare=False)


@dataclass(frozen=True)
class Funding:
    """`amount` in USD is positive when the account received it; `time` in seconds since 1970."""

    time: int
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """What one account did on one market: orders by client order id, fills by the venue's id, funding oldest first."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    funding: list[Funding] = field(default_factory=list)


@dataclass(frozen=True)
class Holding:
    """What an account has: `position` is signed, in coins; `balance` is the wallet's total in USD."""

    position: Decimal
    balance: Decimal
