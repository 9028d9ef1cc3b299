"""Margin: what an account is worth, and what it must be worth (Acme API §8).

An account's requirement is its initial margin and what its resting orders would lose against the mark, were all filled
at once. Initial margin is 1/leverage of notional at mark. What counts in a market is the larger of two outcomes, all
resting buys filled or all resting sells filled, each added to the position; in hedge mode that of the long plus that of
the short position. Orders that can only reduce need no margin, but lose like any other.

No order may leave its account with less than nothing, at the mark or at the index, and none may enlarge what it has
unless the maintenance margin is there at the index, too: whatever an account loses by its own orders is its own money.
So nobody can be made rich by an account that was made to lose more than it has, also not where accounts trade among
themselves and have moved the mark away from the index, or hold it while the index moves.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from acme_exchange.engine.errors import Refused
from acme_exchange.engine.model.accounts import Holding, by_index, largest_size
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.standing import MAINTENANCE, MARGIN_QUANTUM, Standing, initial_margin, standing
from acme_exchange.engine.model.words import Side

NO_MARGIN = "Account does not have enough margin for order."
_ONE = Decimal(1)


def band_price(market: Market, side: Side) -> Decimal:
    """The price beyond which nobody buys, or sells."""
    band = market.specification.price_band
    return market.mark * (_ONE + band if side == "buy" else _ONE - band)


def nearer(side: Side, first: Decimal, second: Decimal) -> Decimal:
    """Which of two limits of a taker is reached first."""
    return min(first, second) if side == "buy" else max(first, second)


def worse(market: Market, side: Side) -> Decimal:
    """Mark or index, whichever is worse for who sells, or buys."""
    return min(market.mark, market.index) if side == "sell" else max(market.mark, market.index)


def bankruptcy_price(order: LiveOrder, worth: Decimal, price: Decimal) -> Decimal:
    """The price at which trading the whole order, with its taker's fee, would use up an account.

    :param worth: US dollars that the account is worth while the market is worth `price`.
    """
    size, rate = order.remaining, order.account.taker_fee
    if order.side == "buy":
        return divide(price * size + worth, size * (_ONE + rate), MARGIN_QUANTUM, ROUND_FLOOR)
    return divide(price * size - worth, size * (_ONE - rate), MARGIN_QUANTUM, ROUND_CEILING)


def set_reach(order: LiveOrder) -> None:
    """Sets how far an account's market order goes: to the price band and, where it only shrinks a position, no further
    than the account's money."""
    if order.account.house or order.kind != "market":
        return
    market = order.market
    order.reach = band_price(market, order.side)
    if _only_shrinks(order):
        stands = standing(order.account)
        worth = stands.equity - stands.order_loss
        order.reach = nearer(order.side, order.reach, bankruptcy_price(order, worth, market.mark))
        worth += stands.index_gain - stands.index_loss
        order.reach = nearer(order.side, order.reach, bankruptcy_price(order, worth, market.index))


def require_margin(order: LiveOrder, replaced: LiveOrder | None = None) -> None:
    """Refuses an order for which there is not enough free collateral, or that would leave its account with nothing.

    An order that raises neither margin nor loss needs no free collateral. `replaced` is the resting order in whose
    stead `order` comes; what it takes is free for the new one. The loss that trading at once at the book's prices (and
    resting at one beyond the mark) means against the mark is counted as if it had already happened.

    :raises Refused: 400 `Account does not have enough margin for order.`
    """
    account = order.account
    if account.house:
        return
    stands, after = standing(account), _after(order, replaced)
    before = initial_margin(stands.open_notional, account.leverage) + stands.order_loss
    order_loss = stands.order_loss + after.resting_loss
    required = initial_margin(stands.open_notional + after.open_change, account.leverage) + order_loss
    left = stands.equity - after.loss
    enlarges = not order.reducing and required + after.loss > before
    if enlarges and left < required:
        raise Refused(400, NO_MARGIN)
    if order.kind == "market" and _only_shrinks(order):
        return  # It is bounded by its reach instead: closing is always possible, as far as there is money.
    left -= order_loss + after.fee
    least = MAINTENANCE * (stands.open_notional + after.open_change) if enlarges else ZERO
    if left < 0 or left + _by_index(stands, order.holding, after) < least:
        raise Refused(400, NO_MARGIN)


class _After(NamedTuple):
    """What an order makes of its holding at once, in US dollars and units of the underlying.

    `loss` is that of trading at once, against the mark, `fee` its fee; `resting_loss` is what the losses of resting
    orders rise by, `open_change` what the notional of position and open orders together does.
    """

    size: Decimal
    buys: Decimal
    sells: Decimal
    open_change: Decimal
    loss: Decimal
    fee: Decimal
    resting_loss: Decimal


def _after(order: LiveOrder, replaced: LiveOrder | None) -> _After:
    holding, market = order.holding, order.market
    mark, sign = market.mark, 1 if order.side == "buy" else -1
    taken, notional = market.book.takeable(order)
    rest = order.size - taken
    opening = (ZERO if order.reducing else rest) - (replaced.remaining if replaced and not replaced.reducing else ZERO)
    buys, sells = (opening, ZERO) if order.side == "buy" else (ZERO, opening)
    size, buys, sells = holding.size + sign * taken, holding.buys + buys, holding.sells + sells
    resting_loss = _loss(order, rest)
    if replaced:
        resting_loss -= _loss(replaced, replaced.remaining)
    return _After(
        size,
        buys,
        sells,
        (largest_size(size, buys, sells) - holding.open_size) * mark,
        max(ZERO, sign * (notional - taken * mark)),
        max(ZERO, notional * order.account.taker_fee),
        resting_loss,
    )


def _loss(order: LiveOrder, size: Decimal) -> Decimal:
    if order.kind == "market":
        return ZERO
    difference = order.price - order.market.mark
    return max(ZERO, difference if order.side == "buy" else -difference) * size


def _only_shrinks(order: LiveOrder) -> bool:
    return order.size <= order.holding.room(order.side)


def _by_index(stands: Standing, holding: Holding, after: _After) -> Decimal:
    """What the account is worth more at the indices than at the marks, at worst, once `holding` is as `after`."""
    gain, loss = by_index(holding.market, after.size, after.buys, after.sells)
    now = holding.worth()
    return stands.index_gain - now.index_gain + gain - (stands.index_loss - now.index_loss + loss)
