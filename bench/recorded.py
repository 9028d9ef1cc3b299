"""A recorded market as the feed's lines, and their commands: what the benches of following work on.

`python -m bench.recorded FRAMES FILE` makes of raw frames what `acme-bot feed --record` would have kept.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from acme_bot.feed.dialects import DIALECTS, Prices
from acme_bot.feed.stream import MarketStream
from acme_exchange.engine import Advance, Command, Engine, Event
from acme_exchange.market.follow.follower import Follower
from acme_exchange.market.follow.lines import Line, LineError, MarketLine, read_line, write_line

RECORDING = Path(__file__).parents[1] / "test" / "recordings" / "binance-usdm-2024-08-08" / "btcusdt-first-60-s.feed.gz"
MARKET = "BTC-PERP"
ONE = Decimal(1)
BINANCE = DIALECTS["binance_perpetual"]
SECOND = 1_000_000
FUNDING_INTERVAL = 40 * SECOND
RATE = Decimal("0.0001")


def recorded_lines(path: Path) -> list[Line]:
    """The lines of a recording: one of `acme-bot feed`, or one of Binance's raw frames, a line each: the time in
    nanoseconds, a space, the frame.

    The raw ones are read by the feed's own code. They have no mark and no funding: the mid price stands
    for mark and index each second, and funding is paid every 40 s.

    :raises LineError: it is neither.
    """
    with gzip.open(path, "rb") as file:
        texts = file.readlines()
    if texts and texts[0].startswith(b"{"):
        return [read_line(text) for text in texts]
    if not texts or not texts[0].partition(b" ")[0].isdigit():
        raise LineError(f"{path}: the first line begins with neither an event nor a time")
    return list(_read_frames(texts))


def _read_frames(texts: list[bytes]) -> Iterator[Line]:
    stream, priced = MarketStream(MARKET), 0
    begun = _moment(texts[0])
    yield _market(begun)
    for text in texts:
        now, frame = _moment(text), json.loads(text.partition(b" ")[2])
        data = frame.get("data", {})
        if data.get("e") == "bookTicker" and now - priced >= SECOND:
            priced = now
            mid_price = (Decimal(data["b"]) + Decimal(data["a"])) / 2
            due = begun + ((now - begun) // FUNDING_INTERVAL + 1) * FUNDING_INTERVAL
            yield from stream.prices(Prices(mid_price, mid_price, RATE, due), now)
        else:
            yield from _lines(stream, frame, now)


def _moment(text: bytes) -> int:
    return int(text.partition(b" ")[0]) // 1000


def _market(now: int) -> MarketLine:
    return MarketLine(
        market=MARKET,
        time=now,
        received=now,
        source="binance_perpetual",
        pair="BTC-USDT",
        price_increment="0.1",
        size_increment="0.001",
        minimum="0.001",
        maker_fee="0.0002",
        taker_fee="0.0005",
    )


def _lines(stream: MarketStream, frame: dict, now: int) -> Iterator[Line]:
    """The raw stream has single trades, where the feed asks for those of one taker together; they are named alike."""
    data = frame.get("data", {})
    if "lastUpdateId" in frame:
        yield from stream.book(BINANCE.snapshot(frame), now)
    elif data["e"] == "depthUpdate":
        yield from stream.book(BINANCE.book(frame, ONE), now)
    elif data["e"] == "trade":
        for trade in BINANCE.trades({"data": data | {"a": data["t"]}}, ONE):
            yield from stream.trade(trade, now)


def commands(lines: list[Line], power: int | None = None) -> list[tuple[int, Command]]:
    """What the venue does with each line, and when: the feed's time, microseconds since the epoch."""
    follower = Follower([line for line in lines if isinstance(line, MarketLine)][:1], power)
    return [(line.received, command) for line in lines for command in follower.commands(line, line.received)]


def carry_out(engine: Engine, command: Command, now: int) -> list[Event]:
    """As the venue does it: what is due by the clock comes first."""
    before = engine.apply(Advance(), now) if engine.is_due(now) else []
    return [*before, *engine.apply(command, now)]


if __name__ == "__main__":
    frames, file = map(Path, sys.argv[1:])
    file.write_bytes(gzip.compress(b"".join(map(write_line, recorded_lines(frames))), 9, mtime=0))
