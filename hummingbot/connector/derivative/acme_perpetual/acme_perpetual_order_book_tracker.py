"""Hummingbot's order book tracker, without what makes many markets slow to start."""

import asyncio
import time
from typing import Callable, Dict, List, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource
from hummingbot.core.utils.async_utils import safe_ensure_future


class AcmePerpetualOrderBookTracker(OrderBookTracker):
    """Applies what the data source brings to Hummingbot's books.

    Hummingbot's tracker asks by REST for one book after the other, a second apart. Here the subscriptions, which bring a
    full state first, begin all books at once, and REST is asked only for those that they do not bring.

    It also passes every change on through two queues of its own, and repeats the last ones on top of a snapshot. The
    data source brings snapshots and changes of a market in their order (`BookSnapshot`), so here each is applied where
    it arrives, and a snapshot that is older than its book is dropped.
    """

    def __init__(self, data_source: OrderBookTrackerDataSource, trading_pairs: List[str], domain: Optional[str] = None):
        super().__init__(data_source, trading_pairs, domain)
        self._begun: Dict[str, asyncio.Event] = {}

    def start(self):
        super().start()
        self._begun = {trading_pair: asyncio.Event() for trading_pair in self._trading_pairs}

    async def _init_order_books(self):
        await asyncio.gather(*(self._begin(trading_pair) for trading_pair in list(self._begun)))
        self.logger().info(f"Initialized {len(self._order_books)} order books.")
        self._order_books_initialized.set()

    async def _begin(self, trading_pair: str):
        """Waits for the book that the subscription brings, and asks for it by REST, for as long as there is none."""
        begun = self._begun[trading_pair]
        while not begun.is_set():
            try:
                async with asyncio.timeout(CONSTANTS.FIRST_BOOK_DEADLINE):
                    await begun.wait()
            except TimeoutError:
                await self._begin_by_rest(trading_pair, begun)
        self._track(trading_pair)

    async def _begin_by_rest(self, trading_pair: str, begun: asyncio.Event):
        try:
            order_book = await self._initial_order_book_for_trading_pair(trading_pair)
        except Exception as error:
            self.logger().warning(f"The order book of {trading_pair} cannot be had yet ({error}). Asking again.")
            await self._sleep(CONSTANTS.FIRST_BOOK_DEADLINE)
        else:
            # What the subscription brought meanwhile is newer.
            if not begun.is_set():
                self._order_books[trading_pair] = order_book
                begun.set()

    def _track(self, trading_pair: str):
        self._tracking_message_queues[trading_pair] = asyncio.Queue()
        self._tracking_tasks[trading_pair] = safe_ensure_future(self._track_single_book(trading_pair))

    async def _order_book_diff_router(self):
        while True:
            self._survive(self._route, await self._order_book_diff_stream.get())

    def _route(self, message: OrderBookMessage):
        trading_pair = message.trading_pair
        if trading_pair not in self._order_books:
            if trading_pair not in self._begun or message.type is not OrderBookMessageType.SNAPSHOT:
                # Of a pair that is being added: applied when its book is there.
                self._metrics.total_diffs_queued += 1
                self._saved_message_queues[trading_pair].append(message)
                return
            self._order_books[trading_pair] = self._data_source.order_book_create_function()
        self._apply_saved(trading_pair)
        self._apply(message)
        if trading_pair in self._begun:
            self._begun[trading_pair].set()

    def _apply_saved(self, trading_pair: str):
        saved = self._saved_message_queues.pop(trading_pair, ())
        for message in saved:
            self._apply(message)

    def _apply(self, message: OrderBookMessage):
        order_book, update_id = self._order_books[message.trading_pair], message.update_id
        pair_metrics = self._metrics.get_or_create_pair_metrics(message.trading_pair)
        if update_id <= max(order_book.snapshot_uid, order_book.last_diff_uid):
            self._metrics.total_diffs_rejected += 1
            pair_metrics.diffs_rejected += 1
            return
        began = time.perf_counter()
        if message.type is OrderBookMessageType.DIFF:
            order_book.apply_diffs(message.bids, message.asks, update_id)
        else:
            order_book.apply_snapshot(message.bids, message.asks, update_id)
        took_ms = (time.perf_counter() - began) * 1e3
        self._metrics.total_diffs_processed += 1
        self._metrics.diff_processing_latency.record(took_ms)
        pair_metrics.diffs_processed += 1
        pair_metrics.last_diff_timestamp = began
        pair_metrics.diff_processing_latency.record(took_ms)

    async def _track_single_book(self, trading_pair: str):
        """Applies what comes by another road than the subscription: snapshots by REST."""
        messages = self._tracking_message_queues[trading_pair]
        self._apply_saved(trading_pair)
        while True:
            self._survive(self._apply, await messages.get())

    def _survive(self, handle: Callable[[OrderBookMessage], None], message: OrderBookMessage):
        try:
            handle(message)
        except Exception:
            self.logger().exception("Unexpected error applying a change to an order book.")
