"""Immutable pictures of the engine's state, as events carry them and queries return them.

Prices and amounts are Decimal US dollars, sizes Decimal units of the underlying, times integer microseconds since the
epoch, fractions Decimal (0.05 is 5 %). Averages and other quotients, which no decimal can hold exactly, are rounded
for display; no money is ever moved by a rounded number.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is at one moment (Acme API §5, order)."""

    id: int
    account: str
    client_id: str | None
    market: str
    kind: str
    side: str
    size: Decimal
    price: Decimal | None
    reduce_only: bool
    ioc: bool
    post_only: bool
    status: str
    filled_size: Decimal
    remaining_size: Decimal
    average_fill_price: Decimal | None
    created_at: int
    liquidation: bool
    position_side: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """A position as it is at one moment (Acme API §5, position).

    `net_size` and `cost` are negative for a short. `open_size` is the largest position that resting orders could lead
    to. `position_side` is "net" in one-way mode. The two margin requirements are fractions of notional at mark.
    `recent_profit` is the profit since the position was last flat, after fees and funding, with what is unrealized;
    `recent_break_even_price` is where that would be nought.
    """

    account: str
    market: str
    position_side: str
    side: str
    size: Decimal
    net_size: Decimal
    open_size: Decimal
    long_order_size: Decimal
    short_order_size: Decimal
    cost: Decimal
    entry_price: Decimal | None
    unrealized_profit: Decimal
    realized_profit: Decimal
    initial_margin_requirement: Decimal
    maintenance_margin_requirement: Decimal
    estimated_liquidation_price: Decimal | None
    collateral_used: Decimal
    recent_average_open_price: Decimal | None
    recent_break_even_price: Decimal | None
    recent_profit: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """The US dollars of an account: `total` without unrealized profit, `free` after margin in use, never negative."""

    total: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is at one moment (Acme API §5, GET /account).

    The two margin fractions are None without a position, or without a position or order. `liquidating` is always
    False, since a liquidation is over within the command that brought it about. `positions` lists what has ever been
    open; flat ones have size 0.
    """

    name: str
    collateral: Decimal
    free_collateral: Decimal
    total_account_value: Decimal
    total_position_size: Decimal
    initial_margin_requirement: Decimal
    maintenance_margin_requirement: Decimal
    margin_fraction: Decimal | None
    open_margin_fraction: Decimal | None
    liquidating: bool
    leverage: int
    maker_fee: Decimal
    taker_fee: Decimal
    position_mode: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Market:
    """A market as it is at one moment (Acme API §4, market).

    `kind` is "perpetual", "future" (dated) or "spot". `price` is the last price held between bid and ask, or the mark
    before the first trade; it, `mark` and `index` are None until the first index. `volume_24h` is in US dollars. The
    changes are fractions, against one hour ago, a day ago, and the start of the UTC day, or the oldest price known
    since then.
    """

    name: str
    kind: str
    underlying: str
    enabled: bool
    price_increment: Decimal
    size_increment: Decimal
    min_provide_size: Decimal
    max_size: Decimal
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    price: Decimal | None
    mark: Decimal | None
    index: Decimal | None
    open_interest: Decimal
    volume_24h: Decimal
    change_1h: Decimal
    change_24h: Decimal
    change_day: Decimal


@dataclass(frozen=True, slots=True)
class Future:
    """What a future has beside its market (Acme API §4, future).

    `next_funding_rate` is the prediction from the interval so far; it and `next_funding_time` are None for a dated
    future, and before a perpetual's first index. `expiry` is None for a perpetual.
    """

    market: Market
    expired: bool
    expiry: int | None
    next_funding_rate: Decimal | None
    next_funding_time: int | None
