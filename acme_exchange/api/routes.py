"""The REST interface as a table, and what each request does (Acme API §4 and §5).

A handler gets a :class:`Call` and returns what the envelope holds as `result`: an iterator where that may be long to
make, which is then made in turns. It knows nothing of HTTP. What it is annotated with and its docstring are also what
the interface's description says of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Literal, NamedTuple

from acme_exchange.api import errors
from acme_exchange.api.rate_limits import CountsAs
from acme_exchange.api.wire import account_data, answers, market_data, requests
from acme_exchange.api.wire.requests import Request
from acme_exchange.clock import Clock
from acme_exchange.engine import (
    CancelOrder,
    CancelOrders,
    Command,
    Filled,
    ModifyOrder,
    OrderChanged,
    PlaceOrder,
    Refused,
    SetLeverage,
    SetPositionMode,
    Traded,
    views,
)
from acme_exchange.store import FillFilter, OrderFilter, Period
from acme_exchange.venue import Venue

ORDER_QUEUED = "Order queued for cancellation"
ORDERS_QUEUED = "Orders queued for cancellation"

MOST_OF_A_MOMENT = 100_000
"""Trades or fills of one command: more than a market can have orders to match."""

DIGITS_OF_DOUBLES = 15
MOST_DIGITS_OF_DOUBLES = 17
"""Python, and others, write as many of a number that has no shorter name."""

ORDER_ID = re.compile(r"\d{1,18}", re.ASCII)


class Call(NamedTuple):
    """One request, understood.

    :ivar clock: what time it is, as clients are to be told.
    :ivar account: who asks; empty for a public request.
    :ivar path: the variable parts of the path.
    :ivar behind: by how many microseconds the asker's clock is behind the venue's (`Authenticator.behind`).
    """

    venue: Venue
    clock: Clock
    account: str
    path: Mapping[str, str]
    parameters: Any
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Paged[Record]:
    """A result that says beside it whether more is to be had."""

    result: list[Record]
    has_more_data: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    :ivar path: below `/api`; `{market}` and `{future}` may hold a `/`.
    :ivar counts: which rate limits it counts in: a cancel in none, an order in both.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handler: Callable[[Call], Any]
    parameters: type[Request] = requests.NoParameters
    private: bool = True
    counts: CountsAs = field(default="request", kw_only=True)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def ping(call: Call) -> answers.Status:
    """Whether the venue answers."""
    return answers.Status()


def server_time(call: Call) -> answers.Time:
    """The server's time."""
    return answers.iso(call.clock.now())


def coins(call: Call) -> list[market_data.Coin]:
    """The coins that accounts hold."""
    return [market_data.US_DOLLAR]


def markets(call: Call) -> Iterator[market_data.Market]:
    """Every market."""
    engine = call.venue.engine
    return (market_data.market(engine.market(name)) for name in engine.market_names())


def market(call: Call) -> market_data.Market:
    """One market."""
    return market_data.market(call.venue.engine.market(call.path["market"]))


def order_book(call: Call) -> market_data.OrderBook:
    """The best levels of a market's book, best first."""
    bids, asks = call.venue.engine.levels(call.path["market"], call.parameters.depth)
    return market_data.order_book(bids, asks, call.venue.clock.now())


async def trades(call: Call) -> list[market_data.Trade]:
    """A market's trades, newest first."""
    name = call.path["market"]
    _known_market(call, name)
    asked: requests.TradesQuery = call.parameters
    period, least_id, store = period_of(asked), asked.least_id or 0, call.venue.store
    found = await store.trades(name, period, asked.limit, least_id)
    if _ends_within_a_moment(period, asked.limit, found):
        found = _with_whole_moment(found, await store.trades(name, _moment(found), MOST_OF_A_MOMENT, least_id))
    return [market_data.trade(trade) for trade in found]


async def candles(call: Call) -> list[market_data.Candle]:
    """A market's trades gathered into candles, oldest first; before the venue's first start, a simulated past of volume
    0."""
    name = call.path["market"]
    _known_market(call, name)
    found = await call.venue.candles(
        name, int(call.parameters.resolution), period_of(call.parameters), call.parameters.limit
    )
    return [market_data.candle(candle) for candle in found]


def futures(call: Call) -> Iterator[market_data.Future]:
    """Every future, perpetual or dated."""
    engine = call.venue.engine
    return (market_data.future(engine.future(name)) for name in engine.future_names())


def future(call: Call) -> market_data.Future:
    """One future."""
    return market_data.future(call.venue.engine.future(call.path["future"]))


def future_statistics(call: Call) -> market_data.FutureStatistics:
    """A future's volume, open interest and next funding."""
    return market_data.future_statistics(call.venue.engine.future(call.path["future"]))


async def funding_rates(call: Call) -> list[market_data.FundingRate]:
    """Funding rates that were paid, newest first; before the venue's first start, those of a simulated past."""
    name = _known_future(call, call.parameters.future)
    found = await call.venue.funding_rates(name, period_of(call.parameters), requests.MOST_RECORDS)
    return [market_data.funding_rate(rate) for rate in found]


def account(call: Call) -> account_data.Account:
    """The account, its margin and its positions."""
    return account_data.account(call.venue.engine.account(call.account))


def set_leverage(call: Call) -> None:
    """Sets the account's one leverage, for all markets."""
    call.venue.execute(SetLeverage(call.account, call.parameters.leverage))


def set_position_mode(call: Call) -> None:
    """Switches between one position a market, and a long and a short one."""
    call.venue.execute(SetPositionMode(call.account, call.parameters.mode))


def balances(call: Call) -> list[account_data.Balance]:
    """What the account holds."""
    return [account_data.balance(call.venue.engine.balance(call.account))]


def positions(call: Call) -> list[account_data.Position]:
    """Every position that ever was open."""
    return [
        account_data.position(position, call.parameters.show_average_price)
        for position in call.venue.engine.positions(call.account)
    ]


def open_orders(call: Call) -> Iterator[account_data.Order]:
    """The resting orders, oldest first."""
    found = call.venue.engine.open_orders(call.account, call.parameters.market)
    return (account_data.order(order) for order in found)


async def order_history(call: Call) -> Paged[account_data.Order]:
    """Orders, open and closed, newest first."""
    asked: requests.OrderHistoryQuery = call.parameters
    accepted = OrderFilter(_known_market(call, asked.market), asked.side, asked.order_type)
    page = await call.venue.store.orders(call.account, accepted, period_of(asked), asked.limit, asked.order == "asc")
    return Paged([account_data.order(order) for order in page.records], page.more)


def order(call: Call) -> account_data.Order:
    """One order, open or closed."""
    return account_data.order(_stored_order(call))


def place_order(call: Call) -> account_data.Order:
    """Places an order; the answer shows it as it was accepted, not yet matched."""
    asked: requests.PlaceOrderRequest = call.parameters
    is_limit = asked.type == "limit"
    if is_limit and asked.price is None:
        raise Refused(400, errors.missing_parameter("price"))
    command = PlaceOrder(
        account=call.account,
        market=asked.market,
        side=asked.side,
        kind=asked.type,
        size=_meant(call, asked.market, "size_increment", asked.size),
        price=asked.price and _meant(call, asked.market, "price_increment", asked.price) if is_limit else None,
        reduce_only=asked.reduce_only,
        ioc=asked.immediate_or_cancel,
        post_only=asked.post_only,
        client_id=asked.client_id,
        reject_after=None if asked.reject_after is None else asked.reject_after * 1000 + call.behind,
        position_side=asked.position_side,
    )
    return _new_order(call, command)


def modify_order(call: Call) -> account_data.Order:
    """Cancels a resting order and places another in its stead."""
    asked: requests.ModifyOrderRequest = call.parameters
    existing = _order_to_cancel(call)
    command = ModifyOrder(
        account=call.account,
        order_id=existing.id,
        price=asked.price and _meant(call, existing.market, "price_increment", asked.price),
        size=asked.size and _meant(call, existing.market, "size_increment", asked.size),
        new_client_id=asked.client_id,
    )
    return _new_order(call, command)


def cancel_order(call: Call) -> str:
    """Cancels a resting order."""
    call.venue.execute(CancelOrder(call.account, order_id=_order_to_cancel(call).id))
    return ORDER_QUEUED


def cancel_orders(call: Call) -> str:
    """Cancels all resting orders, or those of a market or a side; none of them is conditional."""
    asked: requests.CancelOrdersRequest = call.parameters
    if asked.conditional_only:
        return ORDERS_QUEUED
    call.venue.execute(CancelOrders(call.account, asked.market, asked.side))
    return ORDERS_QUEUED


async def fills(call: Call) -> list[account_data.Fill]:
    """The account's fills, newest first."""
    asked: requests.FillsQuery = call.parameters
    accepted = FillFilter(_known_market(call, asked.market), asked.order_id, asked.least_id)
    period, is_oldest_first, store = period_of(asked), asked.order == "asc", call.venue.store
    found = (await store.fills(call.account, accepted, period, asked.limit, is_oldest_first)).records
    if _ends_within_a_moment(period, asked.limit, found):
        rest = await store.fills(call.account, accepted, _moment(found), MOST_OF_A_MOMENT, is_oldest_first)
        found = _with_whole_moment(found, rest.records)
    return [account_data.fill(fill) for fill in found]


async def funding_payments(call: Call) -> list[account_data.FundingPayment]:
    """What the account paid (positive) or received for funding, newest first."""
    name = _known_future(call, call.parameters.future)
    found = await call.venue.store.funding_payments(
        call.account, name, period_of(call.parameters), requests.MOST_RECORDS
    )
    return [account_data.funding_payment(payment) for payment in found]


def _new_order(call: Call, command: Command) -> account_data.Order:
    """The order that the command has made, as it was accepted: what it then met comes by frame, or when asked for."""
    changes = (event.order for event in call.venue.execute(command) if isinstance(event, OrderChanged))
    return account_data.order(next(order for order in changes if order.status == "new"))


def _meant(
    call: Call, market: str, increment: Literal["price_increment", "size_increment"], number: Decimal
) -> Decimal:
    """A price or size as it was meant, where a client has reckoned with doubles: theirs are written with up to
    seventeen digits, and of one that is off the increment, such as 0.30000000000000004, the first fifteen count.

    :raises Refused: 404 `No such market`.
    """
    is_short = len(str(number)) <= DIGITS_OF_DOUBLES
    if is_short or not DIGITS_OF_DOUBLES < len(number.as_tuple().digits) <= MOST_DIGITS_OF_DOUBLES:
        return number
    step: Decimal = getattr(call.venue.engine.market(market), increment)
    exact = Context(prec=DIGITS_OF_DOUBLES).plus(number)
    return exact.quantize(step) if number % step and not exact % step else number


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
    was_cancelled = call.venue.store.was_cancelled_by_client(found.id)
    raise Refused(400, errors.ORDER_ALREADY_QUEUED if was_cancelled else errors.ORDER_ALREADY_CLOSED)


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


def period_of(asked: requests.Period) -> Period:
    """What was asked for in seconds, in microseconds."""
    return Period(start=_microseconds(asked.start_time), end=_microseconds(asked.end_time))


def _ends_within_a_moment(period: Period, limit: int, found: Sequence[Filled | Traded]) -> bool:
    """Whether a page of a period may leave out some of its last moment: who goes on from there in time, both ends
    included, would for ever get those that it has."""
    return len(found) == limit and (period.start, period.end) != (None, None)


def _moment(found: Sequence[Filled | Traded]) -> Period:
    """The moment of the last one, as a period."""
    return Period(found[-1].time, found[-1].time)


def _with_whole_moment[Record: (Filled, Traded)](found: list[Record], moment: list[Record]) -> list[Record]:
    return [each for each in found if each.time != found[-1].time] + moment


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
    Route("POST", "/orders", place_order, requests.PlaceOrderRequest, counts="order"),
    Route("DELETE", "/orders", cancel_orders, requests.CancelOrdersRequest, counts="nothing"),
    Route("GET", "/orders/by_client_id/{client_id}", order),
    Route("DELETE", "/orders/by_client_id/{client_id}", cancel_order, counts="nothing"),
    Route("POST", "/orders/by_client_id/{client_id}/modify", modify_order, requests.ModifyOrderRequest, counts="order"),
    Route("GET", "/orders/{order_id}", order),
    Route("DELETE", "/orders/{order_id}", cancel_order, counts="nothing"),
    Route("POST", "/orders/{order_id}/modify", modify_order, requests.ModifyOrderRequest, counts="order"),
    Route("GET", "/fills", fills, requests.FillsQuery),
    Route("GET", "/funding_payments", funding_payments, requests.FundingQuery),
)
