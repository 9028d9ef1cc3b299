"""How many orders a second one core of the venue sustains, how soon each is acknowledged, and what memory it takes.

The venue runs as a process of its own, on one core; whoever loads it, on the others. Rounds alternate: acknowledged
once the disk has it (`power-cut`, the default), once the system has it (`crash`), and with nothing kept (`memory`), so
that what else the machine does befalls all of them. Orders are due at fixed times, and each latency counts from when
its order was due: a venue that falls behind cannot hide it. Processor time is the venue's, its subscribers, market and
cancellations included. What the disk takes by itself for a few kilobytes is measured beside it. Memory is measured
last, over many more orders sent as fast as they are answered.

    python -m bench.venue_throughput --rate 200 1000 --durability power-cut crash --seconds 10 --rounds 2
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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import aiohttp
import psutil

from bench.serving import start_venue

MARKETS = {
    "BTC-PERP": (64_000, "0.001"),
    "ETH-PERP": (3_300, "0.01"),
    "SOL-PERP": (145, "0.1"),
    "XRP-PERP": (0.59, "10"),
    "DOGE-PERP": (0.145, "50"),
}
SUBSCRIBERS = 20
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
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", answer)[1])
        content = await self._reader.readexactly(length)
        return "" if answer.startswith(b"HTTP/1.1 200") else content.decode()


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
    try:
        psutil.Process(process.pid).cpu_affinity([0])
        port = int(re.search(r":(\d+)$", process.stdout.readline())[1])
        await asyncio.gather(*(trader.connect(port) for trader in traders))
        yield RunningVenue(process, port)
    finally:
        for trader in traders:
            trader.close()
        process.terminate()
        process.wait()


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


async def measure(running: RunningVenue, traders: list[Trader], rate: int, seconds: float) -> Round:
    """One round at a steady rate, with the subscribers reading along."""
    result = Round(seconds=seconds)
    readers = [asyncio.create_task(subscribe(running.port, result)) for _ in range(SUBSCRIBERS)]
    await asyncio.sleep(1)
    result.frames, before = 0, running.processor()
    interval, start = len(traders) / rate, time.monotonic() + 0.1
    dues = [start + number / rate for number in range(len(traders))]
    await asyncio.gather(*(trade(t, due, interval, start + seconds, result) for t, due in zip(traders, dues)))
    result.processor = running.processor() - before
    for reader in readers:
        reader.cancel()
    return result


async def flood(running: RunningVenue, traders: list[Trader], orders: int) -> None:
    """Sends orders as fast as each account may, and says what memory the venue takes meanwhile."""
    sent, begun = 0, time.monotonic()

    async def run(trader: Trader) -> None:
        nonlocal sent
        while sent < orders:
            second = time.monotonic()
            for _ in range(ORDERS_A_SECOND_AND_ACCOUNT):
                await trader.place()
                sent += 1
            await trader.cancel_all()
            await asyncio.sleep(max(0.0, second + 1 - time.monotonic()))

    async def report() -> None:
        while True:
            print(f"  {sent:>9} orders  {running.megabytes():7.1f} MB  {time.monotonic() - begun:6.0f} s", flush=True)
            await asyncio.sleep(max(2.0, orders / 20_000))

    reporter = asyncio.create_task(report())
    await asyncio.gather(*(run(trader) for trader in traders))
    reporter.cancel()
    print(
        f"  {sent:>9} orders  {running.megabytes():7.1f} MB  {time.monotonic() - begun:6.0f} s, the last of them closed"
    )


async def alternate(options: argparse.Namespace, rate: int) -> list[str]:
    """All rounds at one rate; the rows of the table that tell of them, each kind's rounds taken together."""
    kinds = [*options.durability, "memory"]
    count = -(-rate // ORDERS_A_SECOND_AND_ACCOUNT)
    print(f"{rate} orders/s, {len(MARKETS)} markets, {SUBSCRIBERS} WebSocket subscribers, {count} accounts")
    together = {kind: Round() for kind in kinds}
    for number in range(options.rounds):
        for kind in kinds:
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                traders = [Trader(each) for each in range(count)]
                storage = ["--memory"] if kind == "memory" else ["--data", folder, "--durability", kind]
                async with venue(Path(folder), traders, *storage) as running:
                    result = await measure(running, traders, rate, options.seconds)
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
    if options.orders:
        print(f"memory with the database, over {options.orders} orders:")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            traders = [Trader(each) for each in range(2 * -(-max(options.rate) // ORDERS_A_SECOND_AND_ACCOUNT))]
            async with venue(Path(folder), traders, "--data", folder) as running:
                await flood(running, traders, options.orders)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="+", default=[200, 1000], help="orders a second (default: 200 1000)")
    parser.add_argument(
        "--durability",
        nargs="*",
        choices=["power-cut", "crash"],
        default=["power-cut", "crash"],
        help="what an acknowledged order survives: both are measured unless one is named",
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of each kind (default: %(default)s)")
    parser.add_argument("--orders", type=int, default=20_000, help="to measure memory over (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured (default: for temporary files)")
    asyncio.run(main(parser.parse_args()))
