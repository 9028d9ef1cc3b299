"""Public data of the Acme API v1 as Hummingbot's data types: markets, candles, books, trades, funding.

Pure functions: dictionaries in, values out. What is malformed raises `WireError`, which names the field.
"""

from contextlib import suppress
from decimal import Decimal
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional

from bidict import bidict

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.connector.utils import combine_to_hb_trading_pair
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_row import OrderBookRow

PERPETUAL_SUFFIX = "-PERP"
TRADE_TYPES = {"buy": TradeType.BUY, "sell": TradeType.SELL}
_TRADE_TYPE_NUMBERS = {side: float(trade_type.value) for side, trade_type in TRADE_TYPES.items()}


# ------------------------------------------------------------------------------------------ markets and trading rules


def markets(answer: Any) -> List[Dict[str, Any]]:
    """The markets of `GET /markets` (Acme API §4). Raises WireError when the answer holds no list."""
    rows = wire.result(answer)
    if not isinstance(rows, list):
        raise wire.WireError("'result' is not a list of markets")
    return rows


def is_tradable(entry: Any) -> bool:
    """Whether a market is one that Hummingbot can trade: a perpetual, enabled (Acme API §1)."""
    return (
        isinstance(entry, dict)
        and entry.get("type") == "future"
        and entry.get("enabled") is True
        and wire.text_or_empty(entry, "name").endswith(PERPETUAL_SUFFIX)
        and bool(wire.text_or_empty(entry, "underlying"))
    )


def is_nameable(entry: Dict[str, Any]) -> bool:
    """Whether Hummingbot can name a tradable market: it splits a pair's name at its only hyphen."""
    return "-" not in wire.text_field(entry, "underlying")


def tradable(entries: Iterable[Any]) -> Iterator[Dict[str, Any]]:
    """Those of the markets that Hummingbot can trade, and name."""
    return filter(is_nameable, filter(is_tradable, entries))


def market_name(entry: Dict[str, Any]) -> str:
    """The venue's name of a market, such as `BTC-PERP`."""
    return wire.text_field(entry, "name")


def trading_pair(entry: Dict[str, Any]) -> str:
    """Hummingbot's name of a perpetual market, such as `BTC-USD` (Acme API §1)."""
    return combine_to_hb_trading_pair(wire.text_field(entry, "underlying"), CONSTANTS.QUOTE_ASSET)


def trading_pair_symbols(entries: Iterable[Any]) -> bidict:
    """The names of the tradable markets: the venue's to Hummingbot's. Of two with one underlying, the first counts; one
    that Hummingbot cannot name is left out."""
    symbols: bidict[str, str] = bidict()
    for entry in tradable(entries):
        if market_name(entry) not in symbols and trading_pair(entry) not in symbols.inverse:
            symbols[market_name(entry)] = trading_pair(entry)
    return symbols


def trading_rule(entry: Dict[str, Any]) -> TradingRule:
    """A market's rules, in units of its underlying and of USD (Acme API §4, market).

    The API has no minimum notional; the smallest value that an order can have is one size increment at one price
    increment.

    The least size is that of whatever can be held, and so has to be closed; what may rest is `smallest_resting_size`.

    :raises WireError: when a number is absent, or not above zero, or Hummingbot has no name for the market
    """
    if not is_nameable(entry):
        raise wire.WireError("'underlying' has a hyphen, which no name of a trading pair of Hummingbot's can hold")
    price_increment = wire.positive_decimal(entry, "priceIncrement")
    size_increment = wire.positive_decimal(entry, "sizeIncrement")
    return TradingRule(
        trading_pair=trading_pair(entry),
        min_order_size=size_increment,
        min_price_increment=price_increment,
        min_base_amount_increment=size_increment,
        min_notional_size=price_increment * size_increment,
        buy_order_collateral_token=CONSTANTS.QUOTE_ASSET,
        sell_order_collateral_token=CONSTANTS.QUOTE_ASSET,
    )


def smallest_resting_size(entry: Dict[str, Any]) -> Decimal:
    """The least size of an order that waits in the book, in units of the underlying (Acme API §4, `minProvideSize`).

    :raises WireError: when it is absent, or not above zero
    """
    return wire.positive_decimal(entry, "minProvideSize")


def last_price(entry: Dict[str, Any]) -> Optional[float]:
    """A market's last traded price or, where nothing was traded yet, the venue's price of it; None where there is
    neither.

    :raises WireError: when one is no number
    """
    last = wire.optional_decimal(entry, "last")
    price = wire.optional_decimal(entry, "price") if last is None else last
    return None if price is None else float(price)


def last_prices(answer: Any) -> Dict[str, float]:
    """The last traded price, in USD, of each tradable pair that has one, from `GET /markets` (Acme API §4).

    :raises WireError: when the answer holds no list; an entry whose price is none is left out
    """
    prices = {}
    for entry in tradable(markets(answer)):
        with suppress(wire.WireError):
            prices[trading_pair(entry)] = last_price(entry)
    return {pair: price for pair, price in prices.items() if price is not None}


def prices(answer: Any) -> Dict[str, Decimal]:
    """What one unit of each tradable pair's underlying is worth, in USD, from `GET /markets` (Acme API §4).

    :raises WireError: when the answer holds no list; an entry whose price is none is left out
    """
    found = {}
    for entry in tradable(markets(answer)):
        with suppress(wire.WireError):
            found[trading_pair(entry)] = wire.positive_decimal(entry, "price")
    return found


def perpetual_name(pair: str) -> str:
    """The venue's name of the perpetual that a trading pair stands for, such as `BTC-PERP` (Acme API §1)."""
    return pair.removesuffix(f"-{CONSTANTS.QUOTE_ASSET}") + PERPETUAL_SUFFIX


# ------------------------------------------------------------------------------------------------------------ candles


class VenueCandle(NamedTuple):
    """A candle as the venue has it (Acme API §4, candle). Prices and volume in USD."""

    start: float  # seconds since the epoch
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def candles_params(resolution: int, start_time: Optional[int] = None, end_time: Optional[int] = None) -> Dict[str, int]:
    """The query for the latest candles that begin within a period, as many as one answer holds (Acme API §4).

    :param resolution: seconds
    :param start_time: seconds since the epoch, inclusive, as is `end_time`
    """
    period = {"start_time": start_time, "end_time": end_time}
    return {"resolution": resolution, **{name: time for name, time in period.items() if time is not None}}


def candles(answer: Any) -> List[VenueCandle]:
    """The candles of `GET /markets/{market}/candles`, oldest first. Raises WireError when one is malformed."""
    return [_candle(entry) for entry in wire.entries(answer)]


def _candle(entry: Dict[str, Any]) -> VenueCandle:
    prices = {name: wire.positive_decimal(entry, name) for name in ("open", "high", "low", "close")}
    return VenueCandle(start=wire.time_field(entry, "startTime"), volume=wire.decimal_field(entry, "volume"), **prices)


# -------------------------------------------------------------------------------------------- books, trades, funding


class BookFrame(NamedTuple):
    """What one frame of the `orderbook` channel says (Acme API §6). Each level is a price and a size, both still
    unchecked; a size of 0 takes the level away."""

    bids: List[Any]
    asks: List[Any]
    checksum: int
    time: float  # seconds since the epoch
    is_full: bool


class BookMessage(NamedTuple):
    """A change of a book, or all of it, with the attributes of Hummingbot's `OrderBookMessage`. Its levels have those
    of `OrderBookRow`."""

    type: OrderBookMessageType
    trading_pair: str
    update_id: int
    timestamp: float  # the venue's, in seconds since the epoch
    bids: List[Any]
    asks: List[Any]


def book_depth_params() -> Dict[str, int]:
    """The query for as deep a book as there is (Acme API §4)."""
    return {"depth": CONSTANTS.ORDER_BOOK_DEPTH}


def book_frame(frame: Dict[str, Any]) -> BookFrame:
    """The contents of a frame of the `orderbook` channel. Raises WireError when it is malformed."""
    data = wire.payload(frame)
    checksum = wire.field(data, "checksum")
    if type(checksum) is not int:
        raise wire.WireError("'checksum' is not an integer")
    time = wire.double(wire.field(data, "time"), "time")
    return BookFrame(_levels(data, "bids"), _levels(data, "asks"), checksum, time, wire.is_partial(frame))


def book_answer_message(pair: str, answer: Any, update_id: int, now: float) -> BookMessage:
    """The answer of `GET /markets/{market}/orderbook` as a full state. Raises WireError when it is malformed.

    :param now: the time of the snapshot where the answer has none, in seconds since the epoch
    """
    data = {"time": now, **wire.json_object(wire.result(answer))}
    sides = [[_row(level, update_id) for level in _levels(data, name)] for name in ("bids", "asks")]
    time = wire.double(data["time"], "time")
    return BookMessage(OrderBookMessageType.SNAPSHOT, pair, update_id, time, *sides)


def trade_messages(pair: str, frame: Dict[str, Any]) -> List[OrderBookMessage]:
    """The trades of one frame of the `trades` channel, in the frame's order. Raises WireError when one is malformed."""
    trades = wire.payload(frame)
    if not isinstance(trades, list):
        raise wire.WireError("'data' is not a list of trades")
    return [_trade_message(pair, trade) for trade in trades]


def funding_info(pair: str, answer: Any) -> FundingInfo:
    """Converts the answer of `GET /futures/{future}` to Hummingbot's funding info (Acme API §4, future).

    Prices are in USD. The rate is a fraction of the position's value, and positive when longs pay.

    :raises WireError: when it is malformed
    """
    return _future_funding_info(pair, wire.result(answer))


def funding_info_of_all(pairs: Mapping[Optional[str], str], answer: Any) -> List[FundingInfo]:
    """The funding infos of these pairs, by the venue's names of their markets, from `GET /futures` (Acme API §4).

    :raises WireError: when it is malformed, or one of the markets is missing
    """
    futures = wire.result(answer)
    if not isinstance(futures, list):
        raise wire.WireError("'result' is not a list of futures")
    by_name = {wire.text_field(future, "name"): future for future in futures}
    return [_future_funding_info(pair, wire.field(by_name, str(name))) for name, pair in pairs.items()]


def _future_funding_info(pair: str, future: Any) -> FundingInfo:
    return FundingInfo(
        trading_pair=pair,
        index_price=wire.decimal_field(future, "index"),
        mark_price=wire.decimal_field(future, "mark"),
        next_funding_utc_timestamp=int(wire.time_field(future, "nextFundingTime")),
        rate=wire.decimal_field(future, "nextFundingRate"),
    )


def funding_info_update(pair: str, frame: Dict[str, Any]) -> FundingInfoUpdate:
    """A frame of the `funding` channel; what it leaves out stays as it was. Raises WireError when it is malformed."""
    data = wire.payload(frame)
    next_funding = wire.json_object(data).get("nextFundingTime")
    return FundingInfoUpdate(
        trading_pair=pair,
        index_price=wire.optional_decimal(data, "index"),
        mark_price=wire.optional_decimal(data, "mark"),
        next_funding_utc_timestamp=None
        if next_funding is None
        else int(wire.timestamp(next_funding, "nextFundingTime")),
        rate=wire.optional_decimal(data, "nextFundingRate"),
    )


def _trade_message(pair: str, trade: Dict[str, Any]) -> OrderBookMessage:
    trade_type = _TRADE_TYPE_NUMBERS.get(wire.text_field(trade, "side"))
    if trade_type is None:
        raise wire.WireError("'side' is neither buy nor sell")
    trade_id = wire.field(trade, "id")
    if not isinstance(trade_id, (int, str)):
        raise wire.WireError("'id' is neither a number nor a text")
    content = {
        "trading_pair": pair,
        "trade_id": trade_id,
        "trade_type": trade_type,
        "price": wire.double(wire.field(trade, "price"), "price"),
        "amount": wire.double(wire.field(trade, "size"), "size"),
    }
    return OrderBookMessage(OrderBookMessageType.TRADE, content, wire.time_field(trade, "time"))


def _levels(data: Dict[str, Any], name: str) -> List[Any]:
    levels = wire.field(data, name)
    if type(levels) is not list:
        raise wire.WireError(f"'{name}' is not a list of levels")
    return levels


def _row(level: Any, update_id: int) -> OrderBookRow:
    if type(level) is not list or len(level) != 2:
        raise wire.WireError("a level is not a price and a size")
    price, size = wire.double(level[0], "price"), wire.double(level[1], "size")
    if price <= 0 or size < 0:
        raise wire.WireError("a level has a price or size below zero")
    return OrderBookRow(price, size, update_id)
