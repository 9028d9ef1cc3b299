"""Traders who do all that can be done with orders, and remember what they were told."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import aiohttp

from test.acme_exchange.venue import Answer, Client, Listener, Reachable

MARKETS = {"BTC-PERP": (Decimal(1), Decimal("0.001")), "ETH-PERP": (Decimal("0.1"), Decimal("0.01"))}
"""Each with its price increment and the size that orders are multiples of."""
CHOICES = {"limit": 50, "market": 15, "cancel": 20, "modify": 10, "cancel all": 5}
DISTANCE = 30
"""Price increments between the mid price and a limit order's price, at most."""
PATIENCE_SECONDS = 600
"""For what comes at once, unless the machine is busy with a lot else."""
HELD_UP = {"Timestamp too far from current time", "Do not send more than 30 requests per second"}
"""How requests are refused that such a machine has held up; what was refused has changed nothing."""
GONE = (aiohttp.ClientError, ConnectionError, TypeError)
"""What the end of a venue looks like to its clients; a WebSocket that was closed gives no text, but a `TypeError`."""


@dataclass
class Heard:
    """What one account has heard from the venue, by answers and by frames.

    :ivar placed: orders as they were acknowledged, by id.
    :ivar states: the latest state of each order that a frame brought, by id.
    :ivar cancelled: the ids of orders whose cancellation, or replacement by another, was acknowledged.
    :ivar fills: by id.
    :ivar refused: how many requests were refused, by the text; what was refused is no loss.
    """

    placed: dict[int, dict] = field(default_factory=dict)
    states: dict[int, dict] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    fills: dict[int, dict] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


class Trader:
    """One account's client, over REST and its private WebSocket channels."""

    def __init__(self, name: str, random: Random, acknowledged: Callable[[], None]) -> None:
        """
        :param name: of the account; its key and secret are made from it.
        :param acknowledged: called for each acknowledgement.
        """
        self.name = name
        self.heard = Heard()
        self._random = random
        self._acknowledged = acknowledged
        self._numbers = iter(range(10**9))
        self._open: dict[int, str] = {}

    def forget(self) -> None:
        """Begins anew: nothing was heard, and of no order is it known that it rests."""
        self.heard = Heard()
        self._open.clear()

    def client(self, session: aiohttp.ClientSession, venue: Reachable) -> Client:
        return Client(session, venue, f"{self.name}-key", f"{self.name}-secret")

    async def listen(self, socket: aiohttp.ClientWebSocketResponse, venue: Reachable, ready: asyncio.Event) -> None:
        """Remembers the frames of its orders and fills until the venue is gone.

        :param ready: set once both channels are subscribed to; orders that rest may meet somebody before that.
        """
        listener = Listener(socket, venue)
        await listener.login(f"{self.name}-key", f"{self.name}-secret")
        kept = {"orders": self.heard.states, "fills": self.heard.fills}
        awaited = set(kept)
        for channel in kept:
            await listener.send(op="subscribe", channel=channel)
        with suppress(*GONE):
            while True:
                frame = await listener.next(PATIENCE_SECONDS)
                if frame["type"] == "update":
                    kept[frame["channel"]][frame["data"]["id"]] = frame["data"]
                    continue
                assert frame["type"] == "subscribed", frame
                awaited.remove(frame["channel"])
                if not awaited:
                    ready.set()

    async def trade(self, client: Client, run: str, prices: dict[str, Decimal]) -> None:
        """Trades without a pause until the venue is gone.

        :param run: makes its client order ids differ from those of other runs.
        :param prices: each market's mid price.
        """
        with suppress(*GONE):
            while True:
                (choice,) = self._random.choices(list(CHOICES), CHOICES.values())
                await self._do(choice, client, f"{run}-{self.name}-{next(self._numbers)}", prices)

    async def _do(self, choice: str, client: Client, name: str, prices: dict[str, Decimal]) -> None:
        if choice in ("limit", "market"):
            self._take(await self._place(choice, client, name, prices))
        elif self._open and choice == "cancel":
            order_id, client_id = self._random.choice(list(self._open.items()))
            path = self._random.choice([f"/orders/{order_id}", f"/orders/by_client_id/{client_id}"])
            self._take_cancelled(await client.delete(path), [order_id])
        elif self._open and choice == "modify":
            order_id = self._random.choice(list(self._open))
            size = self._size(self.heard.placed[order_id]["market"])
            answer = await client.post(f"/orders/{order_id}/modify", {"size": size, "clientId": name})
            self._take(answer)
            if answer.status == 200:
                self.heard.cancelled.add(order_id)
                self._forget([order_id])
        elif choice == "cancel all":
            known = list(self._open)
            self._take_cancelled(await client.delete("/orders"), known)

    async def _place(self, kind: str, client: Client, name: str, prices: dict[str, Decimal]) -> Answer:
        random = self._random
        market = random.choice(list(MARKETS))
        increment, _ = MARKETS[market]
        price = None if kind == "market" else prices[market] + increment * random.randint(-DISTANCE, DISTANCE)
        flags = {"postOnly": kind == "limit" and random.random() < 0.2, "reduceOnly": random.random() < 0.1}
        return await client.place(
            market, random.choice(["buy", "sell"]), self._size(market), price, clientId=name, **flags
        )

    def _size(self, market: str) -> Decimal:
        return MARKETS[market][1] * self._random.randint(1, 10)

    def _take(self, answer: Answer) -> None:
        if answer.status == 200:
            order = answer.result
            self.heard.placed[order["id"]] = order
            self._open[order["id"]] = order["clientId"]
            self._acknowledged()
        else:
            self._refused(answer)

    def _take_cancelled(self, answer: Answer, ids: list[int]) -> None:
        """Who cancels what was filled meanwhile is refused, and need not try again."""
        if answer.status == 200:
            self.heard.cancelled.update(ids)
            self._acknowledged()
        else:
            self._refused(answer)
        self._forget(ids)

    def _forget(self, ids: list[int]) -> None:
        for order_id in ids:
            self._open.pop(order_id, None)

    def _refused(self, answer: Answer) -> None:
        assert answer.status in (400, 429) or answer.error in HELD_UP, (answer.status, answer.body)
        self.heard.refused[answer.error] = self.heard.refused.get(answer.error, 0) + 1


async def answered(ask: Callable[..., Awaitable[Answer]], *arguments: Any, **fields: Any) -> Answer:
    """The answer to what is asked, again if need be, once that was not held up."""
    while (answer := await ask(*arguments, **fields)).body.get("error") in HELD_UP:
        pass
    return answer
