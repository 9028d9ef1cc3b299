"""The books of a venue as its database has them, the house's included, and what must hold in them at every moment."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

EXACT_DIGITS = 200


class KeptBooks:
    """Looks at the database of a venue again and again, also while the venue runs.

    What was closed before the last look is not read again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first_order = 0
        self._last_fill = 0
        self._nets: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.fills = 0

    def check(self) -> None:
        """Fails when the books do not add up; all that is read is of one moment."""
        with localcontext(prec=EXACT_DIGITS), closing(self._open()) as connection:
            connection.execute("BEGIN")
            self._check_fills(connection)
            self._check_orders(connection)
            self._check_positions(connection)
            self._check_money(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    def _check_fills(self, connection: sqlite3.Connection) -> None:
        """Every fill has its twin: another account's, or the house's, whose fills are no rows, but trades are."""
        by_trade = defaultdict(list)
        for fill in connection.execute("SELECT * FROM fills WHERE id > ?", (self._last_fill,)):
            by_trade[fill["trade_id"]].append(fill)
            signed = Decimal(fill["size"]) * (1 if fill["side"] == "buy" else -1)
            self._nets[fill["account"], fill["market"]] += signed
            self._last_fill = max(self._last_fill, fill["id"])
            self.fills += 1
        for trade_id, fills in by_trade.items():
            trade = connection.execute("SELECT * FROM trades WHERE id = ?", (trade_id,)).fetchone()
            assert trade is not None, f"the fills of trade {trade_id} without the trade"
            for fill in fills:
                assert _amounts(fill, "price", "size") == _amounts(trade, "price", "size"), (dict(fill), dict(trade))
                is_takers = fill["liquidity"] == "taker"
                assert (fill["side"] == trade["side"]) == is_takers, (dict(fill), dict(trade))
            assert len({fill["liquidity"] for fill in fills}) == len(fills), [dict(fill) for fill in fills]

    def _check_orders(self, connection: sqlite3.Connection) -> None:
        """No fill over its order's size, and no order that says other than its fills."""
        filled = defaultdict(Decimal)
        for fill in connection.execute("SELECT order_id, size FROM fills WHERE order_id >= ?", (self._first_order,)):
            filled[fill["order_id"]] += Decimal(fill["size"])
        resting, last = [], self._first_order
        for order in connection.execute("SELECT * FROM orders WHERE id >= ?", (self._first_order,)):
            assert filled[order["id"]] == Decimal(order["filled_size"]) <= Decimal(order["size"]), dict(order)
            assert order["status"] in ("open", "closed"), dict(order)
            last = max(last, order["id"])
            if order["status"] == "open":
                resting.append(order)
        self._first_order = min((order["id"] for order in resting), default=last + 1)
        for market in {order["market"] for order in resting}:
            prices = {
                side: [
                    Decimal(order["price"]) for order in resting if (order["market"], order["side"]) == (market, side)
                ]
                for side in ("buy", "sell")
            }
            assert max(prices["buy"], default=Decimal(0)) < min(prices["sell"], default=Decimal("inf")), market

    def _check_positions(self, connection: sqlite3.Connection) -> None:
        """Per market they are zero in sum, and an account's are what its fills say."""
        nets = defaultdict(Decimal)
        for holding in connection.execute("SELECT * FROM holdings"):
            size = Decimal(holding["size"])
            nets[holding["market"]] += size
            if not holding["account"].startswith("@"):
                account = holding["account"], holding["market"]
                assert size == self._nets[account], f"{account} holds {size}; its fills make {self._nets[account]}"
        assert not any(nets.values()), dict(nets)

    def _check_money(self, connection: sqlite3.Connection) -> None:
        """Cash and what positions would bring, over all accounts and the house, is what was deposited."""
        marks = {row["name"]: row["mark"] for row in connection.execute("SELECT name, mark FROM markets")}
        total = sum((Decimal(row["cash"]) for row in connection.execute("SELECT cash FROM accounts")), Decimal(0))
        for holding in connection.execute("SELECT * FROM holdings"):
            if size := Decimal(holding["size"]):
                total += size * Decimal(marks[holding["market"]]) - Decimal(holding["cost"])
        deposits = connection.execute("SELECT amount FROM postings WHERE kind = 'deposit'")
        assert total == sum((Decimal(row["amount"]) for row in deposits), Decimal(0)), total


def _amounts(row: Any, *names: str) -> list[Decimal]:
    return [Decimal(row[name]) for name in names]
