"""Places, matches, modifies, cancels and closes orders (Acme API §8, matching)."""

from decimal import Decimal

from acme_exchange.engine.commands import CancelOrder, CancelOrders, ModifyOrder, PlaceOrder
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import Filled, Traded
from acme_exchange.engine.model.accounts import QUOTES, Account, Holding
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.state import State
from acme_exchange.engine.model.words import FillKind, Liquidity
from acme_exchange.engine.rules.checks import SIDES, accepted_order


def place(state: State, command: PlaceOrder) -> None:
    """Accepts an order, matches it, and rests or closes what is left."""
    admit(state, accepted_order(state, command))


def modify(state: State, command: ModifyOrder) -> None:
    """Cancels an order and places another in its stead.

    :raises Refused: as `find_order` and `accepted_order`; 400 `Must modify either price or size`.
    """
    old = find_order(state, state.account(command.account), command.order_id, command.client_id)
    if command.price is None and command.size is None:
        raise Refused(400, "Must modify either price or size")
    new = accepted_order(
        state,
        PlaceOrder(
            account=old.account.name,
            market=old.market.name,
            side=old.side,
            kind=old.kind,
            size=old.remaining if command.size is None else command.size,
            price=old.price if command.price is None else command.price,
            reduce_only=old.reduce_only,
            post_only=old.post_only,
            client_id=command.new_client_id,
            position_side=old.position_side,
        ),
        replaced=old,
    )
    close(state, old)
    admit(state, new)


def cancel(state: State, command: CancelOrder) -> None:
    """Cancels one order."""
    account = state.account(command.account)
    close(state, find_order(state, account, command.order_id, command.client_id), cancelled=True)


def cancel_orders(state: State, command: CancelOrders) -> None:
    """Cancels all orders that match."""
    account = state.account(command.account)
    if command.side is not None and command.side not in SIDES:
        raise Refused(400, "Invalid parameter side")
    if command.market is not None:
        state.market(command.market)
    for order in list(account.orders.values()):
        if command.market in (None, order.market.name) and command.side in (None, order.side):
            close(state, order, cancelled=True)


def find_order(state: State, account: Account, order_id: int | None, client_id: str | None) -> LiveOrder:
    """A resting order by exactly one of its names.

    :raises Refused: 404 `Order not found`; 400 `Order already closed` for a client id that was used before. For an id
        the engine cannot tell the two apart, since it forgets closed orders.
    """
    order = account.orders.get(order_id or 0) if client_id is None else account.by_client_id.get(client_id)
    if order is not None:
        return order
    if client_id is not None and state.client_ids.has_used(account.name, client_id):
        raise Refused(400, "Order already closed")
    raise Refused(404, "Order not found")


def admit(state: State, order: LiveOrder) -> None:
    """Accepts an order, matches it, and rests or closes what is left.

    A post-only order that would match another account's closes unfilled and leaves everything else alone; one that
    would match its own account's alone cancels those, like any order, and rests.
    """
    accept(state, order)
    if order.post_only and order.market.book.takeable(order)[0]:
        close(state, order)
        return
    match(state, order)
    if order.remaining and order.rests:
        rest(state, order)
    else:
        close(state, order)


def accept(state: State, order: LiveOrder) -> None:
    """Gives an order its id and reports it as new."""
    order.id = state.next_id("order")
    order.created_at = state.now
    if order.client_id is not None:
        state.client_ids.use(order.account.name, order.client_id)
    state.emit_order(order)


def match(state: State, taker: LiveOrder) -> None:
    """Trades an order with the book as far as its price and size go."""
    side = taker.market.book.opposite(taker.side)
    while taker.remaining:
        level = side.best()
        if level is None or not taker.reaches(level.price):
            return
        maker = next(iter(level.orders.values()))
        if maker.account is taker.account:
            close(state, maker)
        else:
            trade_with(state, maker, taker)


def trade_with(state: State, maker: LiveOrder, taker: LiveOrder) -> None:
    """One trade between a resting order and an incoming one, at the resting order's price."""
    market, price, size = maker.market, maker.price, min(maker.remaining, taker.remaining)
    trade_id = state.next_id("trade")
    fill(state, maker, size, price, trade_id, "maker")
    fill(state, taker, size, price, trade_id, "taker")
    state.emit(Traded(trade_id, market.name, price, size, taker.side, taker.liquidation, state.now))
    market.last = price
    market.statistics.record(state.now, price, price * size)
    if maker.mirrored:
        maker.mirrored.take(size)
    if maker.remaining:
        state.emit_order(maker)
    else:
        close(state, maker)
    cut_reducing(state, maker.holding)
    cut_reducing(state, taker.holding)


def fill(state: State, order: LiveOrder, size: Decimal, price: Decimal, trade_id: int, liquidity: Liquidity) -> None:
    """One side's half of a trade: position, profit and fee."""
    account, holding, market = order.account, order.holding, order.market
    rate = account.maker_fee if liquidity == "maker" else account.taker_fee
    fee = size * price * rate
    long_before = max(ZERO, holding.size)
    profit = holding.trade(size if order.side == "buy" else -size, price, rate)
    market.open_interest += max(ZERO, holding.size) - long_before
    account.cash += profit - fee
    state.house.cash += fee
    if order.status == "open":
        market.book.own(order.side).shrink(order, size)
        if not order.mirrored:
            holding.reserve(order, -size)
    order.filled += size
    order.filled_notional += size * price
    state.update_activity(holding)
    state.change_account(account)
    state.touch_market(market)
    state.touch_holding(holding)
    kind: FillKind = "liquidation" if order.liquidation else "order"
    state.emit(
        Filled(
            state.next_id("fill"),
            trade_id,
            account.name,
            market.name,
            kind,
            order.side,
            price,
            size,
            order.id or None,
            order.client_id,
            order.position_side,
            fee,
            rate,
            profit,
            liquidity,
            state.now,
        )
    )


def cut_reducing(state: State, holding: Holding) -> None:
    """Cuts the resting orders that may only reduce a position to what it is now; without a position they close."""
    for order in list(holding.reducing.values()):
        room = holding.room(order.side)
        if not room:
            close(state, order)
        elif order.remaining > room:
            order.market.book.own(order.side).shrink(order, order.remaining - room)
            holding.reserve(order, room - order.remaining)
            order.size = order.filled + room
            state.touch_market(order.market)
            state.emit_order(order)


def rest(state: State, order: LiveOrder) -> None:
    """Puts an order into the book."""
    order.status = "open"
    order.market.book.own(order.side).add(order)
    order.holding.reserve(order, order.remaining)
    register(order)
    state.update_activity(order.holding)
    state.touch_market(order.market)
    state.emit_order(order)


def register(order: LiveOrder) -> None:
    """Makes a resting order known to its account, its holding and, if it is a quote of the house, its market."""
    account, holding = order.account, order.holding
    account.orders[order.id] = order
    account.open_orders[order.market.name] += 1
    if order.client_id is not None:
        account.by_client_id[order.client_id] = order
    if order.reducing:
        holding.reducing[order.id] = order
    if account.name == QUOTES:
        order.market.quotes[order.side][order.price] = order


def close(state: State, order: LiveOrder, cancelled: bool = False) -> None:
    """Ends an order, out of the book if it rests there.

    :param cancelled: its account wanted it.
    """
    if order.status == "open":
        _withdraw(state, order)
    order.status = "closed"
    state.emit_order(order, cancelled)


def _withdraw(state: State, order: LiveOrder) -> None:
    account, holding, market = order.account, order.holding, order.market
    market.book.own(order.side).remove(order)
    state.touch_market(market)
    if order.mirrored:
        order.mirrored.segments.remove(order)
        return
    del account.orders[order.id]
    account.open_orders[market.name] -= 1
    if order.client_id is not None:
        del account.by_client_id[order.client_id]
    holding.reducing.pop(order.id, None)
    holding.reserve(order, -order.remaining)
    if account.name == QUOTES:
        del market.quotes[order.side][order.price]
    state.update_activity(holding)
