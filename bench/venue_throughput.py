"""How many orders a second one core of the venue sustains, how soon each is acknowledged, and what memory it takes,
beside another matching engine (`bench.venue_peer`) that has the same orders to take.

Each runs as a process of its own, on one core; whoever loads it, on the others. Rounds alternate: acknowledged once the
disk has it (`power-cut`, the default), once the system has it (`crash`), with nothing kept (`memory`), and the peer, so
that what else the machine does befalls all of them. Orders are due at fixed times, and each latency counts from when
its order was due: a venue that falls behind cannot hide it. Processor time is the whole process's, its subscribers,
market and cancellations included. What the disk takes by itself for a few kilobytes is measured beside it. Last, many
more orders are sent as fast as they are answered: memory, and the processor time of an order, tenth by tenth of them.

    python -m bench.venue_throughput --rate 200 1000 --durability power-cut crash --seconds 10 --rounds 2
    python -m bench.venue_throughput --rate --orders 1000000
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
import psutil

from bench import venue_peer
from bench.serving import start_venue

MARKETS = {
    "BTC-PERP": (64_000, "0.001"),
    "ETH-PERP": (3_300, "0.01"),
    "SOL-PERP": (145, "0.1"),
    "XRP-PERP": (0.59, "10"),
    "DOGE-PERP": (0.145, "50"),
}
FLOOD_ACCOUNTS = 125
STAGES = 10
"""In how many parts the orders that show what grows are counted."""
ORDERS_A_SECOND_AND_ACCOUNT = 16
"""Below the 20 that the Acme API allows an account, so that nothing is refused for its rate."""
TAKER_SHARE = 10
"""One order in this many takes what the market offers, at no time those of all traders together; the others rest until
they are cancelled."""


@dataclass
class Round:
    """What was measured: seconds from when an order was due to its acknowledgement, and what went wrong."""

    latencies: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0
    frames: int = 0
    processor: float = 0.0

    def summary(self) -> dict:
        p50, p99 = milliseconds(self.latencies)
        return {
            "orders_per_second": round(len(self.latencies) / self.seconds),
            "p50_ms": p50,
            "p99_ms": p99,
            "processor_ms_per_order": round(self.processor * 1000 / len(self.latencies), 3),
            "frames_per_second": round(self.frames / self.seconds),
            "refused": len(self.refused),
        }


def milliseconds(latencies: list[float]) -> tuple[float, float]:
    """Their median, and what 99 of 100 do not exceed."""
    cuts = quantiles(latencies, n=100)
    return round(cuts[49] * 1000, 2), round(cuts[98] * 1000, 2)


class Trader:
    """One account over one connection. Plain HTTP/1.1, so that the load costs little beside what it loads."""

    def __init__(self, number: int) -> None:
        self.name = f"trader-{number}"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._sent = 0
        self._number = number

    async def connect(self, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)

    @property
    def share_of_second(self) -> float:
        return self._number * 0.618 % 1

    def close(self) -> None:
        self._writer.close()

    async def place(self) -> str:
        """Sends the next order; what the venue said against it."""
        self._sent += 1
        turn = self._number + self._sent
        market, (price, size) = list(MARKETS.items())[turn % len(MARKETS)]
        side = "buy" if turn // len(MARKETS) % 2 else "sell"
        order = {
            "market": market,
            "side": side,
            "type": "limit",
            "size": size,
            "price": price,
            "clientId": f"{self.name}-{self._sent}",
        }
        if (self._sent + self._number) % TAKER_SHARE == 0:
            order |= {"type": "market", "price": None}
        elif side == "sell":
            order["price"] = round(price * 1.2, 2)
        return await self.request("POST", "/api/orders", json.dumps(order))

    async def cancel_all(self) -> str:
        return await self.request("DELETE", "/api/orders")

    async def request(self, method: str, path: str, body: str = "") -> str:
        """:returns: the body of a refusal, nothing for a success."""
        timestamp = str(time.time_ns() // 1_000_000)
        signature = hmac.new(self.name.encode(), f"{timestamp}{method}{path}{body}".encode(), hashlib.sha256)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nACME-KEY: {self.name}\r\nACME-TS: {timestamp}\r\n"
            f"ACME-SIGN: {signature.hexdigest()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write((head + body).encode())
        return await self._refusal()

    async def _refusal(self) -> str:
        """Reads an answer; its body, unless it is a success."""
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", answer)[1])
        content = await self._reader.readexactly(length)
        return "" if answer.startswith(b"HTTP/1.1 200") else content.decode()


class PeerTrader(Trader):
    """Sends the peer the same orders, which it takes without a signature. It has no request that cancels all of an
    account's: what rests stays there, and the peer is spared the work."""

    async def cancel_all(self) -> str:
        return ""

    async def request(self, method: str, path: str, body: str = "") -> str:
        order = json.loads(body)
        price = None if order["price"] is None else str(order["price"])
        sent = {"account": self._number + 1, "side": order["side"], "type": order["type"], "price": price}
        content = json.dumps(sent | {"quantity": order["size"]})
        head = (
            f"POST /markets/{order['market']}/orders HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write((head + content).encode())
        return await self._refusal()


@dataclass(frozen=True)
class RunningVenue:
    process: subprocess.Popen
    port: int

    def megabytes(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def processor(self) -> float:
        """Seconds of processor time that it has taken."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


@asynccontextmanager
async def venue(folder: Path, traders: list[Trader], *storage: str) -> AsyncIterator[RunningVenue]:
    """A venue on the first core, with every trader connected."""
    file = folder / "accounts.json"
    entries = [{"name": t.name, "key": t.name, "secret": t.name, "deposit": 1_000_000} for t in traders]
    file.write_text(json.dumps(entries))
    file.chmod(0o600)
    process = start_venue(file, *storage)

    async def port() -> int:
        return int(re.search(r":(\d+)$", process.stdout.readline())[1])

    async with _connected(process, port, traders) as running:
        yield running


@asynccontextmanager
async def peer(folder: Path, traders: list[Trader]) -> AsyncIterator[RunningVenue]:
    """The peer on the first core, with every trader connected."""
    process, chosen = venue_peer.start(folder, {name: increment for name, (_, increment) in MARKETS.items()})

    async def port() -> int:
        await venue_peer.listening(chosen)
        return chosen

    async with _connected(process, port, traders) as running:
        yield running


@asynccontextmanager
async def _connected(
    process: subprocess.Popen[str], port_once_listening: Callable[[], Awaitable[int]], traders: list[Trader]
) -> AsyncIterator[RunningVenue]:
    """The process on the first core, with every trader connected; ends it, however that goes."""
    try:
        psutil.Process(process.pid).cpu_affinity([0])
        port = await port_once_listening()
        await asyncio.gather(*(trader.connect(port) for trader in traders))
        yield RunningVenue(process, port)
    finally:
        for trader in traders:
            trader.close()
        process.terminate()
        process.wait()


async def subscribe_to_peer(port: int, result: Round) -> None:
    """Reads every market's book and trades until cancelled: a socket for each market, as the peer has it."""

    async def read(session: aiohttp.ClientSession, market: str) -> None:
        async with session.ws_connect(f"http://127.0.0.1:{port}/markets/{market}/ws") as socket:
            async for _ in socket:
                result.frames += 1

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(read(session, market) for market in MARKETS))


async def subscribe(port: int, result: Round) -> None:
    """Reads every market's book, trades and ticker until cancelled."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/ws/") as socket:
        for market in MARKETS:
            for channel in ("orderbook", "trades", "ticker"):
                await socket.send_json({"op": "subscribe", "channel": channel, "market": market})
        async for _ in socket:
            result.frames += 1


async def trade(trader: Trader, first_due: float, interval: float, end: float, result: Round) -> None:
    """Sends an order at each interval, and cancels what rests once a second, each trader at another moment of it."""
    due, cancel_due = first_due, first_due + trader.share_of_second
    while due < end:
        await asyncio.sleep(due - time.monotonic())
        refusal = await trader.place()
        result.latencies.append(time.monotonic() - due)
        if refusal:
            result.refused.append(refusal)
        due += interval
        if due > cancel_due:
            await trader.cancel_all()
            cancel_due += 1


async def measure(
    running: RunningVenue,
    traders: list[Trader],
    rate: int,
    seconds: float,
    subscribers: int,
    read: Callable[[int, Round], Coroutine[Any, Any, None]] = subscribe,
) -> Round:
    """One round at a steady rate, with the subscribers reading along."""
    result = Round(seconds=seconds)
    readers = [asyncio.create_task(read(running.port, result)) for _ in range(subscribers)]
    await asyncio.sleep(1)
    result.frames, before = 0, running.processor()
    interval, start = len(traders) / rate, time.monotonic() + 0.1
    dues = [start + number / rate for number in range(len(traders))]
    await asyncio.gather(*(trade(t, due, interval, start + seconds, result) for t, due in zip(traders, dues)))
    result.processor = running.processor() - before
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    return result


async def flood(running: RunningVenue, traders: list[Trader], orders: int) -> None:
    """Sends orders as fast as each account may, and says what memory the venue takes meanwhile, and what processor time
    an order, tenth by tenth."""
    sent, begun, costs = 0, time.monotonic(), []
    tenths = iter(range(1, STAGES + 1))
    reached, before = 0, (0, running.processor())

    def note() -> None:
        nonlocal reached, before
        processor = running.processor()
        costs.append((processor - before[1]) * 1000 / (sent - before[0]))
        reached, before = next(tenths), (sent, processor)
        elapsed = time.monotonic() - begun
        print(f"  {sent:>9} orders  {running.megabytes():7.1f} MB  {costs[-1]:6.3f} ms  {elapsed:6.0f} s", flush=True)

    async def run(trader: Trader) -> None:
        nonlocal sent
        while sent < orders:
            second = time.monotonic()
            for _ in range(ORDERS_A_SECOND_AND_ACCOUNT):
                await trader.place()
                sent += 1
                if sent >= orders * (reached + 1) / STAGES and reached < STAGES:
                    note()
            await trader.cancel_all()
            await asyncio.sleep(max(0.0, second + 1 - time.monotonic()))

    await asyncio.gather(*(run(trader) for trader in traders))
    print(f"  an order of the last tenth takes {costs[-1] / costs[0]:.2f} times the processor time of the first's")


async def one_round(options: argparse.Namespace, kind: str, rate: int) -> Round:
    """A venue of that kind, or the peer, started for it."""
    count = -(-rate // ORDERS_A_SECOND_AND_ACCOUNT)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if kind == venue_peer.NAME:
            traders: list[Trader] = [PeerTrader(each) for each in range(count)]
            serving, read = peer(Path(folder), traders), subscribe_to_peer
        else:
            traders = [Trader(each) for each in range(count)]
            storage = ["--memory"] if kind == "memory" else ["--data", folder, "--durability", kind]
            serving, read = venue(Path(folder), traders, *storage), subscribe
        async with serving as running:
            return await measure(running, traders, rate, options.seconds, options.subscribers, read)


async def alternate(options: argparse.Namespace, rate: int) -> list[str]:
    """All rounds at one rate; the rows of the table that tell of them, each kind's rounds taken together."""
    kinds = [*options.durability, "memory"] + ([] if options.no_peer else [venue_peer.NAME])
    count = -(-rate // ORDERS_A_SECOND_AND_ACCOUNT)
    print(f"{rate} orders/s, {len(MARKETS)} markets, {options.subscribers} WebSocket subscribers, {count} accounts")
    together = {kind: Round() for kind in kinds}
    for number in range(options.rounds):
        for kind in kinds:
            result = await one_round(options, kind, rate)
            print(f"round {number + 1}  {kind:<9} {json.dumps(result.summary())}", *set(result.refused), flush=True)
            together[kind].latencies += result.latencies
            together[kind].processor += result.processor
    return [_row(rate, kind, result) for kind, result in together.items()]


def _row(rate: int, kind: str, result: Round) -> str:
    p50, p99 = milliseconds(result.latencies)
    return f"| {rate} | {kind} | {p50} ms | {p99} ms | {result.processor * 1000 / len(result.latencies):.2f} ms |"


def of_the_disk(folder: Path) -> str:
    """What waiting for the disk takes, for 4 KiB written at the end of a file."""
    taken = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - began)
    p50, p99 = milliseconds(taken)
    return f"fdatasync of 4 KiB on this disk: median {p50} ms, 99 of 100 within {p99} ms"


async def main(options: argparse.Namespace) -> None:
    if (os.cpu_count() or 1) > 1:
        psutil.Process().cpu_affinity(list(range(1, os.cpu_count())))
    disk = of_the_disk(options.folder)
    rows = [row for rate in options.rate for row in await alternate(options, rate)]
    print(f"{disk}\n| orders a second | kept | acknowledged, median | 99 of 100 | processor time an order |")
    print("| --- | --- | --- | --- | --- |", *rows, sep="\n", flush=True)
    if not options.no_peer and rows:
        print(venue_peer.WHAT_IT_DOES)
    if options.orders:
        print(f"memory and processor time an order with the database, over {options.orders} orders:")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            traders = [Trader(each) for each in range(FLOOD_ACCOUNTS)]
            async with venue(Path(folder), traders, "--data", folder) as running:
                await flood(running, traders, options.orders)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="*", default=[200, 1000], help="orders a second (default: 200 1000)")
    parser.add_argument(
        "--durability",
        nargs="*",
        choices=["power-cut", "crash"],
        default=["power-cut", "crash"],
        help="what an acknowledged order survives: both are measured unless one is named",
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of each kind (default: %(default)s)")
    parser.add_argument("--subscribers", type=int, default=20, help="that read everything (default: %(default)s)")
    parser.add_argument("--no-peer", action="store_true", help="measure the venue alone")
    parser.add_argument(
        "--orders", type=int, default=20_000, help="to see over them what grows; 1000000 take 20 min (%(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured (default: for temporary files)")
    asyncio.run(main(parser.parse_args()))
