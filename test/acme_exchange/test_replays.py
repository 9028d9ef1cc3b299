"""A recording played twice, over real sockets: the same orders between the same lines give the same events."""

import asyncio
import gzip
import json
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from acme_exchange.clock import SystemClock
from acme_exchange.market.follow.lines import BookLine, Line, PriceLine, SnapshotLine, TradeLine, write_line
from test.acme_exchange.market.follow.test_follower import BTC, MARKET, NOW
from test.acme_exchange.venue import Client, Listener

SPEEDS = (6, 15)
PAUSE = 12
"""Seconds of the recording between two of its moments: 0.8 s at the faster pace, for orders to arrive in."""
MOMENTS = 3
ATTEMPTS = 5
PATIENCE = 60
KEY = "replayer"
MARKERS = [f"{i}.001" for i in range(1, MOMENTS + 1)]
"""Sizes of the trades that each moment ends with."""
TIMES = re.compile(r'"(time|createdAt)":("[^"]*"|[\d.]+)')


@dataclass(frozen=True)
class Place:
    """A running venue, as `Client` and `Listener` want to know it."""

    url: str
    clock: SystemClock


def at(moment: int) -> dict:
    time = NOW + moment * PAUSE * 1_000_000
    return {"market": BTC, "time": time, "received": time}


def moment_lines(i: int) -> list[Line]:
    """Something of everything that can befall an order at 99.9 or 100.1."""
    return [
        BookLine(**at(i), bids=[("99.9", f"{5 - i}"), (f"99.{i}", "2")], asks=[("100.1", f"{4 - i}")]),
        PriceLine(**at(i), mark=f"100.0{i}", index="100", rate=f"0.000{i}", next_funding_time=NOW + 3_600_000_000),
        TradeLine(**at(i) | {"time": at(i)["time"] + 1}, side="sell", price="99.9", size="4.5", id=f"s{i}"),
        TradeLine(**at(i) | {"time": at(i)["time"] + 2}, side="buy", price="100.1", size="4.4", id=f"b{i}"),
        # Between the best prices, where it meets nobody.
        TradeLine(**at(i) | {"time": at(i)["time"] + 3}, side="buy", price="100", size=MARKERS[i - 1], id=f"m{i}"),
    ]


def recording(tmp_path: Path) -> Path:
    lines = [
        _begun(MARKET),
        PriceLine(**at(0), mark="100", index="100", rate="0.0001", next_funding_time=NOW + 3_600_000_000),
        SnapshotLine(**at(0), bids=[("99.9", "5"), ("99.8", "9")], asks=[("100.1", "4"), ("100.2", "9")]),
        *(line for i in range(1, MOMENTS + 1) for line in moment_lines(i)),
        # So that nothing is halted while the test looks.
        BookLine(**at(100), bids=[("99.9", "1")], asks=[]),
    ]
    path = tmp_path / "day.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(map(write_line, lines))))
    return path


def _begun(line: Line) -> Line:
    return type(line)(**{name: getattr(line, name) for name in line.__struct_fields__} | at(0))


@asynccontextmanager
async def playing(path: Path, folder: Path, speed: int) -> AsyncIterator[Place]:
    accounts = folder / f"accounts-{speed}.json"
    accounts.write_text(json.dumps([{"name": KEY, "key": KEY, "secret": KEY, "deposit": 100_000}]))
    accounts.chmod(0o600)
    options = ["--follow", str(path), "--speed", str(speed), "--latency", "0", "--accounts", str(accounts)]
    venue = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "acme_exchange", "serve", "--port", "0", *options, stdout=PIPE, stderr=DEVNULL
    )
    try:
        yield Place((await venue.stdout.readline()).decode().split()[-1], SystemClock())
    finally:
        venue.terminate()
        await venue.communicate()


async def traded(path: Path, folder: Path, speed: int) -> list[str]:
    """What an account was told, but for the times in it, that trades after each moment, and before the next.

    None of it counts when an order came later than that, as on a machine that has no time: then all is done again.
    """
    for _ in range(ATTEMPTS):
        frames = await _traded(path, folder, speed)
        if _is_in_time(frames):
            return frames
    raise AssertionError(f"no order came in time, {ATTEMPTS} times over")


async def _traded(path: Path, folder: Path, speed: int) -> list[str]:
    frames: list[str] = []
    async with playing(path, folder, speed) as place, aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        client = Client(session, place, KEY, KEY)
        while (await client.get(f"/markets/{BTC}")).result["bid"] is None:
            await asyncio.sleep(0.05)
        async with session.ws_connect(f"{place.url}/ws/") as socket:
            listener = Listener(socket, place)
            await listener.login(KEY, KEY)
            for channel in ("fills", "orders", "trades"):
                await listener.subscribe(channel, BTC if channel == "trades" else None)
            await _order(client, 0)
            for i in range(1, MOMENTS + 1):
                while not frames or MARKERS[i - 1] not in frames[-1] or '"trades"' not in frames[-1]:
                    frames.append(await socket.receive_str(timeout=PATIENCE))
                await _order(client, i)
            await listener.send(op="ping")
            while '"pong"' not in frames[-1]:
                frames.append(await socket.receive_str(timeout=PATIENCE))
    return [TIMES.sub(r'"\1":0', frame) for frame in frames]


async def _order(client: Client, i: int) -> None:
    """Two that join the queues, one that takes, and from the second time on a cancellation."""
    await client.place(BTC, "buy", "0.5", "99.9", clientId=f"buy-{i}")
    await client.place(BTC, "sell", "0.7", "100.1", clientId=f"sell-{i}")
    await client.place(BTC, "buy", "0.3", clientId=f"take-{i}")
    if i:
        await client.delete(f"/orders/by_client_id/sell-{i - 1}")


def _is_in_time(frames: list[str]) -> bool:
    """Whether the orders of each moment were told before the trade that ends the next one."""
    acknowledged = 0
    for frame in frames:
        if '"orders"' in frame and '"status":"new"' in frame:
            acknowledged += 1
        for i, marker in enumerate(MARKERS):
            if '"trades"' in frame and marker in frame and acknowledged != 3 * (i + 1):
                return False
    return True


async def test_a_recording_played_at_two_speeds_with_the_same_orders_gives_the_same_events(tmp_path):
    path = recording(tmp_path)
    slow, fast = await asyncio.gather(*(traded(path, tmp_path, speed) for speed in SPEEDS))
    assert slow == fast
    kinds = [json.loads(frame)["channel"] for frame in slow[:-1]]
    assert kinds.count("fills") >= MOMENTS and kinds.count("trades") >= 2 * MOMENTS
