"""The exchange that whole bots trade on: one market, which goes the same way at the same moments in every dialect.

`python -m bench.whole_bot_exchange recorded acme_perpetual bybit_perpetual` prints a line of JSON with the URL of each.
It is a process of its own, and what each bot did there is told at `/bench/done`.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from aiohttp import web

from bench import market

STEPS_A_SECOND = 40
FILL_SECONDS = 20
"""How often both quotes of a bot are filled, so that it holds nothing in between."""
FILLED_AGES = 1.0, 4.0
"""Seconds for which a quote has been there when it is filled: neither is it being placed, nor being cancelled."""
DELAY = 0.005
"""Seconds from what happens to an order until the account's stream tells of it."""
BALANCE = 100_000
LEVERAGE = 10
FEE_RATE = 0.0002

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Hear = Callable[[dict[str, Any]], tuple[Sequence[str], Sequence[str]]]


@dataclass(frozen=True)
class Pace:
    """How much happens on the market: so many changes of the book a second, of so many levels, and so many trades."""

    changes: int
    levels: int
    trades: int


PACES = {"recorded": Pace(changes=20, levels=30, trades=40), "calm": Pace(changes=10, levels=6, trades=2)}
"""The recorded one: in `test/recordings`, BTCUSDT has 19 changes a second, half of them of 31 levels or more, and 42
trades."""


@dataclass
class Order:
    """
    :ivar placed: seconds since the epoch
    :ivar state: "open", "filled" or "cancelled"
    """

    id: int
    client_id: str
    is_buy: bool
    price: str
    size: str
    placed: float = field(default_factory=time.time)
    state: str = "open"

    @property
    def fee(self) -> str:
        return f"{float(self.price) * float(self.size) * FEE_RATE:.4f}"


@dataclass(frozen=True)
class Fill:
    """
    :ivar time: seconds since the epoch
    """

    id: int
    order: Order
    time: float


class Exchange(ABC):
    """One account on the market in one dialect.

    :ivar done: how many orders the bot placed and cancelled, how many were filled, and its requests
    """

    name: str
    dialect: Any

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.symbol = self.dialect.symbol(0)
        self.book: market.Change
        self.fills: list[Fill] = []
        self._orders: dict[int, Order] = {}
        self._ids = count(1)
        self._sockets: dict[str, set[web.WebSocketResponse]] = defaultdict(set)
        self._fill_is_due = False

    # ------------------------------------------------------------------------------------------- what a dialect says

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds what the dialect is asked for."""

    @abstractmethod
    def order_frames(self, order: Order) -> list[str]:
        """What the account's stream tells when an order was placed or cancelled."""

    @abstractmethod
    def fill_frames(self, fill: Fill) -> list[str]:
        """What it tells when an order was filled whole."""

    def settled_frames(self) -> list[str]:
        """What it tells when both quotes have been filled."""
        return []

    # ------------------------------------------------------------------------------------------------------- the market

    def application(self) -> web.Application:
        @web.middleware
        async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.done["requests"] += not request.path.startswith("/bench/")
            return await handler(request)

        application = web.Application(middlewares=[counting])
        application.router.add_get("/bench/done", self._report)
        self.add_routes(application.router)
        return application

    async def _report(self, request: web.Request) -> web.Response:
        return web.json_response(self.done)

    async def show(self, topic: str, frame: str) -> None:
        """Sends a frame to whoever subscribed to "book", "trades", "funding" or "account"."""
        for socket in tuple(self._sockets[topic]):
            with suppress(ConnectionError):  # a bot that has ended
                await socket.send_str(frame)

    async def fill_what_is_due(self, is_due: bool) -> None:
        """Fills both quotes, when that is due, as soon as both have been there for a while."""
        self._fill_is_due |= is_due
        quotes = self.open_orders()
        now = time.time()
        at_rest = all(FILLED_AGES[0] <= now - order.placed <= FILLED_AGES[1] for order in quotes)
        if not (self._fill_is_due and at_rest and sorted(order.is_buy for order in quotes) == [False, True]):
            return
        self._fill_is_due = False
        frames = []
        for order in quotes:
            order.state = "filled"
            self.done["filled"] += 1
            fill = Fill(next(self._ids), order, now)
            self.fills.append(fill)
            frames += self.fill_frames(fill)
        for frame in [*frames, *self.settled_frames()]:
            await self.show("account", frame)

    # ------------------------------------------------------------------------------------------------------ the account

    def open_orders(self) -> list[Order]:
        return [order for order in self._orders.values() if order.state == "open"]

    def place(self, client_id: str, is_buy: bool, price: object, size: object) -> Order:
        order = Order(next(self._ids), client_id, is_buy, str(price), str(size))
        self._orders[order.id] = order
        self.done["placed"] += 1
        self._tell(order)
        return order

    def cancel(self, order: Order | None) -> bool:
        """Cancels an order; False when there is none that is open."""
        if order is None or order.state != "open":
            return False
        order.state = "cancelled"
        self.done["cancelled"] += 1
        self._tell(order)
        return True

    def find(self, order_id: object = None, client_id: object = None) -> Order | None:
        """The order with that id; or, where none is given, with that client id."""
        if order_id:
            return self._orders.get(int(str(order_id)))
        return next((order for order in self._orders.values() if order.client_id == client_id), None)

    def orders(self) -> list[Order]:
        """All of them, the newest first."""
        return list(self._orders.values())[::-1]

    def _tell(self, order: Order) -> None:
        frames = self.order_frames(order)

        async def tell() -> None:
            for frame in frames:
                await self.show("account", frame)

        asyncio.get_running_loop().call_later(DELAY, lambda: asyncio.ensure_future(tell()))

    # -------------------------------------------------------------------------------------------------- the streams

    def streaming(self, hear: Hear, topics: Sequence[str] = ()) -> Handler:
        """What serves the connections to one path.

        :param hear: makes of what the client says the topics that it subscribes to, and the frames of the answer
        :param topics: that every client of it has subscribed to
        """

        async def handle(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            for topic in topics:
                self._sockets[topic].add(socket)
            async for message in socket:
                subscribed, frames = hear(json.loads(message.data))
                for frame in frames:
                    await socket.send_str(frame)
                for topic in subscribed:
                    self._sockets[topic].add(socket)
            for sockets in self._sockets.values():
                sockets.discard(socket)
            return socket

        return handle


class Market:
    """Moves the market of some exchanges: each event in every dialect, one after the other, and another one first each
    time: whoever hears of an event first has the libraries that all bots share brought into the processor's memory."""

    def __init__(self, exchanges: Sequence[Exchange], pace: Pace):
        self._exchanges = exchanges
        self._pace = pace
        self._book = market.Book(0)
        self._turns: Counter[str] = Counter()
        self._show(self._book.full())

    async def play(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in count(1):
            await asyncio.sleep(began + number / STEPS_A_SECOND - loop.time())
            await self.step(number)

    async def step(self, number: int) -> None:
        """A change of the book, trades, funding and fills, each when it is time."""
        if _is_time(number, self._pace.changes):
            change = replace(self._book.change(self._pace.levels), time=time.time())
            self._show(self._book.full())
            for exchange in self._in_turn("book"):
                await exchange.show("book", exchange.dialect.book(change))
        event = int((time.time() - market.START) * 1e3)
        if _is_time(number, self._pace.trades):
            for exchange in self._in_turn("trades"):
                await exchange.show("trades", exchange.dialect.trade(event))
        if _is_time(number, 1):
            for exchange in self._in_turn("funding"):
                await exchange.show("funding", exchange.dialect.funding(event))
        is_due = number % (STEPS_A_SECOND * FILL_SECONDS) == 0
        for exchange in self._in_turn("fills") if is_due else self._exchanges:
            await exchange.fill_what_is_due(is_due)

    def _in_turn(self, what: str) -> Iterator[Exchange]:
        first = self._turns[what] % len(self._exchanges)
        self._turns[what] += 1
        yield from (*self._exchanges[first:], *self._exchanges[:first])

    def _show(self, full: market.Change) -> None:
        for exchange in self._exchanges:
            exchange.book = replace(full, time=time.time())


def _is_time(step: int, times_a_second: int) -> bool:
    return step % (STEPS_A_SECOND // times_a_second) == 0


async def start(exchange: Exchange) -> tuple[web.AppRunner, str]:
    """Serves an exchange on a free port: what to clean up, and its URL."""
    runner = web.AppRunner(exchange.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, "http://{}:{}".format(*runner.addresses[0][:2])


@contextmanager
def exchanges(names: Sequence[str], pace: str) -> Iterator[dict[str, str]]:
    """The exchanges of those connectors, in a process of their own, and the URL of each.

    :param pace: of `PACES`
    """
    command = [sys.executable, "-m", "bench.whole_bot_exchange", pace, *names]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def done_on(url: str) -> Counter[str]:
    """What the bot has done on an exchange."""
    with urllib.request.urlopen(f"{url}/bench/done") as answer:
        return Counter(json.load(answer))


async def _serve(pace: str, names: Sequence[str]) -> None:
    from bench.whole_bot_dialects import EXCHANGES

    served = [EXCHANGES[name]() for name in names]
    play = Market(served, PACES[pace]).play()
    print(json.dumps({each.name: (await start(each))[1] for each in served}), flush=True)
    playing = asyncio.create_task(play)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it has ended
    playing.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2:]))
