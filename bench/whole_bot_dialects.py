"""What each connector asks of its exchange, and what its account's stream tells, in its own dialect."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bench import market
from bench.whole_bot_exchange import BALANCE, FEE_RATE, LEVERAGE, Exchange, Fill, Handler, Order

STEP, TICK = 0.001, 0.1
"""Of every market: what sizes and prices are multiples of."""
LISTEN_KEY = "listen-key"
Heard = tuple[Sequence[str], Sequence[str]]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1e3)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _next_hour() -> float:
    return (time.time() // market.HOUR + 1) * market.HOUR


def _signed(is_buy: bool, buy: str, sell: str) -> str:
    return buy if is_buy else sell


async def _body(request: web.Request) -> dict[str, Any]:
    """What a request carries, whether as JSON, as a form or in its query."""
    text = await request.text()
    if text.startswith("{"):
        return json.loads(text)
    return {**request.query, **dict(parse_qsl(text))}


def _always(make: Callable[[], object]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(make())

    return handle


# ---------------------------------------------------------------------------------------------------------------- Acme


class AcmeExchange(Exchange):
    """The Acme API v1."""

    name = "acme_perpetual"
    dialect = market.Acme()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        empty: list[object] = []
        future = f"/api/futures/{self.symbol}"
        answers: dict[str, Callable[[], object]] = {
            "/api/": lambda: {"name": "acme", "status": "ok"},
            "/api/time": lambda: _iso(time.time()),
            "/api/markets": lambda: [self._market()],
            "/api/futures": lambda: [self._future()],
            future: self._future,
            "/api/account": self._account,
            "/api/wallet/balances": lambda: [self._balance()],
            "/api/positions": lambda: [self._position()],
            "/api/orders": lambda: [self._order(order) for order in self.open_orders()],
            "/api/funding_payments": lambda: empty,
        }
        for path, make in answers.items():
            router.add_get(path, _always(lambda make=make: _success(make())))
        router.add_get("/api/fills", self._answer_fills)
        router.add_get("/api/orders/history", self._answer_history)
        router.add_get("/api/orders/by_client_id/{client_id}", self._answer_order)
        router.add_get("/api/orders/{order_id}", self._answer_order)
        router.add_delete("/api/orders/by_client_id/{client_id}", self._answer_cancel)
        router.add_delete("/api/orders/{order_id}", self._answer_cancel)
        router.add_post("/api/orders", self._answer_placement)
        router.add_post("/api/account/{setting}", _always(lambda: _success(None)))
        router.add_get("/ws/", self.streaming(self._hear))

    def order_frames(self, order: Order) -> list[str]:
        states = ("new", "open") if order.state == "open" else ("closed",)
        frames = [_acme_frame("orders", self._order(order) | {"status": state}) for state in states]
        return [*frames, _acme_frame("balances", self._balance())]

    def fill_frames(self, fill: Fill) -> list[str]:
        return [_acme_frame("fills", self._fill(fill)), _acme_frame("orders", self._order(fill.order))]

    def settled_frames(self) -> list[str]:
        return [_acme_frame("positions", self._position()), _acme_frame("balances", self._balance())]

    def _hear(self, message: dict[str, Any]) -> Heard:
        if message["op"] == "ping":
            return (), ['{"type": "pong"}']
        if message["op"] != "subscribe":
            return (), ()
        channel = message["channel"]
        topics = {"orderbook": "book", "trades": "trades", "funding": "funding", "orders": "account"}
        names = {key: message[key] for key in ("channel", "market") if key in message}
        frames = [json.dumps({"type": "subscribed", **names})]
        if channel == "orderbook":
            frames.append(self.dialect.book(self.book))
        return [topics[channel]] if channel in topics else [], frames

    async def _answer_placement(self, request: web.Request) -> web.Response:
        body = await _body(request)
        order = self.place(body["clientId"], body["side"] == "buy", body["price"], body["size"])
        return web.json_response(_success(self._order(order) | {"status": "new"}))

    async def _answer_cancel(self, request: web.Request) -> web.Response:
        if self.cancel(self.find(**request.match_info)):
            return web.json_response(_success("Order queued for cancellation"))
        return web.json_response({"success": False, "error": "Order already closed"}, status=400)

    async def _answer_order(self, request: web.Request) -> web.Response:
        order = self.find(**request.match_info)
        if order is None:
            return web.json_response({"success": False, "error": "Order not found"}, status=404)
        return web.json_response(_success(self._order(order)))

    async def _answer_history(self, request: web.Request) -> web.Response:
        since = float(request.query["start_time"])
        placed = [self._order(order) for order in self.orders() if order.placed >= since]
        return web.json_response(_success(placed) | {"hasMoreData": False})

    async def _answer_fills(self, request: web.Request) -> web.Response:
        since, order_id = float(request.query["start_time"]), request.query.get("orderId")
        fills = [fill for fill in self.fills if fill.time >= since and order_id in (None, str(fill.order.id))]
        return web.json_response(_success([self._fill(fill) for fill in fills]))

    def _market(self) -> dict[str, Any]:
        return {
            "name": self.symbol,
            "type": "future",
            "underlying": "C0",
            "baseCurrency": None,
            "quoteCurrency": None,
            "enabled": True,
            "postOnly": False,
            "restricted": False,
            "priceIncrement": TICK,
            "sizeIncrement": STEP,
            "minProvideSize": STEP,
            "last": market.MID_PRICE,
            "bid": market.MID_PRICE - market.TICK,
            "ask": market.MID_PRICE + market.TICK,
            "price": market.MID_PRICE,
        }

    def _future(self) -> dict[str, Any]:
        return {
            "name": self.symbol,
            "underlying": "C0",
            "type": "perpetual",
            "perpetual": True,
            "expired": False,
            "enabled": True,
            "expiry": None,
            "index": market.MID_PRICE,
            "mark": market.MID_PRICE,
            "last": market.MID_PRICE,
            "priceIncrement": TICK,
            "sizeIncrement": STEP,
            "nextFundingRate": 1.25e-05,
            "nextFundingTime": _iso(_next_hour()),
        }

    def _account(self) -> dict[str, Any]:
        return {
            "username": "bench",
            "collateral": BALANCE,
            "freeCollateral": self._balance()["free"],
            "leverage": LEVERAGE,
            "makerFee": FEE_RATE,
            "takerFee": 0.0005,
            "positions": [],
            "positionMode": "oneway",
        }

    def _balance(self) -> dict[str, Any]:
        margin = sum(float(order.price) * float(order.size) for order in self.open_orders()) / LEVERAGE
        return {"coin": "USD", "total": BALANCE, "free": BALANCE - margin, "usdValue": BALANCE, "spotBorrow": 0}

    def _position(self) -> dict[str, Any]:
        return {
            "future": self.symbol,
            "side": "buy",
            "size": 0,
            "netSize": 0,
            "openSize": 0,
            "longOrderSize": 0,
            "shortOrderSize": 0,
            "cost": 0,
            "entryPrice": None,
            "unrealizedPnl": 0,
            "realizedPnl": 0,
            "collateralUsed": 0,
            "positionSide": "net",
        }

    def _order(self, order: Order) -> dict[str, Any]:
        size, filled = float(order.size), float(order.size) if order.state == "filled" else 0
        return {
            "id": order.id,
            "clientId": order.client_id,
            "market": self.symbol,
            "future": self.symbol,
            "type": "limit",
            "side": _signed(order.is_buy, "buy", "sell"),
            "size": size,
            "price": float(order.price),
            "reduceOnly": False,
            "ioc": False,
            "postOnly": False,
            "status": "open" if order.state == "open" else "closed",
            "filledSize": filled,
            "remainingSize": size if order.state == "open" else 0,
            "avgFillPrice": float(order.price) if filled else None,
            "createdAt": _iso(order.placed),
            "liquidation": False,
            "positionSide": None,
        }

    def _fill(self, fill: Fill) -> dict[str, Any]:
        order = fill.order
        return {
            "id": fill.id,
            "market": self.symbol,
            "future": self.symbol,
            "type": "order",
            "side": _signed(order.is_buy, "buy", "sell"),
            "price": float(order.price),
            "size": float(order.size),
            "orderId": order.id,
            "tradeId": fill.id,
            "time": _iso(fill.time),
            "feeRate": FEE_RATE,
            "fee": float(order.fee),
            "feeCurrency": "USD",
            "liquidity": "maker",
            "baseCurrency": None,
            "quoteCurrency": None,
            "clientId": order.client_id,
            "positionSide": None,
        }


def _success(result: object) -> dict[str, Any]:
    return {"success": True, "result": result}


def _acme_frame(channel: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": "update", "channel": channel, "data": data})


# --------------------------------------------------------------------------------------------------------------- Bybit


class BybitExchange(Exchange):
    """Bybit's v5 API, linear perpetuals."""

    name = "bybit_perpetual"
    dialect = market.Bybit()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        get: dict[str, Callable[[web.Request], object]] = {
            "market/time": lambda _: {"timeSecond": str(int(time.time())), "timeNano": str(time.time_ns())},
            "market/instruments-info": lambda request: self._listed(
                [self._instrument()] if request.query["category"] == "linear" else []
            ),
            "market/tickers": lambda _: self._listed([self._ticker()]),
            "market/orderbook": lambda _: self._book(),
            "order/realtime": self._orders_asked_for,
            "execution/list": self._executions_asked_for,
            "account/wallet-balance": lambda _: self._listed([self._wallet()]),
            "account/withdrawal": lambda _: {"availableWithdrawal": str(BALANCE)},
            "account/transaction-log": lambda _: self._listed([]),
            "position/list": lambda _: self._listed([self._position()]),
        }
        for path, make in get.items():
            router.add_get(f"/v5/{path}", self._answering(make))
        for path in ("position/switch-mode", "position/set-leverage"):
            router.add_post(f"/v5/{path}", self._answering(lambda _: {}))
        router.add_post("/v5/order/create", self._answer_placement)
        router.add_post("/v5/order/cancel", self._answer_cancel)
        router.add_get("/v5/public/linear", self.streaming(self._hear))
        router.add_get("/v5/private", self.streaming(self._hear))

    def order_frames(self, order: Order) -> list[str]:
        return [self._frame("order", [self._order(order)]), self._frame("wallet", [self._wallet()])]

    def fill_frames(self, fill: Fill) -> list[str]:
        return [self._frame("execution", [self._execution(fill)]), self._frame("order", [self._order(fill.order)])]

    def settled_frames(self) -> list[str]:
        return [self._frame("position", [self._position()]), self._frame("wallet", [self._wallet()])]

    def _hear(self, message: dict[str, Any]) -> Heard:
        topics = {"orderbook": "book", "publicTrade": "trades", "tickers": "funding", "order": "account"}
        answer = json.dumps({"success": True, "ret_msg": "", "op": message["op"], "conn_id": "bench"})
        if message["op"] != "subscribe":
            return (), [answer]
        names = {name.split(".")[0] for name in message["args"]}
        return [topic for name, topic in topics.items() if name in names], [answer]

    @staticmethod
    def _answering(make: Callable[[web.Request], object]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return _bybit_answer(make(request))

        return handle

    async def _answer_placement(self, request: web.Request) -> web.Response:
        body = await _body(request)
        order = self.place(body["orderLinkId"], body["side"] == "Buy", body["price"], body["qty"])
        return _bybit_answer({"orderId": str(order.id), "orderLinkId": order.client_id})

    async def _answer_cancel(self, request: web.Request) -> web.Response:
        body = await _body(request)
        order = self.find(body.get("orderId"), body.get("orderLinkId"))
        if self.cancel(order):
            return _bybit_answer({"orderId": str(order.id), "orderLinkId": order.client_id})
        return _bybit_answer({}, 110001, "order not exists or too late to cancel")

    def _orders_asked_for(self, request: web.Request) -> object:
        order = self.find(request.query.get("orderId"), request.query.get("orderLinkId"))
        return self._listed([] if order is None else [self._order(order)])

    def _executions_asked_for(self, request: web.Request) -> object:
        since, order_id = int(request.query.get("startTime", 0)), request.query.get("orderId")
        fills = [fill for fill in self.fills if _milliseconds(fill.time) >= since]
        return self._listed([self._execution(fill) for fill in fills if order_id in (None, str(fill.order.id))])

    @staticmethod
    def _listed(entries: list[dict[str, Any]]) -> dict[str, Any]:
        return {"category": "linear", "list": entries, "nextPageCursor": ""}

    @staticmethod
    def _frame(topic: str, data: list[dict[str, Any]]) -> str:
        return json.dumps({"id": "m", "topic": topic, "creationTime": _milliseconds(time.time()), "data": data})

    def _instrument(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "contractType": "LinearPerpetual",
            "status": "Trading",
            "baseCoin": "C0",
            "quoteCoin": "USDT",
            "settleCoin": "USDT",
            "priceFilter": {"minPrice": "0.1", "maxPrice": "199999.8", "tickSize": str(TICK)},
            "lotSizeFilter": {
                "maxOrderQty": "1190",
                "minOrderQty": str(STEP),
                "qtyStep": str(STEP),
                "minNotionalValue": "5",
            },
        }

    def _ticker(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "lastPrice": str(market.MID_PRICE),
            "indexPrice": str(market.MID_PRICE),
            "markPrice": str(market.MID_PRICE),
            "fundingRate": "0.0000125",
            "nextFundingTime": str(_milliseconds(_next_hour())),
        }

    def _book(self) -> dict[str, Any]:
        book = self.book
        return {"s": self.symbol, "ts": _milliseconds(book.time), "u": book.number, **_texts_of(book, "b", "a")}

    def _wallet(self) -> dict[str, Any]:
        coin = {"coin": "USDT", "equity": str(BALANCE), "walletBalance": str(BALANCE), "unrealisedPnl": "0"}
        return {"accountType": "UNIFIED", "totalEquity": str(BALANCE), "coin": [coin]}

    def _position(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "side": "Buy",
            "size": "0",
            "positionValue": "0",
            "entryPrice": "0",
            "avgPrice": "0",
            "leverage": str(LEVERAGE),
            "unrealisedPnl": "0",
            "positionIdx": 0,
        }

    def _order(self, order: Order) -> dict[str, Any]:
        states = {"open": "New", "filled": "Filled", "cancelled": "Cancelled"}
        return {
            "category": "linear",
            "symbol": self.symbol,
            "orderId": str(order.id),
            "orderLinkId": order.client_id,
            "side": _signed(order.is_buy, "Buy", "Sell"),
            "orderType": "Limit",
            "orderStatus": states[order.state],
            "price": order.price,
            "qty": order.size,
            "timeInForce": "GTC",
            "cumExecQty": order.size if order.state == "filled" else "0",
            "createdTime": str(_milliseconds(order.placed)),
            "updatedTime": str(_milliseconds(time.time())),
        }

    def _execution(self, fill: Fill) -> dict[str, Any]:
        order = fill.order
        return {
            "category": "linear",
            "symbol": self.symbol,
            "execId": f"e-{fill.id}",
            "execFee": order.fee,
            "execPrice": order.price,
            "execQty": order.size,
            "execType": "Trade",
            "isMaker": True,
            "feeRate": str(FEE_RATE),
            "orderId": str(order.id),
            "orderLinkId": order.client_id,
            "orderPrice": order.price,
            "orderQty": order.size,
            "orderType": "Limit",
            "leavesQty": "0",
            "side": _signed(order.is_buy, "Buy", "Sell"),
            "execTime": str(_milliseconds(fill.time)),
        }


def _bybit_answer(result: object, code: int = 0, text: str = "OK") -> web.Response:
    now = _milliseconds(time.time())
    return web.json_response({"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now})


def _texts_of(book: market.Change, bids: str, asks: str) -> dict[str, list[list[str]]]:
    """All levels of a book under those names, as texts."""
    sides = [[[str(price), str(size)] for price, size in side] for side in book.best]
    return {bids: sides[0], asks: sides[1]}


# ------------------------------------------------------------------------------------------------------------- Binance


class BinanceExchange(Exchange):
    """Binance's futures API."""

    name = "binance_perpetual"
    dialect = market.Binance()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        empty: list[object] = []
        answers: dict[str, Callable[[], object]] = {
            "v1/ping": dict,
            "v1/time": lambda: {"serverTime": _milliseconds(time.time())},
            "v1/exchangeInfo": lambda: {"symbols": [self._instrument()]},
            "v1/depth": lambda: {"lastUpdateId": self.book.number, **_texts_of(self.book, "bids", "asks")},
            "v1/premiumIndex": self._premium,
            "v1/ticker/24hr": lambda: {"symbol": self.symbol, "lastPrice": str(market.MID_PRICE)},
            "v1/income": lambda: empty,
            "v1/positionSide/dual": lambda: {"dualSidePosition": False},
            "v2/account": lambda: {"assets": [self._asset()]},
            "v2/positionRisk": lambda: [self._position()],
        }
        for path, make in answers.items():
            router.add_get(f"/fapi/{path}", _always(make))
        router.add_get("/fapi/v1/order", self._answer_order)
        router.add_get("/fapi/v1/userTrades", self._answer_trades)
        router.add_delete("/fapi/v1/order", self._answer_cancel)
        router.add_post("/fapi/v1/order", self._answer_placement)
        router.add_post("/fapi/v1/leverage", self._answer_leverage)
        router.add_post("/fapi/v1/positionSide/dual", _always(lambda: {"code": 200, "msg": "success"}))
        router.add_post("/fapi/v1/listenKey", _always(lambda: {"listenKey": LISTEN_KEY}))
        router.add_put("/fapi/v1/listenKey", _always(lambda: {"listenKey": LISTEN_KEY}))
        for path in ("/public/stream", "/market/stream"):
            router.add_get(path, self.streaming(self._hear))
        router.add_get("/private/ws", self.streaming(self._hear, ["account"]))

    def order_frames(self, order: Order) -> list[str]:
        return [self._order_frame(order, "NEW" if order.state == "open" else "CANCELED")]

    def fill_frames(self, fill: Fill) -> list[str]:
        """The account's update comes before the order's, as on Binance."""
        now = _milliseconds(fill.time)
        held = fill.order.size if fill.order.is_buy else "0"
        position = {
            "s": self.symbol,
            "pa": held,
            "ep": fill.order.price,
            "cr": "0",
            "up": "0",
            "mt": "cross",
            "ps": "BOTH",
        }
        balance = {"a": "USDT", "wb": str(BALANCE), "cw": str(BALANCE), "bc": "0"}
        account = {"m": "ORDER", "B": [balance], "P": [position]}
        update = json.dumps({"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": account})
        return [update, self._order_frame(fill.order, "TRADE", fill)]

    def _order_frame(self, order: Order, kind: str, fill: Fill | None = None) -> str:
        now = _milliseconds(time.time())
        states = {"NEW": "NEW", "CANCELED": "CANCELED", "TRADE": "FILLED"}
        fields = {
            "s": self.symbol,
            "c": order.client_id,
            "S": _signed(order.is_buy, "BUY", "SELL"),
            "o": "LIMIT",
            "f": "GTC",
            "q": order.size,
            "p": order.price,
            "ap": order.price if fill else "0",
            "x": kind,
            "X": states[kind],
            "i": order.id,
            "l": order.size if fill else "0",
            "z": order.size if fill else "0",
            "L": order.price if fill else "0",
            "T": now,
            "t": fill.id if fill else 0,
            "m": bool(fill),
            "R": False,
            "ps": "BOTH",
            "rp": "0",
        }
        fee = {"N": "USDT", "n": order.fee} if fill else {}
        return json.dumps({"e": "ORDER_TRADE_UPDATE", "E": now, "T": now, "o": fields | fee})

    def _hear(self, message: dict[str, Any]) -> Heard:
        topics = {"depth": "book", "aggTrade": "trades", "markPrice": "funding"}
        names = {name.split("@")[1] for name in message["params"]}
        answer = json.dumps({"result": None, "id": message["id"]})
        return [topic for name, topic in topics.items() if name in names], [answer]

    async def _answer_placement(self, request: web.Request) -> web.Response:
        body = await _body(request)
        order = self.place(body["newClientOrderId"], body["side"] == "BUY", body["price"], body["quantity"])
        return web.json_response(self._order(order))

    async def _answer_cancel(self, request: web.Request) -> web.Response:
        order = self.find(client_id=(await _body(request))["origClientOrderId"])
        if self.cancel(order):
            return web.json_response(self._order(order))
        return web.json_response({"code": -2011, "msg": "Unknown order sent."}, status=400)

    async def _answer_order(self, request: web.Request) -> web.Response:
        order = self.find(client_id=request.query["origClientOrderId"])
        if order is None:
            return web.json_response({"code": -2013, "msg": "Order does not exist."}, status=400)
        return web.json_response(self._order(order))

    async def _answer_trades(self, request: web.Request) -> web.Response:
        since, order_id = int(request.query.get("startTime", 0)), request.query.get("orderId")
        fills = [fill for fill in self.fills if _milliseconds(fill.time) >= since]
        return web.json_response([self._trade(fill) for fill in fills if order_id in (None, str(fill.order.id))])

    async def _answer_leverage(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return web.json_response({"leverage": int(body["leverage"]), "symbol": self.symbol})

    def _instrument(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "pair": self.symbol,
            "contractType": "PERPETUAL",
            "status": "TRADING",
            "baseAsset": "C0",
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "4529764", "tickSize": str(TICK)},
                {"filterType": "LOT_SIZE", "minQty": str(STEP), "maxQty": "1000", "stepSize": str(STEP)},
                {"filterType": "MIN_NOTIONAL", "notional": "5"},
            ],
        }

    def _premium(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "markPrice": str(market.MID_PRICE),
            "indexPrice": str(market.MID_PRICE),
            "lastFundingRate": "0.0000125",
            "nextFundingTime": _milliseconds(_next_hour()),
        }

    def _asset(self) -> dict[str, Any]:
        return {"asset": "USDT", "walletBalance": str(BALANCE), "availableBalance": str(BALANCE)}

    def _position(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "positionSide": "BOTH",
            "positionAmt": "0",
            "entryPrice": "0",
            "unRealizedProfit": "0",
            "leverage": str(LEVERAGE),
        }

    def _order(self, order: Order) -> dict[str, Any]:
        states = {"open": "NEW", "filled": "FILLED", "cancelled": "CANCELED"}
        return {
            "orderId": order.id,
            "symbol": self.symbol,
            "status": states[order.state],
            "clientOrderId": order.client_id,
            "price": order.price,
            "origQty": order.size,
            "executedQty": order.size if order.state == "filled" else "0",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": _signed(order.is_buy, "BUY", "SELL"),
            "positionSide": "BOTH",
            "updateTime": _milliseconds(time.time()),
        }

    def _trade(self, fill: Fill) -> dict[str, Any]:
        order = fill.order
        return {
            "id": fill.id,
            "orderId": order.id,
            "symbol": self.symbol,
            "price": order.price,
            "qty": order.size,
            "quoteQty": str(float(order.price) * float(order.size)),
            "commission": order.fee,
            "commissionAsset": "USDT",
            "positionSide": "BOTH",
            "side": _signed(order.is_buy, "BUY", "SELL"),
            "time": _milliseconds(fill.time),
        }


# --------------------------------------------------------------------------------------------------------- Hyperliquid


class HyperliquidExchange(Exchange):
    """Hyperliquid's API, where everything is asked of one path, and ordered on another."""

    name = "hyperliquid_perpetual"
    dialect = market.Hyperliquid()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/info", self._answer_question)
        router.add_post("/exchange", self._answer_action)
        router.add_get("/ws", self.streaming(self._hear))

    def order_frames(self, order: Order) -> list[str]:
        return [json.dumps({"channel": "orderUpdates", "data": [self._update(order)]})]

    def fill_frames(self, fill: Fill) -> list[str]:
        fill_frame = json.dumps({"channel": "user", "data": {"fills": [self._fill(fill)]}})
        return [fill_frame, *self.order_frames(fill.order)]

    def _hear(self, message: dict[str, Any]) -> Heard:
        if message["method"] == "ping":
            return (), ['{"channel": "pong"}']
        topics = {"l2Book": "book", "trades": "trades", "activeAssetCtx": "funding", "orderUpdates": "account"}
        kind = message["subscription"]["type"]
        answer = json.dumps({"channel": "subscriptionResponse", "data": message})
        return [topics[kind]] if kind in topics else [], [answer]

    async def _answer_question(self, request: web.Request) -> web.Response:
        body = await _body(request)
        empty: list[object] = []
        answers: dict[str, Callable[[], object]] = {
            "meta": lambda: self._universe()[0],
            "metaAndAssetCtxs": self._universe,
            "l2Book": lambda: json.loads(self.dialect.book(self.book))["data"],
            "clearinghouseState": self._state,
            "spotClearinghouseState": lambda: {"balances": empty},
            "allPerpMetas": lambda: [self._universe()],
            "userAbstraction": lambda: "default",
            "maxBuilderFee": lambda: 0,
            "userFills": lambda: [self._fill(fill) for fill in reversed(self.fills)],
            "userFunding": lambda: empty,
            "orderStatus": lambda: self._status(body["oid"]),
        }
        return web.json_response(answers[body["type"]]())

    async def _answer_action(self, request: web.Request) -> web.Response:
        action = (await _body(request))["action"]
        if action["type"] == "order":
            (asked,) = action["orders"]
            order = self.place(asked["c"], asked["b"], asked["p"], asked["s"])
            return _hyperliquid_answer("order", {"resting": {"oid": order.id, "cloid": order.client_id}})
        if action["type"] == "cancelByCloid":
            (asked,) = action["cancels"]
            unknown = {"error": "Order was never placed, already canceled, or filled."}
            return _hyperliquid_answer(
                "cancel", "success" if self.cancel(self.find(client_id=asked["cloid"])) else unknown
            )
        return web.json_response({"status": "ok", "response": {"type": "default"}})

    def _universe(self) -> list[Any]:
        market_rules = {"name": self.symbol, "szDecimals": 3, "maxLeverage": 40}
        context = json.loads(self.dialect.funding(0))["data"]["ctx"]
        return [{"universe": [market_rules]}, [context]]

    def _state(self) -> dict[str, Any]:
        summary = {"accountValue": str(BALANCE), "totalNtlPos": "0.0", "totalMarginUsed": "0.0"}
        return {"crossMarginSummary": summary, "withdrawable": str(BALANCE), "assetPositions": []}

    def _status(self, asked: int | str) -> dict[str, Any]:
        order = self.find(asked) if isinstance(asked, int) else self.find(client_id=asked)
        return {"status": "unknownOid"} if order is None else {"status": "order", "order": self._update(order)}

    def _update(self, order: Order) -> dict[str, Any]:
        states = {"open": "open", "filled": "filled", "cancelled": "canceled"}
        return {
            "order": {
                "coin": self.symbol,
                "side": _signed(order.is_buy, "B", "A"),
                "limitPx": order.price,
                "sz": "0.0" if order.state == "filled" else order.size,
                "oid": order.id,
                "timestamp": _milliseconds(order.placed),
                "origSz": order.size,
                "cloid": order.client_id,
            },
            "status": states[order.state],
            "statusTimestamp": _milliseconds(time.time()),
        }

    def _fill(self, fill: Fill) -> dict[str, Any]:
        order = fill.order
        return {
            "coin": self.symbol,
            "px": order.price,
            "sz": order.size,
            "side": _signed(order.is_buy, "B", "A"),
            "time": _milliseconds(fill.time),
            "startPosition": "0.0",
            "dir": _signed(order.is_buy, "Open Long", "Open Short"),
            "closedPnl": "0.0",
            "hash": f"0x{fill.id:064x}",
            "oid": order.id,
            "crossed": False,
            "fee": order.fee,
            "tid": fill.id,
            "cloid": order.client_id,
            "feeToken": "USDC",
        }


def _hyperliquid_answer(kind: str, status: object) -> web.Response:
    return web.json_response({"status": "ok", "response": {"type": kind, "data": {"statuses": [status]}}})


EXCHANGES: dict[str, type[Exchange]] = {
    each.name: each for each in (AcmeExchange, BybitExchange, BinanceExchange, HyperliquidExchange)
}
