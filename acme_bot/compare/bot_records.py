"""What Hummingbot has on record: the SQLite file of a bot, read only.

How Hummingbot stores a number decides how it can be compared. `as_stored` turns an exact statement into what
Hummingbot's file holds of it, so that two statements are compared to the last digit and never within a tolerance:

- prices and amounts of orders and fills are whole millionths; what is smaller is cut off (`SqliteDecimal(6)`);
- the price of a market order is Hummingbot's guess or none; the order has none, and 0 stands for it;
- fees are text, exact;
- funding rates and payments are binary doubles: the double nearest to the exact value.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

from acme_bot.compare.statement import Fill, Funding, Order, OrderState, Statement

MILLIONTH = Decimal("0.000001")
MILLISECONDS = 1000
STATES = {
    "BuyOrderCompleted": OrderState.FILLED,
    "SellOrderCompleted": OrderState.FILLED,
    "OrderCancelled": OrderState.CANCELLED,
    "OrderFailure": OrderState.FAILED,
}
ORDERS = """
    SELECT o.id, CASE o.order_type WHEN 'MARKET' THEN 0 ELSE o.price END, o.amount, o.last_status,
           EXISTS (SELECT 1 FROM OrderStatus s WHERE s.order_id = o.id AND s.status = 'BuyOrderCreated')
    FROM "Order" o WHERE o.market = :connector ORDER BY o.creation_timestamp"""
FILLS = """
    SELECT exchange_trade_id, order_id, trade_type, price, amount, trade_fee, timestamp
    FROM TradeFill WHERE market = :connector ORDER BY timestamp"""
COUNTS = """
    SELECT (SELECT count(*) FROM "Order"), (SELECT count(*) FROM TradeFill), (SELECT count(*) FROM OrderStatus)"""
FUNDING = "SELECT timestamp, rate, amount FROM FundingPayment WHERE market = :connector ORDER BY timestamp"


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a bot's file, wherever it is named from, that can change nothing in it."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


class Records:
    """The records of the bot `name` in a workspace, also while it runs. Before its first start they are empty.

    A bot may trade through several connectors, each with a name: `connector` is the one whose orders these are.
    """

    def __init__(self, workspace: Path, name: str, connector: str):
        self._connector = connector
        self._file = workspace / "data" / f"{Path(name).stem}.sqlite"

    def statement(self) -> Statement:
        return Statement(
            orders={row[0]: _order(*row) for row in self._rows(ORDERS)},
            fills=self.fills(),
            funding=[_funding(*row) for row in self._rows(FUNDING)],
        )

    def fills(self) -> dict[str, Fill]:
        return {row[0]: _fill(*row) for row in self._rows(FILLS)}

    def counts(self) -> tuple[int, int, int]:
        """How many orders, fills, and news of orders there are.

        :raises sqlite3.OperationalError: while a killed bot left the file in the middle of something
        """
        return next(iter(self._rows(COUNTS)), (0, 0, 0))

    def _rows(self, query: str) -> Iterable[tuple[Any, ...]]:
        if not self._file.exists():
            return []
        with reading(self._file) as connection:
            return connection.execute(query, {"connector": self._connector}).fetchall()


def as_stored(statement: Statement) -> Statement:
    """What Hummingbot's file would hold of exact `statement`."""
    return replace(
        statement,
        orders={
            order.id: replace(order, price=_to_millionths(order.price), amount=_to_millionths(order.amount))
            for order in statement.orders.values()
        },
        fills={
            fill.id: replace(fill, price=_to_millionths(fill.price), amount=_to_millionths(fill.amount))
            for fill in statement.fills.values()
        },
        funding=[replace(one, rate=as_double(one.rate), amount=as_double(one.amount)) for one in statement.funding],
    )


def as_double(value: Decimal) -> Decimal:
    """The shortest decimal of the binary double nearest to `value`: what Python prints of a float."""
    return Decimal(repr(float(value)))


def _to_millionths(value: Decimal) -> Decimal:
    return value.quantize(MILLIONTH, rounding=ROUND_DOWN)


def _order(client_id: str, price: int, amount: int, last_status: str, is_buy: int) -> Order:
    return Order(
        id=client_id,
        side="buy" if is_buy else "sell",
        price=price * MILLIONTH,
        amount=amount * MILLIONTH,
        state=STATES.get(last_status, OrderState.OPEN),
    )


def _fill(trade_id: str, client_id: str, side: str, price: int, amount: int, fee: str, timestamp: int) -> Fill:
    price_in_usd, coins = price * MILLIONTH, amount * MILLIONTH
    return Fill(
        id=trade_id,
        order_id=client_id,
        side=side.lower(),
        price=price_in_usd,
        amount=coins,
        fee=_fee(json.loads(fee), price_in_usd * coins),
        time=timestamp / MILLISECONDS,
    )


def _fee(fee: dict[str, Any], volume: Decimal) -> Decimal:
    return Decimal(fee["percent"]) * volume + sum(Decimal(flat["amount"]) for flat in fee["flat_fees"])


def _funding(timestamp: float, rate: float, amount: float) -> Funding:
    return Funding(time=int(timestamp), rate=Decimal(repr(rate)), amount=Decimal(repr(amount)))
