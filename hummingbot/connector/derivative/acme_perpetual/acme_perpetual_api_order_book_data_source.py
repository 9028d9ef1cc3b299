"""Reads public market data for Hummingbot: books, trades, funding (Acme API §4, §6)."""

import asyncio
import itertools
import math
import time
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_market_data as market_data,
    acme_perpetual_stream as stream,
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book import BookFollower
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessage
from hummingbot.core.data_type.perpetual_api_order_book_data_source import PerpetualAPIOrderBookDataSource
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

if TYPE_CHECKING:
    from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative

MOST_NAMED = 10  # pairs, in a line of the log


class MarketClosed(ValueError):
    """A pair that the venue does not trade at present, or does not have; the text says so, and what there is."""

    def __init__(self, trading_pair: str, traded: Iterable[str]):
        known = sorted(traded)
        near = get_close_matches(trading_pair, known, n=3)
        super().__init__(
            f"{trading_pair} is no market that can be traded at present: the venue has not got it, or it is closed. "
            + (f"Near names are {', '.join(near)}. " if near else "")
            + f"The venue trades {', '.join(known[:MOST_NAMED])}"
            + (f" and {len(known) - MOST_NAMED} others" if len(known) > MOST_NAMED else "")
            + f". {trading_pair} joins when it opens."
        )


@dataclass(eq=False)
class MarketsConnection:
    """A WebSocket and the pairs that it carries: no more than a connection may have (Acme API §3)."""

    trading_pairs: List[str]
    assistant: Optional[WSAssistant] = None  # None while it is not connected

    @property
    def has_room(self) -> bool:
        return len(self.trading_pairs) < CONSTANTS.MAX_STREAMED_PAIRS


@dataclass(eq=False, slots=True)
class Subscription:
    """What is followed of one pair, and the connection that brings it."""

    trading_pair: str
    market: str
    book: BookFollower
    assistant: WSAssistant


class Batch:
    """The books whose frames were read since the loop last had a turn.

    Frames that wait already when one is read become one update of their book with it. It is made as soon as no further
    frame waits, and at the latest after `LONGEST_BATCH`: nothing else runs until then.
    """

    def __init__(self, settle: Callable[[Iterable[Subscription], stream.Reader], None], reader: stream.Reader):
        self._settle, self._reader = settle, reader
        self._loop = asyncio.get_running_loop()
        self._subscriptions: Dict[Subscription, None] = {}
        self._due: Optional[float] = None

    def add(self, subscription: Subscription):
        self._subscriptions[subscription] = None

    def begin(self, now: float):
        """Has the books settled when the loop has its next turn."""
        self._due = now + CONSTANTS.LONGEST_BATCH
        self._loop.call_soon(self.settle)

    def is_due(self, now: float) -> bool:
        """Whether the loop has to have a turn before another frame is read. Begins where nothing has begun."""
        if self._due is None:
            self.begin(now)
            return False
        return now >= self._due

    def settle(self):
        subscriptions, self._subscriptions, self._due = self._subscriptions, {}, None
        self._settle(subscriptions, self._reader)


class AcmePerpetualAPIOrderBookDataSource(PerpetualAPIOrderBookDataSource):
    """Feeds Hummingbot's order books, and the perpetual markets' funding.

    What the stream brings goes, parsed and checked, straight to whoever listens. The partial that a subscription begins
    with is the snapshot. REST brings the book of a market that has no working subscription.

    A connection carries `MAX_STREAMED_PAIRS` pairs, so there are as many connections as the pairs need, each of which
    is interrupted and comes back by itself.

    The venue numbers nothing; update ids count what was brought, and a snapshot by REST has the id of the time when it
    was asked for, so that it is older than whatever the stream brings meanwhile.
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
        self._update_ids = itertools.count(1)
        self._warnings = stream.WarningLimiter(self.logger())
        self._connections: List[MarketsConnection] = []
        self._listeners: Set[asyncio.Task] = set()
        self._listening = asyncio.Lock()
        self._subscriptions: Dict[str, Subscription] = {}  # by the venue's name of the market
        self._confirmed_at: Dict[str, float] = {}  # the books of pairs whose connection ended
        self._told_closed: Set[str] = set()
        self._outputs: Dict[str, asyncio.Queue] = {}  # of those who listen, by the keys of the base class's queues
        self._handlers: Dict[str, Callable[[Subscription, Dict[str, Any], Batch, float], None]] = {
            CONSTANTS.ORDER_BOOK_CHANNEL: self._take_book,
            CONSTANTS.TRADES_CHANNEL: self._take_trades,
            CONSTANTS.FUNDING_CHANNEL: self._take_funding,
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

    async def order_book_snapshot(self, trading_pair: str) -> market_data.BookMessage:
        """A pair's book (`GET /markets/{market}/orderbook`, Acme API §4).

        :raises IOError: when the venue does not answer, or refuses
        :raises ValueError: when its answer is malformed
        """
        update_id = next(self._update_ids)
        answer = await self._request_order_book_snapshot(trading_pair)
        return market_data.book_answer_message(trading_pair, answer, update_id, self._time())

    async def _order_book_snapshot(self, trading_pair: str) -> market_data.BookMessage:
        return await self.order_book_snapshot(trading_pair)

    async def _request_order_book_snapshot(self, trading_pair: str) -> Dict[str, Any]:
        market = await self._market_of(trading_pair)
        return await self._request(CONSTANTS.ORDER_BOOK_PATH_URL, params=market_data.book_depth_params(), market=market)

    async def _request(self, path_url: str, params: Optional[Dict[str, Any]] = None, **names: str) -> Dict[str, Any]:
        rest_assistant = await self._api_factory.get_rest_assistant()
        return await rest_assistant.execute_request(
            url=web_utils.public_rest_url(web_utils.filled_path(path_url, **names), self._domain),
            params=params,
            throttler_limit_id=path_url,
        )

    # ------------------------------------------------------------------------------------------ what is known of books

    def book_age(self, trading_pair: str) -> float:
        """Seconds since the stream last confirmed the book of a pair; 0 while it does, infinity when it never has."""
        subscription = self._subscription_of(trading_pair)
        if subscription is None:
            return self._now() - self._confirmed_at.get(trading_pair, -math.inf)
        return 0.0 if subscription.book.is_live else self._now() - self._last_confirmation(subscription)

    def _last_confirmation(self, subscription: Subscription) -> float:
        """A live book is confirmed by whatever its connection brings: a change of it would have come, too."""
        if subscription.book.is_live:
            return self._now() - (self._time() - subscription.assistant.last_recv_time)
        return max(subscription.book.agreed_at, self._confirmed_at.get(subscription.trading_pair, -math.inf))

    # -------------------------------------------------------------------------------------------------- subscriptions

    async def listen_for_subscriptions(self):
        """Listens to the public channels of all pairs, for ever (Acme API §6); once whoever did before has ended."""
        async with self._listening:
            most, pairs = CONSTANTS.MAX_STREAMED_PAIRS, self._trading_pairs
            connections = [MarketsConnection(list(some)) for some in itertools.batched(pairs, most)]
            self._connections = connections or [MarketsConnection([])]
            self._listeners = {asyncio.ensure_future(self._keep_connected(each)) for each in self._connections}
            try:
                await asyncio.gather(*self._listeners)
            finally:
                for listener in self._listeners:
                    listener.cancel()
                await asyncio.gather(*self._listeners, return_exceptions=True)
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
        if self._subscription_of(trading_pair) is not None:
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
        except MarketClosed as error:
            self._tell_closed(trading_pair, error)
            return False
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
        for subscription in self._carried_by(assistant):
            self._confirmed_at[subscription.trading_pair] = self._last_confirmation(subscription)
            del self._subscriptions[subscription.market]
        await self._on_order_stream_interruption(websocket_assistant=assistant)

    def _carried_by(self, assistant: Optional[WSAssistant]) -> List[Subscription]:
        return [each for each in self._subscriptions.values() if each.assistant is assistant]

    def _subscription_of(self, trading_pair: str) -> Optional[Subscription]:
        return next((each for each in self._subscriptions.values() if each.trading_pair == trading_pair), None)

    async def _connected_websocket_assistant(self) -> WSAssistant:
        assistant = await self._api_factory.get_ws_assistant()
        await stream.connect(assistant, self._domain)
        return assistant

    async def _subscribe_channels(self, ws: WSAssistant, trading_pairs: Optional[List[str]] = None):
        """Subscribes to these pairs, by default to every pair. One that cannot be subscribed to is logged, and does not
        keep the others.

        :raises ConnectionError: when the venue's markets are not known, or the connection fails
        """
        try:
            for trading_pair in list(self._trading_pairs if trading_pairs is None else trading_pairs):
                try:
                    await self._subscribe(ws, trading_pair)
                except MarketClosed as error:
                    self._tell_closed(trading_pair, error)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            self.logger().error("Unexpected error subscribing to the order book stream.", exc_info=True)
            raise
        self.logger().info("Subscribed to public order book, trade and funding info channels...")

    async def _subscribe(self, ws: WSAssistant, trading_pair: str):
        """
        :raises MarketClosed: when the pair cannot be subscribed to at present
        """
        market = await self._market_of(trading_pair)
        if market in self._subscriptions:
            return
        book = BookFollower(trading_pair, self._now())
        self._subscriptions[market] = Subscription(trading_pair, market, book, ws)
        for channel in CONSTANTS.PUBLIC_CHANNELS:
            await ws.send(WSJSONRequest(payload=wire.subscribe_request(channel, market)))

    async def _market_of(self, trading_pair: str) -> str:
        symbols = await self._connector.trading_pair_symbol_map()
        if not symbols:
            raise stream.StreamClosedError("the venue's markets are not known yet")
        market = symbols.inverse.get(trading_pair)
        if market is None:
            raise MarketClosed(trading_pair, symbols.values())
        self._told_closed.discard(trading_pair)
        return market

    def _tell_closed(self, trading_pair: str, error: MarketClosed):
        if trading_pair not in self._told_closed:
            self._told_closed.add(trading_pair)
            self.logger().warning(str(error))

    async def _join_opened_markets(self):
        """Subscribes to the pairs that no connection could subscribe to until now, when their markets have opened."""
        closed = [pair for pair in self._trading_pairs if self._subscription_of(pair) is None]
        connections = [each for each in self._connections if each.assistant is not None]
        if not closed or not connections or not self._connector.order_book_tracker.ready:
            return
        await self._connector.ask_for_markets(closed)
        for connection in connections:
            await self._subscribe_channels(
                connection.assistant, [pair for pair in connection.trading_pairs if pair in closed]
            )

    async def _unsubscribe(self, ws: WSAssistant, trading_pair: str):
        subscription = self._subscription_of(trading_pair)
        if subscription is None:
            return
        del self._subscriptions[subscription.market]
        for channel in CONSTANTS.PUBLIC_CHANNELS:
            await ws.send(WSJSONRequest(payload=wire.unsubscribe_request(channel, subscription.market)))

    async def _resubscribe_lost_books(self, ws: WSAssistant):
        now = self._now()
        for each in [each for each in self._carried_by(ws) if each.book.resubscribe_at <= now]:
            if each.book.must_log_loss():
                self.logger().warning(
                    f"Subscribing again to the order book of {each.trading_pair}: {each.book.reason}."
                )
            each.book.resubscribed(now)
            channel = CONSTANTS.ORDER_BOOK_CHANNEL
            await ws.send(WSJSONRequest(payload=wire.unsubscribe_request(channel, each.market)))
            await ws.send(WSJSONRequest(payload=wire.subscribe_request(channel, each.market)))

    # --------------------------------------------------------------------------------------------------------- frames

    async def _process_websocket_messages(self, websocket_assistant: WSAssistant):
        reader, loop = stream.Reader(websocket_assistant), asyncio.get_running_loop()
        batch = Batch(self._settle, reader)
        try:
            while True:
                text = await reader.next_message()
                if text is None:
                    await reader.keep_alive()
                    await self._resubscribe_lost_books(websocket_assistant)
                    continue
                now = loop.time()
                if batch.is_due(now):
                    batch.settle()
                    await asyncio.sleep(0)
                    batch.begin(now)
                self._take_text(text, batch, now)
        finally:
            reader.stop()

    def _take_text(self, text: Any, batch: Batch, now: float):
        frame = stream.frame_of(text, wire.public_frame, self._warnings)
        if frame is None:
            return
        handle = self._handlers.get(wire.channel(frame))
        if handle is None or not wire.has_data(frame):
            self._take_notice(frame)
            return
        subscription = self._subscriptions.get(wire.market(frame))
        if subscription is None:
            self._warnings.log("unknown market", "Ignored a frame of a market that was not subscribed to.")
            return
        handle(subscription, frame, batch, now)

    def _take_notice(self, frame: Dict[str, Any]):
        error = wire.error_text(frame)
        if error is not None:
            self._warnings.log(error, f"The order book stream was told: {error}")
        elif wire.says_goodbye(frame):
            raise stream.StreamClosedError("the server is going away")
        elif wire.is_subscribed(frame) and wire.channel(frame) == CONSTANTS.ORDER_BOOK_CHANNEL:
            subscription = self._subscriptions.get(wire.market(frame))
            if subscription is not None:
                subscription.book.subscription_confirmed()

    def _take_book(self, subscription: Subscription, frame: Dict[str, Any], batch: Batch, now: float):
        batch.add(subscription)
        try:
            subscription.book.accept(market_data.book_frame(frame), now)
        except wire.WireError as error:
            subscription.book.lose(f"a frame was malformed ({error})", now)

    def _take_trades(self, subscription: Subscription, frame: Dict[str, Any], batch: Batch, now: float):
        try:
            trades = market_data.trade_messages(subscription.trading_pair, frame)
        except wire.WireError as error:
            self._warnings.log("trades", f"Ignored a malformed frame of trades ({error}).")
            return
        output = self._output(self._trade_messages_queue_key)
        for trade in trades:
            output.put_nowait(trade)

    def _take_funding(self, subscription: Subscription, frame: Dict[str, Any], batch: Batch, now: float):
        try:
            update = market_data.funding_info_update(subscription.trading_pair, frame)
        except wire.WireError as error:
            self._warnings.log("funding", f"Ignored a malformed frame of funding ({error}).")
            return
        self._output(self._funding_info_messages_queue_key).put_nowait(update)

    def _settle(self, subscriptions: Iterable[Subscription], reader: stream.Reader):
        """Brings what the latest frames of these books have changed; has those that are lost subscribed to again."""
        output, now = self._output(self._diff_messages_queue_key), self._now()
        for subscription in subscriptions:
            message = subscription.book.settle(next(self._update_ids), now)
            if message is not None:
                output.put_nowait(message)
            elif not subscription.book.is_live:
                reader.wake()

    # ----------------------------------------------------------------------------------------------- who listens to it

    # While somebody listens, messages go straight to them. Those that came before wait in the queues of the base class.

    def _output(self, key: str) -> asyncio.Queue:
        return self._outputs.get(key) or self._message_queue[key]

    async def listen_for_order_book_diffs(self, ev_loop: asyncio.AbstractEventLoop, output: asyncio.Queue):
        """Brings every change of a book that was verified, full states among them, as `BookMessage`."""
        self._outputs[self._diff_messages_queue_key] = output
        await super().listen_for_order_book_diffs(ev_loop, output)

    async def listen_for_trades(self, ev_loop: asyncio.AbstractEventLoop, output: asyncio.Queue):
        self._outputs[self._trade_messages_queue_key] = output
        await super().listen_for_trades(ev_loop, output)

    async def listen_for_funding_info(self, output: asyncio.Queue):
        self._outputs.setdefault(self._funding_info_messages_queue_key, output)
        await super().listen_for_funding_info(output)

    def bring_funding_to(self, output: asyncio.Queue):
        """Has what the stream brings of funding put there, whoever else listens."""
        self._outputs[self._funding_info_messages_queue_key] = output

    async def _parse_order_book_diff_message(self, raw_message: market_data.BookMessage, message_queue: asyncio.Queue):
        message_queue.put_nowait(raw_message)

    async def _parse_trade_message(self, raw_message: OrderBookMessage, message_queue: asyncio.Queue):
        message_queue.put_nowait(raw_message)

    async def _parse_funding_info_message(self, raw_message: FundingInfoUpdate, message_queue: asyncio.Queue):
        message_queue.put_nowait(raw_message)

    async def listen_for_order_book_snapshots(self, ev_loop: asyncio.AbstractEventLoop, output: asyncio.Queue):
        """Every few seconds: brings, by REST, the books of markets whose subscription does not work at present, and
        looks whether markets have opened."""
        while True:
            await self._sleep(CONSTANTS.BOOK_SILENCE_LIMIT)
            await self._request_order_book_snapshots(output)
            try:
                await self._join_opened_markets()
            except Exception as error:
                self._warnings.log("markets", f"The markets that are closed cannot be asked for ({error!r}).")

    async def _request_order_book_snapshots(self, output: asyncio.Queue):
        for trading_pair in [pair for pair in self._trading_pairs if self._is_without_book(pair)]:
            try:
                output.put_nowait(await self.order_book_snapshot(trading_pair))
            except MarketClosed as error:
                self._tell_closed(trading_pair, error)
            except Exception as error:
                text = f"Unexpected error fetching order book snapshot for {trading_pair}. ({error!r})"
                self._warnings.log(f"snapshot of {trading_pair}", text)

    def _is_without_book(self, trading_pair: str) -> bool:
        """Whether a pair has no book that follows the venue's; the tracker asks for its first books itself."""
        subscription = self._subscription_of(trading_pair)
        is_live = subscription is not None and subscription.book.is_live
        return self._connector.order_book_tracker.ready and not is_live

    def _now(self) -> float:
        return time.monotonic()
