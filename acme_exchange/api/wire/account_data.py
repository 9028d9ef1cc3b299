"""The answers about an account, field by field, and how they are made of the engine's views (Acme API §5, §6).
Nothing is rounded."""

from decimal import Decimal

from msgspec import UNSET, UnsetType

from acme_exchange.api.wire.answers import COLLATERAL, NOTHING, Answer, Time, iso
from acme_exchange.engine import Filled, FundingPaid, views
from acme_exchange.engine.model.words import (
    FillKind,
    HoldingSide,
    Liquidity,
    OrderKind,
    OrderStatus,
    PositionMode,
    PositionSide,
    Side,
)


class Position(Answer, frozen=True):
    future: str
    side: Side
    size: Decimal
    net_size: Decimal
    open_size: Decimal
    long_order_size: Decimal
    short_order_size: Decimal
    cost: Decimal
    entry_price: Decimal | None
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    initial_margin_requirement: Decimal
    maintenance_margin_requirement: Decimal
    estimated_liquidation_price: Decimal | None
    collateral_used: Decimal
    position_side: HoldingSide
    recent_average_open_price: Decimal | None | UnsetType = UNSET
    recent_break_even_price: Decimal | None | UnsetType = UNSET
    recent_pnl: Decimal | None | UnsetType = UNSET


def position(position: views.Position, with_average_prices: bool = False) -> Position:
    """
    :param with_average_prices: adds what `showAvgPrice` asks for.
    """
    averages = {}
    if with_average_prices:
        averages = {
            "recent_average_open_price": position.recent_average_open_price,
            "recent_break_even_price": position.recent_break_even_price,
            "recent_pnl": position.recent_profit,
        }
    return Position(
        future=position.market,
        side=position.side,
        size=position.size,
        net_size=position.net_size,
        open_size=position.open_size,
        long_order_size=position.long_order_size,
        short_order_size=position.short_order_size,
        cost=position.cost,
        entry_price=position.entry_price,
        unrealized_pnl=position.unrealized_profit,
        realized_pnl=position.realized_profit,
        initial_margin_requirement=position.initial_margin_requirement,
        maintenance_margin_requirement=position.maintenance_margin_requirement,
        estimated_liquidation_price=position.estimated_liquidation_price,
        collateral_used=position.collateral_used,
        position_side=position.position_side,
        **averages,
    )


class Account(Answer, frozen=True):
    username: str
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
    positions: list[Position]
    position_mode: PositionMode


def account(account: views.Account) -> Account:
    return Account(
        username=account.name,
        collateral=account.collateral,
        free_collateral=account.free_collateral,
        total_account_value=account.total_account_value,
        total_position_size=account.total_position_size,
        initial_margin_requirement=account.initial_margin_requirement,
        maintenance_margin_requirement=account.maintenance_margin_requirement,
        margin_fraction=account.margin_fraction,
        open_margin_fraction=account.open_margin_fraction,
        liquidating=account.liquidating,
        leverage=account.leverage,
        maker_fee=account.maker_fee,
        taker_fee=account.taker_fee,
        positions=[position(each) for each in account.positions],
        position_mode=account.position_mode,
    )


class Balance(Answer, frozen=True):
    coin: str
    total: Decimal
    free: Decimal
    available_without_borrow: Decimal
    usd_value: Decimal
    spot_borrow: Decimal


def balance(balance: views.Balance) -> Balance:
    return Balance(
        coin=COLLATERAL,
        total=balance.total,
        free=balance.free,
        available_without_borrow=balance.free,
        usd_value=balance.total,
        spot_borrow=NOTHING,
    )


class Order(Answer, frozen=True):
    id: int
    client_id: str | None
    market: str
    future: str | None
    type: OrderKind
    side: Side
    size: Decimal
    price: Decimal | None
    reduce_only: bool
    ioc: bool
    post_only: bool
    status: OrderStatus
    filled_size: Decimal
    remaining_size: Decimal
    avg_fill_price: Decimal | None
    created_at: Time
    liquidation: bool
    position_side: PositionSide | None


def order(order: views.Order) -> Order:
    return Order(
        id=order.id,
        client_id=order.client_id,
        market=order.market,
        future=order.market,
        type=order.kind,
        side=order.side,
        size=order.size,
        price=order.price,
        reduce_only=order.reduce_only,
        ioc=order.ioc,
        post_only=order.post_only,
        status=order.status,
        filled_size=order.filled_size,
        remaining_size=order.remaining_size,
        avg_fill_price=order.average_fill_price,
        created_at=iso(order.created_at),
        liquidation=order.liquidation,
        position_side=order.position_side,
    )


class Fill(Answer, frozen=True):
    id: int
    market: str
    future: str | None
    type: FillKind
    side: Side
    price: Decimal
    size: Decimal
    order_id: int
    trade_id: int
    time: Time
    fee_rate: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    base_currency: str | None
    quote_currency: str | None
    client_id: str | None
    position_side: PositionSide | None


def fill(fill: Filled) -> Fill:
    """Nothing but futures is traded on Acme, so that no fill has currencies of its own."""
    assert fill.order_id is not None, "the house's fills are told to nobody"
    return Fill(
        id=fill.id,
        market=fill.market,
        future=fill.market,
        type=fill.kind,
        side=fill.side,
        price=fill.price,
        size=fill.size,
        order_id=fill.order_id,
        trade_id=fill.trade_id,
        time=iso(fill.time),
        fee_rate=fill.fee_rate,
        fee=fill.fee,
        fee_currency=COLLATERAL,
        liquidity=fill.liquidity,
        base_currency=None,
        quote_currency=None,
        client_id=fill.client_id,
        position_side=fill.position_side,
    )


class FundingPayment(Answer, frozen=True):
    id: int
    future: str
    payment: Decimal
    rate: Decimal
    time: Time


def funding_payment(paid: FundingPaid) -> FundingPayment:
    return FundingPayment(id=paid.id, future=paid.market, payment=paid.payment, rate=paid.rate, time=iso(paid.time))
