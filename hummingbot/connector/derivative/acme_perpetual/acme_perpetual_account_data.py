"""The account's data of the Acme API v1 as Hummingbot's data types, and its requests: orders, fills, holdings.

Pure functions: dictionaries in, values out. What is malformed raises `WireError`, which names the field.
"""

from decimal import Context, Decimal
from typing import Any, Dict, Iterable, List, Literal, NamedTuple, Optional, Tuple

import msgspec

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema

TRADE_TYPES = {"buy": TradeType.BUY, "sell": TradeType.SELL}
POSITION_MODES = {"oneway": PositionMode.ONEWAY, "hedge": PositionMode.HEDGE}
POSITION_SIDES = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
EXACT = Context(prec=100)  # for sums of money; Decimal's own operators round to 28 digits
MOST_ORDERS = 1000  # in one answer of `GET /orders/history` (Acme API §5)
MOST_FILLS = 1000  # in one answer of `GET /fills` (Acme API §5)


class VenueOrder(NamedTuple):
    """An order as the venue has it (Acme API §5, order). Sizes in units of the underlying."""

    exchange_order_id: str
    client_order_id: Optional[str]
    market: str
    trade_type: TradeType
    size: Decimal
    filled_size: Decimal
    state: OrderState
    is_resting: bool = False  # in the book

    @property
    def is_closed(self) -> bool:
        return self.state in (OrderState.FILLED, OrderState.CANCELED)


class VenueFill(NamedTuple):
    """A fill as the venue has it (Acme API §5, fill). Price and fee in USD; the fee is negative for a rebate."""

    trade_id: str
    exchange_order_id: str
    client_order_id: Optional[str]
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_token: str
    time: float  # seconds since the epoch
    is_taker: bool


class VenuePosition(NamedTuple):
    """A position as the venue has it (Acme API §5, position). The amount is negative for a short, 0 when flat."""

    market: str
    mode: PositionMode
    side: PositionSide
    amount: Decimal
    entry_price: Optional[Decimal]
    unrealized_pnl: Decimal


class VenueBalance(NamedTuple):
    """A coin's balance (Acme API §5): all of it, and what no margin is held against."""

    token: str
    total: Decimal
    free: Decimal


class FundingPayment(NamedTuple):
    """A funding payment with Hummingbot's sign: positive when the account received (the venue's is the opposite)."""

    market: str
    time: float  # seconds since the epoch
    rate: Decimal
    amount: Decimal


class AccountSettings(NamedTuple):
    """What holds for the whole account (Acme API §5, GET /account). Fees are fractions of an order's value."""

    maker_fee: Decimal
    taker_fee: Decimal
    leverage: int
    position_mode: PositionMode


def place_order_request(
    market_name: str,
    client_order_id: str,
    trade_type: TradeType,
    order_type: OrderType,
    position_action: PositionAction,
    position_mode: PositionMode,
    amount: Decimal,
    price: Decimal,
) -> Dict[str, Any]:
    """The body of `POST /orders` (Acme API §5). Its numbers are texts, so that they arrive as they were meant."""
    body = {
        "market": market_name,
        "side": "buy" if trade_type is TradeType.BUY else "sell",
        "type": "limit" if order_type.is_limit_type() else "market",
        "size": _number_text(amount),
        "price": _number_text(price) if order_type.is_limit_type() else None,
        "reduceOnly": position_action is PositionAction.CLOSE,
        "ioc": False,
        "postOnly": order_type is OrderType.LIMIT_MAKER,
        "clientId": client_order_id,
    }
    if position_mode is PositionMode.HEDGE:
        opens = position_action is not PositionAction.CLOSE
        body["positionSide"] = "long" if (trade_type is TradeType.BUY) == opens else "short"
    return body


def valid_until(request: Dict[str, Any], reject_after: float) -> Dict[str, Any]:
    """The same placement, which the venue refuses when it arrives later than this (epoch seconds, the venue's
    clock)."""
    return {**request, "rejectAfterTs": int(reject_after * 1e3)}


def leverage_request(leverage: int) -> Dict[str, Any]:
    """The body of `POST /account/leverage` (Acme API §5)."""
    return {"leverage": leverage}


def position_mode_request(mode: PositionMode) -> Dict[str, Any]:
    """The body of `POST /account/position_mode` (Acme API §5)."""
    return {"mode": next(name for name, value in POSITION_MODES.items() if value is mode)}


def fills_params(
    start_time: float, exchange_order_id: Optional[str] = None, least_id: Optional[int] = None
) -> Dict[str, Any]:
    """The query for the fills since `start_time`, oldest first, as many as one answer holds (Acme API §5).

    :param start_time: seconds since the epoch, inclusive
    :param exchange_order_id: the only order whose fills are wanted
    :param least_id: those of this id, and of higher ones
    """
    params = {"start_time": _time_text(start_time), "order": "asc", "limit": MOST_FILLS}
    narrowing = {"orderId": exchange_order_id, "minId": least_id}
    return {**params, **{name: value for name, value in narrowing.items() if value is not None}}


def order_history_params(start_time: float) -> Dict[str, Any]:
    """The query for the orders placed since `start_time` (epoch seconds, inclusive), newest first, as many as one
    answer holds (Acme API §5)."""
    return {"start_time": _time_text(start_time), "limit": MOST_ORDERS}


def funding_payments_params(start_time: float = 0, market_name: Optional[str] = None) -> Dict[str, Any]:
    """The query for the funding payments since `start_time` (epoch seconds, inclusive), of one market or of all."""
    params = {"start_time": _time_text(start_time)}
    return params if market_name is None else {**params, "future": market_name}


def order(data: Dict[str, Any]) -> VenueOrder:
    """An order of a REST answer or of a frame of the `orders` channel. Raises WireError when it is malformed."""
    size = wire.decimal_field(data, "size")
    filled_size = wire.decimal_field(data, "filledSize")
    if not 0 <= filled_size <= size:
        raise wire.WireError("'filledSize' is not between 0 and 'size'")
    status = wire.text_field(data, "status")
    return VenueOrder(
        exchange_order_id=_identifier(data, "id"),
        client_order_id=wire.optional_text(data, "clientId"),
        market=wire.text_field(data, "market"),
        trade_type=_trade_type(data),
        size=size,
        filled_size=filled_size,
        state=_order_state(status, size, filled_size),
        is_resting=status == "open",
    )


def order_update(venue_order: VenueOrder, tracked_order: InFlightOrder, now: float) -> OrderUpdate:
    """The news that an order of the venue is for the order that Hummingbot tracks; `now` in seconds."""
    return OrderUpdate(
        trading_pair=tracked_order.trading_pair,
        update_timestamp=now,
        new_state=venue_order.state,
        client_order_id=tracked_order.client_order_id,
        exchange_order_id=venue_order.exchange_order_id,
    )


def fill(data: Dict[str, Any]) -> VenueFill:
    """A fill of a REST answer or of a frame of the `fills` channel. Raises WireError when it is malformed."""
    return VenueFill(
        _identifier(data, "id"),
        _identifier(data, "orderId"),
        wire.optional_text(data, "clientId"),
        wire.positive_decimal(data, "price"),
        wire.positive_decimal(data, "size"),
        wire.decimal_field(data, "fee"),
        wire.text_field(data, "feeCurrency"),
        wire.time_field(data, "time"),
        data.get("liquidity") != "maker",
    )


class _Fill(msgspec.Struct, gc=False):
    """The fields of a fill, each of which is what it nearly always is."""

    id: int
    order_id: int = msgspec.field(name="orderId")
    client_id: str = msgspec.field(name="clientId")
    price: Any
    size: Any
    fee: Any
    fee_token: str = msgspec.field(name="feeCurrency")
    time: str
    liquidity: Any = None


class _FillFrame(msgspec.Struct, gc=False):
    channel: Literal["fills"]
    type: Literal["partial", "update"]
    data: _Fill


_FILL_FRAMES = msgspec.json.Decoder(_FillFrame, float_hook=Decimal)
_FILLS_TEXT = f'"{CONSTANTS.FILLS_CHANNEL}"'


def fill_of_frame(text: Any) -> Optional[VenueFill]:
    """The fill of a frame's text, without the dictionaries and numbers that nobody reads; None where it is not a fill
    as nearly all are, or none: then `wire.private_frame` and `fill` say what it is, or what is wrong with it."""
    if type(text) is not str or _FILLS_TEXT not in text:
        return None
    try:
        data = _FILL_FRAMES.decode(text).data
        price, size, fee = data.price, data.size, data.fee
        if not (type(price) is type(size) is type(fee) is Decimal):
            price, size, fee = map(wire.exact_number, (price, size, fee))
        if not (
            wire.LEAST <= price < wire.MOST
            and wire.LEAST <= size < wire.MOST
            and (not fee or wire.LEAST <= abs(fee) < wire.MOST)
        ):
            return None
        time = wire.timestamp(data.time)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return VenueFill(
        str(data.id),
        str(data.order_id),
        data.client_id,
        price,
        size,
        fee,
        data.fee_token,
        time,
        data.liquidity != "maker",
    )


def trade_update(venue_fill: VenueFill, tracked_order: InFlightOrder, fee_schema: TradeFeeSchema) -> TradeUpdate:
    """A fill as Hummingbot's news for the order that it belongs to, with exactly the fee that the venue took."""
    trade_id, exchange_order_id, _, price, size, fee, fee_token, time, is_taker = venue_fill
    is_close = tracked_order.position is PositionAction.CLOSE
    return TradeUpdate(
        trade_id,
        tracked_order.client_order_id,
        exchange_order_id,
        tracked_order.trading_pair,
        time,
        price,
        size,
        price * size,
        TradeFeeBase.new_perpetual_fee(
            fee_schema=fee_schema,
            position_action=PositionAction.CLOSE if is_close else PositionAction.OPEN,
            percent_token=fee_token,
            flat_fees=[TokenAmount(fee_token, fee)],
        ),
        is_taker,
    )


def position(data: Dict[str, Any]) -> VenuePosition:
    """A position of a REST answer or of a frame of the `positions` channel. Raises WireError when it is malformed."""
    amount = wire.decimal_field(data, "netSize")
    side_of_amount = PositionSide.SHORT if amount < 0 else PositionSide.LONG
    hedge_side = POSITION_SIDES.get(wire.optional_text(data, "positionSide") or "")
    return VenuePosition(
        market=wire.text_field(data, "future"),
        mode=PositionMode.HEDGE if hedge_side else PositionMode.ONEWAY,
        side=hedge_side or side_of_amount,
        amount=amount,
        entry_price=None if amount == 0 else _plain(wire.decimal_field(data, "entryPrice")),
        unrealized_pnl=wire.decimal_field(data, "unrealizedPnl"),
    )


def balance(data: Dict[str, Any]) -> VenueBalance:
    """A balance of a REST answer or of a frame of the `balances` channel. Raises WireError when it is malformed."""
    return VenueBalance(
        wire.text_field(data, "coin"), wire.decimal_field(data, "total"), wire.decimal_field(data, "free")
    )


def funding_payment(data: Dict[str, Any]) -> FundingPayment:
    """A payment of `GET /funding_payments`. Raises WireError when it is malformed."""
    return FundingPayment(
        market=wire.text_field(data, "future"),
        time=wire.time_field(data, "time"),
        rate=wire.decimal_field(data, "rate"),
        amount=wire.decimal_field(data, "payment").copy_negate(),  # a minus sign would round it to 28 digits
    )


def funding_payments_by_market(payments: Iterable[FundingPayment]) -> Dict[str, List[FundingPayment]]:
    """The payments of each market, oldest first. What the two sides of a hedge paid at one time is one payment."""
    merged: Dict[Tuple[str, float], FundingPayment] = {}
    for payment in payments:
        key = (payment.market, payment.time)
        amount = EXACT.add(merged[key].amount, payment.amount) if key in merged else payment.amount
        merged[key] = payment._replace(amount=amount)
    by_market: Dict[str, List[FundingPayment]] = {}
    for payment in sorted(merged.values(), key=lambda each: each.time):
        by_market.setdefault(payment.market, []).append(payment)
    return by_market


def account_settings(answer: Any) -> AccountSettings:
    """The answer of `GET /account`. Raises WireError when it is malformed, or its position mode is unknown."""
    account = wire.result(answer)
    mode = wire.text_field(account, "positionMode")
    if mode not in POSITION_MODES:
        raise wire.WireError("'positionMode' is neither oneway nor hedge")
    return AccountSettings(
        maker_fee=wire.decimal_field(account, "makerFee"),
        taker_fee=wire.decimal_field(account, "takerFee"),
        leverage=int(wire.positive_decimal(account, "leverage")),
        position_mode=POSITION_MODES[mode],
    )


def _plain(number: Decimal) -> Decimal:
    """The same number without the noughts at its end, which users would read."""
    shortest = EXACT.normalize(number)
    return shortest if int(shortest.as_tuple().exponent) <= 0 else EXACT.quantize(shortest, Decimal(1))


def _order_state(status: str, size: Decimal, filled_size: Decimal) -> OrderState:
    # "new", "open", and what a later version of the API may add: whatever is not closed is open.
    if status != "closed":
        return OrderState.PARTIALLY_FILLED if filled_size > 0 else OrderState.OPEN
    return OrderState.FILLED if filled_size == size > 0 else OrderState.CANCELED


def _trade_type(data: Dict[str, Any]) -> TradeType:
    side = wire.text_field(data, "side")
    if side not in TRADE_TYPES:
        raise wire.WireError("'side' is neither buy nor sell")
    return TRADE_TYPES[side]


def _identifier(data: Dict[str, Any], name: str) -> str:
    value = wire.field(data, name)
    if type(value) is not int:
        raise wire.WireError(f"'{name}' is not an integer")
    return str(value)


def _number_text(number: Decimal) -> str:
    return format(number, "f")


def _time_text(seconds: float) -> str:
    return format(max(seconds, 0.0), ".6f")
