"""The connectors that are measured, each of them whole, set up without an exchange."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Self

import aiohttp
from bidict import bidict

from bench import market
from bench.measure import ended
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.binance_perpetual import binance_perpetual_constants
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.connector.derivative.bitget_perpetual.bitget_perpetual_derivative import BitgetPerpetualDerivative
from hummingbot.connector.derivative.bybit_perpetual import bybit_perpetual_constants
from hummingbot.connector.derivative.bybit_perpetual.bybit_perpetual_derivative import BybitPerpetualDerivative
from hummingbot.connector.derivative.hyperliquid_perpetual import hyperliquid_perpetual_constants
from hummingbot.connector.derivative.hyperliquid_perpetual.hyperliquid_perpetual_derivative import (
    HyperliquidPerpetualDerivative,
)
from hummingbot.connector.derivative.okx_perpetual.okx_perpetual_derivative import OkxPerpetualDerivative
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

PLENTY = 10_000
WALLET_KEY, WALLET = f"0x{1:064x}", "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
"""Of nobody: the first key that there is, and its address."""


class Subject:
    """One connector, of `markets` markets.

    :ivar name: as Hummingbot calls it.
    :ivar dialect: makes the frames it reads.
    :ivar depth: how many levels a side its exchange tells of; None: all.
    """

    depth: int | None = None

    name: str
    dialect: Any
    quote: str

    def __init__(self, markets: int = 1, url: str = ""):
        self.symbols = [self.dialect.symbol(number) for number in range(markets)]
        self.pairs = [f"C{number}-{self.quote}" for number in range(markets)]
        self.connector = self._connector(url)
        self.connector._set_trading_pair_symbol_map(bidict(zip(self.symbols, self.pairs)))
        self.connector._trading_rules.update({pair: _rule(pair) for pair in self.pairs})
        self.connector._time_synchronizer.add_time_offset_ms_sample(0)

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        raise NotImplementedError

    async def subscribe(self, assistant: WSAssistant) -> None:
        """What the connector does with a connection before it reads from it."""

    def lift_limits(self) -> None:
        """Has no rate limit be in the way of whatever is measured."""
        limits = self.connector._throttler._rate_limits
        self.connector._throttler.set_rate_limits(
            [RateLimit(each.limit_id, PLENTY, each.time_interval, each.weight, each.linked_limits) for each in limits]
        )

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the exchange answers to a placement."""
        raise NotImplementedError


class Acme(Subject):
    name = "acme_perpetual"
    dialect = market.Acme()
    quote = "USD"

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        return AcmePerpetualDerivative("key", "secret", url, trading_pairs=self.pairs)

    async def subscribe(self, assistant: WSAssistant) -> None:
        await self.connector.order_book_tracker.data_source._subscribe_channels(assistant)


class Bybit(Subject):
    name = "bybit_perpetual"
    dialect = market.Bybit()
    quote = "USDT"

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        domain = bybit_perpetual_constants.DEFAULT_DOMAIN
        if url:
            bybit_perpetual_constants.REST_URLS[url] = f"{url}/"
            domain = url
        return BybitPerpetualDerivative(
            bybit_perpetual_api_key="key", bybit_perpetual_secret_key="secret", trading_pairs=self.pairs, domain=domain
        )


class Binance(Subject):
    name = "binance_perpetual"
    dialect = market.Binance()
    quote = "USDT"

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        if url:
            binance_perpetual_constants.TESTNET_BASE_URL = f"{url}/"
        return BinancePerpetualDerivative(
            binance_perpetual_api_key="key",
            binance_perpetual_api_secret="secret",
            trading_pairs=self.pairs,
            domain=binance_perpetual_constants.TESTNET_DOMAIN if url else binance_perpetual_constants.DOMAIN,
        )


class Hyperliquid(Subject):
    """Whose exchange tells each book whole, and takes orders that are signed as Ethereum's transactions are."""

    name = "hyperliquid_perpetual"
    dialect = market.Hyperliquid()
    quote = "USD"
    depth = market.SHOWN

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        if url:
            hyperliquid_perpetual_constants.TESTNET_BASE_URL = url
        connector = HyperliquidPerpetualDerivative(
            hyperliquid_perpetual_secret_key=WALLET_KEY,
            hyperliquid_perpetual_address=WALLET,
            trading_pairs=self.pairs,
            domain=hyperliquid_perpetual_constants.TESTNET_DOMAIN if url else hyperliquid_perpetual_constants.DOMAIN,
        )
        connector.coin_to_asset = {symbol: number for number, symbol in enumerate(self.symbols)}
        return connector


class Bitget(Subject):
    """A rival with books, where it is about as fast as the best."""

    name = "bitget_perpetual"
    dialect = market.Bitget()
    quote = "USDT"

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        return BitgetPerpetualDerivative(
            bitget_perpetual_api_key="key",
            bitget_perpetual_secret_key="secret",
            bitget_perpetual_passphrase="phrase",
            trading_pairs=self.pairs,
        )


class Okx(Subject):
    """A rival with trades, where it is about as fast as the best."""

    name = "okx_perpetual"
    dialect = market.Okx()
    quote = "USDT"

    def _connector(self, url: str) -> PerpetualDerivativePyBase:
        return OkxPerpetualDerivative(
            okx_perpetual_api_key="key",
            okx_perpetual_secret_key="secret",
            okx_perpetual_passphrase="phrase",
            trading_pairs=self.pairs,
        )


RIVALS = (Bybit, Binance, Hyperliquid)
ALL = (Acme, *RIVALS)
WITH_BOOKS = (*ALL, Bitget)
WITH_TRADES = (*ALL, Okx)


class Socket:
    """In place of a WebSocket of aiohttp's: frames that come as fast as they are read, as after a burst."""

    close_code = None
    closed = False

    def __init__(self, frames: Sequence[str]):
        self._frames = iter(frames)

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
        frame = next(self._frames, None)
        if frame is None:
            raise Exhausted
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, frame, None)

    async def send_json(self, payload: Any) -> None:
        """What the connector says goes nowhere."""

    async def close(self) -> None:
        """There is nothing to close."""


class YieldingSocket(Socket):
    """Frames of which each comes when the one before was read and everything else had its turn, as on a quiet
    market."""

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:
        await asyncio.sleep(0)
        return await super().receive(timeout)


class Exhausted(Exception):
    """Every frame was read."""


async def assistant_on(subject: Subject, socket: Socket) -> WSAssistant:
    """The connector's own way of reading, from that socket."""
    assistant = await subject.connector._web_assistants_factory.get_ws_assistant()
    assistant._connection._connection = socket
    assistant._connection._connected = True
    return assistant


def _rule(pair: str) -> TradingRule:
    return TradingRule(
        pair,
        min_order_size=Decimal("0.001"),
        min_price_increment=Decimal("0.1"),
        min_base_amount_increment=Decimal("0.001"),
    )


class Tracking:
    """A subject whose books are followed as they are for a user: its stream's reader, its queues, its parser, its
    tracker."""

    def __init__(self, subject: Subject, make_book: type[OrderBook] = OrderBook):
        self.subject = subject
        self.tracker = subject.connector.order_book_tracker
        self.source = self.tracker.data_source
        self._make_book = make_book
        self._tasks: list[asyncio.Task] = []
        self._assistant: WSAssistant | None = None

    async def __aenter__(self) -> Self:
        loop, tracker = asyncio.get_running_loop(), self.tracker
        self.source.order_book_create_function = self._make_book
        for pair in self.subject.pairs:
            tracker._order_books[pair] = self._make_book()
            tracker._tracking_message_queues[pair] = asyncio.Queue()
        works = [
            self.source.listen_for_order_book_diffs(loop, tracker._order_book_diff_stream),
            self.source.listen_for_order_book_snapshots(loop, tracker._order_book_snapshot_stream),
            self.source.listen_for_trades(loop, tracker._order_book_trade_stream),
            tracker._order_book_diff_router(),
            tracker._emit_trade_event_loop(),
        ]
        if isinstance(self.subject, Acme):
            tracker._begun = {pair: asyncio.Event() for pair in self.subject.pairs}
        else:
            works.append(tracker._order_book_snapshot_router())
            works += [tracker._track_single_book(pair) for pair in self.subject.pairs]
        tracker._order_books_initialized.set()
        self._tasks = [asyncio.create_task(work) for work in works]
        self._assistant = await assistant_on(self.subject, Socket([]))
        await self.subject.subscribe(self._assistant)
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(*self._tasks)

    async def begin(self, full: Sequence[market.Change]) -> None:
        """Gives each book its first levels; the same to every subject."""
        if isinstance(self.subject, Acme):
            await self.read(Socket([self.subject.dialect.book(change) for change in full]))
            return
        for pair, change in zip(self.subject.pairs, full):
            rows = [[OrderBookRow(price, size, 0) for price, size in side] for side in (change.bids, change.asks)]
            self.tracker._order_books[pair].apply_snapshot(*rows, 0)

    async def read(self, socket: Socket) -> None:
        """Reads all of a socket's frames, until what they say has arrived where a strategy sees it."""
        self._assistant._connection._connection = socket
        self._assistant._connection._connected = True
        with suppress(Exhausted):
            await self.source._process_websocket_messages(self._assistant)
        await asyncio.sleep(0)
        while self._is_busy():
            await asyncio.sleep(0)

    def _is_busy(self) -> bool:
        if isinstance(self.subject, Acme):  # which has no queues
            return False
        tracker = self.tracker
        queues = [
            *self.source._message_queue.values(),
            tracker._order_book_diff_stream,
            tracker._order_book_snapshot_stream,
            tracker._order_book_trade_stream,
            *tracker._tracking_message_queues.values(),
        ]
        return not all(queue.empty() for queue in queues)
