"""Reads recorded prices, to be played in place of simulated ones: a CSV file of prices, or of candles."""

import csv
import logging
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median_low

from acme_exchange.market.definition import MarketDefinition
from acme_exchange.market.errors import MarketFileError
from acme_exchange.market.index import STEP

CANDLE = ("open", "high", "low", "close")
DEFAULT_MARKET = "BTC-PERP"
LARGEST_PRICE = 10**9
LONGEST_GAP = 3_600_000_000
GAP_FACTOR = 10

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = timedelta(microseconds=1)
# A year counted in seconds, milliseconds and microseconds: what an epoch time is written in is plain from its size.
EPOCH_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))

HEADER_FIX = (
    "write a header with time (or timestamp) and price, or with time, open, high, low and close; market may stand "
    "beside them"
)
TIME_FIX = "write ISO-8601 such as 2026-01-02T03:04:05Z, or seconds since the epoch"

logger = logging.getLogger(__name__)


class ReplayedIndex:
    """An index that follows recorded prices: at each moment the latest one. After the last it stays there, and says so.

    :param name: whose index it is, for what is said at the end.
    :param times: microseconds since the first price, ascending.
    :param prices: US dollars.
    :param speed: how many times as fast the recorded time passes.
    """

    def __init__(self, name: str, times: array[int], prices: array[float], speed: float = 1.0) -> None:
        self._name = name
        self._times = times
        self._prices = prices
        self._step = STEP * speed
        self._position = 0.0
        self._latest = 0
        self.last_return = 0.0

    @property
    def price(self) -> float:
        """The price now, in US dollars."""
        return self._prices[self._latest]

    def step(self) -> None:
        """Moves on by one `STEP`."""
        end = len(self._times) - 1
        before = self._latest
        self._position += self._step
        while self._latest < end and self._times[self._latest + 1] <= self._position:
            self._latest += 1
        self.last_return = log(self.price / self._prices[before])
        if before < self._latest == end:
            logger.warning("The recorded prices of %s have ended; it stays at %s.", self._name, self.price)


@dataclass
class Recording:
    """The prices of one market, as they stand in a file.

    :ivar first: microseconds since the epoch.
    :ivar times: microseconds since the first.
    """

    market: MarketDefinition
    first: int
    times: array[int] = field(default_factory=lambda: array("q"))
    prices: array[float] = field(default_factory=lambda: array("d"))

    def origin(self) -> str:
        """From when to when the prices were recorded, in words."""
        first, last = (
            datetime.fromtimestamp(time / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")
            for time in (self.first, self.first + self.times[-1])
        )
        return f"plays back prices recorded from {first} to {last} UTC"

    def index(self, speed: float) -> ReplayedIndex:
        """The index that follows these prices."""
        return ReplayedIndex(self.market.specification.underlying, self.times, self.prices, speed)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    time: int
    prices: tuple[Decimal, ...]


def load_replay(path: Path, markets: Iterable[MarketDefinition]) -> dict[str, Recording]:
    """Reads a CSV file with a header: `time` and `price`, or `time`, `open`, `high`, `low` and `close`; `timestamp` is
    another word for `time`. A column `market` says which market a row is of, where that is not BTC-PERP; other columns
    are ignored.

    A candle's time is its start. It stands for four prices, a quarter of its length each: open, the extreme away from
    the close, the other one, close.

    :returns: by underlying, since all its markets follow the same index.
    :raises MarketFileError: naming the line, and what to write: wrong columns, a value that does not fit, times out of
        order, or a gap: a missing candle, or more than an hour, and ten usual intervals, without a price.
    """
    by_name = {market.specification.name: market for market in markets}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(path, file, by_name)
    except OSError as error:
        raise MarketFileError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise MarketFileError(f"{path}: is not UTF-8 text; {HEADER_FIX}") from None
    _refuse_shared_index(path, rows, by_name)
    return {by_name[name].specification.underlying: _recording(path, by_name[name], rows[name]) for name in rows}


def start_at(markets: Iterable[MarketDefinition], recordings: Mapping[str, Recording]) -> list[MarketDefinition]:
    """The markets, those with recorded prices beginning where these do."""
    return [
        replace(market, start_price=Decimal(str(recording.prices[0])))
        if (recording := recordings.get(market.specification.underlying))
        else market
        for market in markets
    ]


def _rows(path: Path, file: Iterable[str], markets: Mapping[str, MarketDefinition]) -> dict[str, list[_Row]]:
    reader = csv.reader(file)
    columns = [name.strip().lower() for name in next(reader, [])]
    if "time" not in columns:
        # What Hummingbot calls it in its files of candles.
        columns = ["time" if name == "timestamp" else name for name in columns]
    names = _price_columns(path, columns)
    rows: dict[str, list[_Row]] = {}
    for values in reader:
        if len(values) != len(columns):
            raise _error(
                path, reader.line_num, f"has {len(values)} values for {len(columns)} columns; write one for each"
            )
        fields = dict(zip(columns, map(str.strip, values)))
        market = fields.get("market", DEFAULT_MARKET)
        if market not in markets:
            raise _error(path, reader.line_num, f"there is no market {market!r}; write one of {', '.join(markets)}")
        row = _row(path, reader.line_num, fields, names, markets[market])
        rows.setdefault(market, []).append(row)
    if not rows:
        raise _error(path, reader.line_num, "there are no prices; write a line for each below the header")
    return rows


def _price_columns(path: Path, columns: list[str]) -> tuple[str, ...]:
    candle = set(CANDLE) <= set(columns)
    if "time" not in columns or ("price" in columns) == candle or len(set(columns)) < len(columns):
        raise _error(path, 1, f"the columns are {', '.join(columns) or 'missing'}; {HEADER_FIX}")
    return CANDLE if candle else ("price",)


def _row(path: Path, line: int, fields: Mapping[str, str], names: tuple[str, ...], market: MarketDefinition) -> _Row:
    time = _microseconds(fields["time"])
    if time is None:
        raise _error(path, line, f"the time {fields['time']!r} does not fit; {TIME_FIX}")
    lowest = market.specification.price_increment
    prices: list[Decimal] = []
    for name in names:
        price = _price(fields[name])
        if price is None or not lowest <= price <= LARGEST_PRICE:
            text = f"the {name} {fields[name]!r} does not fit; write US dollars from {lowest} to {LARGEST_PRICE}"
            raise _error(path, line, text)
        prices.append(price)
    if len(prices) == len(CANDLE) and not (max(prices) == prices[1] and min(prices) == prices[2]):
        raise _error(path, line, "open and close are not between low and high; exchange the columns, or mend the row")
    return _Row(line, time, tuple(prices))


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price.is_finite() else None


def _microseconds(text: str) -> int | None:
    """The time since the epoch; None for what is no time. One without a zone is UTC."""
    number = _price(text)
    try:
        if number is None:
            time = datetime.fromisoformat(text)
            return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // MICROSECONDS
    except ValueError:
        return None
    return next((int(number * unit) for limit, unit in EPOCH_UNITS if 0 <= number < limit), None)


def _refuse_shared_index(path: Path, rows: Mapping[str, list[_Row]], markets: Mapping[str, MarketDefinition]) -> None:
    first_of: dict[str, str] = {}
    for name, found in rows.items():
        underlying = markets[name].specification.underlying
        other = first_of.setdefault(underlying, name)
        if other != name:
            text = f"{name} and {other} follow the same index, that of {underlying}; leave one of them out"
            raise _error(path, found[0].line, text)


def _recording(path: Path, market: MarketDefinition, rows: list[_Row]) -> Recording:
    """:raises MarketFileError: times that are out of order, or gaps."""
    is_candle = len(rows[0].prices) > 1
    steps = [row.time - before.time for before, row in pairwise(rows)]
    for step, before, row in zip(steps, rows, rows[1:]):
        if step < 0 or (is_candle and step == 0):
            text = f"{_text(row.time)} is not after {_text(before.time)} of line {before.line}; sort the rows by time"
            raise _error(path, row.line, text)
    usual = median_low(steps) if steps else LONGEST_GAP
    longest = usual if is_candle else max(LONGEST_GAP, GAP_FACTOR * usual)
    for step, before, row in zip(steps, rows, rows[1:]):
        if step > longest or (is_candle and step < usual):
            raise _error(path, row.line, _gap(step, usual, before))
    recording = Recording(market, rows[0].time)
    for row in rows:
        for part, price in _path(row, usual):
            recording.times.append(part - recording.first)
            recording.prices.append(float(price))
    return recording


def _gap(step: int, usual: int, before: _Row) -> str:
    return (
        f"comes {timedelta(microseconds=step)} after line {before.line}, where the rows are usually "
        f"{timedelta(microseconds=usual)} apart; fill in the missing rows, or cut the file in two here"
    )


def _path(row: _Row, length: int) -> Iterator[tuple[int, Decimal]]:
    if len(row.prices) == 1:
        yield row.time, row.prices[0]
        return
    first, high, low, last = row.prices
    extremes = (low, high) if last >= first else (high, low)
    for quarter, price in enumerate((first, *extremes, last)):
        yield row.time + length * quarter // 4, price


def _text(time: int) -> str:
    return (EPOCH + time * MICROSECONDS).isoformat()


def _error(path: Path, line: int, text: str) -> MarketFileError:
    return MarketFileError(f"{path}, line {line}: {text}")
