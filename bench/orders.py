"""Orders: from `buy()` to the wire and to the created event, under a rate limit, and what polling for them asks."""

import asyncio
import hashlib
import hmac
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import aiohttp

from bench.measure import Line, beside_rivals, interleaved, medians, tails
from bench.streams import track_orders
from bench.stub import ask, stub
from bench.subjects import ALL, RIVALS, Acme, Subject
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_constants as ACME
from hummingbot.core.api_throttler.async_throttler import AsyncThrottler
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.event.event_listener import EventListener
from hummingbot.core.event.events import MarketEvent

RATES = {5: 20, 30: 60}
"""Orders a second of each connector, and how many of them a round has."""
GOAL_PLACING = 1.12
"""So that ours takes at most 0.9 of the best rival's time."""
BURST = 3
GOAL_LATENESS = 10.0
OPEN_ORDERS = (0, 10, 100, 1000)
MOST_REQUESTS = 5
PATIENCE = 30
NO_JOURNAL = "; only ours writes each order to a journal before it sends it"
PRICE, AMOUNT = Decimal(60_000), Decimal("0.001")


class Created(EventListener):
    """When each order's creation was reported, in seconds of the monotonic clock."""

    def __init__(self):
        super().__init__()
        self.times: list[float] = []

    def __call__(self, event: object) -> None:
        self.times.append(time.monotonic())


class Placing:
    """The orders that one connector places."""

    def __init__(self, subject: Subject):
        self._subject = subject
        self._sent: list[float] = []
        self._created = Created()
        subject.connector._set_current_timestamp(time.time())
        subject.lift_limits()
        subject.connector.add_listener(MarketEvent.BuyOrderCreated, self._created)

    def place(self) -> None:
        self._sent.append(time.monotonic())
        self._subject.connector.buy(
            self._subject.pairs[0], AMOUNT, OrderType.LIMIT, PRICE, position_action=PositionAction.OPEN
        )

    @property
    def is_done(self) -> bool:
        return len(self._created.times) == len(self._sent)

    def to_wire(self, placed: Sequence[float]) -> list[float]:
        """Milliseconds from each `buy()` but the first, which makes the connection, to the order at the exchange."""
        return self._milliseconds(placed)

    def to_event(self) -> list[float]:
        """Milliseconds from each `buy()` but the first to the event that the order was created."""
        return self._milliseconds(self._created.times)

    def _milliseconds(self, times: Sequence[float]) -> list[float]:
        return [(at - since) * 1e3 for at, since in zip(times[1:], self._sent[1:])]


async def place_in_turn(kinds: Sequence[type[Subject]], url: str, rate: int) -> dict[str, tuple[list[float], ...]]:
    """Has each connector place so many orders a second, one connector after the other and evenly apart, so that what
    else the machine does meets all of them; the milliseconds to the wire and to the event, by connector."""
    placing = {kind.name: Placing(kind(url=url)) for kind in kinds}
    ask(url, "placed")
    for _number in range(RATES[rate] + 1):
        for each in placing.values():
            each.place()
            await asyncio.sleep(1 / rate / len(placing))
    async with asyncio.timeout(PATIENCE):
        while not all(each.is_done for each in placing.values()):
            await asyncio.sleep(0.05)
    placed = ask(url, "placed")
    return {name: (each.to_wire(placed[name]), each.to_event()) for name, each in placing.items()}


async def floor_seconds(url: str, rate: int) -> float:
    """One signed POST over a connection that is there, and its answer."""
    body = json.dumps({"market": "C0-PERP", "side": "buy", "type": "limit", "size": "0.001", "price": "60000"})
    seconds = []
    async with aiohttp.ClientSession() as session:
        for _number in range(RATES[rate] + 1):
            began = time.monotonic()
            timestamp = str(int(time.time() * 1e3))
            signature = hmac.new(b"secret", f"{timestamp}POST/api/orders{body}".encode(), hashlib.sha256).hexdigest()
            headers = {"ACME-KEY": "key", "ACME-TS": timestamp, "ACME-SIGN": signature}
            async with session.post(f"{url}/api/orders", data=body, headers=headers) as answer:
                json.loads(await answer.read())
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(1 / rate)
    return statistics.median(seconds[1:])


async def order_lines() -> list[Line]:
    async with stub() as url:
        placing = [line for rate in RATES for line in await _placing_lines(url, rate)]
        return [*placing, await _throttling_line(), await _polling_line(url)]


async def _placing_lines(url: str, rate: int) -> list[Line]:
    """Of the same orders, the way to the wire and the way to the event."""
    wires: dict[str, list[list[float]]] = defaultdict(list)
    events: dict[str, list[list[float]]] = defaultdict(list)

    async def place() -> float:
        turn = len(wires[Acme.name]) % len(ALL)
        for name, (wire, created) in (await place_in_turn([*ALL[turn:], *ALL[:turn]], url, rate)).items():
            wires[name].append(wire)
            events[name].append(created)
        return 0.0

    floors = (await interleaved({"connectors": place, "floor": lambda: floor_seconds(url, rate)}))["floor"]
    lines = []
    for what, times, floor in (("the wire", wires, None), ("created event", events, statistics.median(floors) * 1e3)):
        medians_of_rounds = {name: list(map(statistics.median, rounds)) for name, rounds in times.items()}
        name = f"buy() to {what}, {rate} a second"
        lines.append(
            beside_rivals(name, "ms", medians_of_rounds, Acme.name, GOAL_PLACING, tails(times) + NO_JOURNAL, floor)
        )
    return lines


async def lateness(throttler: object, limit: int) -> float:
    """By how many milliseconds a burst's requests started after the limit allowed, at worst; below zero: too early."""
    loop, starts = asyncio.get_running_loop(), []

    async def request() -> None:
        async with throttler.execute_task(ACME.PLACE_ORDER_LIMIT_ID):
            starts.append(loop.time())

    await asyncio.gather(*(request() for _ in range(BURST * limit)))
    late = [later - (earlier + ACME.ONE_SECOND) for earlier, later in zip(starts, starts[limit:])]
    return min(late) * 1e3 if min(late) < 0 else max(late) * 1e3


async def _throttling_line() -> Line:
    limits = [RateLimit(ACME.PLACE_ORDER_LIMIT_ID, ACME.PLACEMENTS_PER_SECOND, ACME.ONE_SECOND)]
    figures = await medians(
        {
            Acme.name: lambda: lateness(type(Acme().connector._throttler)(limits), ACME.PLACEMENTS_PER_SECOND),
            "Hummingbot's throttler": lambda: lateness(AsyncThrottler(limits), ACME.PLACEMENTS_PER_SECOND),
        }
    )
    ours = figures.pop(Acme.name)
    return Line(
        "a request past the limit starts late by",
        "ms",
        ours,
        ours,
        "ms at worst, never early",
        f"≤ {GOAL_LATENESS:g} ms",
        0 <= ours <= GOAL_LATENESS,
        figures,
        higher_is_better=False,
    )


async def poll_requests(subject: Subject, url: str, open_orders: int) -> int:
    """How many requests one status poll makes."""
    connector = subject.connector
    connector._set_current_timestamp(time.time())
    subject.lift_limits()
    ids = track_orders(subject, open_orders)
    ask(
        url,
        "open_orders",
        [
            {
                "id": int(exchange_id),
                "clientId": client_id,
                "market": subject.symbols[0],
                "side": "buy",
                "size": 1000,
                "filledSize": 0,
                "status": "open",
            }
            for client_id, exchange_id in ids
        ],
    )
    ask(url, "asked")
    with suppress(Exception):
        await connector._status_polling_loop_fetch_updates()
    return ask(url, "asked")


async def _polling_line(url: str) -> Line:
    ours = [await poll_requests(Acme(url=url), url, count) for count in OPEN_ORDERS]
    rivals = {rival.name: await poll_requests(rival(url=url), url, OPEN_ORDERS[-1]) for rival in RIVALS}
    return Line(
        "requests of a poll, 0, 10, 100, 1,000 orders",
        "requests",
        ours[-1],
        max(ours),
        f"at most ({', '.join(map(str, ours))})",
        f"constant, ≤ {MOST_REQUESTS}",
        max(ours) <= MOST_REQUESTS and len(set(ours[1:])) == 1,
        rivals,
        higher_is_better=False,
    )
