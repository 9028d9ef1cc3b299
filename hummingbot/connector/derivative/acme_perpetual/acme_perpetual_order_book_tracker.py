"""Hummingbot's order book tracker, without what makes many markets slow to start and each change slow to arrive."""

import asyncio
import time
from typing import Any, Callable, Dict, List, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_market_data as market_data
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_order_book_data_source import MarketClosed
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource
from hummingbot.core.event.events import OrderBookTradeEvent

BUYING = float(TradeType.BUY.value)


class DirectStream:
    """In place of a queue: what is put into it is handled at once, so that nothing waits in it."""

    def __init__(self, handle: Callable[[Any], None]):
        self.put_nowait = handle


class AcmePerpetualOrderBookTracker(OrderBookTracker):
    """Applies what the data source brings to Hummingbot's books, where and when it is brought.

    Hummingbot's tracker asks by REST for one book after the other, a second apart, passes every change on through three
    queues, and repeats the last ones on top of a snapshot. Here the subscriptions, which bring a full state first,
    begin all books at once, also that of a pair that is added later; REST is asked only for those that they do not
    bring in time. Both bring their messages in their order: one whose update id is not above its book's is older, and
    dropped.
    """

    def __init__(self, data_source: OrderBookTrackerDataSource, trading_pairs: List[str], domain: Optional[str] = None):
        super().__init__(data_source, trading_pairs, domain)
        self._begun: Dict[str, asyncio.Event] = {}
        self._order_book_diff_stream = self._order_book_snapshot_stream = DirectStream(self._apply)
        self._order_book_trade_stream = DirectStream(self._apply_trade)

    def start(self):
        super().start()
        self._begun = {trading_pair: asyncio.Event() for trading_pair in self._trading_pairs}

    async def add_trading_pair(self, trading_pair: str) -> bool:
        """Subscribes to a pair and waits for its book. Returns False, and leaves nothing behind, when it does not
        come."""
        if trading_pair in self._begun:
            self.logger().warning(f"The order book of {trading_pair} is followed already.")
            return False
        await self._order_books_initialized.wait()
        begun = self._begun[trading_pair] = asyncio.Event()
        try:
            is_added = await self._data_source.subscribe_to_trading_pair(trading_pair) and (
                await self._has_begun(begun) or await self._begin_by_rest(trading_pair)
            )
        except BaseException:
            await self._forget(trading_pair)
            raise
        if not is_added:
            await self._forget(trading_pair)
        elif trading_pair not in self._trading_pairs:
            self._trading_pairs.append(trading_pair)
        return is_added

    async def remove_trading_pair(self, trading_pair: str) -> bool:
        if trading_pair in self._order_books:
            self._begun.pop(trading_pair, None)
        return await super().remove_trading_pair(trading_pair)

    async def _forget(self, trading_pair: str):
        """Undoes what adding a pair has done."""
        self._begun.pop(trading_pair, None)
        self._order_books.pop(trading_pair, None)
        await self._data_source.unsubscribe_from_trading_pair(trading_pair)

    async def _init_order_books(self):
        await asyncio.gather(*(self._begin(trading_pair) for trading_pair in list(self._begun)))
        self.logger().info(f"Initialized {len(self._order_books)} order books.")
        self._order_books_initialized.set()

    async def _begin(self, trading_pair: str):
        """Waits for the book that the subscription brings, and asks for it by REST, for as long as there is none; for
        that of a closed market nobody waits."""
        try:
            while not await self._has_begun(self._begun[trading_pair]) and not await self._begin_by_rest(trading_pair):
                await self._sleep(CONSTANTS.FIRST_BOOK_DEADLINE)
        except MarketClosed:
            pass

    async def _has_begun(self, begun: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(CONSTANTS.FIRST_BOOK_DEADLINE):
                return await begun.wait()
        except TimeoutError:
            return False

    async def _begin_by_rest(self, trading_pair: str) -> bool:
        try:
            self._apply(await self._data_source.order_book_snapshot(trading_pair))
        except MarketClosed:
            raise
        except Exception as error:
            self.logger().warning(f"The order book of {trading_pair} cannot be had yet ({error}).")
        return self._begun[trading_pair].is_set()

    async def _order_book_diff_router(self):
        """Nothing has to be routed, here and in the three methods that follow: nothing waits in a queue."""

    async def _order_book_snapshot_router(self):
        pass

    async def _emit_trade_event_loop(self):
        pass

    def _apply(self, message: market_data.BookMessage):
        try:
            self._change_book(message)
        except Exception:
            self.logger().exception("Unexpected error applying a change to an order book.")

    def _change_book(self, message: market_data.BookMessage):
        began, trading_pair, update_id = time.perf_counter(), message.trading_pair, message.update_id
        order_book = self._order_books.get(trading_pair)
        if order_book is None:
            if trading_pair not in self._begun or message.type is OrderBookMessageType.DIFF:
                self._metrics.total_diffs_rejected += 1
                return
            order_book = self._order_books[trading_pair] = self._data_source.order_book_create_function()
        pair_metrics = self._metrics.get_or_create_pair_metrics(trading_pair)
        if update_id <= max(order_book.snapshot_uid, order_book.last_diff_uid):
            self._metrics.total_diffs_rejected += 1
            pair_metrics.diffs_rejected += 1
            return
        if message.type is OrderBookMessageType.DIFF:
            order_book.apply_diffs(message.bids, message.asks, update_id)
        else:
            order_book.apply_snapshot(message.bids, message.asks, update_id)
            self._begun[trading_pair].set()
        took_ms = (time.perf_counter() - began) * 1e3
        self._metrics.total_diffs_processed += 1
        self._metrics.diff_processing_latency.record(took_ms)
        pair_metrics.diffs_processed += 1
        pair_metrics.last_diff_timestamp = began
        pair_metrics.diff_processing_latency.record(took_ms)

    def _apply_trade(self, message: OrderBookMessage):
        began, trading_pair = time.perf_counter(), message.trading_pair
        order_book = self._order_books.get(trading_pair)
        if order_book is None:
            self._metrics.total_trades_rejected += 1
            return
        content = message.content
        order_book.apply_trade(
            OrderBookTradeEvent(
                trading_pair,
                message.timestamp,
                TradeType.BUY if content["trade_type"] == BUYING else TradeType.SELL,
                content["price"],
                content["amount"],
                content["trade_id"],
            )
        )
        took_ms = (time.perf_counter() - began) * 1e3
        pair_metrics = self._metrics.get_or_create_pair_metrics(trading_pair)
        self._metrics.total_trades_processed += 1
        self._metrics.trade_processing_latency.record(took_ms)
        pair_metrics.trades_processed += 1
        pair_metrics.last_trade_timestamp = began
        pair_metrics.trade_processing_latency.record(took_ms)
