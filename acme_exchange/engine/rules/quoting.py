"""Moves the quotes of the house, as a batch."""

from decimal import Decimal

from acme_exchange.engine.commands import Requote
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.model.accounts import QUOTES
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import is_amount
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.state import State
from acme_exchange.engine.model.words import Side
from acme_exchange.engine.rules.checks import is_price
from acme_exchange.engine.rules.trading import admit, close


def requote(state: State, command: Requote) -> None:
    """Withdraws the quotes that are not desired as they are, then places those that are missing, best first.

    :raises Refused: 404 or 400 for the market as for any order; 400 `Invalid price`, `Size too small`: off the
        increment, twice the same price, or bids that reach the asks.
    """
    market = state.open_market(command.market)
    desired: dict[Side, dict[Decimal, Decimal]] = {"buy": dict(command.bids), "sell": dict(command.asks)}
    if len(desired["buy"]) < len(command.bids) or len(desired["sell"]) < len(command.asks):
        raise Refused(400, "Invalid price")
    changes = {side: _changes(market, side, levels) for side, levels in desired.items()}
    if command.bids and command.asks and max(desired["buy"]) >= min(desired["sell"]):
        raise Refused(400, "Invalid price")
    for withdrawn, _ in changes.values():
        for order in withdrawn:
            close(state, order)
    holding = state.account(QUOTES).holding(market, "net")
    for side, (_, missing) in changes.items():
        for price in sorted(missing, reverse=side == "buy"):
            admit(state, LiveOrder(holding, side, "limit", missing[price], price))


def _changes(
    market: Market, side: Side, desired: dict[Decimal, Decimal]
) -> tuple[list[LiveOrder], dict[Decimal, Decimal]]:
    """The quotes that are not desired as they are, and what is missing without them.

    Most of some hundred levels stay as they are: each price is looked up once, since a Decimal's hash takes longer than
    all else that is asked of it.
    """
    quotes, unchanged, missing = market.quotes[side], set(), {}
    for price, size in desired.items():
        order = quotes.get(price)
        if order is not None and order.remaining == size:
            unchanged.add(order.id)
        else:
            missing[price] = size
    for price, size in missing.items():
        if not is_price(market, price):
            raise Refused(400, "Invalid price")
        if not is_amount(size) or size <= 0 or size % market.specification.size_increment:
            raise Refused(400, "Size too small")
    return [order for order in quotes.values() if order.id not in unchanged], missing
