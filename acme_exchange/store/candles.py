"""Makes candles out of trades, and fills in the spans in which nothing traded."""

from collections.abc import Sequence
from decimal import Decimal

from acme_exchange.engine.events import Traded
from acme_exchange.store.store import Candle, Period


def candle_start(time: int, resolution: int) -> int:
    """When the candle of `resolution` seconds begins that `time` falls into, both in microseconds since the epoch."""
    span = resolution * 1_000_000
    return time - time % span


def begun(start: int, trade: Traded) -> Candle:
    """The candle of a first trade."""
    return Candle(start, trade.price, trade.price, trade.price, trade.price, trade.price * trade.size)


def grown(candle: Candle, trade: Traded) -> Candle:
    """The candle with one more trade."""
    return Candle(
        start=candle.start,
        open=candle.open,
        high=max(candle.high, trade.price),
        low=min(candle.low, trade.price),
        close=trade.price,
        volume=candle.volume + trade.price * trade.size,
    )


def starts_within(first: int, resolution: int, period: Period, now: int, limit: int) -> range:
    """When the latest `limit` candles begin that start within the period and not after `now`.

    :param first: when the first candle ever began.
    """
    span = resolution * 1_000_000
    latest = now if period.end is None else min(now, period.end)
    last_start = latest - latest % span
    first_start = max(first, last_start - (limit - 1) * span)
    if period.start is not None:
        first_start = max(first_start, -(-period.start // span) * span)
    return range(first_start, last_start + 1, span)


def without_gaps(candles: Sequence[Candle], starts: range) -> list[Candle]:
    """The candles that begin at `starts`, with a flat one at the last price for each span in which nothing traded."""
    needed: dict[int, Candle] = {}
    for candle in reversed(candles):
        needed[candle.start] = candle
        if candle.start <= starts.start:
            break
    price = next(reversed(needed.values())).close
    chosen = []
    for start in starts:
        candle = needed.get(start) or Candle(start, price, price, price, price, Decimal(0))
        price = candle.close
        chosen.append(candle)
    return chosen
