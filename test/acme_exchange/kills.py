"""A venue that is ended again and again in the middle of trading, and must have lost nothing that it ever said."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import aiohttp

from test.acme_exchange.kept_books import KeptBooks
from test.acme_exchange.load import MARKETS, PATIENCE_SECONDS, Trader, answered
from test.acme_exchange.processes import ProcessVenue, command
from test.acme_exchange.venue import Client

NAMES = [f"trader-{number}" for number in range(8)]
DEPOSIT = 20_000
FEWEST_ACKNOWLEDGEMENTS, MOST_ACKNOWLEDGEMENTS = 10, 120
LONGEST_GRACE_SECONDS = 0.01
"""Between the last acknowledgement that is waited for and the kill, at most: a transaction takes a few milliseconds."""
OLD_NAMES = 2
RECENT = 150
"""More than an account does in one life."""
ONE_AFTER_ANOTHER = 10
MOST_AT_ONCE = 3
"""Venues that are ended side by side, each with traders of its own, once there is much to do: two processors have more
than one of them can use while it starts."""
PROGRESS_EVERY = 20


class Kills:
    """A venue's data, the traders on it, and what they know from the lives of the venue that were ended."""

    def __init__(self, folder: Path, seed: int | str, *options: str) -> None:
        """
        :param options: of `acme-exchange serve`.
        """
        self._data = folder / "data"
        self._options = ["--funding-interval", "2", *options]
        self._environment = dict(os.environ)
        self._random = Random(seed)
        self._traders = [Trader(name, Random(f"{seed} {name}"), self._acknowledged) for name in NAMES]
        self._accounts = folder / "accounts.json"
        self._accounts.touch(mode=0o600)
        self._accounts.write_text(
            json.dumps(
                [{"name": name, "key": f"{name}-key", "secret": f"{name}-secret", "deposit": DEPOSIT} for name in NAMES]
            )
        )
        self._log = folder / "venue.log"
        self._books = KeptBooks(self._data / "venue.sqlite")
        self._wanted = 0
        self._enough = asyncio.Event()
        self._latest_order = self._latest_fill = 0
        self._names: dict[str, list[str]] = {name: [] for name in NAMES}
        self.lives = self.acknowledged = 0

    @property
    def fills(self) -> int:
        return self._books.fills

    async def live(self) -> None:
        """One life of the venue: what was told in the one before is true; then it is traded on, and killed."""
        async with self._serving() as (process, venue), aiohttp.ClientSession() as session:
            await self._check(session, venue)
            await self._load(session, venue, process)
        assert "Traceback" not in self._log.read_text(), self._log.read_text()
        self.lives += 1

    async def end(self) -> None:
        """What was told in the last life is true; and an account's ledger adds up to its balance."""
        async with self._serving() as (_, venue), aiohttp.ClientSession() as session:
            await self._check(session, venue)
        name = self._random.choice(NAMES)
        words = [sys.executable, "-m", "acme_exchange", "ledger", name, "--json", "--data", str(self._data)]
        ledger = json.loads(subprocess.check_output(words, timeout=PATIENCE_SECONDS), parse_float=Decimal)
        assert sum((entry["amount"] for entry in ledger["entries"]), Decimal(0)) == ledger["balance"]
        assert ledger["deposits"] == DEPOSIT

    async def live_and_end(self, lives: int, lived: Callable[[], None]) -> None:
        """So many lives, and what was told in the last of them.

        :param lived: called after each.
        """
        for _ in range(lives):
            await self.live()
            lived()
        await self.end()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, ProcessVenue]]:
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command("--port", 0, "--data", self._data, "--accounts", self._accounts, *self._options),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
            )
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)).decode()
            found = re.fullmatch(r"Acme is listening on (\S+)\n", line)
            assert found, self._log.read_text()
            yield process, ProcessVenue(found[1])
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    # Trading

    async def _load(
        self, session: aiohttp.ClientSession, venue: ProcessVenue, process: asyncio.subprocess.Process
    ) -> None:
        """Has everyone trade at once, and kills the venue after some of the acknowledgements, with more on their
        way."""
        prices = {market: await _mid_price(Client(session, venue), market) for market in MARKETS}
        self._enough.clear()
        self._wanted = self._random.randint(FEWEST_ACKNOWLEDGEMENTS, MOST_ACKNOWLEDGEMENTS)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            listening = []
            for trader in self._traders:
                socket = await stack.enter_async_context(
                    session.ws_connect(f"{venue.url.replace('http', 'ws', 1)}/ws/")
                )
                listening.append(asyncio.Event())
                group.create_task(trader.listen(socket, venue, listening[-1]))
            for ready in listening:
                await asyncio.wait_for(ready.wait(), PATIENCE_SECONDS)
            for trader in self._traders:
                group.create_task(trader.trade(trader.client(session, venue), str(self.lives), prices))
            await asyncio.wait_for(self._enough.wait(), PATIENCE_SECONDS)
            await asyncio.sleep(self._random.uniform(0, LONGEST_GRACE_SECONDS))
            process.kill()

    def _acknowledged(self) -> None:
        self.acknowledged += 1
        self._wanted -= 1
        if self._wanted <= 0:
            self._enough.set()

    # What was told is true

    async def _check(self, session: aiohttp.ClientSession, venue: ProcessVenue) -> None:
        self._books.check()
        for market in MARKETS:
            book = (await answered(Client(session, venue).get, f"/markets/{market}/orderbook")).result
            assert book["bids"][0][0] < book["asks"][0][0], book
        latest = [await self._check_trader(trader, trader.client(session, venue)) for trader in self._traders]
        self._latest_order = max(self._latest_order, *(order for order, _ in latest))
        self._latest_fill = max(self._latest_fill, *(fill for _, fill in latest))

    async def _check_trader(self, trader: Trader, client: Client) -> tuple[int, int]:
        heard = trader.heard
        if heard.placed:
            await self._check_orders(trader, client)
            await self._check_client_ids(trader, client)
        if heard.fills:
            known = {fill["id"]: fill for fill in (await answered(client.get, f"/fills?limit={RECENT}")).result}
            for fill_id, fill in heard.fills.items():
                assert known.get(fill_id) == fill, (fill, known.get(fill_id))
        (balance,) = (await answered(client.get, "/wallet/balances")).result
        assert balance["free"] >= 0, balance
        latest = max(heard.placed, default=0), max(heard.fills, default=0)
        for repeated, before in ((heard.placed, self._latest_order), (heard.fills, self._latest_fill)):
            assert min(repeated, default=before + 1) > before, "an id that was another's in an earlier life"
        trader.forget()
        return latest

    async def _check_orders(self, trader: Trader, client: Client) -> None:
        """Frames, and who cancels everything, tell of orders of earlier lives too."""
        heard = trader.heard
        history = (await answered(client.get, f"/orders/history?limit={RECENT}")).result
        known = {order["id"]: order for order in history}
        for order_id in (heard.placed.keys() | heard.states.keys() | heard.cancelled) - known.keys():
            known[order_id] = (await answered(client.get, f"/orders/{order_id}")).result
        for order_id, order in heard.placed.items():
            same = ("clientId", "market", "type", "side", "price", "postOnly", "createdAt")
            assert [known[order_id][name] for name in same] == [order[name] for name in same], (order, known[order_id])
        for order_id, state in heard.states.items():
            assert known[order_id]["filledSize"] >= state["filledSize"], (state, known[order_id])
            assert state["status"] != "closed" or known[order_id]["status"] == "closed", (state, known[order_id])
        for order_id in heard.cancelled:
            assert known[order_id]["status"] == "closed", known[order_id]

    async def _check_client_ids(self, trader: Trader, client: Client) -> None:
        """A client id is refused for ever; one of this life's orders, and some of all those before."""
        names = self._names[trader.name]
        latest = [order["clientId"] for order in trader.heard.placed.values()]
        for name in [self._random.choice(latest), *self._random.sample(names, min(OLD_NAMES, len(names)))]:
            answer = await answered(client.place, "BTC-PERP", "buy", "0.001", 100, clientId=name)
            assert (answer.status, answer.error) == (400, "Duplicate client order ID"), name
            assert (await answered(client.get, f"/orders/by_client_id/{name}")).result["clientId"] == name
        names += latest


async def _mid_price(client: Client, market: str) -> Decimal:
    book = (await answered(client.get, f"/markets/{market}/orderbook?depth=1")).result
    return book["bids"][0][0]


async def end_again_and_again(made: Callable[[int], Kills], times: int, tell: Callable[[str], None]) -> str:
    """Ends venues so many times in all, several of them side by side if that is often.

    :param made: makes the one of a number.
    :param tell: told how far it is.
    :returns: what there was.
    """
    at_once = 1 if times <= ONE_AFTER_ANOTHER else MOST_AT_ONCE
    each = [made(number) for number in range(at_once)]

    def lived() -> None:
        lives = sum(one.lives for one in each)
        if lives % PROGRESS_EVERY == 0:
            tell(f"\n{lives} of {times}: {summary(each)}")

    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(each):
            group.create_task(one.live_and_end(times // at_once + (number < times % at_once), lived))
    return summary(each)


def summary(each: list[Kills]) -> str:
    lives, acknowledged, fills = (
        sum(counts) for counts in zip(*((one.lives, one.acknowledged, one.fills) for one in each))
    )
    return f"{lives} lives, {acknowledged} acknowledgements, {fills} fills, nothing lost"
