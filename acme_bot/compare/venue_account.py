"""Asks the venue about an account, by its REST API (Acme API §4, §5).

Only this module knows what the fields of the answers are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from acme_bot.compare.statement import Fill, Funding, Holding, Order, OrderState, Statement
from acme_bot.compare.venue_client import Key, VenueClient, VenueError

PAGE = 1000
PLENTY_OF_DIGITS = 100  # for sums of money; Decimal's own are rounded to 28
MICROSECOND = Decimal("0.000001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Price:
    """A perpetual's prices in USD; `funding_rate` is the next payment's, due at `funding_time` (seconds since 1970)."""

    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal
    funding_rate: Decimal
    funding_time: Decimal


@dataclass(frozen=True)
class OrderBook:
    """Each level is a price in USD and a size in coins; the best is first."""

    bids: Sequence[tuple[Decimal, Decimal]]
    asks: Sequence[tuple[Decimal, Decimal]]

    @property
    def sides(self) -> tuple[Sequence[tuple[Decimal, Decimal]], Sequence[tuple[Decimal, Decimal]]]:
        return self.bids, self.asks


@dataclass(frozen=True)
class Trade:
    """`side` is the taker's; `time` in seconds since 1970."""

    side: str
    price: Decimal
    size: Decimal
    time: Decimal


@dataclass(frozen=True)
class Valuation:
    """The account and its position, long less short, at one moment, in USD but for the position.

    `entry` is None when flat, and when hedged. `cost` is what the open position was bought for (negative: sold for);
    `value` is what the account is worth, unrealized profit included.
    """

    holding: Holding
    entry: Decimal | None
    cost: Decimal
    value: Decimal

    @property
    def position_value(self) -> Decimal:
        """What the open position is worth at the mark, in USD; negative when it is short."""
        return self.value - self.holding.balance + self.cost


class VenueAccount:
    """One account on one perpetual market, as the venue has it. Every method raises `VenueError`."""

    def __init__(self, server: str, key: Key, market: str = "BTC-PERP"):
        self._client = VenueClient(server, key)
        self._market = market

    def price(self) -> Price:
        future = self._client.get(f"/futures/{self._market}")
        return Price(
            bid=_decimal_or_none(future["bid"]),
            ask=_decimal_or_none(future["ask"]),
            mark=Decimal(future["mark"]),
            funding_rate=Decimal(future["nextFundingRate"]),
            funding_time=_seconds(future["nextFundingTime"]),
        )

    def order_book(self, levels: int) -> OrderBook:
        """The best `levels`, 1 to 100, of each side."""
        book = self._client.get(f"/markets/{self._market}/orderbook", depth=levels)
        bids, asks = ([(Decimal(price), Decimal(size)) for price, size in book[side]] for side in ("bids", "asks"))
        return OrderBook(bids, asks)

    def trades(self, count: int) -> list[Trade]:
        """The latest `count` of everybody's, the latest first."""
        return [
            Trade(one["side"], Decimal(one["price"]), Decimal(one["size"]), _seconds(one["time"]))
            for one in self._client.get(f"/markets/{self._market}/trades", limit=count)
        ]

    def valuation(self) -> Valuation:
        account = self._client.get("/account")
        # In hedge mode there are two positions of one market.
        positions = [one for one in account["positions"] if one["future"] == self._market]
        entries = [Decimal(one["entryPrice"]) for one in positions if one["entryPrice"] is not None]
        position, cost = (sum((Decimal(one[name]) for one in positions), Decimal(0)) for name in ("netSize", "cost"))
        return Valuation(
            Holding(position, balance=Decimal(account["collateral"])),
            entry=entries[0] if len(entries) == 1 else None,
            cost=cost,
            value=Decimal(account["totalAccountValue"]),
        )

    def balance(self) -> Decimal:
        """The wallet's total in USD."""
        return next(Decimal(coin["total"]) for coin in self._client.get("/wallet/balances") if coin["coin"] == "USD")

    def open_orders(self) -> list[Order]:
        return [_order(order) for order in self._client.get("/orders", market=self._market)]

    def statement(self) -> tuple[Statement, Valuation]:
        """All that the account ever did on this market and what it has, both of one moment."""
        valuation = self.valuation()
        while True:
            statement, before = self._statement(), valuation
            valuation = self.valuation()
            if valuation.holding == before.holding:
                return statement, valuation

    def funding(self) -> list[Funding]:
        """Every funding payment, oldest first. Positive: the account received it, unlike on the wire (Acme API §5).

        What the two sides of a hedge paid at one time is one payment: Hummingbot keeps no two of one time.
        """
        paid: dict[str, tuple[Decimal, Decimal]] = {}
        with localcontext(prec=PLENTY_OF_DIGITS):
            for one in self._client.get("/funding_payments", future=self._market):
                _, amount = paid.get(one["time"], (Decimal(0), Decimal(0)))
                paid[one["time"]] = Decimal(one["rate"]), amount - Decimal(one["payment"])
        payments = (Funding(int(_seconds(time)), rate, amount) for time, (rate, amount) in paid.items())
        return sorted(payments, key=lambda payment: payment.time)

    def place(self, side: str, size: Decimal, price: Decimal, client_id: str) -> None:
        """Places a limit order, as a trader does by hand."""
        self._client.ask(
            "POST",
            "/orders",
            {
                "market": self._market,
                "side": side,
                "type": "limit",
                "size": str(size),
                "price": str(price),
                "clientId": client_id,
            },
        )

    def cancel(self, client_id: str) -> None:
        self._client.ask("DELETE", f"/orders/by_client_id/{client_id}")

    def _statement(self) -> Statement:
        orders = self._pages("/orders/history", "createdAt")
        client_ids = {order["id"]: order["clientId"] for order in orders}
        return Statement(
            orders={order["clientId"]: _order(order) for order in orders},
            fills={str(fill["id"]): _fill(fill, client_ids) for fill in self._pages("/fills", "time")},
            funding=self.funding(),
        )

    def _pages(self, path: str, moment: str) -> list[dict[str, Any]]:
        """All of it, newest first. Two pages overlap, because several entries may be of one time."""
        found: dict[int, dict[str, Any]] = {}
        parameters: dict[str, Any] = {"market": self._market, "limit": PAGE}
        while True:
            page = self._client.get(path, **parameters)
            known = len(found)
            found |= {one["id"]: one for one in page}
            if len(page) < PAGE:
                return list(found.values())
            if len(found) == known:
                raise VenueError(f"GET {path}: more than {PAGE} of one microsecond.")
            parameters["end_time"] = _seconds(page[-1][moment]) + MICROSECOND


def _order(order: dict[str, Any]) -> Order:
    return Order(
        id=order["clientId"],
        side=order["side"],
        price=Decimal(order["price"] or 0),
        amount=Decimal(order["size"]),
        state=_state(order),
        reduces=order["reduceOnly"],
    )


def _state(order: dict[str, Any]) -> OrderState:
    if order["status"] != "closed":
        return OrderState.OPEN
    return OrderState.FILLED if order["filledSize"] == order["size"] else OrderState.CANCELLED


def _fill(fill: dict[str, Any], client_ids: dict[int, str]) -> Fill:
    return Fill(
        id=str(fill["id"]),
        order_id=client_ids[fill["orderId"]],
        side=fill["side"],
        price=Decimal(fill["price"]),
        amount=Decimal(fill["size"]),
        fee=Decimal(fill["fee"]),
        time=float(_seconds(fill["time"])),
    )


def _seconds(text: str) -> Decimal:
    moment = datetime.fromisoformat(text) - EPOCH
    return Decimal(moment.days * 86400 + moment.seconds) + moment.microseconds * MICROSECOND


def _decimal_or_none(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
