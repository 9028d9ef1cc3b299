"""From lines to commands: when a followed market opens, what a gap and a silence do, and that a replay is exact."""

import gzip
import os
import re
import sys
from decimal import Decimal
from random import Random

import msgspec
import pytest

from acme_exchange.engine import (
    CreateAccount,
    Delist,
    Deposit,
    Engine,
    Event,
    FollowFunding,
    FollowPrices,
    Halt,
    MirrorBook,
    MirrorTrade,
    PlaceOrder,
    Refused,
)  # fmt: skip
from acme_exchange.market.follow import source
from acme_exchange.market.follow.follower import SILENT_AFTER, Follower, specification
from acme_exchange.market.follow.lines import (
    BookLine,
    FundingLine,
    GapLine,
    Line,
    MarketLine,
    PriceLine,
    SilenceLine,
    SnapshotLine,
    TradeLine,
    write_line,
)  # fmt: skip
from acme_exchange.market.follow.source import STANDARD_INPUT, FollowError, LineSource

BTC = "BTC-PERP"
NOW = 1_790_000_000_000_000
AT = {"market": BTC, "time": NOW, "received": NOW}
MARKET = MarketLine(
    **AT, source="binance_perpetual", pair="BTC-USDT", price_increment="0.1", size_increment="0.001", minimum="0.001",
    maker_fee="0.0002", taker_fee="0.0005",
)  # fmt: skip
PRICE = PriceLine(**AT, mark="100", index="100", rate="0.0001", next_funding_time=NOW + 3_600_000_000)
SNAPSHOT = SnapshotLine(**AT, bids=[("99.9", "5")], asks=[("100.1", "5")])
CHANGE = BookLine(**AT, bids=[("99.9", "7")], asks=[])
TRADE = TradeLine(**AT, side="sell", price="99.9", size="1", id="1")


def kinds(follower: Follower, line: Line, now: int = NOW) -> list[type]:
    return [type(command) for command in follower.commands(line, now)]


@pytest.fixture
def live() -> Follower:
    follower = Follower([MARKET])
    kinds(follower, PRICE)
    kinds(follower, SNAPSHOT)
    return follower


@pytest.mark.parametrize("lines", [(PRICE, SNAPSHOT), (SNAPSHOT, PRICE)])
def test_a_market_opens_when_prices_and_the_whole_book_are_there_prices_first(lines):
    follower = Follower([MARKET])
    assert kinds(follower, TRADE) == kinds(follower, CHANGE) == kinds(follower, lines[0]) == []
    assert kinds(follower, lines[1]) == [Halt, FollowPrices, MirrorBook]
    assert kinds(follower, CHANGE) == [MirrorBook]
    assert kinds(follower, TRADE) == [MirrorTrade]


def test_changes_that_come_while_prices_are_awaited_are_not_lost():
    follower = Follower([MARKET])
    kinds(follower, SNAPSHOT)
    kinds(follower, CHANGE)
    assert kinds(follower, PRICE) == [Halt, FollowPrices, MirrorBook, MirrorBook]


def test_after_a_gap_orders_are_taken_without_the_mirror_until_the_whole_book_comes(live):
    assert list(live.commands(GapLine(**AT), NOW)) == [Halt(BTC, False)]
    assert kinds(live, CHANGE) == kinds(live, TRADE) == []
    assert kinds(live, PRICE) == [FollowPrices]
    assert kinds(live, SNAPSHOT) == [MirrorBook]


def test_a_silence_halts_once_and_is_over_when_prices_and_book_have_come_again(live):
    assert list(live.silences(NOW + SILENT_AFTER)) == []
    assert list(live.silences(NOW + SILENT_AFTER + 1)) == [Halt(BTC, True)]
    assert list(live.silences(NOW + 2 * SILENT_AFTER)) == kinds(live, SilenceLine(**AT)) == []
    assert kinds(live, SNAPSHOT) == []
    assert kinds(live, PRICE) == [Halt, FollowPrices, MirrorBook]


def test_what_was_paid_meanwhile_comes_before_the_market_opens_again(live):
    kinds(live, SilenceLine(**AT))
    paid = FundingLine(**AT, rate="-0.00033")
    assert list(live.commands(paid, NOW)) == [FollowFunding(BTC, Decimal("-0.00033"), NOW)]
    assert list(live.commands(paid, NOW, due=NOW + 9)) == [FollowFunding(BTC, Decimal("-0.00033"), NOW + 9)]
    assert kinds(live, SNAPSHOT) == []
    assert kinds(live, PRICE) == [Halt, FollowPrices, MirrorBook]


def test_when_the_lines_end_every_market_is_halted(live):
    assert list(live.end()) == [Halt(BTC, True)]


def test_a_market_that_the_source_takes_away_is_delisted_once(live):
    closed = MarketLine(**{name: getattr(MARKET, name) for name in MARKET.__struct_fields__} | {"status": "closed"})
    assert list(live.commands(closed, NOW)) == [Delist(BTC)]
    assert kinds(live, closed) == kinds(live, PRICE) == kinds(live, SNAPSHOT) == []


def test_lines_of_a_market_that_was_not_announced_are_left_out(live):
    assert kinds(live, TradeLine(market="ETH-PERP", time=1, received=1, side="buy", price="1", size="1", id="")) == []


# ---------------------------------------------------------------------------------------------------------- recordings


def recording(tmp_path, lines: list[Line], cut: int = 0):
    path = tmp_path / "day.jsonl.gz"
    content = gzip.compress(b"".join(map(write_line, lines)))
    path.write_bytes(content[: len(content) - cut])
    return path


def test_a_recording_is_read_from_its_markets_on_and_what_does_not_fit_is_said_and_left_out(tmp_path):
    path = recording(tmp_path, [MARKET, PRICE, SNAPSHOT])
    with gzip.open(path, "ab") as file:
        file.write(b'{"event":"trade","side":1}\n' + write_line(TRADE))
    notices: list[str] = []
    source = LineSource(path, notices.append)
    assert source.markets == [MARKET]
    assert list(source.recorded()) == list(source.recorded()) == [MARKET, PRICE, SNAPSHOT, TRADE]
    assert len(notices) == 2 and f"{path}, line 4 is left out: the line does not fit" in notices[0]


def test_of_many_lines_that_do_not_fit_the_first_are_named(tmp_path):
    path, notices = recording(tmp_path, [MARKET, PRICE]), []
    with gzip.open(path, "ab") as file:
        file.write(b"{}\n" * 1_000 + write_line(TRADE))
    assert list(LineSource(path, notices.append).recorded()) == [MARKET, PRICE, TRADE]
    assert len(notices) == 20 and notices[-1].endswith("; no more of them are named")


def test_a_recording_that_was_cut_off_is_played_as_far_as_it_goes(tmp_path):
    notices: list[str] = []
    source = LineSource(recording(tmp_path, [MARKET, *[PRICE, SNAPSHOT, TRADE] * 500], cut=12), notices.append)
    lines = list(source.recorded())
    assert len(lines) > 0
    assert notices[-1] == f"{tmp_path / 'day.jsonl.gz'} was cut off: it is followed up to line {len(lines)}."


def test_a_recording_that_was_damaged_is_played_up_to_there(tmp_path):
    path = recording(tmp_path, [MARKET, *[PRICE, SNAPSHOT, TRADE] * 5000])
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = Random(7).randbytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    notices: list[str] = []
    lines = list(LineSource(path, notices.append).recorded())
    assert 1 < len(lines) < 15_001
    assert re.search(r"cannot be read any further \(.*\): it is followed up to line \d+\.", notices[-1])


def test_lines_that_end_in_the_middle_of_one_or_go_on_for_ever_are_followed_up_to_there(tmp_path, monkeypatch):
    path, notices = tmp_path / "day.jsonl", []
    whole = b"".join(map(write_line, [MARKET, PRICE]))
    path.write_bytes(whole + write_line(TRADE)[:-5])
    assert list(LineSource(path, notices.append).recorded()) == [MARKET, PRICE]
    assert notices[-1] == f"{path}, line 3 is not whole: it is followed up to there."
    path.write_bytes(whole + b"1" * 2_000 + b"\n" + write_line(TRADE))
    monkeypatch.setattr(source, "LONGEST_LINE", 1_000)
    assert list(LineSource(path, notices.append).recorded()) == [MARKET, PRICE]
    assert notices[-1] == f"{path}, line 3 is too long: it is followed up to there."


async def test_a_feed_that_stops_in_the_middle_of_a_line_has_ended(monkeypatch):
    read, write = os.pipe()
    notices: list[str] = []
    with os.fdopen(read) as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        os.write(write, b"".join(map(write_line, [MARKET, PRICE, SNAPSHOT])))
        lines = LineSource(STANDARD_INPUT, notices.append).live()
        assert [await anext(lines), await anext(lines)] == [PRICE, SNAPSHOT]
        os.write(write, write_line(TRADE)[:20])
        os.close(write)
        assert [line async for line in lines] == []
    assert notices == ["standard input, line 4 is not whole: it is followed up to there."]


def test_what_is_no_feed_s_output_is_refused(tmp_path):
    with pytest.raises(FollowError, match="no market is announced"):
        LineSource(recording(tmp_path, [PRICE]), lambda text: None)
    with pytest.raises(FollowError, match="cannot be read"):
        LineSource(tmp_path / "missing", print)


def test_two_pairs_that_would_be_one_market_are_refused(tmp_path):
    other = msgspec.structs.replace(MARKET, pair="BTC-USDC")
    with pytest.raises(FollowError, match="both BTC-USDT and BTC-USDC would be BTC-PERP"):
        LineSource(recording(tmp_path, [MARKET, other]), print)


@pytest.mark.parametrize(
    "changes",
    [
        {"price_increment": "0"}, {"price_increment": "0.0000000000001"}, {"size_increment": "0"},
        {"size_increment": "9" * 50}, {"minimum": "9" * 50}, {"market": " "},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused_with_the_field(changes):
    with pytest.raises(ValueError, match=r"^(price_increment|size_increment|name|underlying): "):
        specification(msgspec.structs.replace(MARKET, **changes))


def test_more_decimals_than_the_engine_counts_in_are_rounded(live):
    price = msgspec.structs.replace(PRICE, rate="0.0001875391284828", mark="100.12345678901234")
    (command,) = live.commands(price, NOW)
    assert (command.rate, command.mark) == (Decimal("0.000187539128"), Decimal("100.123456789012"))


def test_a_recording_played_twice_with_the_same_orders_gives_the_same_events():
    assert played() == played()


def played() -> str:
    follower, engine = Follower([MARKET], power=3), Engine([specification(MARKET)])
    found: list[Event] = []
    for command in (CreateAccount("alice"), Deposit("alice", Decimal(10_000))):
        found += engine.apply(command, NOW)
    lines = [PRICE, SNAPSHOT, *(line for i in range(200) for line in busy(i))]
    for i, line in enumerate(lines):
        for command in follower.commands(line, NOW + i):
            found += engine.apply(command, NOW + i)
        if i % 7 == 0:
            order = PlaceOrder("alice", BTC, "buy" if i % 2 else "sell", "limit", Decimal("0.01"), Decimal(100))
            try:
                found += engine.apply(order, NOW + i)
            except Refused as refusal:
                assert i == 0 and refusal.text == f"Invalid parameter market: {BTC} has no price yet"
    assert len(found) > 400
    return repr(found)


def busy(i: int) -> list[Line]:
    at = {"market": BTC, "time": NOW + 1000 * i, "received": NOW + 1000 * i}
    bids, asks = [(f"99.{i % 9}", str(i % 5))], [(f"100.{(i + 4) % 9}", str(i % 4))]
    return [
        BookLine(**at, bids=bids, asks=asks),
        TradeLine(
            **at, side="sell" if i % 2 else "buy", price=f"99.{i % 9}" if i % 2 else "100.1", size="0.5", id=str(i)
        ),
    ]
