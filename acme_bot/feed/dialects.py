"""What each exchange's public frames say: pure functions from a frame to values, exact to the last digit.

Hummingbot's data sources connect, subscribe and sort the frames by channel; they are read here and not by Hummingbot's
own parsers where these lose something: prices become doubles (Bybit, Hyperliquid), contracts are taken for coins (OKX:
trades and snapshots), the rate is the open interest (Hyperliquid), funding is not recognised, or taken
for the one after the next (OKX), the first
frame of the book is ignored (Bybit), the exchange's time is left out (Binance).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

MICROSECONDS = 1_000
"""In a millisecond, which every one of these exchanges counts time in."""
HOUR = 3_600_000_000

Frame = Mapping[str, Any]
Levels = list[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class BookChange:
    """A frame of the book.

    :ivar whole: the levels are the whole book; else they are those that changed, size 0: gone.
    :ivar previous: what the frame before it must have had as `last`; None where the source says nothing about it.
    :ivar time: the source's, microseconds since the epoch.
    """

    whole: bool
    previous: int | None
    last: int | None
    time: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade; `side` is the taker's, `size` counts coins."""

    side: Literal["buy", "sell"]
    price: Decimal
    size: Decimal
    id: str
    time: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What a frame says of a market's prices; None: nothing."""

    mark: Decimal | None = None
    index: Decimal | None = None
    rate: Decimal | None = None
    next_funding_time: int | None = None


@dataclass(frozen=True)
class Dialect:
    """How to read the frames of one exchange.

    :ivar book: a frame of the book; the second argument is how many coins a contract has.
    :ivar trades: a frame of trades, likewise.
    :ivar prices: a frame of mark, index or funding, with the time it came, microseconds since the epoch.
    :ivar sends_whole_book: the stream begins with the whole book; else that is asked for over REST.
    :ivar is_prices: frames of prices that Hummingbot's data source does not recognise as such.
    :ivar asked: fields of `Prices` that no stream tells, and which are asked for again and again.
    :ivar maker_fee: of an account without any discount, a fraction of the notional; `taker_fee` likewise.
    :ivar snapshot: the answer to that request, where `sends_whole_book` is not set.
    """

    book: Callable[[Frame, Decimal], BookChange]
    trades: Callable[[Frame, Decimal], Iterator[Trade]]
    prices: Callable[[Frame, int], Prices]
    sends_whole_book: bool
    maker_fee: Decimal
    taker_fee: Decimal
    snapshot: Callable[[Frame], BookChange] | None = None
    is_prices: Callable[[Frame], bool] = lambda _frame: False
    asked: frozenset[str] = frozenset()


def _levels(rows: list[list[str]], contract: Decimal = Decimal(1)) -> Levels:
    return [(Decimal(row[0]), Decimal(row[1]) * contract) for row in rows]


def _optional(fields: Frame, name: str) -> Decimal | None:
    text = fields.get(name)
    return Decimal(text) if text else None


# ------------------------------------------------------------------------------------------------------------- Binance


def _binance_book(frame: Frame, _contract: Decimal) -> BookChange:
    data = frame["data"]
    return BookChange(False, data["pu"], data["u"], data["T"] * MICROSECONDS, _levels(data["b"]), _levels(data["a"]))


def _binance_snapshot(answer: Frame) -> BookChange:
    return BookChange(
        True, None, answer["lastUpdateId"], answer["T"] * MICROSECONDS, _levels(answer["bids"]), _levels(answer["asks"])
    )


def _binance_trades(frame: Frame, _contract: Decimal) -> Iterator[Trade]:
    data = frame["data"]
    side: Literal["buy", "sell"] = "sell" if data["m"] else "buy"
    yield Trade(side, Decimal(data["p"]), Decimal(data["q"]), str(data["a"]), data["T"] * MICROSECONDS)


def _binance_prices(frame: Frame, _now: int) -> Prices:
    data = frame["data"]
    return Prices(Decimal(data["p"]), Decimal(data["i"]), _optional(data, "r"), data["T"] * MICROSECONDS or None)


# --------------------------------------------------------------------------------------------------------------- Bybit


def _bybit_book(frame: Frame, _contract: Decimal) -> BookChange:
    data = frame["data"]
    # An update with the number 1 is a new beginning, whatever it is called.
    whole = frame["type"] == "snapshot" or data["u"] == 1
    previous = None if whole else data["u"] - 1
    return BookChange(whole, previous, data["u"], frame["cts"] * MICROSECONDS, _levels(data["b"]), _levels(data["a"]))


def _bybit_trades(frame: Frame, _contract: Decimal) -> Iterator[Trade]:
    for each in frame["data"]:
        side: Literal["buy", "sell"] = "buy" if each["S"] == "Buy" else "sell"
        yield Trade(side, Decimal(each["p"]), Decimal(each["v"]), each["i"], int(each["T"]) * MICROSECONDS)


def _bybit_prices(frame: Frame, _now: int) -> Prices:
    data = frame["data"]
    due = data.get("nextFundingTime")
    return Prices(
        _optional(data, "markPrice"),
        _optional(data, "indexPrice"),
        _optional(data, "fundingRate"),
        int(due) * MICROSECONDS if due else None,
    )


# --------------------------------------------------------------------------------------------------------- Hyperliquid


def _hyperliquid_book(frame: Frame, _contract: Decimal) -> BookChange:
    data = frame["data"]
    bids, asks = ([(Decimal(each["px"]), Decimal(each["sz"])) for each in side] for side in data["levels"])
    return BookChange(True, None, None, data["time"] * MICROSECONDS, bids, asks)


def _hyperliquid_trades(frame: Frame, _contract: Decimal) -> Iterator[Trade]:
    for each in frame["data"]:
        side: Literal["buy", "sell"] = "buy" if each["side"] == "B" else "sell"
        yield Trade(side, Decimal(each["px"]), Decimal(each["sz"]), str(each["tid"]), each["time"] * MICROSECONDS)


def _hyperliquid_prices(frame: Frame, now: int) -> Prices:
    context = frame["data"]["ctx"]
    due = (now // HOUR + 1) * HOUR
    return Prices(
        Decimal(context["markPx"]), Decimal(context["oraclePx"]), Decimal(context["funding"]), next_funding_time=due
    )


# ----------------------------------------------------------------------------------------------------------------- OKX


def _okx_book(frame: Frame, contract: Decimal) -> BookChange:
    data = frame["data"][0]
    whole = frame["action"] == "snapshot"
    return BookChange(
        whole,
        None if whole else data["prevSeqId"],
        data["seqId"],
        int(data["ts"]) * MICROSECONDS,
        _levels(data["bids"], contract),
        _levels(data["asks"], contract),
    )


def _okx_trades(frame: Frame, contract: Decimal) -> Iterator[Trade]:
    for each in frame["data"]:
        time = int(each["ts"]) * MICROSECONDS
        yield Trade(each["side"], Decimal(each["px"]), Decimal(each["sz"]) * contract, each["tradeId"], time)


def _okx_prices(frame: Frame, _now: int) -> Prices:
    data = frame["data"][0]
    due = data.get("fundingTime")
    return Prices(
        _optional(data, "markPx"),
        _optional(data, "idxPx"),
        _optional(data, "fundingRate"),
        int(due) * MICROSECONDS if due else None,
    )


def _is_okx_funding(frame: Frame) -> bool:
    return "data" in frame and bool(frame["arg"]["channel"] == "funding-rate")


def _fees(maker: str, taker: str) -> tuple[Decimal, Decimal]:
    return Decimal(maker), Decimal(taker)


# The published fees of the lowest tier: Hummingbot's tables are older, and have Bybit's the wrong way round.
DIALECTS = {
    "binance_perpetual": Dialect(
        _binance_book, _binance_trades, _binance_prices, False, *_fees("0.0002", "0.0005"), _binance_snapshot
    ),
    "bybit_perpetual": Dialect(_bybit_book, _bybit_trades, _bybit_prices, True, *_fees("0.0002", "0.00055")),
    "hyperliquid_perpetual": Dialect(
        _hyperliquid_book, _hyperliquid_trades, _hyperliquid_prices, True, *_fees("0.00015", "0.00045")
    ),
    "okx_perpetual": Dialect(
        _okx_book,
        _okx_trades,
        _okx_prices,
        True,
        *_fees("0.0002", "0.0005"),
        is_prices=_is_okx_funding,
        asked=frozenset({"index"}),
    ),
}
"""Those that were checked against frames of the exchange, by the name of Hummingbot's connector."""
