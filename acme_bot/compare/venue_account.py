"""What the venue says about an account, asked through its REST API (Acme API §2, §4, §5).

A client of its own: it shares nothing with the connector, so that a mistake in one of them shows in the other. Every
name of a field of the wire that this package knows is in this module.
"""

import hashlib
import hmac
import http
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from acme_bot.compare.statement import Fill, Funding, Holding, Order, OrderState, Statement
from acme_bot.problem import Problem

ANSWER_SECONDS = 10
PAGE = 1000
MICROSECOND = Decimal("0.000001")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VenueError(Problem):
    """The venue refused a request, in its own words, or did not answer."""


@dataclass(frozen=True)
class Key:
    """An account's API key; the secret is in no representation."""

    key: str
    secret: str = field(repr=False)


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

    `entry` is None when flat, and when hedged. `cost` is what the open position was bought for (negative: sold for); `value` is what the
    account is worth, unrealized profit included.
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
        self._server = server
        self._key = key
        self._market = market

    def price(self) -> Price:
        future = self._get(f"/futures/{self._market}")
        return Price(
            bid=_decimal_or_none(future["bid"]),
            ask=_decimal_or_none(future["ask"]),
            mark=Decimal(future["mark"]),
            funding_rate=Decimal(future["nextFundingRate"]),
            funding_time=_seconds(future["nextFundingTime"]),
        )

    def order_book(self, levels: int) -> OrderBook:
        """The best `levels`, 1 to 100, of each side."""
        book = self._get(f"/markets/{self._market}/orderbook", depth=levels)
        bids, asks = ([(Decimal(price), Decimal(size)) for price, size in book[side]] for side in ("bids", "asks"))
        return OrderBook(bids, asks)

    def trades(self, count: int) -> list[Trade]:
        """The latest `count` of everybody's, the latest first."""
        return [
            Trade(one["side"], Decimal(one["price"]), Decimal(one["size"]), _seconds(one["time"]))
            for one in self._get(f"/markets/{self._market}/trades", limit=count)
        ]

    def valuation(self) -> Valuation:
        account = self._get("/account")
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
        return next(Decimal(coin["total"]) for coin in self._get("/wallet/balances") if coin["coin"] == "USD")

    def open_orders(self) -> list[Order]:
        return [_order(order) for order in self._get("/orders", market=self._market)]

    def statement(self) -> tuple[Statement, Valuation]:
        """All that the account ever did on this market and what it has, both of one moment."""
        valuation = self.valuation()
        while True:
            statement, before = self._statement(), valuation
            valuation = self.valuation()
            if valuation.holding == before.holding:
                return statement, valuation

    def funding(self) -> list[Funding]:
        """Every funding payment, oldest first. Positive: the account received it, unlike on the wire (Acme API §5)."""
        payments = self._get("/funding_payments", future=self._market)
        return sorted(
            (
                Funding(int(_seconds(one["time"])), rate=Decimal(one["rate"]), amount=-Decimal(one["payment"]))
                for one in payments
            ),
            key=lambda payment: payment.time,
        )

    def place(self, side: str, size: Decimal, price: Decimal, client_id: str) -> None:
        """Places a limit order, as a trader does by hand."""
        self._ask(
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
        self._ask("DELETE", f"/orders/by_client_id/{client_id}")

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
            page = self._get(path, **parameters)
            known = len(found)
            found |= {one["id"]: one for one in page}
            if len(page) < PAGE:
                return list(found.values())
            if len(found) == known:
                raise VenueError(f"GET {path}: more than {PAGE} of one microsecond.")
            parameters["end_time"] = _seconds(page[-1][moment]) + MICROSECOND

    def _get(self, path: str, **parameters: Any) -> Any:
        return self._ask("GET", f"{path}?{urllib.parse.urlencode(parameters)}" if parameters else path)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Waits and asks again when the venue says that it was asked too often: it did nothing then (Acme API §3)."""
        while True:
            try:
                return self._ask_once(method, f"/api{path}", json.dumps(body) if body is not None else "")
            except urllib.error.HTTPError as refusal:
                if refusal.code != http.HTTPStatus.TOO_MANY_REQUESTS:
                    raise VenueError(f"{method} {path}: {_reason(refusal)}") from None
                time.sleep(float(refusal.headers["Retry-After"]))
            except (OSError, http.client.HTTPException) as error:
                raise VenueError(f"{method} {path}: no answer from {self._server} ({error})") from error

    def _ask_once(self, method: str, path: str, body: str) -> Any:
        headers = {"Content-Type": "application/json", **self._signed(method, path, body)}
        request = urllib.request.Request(self._server + path, body.encode() or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer, parse_float=Decimal)["result"]

    def _signed(self, method: str, path: str, body: str) -> dict[str, str]:
        moment = str(time.time_ns() // 1_000_000)
        signature = hmac.new(self._key.secret.encode(), f"{moment}{method}{path}{body}".encode(), hashlib.sha256)
        return {"ACME-KEY": self._key.key, "ACME-TS": moment, "ACME-SIGN": signature.hexdigest()}


def _reason(refusal: urllib.error.HTTPError) -> str:
    try:
        return json.load(refusal)["error"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {refusal.code}"


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
