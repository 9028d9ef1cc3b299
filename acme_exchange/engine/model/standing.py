"""Computes what an account is worth, what it must be worth, and what is free (Acme API §8, money and margin)."""

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from acme_exchange.engine.model.accounts import Account
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.plain_data import PlainData

MAINTENANCE = Decimal("0.03")
MARGIN_QUANTUM = Decimal("1e-12")


class Balance(PlainData, frozen=True, gc=False):
    """The US dollars of an account: `total` without unrealized profit, `free` after margin in use, never negative."""

    total: Decimal
    free: Decimal


def initial_margin(notional: Decimal, leverage: int) -> Decimal:
    """1/leverage of notional, rounded up to 12 decimals where no decimal can hold it."""
    return divide(notional, Decimal(leverage), MARGIN_QUANTUM, ROUND_CEILING)


class Standing(NamedTuple):
    """An account at the marks, in US dollars.

    :ivar equity: cash and unrealized profit.
    :ivar notional: of the positions, each counted as positive.
    :ivar open_notional: of positions and open orders together.
    :ivar order_loss: what the resting orders would lose, were all filled at once.
    :ivar index_gain: what the positions are worth more at the indices.
    :ivar index_loss: what the resting orders would lose more there, at most.
    """

    equity: Decimal
    notional: Decimal
    open_notional: Decimal
    order_loss: Decimal
    index_gain: Decimal
    index_loss: Decimal


def standing(account: Account) -> Standing:
    """What all of an account's holdings come to."""
    profit = notional = open_notional = order_loss = index_gain = index_loss = ZERO
    for holding in account.active.values():
        unrealized, worth, open_worth, loss, gain, more = holding.worth()
        open_notional += open_worth
        # Of an account's holdings most lose nothing: to add nought would take as long as the rest.
        if loss is not ZERO:
            order_loss += loss
        if more is not ZERO:
            index_loss += more
        if holding.size:
            profit += unrealized
            notional += worth
            index_gain += gain
    return Standing(account.cash + profit, notional, open_notional, order_loss, index_gain, index_loss)


def balance(account: Account, stands: Standing) -> Balance:
    """Total and free dollars."""
    requirement = initial_margin(stands.open_notional, account.leverage) + stands.order_loss
    return Balance(account.cash, max(ZERO, stands.equity - requirement))


def is_underwater(stands: Standing) -> bool:
    """Whether an account is worth less than its maintenance margin, or, without positions or at the indices, less than
    nothing: a mark that its accounts hold away from the index hides no debt."""
    return stands.equity < MAINTENANCE * stands.notional or stands.equity + stands.index_gain < 0


def is_overcommitted(stands: Standing) -> bool:
    """Whether its orders, were all filled at once, would cost an account more than it is worth, at mark or at index."""
    left = stands.equity - stands.order_loss
    return left < 0 or left + stands.index_gain - stands.index_loss < 0
