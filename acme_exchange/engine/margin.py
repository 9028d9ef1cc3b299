"""Margin: what an account is worth, and what it must be worth (Acme API §8).

Initial margin is 1/leverage of notional at mark. What counts in a market is the larger of two outcomes, all resting
buys filled or all resting sells filled, each added to the position; in hedge mode that of the long plus that of the
short position. Orders that can only reduce need none.
"""

from decimal import ROUND_CEILING, Decimal

from acme_exchange.engine.accounts import Account
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.money import ZERO, divide
from acme_exchange.engine.orders import LiveOrder
from acme_exchange.engine.views import Balance

MAINTENANCE = Decimal("0.03")
_MARGIN_QUANTUM = Decimal("1e-12")


def initial_margin(notional: Decimal, leverage: int) -> Decimal:
    """1/leverage of notional, rounded up to 12 decimals where no decimal can hold it."""
    return divide(notional, Decimal(leverage), _MARGIN_QUANTUM, ROUND_CEILING)


def equity(account: Account) -> Decimal:
    """Cash and unrealized profit."""
    return account.cash + sum((holding.unrealized for holding in account.active.values()), ZERO)


def open_notional(account: Account) -> Decimal:
    """Positions and open orders together, at mark."""
    return sum((holding.open_size * holding.market.mark for holding in account.active.values()), ZERO)


def position_notional(account: Account) -> Decimal:
    """Positions at mark, each counted as positive."""
    return sum((holding.size.copy_abs() * holding.market.mark for holding in account.positions()), ZERO)


def balance(account: Account) -> Balance:
    """Total and free dollars."""
    margin = initial_margin(open_notional(account), account.leverage)
    return Balance(account.cash, max(ZERO, equity(account) - margin))


def is_underwater(account: Account) -> bool:
    """Whether the account is worth less than its maintenance margin, or, without positions, less than nothing."""
    return not account.house and equity(account) < MAINTENANCE * position_notional(account)


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
    before = open_notional(account)
    after = before + (holding.open_size_with(buys, sells) - holding.open_size) * holding.market.mark
    if after <= before:
        return
    if equity(account) - _loss(order) < initial_margin(after, account.leverage):
        raise Refused(400, "Account does not have enough margin for order.")


def _loss(order: LiveOrder) -> Decimal:
    mark = order.market.mark
    sign = 1 if order.side == "buy" else -1
    size, notional = order.market.book.takeable(order)
    loss = max(ZERO, sign * (notional - size * mark))
    if order.price is not None:
        loss += max(ZERO, sign * (order.price - mark) * (order.size - size))
    return loss
