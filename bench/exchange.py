"""An exchange on loopback that plays a recording over and over, in Binance's dialect: what a feed is measured on.

`python -m bench.exchange BTC-USDT ETH-USDT` prints its address, and ends with its input. Every market plays the same
lines, in the recording's pace, from when somebody has subscribed to the first; their times are today's. At the
recording's end a frame makes the book what it was at its beginning: nobody who reads it need notice.
"""

import asyncio
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from aiohttp import WSMsgType, web

from acme_exchange.market.follow.lines import BookLine, Level, Line, PriceLine, SnapshotLine, TradeLine
from bench.recorded import RECORDING, SECOND, recorded_lines

ROUND_IDS = 10**8
"""Between the ids of the trades of one round and those of the next."""
MILLISECOND = 1000


class Exchange:
    """Some markets that all do the same."""

    def __init__(self, pairs: list[str], lines: list[Line]):
        self._symbols = {pair.replace("-", ""): pair.split("-") for pair in pairs}
        self._lines = lines
        self._sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self._sequence = 1_000
        self._time = 0
        self._price: PriceLine | None = None
        self._due = 0
        self._listeners: dict[str, set[web.WebSocketResponse]] = defaultdict(set)
        self._subscribed = asyncio.Event()

    def application(self) -> web.Application:
        """What it answers."""
        app = web.Application()
        for channel in ("public", "market"):
            app.router.add_get(f"/{channel}/stream", self._serve)
        app.router.add_get("/fapi/v1/exchangeInfo", self._information)
        app.router.add_get("/fapi/v1/depth", self._depth)
        app.router.add_get("/fapi/v1/premiumIndex", self._premium)
        app.router.add_get("/fapi/v1/time", self._now)
        return app

    async def play(self) -> None:
        """Plays without end."""
        self._take_whole(next(line for line in self._lines if isinstance(line, SnapshotLine)), 0)
        self._price = next(line for line in self._lines if isinstance(line, PriceLine))
        first, last = self._lines[0].received, self._lines[-1].received
        await self._subscribed.wait()
        begun, number = time.time_ns() // 1000, 0
        while True:
            for line in self._lines:
                shift = begun - first
                if (wait := line.received + shift - time.time_ns() // 1000) > 0:
                    await asyncio.sleep(wait / SECOND)
                await self._tell(line, shift, number)
            begun, number = begun + last - first, number + 1

    # ---------------------------------------------------------------------------------------------------------- frames

    async def _tell(self, line: Line, shift: int, number: int) -> None:
        now = (line.time + shift) // MILLISECOND
        match line:
            case SnapshotLine():
                await self._take_whole_and_tell(line, now)
            case BookLine():
                await self._change(line.bids, line.asks, now)
            case TradeLine():
                await self._say(
                    "aggTrade",
                    {
                        "E": now,
                        "T": now,
                        "a": int(line.id) + number * ROUND_IDS,
                        "p": line.price,
                        "q": line.size,
                        "m": line.side == "sell",
                    },
                )
            case PriceLine():
                self._price, self._due = line, (line.next_funding_time + shift) // MILLISECOND
                news = {"E": now, "p": line.mark, "i": line.index, "r": line.rate, "T": self._due}
                await self._say("markPrice", news, "markPriceUpdate")

    def _take_whole(self, line: SnapshotLine, now: int) -> None:
        self._sides, self._time = {"b": dict(line.bids), "a": dict(line.asks)}, now

    async def _take_whole_and_tell(self, line: SnapshotLine, now: int) -> None:
        changes = []
        for side, rows in (("b", line.bids), ("a", line.asks)):
            sizes = dict(rows)
            gone = [(price, "0") for price in self._sides[side] if price not in sizes]
            changes.append(gone + [(price, size) for price, size in rows if self._sides[side].get(price) != size])
        await self._change(*changes, now)

    async def _change(self, bids: list[Level], asks: list[Level], now: int) -> None:
        for side, rows in (("b", bids), ("a", asks)):
            for price, size in rows:
                if float(size):
                    self._sides[side][price] = size
                else:
                    self._sides[side].pop(price, None)
        before, self._sequence, self._time = self._sequence, self._sequence + len(bids) + len(asks) + 1, now
        news = {"E": now, "T": now, "U": before + 1, "u": self._sequence, "pu": before, "b": bids, "a": asks}
        await self._say("depth", news, "depthUpdate")

    async def _say(self, stream: str, data: dict[str, Any], event: str | None = None) -> None:
        for symbol in self._symbols:
            channel = f"{symbol.lower()}@{stream}"
            if listeners := self._listeners[channel]:
                text = json.dumps({"stream": channel, "data": {"e": event or stream, "s": symbol, **data}})
                for socket in list(listeners):
                    await self._send(socket, text)

    async def _send(self, socket: web.WebSocketResponse, text: str) -> None:
        try:
            await socket.send_str(text)
        except ConnectionError:
            self._forget(socket)

    # ---------------------------------------------------------------------------------------------------------- answers

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                wanted = json.loads(message.data)
                await socket.send_json({"result": None, "id": wanted["id"]})
                for channel in wanted["params"]:
                    self._listeners[channel.partition("@")[0] + "@" + channel.split("@")[1]].add(socket)
                self._subscribed.set()
        self._forget(socket)
        return socket

    def _forget(self, socket: web.WebSocketResponse) -> None:
        for listeners in self._listeners.values():
            listeners.discard(socket)

    async def _information(self, _request: web.Request) -> web.Response:
        return web.json_response({"symbols": [_symbol(symbol, *pair) for symbol, pair in self._symbols.items()]})

    async def _depth(self, _request: web.Request) -> web.Response:
        bids, asks = (list(self._sides[side].items()) for side in "ba")
        return web.json_response(
            {"lastUpdateId": self._sequence, "E": self._time, "T": self._time, "bids": bids, "asks": asks}
        )

    async def _now(self, _request: web.Request) -> web.Response:
        return web.json_response({"serverTime": time.time_ns() // 1_000_000})

    async def _premium(self, _request: web.Request) -> web.Response:
        assert self._price is not None
        due = self._due or time.time_ns() // 1_000_000 + 40_000
        return web.json_response({
            "indexPrice": self._price.index, "markPrice": self._price.mark, "nextFundingTime": due,
            "lastFundingRate": self._price.rate,
        })  # fmt: skip


def _symbol(symbol: str, base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": symbol, "pair": symbol, "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": base,
        "quoteAsset": quote, "marginAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "556.80", "maxPrice": "4529764"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    }  # fmt: skip


async def run(pairs: Iterable[str]) -> None:
    """Serves until whoever started this process closes its input."""
    exchange = Exchange(list(pairs), recorded_lines(RECORDING))
    runner = web.AppRunner(exchange.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"127.0.0.1:{runner.addresses[0][1]}", flush=True)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True, name="input"
    ).start()
    playing = asyncio.create_task(exchange.play())
    await ended.wait()
    playing.cancel()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
