"""A market's books, trades, funding and fills, as frames of each exchange: the same events in every dialect.

Nothing here is the connector's: a frame that it could not read is a mistake on one side.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

DEPTH = 100
MID_PRICE = 60_000.0
SHOWN = 20
"""Levels a side that Hyperliquid tells, whatever changed."""
TICK = 1.0
START = 1_767_323_045.678
"""When event 0 of trades, funding and fills was, in seconds since the epoch; each number is a millisecond later."""
HOUR = 3600


@dataclass(frozen=True)
class Change:
    """Levels that changed in one market, best first; size 0: gone.

    :ivar checksum: of the book after it (Acme API §6).
    :ivar best: the book after it, bids and asks, best first, for an exchange that always tells all of it.
    """

    market: int
    number: int
    time: float
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    checksum: int
    best: tuple[list[tuple[float, float]], list[tuple[float, float]]]
    is_full: bool = False


class Book:
    """One market's book, 100 levels a side, of which a few change at a time."""

    def __init__(self, market: int):
        self._random = Random(market)
        self._market = market
        self._number = 0
        self._bids = {MID_PRICE - TICK * (place + 1): self._size() for place in range(DEPTH)}
        self._asks = {MID_PRICE + TICK * (place + 1): self._size() for place in range(DEPTH)}

    def full(self) -> Change:
        return self._change(self._best(self._bids, -1), self._best(self._asks, 1), is_full=True)

    def change(self, levels: int) -> Change:
        """`levels` of both sides together get another size."""
        self._number += 1
        bids = self._resize(self._bids, levels // 2)
        asks = self._resize(self._asks, levels - levels // 2)
        return self._change(bids, asks)

    def _change(self, bids: list, asks: list, is_full: bool = False) -> Change:
        best = self._best(self._bids, -1), self._best(self._asks, 1)
        time = START + self._number * 0.1
        return Change(self._market, self._number, time, bids, asks, self._checksum(*best), best, is_full)

    def _resize(self, side: dict[float, float], levels: int) -> list[tuple[float, float]]:
        prices = self._random.sample(sorted(side), levels)
        for price in prices:
            side[price] = self._size()
        return [(price, side[price]) for price in prices]

    def _size(self) -> float:
        return self._random.randint(1, 90_000) / 10_000

    @staticmethod
    def _checksum(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> int:
        numbers = (str(number) for bid, ask in zip(bids, asks) for number in (*bid, *ask))
        return zlib.crc32(":".join(numbers).encode())

    @staticmethod
    def _best(side: dict[float, float], sign: int) -> list[tuple[float, float]]:
        return sorted(side.items(), key=lambda level: sign * level[0])


def changes(count: int, levels: int, markets: int = 1) -> tuple[list[Change], list[Change]]:
    """The full states that a subscription begins with, and so many changes after them, one market after the other."""
    books = [Book(market) for market in range(markets)]
    return [book.full() for book in books], [books[number % markets].change(levels) for number in range(count)]


class Acme:
    """Frames of the Acme API §6."""

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}-PERP"

    def book(self, change: Change) -> str:
        kind = "partial" if change.is_full else "update"
        return json.dumps(
            {
                "channel": "orderbook",
                "market": self.symbol(change.market),
                "type": kind,
                "data": {
                    "time": change.time,
                    "checksum": change.checksum,
                    "bids": change.bids,
                    "asks": change.asks,
                    "action": kind,
                },
            }
        )

    def trade(self, number: int) -> str:
        return json.dumps(
            {
                "channel": "trades",
                "market": self.symbol(0),
                "type": "update",
                "data": [
                    {
                        "id": number,
                        "price": MID_PRICE,
                        "size": 0.25,
                        "side": "buy",
                        "liquidation": False,
                        "time": _iso(number),
                    }
                ],
            }
        )

    def funding(self, number: int) -> str:
        return json.dumps(
            {
                "channel": "funding",
                "market": self.symbol(0),
                "type": "update",
                "data": {
                    "future": self.symbol(0),
                    "index": MID_PRICE,
                    "mark": MID_PRICE + number % 7,
                    "nextFundingRate": 1.25e-05,
                    "nextFundingTime": datetime.fromtimestamp(_next_funding(number), UTC).isoformat(),
                    "openInterest": 12.5,
                    "time": _iso(number),
                },
            }
        )

    def fill(self, number: int, client_id: str, exchange_id: str) -> str:
        return json.dumps(
            {
                "channel": "fills",
                "type": "update",
                "data": {
                    "id": number,
                    "market": self.symbol(0),
                    "future": self.symbol(0),
                    "type": "order",
                    "side": "buy",
                    "price": MID_PRICE,
                    "size": 0.001,
                    "orderId": int(exchange_id),
                    "tradeId": number,
                    "time": _iso(number),
                    "feeRate": 0.0002,
                    "fee": 0.012,
                    "feeCurrency": "USD",
                    "liquidity": "maker",
                    "baseCurrency": None,
                    "quoteCurrency": None,
                    "clientId": client_id,
                    "positionSide": None,
                },
            }
        )


class Bybit:
    """Frames of Bybit's v5 API for linear perpetuals."""

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}USDT"

    def book(self, change: Change) -> str:
        return json.dumps(
            {
                "topic": f"orderbook.200.{self.symbol(change.market)}",
                "type": "delta",
                "ts": int(change.time * 1e3),
                "data": {
                    "s": self.symbol(change.market),
                    "b": _texts(change.bids),
                    "a": _texts(change.asks),
                    "u": change.number,
                    "seq": change.number,
                },
                "cts": int(change.time * 1e3),
            }
        )

    def trade(self, number: int) -> str:
        return json.dumps(
            {
                "topic": f"publicTrade.{self.symbol(0)}",
                "type": "snapshot",
                "ts": _milliseconds(number),
                "data": [
                    {
                        "T": _milliseconds(number),
                        "s": self.symbol(0),
                        "S": "Buy",
                        "v": "0.25",
                        "p": str(MID_PRICE),
                        "L": "PlusTick",
                        "i": f"20f43950-{number}",
                        "BT": False,
                    }
                ],
            }
        )

    def funding(self, number: int) -> str:
        return json.dumps(
            {
                "topic": f"tickers.{self.symbol(0)}",
                "type": "delta",
                "ts": _milliseconds(number),
                "data": {
                    "symbol": self.symbol(0),
                    "indexPrice": str(MID_PRICE),
                    "markPrice": str(MID_PRICE + number % 7),
                    "nextFundingTime": f"{_next_funding(number)}000",
                    "fundingRate": "0.0000125",
                },
                "cs": number,
            }
        )

    def fill(self, number: int, client_id: str, exchange_id: str) -> str:
        return json.dumps(
            {
                "id": f"m-{number}",
                "topic": "execution",
                "creationTime": _milliseconds(number),
                "data": [
                    {
                        "category": "linear",
                        "symbol": self.symbol(0),
                        "execFee": "0.012",
                        "execId": f"e-{number}",
                        "execPrice": str(MID_PRICE),
                        "execQty": "0.001",
                        "execType": "Trade",
                        "execValue": "60",
                        "isMaker": True,
                        "feeRate": "0.0002",
                        "orderId": exchange_id,
                        "orderLinkId": client_id,
                        "orderPrice": str(MID_PRICE),
                        "orderQty": "1000",
                        "orderType": "Limit",
                        "leavesQty": "1",
                        "side": "Buy",
                        "execTime": str(_milliseconds(number)),
                    }
                ],
            }
        )


class Binance:
    """Frames of Binance's futures API."""

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}USDT"

    def book(self, change: Change) -> str:
        name = self.symbol(change.market)
        return json.dumps(
            {
                "stream": f"{name.lower()}@depth",
                "data": {
                    "e": "depthUpdate",
                    "E": int(change.time * 1e3),
                    "T": int(change.time * 1e3),
                    "s": name,
                    "U": change.number,
                    "u": change.number,
                    "pu": change.number - 1,
                    "b": _texts(change.bids),
                    "a": _texts(change.asks),
                },
            }
        )

    def trade(self, number: int) -> str:
        name = self.symbol(0)
        return json.dumps(
            {
                "stream": f"{name.lower()}@aggTrade",
                "data": {
                    "e": "aggTrade",
                    "E": _milliseconds(number),
                    "s": name,
                    "a": number,
                    "p": str(MID_PRICE),
                    "q": "0.25",
                    "f": number,
                    "l": number,
                    "T": _milliseconds(number),
                    "m": False,
                },
            }
        )

    def funding(self, number: int) -> str:
        name = self.symbol(0)
        return json.dumps(
            {
                "stream": f"{name.lower()}@markPrice",
                "data": {
                    "e": "markPriceUpdate",
                    "E": _milliseconds(number),
                    "s": name,
                    "p": str(MID_PRICE + number % 7),
                    "i": str(MID_PRICE),
                    "P": str(MID_PRICE),
                    "r": "0.0000125",
                    "T": _next_funding(number) * 1000,
                },
            }
        )

    def fill(self, number: int, client_id: str, exchange_id: str) -> str:
        return json.dumps(
            {
                "e": "ORDER_TRADE_UPDATE",
                "E": _milliseconds(number),
                "T": _milliseconds(number),
                "o": {
                    "s": self.symbol(0),
                    "c": client_id,
                    "S": "BUY",
                    "o": "LIMIT",
                    "f": "GTC",
                    "q": "1000",
                    "p": str(MID_PRICE),
                    "ap": str(MID_PRICE),
                    "x": "TRADE",
                    "X": "PARTIALLY_FILLED",
                    "i": int(exchange_id),
                    "l": "0.001",
                    "z": "0.001",
                    "L": str(MID_PRICE),
                    "N": "USDT",
                    "n": "0.012",
                    "T": _milliseconds(number),
                    "t": number + 1,
                    "m": True,
                    "R": False,
                    "ps": "BOTH",
                    "rp": "0",
                },
            }
        )


class Hyperliquid:
    """Frames of Hyperliquid's API. It tells no changes: each frame is the whole of the book's best levels."""

    def __init__(self, shown: int = SHOWN):
        self._shown = shown

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}"

    def book(self, change: Change) -> str:
        levels = [
            [{"px": str(price), "sz": str(size), "n": 1} for price, size in side[: self._shown]] for side in change.best
        ]
        data = {"coin": self.symbol(change.market), "time": int(change.time * 1e3), "levels": levels}
        return json.dumps({"channel": "l2Book", "data": data})

    def trade(self, number: int) -> str:
        return json.dumps(
            {
                "channel": "trades",
                "data": [
                    {
                        "coin": self.symbol(0),
                        "side": "B",
                        "px": str(MID_PRICE),
                        "sz": "0.25",
                        "time": _milliseconds(number),
                        "hash": f"0x{number:064x}",
                        "tid": number,
                        "users": ["0x" + "1" * 40, "0x" + "2" * 40],
                    }
                ],
            }
        )

    def funding(self, number: int) -> str:
        return json.dumps(
            {
                "channel": "activeAssetCtx",
                "data": {
                    "coin": self.symbol(0),
                    "ctx": {
                        "funding": "0.0000125",
                        "openInterest": "12.5",
                        "prevDayPx": str(MID_PRICE),
                        "dayNtlVlm": "1169046.29",
                        "premium": "0.00031774",
                        "oraclePx": str(MID_PRICE),
                        "markPx": str(MID_PRICE + number % 7),
                        "midPx": str(MID_PRICE),
                        "impactPxs": [str(MID_PRICE - TICK), str(MID_PRICE + TICK)],
                        "dayBaseVlm": "19.48",
                    },
                },
            }
        )

    def fill(self, number: int, client_id: str, exchange_id: str) -> str:
        return json.dumps(
            {
                "channel": "user",
                "data": {
                    "fills": [
                        {
                            "coin": self.symbol(0),
                            "px": str(MID_PRICE),
                            "sz": "0.001",
                            "side": "B",
                            "time": _milliseconds(number),
                            "startPosition": "0.0",
                            "dir": "Open Long",
                            "closedPnl": "0.0",
                            "hash": f"0x{number:064x}",
                            "oid": int(exchange_id),
                            "crossed": False,
                            "fee": "0.012",
                            "tid": number,
                            "cloid": client_id,
                            "feeToken": "USDC",
                        }
                    ]
                },
            }
        )


class Bitget:
    """Frames of Bitget's API for mixed contracts; its books."""

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}USDT"

    def book(self, change: Change) -> str:
        milliseconds = int(change.time * 1e3)
        return json.dumps(
            {
                "action": "update",
                "arg": {"instType": "USDT-FUTURES", "channel": "books", "instId": self.symbol(change.market)},
                "data": [
                    {
                        "asks": _texts(change.asks),
                        "bids": _texts(change.bids),
                        "checksum": 0,
                        "seq": change.number,
                        "ts": str(milliseconds),
                    }
                ],
                "ts": milliseconds,
            }
        )


class Okx:
    """Frames of OKX's v5 API; its trades."""

    @staticmethod
    def symbol(market: int) -> str:
        return f"C{market}-USDT-SWAP"

    def trade(self, number: int) -> str:
        return json.dumps(
            {
                "arg": {"channel": "trades", "instId": self.symbol(0)},
                "data": [
                    {
                        "instId": self.symbol(0),
                        "tradeId": str(number),
                        "px": str(MID_PRICE),
                        "sz": "0.25",
                        "side": "buy",
                        "ts": str(_milliseconds(number)),
                        "count": "1",
                    }
                ],
            }
        )


def _texts(levels: list[tuple[float, float]]) -> list[list[str]]:
    return [[str(price), str(size)] for price, size in levels]


def _milliseconds(number: int) -> int:
    return int((START + number * 0.001) * 1e3)


def _iso(number: int) -> str:
    return datetime.fromtimestamp(START + number * 0.001, UTC).isoformat(timespec="microseconds")


def _next_funding(number: int) -> int:
    """The next full hour after an event, in seconds since the epoch."""
    return (int(START + number * 0.001) // HOUR + 1) * HOUR


def frames(dialect: Acme | Bybit | Binance | Hyperliquid | Okx, kind: str, count: int) -> Iterator[str]:
    """`count` frames of trades or funding."""
    return map(getattr(dialect, kind), range(1, count + 1))
