"""What happens to an account that is worth too little (Acme API §8, liquidation)."""

from typing import Any

from acme_exchange.engine.events import Liquidated
from acme_exchange.engine.model.accounts import Account, Holding
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.state import State
from acme_exchange.engine.rules.margin import band_price, bankruptcy_price, nearer, standing
from acme_exchange.engine.rules.trading import accept, close, fill, match


def withdraw_losing_orders(state: State, account: Account) -> None:
    """Cancels the orders beyond the mark: filled at once, they would lose more than the account is worth."""
    for order in list(account.orders.values()):
        if order.loses:
            close(state, order)


def liquidate(state: State, account: Account) -> None:
    """Cancels the account's orders and closes its positions at the market, the largest first.

    The marks stay those that have brought it about until all is done, whatever its own sales make of them. No trade is
    beyond the price band, or the price at which the account would have nothing left. What the book does not take, the
    house takes over at the mark, so that a liquidation is done within one command. Where the mark itself has passed
    what the account could pay, the house bears the loss, and the account ends with nothing.
    """
    for order in list(account.orders.values()):
        close(state, order)
    while positions := account.positions():
        _close_position(state, min(positions, key=_largest_first))
    absorbed = max(ZERO, -account.cash)
    account.cash += absorbed
    state.house.cash -= absorbed
    state.change_account(account)
    state.emit(Liquidated(account.name, absorbed, state.now))


def _largest_first(holding: Holding) -> tuple[Any, ...]:
    return -holding.size.copy_abs() * holding.market.mark, *holding.key


def _close_position(state: State, holding: Holding) -> None:
    side, mark = "sell" if holding.size > 0 else "buy", holding.market.mark
    order = LiveOrder(holding, side, "market", holding.size.copy_abs(), reducing=True, liquidation=True)
    worth = standing(holding.account).equity
    order.reach = nearer(side, band_price(holding.market, side), bankruptcy_price(order, worth, mark))
    accept(state, order)
    match(state, order)
    if order.remaining:
        _hand_over(state, order)
    close(state, order)


def _hand_over(state: State, order: LiveOrder) -> None:
    market, size = order.market, order.remaining
    side = "buy" if order.side == "sell" else "sell"
    taken = LiveOrder(state.house.holding(market, "net"), side, "market", size)
    trade_id = state.next_id("trade")
    fill(state, taken, size, market.mark, trade_id, "maker")
    fill(state, order, size, market.mark, trade_id, "taker")
