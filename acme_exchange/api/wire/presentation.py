"""Turns what the engine and the store know into what the wire says: pure functions, nothing rounded."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Raw

from acme_exchange.api.published_book import BookChange
from acme_exchange.api.wire import answers
from acme_exchange.engine import Filled, FundingPaid, FundingSettled, Traded, views
from acme_exchange.engine.model.words import MarketKind
from acme_exchange.store import Candle

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLLATERAL = "USD"
KIND_NAMES: dict[MarketKind, Literal["future", "spot"]] = {"perpetual": "future", "future": "future", "spot": "spot"}
NOTHING = Decimal(0)


def iso(time: int) -> str:
    """`time`, in microseconds since the epoch, as Acme API §1 writes times."""
    return (EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds")


def iso_or_none(time: int | None) -> str | None:
    return None if time is None else iso(time)


def epoch_seconds(time: int) -> float:
    """`time`, in microseconds since the epoch, in seconds."""
    return time / 1_000_000


def market(market: views.Market) -> answers.Market:
    is_spot = market.kind == "spot"
    return answers.Market(
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


def future(future: views.Future) -> answers.Future:
    market = future.market
    is_perpetual = market.kind == "perpetual"
    return answers.Future(
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


def future_statistics(future: views.Future) -> answers.FutureStatistics:
    return answers.FutureStatistics(
        volume=future.market.volume_24h,
        next_funding_rate=future.next_funding_rate,
        next_funding_time=iso_or_none(future.next_funding_time),
        open_interest=future.market.open_interest,
    )


def funding(future: views.Future, now: int) -> answers.Funding:
    """
    :param now: microseconds since the epoch.
    """
    return answers.Funding(
        future=future.market.name,
        index=future.market.index,
        mark=future.market.mark,
        next_funding_rate=future.next_funding_rate,
        next_funding_time=iso_or_none(future.next_funding_time),
        open_interest=future.market.open_interest,
        time=iso(now),
    )


def funding_rate(settled: FundingSettled) -> answers.FundingRate:
    return answers.FundingRate(future=settled.market, rate=settled.rate, time=iso(settled.time))


def funding_payment(paid: FundingPaid) -> answers.FundingPayment:
    return answers.FundingPayment(
        id=paid.id, future=paid.market, payment=paid.payment, rate=paid.rate, time=iso(paid.time)
    )


def trade(traded: Traded) -> answers.Trade:
    return answers.Trade(
        id=traded.id,
        price=traded.price,
        size=traded.size,
        side=traded.side,
        liquidation=traded.liquidation,
        time=iso(traded.time),
    )


def candle(candle: Candle) -> answers.Candle:
    return answers.Candle(
        start_time=iso(candle.start),
        time=candle.start // 1000,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
    )


def account(account: views.Account) -> answers.Account:
    return answers.Account(
        username=account.name,
        collateral=account.collateral,
        free_collateral=account.free_collateral,
        total_account_value=account.total_account_value,
        total_position_size=account.total_position_size,
        initial_margin_requirement=account.initial_margin_requirement,
        maintenance_margin_requirement=account.maintenance_margin_requirement,
        margin_fraction=account.margin_fraction,
        open_margin_fraction=account.open_margin_fraction,
        liquidating=account.liquidating,
        leverage=account.leverage,
        maker_fee=account.maker_fee,
        taker_fee=account.taker_fee,
        positions=[position(each) for each in account.positions],
        position_mode=account.position_mode,
    )


def position(position: views.Position, with_average_prices: bool = False) -> answers.Position:
    """
    :param with_average_prices: adds what `showAvgPrice` asks for.
    """
    averages = {}
    if with_average_prices:
        averages = {
            "recent_average_open_price": position.recent_average_open_price,
            "recent_break_even_price": position.recent_break_even_price,
            "recent_pnl": position.recent_profit,
        }
    return answers.Position(
        future=position.market,
        side=position.side,
        size=position.size,
        net_size=position.net_size,
        open_size=position.open_size,
        long_order_size=position.long_order_size,
        short_order_size=position.short_order_size,
        cost=position.cost,
        entry_price=position.entry_price,
        unrealized_pnl=position.unrealized_profit,
        realized_pnl=position.realized_profit,
        initial_margin_requirement=position.initial_margin_requirement,
        maintenance_margin_requirement=position.maintenance_margin_requirement,
        estimated_liquidation_price=position.estimated_liquidation_price,
        collateral_used=position.collateral_used,
        position_side=position.position_side,
        **averages,
    )


def balance(balance: views.Balance) -> answers.Balance:
    return answers.Balance(
        coin=COLLATERAL,
        total=balance.total,
        free=balance.free,
        available_without_borrow=balance.free,
        usd_value=balance.total,
        spot_borrow=NOTHING,
    )


def order(order: views.Order) -> answers.Order:
    return answers.Order(
        id=order.id,
        client_id=order.client_id,
        market=order.market,
        future=order.market,
        type=order.kind,
        side=order.side,
        size=order.size,
        price=order.price,
        reduce_only=order.reduce_only,
        ioc=order.ioc,
        post_only=order.post_only,
        status=order.status,
        filled_size=order.filled_size,
        remaining_size=order.remaining_size,
        avg_fill_price=order.average_fill_price,
        created_at=iso(order.created_at),
        liquidation=order.liquidation,
        position_side=order.position_side,
    )


def fill(fill: Filled) -> answers.Fill:
    """Nothing but futures is traded on Acme, so that no fill has currencies of its own."""
    assert fill.order_id is not None, "the house's fills are told to nobody"
    return answers.Fill(
        id=fill.id,
        market=fill.market,
        future=fill.market,
        type=fill.kind,
        side=fill.side,
        price=fill.price,
        size=fill.size,
        order_id=fill.order_id,
        trade_id=fill.trade_id,
        time=iso(fill.time),
        fee_rate=fill.fee_rate,
        fee=fill.fee,
        fee_currency=COLLATERAL,
        liquidity=fill.liquidity,
        base_currency=None,
        quote_currency=None,
        client_id=fill.client_id,
        position_side=fill.position_side,
    )


def ticker(
    bids: Sequence[answers.Level], asks: Sequence[answers.Level], last: Decimal | None, now: int
) -> answers.Ticker:
    """
    :param bids: best first.
    :param asks: best first.
    :param now: microseconds since the epoch.
    """
    bid, bid_size = map(spelled, bids[0]) if bids else (None, None)
    ask, ask_size = map(spelled, asks[0]) if asks else (None, None)
    return answers.Ticker(
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        last=None if last is None else spelled(last),
        time=epoch_seconds(now),
    )


def order_book(bids: Sequence[answers.Level], asks: Sequence[answers.Level], now: int) -> answers.OrderBook:
    """
    :param bids: best first.
    :param asks: best first.
    :param now: microseconds since the epoch.
    """
    return answers.OrderBook(bids=_spelled_levels(bids), asks=_spelled_levels(asks), time=epoch_seconds(now))


def book_frame(change: BookChange) -> answers.BookFrame:
    return answers.BookFrame(
        time=change.time,
        checksum=change.checksum,
        bids=_spelled_levels(change.bids),
        asks=_spelled_levels(change.asks),
        action=change.action,
    )


def spelled(number: Decimal) -> Raw:
    """The number as the checksum of Acme API §6 has it, as Python's `repr(float)` writes it."""
    return Raw(repr(float(number)).encode())


def _spelled_levels(levels: Sequence[answers.Level]) -> list[answers.SpelledLevel]:
    return [(spelled(price), spelled(size)) for price, size in levels]
