"""Liquidates accounts that are worth too little (Acme API §8, liquidation)."""

from decimal import Decimal

from acme_exchange.engine.events import Liquidated
from acme_exchange.engine.model.accounts import Account, Holding
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.standing import standing
from acme_exchange.engine.model.state import State
from acme_exchange.engine.model.words import OPPOSITE, Side
from acme_exchange.engine.rules.margin import band_price, bankruptcy_price, nearer, worse
from acme_exchange.engine.rules.trading import accept, close, fill, match


def withdraw_losing_orders(state: State, account: Account) -> bool:
    """Cancels the orders beyond mark or index: filled at once, they would lose more than the account is worth.

    :returns: whether there were any.
    """
    losing = [order for order in account.orders.values() if order.loses]
    for order in losing:
        close(state, order)
    return bool(losing)


def liquidate(state: State, account: Account) -> bool:
    """Cancels the account's orders and closes its positions at the market, the largest first.

    The marks stay those that have brought it about until all is done, whatever its own sales make of them. No trade is
    beyond the price band, or the price at which the account would have nothing left. What the book does not take, the
    house takes over at the mark, or at the index where that is worse, so that a liquidation is done within one command.
    Where that has passed what the account could pay, the house bears the loss, and the account ends with nothing.
    Positions in halted markets stay, and while there are any, so does what is owed: what they are worth is not known.

    :returns: whether there was anything to cancel or close.
    """
    orders = list(account.orders.values())
    for order in orders:
        close(state, order)
    closed = False
    while positions := [held for held in account.positions() if not held.market.halted]:
        _close_position(state, min(positions, key=_largest_first))
        closed = True
    stays = bool(account.positions())
    if stays and not orders and not closed:
        return False
    absorbed = ZERO if stays else max(ZERO, -account.cash)
    account.cash += absorbed
    state.house.cash -= absorbed
    state.change_account(account)
    state.emit(Liquidated(account.name, absorbed, state.now))
    return True


def _largest_first(holding: Holding) -> tuple[Decimal, str, str]:
    return -holding.size.copy_abs() * holding.market.mark, *holding.key


def _close_position(state: State, holding: Holding) -> None:
    market = holding.market
    side: Side = "sell" if holding.size > 0 else "buy"
    order = LiveOrder(holding, side, "market", holding.size.copy_abs(), reducing=True, liquidation=True)
    stands = standing(holding.account)
    by_mark = bankruptcy_price(order, stands.equity, market.mark)
    by_index = bankruptcy_price(order, stands.equity + stands.index_gain, market.index)
    order.reach = nearer(side, band_price(market, side), nearer(side, by_mark, by_index))
    accept(state, order)
    match(state, order)
    if order.remaining:
        _hand_over(state, order)
    close(state, order)


def _hand_over(state: State, order: LiveOrder) -> None:
    market, size, price = order.market, order.remaining, worse(order.market, order.side)
    taken = LiveOrder(state.house.holding(market, "net"), OPPOSITE[order.side], "market", size)
    trade_id = state.next_id("trade")
    fill(state, taken, size, price, trade_id, "maker")
    fill(state, order, size, price, trade_id, "taker")
