"""The feed against stand-ins that speak the exchanges' dialects, through Hummingbot's own connectors to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest

from acme_bot.feed import reader, stream
from acme_bot.feed.reader import FeedError, MarketReader
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
)
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from test.acme_bot.feed.mirror import Mirror
from test.acme_bot.feed.stand_in import DUE, EXCHANGES, PAID, Binance, Hyperliquid, Okx, StandIn

PATIENCE = 120


class Reading:
    """A reader at work, and what it has written."""

    def __init__(self, exchange: StandIn):
        self.exchange = exchange
        self.lines: list[Line] = []
        self.mirror = Mirror()
        self.warnings: list[str] = []
        self._news = asyncio.Event()
        self.reader = MarketReader(exchange.exchange, exchange.pair, self._take, self.warnings.append)

    def _take(self, line: Line) -> None:
        self.lines.append(line)
        self.mirror.take(line)
        self._news.set()

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not done():
                self._news.clear()
                await self._news.wait()

    async def until_equal(self) -> None:
        await self.until(lambda: self.mirror.equals(self.exchange.bids, self.exchange.asks))

    def of[T](self, kind: type[T]) -> list[T]:
        return [line for line in self.lines if isinstance(line, kind)]


@pytest.fixture(params=EXCHANGES, ids=lambda each: each.exchange)
async def reading(request, monkeypatch) -> AsyncIterator[Reading]:
    exchange = request.param()
    await exchange.start()
    exchange.redirect(monkeypatch)

    async def at_once(self: object, delay: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(OrderBookTrackerDataSource, "_sleep", at_once)
    reading = Reading(exchange)
    await reading.reader.announce()
    task = asyncio.create_task(reading.reader.run(history=False))
    await exchange.connected()
    # Binance's book is asked for when the first change has come.
    await exchange.change(bids=[("61799.0", "3")])
    await reading.until_equal()
    yield reading
    task.cancel()
    await asyncio.wait([task])
    await ConnectionsFactory().close()
    await exchange.stop()


async def test_the_rules_are_the_exchange_s_in_coins(reading):
    rules = reading.of(MarketLine)
    assert len(rules) == 1 and reading.lines[0] is rules[0]
    assert (rules[0].market, rules[0].source, rules[0].pair) == (
        "BTC-PERP", reading.exchange.exchange, reading.exchange.pair,
    )  # fmt: skip
    least = "0.00001" if isinstance(reading.exchange, Hyperliquid) else "0.001"
    assert (rules[0].price_increment, rules[0].size_increment) == ("0.1", least)
    assert Decimal(rules[0].taker_fee) > Decimal(rules[0].maker_fee) > 0


async def test_the_book_follows_to_the_last_digit(reading):
    for bids, asks in (
        ([("61800.2", "0"), ("61800.1", "0.123")], []),
        ([("61800.15", "0.001")], [("61800.3", "0"), ("61800.25", "7.001")]),
        ([], [("61800.9", "0")]),
    ):
        await reading.exchange.change(bids, asks)
    await reading.until_equal()
    assert not reading.of(GapLine)


async def test_trades_come_once_each_with_side_and_coins(reading):
    await reading.exchange.trade("buy", "61800.3", "0.006", 1)
    await reading.exchange.trade("sell", "61800.2", "0.45", 2)
    await reading.exchange.trade("sell", "61800.2", "0.45", 2)
    await reading.exchange.trade("buy", "61800.9", "0.02", 3)
    await reading.until(lambda: len(reading.of(TradeLine)) >= 3)
    trades = [(trade.side, trade.price, trade.size, trade.id) for trade in reading.of(TradeLine)]
    assert trades == [
        ("buy", "61800.3", "0.006", "1"), ("sell", "61800.2", "0.45", "2"), ("buy", "61800.9", "0.02", "3"),
    ]  # fmt: skip
    assert reading.of(TradeLine)[0].time == reading.exchange.time * 1000


async def test_mark_index_and_rate_are_the_exchange_s(reading):
    await reading.until(lambda: bool(reading.of(PriceLine)))
    await reading.exchange.price("61811.1", "61805.5", "-0.00021")
    await reading.until(lambda: reading.of(PriceLine)[-1].rate == "-0.00021")
    price = reading.of(PriceLine)[-1]
    assert (price.mark, price.index) == ("61811.1", "61805.5")
    if not isinstance(reading.exchange, Hyperliquid):
        assert price.next_funding_time == DUE * 1000
    else:
        assert price.next_funding_time % 3_600_000_000 == 0 and price.next_funding_time > price.received


async def test_a_lost_frame_is_noticed_and_mended(reading):
    await reading.exchange.change(bids=[("61800.2", "0")], lost=True)
    await reading.exchange.change(asks=[("61800.3", "9.5")])
    await reading.until_equal()
    assert len(reading.of(GapLine)) == (0 if isinstance(reading.exchange, Hyperliquid) else 1)
    await reading.exchange.change(asks=[("61800.3", "9.4")])
    await reading.until_equal()


async def test_a_cut_connection_is_made_again_and_the_book_is_told_anew(reading):
    before = reading.exchange.connections
    await reading.exchange.cut()
    await reading.exchange.change(bids=[("61800.2", "0"), ("61800.0", "11")])
    await reading.exchange.connected()
    assert reading.exchange.connections > before
    await reading.exchange.change(asks=[("61800.4", "0.5")])
    await reading.until_equal()


async def test_the_rate_that_was_paid_is_the_exchange_s(reading):
    assert await reading.reader._paid_rate(DUE * 1000) == Decimal(PAID)
    assert await reading.reader._paid_rate(DUE * 1000 + 3_600_000_000) is None
    assert reading.warnings == []


@pytest.mark.parametrize("reading", [Binance], indirect=True, ids=["binance_perpetual"])
async def test_after_a_silence_prices_wait_for_what_was_paid_meanwhile(reading, monkeypatch):
    await reading.until(lambda: bool(reading.of(PriceLine)))
    monkeypatch.setattr(stream, "SILENT_AFTER", 0)
    await reading.until(lambda: bool(reading.of(SilenceLine)))
    monkeypatch.undo()
    before = len(reading.lines)
    reading.exchange.redirect(monkeypatch)
    await reading.exchange.price("61811.1", "61805.5", "-0.00021")
    await reading.until(lambda: bool(reading.of(FundingLine)) and isinstance(reading.lines[-1], PriceLine))
    news = [line for line in reading.lines[before:] if not isinstance(line, SilenceLine)]
    assert [type(line) for line in news] == [SnapshotLine, FundingLine, PriceLine]
    assert (news[1].rate, news[1].time, news[2].rate) == (PAID, DUE * 1000, "-0.00021")


async def test_a_trade_that_comes_late_keeps_its_time(reading):
    """What a frame of the book shows already is told apart by the exchange's time alone."""
    await reading.exchange.change(bids=[("61800.2", "1")])
    reading.exchange.time -= 50
    await reading.exchange.trade("sell", "61800.2", "1.9", 7)
    reading.exchange.time += 50
    await reading.until(lambda: bool(reading.of(TradeLine)))
    books = [line for line in reading.lines if isinstance(line, BookLine | SnapshotLine)]
    assert reading.of(TradeLine)[0].time == books[-1].time - 50_000


@pytest.mark.parametrize("reading", [Binance], indirect=True, ids=["binance_perpetual"])
async def test_a_market_that_the_exchange_takes_away_is_told_to_have_ended_once_it_is_sure(reading, monkeypatch):
    rules = reading.exchange.symbols[0]
    reading.exchange.symbols = []  # An answer with nothing in it is no news of a market.
    monkeypatch.setattr(reader, "RULES_SECONDS", 0.01)
    watching = asyncio.create_task(reading.reader._watch_rules())
    await reading.exchange.asked_for_rules(2)
    reading.exchange.symbols = [{**rules, "symbol": "ETHUSDT", "pair": "ETHUSDT", "baseAsset": "ETH"}]
    async with asyncio.timeout(PATIENCE):
        await watching
    announced = reading.of(MarketLine)
    assert [line.status for line in announced] == ["open", "closed"]
    assert reading.warnings == ["binance_perpetual has taken BTC-USDT away."]


@pytest.mark.parametrize("reading", [Binance], indirect=True, ids=["binance_perpetual"])
async def test_other_increments_are_told(reading, monkeypatch):
    rules = reading.exchange.symbols[0]
    finer = {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "556.80", "maxPrice": "4529764"}
    reading.exchange.symbols = [{**rules, "filters": [finer, *rules["filters"][1:]]}]
    monkeypatch.setattr(reader, "RULES_SECONDS", 0.01)
    watching = asyncio.create_task(reading.reader._watch_rules())
    await reading.until(lambda: len(reading.of(MarketLine)) == 2)
    watching.cancel()
    assert reading.of(MarketLine)[1].price_increment == "0.01"
    assert reading.warnings == ["BTC-USDT: binance_perpetual has changed its increments; start again to trade by them."]


@pytest.mark.parametrize("exchange", [Okx])
async def test_a_pair_that_is_not_there_is_refused_with_near_names(exchange, monkeypatch):
    stand_in = exchange()
    await stand_in.start()
    stand_in.redirect(monkeypatch)
    with pytest.raises(FeedError, match="okx_perpetual has no pair BTC-USD; did you mean BTC-USDT?"):
        await MarketReader("okx_perpetual", "BTC-USD", lambda line: None, print).announce()
    await ConnectionsFactory().close()
    await stand_in.stop()
