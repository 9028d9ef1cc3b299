"""Checks whether an order may be accepted: everything that can be refused about it, before anything changes."""

from decimal import Decimal
from typing import get_args

from acme_exchange.engine.commands import PlaceOrder
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.model.accounts import Account, Holding
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import is_amount
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.state import State
from acme_exchange.engine.model.words import HoldingSide, OrderKind, Side
from acme_exchange.engine.rules.margin import band_price, nearer, require_margin, set_reach

MAX_OPEN_ORDERS = 1_000
"""Of one account in one market (Acme API §3)."""
SIDES = get_args(Side)
_OPENING_SIDE = {"long": "buy", "short": "sell"}


def accepted_order(state: State, command: PlaceOrder, replaced: LiveOrder | None = None) -> LiveOrder:
    """The order that `command` asks for, cut to its position if it reduces one. It has no id yet; nothing has changed.

    :param replaced: the resting order in whose stead it comes.
    :raises Refused: 400 or 404, with every text of Acme API §7 that concerns a placement.
    """
    account = state.account(command.account)
    market = state.open_market(command.market)
    if command.reject_after is not None and state.now > command.reject_after:
        raise Refused(400, "Invalid parameter rejectAfterTs")
    _check_words(command)
    check_client_id(state, command)
    holding = account.holding(market, _position_side(account, command))
    _check_price(market, command)
    _check_size(market, command.size)
    order = _order(holding, command)
    if order.reducing:
        _cut_to_position(order)
    _check_band(order)
    set_reach(order)
    _check_provided_size(market, order, command.size)
    _check_open_orders(order, replaced)
    require_margin(order, replaced)
    return order


def check_client_id(state: State, command: PlaceOrder) -> None:
    """:raises Refused: 400 `Invalid parameter clientId`, `Duplicate client order ID`."""
    client_id = command.client_id
    if client_id is None:
        return
    if not 1 <= len(client_id) <= 64:
        raise Refused(400, "Invalid parameter clientId")
    if state.client_ids.has_used(command.account, client_id):
        raise Refused(400, "Duplicate client order ID")


def _check_words(command: PlaceOrder) -> None:
    if command.side not in SIDES:
        raise Refused(400, "Invalid parameter side")
    if command.kind not in get_args(OrderKind):
        raise Refused(400, "Invalid parameter type")


def _position_side(account: Account, command: PlaceOrder) -> HoldingSide:
    side = command.position_side
    if account.mode == "oneway":
        if side is not None:
            raise Refused(400, "Position side is not allowed in one-way mode")
        return "net"
    if side is None:
        raise Refused(400, "Position side is required in hedge mode")
    if side not in _OPENING_SIDE:
        raise Refused(400, "Invalid parameter positionSide")
    return side


def _check_price(market: Market, command: PlaceOrder) -> None:
    price = command.price
    if command.kind == "market":
        if price is not None:
            raise Refused(400, "Invalid parameter price")
        return
    if price is None:
        raise Refused(400, "Missing parameter price")
    if not is_price(market, price):
        raise Refused(400, "Invalid price")


def _check_band(order: LiveOrder) -> None:
    if order.kind == "market" or order.account.house:
        return
    band = band_price(order.market, order.side)
    if nearer(order.side, order.price, band) != order.price:
        raise Refused(400, "Price is beyond the price band")


def is_price(market: Market, price: Decimal) -> bool:
    """Whether an order could rest at `price`: above 0, and on the increment."""
    return is_amount(price) and price > 0 and not price % market.specification.price_increment


def closes(holding: Holding, side: Side) -> bool:
    """Whether an order of `side` can only close, which in hedge mode the side alone says."""
    return holding.side != "net" and side != _OPENING_SIDE[holding.side]


def _check_size(market: Market, size: Decimal) -> None:
    specification = market.specification
    if not is_amount(size) or size < specification.size_increment or size % specification.size_increment:
        raise Refused(400, "Size too small")
    if size > specification.max_size:
        raise Refused(400, "Size too large")


def _check_provided_size(market: Market, order: LiveOrder, size: Decimal) -> None:
    """A limit order under the minimum is welcome only if it trades at once, whole.

    :param size: what was asked for, before it was cut to the position.
    """
    if not order.rests or size >= market.specification.min_provide_size:
        return
    if order.post_only or market.book.takeable(order)[0] < order.size:
        raise Refused(400, "Size too small for provide")


def _check_open_orders(order: LiveOrder, replaced: LiveOrder | None) -> None:
    account = order.account
    others = account.open_orders[order.market.name] - (replaced is not None)
    if order.rests and others >= MAX_OPEN_ORDERS and not account.house:
        raise Refused(400, "Too many open orders")


def _cut_to_position(order: LiveOrder) -> None:
    room = order.holding.room(order.side)
    if not room:
        raise Refused(400, "Invalid reduce-only order")
    order.size = min(order.size, room)


def _order(holding: Holding, command: PlaceOrder) -> LiveOrder:
    closing = closes(holding, command.side)
    if command.reduce_only and holding.side != "net" and not closing:
        raise Refused(400, "Invalid reduce-only order")
    order = LiveOrder(
        holding, command.side, command.kind, command.size, command.price, reducing=command.reduce_only or closing
    )
    order.client_id = command.client_id
    order.reduce_only = command.reduce_only
    order.ioc = command.ioc
    order.post_only = command.post_only
    return order
