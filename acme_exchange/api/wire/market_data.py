"""The answers about markets, field by field, and how they are made of what engine and store know (Acme API §4, §6).
Nothing is rounded."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from acme_exchange.api import published_book
from acme_exchange.api.wire.answers import (
    COLLATERAL,
    NOTHING,
    Answer,
    Level,
    Spelled,
    SpelledLevel,
    Time,
    epoch_seconds,
    iso,
    iso_or_none,
    spelled,
)
from acme_exchange.engine import FundingSettled, Traded, views
from acme_exchange.engine.model.words import MarketKind, Side
from acme_exchange.store import store as stored

KIND_NAMES: dict[MarketKind, Literal["future", "spot"]] = {"perpetual": "future", "future": "future", "spot": "spot"}


class Coin(Answer, frozen=True):
    id: str
    name: str
    fiat: bool
    collateral: bool
    collateral_weight: Decimal
    usd_fungible: bool
    can_deposit: bool
    can_withdraw: bool
    can_convert: bool


US_DOLLAR = Coin(
    id="USD",
    name="US Dollar",
    fiat=True,
    collateral=True,
    collateral_weight=Decimal(1),
    usd_fungible=True,
    can_deposit=False,
    can_withdraw=False,
    can_convert=False,
)


class Market(Answer, frozen=True):
    name: str
    type: Literal["future", "spot"]
    underlying: str | None
    base_currency: str | None
    quote_currency: str | None
    enabled: bool
    post_only: bool
    restricted: bool
    price_increment: Spelled
    size_increment: Spelled
    min_provide_size: Spelled
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    price: Decimal | None
    change_1h: Decimal = msgspec.field(name="change1h")
    change_24h: Decimal = msgspec.field(name="change24h")
    change_bod: Decimal
    quote_volume_24h: Decimal = msgspec.field(name="quoteVolume24h")
    volume_usd_24h: Decimal = msgspec.field(name="volumeUsd24h")
    high_leverage_fee_exempt: bool
    source: str | None
    halted: bool


def market(market: views.Market) -> Market:
    is_spot = market.kind == "spot"
    return Market(
        name=market.name,
        type=KIND_NAMES[market.kind],
        underlying=None if is_spot else market.underlying,
        base_currency=market.underlying if is_spot else None,
        quote_currency=COLLATERAL if is_spot else None,
        enabled=market.enabled,
        post_only=False,
        restricted=False,
        price_increment=spelled(market.price_increment),
        size_increment=spelled(market.size_increment),
        min_provide_size=spelled(market.min_provide_size),
        last=market.last,
        bid=market.bid,
        ask=market.ask,
        price=market.price,
        change_1h=market.change_1h,
        change_24h=market.change_24h,
        change_bod=market.change_day,
        quote_volume_24h=market.volume_24h,
        volume_usd_24h=market.volume_24h,
        high_leverage_fee_exempt=True,
        source=market.source,
        halted=market.halted,
    )


class Future(Answer, frozen=True):
    name: str
    underlying: str
    type: Literal["perpetual", "future"]
    perpetual: bool
    expired: bool
    enabled: bool
    expiry: Time | None
    index: Decimal | None
    mark: Decimal | None
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    imf_factor: Decimal
    price_increment: Spelled
    size_increment: Spelled
    volume_usd_24h: Decimal = msgspec.field(name="volumeUsd24h")
    open_interest: Decimal
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    source: str | None
    halted: bool


def future(future: views.Future) -> Future:
    market = future.market
    is_perpetual = market.kind == "perpetual"
    return Future(
        name=market.name,
        underlying=market.underlying,
        type="perpetual" if is_perpetual else "future",
        perpetual=is_perpetual,
        expired=future.expired,
        enabled=market.enabled,
        expiry=iso_or_none(future.expiry),
        index=market.index,
        mark=market.mark,
        last=market.last,
        bid=market.bid,
        ask=market.ask,
        imf_factor=NOTHING,
        price_increment=spelled(market.price_increment),
        size_increment=spelled(market.size_increment),
        volume_usd_24h=market.volume_24h,
        open_interest=market.open_interest,
        next_funding_rate=future.next_funding_rate,
        next_funding_time=iso_or_none(future.next_funding_time),
        source=market.source,
        halted=market.halted,
    )


class FutureStatistics(Answer, frozen=True):
    volume: Decimal
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    open_interest: Decimal


def future_statistics(future: views.Future) -> FutureStatistics:
    return FutureStatistics(
        volume=future.market.volume_24h,
        next_funding_rate=future.next_funding_rate,
        next_funding_time=iso_or_none(future.next_funding_time),
        open_interest=future.market.open_interest,
    )


class Funding(Answer, frozen=True):
    future: str
    index: Decimal | None
    mark: Decimal | None
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    open_interest: Decimal
    time: Time


def funding(future: views.Future, now: int) -> Funding:
    """
    :param now: microseconds since the epoch.
    """
    return Funding(
        future=future.market.name,
        index=future.market.index,
        mark=future.market.mark,
        next_funding_rate=future.next_funding_rate,
        next_funding_time=iso_or_none(future.next_funding_time),
        open_interest=future.market.open_interest,
        time=iso(now),
    )


class FundingRate(Answer, frozen=True):
    future: str
    rate: Decimal
    time: Time


def funding_rate(settled: FundingSettled) -> FundingRate:
    return FundingRate(future=settled.market, rate=settled.rate, time=iso(settled.time))


class Trade(Answer, frozen=True):
    id: int
    price: Decimal
    size: Decimal
    side: Side
    liquidation: bool
    time: Time


def trade(traded: Traded) -> Trade:
    return Trade(
        id=traded.id,
        price=traded.price,
        size=traded.size,
        side=traded.side,
        liquidation=traded.liquidation,
        time=iso(traded.time),
    )


class Candle(Answer, frozen=True):
    start_time: Time
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def candle(candle: stored.Candle) -> Candle:
    return Candle(
        start_time=iso(candle.start),
        time=candle.start // 1000,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
    )


class OrderBook(Answer, frozen=True):
    bids: list[SpelledLevel]
    asks: list[SpelledLevel]
    time: float


def order_book(bids: Sequence[Level], asks: Sequence[Level], now: int) -> OrderBook:
    """
    :param bids: best first.
    :param asks: best first.
    :param now: microseconds since the epoch.
    """
    return OrderBook(bids=_spelled_levels(bids), asks=_spelled_levels(asks), time=epoch_seconds(now))


class BookFrame(Answer, frozen=True):
    time: float
    checksum: int
    bids: list[SpelledLevel]
    asks: list[SpelledLevel]
    action: Literal["partial", "update"]


def book_frame(change: published_book.BookChange) -> BookFrame:
    return BookFrame(
        time=change.time,
        checksum=change.checksum,
        bids=_spelled_levels(change.bids),
        asks=_spelled_levels(change.asks),
        action=change.action,
    )


class Ticker(Answer, frozen=True):
    bid: Spelled | None
    ask: Spelled | None
    bid_size: Spelled | None
    ask_size: Spelled | None
    last: Spelled | None
    time: float


def ticker(bids: Sequence[Level], asks: Sequence[Level], last: Decimal | None, now: int) -> Ticker:
    """
    :param bids: best first.
    :param asks: best first.
    :param now: microseconds since the epoch.
    """
    bid, bid_size = map(spelled, bids[0]) if bids else (None, None)
    ask, ask_size = map(spelled, asks[0]) if asks else (None, None)
    return Ticker(
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        last=None if last is None else spelled(last),
        time=epoch_seconds(now),
    )


class MarketsFrame(Answer, frozen=True):
    action: Literal["partial", "update"]
    data: dict[str, Market]


def _spelled_levels(levels: Sequence[Level]) -> list[SpelledLevel]:
    return [(spelled(price), spelled(size)) for price, size in levels]
