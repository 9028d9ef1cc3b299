"""The real connector on a real venue, over sockets, with a line between them that can be made to fail.

Nothing is mocked. The venue runs in the test's own process, so that a test can move its index and its time; nobody
trades there but the accounts of the test.
"""

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from acme_exchange.accounts.keys import AccountEntry, KeyEntry
from acme_exchange.engine import Advance, SetIndex
from acme_exchange.store import Store
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.trade_fee import TokenAmount
from hummingbot.core.event import events
from hummingbot.core.event.event_listener import EventListener
from test.acme_exchange.venue import MORNING, Client, ManualClock, RunningVenue, running_venue

PATIENCE = 180.0
"""Seconds after which what a test waits for counts as never coming."""

TICK = 0.1
BOOKS_INTERVAL = 0.02
REPEATED_INTERVAL = 1.0
FUNDING_INTERVAL = 3600  # seconds; nothing is paid but when a test says so

MOST_READS = 25

PAIR = "BTC-USD"
MARKET = "BTC-PERP"
INDEX = Decimal(65_000)
BID, ASK = Decimal(64_990), Decimal(65_010)  # what the counterparty quotes from the start, 1 BTC of each
DEPOSIT = Decimal(10_000)
TAKER_FEE, MAKER_FEE = Decimal("0.0005"), Decimal("0.0002")

BOTS = KeyEntry("bot-key", False, "bot-secret"), KeyEntry("second-bot-key", False, "second-bot-secret")
OWNER = KeyEntry("owner-key", False, "owner-secret")
READER = KeyEntry("reader-key", True, "reader-secret")
COUNTERPARTY = KeyEntry("counterparty-key", False, "counterparty-secret")
ACCOUNTS = (
    AccountEntry("trader", DEPOSIT, (*BOTS, OWNER, READER)),
    AccountEntry("counterparty", Decimal(10_000_000), (COUNTERPARTY,)),
)


class RunningClock(ManualClock):
    """Runs with real time, from a time of its own, and can be moved ahead."""

    def __init__(self) -> None:
        super().__init__(MORNING)
        self._began = time.monotonic_ns()

    def now(self) -> int:
        return super().now() + (time.monotonic_ns() - self._began) // 1000


# ------------------------------------------------------------------------------------------------------------ the line


@dataclass(eq=False)
class Fault:
    """What befalls one request.

    :ivar arrives: whether the venue gets it before the client sees the fault.
    :ivar outcome: what the client sees: "close", "reset", "error", "silence", or "held": the answer, but late.
    :ivar silence: seconds without an answer; a request that had not arrived before arrives after them.
    :ivar answer: the venue's answer, which the client never sees unless it is held.
    :ivar released: to be set when an answer was held for long enough.
    """

    arrives: bool
    outcome: str
    silence: float = 0.0
    answer: asyncio.Future = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Line:
    """Everything between the connector and the venue goes through here."""

    def __init__(self, session: aiohttp.ClientSession, running: RunningVenue) -> None:
        self.requests: list[str] = []
        self.dropped_channels: set[str] = set()
        self._session = session
        self._running = running
        self._faults: dict[tuple[str, str], list[Fault]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        application = web.Application()
        application.router.add_get("/ws/", self._stream)
        application.router.add_route("*", "/{path:.*}", self._relay)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start(self) -> str:
        """Returns the URL to reach the venue by."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        self.cut()
        await self._runner.cleanup()

    def befall(self, method: str, path: str, fault: Fault) -> Fault:
        """Has `fault` befall the next request with this method, to a path that begins so."""
        self._faults.setdefault((method, path), []).append(fault)
        return fault

    def forgive(self) -> None:
        """Has nothing befall any request any more."""
        self._faults.clear()

    def cut(self) -> None:
        """Cuts every WebSocket, without a goodbye."""
        for stream in self._sockets:
            stream._req.transport.abort()

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(f"{request.method} {request.path}")
        fault = self._next_fault(request)
        if fault is None:
            return await self._forward(request, body)
        if fault.arrives:
            fault.answer.set_result(await self._forward(request, body))
        return await self._fail(request, body, fault)

    def _next_fault(self, request: web.Request) -> Fault | None:
        for (method, path), faults in self._faults.items():
            if faults and request.method == method and request.path.startswith(f"/api{path}"):
                return faults.pop(0)
        return None

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.upper().startswith("ACME-")}
        url = URL(self._running.url + request.raw_path, encoded=True)
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            kept = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
            return web.Response(
                status=answer.status, body=await answer.read(), headers=kept, content_type="application/json"
            )

    async def _fail(self, request: web.Request, body: bytes, fault: Fault) -> web.Response:
        if fault.outcome == "error":
            text = "An unexpected error occurred, please try again later (5e1f)"
            return web.json_response({"success": False, "error": text}, status=500)
        if fault.outcome == "held":
            await fault.released.wait()
            return fault.answer.result()
        if fault.outcome == "silence":
            await asyncio.sleep(fault.silence)
            if not fault.answer.done():
                fault.answer.set_result(await self._forward(request, body))
        elif fault.outcome == "reset":
            linger = struct.pack("ii", 1, 0)
            request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        self._sockets.add(near)
        try:
            async with self._session.ws_connect(self._running.websocket_url) as far:
                ends = [asyncio.ensure_future(self._pass_on(*ends)) for ends in ((near, far), (far, near))]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for end in ends:
                    end.cancel()
        finally:
            self._sockets.discard(near)
        return near

    async def _pass_on(self, source: Any, target: Any) -> None:
        async for message in source:
            frame = json.loads(message.data)
            if frame.get("type") != "update" or frame.get("channel") not in self.dropped_channels:
                await target.send_str(message.data)


# ----------------------------------------------------------------------------------------------------------- the venue


class Exchange:
    """A venue where nobody trades but a test, and the accounts there.

    :ivar owner: asks and trades by hand for the account that the bots trade for.
    :ivar counterparty: somebody else.
    """

    def __init__(self, session: aiohttp.ClientSession, running: RunningVenue, line: Line, url: str) -> None:
        self.running = running
        self.line = line
        self.url = url
        self.owner = Client(session, running, OWNER.key, OWNER.secret)
        self.counterparty = Client(session, running, COUNTERPARTY.key, COUNTERPARTY.secret)

    async def rest(self, side: str, size: str, price: Any, market: str = MARKET) -> dict[str, Any]:
        """Has the counterparty offer something; returns the order."""
        return (await self.counterparty.place(market, side, size, str(price))).result

    async def take(self, side: str, size: str, market: str = MARKET) -> dict[str, Any]:
        """Has the counterparty trade at the market; returns the order."""
        return (await self.counterparty.place(market, side, size)).result

    async def clear(self) -> None:
        """Has the counterparty withdraw all that it offers."""
        assert (await self.counterparty.delete("/orders", {})).status == 200

    def set_index(self, price: Any, market: str = MARKET) -> None:
        self.running.venue.execute(SetIndex(market, Decimal(price)))

    def open(self, market: str, index: Any) -> None:
        """Opens a market that was closed."""
        self.running.venue.engine._state.markets[market].enabled = True
        self.set_index(index, market)

    def settle_funding(self) -> None:
        """Ends the funding interval, and settles it."""
        self.running.clock.advance(FUNDING_INTERVAL)
        self.running.venue.execute(Advance())

    async def order(self, client_id: str) -> dict[str, Any] | None:
        """What the venue has of an order; None when it has none such."""
        answer = await self.owner.get(f"/orders/by_client_id/{client_id}")
        return answer.result if answer.status == 200 else None

    async def open_orders(self) -> list[dict[str, Any]]:
        return (await self.owner.get("/orders")).result

    async def position(self, market: str = MARKET) -> Decimal:
        """The account's net size in one market."""
        positions = (await self.owner.get("/positions")).result
        return sum((each["netSize"] for each in positions if each["future"] == market), Decimal(0))

    async def balance(self) -> Decimal:
        return (await self.owner.get("/wallet/balances")).result[0]["total"]

    async def send_frames(self) -> None:
        """Sends what the venue's pacemaker would send; the market moves only when a test moves it."""
        feeds = self.running.server.feeds
        repeated_at = time.monotonic()
        while True:
            for _ in feeds.send_gathered():
                pass
            if time.monotonic() - repeated_at >= REPEATED_INTERVAL:
                repeated_at = time.monotonic()
                for _ in feeds.send_repeated():
                    pass
            await asyncio.sleep(BOOKS_INTERVAL)


# ---------------------------------------------------------------------------------------------------------- the trader


class Log(logging.Handler):
    """What Hummingbot logs, with its tracebacks."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def has(self, text: str) -> bool:
        return any(text in self.format(record) for record in self.records)

    def errors(self) -> list[str]:
        """What was logged as an error. Saving an order, Hummingbot also values its fees in coins, for which it has no
        rate where no strategy runs: that is none."""
        return [
            self.format(record)
            for record in self.records
            if record.levelno >= logging.ERROR and "Error calculating fee paid in" not in record.getMessage()
        ]


class Trader(EventListener):
    """A bot: a connector, what it reports, and what its user does. It can be restarted.

    :ivar connector: the one that runs.
    :ivar events: all that was reported, restarts notwithstanding.
    :ivar order_ids: of the orders it placed.
    """

    connector_class = AcmePerpetualDerivative

    def __init__(self, exchange: Exchange, log: Log, key: KeyEntry, *pairs: str) -> None:
        super().__init__()
        self.exchange = exchange
        self.log = log
        self.events: list[Any] = []
        self.order_ids: list[str] = []
        self.pairs = list(pairs)
        self._key = key
        self._states: dict[str, Any] = {}
        self._lead = 0.0
        self._news = asyncio.Event()

    def __call__(self, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, RECORDED):
            self._save_states()
        self._news.set()

    def _save_states(self) -> None:
        """As Hummingbot does whenever it records something of an order."""
        self._states = json.loads(json.dumps(self.connector.tracking_states))

    async def start(self, closed: int = 0) -> None:
        """Starts a connector, which takes up what the one before it was tracking; so many of its pairs are closed."""
        self.connector = self.connector_class(
            acme_perpetual_api_key=self._key.key,
            acme_perpetual_api_secret=self._key.secret,
            acme_perpetual_server=self.exchange.url,
            trading_pairs=list(self.pairs),
        )
        # A key may read more often than the connector lets it, which keeps some of a second for placing (Acme API §3).
        self.connector.throttler.set_rate_limits(
            [
                RateLimit(
                    each.limit_id,
                    MOST_READS if each.limit == CONSTANTS.READS_PER_SECOND else each.limit,
                    each.time_interval,
                    linked_limits=each.linked_limits,
                )
                for each in CONSTANTS.RATE_LIMITS
            ]
        )
        for tag in REPORTED:
            self.connector.add_listener(tag, self)
        self.connector.restore_tracking_states(self._states)
        await self.connector.start_network()
        # The next poll that nobody asks for is a whole interval away, whatever the time is.
        self._lead = -time.time() % CONSTANTS.STATUS_POLL_INTERVAL
        self.start_clock()
        await self.until(
            lambda: (
                self.connector.ready and len(self.connector._last_funding_fee_payment_ts) == len(self.pairs) - closed
            )
        )

    async def stop(self) -> None:
        """Stops the connector, and keeps what it was tracking as Hummingbot does: as JSON. Nobody hears any more what
        the connector may still find out, since its process would have ended."""
        self._save_states()
        await self._end()

    async def kill(self) -> None:
        """Ends the connector as if its process had been killed: only what was on record is left."""
        journal = self.connector._journal
        if journal._file is not None:
            journal._file.close()
        journal._open.clear()
        await self._end()

    async def _end(self) -> None:
        self.stop_clock()
        for tag in REPORTED:
            self.connector.remove_listener(tag, self)
        await self.connector.stop_network()

    def start_clock(self) -> None:
        self._clock = asyncio.create_task(self._run_clock())

    def stop_clock(self) -> None:
        """Lets the connector do nothing that its clock would have it do: it polls no more."""
        self._clock.cancel()

    def _tick(self) -> None:
        now = time.time()
        self.connector._set_current_timestamp(now)
        self.connector.tick(now + self._lead)
        self._news.set()

    async def _run_clock(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Waits until something holds, looking at every event and tick."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def poll(self) -> None:
        """Lets the time for the next status poll come, and waits until that has succeeded."""
        await self.until(lambda: not self.connector._poll_notifier.is_set())
        due = self.connector._poll_notifier
        self._lead += CONSTANTS.STATUS_POLL_INTERVAL
        self._tick()
        await self.until(lambda: self.connector._poll_notifier is not due)

    # ------------------------------------------------------------------------------------------------- what it does

    def buy(self, amount: Any, price: Any = None, **options: Any) -> str:
        """Places an order, at the market unless it has a price; returns its client id."""
        return self._place(self.connector.buy, amount, price, **options)

    def sell(self, amount: Any, price: Any = None, **options: Any) -> str:
        return self._place(self.connector.sell, amount, price, **options)

    def _place(
        self,
        place: Callable[..., str],
        amount: Any,
        price: Any,
        pair: str = PAIR,
        kind: OrderType | None = None,
        action: PositionAction = PositionAction.OPEN,
    ) -> str:
        kind = kind or (OrderType.MARKET if price is None else OrderType.LIMIT)
        priced = {} if price is None else {"price": Decimal(price)}
        order_id = place(pair, Decimal(amount), order_type=kind, position_action=action, **priced)
        self.order_ids.append(order_id)
        return order_id

    def cancel(self, order_id: str, pair: str = PAIR) -> None:
        self.connector.cancel(pair, order_id)

    # ----------------------------------------------------------------------------------------------- what it is told

    def story(self, order_id: str) -> list[str]:
        """What was reported of an order, in its order: "created", "filled", "completed", "cancelled", "failed"."""
        return [STORY[type(each)] for each in self.events if getattr(each, "order_id", None) == order_id]

    def events_of(self, kind: type, order_id: str | None = None) -> list[Any]:
        """The events of one kind, of one order or of all."""
        return [
            each
            for each in self.events
            if isinstance(each, kind) and order_id in (None, getattr(each, "order_id", None))
        ]

    async def hears(self, order_id: str, *words: str) -> None:
        """Waits until each of these words is in the story of an order as often as here."""

        def is_told() -> bool:
            story = self.story(order_id)
            return all(story.count(word) >= words.count(word) for word in words)

        try:
            await self.until(is_told)
        except TimeoutError:
            pytest.fail(f"of {order_id}, {words} never came, but {self.story(order_id)}; errors: {self.log.errors()}")

    def fills(self, order_id: str) -> list[tuple[Decimal, Decimal, Decimal]]:
        """The price, size and fee of each fill that was reported of an order."""
        return [(each.price, each.amount, fee_of(each)) for each in self.events_of(events.OrderFilledEvent, order_id)]

    def failure(self, order_id: str) -> str:
        """The text of the one failure that was reported of an order."""
        (failure,) = self.events_of(events.MarketOrderFailureEvent, order_id)
        return failure.error_message

    def position(self, key: str = PAIR) -> Decimal:
        position = self.connector.account_positions.get(key)
        return Decimal(0) if position is None else position.amount

    # ------------------------------------------------------------------------------------------------ what must agree

    async def agrees(self) -> None:
        """The connector comes to have exactly what the venue has; a status poll then changes nothing but what only a
        poll can know, and nothing is told twice."""
        ledger = await self._ledger()
        try:
            await self.until(lambda: self._known_account(ledger) == ledger)
        except TimeoutError:
            assert self._known_account(ledger) == ledger
        earlier_events = list(self.events)
        await self.poll()
        assert self._known_account(ledger) == ledger
        assert await self._unrealized_at_venue() == {
            key: position.unrealized_pnl for key, position in self.connector.account_positions.items()
        }
        assert self.events == earlier_events

    async def _ledger(self) -> dict[str, Any]:
        """The venue's books of the account: this bot's orders and fills, and what all of the account share."""
        owner = self.exchange.owner
        account = (await owner.get("/account")).result
        (balance,) = (await owner.get("/wallet/balances")).result
        orders = (await owner.get("/orders/history?limit=1000")).result
        fills = (await owner.get("/fills?limit=1000")).result
        return {
            "balance": (balance["total"], balance["free"]),
            "positions": {
                _position_key(each): (each["netSize"], each["entryPrice"], account["leverage"])
                for each in account["positions"]
                if each["size"]
            },
            "orders": {
                each["clientId"]: (str(each["id"]), _end(each), each["filledSize"])
                for each in orders
                if each["clientId"] in self.order_ids
            },
            "fills": {
                str(each["id"]): (each["clientId"], each["side"], each["price"], each["size"], each["fee"])
                for each in fills
                if each["clientId"] in self.order_ids
            },
            "mode": account["positionMode"],
        }

    def _known_account(self, ledger: dict[str, Any]) -> dict[str, Any]:
        """The same, as the connector has it. An order that was reported more than once, or begun and not ended, is
        none that the venue could have."""
        connector = self.connector
        fills = self.events_of(events.OrderFilledEvent)
        assert len({each.exchange_trade_id for each in fills}) == len(fills), "a fill was reported twice"
        return {
            "balance": (connector.get_balance("USD"), connector.get_available_balance("USD")),
            "positions": {
                key: (position.amount, position.entry_price, position.leverage)
                for key, position in connector.account_positions.items()
            },
            "orders": {
                order_id: self._order(order_id)
                for order_id in self.order_ids
                if order_id in ledger["orders"] or "failed" not in self.story(order_id)
            },
            "fills": {
                each.exchange_trade_id: (
                    each.order_id,
                    each.trade_type.name.lower(),
                    each.price,
                    each.amount,
                    fee_of(each),
                )
                for each in fills
            },
            "mode": connector.position_mode.name.lower(),
        }

    def _order(self, order_id: str) -> tuple[str | None, str, Decimal]:
        created = self.events_of((events.BuyOrderCreatedEvent, events.SellOrderCreatedEvent), order_id)
        ends = [word for word in self.story(order_id) if word in ("completed", "cancelled", "failed")]
        in_flight = order_id in self.connector.in_flight_orders
        exchange_id = created[0].exchange_order_id if len(created) == 1 else None
        end = ends[0] if len(ends) == 1 and not in_flight else "open" if in_flight and not ends else str(ends)
        filled = sum((amount for _, amount, _ in self.fills(order_id)), Decimal(0))
        for completed in self.events_of((events.BuyOrderCompletedEvent, events.SellOrderCompletedEvent), order_id):
            with localcontext(prec=80):
                cost = sum((price * amount for price, amount, _ in self.fills(order_id)), Decimal(0))
            assert (completed.base_asset_amount, completed.quote_asset_amount) == (filled, cost)
        return exchange_id, end, filled

    async def _unrealized_at_venue(self) -> dict[str, Decimal]:
        positions = (await self.exchange.owner.get("/positions")).result
        return {_position_key(each): each["unrealizedPnl"] for each in positions if each["size"]}


REPORTED = (*events.MarketEvent, *events.AccountEvent)
RECORDED = (
    events.BuyOrderCreatedEvent,
    events.SellOrderCreatedEvent,
    events.OrderFilledEvent,
    events.OrderCancelledEvent,
    events.BuyOrderCompletedEvent,
    events.SellOrderCompletedEvent,
)
STORY = {
    events.BuyOrderCreatedEvent: "created",
    events.SellOrderCreatedEvent: "created",
    events.OrderFilledEvent: "filled",
    events.BuyOrderCompletedEvent: "completed",
    events.SellOrderCompletedEvent: "completed",
    events.OrderCancelledEvent: "cancelled",
    events.MarketOrderFailureEvent: "failed",
}


def fee_of(fill: events.OrderFilledEvent) -> Decimal:
    """The fee in USD, which has to be all that was paid."""
    (fee,) = fill.trade_fee.flat_fees
    assert fee == TokenAmount("USD", fee.amount) and fill.trade_fee.percent == 0
    return fee.amount


def _end(order: dict[str, Any]) -> str:
    if order["status"] != "closed":
        return "open"
    return "completed" if order["filledSize"] == order["size"] else "cancelled"


def _position_key(position: dict[str, Any]) -> str:
    """How Hummingbot names the position."""
    side = "" if position["positionSide"] == "net" else position["positionSide"].upper()
    return position["future"].replace("-PERP", "-USD") + side


# ------------------------------------------------------------------------------------------------------------ fixtures


@asynccontextmanager
async def _background(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def store() -> None:
    """Where the venue keeps what happens: nowhere but in memory."""


@pytest.fixture
async def exchange(store: Store | None) -> AsyncIterator[Exchange]:
    """A venue with a small book, reached over a line."""
    async with (
        aiohttp.ClientSession() as session,
        running_venue(ACCOUNTS, clock=RunningClock(), funding_interval=FUNDING_INTERVAL, store=store) as running,
    ):
        line = Line(session, running)
        exchange = Exchange(session, running, line, await line.start())
        exchange.set_index(INDEX)
        await exchange.rest("buy", "1", BID)
        await exchange.rest("sell", "1", ASK)
        async with _background(exchange.send_frames()):
            yield exchange
        await line.stop()


@pytest.fixture
def log() -> Any:
    """What Hummingbot logs during the test."""
    handler, logger = Log(), logging.getLogger("hummingbot")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(1)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.fixture
async def start_trader(exchange: Exchange, log: Log) -> AsyncIterator[Callable[..., Awaitable[Trader]]]:
    """Starts a bot that trades some pairs, with a key to the one account: one of its own, unless it is told which."""
    traders: list[Trader] = []

    async def start(*pairs: str, key: KeyEntry | None = None, closed: int = 0) -> Trader:
        trader = Trader(exchange, log, key or BOTS[len(traders)], *(pairs or (PAIR,)))
        await trader.start(closed)
        traders.append(trader)
        return trader

    yield start
    for trader in traders:
        await trader.stop()
    await AcmeConnectionsFactory().close()


@pytest.fixture
async def trader(start_trader: Callable[..., Awaitable[Trader]]) -> Trader:
    """A bot that trades BTC."""
    return await start_trader()
