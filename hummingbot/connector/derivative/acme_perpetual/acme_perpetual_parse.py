"""From the wire of the Acme API v1 to Hummingbot's data types, and back.

Pure functions: dictionaries in, values out. Every field name of the wire that the connector uses stands in this module
and in no other. What the venue sends is not trusted: a field that is absent, of another type, or not finite raises
`WireError`, which names it. Unknown fields are ignored.

The upper half is public data, the lower half the account's.
"""

import json
import math
import zlib
from contextlib import suppress
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from bidict import bidict

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.connector.utils import combine_to_hb_trading_pair
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema

PERPETUAL_SUFFIX = "-PERP"
TRADE_TYPES = {"buy": TradeType.BUY, "sell": TradeType.SELL}
_TRADE_TYPE_NUMBERS = {side: float(trade_type.value) for side, trade_type in TRADE_TYPES.items()}
SERVER_LEAVES_CODE = 20001  # Acme API §6
LONGEST_COMPLAINT = 200  # letters; longer than any text of Acme API §7
LARGEST_EXPONENT = 30  # of ten; nothing that is traded is larger, or smaller, and products of two still are numbers

Level = Tuple[float, float]  # price, size


class WireError(ValueError):
    """What the venue sent is not what the Acme API says; the text names the field."""


# ----------------------------------------------------------------------------------------------- JSON and its values


def exact_json(text: str) -> Any:
    """JSON in which every number that is no integer is the `Decimal` of its text. For whatever holds money.

    :raises ValueError: when it is not JSON; NaN and Infinity are not
    """
    return _decoded(_EXACT_NUMBERS, text)


def public_frame(text: str) -> Dict[str, Any]:
    """A frame of the public WebSocket: books and trades in doubles, as Hummingbot keeps them, funding exact.

    :raises WireError: when it is not a JSON object
    """
    if not isinstance(text, str) or f'"{CONSTANTS.FUNDING_CHANNEL}"' not in text:
        return _object(_decoded(_DOUBLES, text))
    frame = _object(exact_json(text))
    return frame if channel(frame) == CONSTANTS.FUNDING_CHANNEL else _object(_decoded(_DOUBLES, text))


def private_frame(text: str) -> Dict[str, Any]:
    """A frame of the private WebSocket, its numbers exact.

    :raises WireError: when it is not a JSON object
    """
    return _object(exact_json(text))


def field(data: Dict[str, Any], name: str) -> Any:
    """The value of a field that has to be there.

    :raises WireError: when it is absent or null, or `data` is no object
    """
    value = data.get(name) if type(data) is dict else _object(data).get(name)
    if value is None:
        raise WireError(f"'{name}' is missing")
    return value


def text_field(data: Dict[str, Any], name: str) -> str:
    """The text of a field; raises WireError when it is anything else."""
    value = field(data, name)
    if not isinstance(value, str):
        raise WireError(f"'{name}' is not a text")
    return value


def decimal_field(data: Dict[str, Any], name: str) -> Decimal:
    """The exact number of a field; raises WireError when it is no finite number."""
    return _decimal(field(data, name), name)


def optional_decimal(data: Dict[str, Any], name: str) -> Optional[Decimal]:
    """As `decimal_field`, or None when the field is absent or null."""
    value = _object(data).get(name)
    return None if value is None else _decimal(value, name)


def time_field(data: Dict[str, Any], name: str) -> float:
    """The seconds since the epoch of an ISO-8601 field (Acme API §1); raises WireError when it is none."""
    return timestamp(field(data, name), name)


def timestamp(value: Any, name: str = "time") -> float:
    """Seconds since the epoch of an ISO-8601 text with its offset (Acme API §1).

    :raises WireError: when it is none
    """
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (TypeError, ValueError, OverflowError):
        raise WireError(f"'{name}' is not an ISO-8601 time") from None


def _refuse_constant(name: str):
    raise WireError(f"{name} is not JSON")


_DOUBLES = json.JSONDecoder(parse_constant=_refuse_constant)
_EXACT_NUMBERS = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=Decimal)


def _decoded(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {type(error).__name__}") from None


def _object(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise WireError("not a JSON object")
    return value


def _decimal(value: Any, name: str) -> Decimal:
    if type(value) is not Decimal and (isinstance(value, bool) or not isinstance(value, (int, Decimal))):
        raise WireError(f"'{name}' is not an exact number")
    number = value if type(value) is Decimal else Decimal(value)
    if not number.is_finite() or (number and abs(number.adjusted()) > LARGEST_EXPONENT):
        raise WireError(f"'{name}' is out of range")
    return number


# --------------------------------------------------------------------------------------------------- REST's envelope


def is_success(answer: Any) -> bool:
    """Whether an answer is the envelope of a success (Acme API §1)."""
    return isinstance(answer, dict) and answer.get("success") is True and "result" in answer


def result(answer: Any) -> Any:
    """What a successful answer holds. Raises WireError when there is nothing."""
    if not is_success(answer):
        raise WireError("'result' is missing")
    return answer["result"]


def error_message(answer: Any) -> Optional[str]:
    """The venue's words in a refusal (Acme API §7), or None when the answer is none."""
    if not isinstance(answer, dict) or answer.get("success") is not False:
        return None
    return str(answer.get("error") or "The venue gave no reason")


# -------------------------------------------------------------------------------------------------- WebSocket frames


def subscribe_request(channel_name: str, market_name: Optional[str] = None) -> Dict[str, str]:
    """The subscription to a channel, of a market where the channel is a market's (Acme API §6)."""
    return _channel_request("subscribe", channel_name, market_name)


def unsubscribe_request(channel_name: str, market_name: Optional[str] = None) -> Dict[str, str]:
    """The end of a subscription (Acme API §6)."""
    return _channel_request("unsubscribe", channel_name, market_name)


def login_request(key: str, signature: str, time_ms: int, subaccount: str = "") -> Dict[str, Any]:
    """The login of a WebSocket (Acme API §2), to a subaccount where one is named."""
    args = {"key": key, "sign": signature, "time": time_ms}
    return {"op": "login", "args": {**args, "subaccount": subaccount} if subaccount else args}


def ping_request() -> Dict[str, str]:
    """The client's sign of life, which the venue answers (Acme API §6)."""
    return {"op": "ping"}


def channel(frame: Dict[str, Any]) -> str:
    """The channel a frame belongs to, or an empty text."""
    return _text_or_empty(frame, "channel")


def market(frame: Dict[str, Any]) -> str:
    """The market a frame belongs to, or an empty text."""
    return _text_or_empty(frame, "market")


def payload(frame: Dict[str, Any]) -> Any:
    """A frame's data. Raises WireError when there is none."""
    return field(frame, "data")


def is_subscribed(frame: Dict[str, Any]) -> bool:
    """Whether the frame confirms a subscription."""
    return frame.get("type") == "subscribed"


def is_pong(frame: Dict[str, Any]) -> bool:
    """Whether the frame answers a ping."""
    return frame.get("type") == "pong"


def is_partial(frame: Dict[str, Any]) -> bool:
    """Whether the frame is a full state."""
    return frame.get("type") == "partial"


def has_data(frame: Dict[str, Any]) -> bool:
    """Whether the frame brings data: a full state, or an update."""
    return frame.get("type") in ("partial", "update")


def says_goodbye(frame: Dict[str, Any]) -> bool:
    """Whether the server announces that it is going away (Acme API §6)."""
    return frame.get("type") == "info" and frame.get("code") == SERVER_LEAVES_CODE


def complaint(frame: Dict[str, Any]) -> Optional[str]:
    """The venue's words in an error frame (Acme API §7), or None when the frame is none."""
    if frame.get("type") != "error":
        return None
    return str(frame.get("msg") or "The venue gave no reason")[:LONGEST_COMPLAINT]


def _channel_request(operation: str, channel_name: str, market_name: Optional[str]) -> Dict[str, str]:
    request = {"op": operation, "channel": channel_name}
    return request if market_name is None else {**request, "market": market_name}


def _text_or_empty(frame: Dict[str, Any], name: str) -> str:
    value = frame.get(name)
    return value if isinstance(value, str) else ""


# ------------------------------------------------------------------------------------------ markets and trading rules


def markets(answer: Any) -> List[Dict[str, Any]]:
    """The markets of `GET /markets` (Acme API §4). Raises WireError when the answer holds no list."""
    entries = result(answer)
    if not isinstance(entries, list):
        raise WireError("'result' is not a list of markets")
    return entries


def is_tradable(entry: Any) -> bool:
    """Whether a market is one that Hummingbot can trade: a perpetual, enabled (Acme API §1)."""
    return (
        isinstance(entry, dict)
        and entry.get("type") == "future"
        and entry.get("enabled") is True
        and _text_or_empty(entry, "name").endswith(PERPETUAL_SUFFIX)
        and bool(_text_or_empty(entry, "underlying"))
    )


def market_name(entry: Dict[str, Any]) -> str:
    """The venue's name of a market, such as `BTC-PERP`."""
    return text_field(entry, "name")


def trading_pair(entry: Dict[str, Any]) -> str:
    """Hummingbot's name of a perpetual market, such as `BTC-USD` (Acme API §1)."""
    return combine_to_hb_trading_pair(text_field(entry, "underlying"), CONSTANTS.QUOTE_ASSET)


def trading_pair_symbols(entries: Iterable[Any]) -> bidict:
    """The names of the tradable markets: the venue's to Hummingbot's. Of two with one underlying, the first counts."""
    symbols = bidict()
    for entry in filter(is_tradable, entries):
        if market_name(entry) not in symbols and trading_pair(entry) not in symbols.inverse:
            symbols[market_name(entry)] = trading_pair(entry)
    return symbols


def trading_rule(entry: Dict[str, Any]) -> TradingRule:
    """A market's rules, in units of its underlying and of USD (Acme API §4, market).

    The API has no minimum notional; the smallest value that an order can have is one size increment at one price
    increment.

    :raises WireError: when a number is absent, or not above zero
    """
    price_increment = _positive(entry, "priceIncrement")
    size_increment = _positive(entry, "sizeIncrement")
    return TradingRule(
        trading_pair=trading_pair(entry),
        min_order_size=_positive(entry, "minProvideSize"),
        min_price_increment=price_increment,
        min_base_amount_increment=size_increment,
        min_notional_size=price_increment * size_increment,
        buy_order_collateral_token=CONSTANTS.QUOTE_ASSET,
        sell_order_collateral_token=CONSTANTS.QUOTE_ASSET,
    )


def last_price(entry: Dict[str, Any]) -> Optional[float]:
    """A market's last traded price, or None when nothing was traded yet. Raises WireError when it is no number."""
    price = optional_decimal(entry, "last")
    return None if price is None else float(price)


def last_prices(answer: Any) -> Dict[str, float]:
    """The last traded price, in USD, of each tradable pair that was traded yet, from `GET /markets` (Acme API §4).

    :raises WireError: when the answer holds no list; an entry whose price is none is left out
    """
    prices = {}
    for entry in filter(is_tradable, markets(answer)):
        with suppress(WireError):
            prices[trading_pair(entry)] = last_price(entry)
    return {pair: price for pair, price in prices.items() if price is not None}


def prices(answer: Any) -> Dict[str, Decimal]:
    """What one unit of each tradable pair's underlying is worth, in USD, from `GET /markets` (Acme API §4).

    :raises WireError: when the answer holds no list; an entry whose price is none is left out
    """
    found = {}
    for entry in filter(is_tradable, markets(answer)):
        with suppress(WireError):
            found[trading_pair(entry)] = _positive(entry, "price")
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
    return [_candle(entry) for entry in entries(answer)]


def _candle(entry: Dict[str, Any]) -> VenueCandle:
    prices = {name: _positive(entry, name) for name in ("open", "high", "low", "close")}
    return VenueCandle(start=time_field(entry, "startTime"), volume=decimal_field(entry, "volume"), **prices)


def _positive(data: Dict[str, Any], name: str) -> Decimal:
    number = decimal_field(data, name)
    if number <= 0:
        raise WireError(f"'{name}' is not above zero")
    return number


# -------------------------------------------------------------------------------------------- books, trades, funding


class BookFrame(NamedTuple):
    """What one frame of the `orderbook` channel says (Acme API §6). A size of 0 takes its level away."""

    bids: List[Level]
    asks: List[Level]
    checksum: int
    time: float  # seconds since the epoch


_CONTENTS: Any = object()  # no name of the wire's


class BookMessage(OrderBookMessage):
    """Levels that are doubles already."""

    @property
    def bids(self) -> List[OrderBookRow]:
        return self._rows("bids")

    @property
    def asks(self) -> List[OrderBookRow]:
        return self._rows("asks")

    def _rows(self, side: str) -> List[OrderBookRow]:
        update_id = self.content["update_id"]
        return [OrderBookRow(price, size, update_id) for price, size in self.content[side]]


class BookSnapshot(BookMessage):
    """A snapshot that sorts before the changes that came after it, and after those that came before.

    The parent class sorts any snapshot before any change, so the tracker would repeat old changes on top of it.
    """

    def __lt__(self, other: OrderBookMessage) -> bool:
        return self.update_id < other.update_id


def book_depth_params() -> Dict[str, int]:
    """The query for as deep a book as there is (Acme API §4)."""
    return {"depth": CONSTANTS.ORDER_BOOK_DEPTH}


def book_frame(frame: Dict[str, Any]) -> BookFrame:
    """The contents of a frame of the `orderbook` channel, which are read once and kept with it. Raises WireError when it
    is malformed."""
    contents = frame.get(_CONTENTS)
    if contents is None:
        data = payload(frame)
        checksum_field = field(data, "checksum")
        if isinstance(checksum_field, bool) or not isinstance(checksum_field, int):
            raise WireError("'checksum' is not an integer")
        time = _float(field(data, "time"), "time")
        contents = BookFrame(_levels(data, "bids"), _levels(data, "asks"), checksum_field, time)
        frame[_CONTENTS] = contents
    return contents


def book_checksum(bids: List[bytes], asks: List[bytes]) -> int:
    """The checksum of a book (Acme API §6), from each side's best levels as `level_text` writes them, best first."""
    paired = min(len(bids), len(asks))
    texts = [b""] * (2 * paired)
    texts[0::2], texts[1::2] = bids[:paired], asks[:paired]
    return zlib.crc32(b":".join(texts + bids[paired:] + asks[paired:]))


def level_text(price: float, size: float) -> bytes:
    """One level as the checksum counts it."""
    return b"%a:%a" % (price, size)


def book_snapshot_message(pair: str, frame: Dict[str, Any], update_id: int) -> OrderBookMessage:
    """A partial of the `orderbook` channel as Hummingbot's snapshot. Raises WireError when it is malformed."""
    return BookSnapshot(*_book_message(OrderBookMessageType.SNAPSHOT, pair, book_frame(frame), update_id))


def book_diff_message(pair: str, frame: Dict[str, Any], update_id: int) -> OrderBookMessage:
    """An update of the `orderbook` channel as Hummingbot's diff. Raises WireError when it is malformed."""
    return BookMessage(*_book_message(OrderBookMessageType.DIFF, pair, book_frame(frame), update_id))


def book_answer_message(pair: str, answer: Any, update_id: int, now: float) -> OrderBookMessage:
    """The answer of `GET /markets/{market}/orderbook` as Hummingbot's snapshot. Raises WireError when it is malformed.

    :param now: the time of the snapshot where the answer has none, in seconds since the epoch
    """
    data = {"time": now, **_object(result(answer))}
    book = BookFrame(_levels(data, "bids"), _levels(data, "asks"), 0, _float(data["time"], "time"))
    return BookSnapshot(*_book_message(OrderBookMessageType.SNAPSHOT, pair, book, update_id))


def trade_messages(pair: str, frame: Dict[str, Any]) -> List[OrderBookMessage]:
    """The trades of one frame of the `trades` channel, in the frame's order. Raises WireError when one is malformed."""
    trades = payload(frame)
    if not isinstance(trades, list):
        raise WireError("'data' is not a list of trades")
    return [_trade_message(pair, trade) for trade in trades]


def funding_info(pair: str, answer: Any) -> FundingInfo:
    """The answer of `GET /futures/{future}` as Hummingbot's funding info (Acme API §4, future). Prices in USD, the rate
    as a fraction of the position's value, positive when longs pay.

    :raises WireError: when it is malformed
    """
    return _future_funding_info(pair, result(answer))


def funding_info_of_all(pairs: Mapping[Optional[str], str], answer: Any) -> List[FundingInfo]:
    """The funding infos of these pairs, by the venue's names of their markets, from `GET /futures` (Acme API §4).

    :raises WireError: when it is malformed, or one of the markets is missing
    """
    futures = result(answer)
    if not isinstance(futures, list):
        raise WireError("'result' is not a list of futures")
    by_name = {text_field(future, "name"): future for future in futures}
    return [_future_funding_info(pair, field(by_name, str(name))) for name, pair in pairs.items()]


def _future_funding_info(pair: str, future: Any) -> FundingInfo:
    return FundingInfo(
        trading_pair=pair,
        index_price=decimal_field(future, "index"),
        mark_price=decimal_field(future, "mark"),
        next_funding_utc_timestamp=int(time_field(future, "nextFundingTime")),
        rate=decimal_field(future, "nextFundingRate"),
    )


def funding_info_update(pair: str, frame: Dict[str, Any]) -> FundingInfoUpdate:
    """A frame of the `funding` channel; what it leaves out stays as it was. Raises WireError when it is malformed."""
    data = payload(frame)
    next_funding = _object(data).get("nextFundingTime")
    return FundingInfoUpdate(
        trading_pair=pair,
        index_price=optional_decimal(data, "index"),
        mark_price=optional_decimal(data, "mark"),
        next_funding_utc_timestamp=None if next_funding is None else int(timestamp(next_funding, "nextFundingTime")),
        rate=optional_decimal(data, "nextFundingRate"),
    )


def _book_message(kind: OrderBookMessageType, pair: str, book: BookFrame, update_id: int) -> Tuple:
    return kind, {"trading_pair": pair, "update_id": update_id, "bids": book.bids, "asks": book.asks}, book.time


def _trade_message(pair: str, trade: Dict[str, Any]) -> OrderBookMessage:
    trade_type = _TRADE_TYPE_NUMBERS.get(text_field(trade, "side"))
    if trade_type is None:
        raise WireError("'side' is neither buy nor sell")
    trade_id = field(trade, "id")
    if not isinstance(trade_id, (int, str)):
        raise WireError("'id' is neither a number nor a text")
    content = {
        "trading_pair": pair,
        "trade_id": trade_id,
        "trade_type": trade_type,
        "price": _float(field(trade, "price"), "price"),
        "amount": _float(field(trade, "size"), "size"),
    }
    return OrderBookMessage(OrderBookMessageType.TRADE, content, time_field(trade, "time"))


def _levels(data: Dict[str, Any], name: str) -> List[Level]:
    rows = field(data, name)
    if not isinstance(rows, list):
        raise WireError(f"'{name}' is not a list of levels")
    levels = []
    for row in rows:
        if type(row) is not list or len(row) < 2:
            raise WireError(f"'{name}' has a level that is not a price and a size")
        price, size = row[0], row[1]
        # Two doubles in every level of every frame: what is asked of each is asked at once.
        if type(price) is not float or type(size) is not float:
            price, size = _float(price, name), _float(size, name)
        if not (0 < price < math.inf and 0 <= size < math.inf):
            raise WireError(f"'{name}' has a level with a price or size below zero, or without end")
        levels.append((price, size))
    return levels


def _float(value: Any, name: str) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise WireError(f"'{name}' is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WireError(f"'{name}' is not finite")
    return number


# ---------------------------------------------------------------------------------------------- the account's half

POSITION_MODES = {"oneway": PositionMode.ONEWAY, "hedge": PositionMode.HEDGE}
POSITION_SIDES = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
EXACT = Context(prec=100)  # for sums of money; Decimal's own operators round to 28 digits
MOST_ORDERS = 1000  # in one answer of `GET /orders/history` (Acme API §5)
MOST_FILLS = 1000  # in one answer of `GET /fills` (Acme API §5)


class VenueOrder(NamedTuple):
    """An order as the venue has it (Acme API §5, order). Sizes in units of the underlying."""

    exchange_order_id: str
    client_order_id: Optional[str]
    market: str
    trade_type: TradeType
    size: Decimal
    filled_size: Decimal
    state: OrderState

    @property
    def is_closed(self) -> bool:
        return self.state in (OrderState.FILLED, OrderState.CANCELED)


class VenueFill(NamedTuple):
    """A fill as the venue has it (Acme API §5, fill). Price and fee in USD; the fee is negative for a rebate."""

    trade_id: str
    exchange_order_id: str
    client_order_id: Optional[str]
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_token: str
    time: float  # seconds since the epoch
    is_taker: bool


class VenuePosition(NamedTuple):
    """A position as the venue has it (Acme API §5, position). The amount is negative for a short, 0 when flat."""

    market: str
    mode: PositionMode
    side: PositionSide
    amount: Decimal
    entry_price: Optional[Decimal]
    unrealized_pnl: Decimal


class VenueBalance(NamedTuple):
    """A coin's balance (Acme API §5): all of it, and what no margin is held against."""

    token: str
    total: Decimal
    free: Decimal


class FundingPayment(NamedTuple):
    """A funding payment with Hummingbot's sign: positive when the account received (the venue's is the opposite)."""

    market: str
    time: float  # seconds since the epoch
    rate: Decimal
    amount: Decimal


class AccountSettings(NamedTuple):
    """What holds for the whole account (Acme API §5, GET /account). Fees are fractions of an order's value."""

    maker_fee: Decimal
    taker_fee: Decimal
    leverage: int
    position_mode: PositionMode


def entries(answer: Any) -> List[Any]:
    """The entries of an answer that is a list. Raises WireError when it holds none."""
    rows = result(answer)
    if not isinstance(rows, list):
        raise WireError("'result' is not a list")
    return rows


def place_order_request(
    market_name: str,
    client_order_id: str,
    trade_type: TradeType,
    order_type: OrderType,
    position_action: PositionAction,
    position_mode: PositionMode,
    amount: Decimal,
    price: Decimal,
    reject_after: float,
) -> Dict[str, Any]:
    """The body of `POST /orders` (Acme API §5). Its numbers are texts, so that they arrive as they were meant.

    :param reject_after: the venue refuses the order when it arrives later; seconds since the epoch, the venue's clock
    """
    body = {
        "market": market_name,
        "side": "buy" if trade_type is TradeType.BUY else "sell",
        "type": "limit" if order_type.is_limit_type() else "market",
        "size": _number_text(amount),
        "price": _number_text(price) if order_type.is_limit_type() else None,
        "reduceOnly": position_action is PositionAction.CLOSE,
        "ioc": False,
        "postOnly": order_type is OrderType.LIMIT_MAKER,
        "clientId": client_order_id,
        "rejectAfterTs": int(reject_after * 1e3),
    }
    if position_mode is PositionMode.HEDGE:
        opens = position_action is not PositionAction.CLOSE
        body["positionSide"] = "long" if (trade_type is TradeType.BUY) == opens else "short"
    return body


def leverage_request(leverage: int) -> Dict[str, Any]:
    """The body of `POST /account/leverage` (Acme API §5)."""
    return {"leverage": leverage}


def position_mode_request(mode: PositionMode) -> Dict[str, Any]:
    """The body of `POST /account/position_mode` (Acme API §5)."""
    return {"mode": next(name for name, value in POSITION_MODES.items() if value is mode)}


def fills_params(start_time: float, exchange_order_id: Optional[str] = None) -> Dict[str, Any]:
    """The query for the fills since `start_time`, oldest first, as many as one answer holds (Acme API §5).

    :param start_time: seconds since the epoch, inclusive
    :param exchange_order_id: the only order whose fills are wanted
    """
    params = {"start_time": _time_text(start_time), "order": "asc", "limit": MOST_FILLS}
    return params if exchange_order_id is None else {**params, "orderId": exchange_order_id}


def order_history_params(start_time: float) -> Dict[str, Any]:
    """The query for the orders placed since `start_time` (epoch seconds, inclusive), newest first, as many as one
    answer holds (Acme API §5)."""
    return {"start_time": _time_text(start_time), "limit": MOST_ORDERS}


def funding_payments_params(start_time: float = 0, market_name: Optional[str] = None) -> Dict[str, Any]:
    """The query for the funding payments since `start_time` (epoch seconds, inclusive), of one market or of all."""
    params = {"start_time": _time_text(start_time)}
    return params if market_name is None else {**params, "future": market_name}


def order(data: Dict[str, Any]) -> VenueOrder:
    """An order of a REST answer or of a frame of the `orders` channel. Raises WireError when it is malformed."""
    size = decimal_field(data, "size")
    filled_size = decimal_field(data, "filledSize")
    if not 0 <= filled_size <= size:
        raise WireError("'filledSize' is not between 0 and 'size'")
    return VenueOrder(
        exchange_order_id=_identifier(data, "id"),
        client_order_id=_optional_text(data, "clientId"),
        market=text_field(data, "market"),
        trade_type=_trade_type(data),
        size=size,
        filled_size=filled_size,
        state=_order_state(text_field(data, "status"), size, filled_size),
    )


def order_update(venue_order: VenueOrder, tracked_order: InFlightOrder, now: float) -> OrderUpdate:
    """The news that an order of the venue is for the order that Hummingbot tracks; `now` in seconds."""
    return OrderUpdate(
        trading_pair=tracked_order.trading_pair,
        update_timestamp=now,
        new_state=venue_order.state,
        client_order_id=tracked_order.client_order_id,
        exchange_order_id=venue_order.exchange_order_id,
    )


def fill(data: Dict[str, Any]) -> VenueFill:
    """A fill of a REST answer or of a frame of the `fills` channel. Raises WireError when it is malformed."""
    return VenueFill(
        trade_id=_identifier(data, "id"),
        exchange_order_id=_identifier(data, "orderId"),
        client_order_id=_optional_text(data, "clientId"),
        price=_positive(data, "price"),
        size=_positive(data, "size"),
        fee=decimal_field(data, "fee"),
        fee_token=text_field(data, "feeCurrency"),
        time=time_field(data, "time"),
        is_taker=data.get("liquidity") != "maker",
    )


def trade_update(venue_fill: VenueFill, tracked_order: InFlightOrder, fee_schema: TradeFeeSchema) -> TradeUpdate:
    """A fill as Hummingbot's news for the order that it belongs to, with exactly the fee that the venue took."""
    is_close = tracked_order.position is PositionAction.CLOSE
    return TradeUpdate(
        trade_id=venue_fill.trade_id,
        client_order_id=tracked_order.client_order_id,
        exchange_order_id=venue_fill.exchange_order_id,
        trading_pair=tracked_order.trading_pair,
        fill_timestamp=venue_fill.time,
        fill_price=venue_fill.price,
        fill_base_amount=venue_fill.size,
        fill_quote_amount=venue_fill.price * venue_fill.size,
        fee=TradeFeeBase.new_perpetual_fee(
            fee_schema=fee_schema,
            position_action=PositionAction.CLOSE if is_close else PositionAction.OPEN,
            percent_token=venue_fill.fee_token,
            flat_fees=[TokenAmount(token=venue_fill.fee_token, amount=venue_fill.fee)],
        ),
        is_taker=venue_fill.is_taker,
    )


def position(data: Dict[str, Any]) -> VenuePosition:
    """A position of a REST answer or of a frame of the `positions` channel. Raises WireError when it is malformed."""
    amount = decimal_field(data, "netSize")
    side_of_amount = PositionSide.SHORT if amount < 0 else PositionSide.LONG
    hedge_side = POSITION_SIDES.get(_optional_text(data, "positionSide"))
    return VenuePosition(
        market=text_field(data, "future"),
        mode=PositionMode.HEDGE if hedge_side else PositionMode.ONEWAY,
        side=hedge_side or side_of_amount,
        amount=amount,
        entry_price=optional_decimal(data, "entryPrice") if amount == 0 else decimal_field(data, "entryPrice"),
        unrealized_pnl=decimal_field(data, "unrealizedPnl"),
    )


def balance(data: Dict[str, Any]) -> VenueBalance:
    """A balance of a REST answer or of a frame of the `balances` channel. Raises WireError when it is malformed."""
    return VenueBalance(text_field(data, "coin"), decimal_field(data, "total"), decimal_field(data, "free"))


def funding_payment(data: Dict[str, Any]) -> FundingPayment:
    """A payment of `GET /funding_payments`. Raises WireError when it is malformed."""
    return FundingPayment(
        market=text_field(data, "future"),
        time=time_field(data, "time"),
        rate=decimal_field(data, "rate"),
        amount=decimal_field(data, "payment").copy_negate(),  # a minus sign would round it to 28 digits
    )


def funding_payments_by_market(payments: Iterable[FundingPayment]) -> Dict[str, List[FundingPayment]]:
    """The payments of each market, oldest first. What the two sides of a hedge paid at one time is one payment."""
    merged: Dict[Tuple[str, float], FundingPayment] = {}
    for payment in payments:
        key = (payment.market, payment.time)
        amount = EXACT.add(merged[key].amount, payment.amount) if key in merged else payment.amount
        merged[key] = payment._replace(amount=amount)
    by_market: Dict[str, List[FundingPayment]] = {}
    for payment in sorted(merged.values(), key=lambda each: each.time):
        by_market.setdefault(payment.market, []).append(payment)
    return by_market


def account_settings(answer: Any) -> AccountSettings:
    """The answer of `GET /account`. Raises WireError when it is malformed, or its position mode is unknown."""
    account = result(answer)
    mode = text_field(account, "positionMode")
    if mode not in POSITION_MODES:
        raise WireError("'positionMode' is neither oneway nor hedge")
    return AccountSettings(
        maker_fee=decimal_field(account, "makerFee"),
        taker_fee=decimal_field(account, "takerFee"),
        leverage=int(_positive(account, "leverage")),
        position_mode=POSITION_MODES[mode],
    )


def _order_state(status: str, size: Decimal, filled_size: Decimal) -> OrderState:
    # "new", "open", and what a later version of the API may add: whatever is not closed is open.
    if status != "closed":
        return OrderState.PARTIALLY_FILLED if filled_size > 0 else OrderState.OPEN
    return OrderState.FILLED if filled_size == size > 0 else OrderState.CANCELED


def _trade_type(data: Dict[str, Any]) -> TradeType:
    side = text_field(data, "side")
    if side not in TRADE_TYPES:
        raise WireError("'side' is neither buy nor sell")
    return TRADE_TYPES[side]


def _identifier(data: Dict[str, Any], name: str) -> str:
    value = field(data, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WireError(f"'{name}' is not an integer")
    return str(value)


def _optional_text(data: Dict[str, Any], name: str) -> Optional[str]:
    return None if _object(data).get(name) is None else text_field(data, name)


def _number_text(number: Decimal) -> str:
    return format(number, "f")


def _time_text(seconds: float) -> str:
    return format(max(seconds, 0.0), ".6f")
