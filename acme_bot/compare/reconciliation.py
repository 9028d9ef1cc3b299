"""Compares two statements of one account, the bot's and the venue's, line by line and to the last digit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from typing import Any

from acme_bot.compare.bot_records import as_double, as_stored
from acme_bot.compare.statement import Fill, Holding, Order, OrderState, Statement
from acme_bot.compare.venue_account import Valuation

EXACT = Context(prec=80)


@dataclass(frozen=True)
class Line:
    """One compared figure; `differences` says which entries differ, when it is a figure of many."""

    name: str
    hummingbot: str
    venue: str
    agrees: bool
    differences: tuple[str, ...] = ()


def reconcile_statements(
    hummingbot: Statement, venue: Statement, opening: Decimal, valuation: Valuation, coin: str = "BTC"
) -> list[Line]:
    """Compares what Hummingbot recorded of a bot, now stopped, with the venue's statement of its account.

    The venue's numbers are taken in the precision in which Hummingbot's file keeps them (see `records`), and are
    otherwise exact. `coin` is what the market trades. `opening` is the account's balance in USD before the bot's first
    order, when it had no position; `valuation` is what the venue says that it has now.
    """
    with localcontext(EXACT):
        stored = as_stored(venue)
        return [
            *_orders(hummingbot, stored),
            *_fills(hummingbot, stored, coin),
            *_funding(hummingbot, stored),
            *_valuation(hummingbot, opening, valuation, coin, rounding=_flow(stored) - _flow(venue)),
        ]


def reconcile_connector(connector: Holding, venue: Holding, coin: str = "BTC") -> list[Line]:
    """Compares what Hummingbot's connector says that the account has, which it prints as doubles, with the venue."""
    return [
        _line(f"position, {coin} (connector)", connector.position, as_double(venue.position)),
        _line("balance, USD (connector)", connector.balance, as_double(venue.balance)),
    ]


def both_sides_filled(statement: Statement) -> bool:
    return {fill.side for fill in statement.fills.values()} == {"buy", "sell"}


def _orders(hummingbot: Statement, venue: Statement) -> list[Line]:
    counts = {
        state: [sum(order.state is state for order in statement.orders.values()) for statement in (hummingbot, venue)]
        for state in OrderState
    }
    left_open = counts[OrderState.OPEN]
    return [
        _line("orders", len(hummingbot.orders), len(venue.orders)),
        *(_line(f"orders {state.value}", *counts[state]) for state in (OrderState.FILLED, OrderState.CANCELLED)),
        Line("orders left open", str(left_open[0]), str(left_open[1]), agrees=left_open == [0, 0]),
        _each(
            "each order: side, price, size, state",
            hummingbot.orders,
            {key: _as_ordered(order, hummingbot.orders.get(key)) for key, order in venue.orders.items()},
        ),
    ]


def _as_ordered(order: Order, recorded: Order | None) -> Order:
    """The venue's order before it was cut: Hummingbot's file keeps what was ordered. The fills tell what came of it."""
    if recorded is not None and order.reduces and order.amount < recorded.amount:
        return replace(order, amount=recorded.amount)
    return order


def _fills(hummingbot: Statement, venue: Statement, coin: str) -> list[Line]:
    sides = [[_of_side(statement, side) for statement in (hummingbot, venue)] for side in ("buy", "sell")]
    return [
        *(_line(f"{name} fills", *map(len, fills)) for name, fills in zip(("buy", "sell"), sides)),
        *(_line(f"{name}, {coin}", *map(_size, fills)) for name, fills in zip(("bought", "sold"), sides)),
        _line("volume, USD", *(_volume(statement.fills.values()) for statement in (hummingbot, venue))),
        _line("fees, USD", *(_fees(statement) for statement in (hummingbot, venue))),
        _each("each fill: order, side, price, size, fee", hummingbot.fills, venue.fills),
    ]


def _funding(hummingbot: Statement, venue: Statement) -> list[Line]:
    both = (hummingbot, venue)
    return [
        _line("funding payments", *(len(statement.funding) for statement in both)),
        _line("funding received, USD", *(_received(statement) for statement in both)),
        _each(
            "each funding payment: rate, amount",
            *({str(one.time): one for one in statement.funding} for statement in both),
        ),
    ]


def _valuation(
    hummingbot: Statement, opening: Decimal, valuation: Valuation, coin: str, rounding: Decimal
) -> list[Line]:
    """`rounding` is what the precision of Hummingbot's file makes of the sum of the venue's own entries, in USD."""
    bought, sold = (_size(_of_side(hummingbot, side)) for side in ("buy", "sell"))
    return [
        _line(f"position, {coin} (sum of fills)", bought - sold, valuation.holding.position),
        _line(
            "balance without the position's cost, USD",
            opening + _flow(hummingbot),
            valuation.holding.balance - valuation.cost + rounding,
        ),
    ]


def _line(name: str, hummingbot: Decimal | int, venue: Decimal | int) -> Line:
    return Line(name, _plain(hummingbot), _plain(venue), hummingbot == venue)


def _each(name: str, hummingbot: Mapping[str, Any], venue: Mapping[str, Any]) -> Line:
    """The entries that the two have under the same id, and which of them differ."""
    same = sum(entry == venue.get(key) for key, entry in hummingbot.items())
    differing = [key for key in {**hummingbot, **venue} if hummingbot.get(key) != venue.get(key)]
    named = tuple(f"{key}: Hummingbot {hummingbot.get(key)}, venue {venue.get(key)}" for key in differing)
    return Line(name, f"{same} of {len(hummingbot)}", f"{same} of {len(venue)}", not differing, named)


def _of_side(statement: Statement, side: str) -> list[Fill]:
    return [fill for fill in statement.fills.values() if fill.side == side]


def _size(fills: Iterable[Fill]) -> Decimal:
    return sum((fill.amount for fill in fills), Decimal(0))


def _volume(fills: Iterable[Fill]) -> Decimal:
    return sum((fill.price * fill.amount for fill in fills), Decimal(0))


def _fees(statement: Statement) -> Decimal:
    return sum((fill.fee for fill in statement.fills.values()), Decimal(0))


def _flow(statement: Statement) -> Decimal:
    """The USD that came in less what went out: for coins, fees and funding."""
    bought, sold = (_volume(_of_side(statement, side)) for side in ("buy", "sell"))
    return sold - bought - _fees(statement) + _received(statement)


def _received(statement: Statement) -> Decimal:
    return sum((payment.amount for payment in statement.funding), Decimal(0))


def _plain(value: Decimal | int) -> str:
    if isinstance(value, int):
        return str(value)
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
