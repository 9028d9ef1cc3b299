"""Public market data: books, trades, funding (Acme API §4, §6)."""

import asyncio
import math
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Set

from bidict import bidict

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_market_data as market_data,
    acme_perpetual_stream as stream,
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book import BookFollower
from hummingbot.core.data_type.funding_info import FundingInfo
from hummingbot.core.data_type.order_book_message import OrderBookMessage
from hummingbot.core.data_type.perpetual_api_order_book_data_source import PerpetualAPIOrderBookDataSource
from hummingbot.core.utils.tracking_nonce import NonceCreator
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

if TYPE_CHECKING:
    from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative


@dataclass
class MarketsConnection:
    """A WebSocket and the pairs that it carries: no more than a connection may have (Acme API §3)."""

    trading_pairs: List[str]
    assistant: Optional[WSAssistant] = None  # None while it is not connected

    @property
    def has_room(self) -> bool:
        return len(self.trading_pairs) < CONSTANTS.MAX_STREAMED_PAIRS


class AcmePerpetualAPIOrderBookDataSource(PerpetualAPIOrderBookDataSource):
    """Feeds Hummingbot's order books, and the perpetual markets' funding.

    The partial that a subscription begins with is the snapshot. It travels in the same queue as the updates after it,
    not in the tracker's queue of snapshots: that one is read only once all books are initialised, by when the partial
    would be older than the changes already applied. REST brings the first book of a market, whose partial then takes
    its place, and later the book of a market that has no working subscription.

    A connection carries `MAX_STREAMED_PAIRS` pairs, so there are as many connections as the pairs need, each of which is
    interrupted and comes back by itself.

    The venue numbers nothing; update ids are the local time of a frame's arrival, each greater than the one before.
    """

    def __init__(
        self,
        trading_pairs: List[str],
        connector: "AcmePerpetualDerivative",
        api_factory: WebAssistantsFactory,
        domain: str = CONSTANTS.DEFAULT_DOMAIN,
    ):
        super().__init__(trading_pairs)
        self._connector = connector
        self._api_factory = api_factory
        self._domain = domain
        self._update_ids = NonceCreator.for_microseconds()
        self._complaints = stream.Complaints(self.logger())
        self._connections: List[MarketsConnection] = []
        self._listeners: Set[asyncio.Task] = set()
        # Of what is subscribed to at present, by the venue's name of the market:
        self._subscribed_pairs: bidict[str, str] = bidict()
        self._followers: Dict[str, BookFollower] = {}
        self._carriers: Dict[str, WSAssistant] = {}
        self._has_lost_book = False
        self._queue_keys = {
            CONSTANTS.ORDER_BOOK_CHANNEL: self._diff_messages_queue_key,
            CONSTANTS.TRADES_CHANNEL: self._trade_messages_queue_key,
            CONSTANTS.FUNDING_CHANNEL: self._funding_info_messages_queue_key,
        }

    # ------------------------------------------------------------------------------------------------------- by REST

    async def get_last_traded_prices(self, trading_pairs: List[str], domain: Optional[str] = None) -> Dict[str, float]:
        """The last traded price of each pair in USD, in one request; NaN for those that never traded.

        None is left out: the order book tracker asks again for those at once, as often as the rate limit lets it.
        """
        prices = market_data.last_prices(await self._request(CONSTANTS.MARKETS_PATH_URL))
        return {trading_pair: prices.get(trading_pair, math.nan) for trading_pair in trading_pairs}

    async def get_funding_info(self, trading_pair: str) -> FundingInfo:
        """The funding of a pair (`GET /futures/{future}`, Acme API §4).

        :raises IOError: when the venue does not answer, or refuses
        :raises ValueError: when its answer is malformed
        """
        market = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        answer = await self._request(CONSTANTS.FUTURE_PATH_URL, future=market)
        return market_data.funding_info(trading_pair, answer)

    async def get_all_funding_info(self, trading_pairs: Iterable[str]) -> List[FundingInfo]:
        """The funding of several pairs, in one request (`GET /futures`, Acme API §4).

        :raises IOError: when the venue does not answer, or refuses
        :raises ValueError: when its answer is malformed, or tells nothing of one of the pairs
        """
        symbols = await self._connector.trading_pair_symbol_map()
        answer = await self._request(CONSTANTS.FUTURES_PATH_URL)
        markets = {symbols.inverse.get(trading_pair): trading_pair for trading_pair in trading_pairs}
        return market_data.funding_info_of_all(markets, answer)

    async def _order_book_snapshot(self, trading_pair: str) -> OrderBookMessage:
        answer = await self._request_order_book_snapshot(trading_pair)
        return market_data.book_answer_message(
            trading_pair, answer, self._update_ids.get_tracking_nonce(), self._time()
        )

    async def _request_order_book_snapshot(self, trading_pair: str) -> Dict[str, Any]:
        market = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        return await self._request(CONSTANTS.ORDER_BOOK_PATH_URL, params=market_data.book_depth_params(), market=market)

    async def _request(self, path_url: str, params: Optional[Dict[str, Any]] = None, **names: str) -> Dict[str, Any]:
        rest_assistant = await self._api_factory.get_rest_assistant()
        return await rest_assistant.execute_request(
            url=web_utils.public_rest_url(web_utils.filled_path(path_url, **names), self._domain),
            params=params,
            throttler_limit_id=path_url,
        )

    # -------------------------------------------------------------------------------------------------- subscriptions

    async def listen_for_subscriptions(self):
        """Listens to the public channels of all pairs, for ever (Acme API §6)."""
        most, pairs = CONSTANTS.MAX_STREAMED_PAIRS, self._trading_pairs
        self._connections = [MarketsConnection(list(some)) for some in batched(pairs, most)] or [MarketsConnection([])]
        self._listeners = {asyncio.ensure_future(self._keep_connected(each)) for each in self._connections}
        try:
            await asyncio.gather(*self._listeners)
        finally:
            listeners, self._listeners = self._listeners, set()
            for listener in listeners:
                listener.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
            self._connections = []

    async def _keep_connected(self, connection: MarketsConnection):
        await stream.keep_connected(
            name="order book stream",
            open_stream=lambda: self._open_stream(connection),
            listen=lambda: self._process_websocket_messages(connection.assistant),
            close_stream=lambda: self._close_stream(connection),
            sleep=self._sleep,
            logger=self.logger(),
        )

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        """Adds a pair to a connection that has room for it, or to a new one. Returns False, and logs why, when that
        cannot be done now."""
        if trading_pair in self._subscribed_pairs.inverse:
            return True
        connection = next((each for each in self._connections if each.assistant is not None and each.has_room), None)
        try:
            if connection is not None:
                await self._subscribe(connection.assistant, trading_pair)
                connection.trading_pairs.append(trading_pair)
            elif self._connections and not any(each.has_room for each in self._connections):
                await self._subscribe_on_new_connection(trading_pair)
            else:
                self.logger().warning(
                    f"Cannot subscribe to {trading_pair} while the order book stream is not connected."
                )
                return False
        except asyncio.CancelledError:
            raise
        except Exception:
            self.logger().exception(f"Error subscribing to {trading_pair}.")
            return False
        self.add_trading_pair(trading_pair)
        return True

    async def unsubscribe_from_trading_pair(self, trading_pair: str) -> bool:
        """Drops a pair from its connection. Returns False, and logs why, when that cannot be done now."""
        connected = [each for each in self._connections if each.assistant is not None]
        connection = next((each for each in connected if trading_pair in each.trading_pairs), None)
        if connection is None and (not connected or trading_pair in self._trading_pairs):
            self.logger().warning(
                f"Cannot unsubscribe from {trading_pair} while the order book stream is not connected."
            )
            return False
        try:
            if connection is not None:
                await self._unsubscribe(connection.assistant, trading_pair)
                connection.trading_pairs.remove(trading_pair)
        except asyncio.CancelledError:
            raise
        except Exception:
            self.logger().exception(f"Error unsubscribing from {trading_pair}.")
            return False
        self.remove_trading_pair(trading_pair)
        return True

    async def _subscribe_on_new_connection(self, trading_pair: str):
        await self._market_of(trading_pair)
        connection = MarketsConnection([trading_pair])
        self._connections.append(connection)
        self._listeners.add(asyncio.ensure_future(self._keep_connected(connection)))

    async def _open_stream(self, connection: MarketsConnection):
        connection.assistant = await self._connected_websocket_assistant()
        await self._subscribe_channels(connection.assistant, connection.trading_pairs)

    async def _close_stream(self, connection: MarketsConnection):
        assistant, connection.assistant = connection.assistant, None
        for market in [market for market, carrier in self._carriers.items() if carrier is assistant]:
            self._drop_market(market)
        await self._on_order_stream_interruption(websocket_assistant=assistant)

    def _drop_market(self, market: str):
        del self._subscribed_pairs[market], self._followers[market], self._carriers[market]

    async def _connected_websocket_assistant(self) -> WSAssistant:
        assistant = await self._api_factory.get_ws_assistant()
        await stream.connect(assistant, self._domain)
        return assistant

    async def _subscribe_channels(self, ws: WSAssistant, trading_pairs: Optional[List[str]] = None):
        """Subscribes to these pairs, by default to every pair. One that cannot be subscribed to is logged, and does not keep the others.

        :raises ConnectionError: when the venue's markets are not known, or the connection fails
        """
        try:
            if not await self._connector.trading_pair_symbol_map():
                raise stream.StreamClosedError("the venue's markets are not known yet")
            for trading_pair in list(self._trading_pairs if trading_pairs is None else trading_pairs):
                try:
                    await self._subscribe(ws, trading_pair)
                except ValueError as error:
                    self._complaints.log(trading_pair, str(error))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            self.logger().error("Unexpected error subscribing to the order book stream.", exc_info=True)
            raise
        self.logger().info("Subscribed to public order book, trade and funding info channels...")

    async def _subscribe(self, ws: WSAssistant, trading_pair: str):
        """
        :raises ValueError: when the pair cannot be subscribed to; the text says why
        """
        market = await self._market_of(trading_pair)
        if market in self._subscribed_pairs:
            return
        self._subscribed_pairs[market] = trading_pair
        self._followers[market] = BookFollower(self._now())
        self._carriers[market] = ws
        for channel in CONSTANTS.PUBLIC_CHANNELS:
            await ws.send(WSJSONRequest(payload=wire.subscribe_request(channel, market)))

    async def _market_of(self, trading_pair: str) -> str:
        market = (await self._connector.trading_pair_symbol_map()).inverse.get(trading_pair)
        if market is None:
            raise ValueError(f"{trading_pair} is no market that can be traded at present.")
        return market

    async def _unsubscribe(self, ws: WSAssistant, trading_pair: str):
        market = self._subscribed_pairs.inverse.get(trading_pair)
        if market is None:
            return
        self._drop_market(market)
        for channel in CONSTANTS.PUBLIC_CHANNELS:
            await ws.send(WSJSONRequest(payload=wire.unsubscribe_request(channel, market)))

    async def _resubscribe_lost_books(self, ws: WSAssistant):
        now = self._now()
        books = [(market, book) for market, book in self._followers.items() if self._carriers[market] is ws]
        lost = [(market, book) for market, book in books if book.resubscribe_at <= now]
        for market, book in lost:
            if book.first_complaint():
                self.logger().warning(
                    f"Subscribing again to the order book of {self._subscribed_pairs[market]}: {book.reason}."
                )
            book.resubscribed(now)
            channel = CONSTANTS.ORDER_BOOK_CHANNEL
            await ws.send(WSJSONRequest(payload=wire.unsubscribe_request(channel, market)))
            await ws.send(WSJSONRequest(payload=wire.subscribe_request(channel, market)))

    # --------------------------------------------------------------------------------------------------------- frames

    async def _process_websocket_messages(self, websocket_assistant: WSAssistant):
        async for frame in stream.frames(websocket_assistant, wire.public_frame, self._complaints):
            if frame is not None:
                queue_key = self._channel_originating_message(frame)
                if queue_key:
                    self._queue_frame(frame, queue_key)
                else:
                    await self._process_message_for_unknown_channel(frame, websocket_assistant)
            if frame is None or self._has_lost_book:
                self._has_lost_book = False
                await self._resubscribe_lost_books(websocket_assistant)

    def _queue_frame(self, frame: Dict[str, Any], queue_key: str):
        if wire.market(frame) not in self._subscribed_pairs:
            self._complaints.log("unknown market", "Ignored a frame of a market that was not subscribed to.")
        elif queue_key != self._diff_messages_queue_key or self._belongs_to_book(frame):
            self._message_queue[queue_key].put_nowait(frame)

    def _channel_originating_message(self, event_message: Dict[str, Any]) -> str:
        return self._queue_keys.get(wire.channel(event_message), "") if wire.has_data(event_message) else ""

    async def _process_message_for_unknown_channel(
        self, event_message: Dict[str, Any], websocket_assistant: WSAssistant
    ):
        complaint = wire.complaint(event_message)
        if complaint is not None:
            self._complaints.log(complaint, f"The order book stream was told: {complaint}")
        elif wire.is_subscribed(event_message) and wire.channel(event_message) == CONSTANTS.ORDER_BOOK_CHANNEL:
            book = self._followers.get(wire.market(event_message))
            if book is not None:
                book.subscription_confirmed()

    def _belongs_to_book(self, frame: Dict[str, Any]) -> bool:
        book = self._followers[wire.market(frame)]
        try:
            belongs = book.accept(market_data.book_frame(frame), wire.is_partial(frame), self._now())
        except wire.WireError as error:
            book.lose(f"a frame was malformed ({error})", self._now())
            belongs = False
        self._has_lost_book = self._has_lost_book or not belongs
        return belongs

    # ------------------------------------------------------------------------------------- into Hummingbot's messages

    async def listen_for_order_book_snapshots(self, ev_loop: asyncio.AbstractEventLoop, output: asyncio.Queue):
        """Brings, by REST, the books of markets whose subscription does not work at present, every few seconds."""
        while True:
            await self._sleep(CONSTANTS.BOOK_SILENCE_LIMIT)
            await self._request_order_book_snapshots(output)

    async def _request_order_book_snapshots(self, output: asyncio.Queue):
        for trading_pair in list(self._trading_pairs):
            try:
                await self._request_missing_snapshot(trading_pair, output)
            except Exception as error:
                text = f"Unexpected error fetching order book snapshot for {trading_pair}. ({error!r})"
                self._complaints.log(f"snapshot of {trading_pair}", text)

    async def _request_missing_snapshot(self, trading_pair: str, output: asyncio.Queue):
        if self._is_without_book(trading_pair):
            snapshot = await self._order_book_snapshot(trading_pair)
            # The subscription may have come back meanwhile; then what it brought is newer.
            if self._is_without_book(trading_pair):
                output.put_nowait(snapshot)

    def _is_without_book(self, trading_pair: str) -> bool:
        """Whether a pair has no book that follows the venue's. While the tracker still initialises its books it keeps
        snapshots for later, when they would be too old; and it asks for its first books itself."""
        streamed = {self._subscribed_pairs[market] for market, book in self._followers.items() if book.is_live}
        return self._connector.order_book_tracker.ready and trading_pair not in streamed

    async def _parse_order_book_diff_message(self, raw_message: Dict[str, Any], message_queue: asyncio.Queue):
        if wire.is_partial(raw_message):
            await self._parse_order_book_snapshot_message(raw_message, message_queue)
            return
        trading_pair = await self._trading_pair_of(raw_message)
        update_id = self._update_ids.get_tracking_nonce()
        message_queue.put_nowait(market_data.book_diff_message(trading_pair, raw_message, update_id))

    async def _parse_order_book_snapshot_message(self, raw_message: Dict[str, Any], message_queue: asyncio.Queue):
        trading_pair = await self._trading_pair_of(raw_message)
        update_id = self._update_ids.get_tracking_nonce()
        message_queue.put_nowait(market_data.book_snapshot_message(trading_pair, raw_message, update_id))

    async def _parse_trade_message(self, raw_message: Dict[str, Any], message_queue: asyncio.Queue):
        trading_pair = await self._trading_pair_of(raw_message)
        try:
            trades = market_data.trade_messages(trading_pair, raw_message)
        except wire.WireError as error:
            self._complaints.log("trades", f"Ignored a malformed frame of trades ({error}).")
            return
        for trade in trades:
            message_queue.put_nowait(trade)

    async def _parse_funding_info_message(self, raw_message: Dict[str, Any], message_queue: asyncio.Queue):
        trading_pair = await self._trading_pair_of(raw_message)
        try:
            message_queue.put_nowait(market_data.funding_info_update(trading_pair, raw_message))
        except wire.WireError as error:
            self._complaints.log("funding", f"Ignored a malformed frame of funding ({error}).")

    async def _trading_pair_of(self, frame: Dict[str, Any]) -> str:
        market = wire.market(frame)
        known = self._subscribed_pairs.get(market)
        return known or await self._connector.trading_pair_associated_to_exchange_symbol(symbol=market)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
