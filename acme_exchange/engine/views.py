"""Makes the immutable views of the engine's state that events carry and queries return.

Prices and amounts are Decimal US dollars, sizes Decimal units of the underlying, times integer microseconds since the
epoch, fractions Decimal (0.05 is 5 %). Averages and other quotients, which no decimal can hold exactly, are rounded
for display; no money is ever moved by a rounded number.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from acme_exchange.engine.model import accounts, markets
from acme_exchange.engine.model.accounts import Holding
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.plain_data import PlainData
from acme_exchange.engine.model.standing import MAINTENANCE, Balance as Balance, balance, initial_margin, standing
from acme_exchange.engine.model.words import (
    HoldingSide,
    MarketKind,
    OrderKind,
    OrderStatus,
    PositionMode,
    PositionSide,
    Side,
)

_ONE = Decimal(1)
_DISPLAY = Decimal("1e-12")


class Order(PlainData, frozen=True, gc=False):
    """An order as it is at one moment (Acme API §5, order)."""

    id: int
    account: str
    client_id: str | None
    market: str
    kind: OrderKind
    side: Side
    size: Decimal
    price: Decimal | None
    reduce_only: bool
    ioc: bool
    post_only: bool
    status: OrderStatus
    filled_size: Decimal
    remaining_size: Decimal
    average_fill_price: Decimal | None
    created_at: int
    liquidation: bool
    position_side: PositionSide | None


class Position(PlainData, frozen=True, gc=False):
    """A position as it is at one moment (Acme API §5, position).

    `net_size` and `cost` are negative for a short. `open_size` is the largest position that resting orders could lead
    to. `position_side` is "net" in one-way mode. The two margin requirements are fractions of notional at mark.
    `recent_profit` is the profit since the position was last flat, after fees and funding, with what is unrealized;
    `recent_break_even_price` is where that would be nought.
    """

    account: str
    market: str
    position_side: HoldingSide
    side: Side
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


class Account(PlainData, frozen=True, gc=False):
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
    position_mode: PositionMode
    positions: tuple[Position, ...]


class Market(PlainData, frozen=True, gc=False):
    """A market as it is at one moment (Acme API §4, market).

    `kind` is "perpetual", "future" (dated) or "spot". `price` is the last price held between bid and ask, or the mark
    before the first trade; it, `mark` and `index` are None until the first index. `volume_24h` is in US dollars. The
    changes are fractions, against one hour ago, a day ago, and the start of the UTC day, or the oldest price known
    since then. `source` is the exchange that it follows, None for one of its own; `halted` says that that is silent.
    """

    name: str
    kind: MarketKind
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
    source: str | None
    halted: bool


class Future(PlainData, frozen=True, gc=False):
    """What a future has beside its market (Acme API §4, future).

    `next_funding_rate` is the prediction from the interval so far; it and `next_funding_time` are None for a dated
    future, and before a perpetual's first index. `expiry` is None for a perpetual.
    """

    market: Market
    expired: bool
    expiry: int | None
    next_funding_rate: Decimal | None
    next_funding_time: int | None


def order_view(order: LiveOrder) -> Order:
    """The order as it is now."""
    average = divide(order.filled_notional, order.filled, _DISPLAY) if order.filled else None
    return Order(
        order.id,
        order.account.name,
        order.client_id,
        order.market.name,
        order.kind,
        order.side,
        order.size,
        order.price if order.kind == "limit" else None,
        order.reduce_only,
        order.ioc,
        order.post_only,
        order.status,
        order.filled,
        ZERO if order.status == "closed" else order.remaining,
        average,
        order.created_at,
        order.liquidation,
        order.position_side,
    )


def account_view(account: accounts.Account) -> Account:
    """The account with its positions."""
    stands = standing(account)
    money = balance(account, stands)
    return Account(
        name=account.name,
        collateral=money.total,
        free_collateral=money.free,
        total_account_value=stands.equity,
        total_position_size=stands.notional,
        initial_margin_requirement=_initial_fraction(account),
        maintenance_margin_requirement=MAINTENANCE,
        margin_fraction=_fraction(stands.equity, stands.notional),
        open_margin_fraction=_fraction(stands.equity, stands.open_notional),
        liquidating=False,
        leverage=account.leverage,
        maker_fee=account.maker_fee,
        taker_fee=account.taker_fee,
        position_mode=account.mode,
        positions=tuple(positions_view(account)),
    )


def positions_view(account: accounts.Account) -> list[Position]:
    """Every position that ever was open."""
    return [position_view(holding) for holding in account.holdings.values() if holding.traded]


def position_view(holding: Holding) -> Position:
    """One position."""
    account, size, worth, unrealized = holding.account, holding.size, holding.worth(), holding.unrealized
    entry = divide(holding.cost, size, _DISPLAY) if size else None
    return Position(
        account=account.name,
        market=holding.market.name,
        position_side=holding.side,
        side=_side(holding),
        size=size.copy_abs(),
        net_size=size,
        open_size=holding.open_size,
        long_order_size=holding.buys + _reducing_size(holding, "buy"),
        short_order_size=holding.sells + _reducing_size(holding, "sell"),
        cost=holding.cost,
        entry_price=entry,
        unrealized_profit=unrealized,
        realized_profit=holding.realized,
        initial_margin_requirement=_initial_fraction(account),
        maintenance_margin_requirement=MAINTENANCE,
        estimated_liquidation_price=_liquidation_price(holding) if size else None,
        collateral_used=initial_margin(worth.open_notional, account.leverage) + worth.order_loss,
        recent_average_open_price=entry,
        recent_break_even_price=divide(holding.cost - holding.recent, size, _DISPLAY) if size else None,
        recent_profit=holding.recent + unrealized,
    )


def market_view(market: markets.Market, now: int) -> Market:
    """The view of a market, with its statistics of the last day."""
    specification = market.specification
    bid, ask, _, _, last = market.ticker
    hour, day, since_midnight = market.statistics.changes(now)
    return Market(
        name=market.name,
        kind=specification.kind,
        underlying=specification.underlying,
        enabled=market.enabled,
        price_increment=specification.price_increment,
        size_increment=specification.size_increment,
        min_provide_size=specification.min_provide_size,
        max_size=specification.max_size,
        last=last,
        bid=bid,
        ask=ask,
        price=market.price or None,
        mark=market.mark or None,
        index=market.index or None,
        open_interest=market.open_interest,
        volume_24h=market.statistics.volume(now),
        change_1h=hour,
        change_24h=day,
        change_day=since_midnight,
        source=specification.source,
        halted=market.halted,
    )


def future_view(market: markets.Market, now: int) -> Future:
    """A future: its market, and its funding or expiry."""
    funding = market.funding
    return Future(
        market=market_view(market, now),
        expired=market.expired,
        expiry=market.specification.expiry,
        next_funding_rate=funding.rate(now) if funding else None,
        next_funding_time=funding.next_time if funding else None,
    )


def _fraction(equity: Decimal, notional: Decimal) -> Decimal | None:
    return divide(equity, notional, _DISPLAY) if notional else None


def _initial_fraction(account: accounts.Account) -> Decimal:
    return divide(_ONE, Decimal(account.leverage), _DISPLAY, ROUND_HALF_EVEN)


def _side(holding: Holding) -> Side:
    """What opened the position; a flat one's side is that of its kind, "buy" for a netted one."""
    if holding.size:
        return "buy" if holding.size > 0 else "sell"
    return "sell" if holding.side == "short" else "buy"


def _reducing_size(holding: Holding, side: Side) -> Decimal:
    return sum((order.remaining for order in holding.reducing.values() if order.side == side), ZERO)


def _liquidation_price(holding: Holding) -> Decimal | None:
    """The mark at which the account would reach its maintenance margin, were all other markets to stand still."""
    account, mark = holding.account, holding.market.mark
    stands = standing(account)
    slack = stands.equity - MAINTENANCE * stands.notional
    slope = holding.size - MAINTENANCE * holding.size.copy_abs()
    price = mark - divide(slack, slope, _DISPLAY)
    return price if price > 0 else None
