"""Checks an order that a strategy asks for, before anything is sent."""

import math
from decimal import Decimal
from typing import Optional

from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.order_book import OrderBook

# Twenty-eight digits are what Decimal reckons with. Whatever has more of them before and behind its point cannot be
# rounded to an increment.
MOST_INCREMENTS = Decimal("1e27")


class UnsendableOrder(ValueError):
    """An order that is not sent; its text is for the user, and says what to write instead."""


def check_book(trading_pair: str, age: float):
    """Checks that the book which a strategy sees is the venue's.

    :param age: seconds since the stream last confirmed it; infinity when it never has
    :raises UnsendableOrder: when it is not confirmed at present
    """
    if age == math.inf:
        raise UnsendableOrder(f"The order book of {trading_pair} has not come from its stream yet")
    if age > 0:
        raise UnsendableOrder(f"The order book of {trading_pair} is {age:.0f} s old")


def check_asked(
    trading_pair: str,
    rule: Optional[TradingRule],
    order_type: OrderType,
    amount: Decimal,
    price: Optional[Decimal],
    position_action: PositionAction,
):
    """Checks an order as it was asked for.

    :param rule: the pair's; None where it has none
    :raises UnsendableOrder: when it cannot be rounded to the market's increments, or not be meant
    """
    if rule is None:
        raise UnsendableOrder(
            f"{trading_pair} cannot be traded: the venue has no such market, or has not told its rules yet"
        )
    if position_action not in (PositionAction.OPEN, PositionAction.CLOSE):
        raise UnsendableOrder(
            "The order does not say by its position_action whether it is to OPEN or to CLOSE a position"
        )
    _check_number("amount", amount, rule.min_base_amount_increment)
    if order_type.is_limit_type():
        _check_number("price", price, rule.min_price_increment)


def check_resting(
    order_type: OrderType,
    trade_type: TradeType,
    amount: Decimal,
    price: Optional[Decimal],
    smallest: Decimal,
    book: Optional[OrderBook],
):
    """Checks a limit order below the least size that may rest (Acme API §4, `minProvideSize`).

    The venue takes such an order only when it trades at once and whole. Where no book is known, the venue decides.

    :raises UnsendableOrder: when some of the order would rest
    """
    if not order_type.is_limit_type() or price is None or amount >= smallest:
        return
    if order_type is OrderType.LIMIT and (book is None or _trades_whole(book, trade_type, amount, price)):
        return
    raise UnsendableOrder(
        f"The order would have to wait in the book at {price.normalize():f}, where the least is {smallest}, and is for "
        f"{amount.normalize():f}: only a market order, or a limit order that is filled at once, may be smaller"
    )


def _check_number(name: str, number: Optional[Decimal], increment: Decimal):
    if not isinstance(number, (Decimal, int)) or not Decimal(number).is_finite() or number <= 0:
        raise UnsendableOrder(f"The order's {name} has to be a number above 0, and is {number}")
    if Decimal(number) / increment >= MOST_INCREMENTS:
        raise UnsendableOrder(f"The order's {name} of {number} is out of range")


def _trades_whole(book: OrderBook, trade_type: TradeType, amount: Decimal, price: Decimal) -> bool:
    is_buy = trade_type is TradeType.BUY
    rows = book.ask_entries() if is_buy else book.bid_entries()
    missing = float(amount)
    for row in rows:
        if row.price > float(price) if is_buy else row.price < float(price):
            break
        missing -= row.amount
        if missing <= 0:
            return True
    return False
