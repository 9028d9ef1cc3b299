"""A connector that talks to a server on this machine, whose clock stands still unless the connector waits."""

import asyncio
import json
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE, LoopbackVenue, refuses
from test.isolated_asyncio_wrapper_test_case import IsolatedAsyncioWrapperTestCase
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import parse_qs, urlsplit

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants import RATE_LIMITS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.event.event_listener import EventListener
from hummingbot.core.event.events import MarketEvent

ORDER_ID = 9596912
BY_CLIENT_ID = "/api/orders/by_client_id/HBOT1"
BY_ID = f"/api/orders/{ORDER_ID}"
NOT_FOUND = refuses(404, "Order not found")
FAILING = refuses(500, "An unexpected error occurred, please try again later (4f1c)")


class EventRecorder(EventListener):
    """Keeps what the connector reports, in its order."""

    def __init__(self):
        super().__init__()
        self.events: List[Any] = []

    def __call__(self, event: Any):
        self.events.append(event)


class DerivativeTestCase(IsolatedAsyncioWrapperTestCase):
    level = 0  # of the log records that `handle` gets

    async def asyncSetUp(self):
        self.venue = LoopbackVenue()
        await self.venue.start()
        self.addAsyncCleanup(self.venue.stop)
        self.venue.answer("GET", "/api/markets", venue_data.default_markets())
        self.venue.answer("GET", "/api/time", venue_data.TIME)
        self.venue.answer("GET", "/api/account", venue_data.account())
        self.venue.answer("GET", "/api/orders", [])
        self.venue.answer("GET", "/api/fills", [])
        self.seconds = 1000.0
        self.log_records = []
        self.recorder = EventRecorder()
        self.exchange = self.create_exchange()
        await self.exchange._update_trading_rules()
        await self.exchange._update_trading_fees()
        self.venue.requests.clear()

    def create_exchange(self, *trading_pairs: str) -> AcmePerpetualDerivative:
        exchange = AcmePerpetualDerivative(
            acme_perpetual_api_key="someKey",
            acme_perpetual_api_secret="someSecret",
            acme_perpetual_server=self.venue.url,
            trading_pairs=list(trading_pairs) or ["BTC-USD"],
        )
        exchange._throttler.set_rate_limits([RateLimit(limit.limit_id, 10**6, 1) for limit in RATE_LIMITS])
        clock = exchange._time_synchronizer
        clock.add_time_offset_ms_sample((venue_data.EPOCH_SECONDS - clock._current_seconds_counter()) * 1e3)
        exchange._set_current_timestamp(venue_data.EPOCH_SECONDS)
        exchange._time = lambda: venue_data.EPOCH_SECONDS
        exchange._pace.now = lambda: self.seconds
        exchange._pace.sleep = exchange._sleep = self.sleep
        exchange.logger().setLevel(1)
        exchange.logger().addHandler(self)
        exchange._order_tracker.logger().setLevel(1)
        exchange._order_tracker.logger().addHandler(self)
        self.addCleanup(exchange.logger().removeHandler, self)
        self.addCleanup(exchange._order_tracker.logger().removeHandler, self)
        for event in MarketEvent:
            exchange.add_listener(event, self.recorder)
        return exchange

    async def sleep(self, delay: float):
        self.seconds += delay
        await asyncio.sleep(0)

    def handle(self, record):
        self.log_records.append(record)

    def logged(self, level: str) -> List[str]:
        return [record.getMessage() for record in self.log_records if record.levelname == level]

    @property
    def event_names(self) -> List[str]:
        return [type(event).__name__.removesuffix("Event") for event in self.recorder.events]

    def event(self, name: str) -> Any:
        """The only event of this kind."""
        (event,) = [each for each in self.recorder.events if type(each).__name__ == f"{name}Event"]
        return event

    async def until(self, condition: Callable[[], Any]):
        """Lets the connector work until something has happened."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.001)

    async def settled(self):
        """Lets the tasks run that have nothing to wait for."""
        for _ in range(10):
            await asyncio.sleep(0)

    def create_order(self, **changes: Any) -> asyncio.Future:
        """Begins to place an order, and ends when it is placed, failed, or left pending."""
        arguments = {
            "trade_type": TradeType.BUY,
            "order_id": "HBOT1",
            "trading_pair": "BTC-USD",
            "amount": Decimal("1"),
            "order_type": OrderType.LIMIT,
            "price": Decimal("10000"),
            "position_action": PositionAction.OPEN,
            **changes,
        }
        return asyncio.ensure_future(self.exchange._create_order(**arguments))

    def track_order(
        self, client_order_id: str = "HBOT1", id: Optional[int] = ORDER_ID, **changes: Any
    ) -> InFlightOrder:
        arguments = {
            "trading_pair": "BTC-USD",
            "trade_type": TradeType.BUY,
            "price": Decimal("10000"),
            "amount": Decimal("1"),
            "order_type": OrderType.LIMIT,
            "position_action": PositionAction.OPEN,
            **changes,
        }
        exchange_order_id = None if id is None else str(id)
        self.exchange.start_tracking_order(client_order_id, exchange_order_id, **arguments)
        return self.exchange.in_flight_orders[client_order_id]

    async def open_order(self, client_order_id: str = "HBOT1", id: int = ORDER_ID, **changes: Any) -> InFlightOrder:
        """An order that the venue is known to have."""
        order = self.track_order(client_order_id, id, **changes)
        side = order.trade_type.name.lower()
        await self.frames("orders", venue_data.order(id, client_order_id, size=float(order.amount), side=side))
        self.recorder.events.clear()
        return order

    async def frames(self, channel: str, *data: Any):
        """What the private stream brings, processed."""
        for each in data:
            await self.exchange._process_frame(venue_data.frame(channel, each))
        await self.settled()

    def requests(self, method: str = "", path: str = "") -> List[str]:
        """What the venue was asked, such as `GET /api/orders`, without the queries."""
        asked = [f"{request.method} {request.path.partition('?')[0]}" for request in self.venue.requests]
        return [request for request in asked if request.startswith(method) and request.endswith(path)]

    def body(self, method: str, path: str) -> Dict[str, Any]:
        """The body of the last request of this kind."""
        request = [r for r in self.venue.requests if r.method == method and r.path.partition("?")[0] == path][-1]
        return json.loads(request.body)

    def asked_start_time(self, path: str = "/api/fills") -> float:
        """Since when the venue was last asked for fills or payments."""
        request = [request for request in self.venue.requests if request.path.startswith(f"{path}?")][-1]
        return float(parse_qs(urlsplit(request.path).query)["start_time"][0])
