"""Reads each exchange's public frames: pure functions from a frame to values, exact to the last digit.

Hummingbot's data sources connect, subscribe and sort the frames by channel; they are read here and not by Hummingbot's
own parsers where these lose something: prices become doubles (Bybit, Hyperliquid), contracts are taken for coins (OKX:
trades and snapshots), the rate is the open interest (Hyperliquid), funding is not recognised, or taken
for the one after the next (OKX), the first
frame of the book is ignored (Bybit), the exchange's time is left out (Binance).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
class FundingHistory:
    """Where an exchange tells of the rates that were paid.

    :ivar url: from Hummingbot's constants for the exchange.
    :ivar fields: what is asked, of a symbol and a time in milliseconds.
    :ivar read: the payments in the answer: when, in microseconds since the epoch, and the rate.
    """

    url: Callable[[Any], str]
    fields: Callable[[str, int], dict[str, str | int]]
    read: Callable[[Any], Iterator[tuple[int, Decimal]]]
    method: Literal["GET", "POST"] = "GET"


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
    :ivar history: of funding.
    :ivar snapshot: the answer to that request, where `sends_whole_book` is not set.
    """

    book: Callable[[Frame, Decimal], BookChange]
    trades: Callable[[Frame, Decimal], Iterator[Trade]]
    prices: Callable[[Frame, int], Prices]
    sends_whole_book: bool
    maker_fee: Decimal
    taker_fee: Decimal
    history: FundingHistory
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


# ------------------------------------------------------------------------------------------------------------- funding

MINUTE = 60_000


def _payments(rows: Iterable[Frame], time: str, *rates: str) -> Iterator[tuple[int, Decimal]]:
    """Under the first name of `rates` that a row has a value for."""
    for row in rows:
        yield int(row[time]) * MICROSECONDS, Decimal(next(row[name] for name in rates if row.get(name)))


BINANCE_HISTORY = FundingHistory(
    lambda constants: f"{constants.PERPETUAL_BASE_URL}v1/fundingRate",
    lambda symbol, due: {"symbol": symbol, "startTime": due - MINUTE, "limit": 3},
    lambda answer: _payments(answer, "fundingTime", "fundingRate"),
)
BYBIT_HISTORY = FundingHistory(
    lambda constants: f"{constants.REST_URLS['bybit_perpetual_main']}v5/market/funding/history",
    lambda symbol, due: {"category": "linear", "symbol": symbol, "startTime": due - MINUTE, "endTime": due + MINUTE},
    lambda answer: _payments(answer["result"]["list"], "fundingRateTimestamp", "fundingRate"),
)
HYPERLIQUID_HISTORY = FundingHistory(
    lambda constants: f"{constants.PERPETUAL_BASE_URL}/info",
    lambda symbol, due: {"type": "fundingHistory", "coin": symbol, "startTime": due - MINUTE},
    lambda answer: _payments(answer, "time", "fundingRate"),
    "POST",
)
OKX_HISTORY = FundingHistory(
    lambda constants: f"{constants.REST_URLS['okx_perpetual']}/api/v5/public/funding-rate-history",
    lambda symbol, due: {"instId": symbol, "after": due + MINUTE, "limit": 3},
    lambda answer: _payments(answer["data"], "fundingTime", "realizedRate", "fundingRate"),
)


def _fees(maker: str, taker: str) -> tuple[Decimal, Decimal]:
    return Decimal(maker), Decimal(taker)


# The published fees of the lowest tier: Hummingbot's tables are older, and have Bybit's the wrong way round.
DIALECTS = {
    "binance_perpetual": Dialect(
        _binance_book,
        _binance_trades,
        _binance_prices,
        False,
        *_fees("0.0002", "0.0005"),
        BINANCE_HISTORY,
        _binance_snapshot,
    ),
    "bybit_perpetual": Dialect(
        _bybit_book, _bybit_trades, _bybit_prices, True, *_fees("0.0002", "0.00055"), BYBIT_HISTORY
    ),
    "hyperliquid_perpetual": Dialect(
        _hyperliquid_book,
        _hyperliquid_trades,
        _hyperliquid_prices,
        True,
        *_fees("0.00015", "0.00045"),
        HYPERLIQUID_HISTORY,
    ),
    "okx_perpetual": Dialect(
        _okx_book,
        _okx_trades,
        _okx_prices,
        True,
        *_fees("0.0002", "0.0005"),
        OKX_HISTORY,
        is_prices=_is_okx_funding,
        asked=frozenset({"index"}),
    ),
}
"""Those that were checked against frames of the exchange, by the name of Hummingbot's connector."""
