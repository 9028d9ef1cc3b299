"""A stub of an exchange in a process of its own: it answers at once, and remembers when it was asked for what.

`python -m bench.stub` prints its URL. Times are seconds of the clock that all processes of a machine share.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web


class Stub:
    def __init__(self) -> None:
        self._ids = count(1)
        self._placed: dict[str, list[float]] = defaultdict(list)
        self._asked = 0
        self._open_orders: list[dict] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/api/orders", self._place_on_acme)
        application.router.add_post("/v5/order/create", self._place_on_bybit)
        application.router.add_post("/v1/order", self._place_on_binance)
        application.router.add_post("/exchange", self._place_on_hyperliquid)
        application.router.add_post("/info", self._answer)
        application.router.add_get("/bench/placed", self._report_placed)
        application.router.add_get("/bench/asked", self._report_asked)
        application.router.add_post("/bench/open_orders", self._have_open_orders)
        application.router.add_get("/{path:.*}", self._answer)
        return application

    async def _place_on_acme(self, request: web.Request) -> web.Response:
        order = json.loads(await request.read())
        self._placed["acme_perpetual"].append(time.monotonic())
        return _success(
            order
            | {
                "id": next(self._ids),
                "future": order["market"],
                "size": float(order["size"]),
                "status": "new",
                "price": float(order["price"]),
                "filledSize": 0,
                "remainingSize": float(order["size"]),
                "avgFillPrice": None,
                "createdAt": "2026-01-02T03:04:05.678901+00:00",
                "liquidation": False,
                "positionSide": None,
            }
        )

    async def _place_on_bybit(self, request: web.Request) -> web.Response:
        order = json.loads(await request.read())
        self._placed["bybit_perpetual"].append(time.monotonic())
        return web.json_response(
            {
                "retCode": 0,
                "retMsg": "OK",
                "time": 1,
                "result": {"orderId": str(next(self._ids)), "orderLinkId": order["orderLinkId"]},
            }
        )

    async def _place_on_binance(self, request: web.Request) -> web.Response:
        await request.read()
        self._placed["binance_perpetual"].append(time.monotonic())
        return web.json_response({"orderId": next(self._ids), "updateTime": 1767323045678, "status": "NEW"})

    async def _place_on_hyperliquid(self, request: web.Request) -> web.Response:
        await request.read()
        self._placed["hyperliquid_perpetual"].append(time.monotonic())
        statuses = [{"resting": {"oid": next(self._ids)}}]
        return web.json_response({"status": "ok", "response": {"type": "order", "data": {"statuses": statuses}}})

    async def _answer(self, request: web.Request) -> web.Response:
        """Whatever a connector asks about its account: there is nothing but open orders."""
        self._asked += 1
        if request.path == "/api/orders":
            return _success(self._open_orders)
        if request.path == "/api/account":
            return _success({"makerFee": 0.0002, "takerFee": 0.0005, "leverage": 10, "positionMode": "oneway"})
        if request.path.startswith("/api/"):
            return _success([])
        return web.json_response({"retCode": 0, "result": {"list": []}})

    async def _have_open_orders(self, request: web.Request) -> web.Response:
        self._open_orders = json.loads(await request.read())
        return web.Response()

    async def _report_asked(self, request: web.Request) -> web.Response:
        asked, self._asked = self._asked, 0
        return web.json_response(asked)

    async def _report_placed(self, request: web.Request) -> web.Response:
        """When each connector's orders came."""
        placed, self._placed = self._placed, defaultdict(list)
        return web.json_response(placed)


def _success(result: object) -> web.Response:
    return web.json_response({"success": True, "result": result})


def ask(url: str, what: str, body: object = None) -> object:
    """What the stub remembers of `what`, which it then forgets."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/bench/{what}", data=data)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@asynccontextmanager
async def stub() -> AsyncIterator[str]:
    """A stub that runs, and its URL."""
    process = subprocess.Popen([sys.executable, "-m", "bench.stub"], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


async def _serve() -> None:
    runner = web.AppRunner(Stub().application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("http://{}:{}".format(*runner.addresses[0][:2]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
