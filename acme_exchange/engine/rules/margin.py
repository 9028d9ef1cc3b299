"""Margin: what an account is worth, and what it must be worth (Acme API §8).

Initial margin is 1/leverage of notional at mark. What counts in a market is the larger of two outcomes, all resting
buys filled or all resting sells filled, each added to the position; in hedge mode that of the long plus that of the
short position. Orders that can only reduce need none.
"""

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from acme_exchange.engine.errors import Refused
from acme_exchange.engine.model.accounts import Account
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.views import Balance

MAINTENANCE = Decimal("0.03")
_MARGIN_QUANTUM = Decimal("1e-12")


def initial_margin(notional: Decimal, leverage: int) -> Decimal:
    """1/leverage of notional, rounded up to 12 decimals where no decimal can hold it."""
    return divide(notional, Decimal(leverage), _MARGIN_QUANTUM, ROUND_CEILING)


class Standing(NamedTuple):
    """An account at the marks, in US dollars.

    :ivar equity: cash and unrealized profit.
    :ivar notional: of the positions, each counted as positive.
    :ivar open_notional: of positions and open orders together.
    """

    equity: Decimal
    notional: Decimal
    open_notional: Decimal


def standing(account: Account) -> Standing:
    """What all of an account's holdings come to."""
    profit = notional = open_notional = ZERO
    for holding in account.active.values():
        worth = holding.worth()
        open_notional += worth.open_notional
        if holding.size:
            profit += worth.unrealized
            notional += worth.notional
    return Standing(account.cash + profit, notional, open_notional)


def balance(account: Account, stands: Standing) -> Balance:
    """Total and free dollars."""
    margin = initial_margin(stands.open_notional, account.leverage)
    return Balance(account.cash, max(ZERO, stands.equity - margin))


def is_underwater(stands: Standing) -> bool:
    """Whether an account is worth less than its maintenance margin, or, without positions, less than nothing."""
    return stands.equity < MAINTENANCE * stands.notional


def require_margin(order: LiveOrder, replaced: LiveOrder | None = None) -> None:
    """Refuses an order for which there is not enough free collateral.

    An order that does not raise the account's margin is never refused. `replaced` is the resting order in whose stead
    `order` comes; its margin is free for the new one. The profit or loss that trading at once at the book's prices
    (and resting at one beyond the mark) means against the mark is counted as if it had already happened.

    :raises Refused: 400 `Account does not have enough margin for order.`
    """
    account, holding = order.account, order.holding
    if account.house or order.reducing:
        return
    change = order.size - (replaced.remaining if replaced else ZERO)
    buys, sells = (change, ZERO) if order.side == "buy" else (ZERO, change)
    stands = standing(account)
    before = stands.open_notional
    after = before + (holding.open_size_with(buys, sells) - holding.open_size) * holding.market.mark
    if after <= before:
        return
    if stands.equity - _loss(order) < initial_margin(after, account.leverage):
        raise Refused(400, "Account does not have enough margin for order.")


def _loss(order: LiveOrder) -> Decimal:
    mark = order.market.mark
    sign = 1 if order.side == "buy" else -1
    size, notional = order.market.book.takeable(order)
    loss = max(ZERO, sign * (notional - size * mark))
    if order.price is not None:
        loss += max(ZERO, sign * (order.price - mark) * (order.size - size))
    return loss
