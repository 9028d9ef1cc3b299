"""The feed's lines from frames: nothing is lost, nothing is told twice, and what is missing is noticed."""

import gzip
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from acme_bot.feed.book import LEAST_LEVELS, REACH, SourceBook
from acme_bot.feed.dialects import DIALECTS, BookChange, Levels, Prices, Trade
from acme_bot.feed.stream import SILENT_AFTER, MarketStream
from acme_exchange.market.follow.lines import (
    BookLine,
    GapLine,
    Line,
    LineError,
    PriceLine,
    SilenceLine,
    SnapshotLine,
    TradeLine,
    read_line,
    write_line,
)
from test.acme_bot.feed.mirror import Mirror

RECORDING = Path(__file__).parents[2] / "recordings" / "binance-usdm-2024-08-08" / "btcusdt-first-8-s.jsonl.gz"
BINANCE = DIALECTS["binance_perpetual"]
ONE = Decimal(1)
NOW = 1_723_161_255_000_000


def levels(*rows: tuple[str, str]) -> Levels:
    return [(Decimal(price), Decimal(size)) for price, size in rows]


def whole(last: int, bids: Levels, asks: Levels = levels(("101", "1"))) -> BookChange:
    return BookChange(True, None, last, last, bids, asks)


def change(previous: int, last: int, bids: Levels = (), asks: Levels = ()) -> BookChange:
    return BookChange(False, previous, last, last, list(bids), list(asks))


def kinds(lines: Iterable[Line]) -> list[type]:
    return [type(line) for line in lines]


def recorded() -> Iterator[dict]:
    with gzip.open(RECORDING, "rt") as file:
        for line in file:
            yield json.loads(line.partition(" ")[2])


# ------------------------------------------------------------------------------------------------------ a whole stream


def recorded_book(snapshot: dict, after: int) -> dict[str, dict[Decimal, Decimal]]:
    """The book that the recording ends in, by side; levels that are gone have a size of 0."""
    levels = [("b", snapshot["bids"]), ("a", snapshot["asks"])]
    for frame in recorded():
        data = frame.get("data", {})
        if data.get("e") == "depthUpdate" and data["u"] > after:
            levels += [(side, data[side]) for side in "ba"]
    book = {"b": {}, "a": {}}
    for side, changed in levels:
        book[side] |= {Decimal(price): Decimal(size) for price, size in changed}
    return book


def test_the_recorded_frames_end_in_the_recorded_book():
    stream, mirror = MarketStream("BTC-PERP"), Mirror()
    trades, lines = [], []
    for frame in recorded():
        if "lastUpdateId" in frame:
            found = list(stream.book(BINANCE.snapshot(frame), NOW))
            snapshot, after = frame, frame["lastUpdateId"]
        elif frame["data"]["e"] == "depthUpdate":
            found = list(stream.book(BINANCE.book(frame, ONE), NOW))
        else:
            trade = frame["data"] | {"a": frame["data"]["t"]}
            trades.append((trade["p"], trade["q"], "sell" if trade["m"] else "buy"))
            found = [*stream.trade(*BINANCE.trades({"data": trade}, ONE), NOW)]
        lines += found
        for line in found:
            mirror.take(read_line(write_line(line).rstrip()))
    reference = recorded_book(snapshot, after)
    mid_price = (max(p for p, s in reference["b"].items() if s) + min(p for p, s in reference["a"].items() if s)) / 2
    for side, levels in (("b", mirror.bids), ("a", mirror.asks)):
        reach = mid_price * (REACH - Decimal("0.001"))
        near = {p: s for p, s in reference[side].items() if s and abs(p - mid_price) < reach}
        assert len(near) > 300
        assert {price: levels.get(price) for price in near} == near
        assert all(reference[side][price] == size for price, size in levels.items())
    told_trades = [line for line in lines if isinstance(line, TradeLine)]
    # What was traded before the whole book was known is no news of that book.
    assert 280 < len(told_trades) <= len(trades)
    assert kinds(lines).count(GapLine) == 0


def test_changes_that_came_before_the_whole_book_are_applied_to_it_once():
    stream = MarketStream("BTC-PERP")
    assert list(stream.book(change(8, 9, levels(("99", "5"))), NOW)) == []
    assert list(stream.book(change(9, 12, levels(("98", "7"))), NOW)) == []
    assert stream.wants_whole_book
    lines = list(stream.book(whole(9, levels(("99", "6"))), NOW))
    assert kinds(lines) == [SnapshotLine, BookLine]
    assert lines[0].bids == [("99", "6")] and lines[1].bids == [("98", "7")]
    assert not stream.wants_whole_book


def test_a_whole_book_from_before_the_first_change_is_of_no_use():
    stream = MarketStream("BTC-PERP")
    list(stream.book(change(20, 21, levels(("99", "5"))), NOW))
    assert list(stream.book(whole(9, levels(("99", "6"))), NOW)) == []
    assert stream.wants_whole_book
    assert kinds(stream.book(whole(20, levels(("99", "6"))), NOW)) == [SnapshotLine, BookLine]


def test_a_gap_is_told_once_and_ends_with_the_whole_book():
    stream = MarketStream("BTC-PERP")
    list(stream.book(whole(1, levels(("99", "6"))), NOW))
    assert kinds(stream.book(change(2, 3, levels(("99", "5"))), NOW)) == [GapLine]
    assert list(stream.book(change(3, 4, levels(("98", "5"))), NOW)) == []
    assert kinds(stream.book(whole(3, levels(("99", "5"))), NOW)) == [SnapshotLine, BookLine]


def test_after_a_silence_the_book_is_told_again_before_anything_else():
    stream = MarketStream("BTC-PERP")
    list(stream.book(whole(1, levels(("99", "6"))), NOW))
    assert list(stream.look(NOW + SILENT_AFTER)) == []
    assert kinds(stream.look(NOW + SILENT_AFTER + 1)) == [SilenceLine]
    assert list(stream.look(NOW + 2 * SILENT_AFTER)) == []
    lines = list(stream.book(change(1, 2, levels(("99", "5"))), NOW + 2 * SILENT_AFTER))
    assert kinds(lines) == [SnapshotLine, BookLine]
    assert lines[0].bids == [("99", "6")]


def test_trades_from_before_the_book_and_trades_told_twice_are_left_out():
    stream = MarketStream("BTC-PERP")
    trade = Trade("buy", Decimal("101"), Decimal("0.5"), "7", 5)
    assert list(stream.trade(trade, NOW)) == []
    list(stream.book(whole(5, levels(("99", "6"))), NOW))
    assert kinds(stream.trade(trade, NOW)) == [TradeLine]
    assert list(stream.trade(trade, NOW)) == []
    assert list(stream.trade(Trade("buy", Decimal("101"), Decimal("0.5"), "6", 4), NOW)) == []


def test_the_mark_stands_for_an_index_that_is_not_told_and_only_news_are_told():
    stream = MarketStream("BTC-PERP")
    assert list(stream.prices(Prices(mark=Decimal("100.0")), NOW)) == []
    lines = list(stream.prices(Prices(rate=Decimal("1E-7"), next_funding_time=9), NOW))
    assert [(line.mark, line.index, line.rate) for line in lines] == [("100", "100", "0.0000001")]
    assert list(stream.prices(Prices(mark=Decimal("100.00")), NOW)) == []
    assert [line.mark for line in stream.prices(Prices(mark=Decimal("101")), NOW) if isinstance(line, PriceLine)] == [
        "101"
    ]


def test_what_is_asked_for_fills_gaps_and_replaces_only_what_no_stream_tells():
    stream = MarketStream("BTC-PERP")
    list(stream.prices(Prices(Decimal(100), None, Decimal("0.1"), 9), NOW))
    lines = list(stream.prices(Prices(Decimal(1), Decimal(99), Decimal("0.5"), 17), NOW, newer={"index"}))
    assert [(line.mark, line.index, line.rate, line.next_funding_time) for line in lines] == [("100", "99", "0.1", 9)]


# ------------------------------------------------------------------------------------------------------- what is told

PRICES = st.integers(9_000, 11_000)
CHANGES = st.lists(st.tuples(st.booleans(), PRICES, st.integers(0, 5)), max_size=30)


@given(st.lists(CHANGES, max_size=12))
def test_what_was_told_is_always_the_book_within_reach(frames):
    book, truth, reported = SourceBook(), ({}, {}), ({}, {})
    begin = levels(*((str(price), "1") for price in range(9_950, 10_000))), levels(("10001", "1"))
    _apply(truth, begin)
    _apply(reported, book.replace(*begin))
    for frame in frames:
        sides = tuple([(Decimal(p), Decimal(s)) for is_ask, p, s in frame if is_ask is side] for side in (False, True))
        _apply(truth, sides)
        changes = book.update(*sides)
        for side, rows in zip(reported, changes, strict=True):
            assert all(side.get(price, 0) != size for price, size in rows)
        _apply(reported, changes)
        for side, known in zip(truth, reported, strict=True):
            assert all(side.get(price) == size for price, size in known.items())
            assert len(known) >= min(LEAST_LEVELS, len(side))


def test_a_level_that_comes_back_into_reach_is_told_again():
    book = SourceBook()
    many = [(Decimal(10_000 - i), ONE) for i in range(300)]
    book.replace(many, levels(("10001", "1")))
    bids, _ = book.update(
        [(Decimal(10_000 - i), Decimal(0)) for i in range(150)], levels(("10001", "0"), ("9860", "1"))
    )
    assert (Decimal(9_800), ONE) in bids
    assert (Decimal(10_000), Decimal(0)) in bids


def _apply(book: tuple[dict, dict], changes: tuple[Levels, Levels]) -> None:
    for side, rows in zip(book, changes, strict=True):
        for price, size in rows:
            side.pop(price, None)
            if size:
                side[price] = size


def price_line(mark: str = "100", index: str = "100", rate: str = "0.0001", due: str = "1") -> bytes:
    return (
        f'{{"event":"price","market":"A","time":1,"received":1,"mark":"{mark}","index":"{index}","rate":"{rate}",'
        f'"nextFundingTime":{due}}}'
    ).encode()


@pytest.mark.parametrize(
    "text, why",
    [
        (b"", "truncated"),
        (b'{"event":"trade"}', "missing required field `side`"),
        (b'{"event":"boo","market":"A","time":1,"received":1}', "Invalid value 'boo'"),
        (b'{"event":"book","market":"A","time":1,"received":1,"bids":[["NaN","1"]],"asks":[]}', "bids"),
        (b'{"event":"book","market":"A","time":1,"received":1,"bids":[["1e5","1"]],"asks":[]}', "bids"),
        (b'{"event":"book","market":"A","time":1,"received":1,"bids":[["-5","1"]],"asks":[]}', "bids"),
        (b'{"event":"gap","market":"A","time":-1,"received":1}', "time"),
        (b'{"event":"gap","market":"A","time":1,"received":4102444800000001}', "received"),
        (b'{"event":"gap","market":"A","time":1e400,"received":1}', "time"),
        (b'{"event":"gap","market":"\xff","time":1,"received":1}', "does not fit"),
        (price_line(mark="0"), "mark"),
        (price_line(mark="0.000"), "mark"),
        (price_line(mark="1000000000000000"), "mark"),
        (price_line(index="Infinity"), "index"),
        (price_line(rate="1"), "rate"),
        (price_line(rate="-1.5"), "rate"),
        (price_line(due="9999999999999999999999"), "nextFundingTime"),
        (b'{"event":"history","market":"A","time":1,"received":1,"resolution":0,"candles":[]}', "resolution"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_with_the_field(text, why):
    with pytest.raises(LineError, match=why):
        read_line(text)
