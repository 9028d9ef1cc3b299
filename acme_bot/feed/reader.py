"""Reads one market of a real exchange through Hummingbot's public data source for it, without keys."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from typing import Any

import aiohttp
import msgspec

from acme_bot.feed.dialects import DIALECTS, BookChange, Dialect, Frame, FundingHistory, Prices, Trade
from acme_bot.feed.stream import FIELDS, MarketStream
from acme_bot.problem import Problem
from acme_exchange.engine.model.mirror import SAME_PAYMENT
from acme_exchange.market.follow.lines import Candle, HistoryLine, Line, MarketLine, plain

MICROSECONDS = 1_000_000
LOOK_SECONDS = 0.5
ASK_SECONDS = 0.5
"""Between two requests for the whole book."""
PRICES_SECONDS = 30.0
"""Between two requests for mark, index and funding, of which a stream may leave something out."""
ANSWER_SECONDS = 10.0
RULES_SECONDS = 300.0
"""Between two looks at the market's rules."""
ASSURANCES = 2
HISTORY = (("1m", 60), ("1h", 3600))
MOST_GAPS = 3
GAPS_WITHIN = 60 * MICROSECONDS

Write = Callable[[Line], None]


class FeedError(Problem):
    """A market cannot be read; the text says why, and what to write instead."""


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def venue_market(pair: str) -> str:
    """What the venue calls the market that Hummingbot calls `pair`: BTC-USDT is BTC-PERP."""
    return f"{pair.rpartition('-')[0]}-PERP"


class MarketReader:
    """Reads one market for as long as `run` is let.

    :param exchange: Hummingbot's name for the connector, such as binance_perpetual.
    :param pair: Hummingbot's name for the market, such as BTC-USDT.
    :param write: is given each line.
    :param warn: is given each sentence that the user should know.
    """

    def __init__(self, exchange: str, pair: str, write: Write, warn: Callable[[str], None]):
        self._exchange = exchange
        self._pair = pair
        self._write = write
        self._warn = warn
        self._market = venue_market(pair)
        self._stream = MarketStream(self._market)
        self._connector: Any = _connector(exchange, pair)
        self._source: Any = self._connector._orderbook_ds
        self._subscription: asyncio.Task[None] | None = None
        self._gaps: list[int] = []
        self._announced: MarketLine | None = None

    async def announce(self) -> None:
        """Tells the market's rules, which have to come before anything else.

        :raises FeedError: the exchange has no such market, or does not answer.
        """
        rules = await self._rules()
        if self._pair not in rules:
            raise FeedError(_no_such_pair(self._exchange, self._pair, rules))
        self._announced = self._market_line(rules[self._pair])
        self._emit([self._announced])

    async def run(self, history: bool = True) -> None:
        """Reads until it is cancelled.

        :param history: candles from before come first, where Hummingbot can get them.
        """
        if history:
            await self._tell_history()
        tasks = [self._listen(), self._look(), self._ask_prices(), self._watch_rules(), self._watch_funding()]
        try:
            async with asyncio.TaskGroup() as group:
                for each in tasks:
                    group.create_task(each)
        finally:
            await self._end_subscription()

    # ----------------------------------------------------------------------------------------------- what is followed

    async def _rules(self) -> Mapping[str, Any]:
        try:
            await self._connector._update_trading_rules()
        except (TimeoutError, OSError, ValueError, KeyError) as error:
            raise FeedError(f"{self._exchange} does not answer ({error}); is it reachable from here?") from error
        return dict(self._connector.trading_rules)

    async def _watch_rules(self) -> None:
        """Tells when the exchange takes the market away, or changes its increments. Only what it says twice is
        believed: to end a market closes every position in it."""
        missing = 0
        while True:
            await asyncio.sleep(RULES_SECONDS)
            try:
                rules = await self._rules()
            except FeedError as error:
                self._warn(f"{self._pair}: {error}")
                continue
            if self._pair in rules:
                missing = 0
                self._tell_changed_rules(self._market_line(rules[self._pair]))
                continue
            missing += bool(rules)
            if missing == ASSURANCES:
                self._tell_end()
                return

    def _tell_changed_rules(self, line: MarketLine) -> None:
        known = self._announced
        assert known is not None
        if (line.price_increment, line.size_increment) != (known.price_increment, known.size_increment):
            self._announced = line
            self._warn(f"{self._pair}: {self._exchange} has changed its increments; start again to trade by them.")
            self._emit([line])

    def _tell_end(self) -> None:
        assert self._announced is not None
        moment = now()
        self._warn(f"{self._exchange} has taken {self._pair} away.")
        self._emit([msgspec.structs.replace(self._announced, status="closed", time=moment, received=moment)])

    def _market_line(self, rule: Any) -> MarketLine:
        maker, taker = _fees(self._exchange)
        moment = now()
        return MarketLine(
            market=self._market,
            time=moment,
            received=moment,
            source=self._exchange,
            pair=self._pair,
            price_increment=plain(rule.min_price_increment),
            size_increment=plain(rule.min_base_amount_increment),
            minimum=plain(max(rule.min_order_size, rule.min_base_amount_increment)),
            maker_fee=plain(maker),
            taker_fee=plain(taker),
        )

    async def _tell_history(self) -> None:
        for interval, seconds in HISTORY:
            try:
                candles = await _candles(self._exchange, self._pair, interval, self._connector)
            except Exception as error:
                self._warn(f"{self._pair}: no candles of before ({error or type(error).__name__}).")
                return
            moment = now()
            self._emit(
                [HistoryLine(market=self._market, time=moment, received=moment, resolution=seconds, candles=candles)]
            )

    # ---------------------------------------------------------------------------------------------------------- frames

    async def _listen(self) -> None:
        dialect = DIALECTS.get(self._exchange)
        if dialect is None:
            await self._listen_through_hummingbot()
            return
        self._source._message_queue = {key: _Inbox(read) for key, read in self._handlers(dialect).items()}
        route, prices = self._source._channel_originating_message, self._source._funding_info_messages_queue_key
        self._source._channel_originating_message = lambda event_message: (
            prices if dialect.is_prices(event_message) else route(event_message)
        )
        self._subscribe()
        while True:
            await asyncio.sleep(ASK_SECONDS / 10)
            if dialect.snapshot is not None and self._stream.wants_whole_book:
                await self._ask_whole_book(dialect.snapshot)

    def _handlers(self, dialect: Dialect) -> dict[str, Callable[[Frame], None]]:
        source, contract = self._source, self._contract()

        def book(frame: Frame) -> None:
            self._emit(self._checked(self._stream.book(dialect.book(frame, contract), now())))

        def trades(frame: Frame) -> None:
            for trade in dialect.trades(frame, contract):
                self._emit(self._stream.trade(trade, now()))

        def prices(frame: Frame) -> None:
            self._emit(self._stream.prices(dialect.prices(frame, now()), now()))

        handlers: dict[str, Callable[[Frame], None]] = {
            source._diff_messages_queue_key: book,
            source._snapshot_messages_queue_key: book,
            source._trade_messages_queue_key: trades,
            source._funding_info_messages_queue_key: prices,
        }
        for key in ("_mark_price_queue_key", "_index_price_queue_key"):
            if hasattr(source, key):
                handlers[getattr(source, key)] = prices
        return handlers

    def _contract(self) -> Decimal:
        """How many coins a contract has, for the exchanges that count contracts."""
        sizes: dict[str, Decimal] = getattr(self._connector, "_contract_sizes", {})
        return sizes.get(self._pair, Decimal(1))

    def _checked(self, lines: Iterator[Line]) -> list[Line]:
        """The lines; a gap in a stream that begins with the whole book means to subscribe anew."""
        found = list(lines)
        if any(line.__struct_config__.tag == "gap" for line in found):
            moment = now()
            self._gaps = [each for each in self._gaps if moment - each < GAPS_WITHIN] + [moment]
            dialect = DIALECTS[self._exchange]
            if dialect.sends_whole_book:
                self._subscribe()
            if len(self._gaps) == MOST_GAPS:
                self._warn(f"{self._pair}: {MOST_GAPS} gaps within a minute; the connection to the exchange is poor.")
        return found

    def _subscribe(self) -> None:
        """Subscribes, or subscribes anew. Hummingbot's task connects again by itself when a connection is lost."""
        if self._subscription is not None:
            self._subscription.cancel()
        self._subscription = asyncio.create_task(self._source.listen_for_subscriptions())

    async def _end_subscription(self) -> None:
        if self._subscription is not None:
            self._subscription.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._subscription

    async def _ask_whole_book(self, read: Callable[[Frame], BookChange]) -> None:
        try:
            answer = await self._source._request_order_book_snapshot(self._pair)
        except (TimeoutError, OSError) as error:
            self._warn(f"{self._pair}: the exchange gave no book ({error}); asking again.")
        else:
            self._emit(self._checked(self._stream.book(read(answer), now())))
        await asyncio.sleep(ASK_SECONDS)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._emit(self._stream.look(now()))

    async def _ask_prices(self) -> None:
        """What a stream leaves out, such as the index of OKX, and what it says only when it changes."""
        dialect = DIALECTS.get(self._exchange)
        newer = FIELDS if dialect is None else dialect.asked
        while True:
            try:
                info = await self._source.get_funding_info(self._pair)
            except Exception as error:
                self._warn(f"{self._pair}: mark, index and funding could not be asked for ({error}).")
            else:
                self._emit(self._stream.prices(_prices(info), now(), newer))
            await asyncio.sleep(PRICES_SECONDS)

    async def _watch_funding(self) -> None:
        """Finds out what was paid at the exchange while nothing came from it; prices wait for the answer."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            due = self._stream.missed_funding
            if due is None:
                continue
            rate = await self._paid_rate(due)
            if rate is None:
                self._warn(f"{self._pair}: funding was due meanwhile, and its rate cannot be had; the last one counts.")
            self._emit(self._stream.funding(rate, now()))

    async def _paid_rate(self, due: int) -> Decimal | None:
        dialect = DIALECTS.get(self._exchange)
        if dialect is None:
            return None
        try:
            payments = await self._asked_payments(dialect.history, due // 1000)
        except Exception as error:
            self._warn(f"{self._pair}: the rates that were paid could not be asked for ({error}).")
            return None
        return next((rate for time, rate in payments if abs(time - due) < SAME_PAYMENT), None)

    async def _asked_payments(self, history: FundingHistory, due: int) -> list[tuple[int, Decimal]]:
        fields = history.fields(await self._connector.exchange_symbol_associated_to_pair(self._pair), due)
        sent: dict[str, Any] = {"params": fields} if history.method == "GET" else {"json": fields}
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.request(history.method, history.url(_constants(self._exchange)), **sent) as answer,
        ):
            answer.raise_for_status()
            return list(history.read(await answer.json(content_type=None)))

    def _emit(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._write(line)

    # ------------------------------------------------------------------------------- exchanges that were not checked

    async def _listen_through_hummingbot(self) -> None:
        """Takes what Hummingbot's own parsers make of the frames, for an exchange whose frames were not checked."""
        loop, books, trades = asyncio.get_running_loop(), asyncio.Queue[Any](), asyncio.Queue[Any]()
        self._subscribe()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._source.listen_for_order_book_diffs(loop, books))
            group.create_task(self._source.listen_for_order_book_snapshots(loop, books))
            group.create_task(self._source.listen_for_trades(loop, trades))
            group.create_task(self._take(books, lambda message: self._stream.book(_as_change(message), now())))
            group.create_task(self._take(trades, lambda message: self._stream.trade(_as_trade(message), now())))

    async def _take(self, queue: "asyncio.Queue[Any]", read: Callable[[Any], Iterator[Line]]) -> None:
        while True:
            self._emit(read(await queue.get()))


class _Inbox:
    """Stands where Hummingbot's data source has a queue, so that frames are read in the order in which they come."""

    def __init__(self, read: Callable[[Frame], None]):
        self._read = read

    def put_nowait(self, frame: Frame) -> None:
        self._read(frame)


# Hummingbot is imported where it is used: it takes seconds, and a wrong argument should be refused at once.


def perpetual_exchanges() -> list[str]:
    """Hummingbot's connectors to perpetuals, by name, without test networks and this project's own."""
    from hummingbot.client.settings import AllConnectorSettings

    settings = AllConnectorSettings.get_connector_settings()
    names = AllConnectorSettings.get_derivative_names()
    return sorted(name for name in names if not settings[name].is_sub_domain and not name.startswith("acme_"))


def _constants(exchange: str) -> Any:
    return import_module(f"hummingbot.connector.derivative.{exchange}.{exchange}_constants")


async def close_connections() -> None:
    """Ends the connections that Hummingbot's connectors share."""
    from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

    await ConnectionsFactory().close()


def _connector(exchange: str, pair: str) -> Any:
    from hummingbot.client.settings import AllConnectorSettings

    setting = AllConnectorSettings.get_connector_settings()[exchange]
    return setting.non_trading_connector_instance_with_default_configuration([pair])


def _fees(exchange: str) -> tuple[Decimal, Decimal]:
    """Maker's and taker's, fractions of the notional, for an account without a discount."""
    from hummingbot.client.settings import AllConnectorSettings

    dialect = DIALECTS.get(exchange)
    if dialect is not None:
        return dialect.maker_fee, dialect.taker_fee
    schema = AllConnectorSettings.get_connector_settings()[exchange].trade_fee_schema
    return schema.maker_percent_fee_decimal, schema.taker_percent_fee_decimal


async def _candles(exchange: str, pair: str, interval: str, connector: Any) -> list[Candle]:
    from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
    from hummingbot.data_feed.candles_feed.data_types import CandlesConfig

    feed = CandlesFactory.get_candle(CandlesConfig(connector=exchange, trading_pair=pair, interval=interval), connector)
    rows = await feed.fetch_candles(end_time=int(time.time()))
    return [_candle(row) for row in rows]


def _candle(row: Iterable[float]) -> Candle:
    start, opening, high, low, close, volume, notional, *_ = row
    dollars = notional or volume * close
    amounts = [plain(Decimal(repr(float(each)))) for each in (opening, high, low, close, dollars)]
    return Candle(int(start) * MICROSECONDS, amounts[0], amounts[1], amounts[2], amounts[3], amounts[4])


def _prices(info: Any) -> Prices:
    due = int(info.next_funding_utc_timestamp) * MICROSECONDS
    return Prices(info.mark_price, info.index_price, info.rate, due)


def _as_change(message: Any) -> BookChange:
    bids, asks = (
        [(Decimal(repr(level.price)), Decimal(repr(level.amount))) for level in side]
        for side in (message.bids, message.asks)
    )
    return BookChange(message.type.name == "SNAPSHOT", None, message.update_id, now(), bids, asks)


def _as_trade(message: Any) -> Trade:
    content = message.content
    price, size = Decimal(str(content["price"])), Decimal(str(content["amount"]))
    is_buy = float(content["trade_type"]) == 1.0
    return Trade("buy" if is_buy else "sell", price, size, str(content["trade_id"]), now())


def _no_such_pair(exchange: str, pair: str, rules: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(pair, rules, 3, 0.5)
    return f"{exchange} has no pair {pair}" + (f"; did you mean {' or '.join(near)}?" if near else ".")
