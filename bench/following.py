"""What following a real market costs: the engine's time for a frame and for a trade, and from a feed's line to a fill.

`make bench-follow` measures on 60 s of Binance's BTCUSDT. The engine's times are of the processor. Beside them stands
what the engine's other way of taking over a book costs for the same frames: `Requote`, of the best hundred levels a
side, by which simulated markets are quoted. The way to a fill is of the clock, over a pipe and a WebSocket: the lines
come at the recording's pace, and each trade that is timed fills an order that waits alone.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import re
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from acme_exchange.engine import Command, CreateAccount, Engine, MirrorBook, MirrorTrade, Requote, SetIndex
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.market.follow.follower import specification
from acme_exchange.market.follow.lines import BookLine, Line, MarketLine, TradeLine, write_line
from bench.recorded import MARKET, RECORDING, SECOND, carry_out, commands, recorded_lines

ROUNDS = 5
REQUOTED = 200
LEVELS = 100
MOST_FRAME, MOST_TRADE, MOST_WAY = 500, 50, 5
KEY = "bench"
EVERY = 5
"""Lines, of which one is followed by a trade that is timed."""


def engine_costs(lines: list[Line]) -> tuple[float, float]:
    """The processor's microseconds for a book frame and for a trade: each the median of several runs' means."""
    steps = commands(lines)
    frames, trades = [], []
    for _ in range(ROUNDS):
        engine = _engine(lines)
        spent = {MirrorBook: 0, MirrorTrade: 0}
        for now, command in steps:
            began = time.process_time_ns()
            carry_out(engine, command, now)
            if type(command) in spent:
                spent[type(command)] += time.process_time_ns() - began
        frames.append(_mean(spent[MirrorBook], steps, MirrorBook))
        trades.append(_mean(spent[MirrorTrade], steps, MirrorTrade))
    return statistics.median(frames), statistics.median(trades)


def _mean(nanoseconds: int, steps: list[tuple[int, Command]], kind: type[Command]) -> float:
    return nanoseconds / 1000 / sum(type(command) is kind for _, command in steps)


def requote_cost(lines: list[Line]) -> float:
    """The processor's microseconds to make the best levels these by `Requote`."""
    first = next(line for line in lines if isinstance(line, MarketLine))
    rules = specification(first)
    plain = MarketSpecification(**{name: getattr(rules, name) for name in rules.__slots__} | {"source": None})
    engine, spent, done = Engine([plain]), 0, 0
    engine.apply(SetIndex(MARKET, Decimal(61_800)), first.received)
    book: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
    for now, command in commands(lines):
        if not isinstance(command, MirrorBook) or done == REQUOTED:
            continue
        _apply(book, command)
        bids = tuple(sorted(book["bids"].items(), reverse=True)[:LEVELS])
        asks = tuple(sorted(book["asks"].items())[:LEVELS])
        began = time.process_time_ns()
        carry_out(engine, Requote(MARKET, bids, asks), now)
        spent, done = spent + time.process_time_ns() - began, done + 1
    return spent / 1000 / done


def _apply(book: dict[str, dict[Decimal, Decimal]], command: MirrorBook) -> None:
    for side, rows in (("bids", command.bids), ("asks", command.asks)):
        book[side].update(rows)
        for price in [price for price, size in rows if not size]:
            del book[side][price]


def _engine(lines: list[Line]) -> Engine:
    first = next(line for line in lines if isinstance(line, MarketLine))
    engine = Engine([specification(first)])
    engine.apply(CreateAccount("somebody"), first.received)
    return engine


# ------------------------------------------------------------------------------------------------------- line to fill


class FilledTrader:
    """An account whose orders wait alone at a price, and are filled by trades that the bench tells."""

    def __init__(self, url: str, session: aiohttp.ClientSession):
        self._url = url
        self._session = session

    async def join(self, price: str, size: str) -> None:
        """Places a selling order."""
        body = json.dumps({"market": MARKET, "side": "sell", "type": "limit", "size": size, "price": price})
        moment = str(time.time_ns() // 1_000_000)
        headers = {"ACME-KEY": KEY, "ACME-TS": moment, "ACME-SIGN": _sign(f"{moment}POST/api/orders{body}")}
        async with self._session.post(f"{self._url}/api/orders", data=body, headers=headers) as answer:
            if answer.status != 200:
                sys.exit(await answer.text())

    @asynccontextmanager
    async def fills(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The stream of its fills."""
        async with self._session.ws_connect(f"{self._url}/ws/") as socket:
            moment = time.time_ns() // 1_000_000
            login = {"key": KEY, "time": moment, "sign": _sign(f"{moment}websocket_login")}
            await socket.send_json({"op": "login", "args": login})
            await socket.send_json({"op": "subscribe", "channel": "fills"})
            await socket.receive()
            yield socket


def _sign(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


async def ways_to_fills(lines: list[Line], seconds: float) -> list[float]:
    """Milliseconds from the moment that a trade's line is written to a venue until its fill has come."""
    with tempfile.TemporaryDirectory() as folder:
        accounts = Path(folder, "accounts.json")
        accounts.write_text(json.dumps([{"name": KEY, "key": KEY, "secret": KEY, "deposit": 1_000_000}]))
        accounts.chmod(0o600)
        serve = ["serve", "--port", "0", "--follow", "-", "--latency", "0", "--accounts", str(accounts)]
        venue = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "acme_exchange", *serve, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            return await _timed(venue, lines, seconds)
        finally:
            venue.terminate()
            await venue.communicate()


async def _timed(venue: Process, lines: list[Line], seconds: float) -> list[float]:
    assert venue.stdin is not None and venue.stdout is not None
    opening = next(i for i, line in enumerate(lines) if isinstance(line, BookLine))
    venue.stdin.write(b"".join(map(write_line, lines[:opening])))
    found = re.search(r"http://\S+", (await venue.stdout.readline()).decode())
    assert found is not None
    found_ways = []
    async with aiohttp.ClientSession() as session:
        trader = FilledTrader(found.group(), session)
        await _until_open(session, found.group())
        async with trader.fills() as fills:
            began, first = time.monotonic(), lines[opening].received
            for number, line in enumerate(lines[opening:]):
                due = (line.received - first) / SECOND
                if due > seconds:
                    break
                await asyncio.sleep(max(0.0, began + due - time.monotonic()))
                venue.stdin.write(write_line(line))
                if isinstance(line, BookLine) and number % EVERY == 0:
                    found_ways.append(await _one_way(venue, trader, fills, line))
    return found_ways


async def _one_way(venue: Process, trader: FilledTrader, fills: Any, line: BookLine) -> float:
    """One order far above the market, and the trade there that fills it; nothing else stands at that price."""
    assert venue.stdin is not None
    price = "63000.7"
    await trader.join(price, "0.001")
    trade = TradeLine(
        market=MARKET, time=line.time + 1, received=line.received, side="buy", price=price, size="0.001", id="timed"
    )
    # It passes what is displayed below its price, as a trade does that the source's next frame explains.
    began = time.monotonic()
    venue.stdin.write(write_line(trade))
    await fills.receive()
    return (time.monotonic() - began) * 1000


async def _until_open(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        async with session.get(f"{url}/api/markets/{MARKET}") as answer:
            if (await answer.json())["result"]["bid"] is not None:
                return
        await asyncio.sleep(0.1)


def show(lines: list[Line], seconds: float, console: Console) -> bool:
    """Prints the table; whether every figure is within its budget."""
    frame, trade = engine_costs(lines)
    requote = requote_cost(lines)
    ways = sorted(asyncio.run(ways_to_fills(lines, seconds)))
    median, late = statistics.median(ways), ways[int(len(ways) * 0.99)]
    frames = [line for line in lines if isinstance(line, BookLine)]
    levels = sum(len(line.bids) + len(line.asks) for line in frames) / len(frames)
    table = Table("what", "figure", "budget", "remark", box=None)
    rows = [
        (f"frame of {levels:.0f} levels, engine", frame, MOST_FRAME, "µs", f"by Requote {requote:.0f} µs"),
        ("trade, engine", trade, MOST_TRADE, "µs", ""),
        ("line to fill, p99", late, MOST_WAY, "ms", f"of {len(ways)}; p50 {median:.1f} ms"),
    ]
    for what, figure, budget, unit, remark in rows:
        mark = "✓" if figure <= budget else "✗"
        table.add_row(what, f"{figure:.1f} {unit}", f"{mark} {budget} {unit}", remark)
    console.print(table)
    return all(figure <= budget for _, figure, budget, _, _ in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of the ways to fills (default: %(default)s)")
    options = parser.parse_args()
    sys.exit(0 if show(recorded_lines(RECORDING), options.seconds, Console(width=100)) else 1)
