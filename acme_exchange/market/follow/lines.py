"""The feed's lines: what a real market did, one JSON object a line, in no exchange's dialect.

A feed writes them, the venue reads them, and a recording is a file of them. Every line names its `market`, when it
happened (`time`, the source's clock) and when the feed had it (`received`, the feed's clock), both in microseconds
since the epoch. Prices, sizes and rates are text, so that a decimal arrives as it was meant. Sizes count coins, also
where the source counts contracts.

The order of a market's lines: `market` first; then `history`, if any; then `snapshot`; then `book`, `trade` and `price`
as they come. After a `gap` the book is unknown until the next `snapshot`. After a `silence` everything is, until the
source is back: then a `snapshot` comes first, and no `price` before the `funding` that was due meanwhile, if any.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

Positive = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?$", max_length=60)]
Price = Annotated[str, msgspec.Meta(pattern=r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]+)?$", max_length=60)]
Fraction = Annotated[str, msgspec.Meta(pattern=r"^-?0(\.[0-9]+)?$", max_length=60)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000_000)]
"""Microseconds since the epoch, until 2100."""
Level = tuple[Positive, Positive]
"""Price and size; a size of 0 means that the level is gone."""

LONGEST_LINE = 4_000_000
"""Bytes. A snapshot of 20,000 levels has 500,000."""


class LineError(Exception):
    """A line cannot be used; the text says why, beginning with the field."""


class _Line(msgspec.Struct, frozen=True, tag_field="event", rename="camel", kw_only=True, gc=False):
    market: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    time: Moment
    received: Moment


class MarketLine(_Line, frozen=True, tag="market"):
    """What is followed, and its rules.

    :ivar source: the exchange, as Hummingbot calls its connector.
    :ivar pair: the market's name there, as Hummingbot writes it; `market` is its name here.
    :ivar price_increment: USD. :ivar size_increment: coins. :ivar minimum: the least order that may rest, coins.
    :ivar maker_fee: a fraction of the notional; `taker_fee` likewise.
    :ivar status: "closed" when the source has taken the market away.
    """

    source: str
    pair: str
    price_increment: Positive
    size_increment: Positive
    minimum: Positive
    maker_fee: Fraction
    taker_fee: Fraction
    status: Literal["open", "closed"] = "open"


class SnapshotLine(_Line, frozen=True, tag="snapshot"):
    """The whole book within reach, best levels first; whatever else was known is void."""

    bids: list[Level]
    asks: list[Level]


class BookLine(_Line, frozen=True, tag="book"):
    """Levels that changed, with their new sizes."""

    bids: list[Level]
    asks: list[Level]


class TradeLine(_Line, frozen=True, tag="trade"):
    """A trade of the source's. `side` is the taker's."""

    side: Literal["buy", "sell"]
    price: Positive
    size: Positive
    id: str


class PriceLine(_Line, frozen=True, tag="price"):
    """Mark, index and funding.

    :ivar rate: what a long pays at `next_funding_time`, a fraction of the notional.
    :ivar next_funding_time: microseconds since the epoch.
    """

    mark: Price
    index: Price
    rate: Fraction
    next_funding_time: Moment


class FundingLine(_Line, frozen=True, tag="funding"):
    """What was paid at the source at `time`, told after a silence in which that was due."""

    rate: Fraction


class Candle(msgspec.Struct, frozen=True, array_like=True):
    """Its start in microseconds since the epoch; open, high, low, close; the volume in USD."""

    start: Moment
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    volume: Positive


class HistoryLine(_Line, frozen=True, tag="history"):
    """Candles from before, oldest first. `resolution` is in seconds."""

    resolution: Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
    candles: list[Candle]


class GapLine(_Line, frozen=True, tag="gap"):
    """A frame of the book was missed."""


class SilenceLine(_Line, frozen=True, tag="silence"):
    """Nothing has come for a while, or the connection is gone."""


Line = MarketLine | SnapshotLine | BookLine | TradeLine | PriceLine | FundingLine | HistoryLine | GapLine | SilenceLine

_decoder = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()


def read_line(text: bytes) -> Line:
    """A line as its event.

    :raises LineError: it is too long, no JSON, or a field is absent or does not fit.
    """
    if len(text) > LONGEST_LINE:
        raise LineError(f"the line has {len(text)} bytes; the longest may have {LONGEST_LINE}")
    try:
        line: Line = _decoder.decode(text)
        return line
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LineError(f"the line does not fit: {error}") from None


def write_line(line: Line) -> bytes:
    """An event as its line, with its end."""
    return _encoder.encode(line) + b"\n"


def plain(number: Decimal) -> str:
    """A decimal as lines write it: no exponent, no superfluous noughts."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
