"""The REST interface as a table, and what each request does (Acme API §4 and §5).

A handler gets a :class:`Call` and returns what the envelope holds as `result`. It knows nothing of HTTP.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from acme_exchange.api import answers, errors, presentation, requests
from acme_exchange.api.requests import Request
from acme_exchange.engine import (
    CancelOrder,
    CancelOrders,
    Command,
    ModifyOrder,
    OrderChanged,
    PlaceOrder,
    Refused,
    SetLeverage,
    SetPositionMode,
    views,
)
from acme_exchange.store import FillFilter, OrderFilter, Period
from acme_exchange.venue import Venue

ORDER_QUEUED = "Order queued for cancellation"
ORDERS_QUEUED = "Orders queued for cancellation"

ORDER_ID = re.compile(r"\d{1,18}", re.ASCII)

Charge = Literal["nothing", "request", "order"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, understood.

    :ivar account: who asks; empty for a public request.
    :ivar path: the variable parts of the path.
    """

    venue: Venue
    account: str
    path: Mapping[str, str]
    parameters: Any


@dataclass(frozen=True, slots=True)
class Paged:
    """A result that says beside it whether more is to be had."""

    result: Any
    has_more_data: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    :ivar path: below `/api`; `{market}` and `{future}` may hold a `/`.
    :ivar charge: which rate limits it counts in: a cancel in none, an order in both.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Callable[[Call], Any]
    parameters: type[Request] = requests.NoParameters
    private: bool = True
    charge: Charge = field(default="request", kw_only=True)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def ping(call: Call) -> answers.Status:
    return answers.Status()


def server_time(call: Call) -> str:
    return presentation.iso(call.venue.clock.now())


def coins(call: Call) -> list[answers.Coin]:
    return [answers.US_DOLLAR]


def markets(call: Call) -> list[answers.Market]:
    engine = call.venue.engine
    return [presentation.market(engine.market(name)) for name in engine.market_names()]


def market(call: Call) -> answers.Market:
    return presentation.market(call.venue.engine.market(call.path["market"]))


def order_book(call: Call) -> answers.OrderBook:
    bids, asks = call.venue.engine.levels(call.path["market"], call.parameters.depth)
    return answers.OrderBook(bids=bids, asks=asks, time=presentation.epoch_seconds(call.venue.clock.now()))


def trades(call: Call) -> list[answers.Trade]:
    name = _known_market(call, call.path["market"])
    found = call.venue.store.trades(name, _period(call.parameters), call.parameters.limit)
    return [presentation.trade(trade) for trade in found]


def candles(call: Call) -> list[answers.Candle]:
    name = _known_market(call, call.path["market"])
    found = call.venue.store.candles(
        name,
        int(call.parameters.resolution),
        _period(call.parameters),
        call.venue.clock.now(),
        requests.MOST_CANDLES,
    )
    return [presentation.candle(candle) for candle in found]


def futures(call: Call) -> list[answers.Future]:
    engine = call.venue.engine
    return [
        presentation.future(engine.future(name)) for name in engine.market_names() if engine.market(name).kind != "spot"
    ]


def future(call: Call) -> answers.Future:
    return presentation.future(call.venue.engine.future(call.path["future"]))


def future_statistics(call: Call) -> answers.FutureStatistics:
    return presentation.future_statistics(call.venue.engine.future(call.path["future"]))


def funding_rates(call: Call) -> list[answers.FundingRate]:
    name = _known_future(call, call.parameters.future)
    found = call.venue.store.funding_rates(name, _period(call.parameters), requests.MOST_RECORDS)
    return [presentation.funding_rate(rate) for rate in found]


def account(call: Call) -> answers.Account:
    return presentation.account(call.venue.engine.account(call.account))


def set_leverage(call: Call) -> None:
    call.venue.execute(SetLeverage(call.account, call.parameters.leverage))


def set_position_mode(call: Call) -> None:
    call.venue.execute(SetPositionMode(call.account, call.parameters.mode))


def balances(call: Call) -> list[answers.Balance]:
    return [presentation.balance(call.venue.engine.balance(call.account))]


def positions(call: Call) -> list[answers.Position]:
    return [
        presentation.position(position, call.parameters.show_average_price)
        for position in call.venue.engine.positions(call.account)
    ]


def open_orders(call: Call) -> list[answers.Order]:
    found = call.venue.engine.open_orders(call.account, call.parameters.market)
    return [presentation.order(order) for order in found]


def order_history(call: Call) -> Paged:
    asked: requests.OrderHistoryQuery = call.parameters
    accepted = OrderFilter(_known_market(call, asked.market), asked.side, asked.order_type)
    page = call.venue.store.orders(call.account, accepted, _period(asked), asked.limit, asked.order == "asc")
    return Paged([presentation.order(order) for order in page.records], page.more)


def order(call: Call) -> answers.Order:
    return presentation.order(_stored_order(call))


def place_order(call: Call) -> answers.Order:
    asked: requests.PlaceOrderRequest = call.parameters
    if asked.type == "limit" and asked.price is None:
        raise Refused(400, errors.missing_parameter("price"))
    command = PlaceOrder(
        account=call.account,
        market=asked.market,
        side=asked.side,
        kind=asked.type,
        size=asked.size,
        price=asked.price if asked.type == "limit" else None,
        reduce_only=asked.reduce_only,
        ioc=asked.immediate_or_cancel,
        post_only=asked.post_only,
        client_id=asked.client_id,
        reject_after=None if asked.reject_after is None else asked.reject_after * 1000,
        position_side=asked.position_side,
    )
    return _new_order(call, command)


def modify_order(call: Call) -> answers.Order:
    asked: requests.ModifyOrderRequest = call.parameters
    existing = _order_to_cancel(call)
    command = ModifyOrder(
        account=call.account,
        order_id=existing.id,
        price=asked.price,
        size=asked.size,
        new_client_id=asked.client_id,
    )
    return _new_order(call, command)


def cancel_order(call: Call) -> str:
    call.venue.execute(CancelOrder(call.account, order_id=_order_to_cancel(call).id))
    return ORDER_QUEUED


def cancel_orders(call: Call) -> str:
    asked: requests.CancelOrdersRequest = call.parameters
    call.venue.execute(CancelOrders(call.account, asked.market, asked.side))
    return ORDERS_QUEUED


def fills(call: Call) -> list[answers.Fill]:
    asked: requests.FillsQuery = call.parameters
    accepted = FillFilter(_known_market(call, asked.market), asked.order_id)
    page = call.venue.store.fills(call.account, accepted, _period(asked), asked.limit, asked.order == "asc")
    return [presentation.fill(fill) for fill in page.records]


def funding_payments(call: Call) -> list[answers.FundingPayment]:
    name = _known_future(call, call.parameters.future)
    found = call.venue.store.funding_payments(
        call.account, name, _period(call.parameters), requests.MOST_RECORDS
    )
    return [presentation.funding_payment(payment) for payment in found]


def _new_order(call: Call, command: Command) -> answers.Order:
    """The order that the command has made, as it was accepted: what it then met comes by frame, or when asked for."""
    changes = (event.order for event in call.venue.execute(command) if isinstance(event, OrderChanged))
    return presentation.order(next(order for order in changes if order.status == "new"))


def _stored_order(call: Call) -> views.Order:
    """The order that the path names, open or closed.

    :raises Refused: 404 `Order not found`.
    """
    store = call.venue.store
    if "client_id" in call.path:
        found = store.order_by_client_id(call.account, call.path["client_id"])
    else:
        order_id = call.path["order_id"]
        found = store.order(call.account, int(order_id)) if ORDER_ID.fullmatch(order_id) else None
    if found is None:
        raise Refused(404, errors.ORDER_NOT_FOUND)
    return found


def _order_to_cancel(call: Call) -> views.Order:
    """The resting order that the path names.

    :raises Refused: 404 `Order not found`; 400 when it is closed, in the words for why.
    """
    found = _stored_order(call)
    if found.status != "closed":
        return found
    twice = call.venue.store.was_cancelled_by_client(found.id)
    raise Refused(400, errors.ORDER_ALREADY_QUEUED if twice else errors.ORDER_ALREADY_CLOSED)


def _known_market(call: Call, name: str | None) -> str | None:
    """:raises Refused: 404 `No such market`."""
    if name is not None and name not in call.venue.engine.market_names():
        raise Refused(404, errors.no_such_market(name))
    return name


def _known_future(call: Call, name: str | None) -> str | None:
    """:raises Refused: 404 `No such future`."""
    if name is not None:
        call.venue.engine.future(name)
    return name


def _period(asked: requests.Period) -> Period:
    return Period(start=_microseconds(asked.start_time), end=_microseconds(asked.end_time))


def _microseconds(seconds: Decimal | None) -> int | None:
    """A float's seconds do not hold a microsecond exactly, but they are nearest to just one."""
    return None if seconds is None else round(seconds * 1_000_000)


PUBLIC: dict[str, Any] = {"private": False}

ROUTES = (
    Route("GET", "/", ping, **PUBLIC),
    Route("GET", "/time", server_time, **PUBLIC),
    Route("GET", "/coins", coins, **PUBLIC),
    Route("GET", "/markets", markets, **PUBLIC),
    Route("GET", "/markets/{market}/orderbook", order_book, requests.OrderBookQuery, **PUBLIC),
    Route("GET", "/markets/{market}/trades", trades, requests.TradesQuery, **PUBLIC),
    Route("GET", "/markets/{market}/candles", candles, requests.CandlesQuery, **PUBLIC),
    Route("GET", "/markets/{market}", market, **PUBLIC),
    Route("GET", "/futures", futures, **PUBLIC),
    Route("GET", "/futures/{future}/stats", future_statistics, **PUBLIC),
    Route("GET", "/futures/{future}", future, **PUBLIC),
    Route("GET", "/funding_rates", funding_rates, requests.FundingQuery, **PUBLIC),
    Route("GET", "/account", account),
    Route("POST", "/account/leverage", set_leverage, requests.LeverageRequest),
    Route("POST", "/account/position_mode", set_position_mode, requests.PositionModeRequest),
    Route("GET", "/wallet/balances", balances),
    Route("GET", "/positions", positions, requests.PositionsQuery),
    Route("GET", "/orders", open_orders, requests.OpenOrdersQuery),
    Route("GET", "/orders/history", order_history, requests.OrderHistoryQuery),
    Route("POST", "/orders", place_order, requests.PlaceOrderRequest, charge="order"),
    Route("DELETE", "/orders", cancel_orders, requests.CancelOrdersRequest, charge="nothing"),
    Route("GET", "/orders/by_client_id/{client_id}", order),
    Route("DELETE", "/orders/by_client_id/{client_id}", cancel_order, charge="nothing"),
    Route(
        "POST", "/orders/by_client_id/{client_id}/modify", modify_order, requests.ModifyOrderRequest, charge="order"
    ),
    Route("GET", "/orders/{order_id}", order),
    Route("DELETE", "/orders/{order_id}", cancel_order, charge="nothing"),
    Route("POST", "/orders/{order_id}/modify", modify_order, requests.ModifyOrderRequest, charge="order"),
    Route("GET", "/fills", fills, requests.FillsQuery),
    Route("GET", "/funding_payments", funding_payments, requests.FundingQuery),
)
