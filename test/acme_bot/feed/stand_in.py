"""Exchanges on loopback that speak their own dialects, for the feed: a book, trades and prices that a test decides.

Hummingbot's own connectors read them; only the addresses in its constants are changed. The frames are made as the
exchanges document them.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

from aiohttp import WSMsgType, web

START = 1_723_161_256_000
"""Milliseconds: the time of the first frame."""
DUE = 1_723_161_600_000
PAID = "-0.00033"
"""The rate that was paid then."""

Level = tuple[str, str]


class StandIn(ABC):
    """One market of one exchange. `say` sends to whoever is connected; what a test does to the book is true at once."""

    exchange: str
    pair = "BTC-USDT"

    def __init__(self) -> None:
        self.bids: dict[str, str] = {"61800.2": "2.9", "61800.1": "0.7", "61700.0": "5"}
        self.asks: dict[str, str] = {"61800.3": "1.5", "61800.9": "0.02", "61900.0": "4"}
        self.sequence = 1_000
        self.time = START
        self.sockets: dict[str, set[web.WebSocketResponse]] = {}
        self.connections = 0
        self._subscribed = asyncio.Event()
        self.app = web.Application()
        self._routes()

    async def start(self) -> None:
        self._runner = web.AppRunner(self.app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        await self.cut()
        await self._runner.cleanup()

    async def cut(self) -> None:
        """Ends every connection as a lost network does."""
        self._subscribed.clear()
        for socket in [each for sockets in self.sockets.values() for each in sockets]:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self.sockets.clear()

    async def connected(self) -> None:
        """Until a client has subscribed to the book."""
        await self._subscribed.wait()

    @property
    def constants(self) -> Any:
        return import_module(f"hummingbot.connector.derivative.{self.exchange}.{self.exchange}_constants")

    @abstractmethod
    def redirect(self, patch: Any) -> None:
        """Points Hummingbot's connector here."""

    @abstractmethod
    def _routes(self) -> None:
        """What it answers."""

    @abstractmethod
    async def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), lost: bool = False) -> None:
        """Changes levels, and says so unless the frame is lost."""

    @abstractmethod
    async def trade(self, side: str, price: str, size: str, id: int) -> None:
        """Tells of a trade; `side` is the taker's."""

    @abstractmethod
    async def price(self, mark: str, index: str, rate: str) -> None:
        """Tells of mark, index and funding."""

    def _apply(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.time += 100

    async def say(self, frame: Any, channel: str = "") -> None:
        for socket in list(self.sockets.get(channel, ())):
            await socket.send_str(json.dumps(frame))

    async def _serve(self, request: web.Request, channel: str = "") -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self.sockets.setdefault(channel, set()).add(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._heard(socket, json.loads(message.data))
        self.sockets.get(channel, set()).discard(socket)
        return socket

    @abstractmethod
    async def _heard(self, socket: web.WebSocketResponse, message: Any) -> None:
        """A client has said something."""

    def _answer(self, path: str, result: Any, method: str = "GET") -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.json_response(result(await request.text()) if callable(result) else result)

        self.app.router.add_route(method, path, handler)


class Binance(StandIn):
    exchange = "binance_perpetual"

    def redirect(self, patch: Any) -> None:
        patch.setattr(self.constants, "PERPETUAL_BASE_URL", f"http://{self.address}/fapi/")
        patch.setattr(self.constants, "PERPETUAL_WS_URL", f"ws://{self.address}/")

    def _routes(self) -> None:
        for channel in ("public", "market"):
            self.app.router.add_get(f"/{channel}/stream", partial(self._serve, channel=channel))
        self.symbols = [self._symbol()]
        self.asked = 0
        self._asked = asyncio.Event()
        self._answer("/fapi/v1/exchangeInfo", lambda _: self._rules())
        self._answer("/fapi/v1/fundingRate", [{"symbol": "BTCUSDT", "fundingTime": DUE + 2, "fundingRate": PAID}])
        self._answer("/fapi/v1/depth", lambda _: self._depth())
        self._answer(
            "/fapi/v1/premiumIndex",
            {"indexPrice": "61795.5", "markPrice": "61800.0", "nextFundingTime": DUE, "lastFundingRate": "0.0001"},
        )

    def _symbol(self) -> dict[str, Any]:
        return {
            "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING",
            "baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "556.80", "maxPrice": "4529764"},
                {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
                {"filterType": "MIN_NOTIONAL", "notional": "100"},
            ],
        }  # fmt: skip

    def _rules(self) -> dict[str, Any]:
        self.asked += 1
        self._asked.set()
        return {"symbols": self.symbols}

    async def asked_for_rules(self, times: int) -> None:
        """Until a client has asked for the markets so many times more."""
        until = self.asked + times
        while self.asked < until:
            self._asked.clear()
            await self._asked.wait()

    def _depth(self) -> dict[str, Any]:
        bids, asks = (list(map(list, side.items())) for side in (self.bids, self.asks))
        return {"lastUpdateId": self.sequence, "E": self.time, "T": self.time, "bids": bids, "asks": asks}

    async def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), lost: bool = False) -> None:
        self._apply(bids, asks)
        before, self.sequence = self.sequence, self.sequence + 7
        data = {
            "e": "depthUpdate", "E": self.time + 1, "T": self.time, "s": "BTCUSDT", "U": before + 1, "u": self.sequence,
            "pu": before, "b": [list(each) for each in bids], "a": [list(each) for each in asks],
        }  # fmt: skip
        if not lost:
            await self.say({"stream": "btcusdt@depth", "data": data}, "public")

    async def trade(self, side: str, price: str, size: str, id: int) -> None:
        data = {
            "e": "aggTrade", "E": self.time + 1, "T": self.time, "s": "BTCUSDT", "a": id, "p": price, "q": size,
            "f": id, "l": id, "m": side == "sell",
        }  # fmt: skip
        await self.say({"stream": "btcusdt@aggTrade", "data": data}, "market")

    async def price(self, mark: str, index: str, rate: str) -> None:
        data = {"e": "markPriceUpdate", "E": self.time, "s": "BTCUSDT", "p": mark, "i": index, "r": rate, "T": DUE}
        await self.say({"stream": "btcusdt@markPrice", "data": data}, "market")

    async def _heard(self, socket: web.WebSocketResponse, message: Any) -> None:
        await socket.send_json({"result": None, "id": message["id"]})
        if "btcusdt@depth" in message["params"]:
            self._subscribed.set()


class Bybit(StandIn):
    exchange = "bybit_perpetual"

    def redirect(self, patch: Any) -> None:
        patch.setitem(self.constants.REST_URLS, "bybit_perpetual_main", f"http://{self.address}/")
        patch.setitem(self.constants.WSS_LINEAR_PUBLIC_URLS, "bybit_perpetual_main", f"ws://{self.address}/linear")

    def _routes(self) -> None:
        self.app.router.add_get("/linear", self._serve)
        self._answer("/v5/market/instruments-info", {"retCode": 0, "result": {"list": [self._instrument()]}})
        payment = {"symbol": "BTCUSDT", "fundingRate": PAID, "fundingRateTimestamp": str(DUE)}
        self._answer("/v5/market/funding/history", {"retCode": 0, "result": {"category": "linear", "list": [payment]}})
        self._answer("/v5/market/tickers", {"retCode": 0, "result": {"list": [self._ticker()]}})

    def _instrument(self) -> dict[str, Any]:
        return {
            "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
            "quoteCoin": "USDT", "settleCoin": "USDT", "priceFilter": {"tickSize": "0.10"},
            "lotSizeFilter": {
                "minOrderQty": "0.001", "maxOrderQty": "1190", "qtyStep": "0.001", "minNotionalValue": "5",
            },
        }  # fmt: skip

    def _ticker(self) -> dict[str, str]:
        return {
            "symbol": "BTCUSDT", "markPrice": "61800.00", "indexPrice": "61795.50", "fundingRate": "0.0001",
            "nextFundingTime": str(DUE),
        }  # fmt: skip

    def _book(self, kind: str, bids: Iterable[Level], asks: Iterable[Level]) -> dict[str, Any]:
        data = {
            "s": "BTCUSDT", "b": [list(each) for each in bids], "a": [list(each) for each in asks], "u": self.sequence,
            "seq": self.sequence * 9,
        }  # fmt: skip
        return {"topic": "orderbook.200.BTCUSDT", "type": kind, "ts": self.time + 2, "data": data, "cts": self.time}

    async def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), lost: bool = False) -> None:
        self._apply(bids, asks)
        self.sequence += 1
        if not lost:
            await self.say(self._book("delta", bids, asks))

    async def trade(self, side: str, price: str, size: str, id: int) -> None:
        data = {
            "T": self.time,
            "s": "BTCUSDT",
            "S": side.capitalize(),
            "v": size,
            "p": price,
            "i": str(id),
            "BT": False,
        }
        await self.say({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": self.time + 2, "data": [data]})

    async def price(self, mark: str, index: str, rate: str) -> None:
        data = {"symbol": "BTCUSDT", "markPrice": mark, "indexPrice": index, "fundingRate": rate}
        await self.say({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "cs": 1, "ts": self.time})

    async def _heard(self, socket: web.WebSocketResponse, message: Any) -> None:
        if message["op"] != "subscribe":
            return
        await socket.send_json({"success": True, "ret_msg": "", "conn_id": "1", "op": "subscribe"})
        topic = message["args"][0]
        if topic.startswith("tickers"):
            await socket.send_json(
                {"topic": topic, "type": "snapshot", "data": self._ticker(), "cs": 1, "ts": self.time}
            )
        if topic.startswith("orderbook"):
            await socket.send_json(self._book("snapshot", self.bids.items(), self.asks.items()))
            self._subscribed.set()


class Hyperliquid(StandIn):
    """It has no changes: every frame is the whole book, so a lost one is mended by the next."""

    exchange = "hyperliquid_perpetual"
    pair = "BTC-USD"

    def redirect(self, patch: Any) -> None:
        patch.setattr(self.constants, "PERPETUAL_BASE_URL", f"http://{self.address}")
        patch.setattr(self.constants, "PERPETUAL_WS_URL", f"ws://{self.address}/ws")

    def _routes(self) -> None:
        self.app.router.add_get("/ws", self._serve)
        self._answer("/info", self._info, "POST")

    def _context(self, mark: str = "61800.0", index: str = "61795.5", rate: str = "0.0001") -> dict[str, Any]:
        return {
            "funding": rate, "openInterest": "21875.3", "prevDayPx": "57018.0", "dayNtlVlm": "1.5", "premium": "0.0003",
            "oraclePx": index, "markPx": mark, "midPx": mark, "impactPxs": [mark, mark], "dayBaseVlm": "1.0",
        }  # fmt: skip

    def _info(self, body: str) -> Any:
        if json.loads(body)["type"] == "metaAndAssetCtxs":
            return [{"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 50}]}, [self._context()]]
        if json.loads(body)["type"] == "fundingHistory":
            return [{"coin": "BTC", "fundingRate": PAID, "premium": "0", "time": DUE + 40}]
        return []

    async def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), lost: bool = False) -> None:
        self._apply(bids, asks)
        if not lost:
            await self.say(self._book())

    def _book(self) -> dict[str, Any]:
        bids = sorted(self.bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self.asks.items(), key=lambda level: float(level[0]))
        levels = [[{"px": price, "sz": size, "n": 1} for price, size in side] for side in (bids, asks)]
        return {"channel": "l2Book", "data": {"coin": "BTC", "time": self.time, "levels": levels}}

    async def trade(self, side: str, price: str, size: str, id: int) -> None:
        data = {
            "coin": "BTC", "side": "B" if side == "buy" else "A", "px": price, "sz": size, "time": self.time,
            "hash": "0x0", "tid": id, "users": ["0x1", "0x2"],
        }  # fmt: skip
        await self.say({"channel": "trades", "data": [data]})

    async def price(self, mark: str, index: str, rate: str) -> None:
        data = {"coin": "BTC", "ctx": self._context(mark, index, rate)}
        await self.say({"channel": "activeAssetCtx", "data": data})

    async def _heard(self, socket: web.WebSocketResponse, message: Any) -> None:
        if message.get("method") != "subscribe":
            return
        await socket.send_json({"channel": "subscriptionResponse", "data": message})
        if message["subscription"]["type"] == "l2Book":
            await socket.send_json(self._book())
            self._subscribed.set()


class Okx(StandIn):
    """Its sizes count contracts of 0.01 BTC: what a test writes in coins is converted here."""

    exchange = "okx_perpetual"

    def redirect(self, patch: Any) -> None:
        patch.setitem(self.constants.REST_URLS, self.exchange, f"http://{self.address}")
        patch.setitem(self.constants.WSS_PUBLIC_URLS, self.exchange, f"ws://{self.address}/public")

    def _routes(self) -> None:
        self.app.router.add_get("/public", self._serve)
        self._answer("/api/v5/public/time", {"code": "0", "data": [{"ts": str(START)}]})
        self._answer("/api/v5/public/instruments", {"code": "0", "data": [self._instrument()]})
        self._answer(
            "/api/v5/market/index-tickers", {"code": "0", "data": [{"instId": "BTC-USDT", "idxPx": "61795.5"}]}
        )
        payments = [
            {"instId": "BTC-USDT-SWAP", "fundingRate": rate, "realizedRate": rate, "fundingTime": str(time)}
            for time, rate in ((DUE, PAID), (DUE - 8 * 3_600_000, "0.5"))
        ]
        self._answer("/api/v5/public/funding-rate-history", {"code": "0", "data": payments})
        self._answer("/api/v5/public/mark-price", {"code": "0", "data": [{"markPx": "61800"}]})
        self._answer("/api/v5/public/funding-rate", {"code": "0", "data": [self._funding("0.0001")]})

    def _instrument(self) -> dict[str, str]:
        return {
            "instType": "SWAP", "ctType": "linear", "state": "live", "instId": "BTC-USDT-SWAP", "ctVal": "0.01",
            "ctValCcy": "BTC", "settleCcy": "USDT", "tickSz": "0.1", "lotSz": "0.1", "minSz": "0.1",
        }  # fmt: skip

    def _funding(self, rate: str) -> dict[str, str]:
        after_next = str(DUE + 8 * 3_600_000)
        return {"fundingRate": rate, "fundingTime": str(DUE), "nextFundingTime": after_next, "nextFundingRate": ""}

    def _contracts(self, levels: Iterable[Level]) -> list[list[str]]:
        return [[price, f"{float(size) * 100:g}", "0", "1"] for price, size in levels]

    def _frame(self, channel: str, **data: Any) -> dict[str, Any]:
        return {"arg": {"channel": channel, "instId": "BTC-USDT-SWAP"}, "data": [data]}

    def _book(self, action: str, before: int, bids: Iterable[Level], asks: Iterable[Level]) -> dict[str, Any]:
        sides = {"bids": self._contracts(bids), "asks": self._contracts(asks)}
        frame = self._frame("books", **sides, ts=str(self.time), checksum=0, prevSeqId=before, seqId=self.sequence)
        return frame | {"action": action}

    async def change(self, bids: Iterable[Level] = (), asks: Iterable[Level] = (), lost: bool = False) -> None:
        self._apply(bids, asks)
        before, self.sequence = self.sequence, self.sequence + 3
        if not lost:
            await self.say(self._book("update", before, bids, asks))

    async def trade(self, side: str, price: str, size: str, id: int) -> None:
        contracts = f"{float(size) * 100:g}"
        fields = {"instId": "BTC-USDT-SWAP", "tradeId": str(id), "px": price, "sz": contracts, "ts": str(self.time)}
        await self.say(self._frame("trades", **fields, side=side))

    async def price(self, mark: str, index: str, rate: str) -> None:
        await self.say(self._frame("mark-price", markPx=mark, ts=str(self.time)))
        await self.say(self._frame("index-tickers", idxPx=index, ts=str(self.time)))
        await self.say(self._frame("funding-rate", **self._funding(rate)))

    async def _heard(self, socket: web.WebSocketResponse, message: Any) -> None:
        if message == "ping" or message["op"] != "subscribe":
            return
        for arg in message["args"]:
            await socket.send_json({"event": "subscribe", "arg": arg, "connId": "1"})
            if arg["channel"] == "books":
                await socket.send_json(self._book("snapshot", -1, self.bids.items(), self.asks.items()))
                self._subscribed.set()


EXCHANGES = (Binance, Bybit, Hyperliquid, Okx)
