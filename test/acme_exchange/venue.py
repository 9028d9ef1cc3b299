"""Starts a venue in this process, on a free port of loopback, for tests of whatever talks to it."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
from yarl import URL

from acme_exchange.accounts.keys import AccountEntry, KeyEntry
from acme_exchange.clock import Clock, SystemClock
from acme_exchange.engine import PlaceOrder
from acme_exchange.engine.model.words import Side
from acme_exchange.market import plan_markets
from acme_exchange.server import Server
from acme_exchange.store import Store
from acme_exchange.venue import Venue, planned_venue

MORNING = 1_767_323_045_678_901
"""2026-01-02T03:04:05.678901+00:00 in microseconds since the epoch."""

ALICE = AccountEntry(
    "alice",
    Decimal(10_000),
    (KeyEntry("alice-key", False, "alice-secret"), KeyEntry("alice-eyes", True, "alice-eyes-secret")),
)
BOB = AccountEntry("bob", Decimal(100_000), (KeyEntry("bob-key", False, "bob-secret"),))


def beat(venue: Venue) -> None:
    """Has the venue do what is due now."""
    for _ in venue.pulse():
        pass


def place(venue: Venue, account: str, side: Side, size: str, price: int | None = None) -> None:
    """Places an order for BTC-PERP: a limit order, or one at the market when there is no price."""
    limit = None if price is None else Decimal(price)
    venue.execute(PlaceOrder(account, "BTC-PERP", side, "market" if price is None else "limit", Decimal(size), limit))


class ManualClock:
    """A clock that stands still until it is moved: for tests."""

    def __init__(self, start: int) -> None:
        """:param start: microseconds since the epoch."""
        self._now = start
        self.is_ahead = 0

    def now(self) -> int:
        return self._now

    def ahead(self) -> int:
        return self.is_ahead

    def go_on_from(self, latest: int) -> None:
        self._now = max(self._now, latest)

    def advance(self, seconds: float) -> None:
        """Moves the clock forwards.

        :raises ValueError: when `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back ({seconds} s)")
        self._now += round(seconds * 1_000_000)


class Reachable(Protocol):
    """A venue that can be talked to, in this process or another.

    :ivar url: without a path.
    :ivar clock: what its clients sign by.
    """

    url: str
    clock: Clock


@dataclass(frozen=True)
class RunningVenue:
    """A venue that listens.

    :ivar url: without a path.
    :ivar clock: a :class:`ManualClock` unless another was asked for.
    """

    url: str
    venue: Venue
    server: Server
    clock: Clock

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/"

    @property
    def subscriptions(self) -> int:
        """How many there are now, over all clients."""
        return sum(map(len, self.server.feeds._subscribers.values()))

    def advance(self, seconds: float) -> None:
        """Moves a manual clock forwards, and does what the venue does meanwhile."""
        self.clock.advance(seconds)
        self.server.pacemaker.beat()


@dataclass(frozen=True)
class Answer:
    """A REST answer, its numbers exactly as they are written."""

    status: int
    body: Any
    headers: Any

    @property
    def result(self) -> Any:
        assert self.body["success"] is True, self.body
        return self.body["result"]

    @property
    def error(self) -> str:
        assert self.body["success"] is False, self.body
        return self.body["error"]


class Client:
    """Asks a venue over REST; signs when it has a key."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        running: Reachable,
        key: str | None = None,
        secret: str = "",
        prefix: str = "ACME",
    ) -> None:
        self._session = session
        self._running = running
        self._key = key
        self._secret = secret
        self._prefix = prefix

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.request("GET", path, **headers)

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        return await self.request("POST", path, body, **headers)

    async def delete(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.request("DELETE", path, body, **headers)

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """
        :param path: below `/api`, as it goes over the wire.
        :param body: JSON, or text as it is.
        :param headers: in place of what would have been sent, by the name after the prefix.
        """
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body, default=str)
        target = f"/api{path}"
        sent = self.signature_headers(method, target, text) | {f"{self._prefix}-{k}": v for k, v in headers.items()}
        url = URL(self._running.url + target, encoded=True)
        async with self._session.request(method, url, data=text.encode() or None, headers=sent) as response:
            parsed = json.loads(await response.text(), parse_float=Decimal)
            return Answer(response.status, parsed, response.headers)

    def signature_headers(self, method: str, target: str, body: str) -> dict[str, str]:
        if self._key is None:
            return {}
        timestamp = str(self._running.clock.now() // 1000)
        return {
            f"{self._prefix}-KEY": self._key,
            f"{self._prefix}-TS": timestamp,
            f"{self._prefix}-SIGN": sign(self._secret, f"{timestamp}{method}{target}{body}"),
        }

    async def place(self, market: str, side: str, size: Any, price: Any = None, **fields: Any) -> Answer:
        """Places a limit order, or without a price a market order."""
        kind = "market" if price is None else "limit"
        body = {"market": market, "side": side, "type": kind, "size": size, "price": price} | fields
        return await self.post("/orders", body)


class Listener:
    """A WebSocket client that keeps what it has not been asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, running: Reachable) -> None:
        self.socket = socket
        self._running = running

    async def send(self, **frame: Any) -> None:
        await self.socket.send_json(frame)

    async def subscribe(self, channel: str, market: str | None = None) -> None:
        """Subscribes, and takes the answer."""
        named = {"channel": channel} | ({"market": market} if market else {})
        await self.send(op="subscribe", **named)
        assert await self.next() == named | {"type": "subscribed"}

    async def login(self, key: str, secret: str, /, **changed: Any) -> None:
        time = self._running.clock.now() // 1000
        args = {"key": key, "time": time, "sign": sign(secret, f"{time}websocket_login")} | changed
        await self.send(op="login", args=args)

    async def next(self, seconds: float = 60) -> dict[str, Any]:
        """The next frame, its fractional numbers as they are written; fails when none comes for so long."""
        return json.loads(await self.socket.receive_str(timeout=seconds), parse_float=Decimal)

    async def pending(self) -> list[dict[str, Any]]:
        """All frames that the venue has sent so far: those before the answer to a ping."""
        await self.send(op="ping")
        frames = []
        while (frame := await self.next()) != {"type": "pong"}:
            frames.append(frame)
        return frames


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def in_path(name: str) -> str:
    """A market's name as one part of a path."""
    return quote(name, safe="")


def simulated_venue(
    clock: Clock,
    seed: int,
    accounts: Sequence[AccountEntry],
    funding_interval: int = 3600,
    liquidity: bool = True,
    store: Store | None = None,
) -> Venue:
    """A venue with Acme's default markets, their prices simulated, and nothing remembered from before.

    :param seed: decides the prices' whole path.
    :param funding_interval: seconds.
    :param liquidity: False leaves the books to the accounts.
    """
    return planned_venue(clock, plan_markets(clock.now(), seed, liquidity), accounts, funding_interval, store)


@asynccontextmanager
async def running_venue(
    accounts: Sequence[AccountEntry] = (ALICE, BOB),
    *,
    clock: Clock | None = None,
    liquidity: bool = False,
    seed: int = 7,
    funding_interval: int = 3600,
    header_prefixes: Sequence[str] = (),
    store: Store | None = None,
) -> AsyncIterator[RunningVenue]:
    """A venue on a free port, ended with the block.

    By default its time stands still until `advance` moves it, and nobody but the accounts places orders.
    """
    clock = clock or ManualClock(MORNING)
    venue = simulated_venue(clock, seed, accounts, funding_interval, liquidity, store)
    server = Server(venue, header_prefixes)
    url = await server.start("127.0.0.1", 0, with_pacemaker=isinstance(clock, SystemClock))
    try:
        yield RunningVenue(url, venue, server, clock)
    finally:
        await server.stop()
