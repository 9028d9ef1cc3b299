"""The connectors that are measured, each of them whole, set up without an exchange."""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import aiohttp
from bidict import bidict

from bench import market
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.binance_perpetual import binance_perpetual_constants
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.connector.derivative.bybit_perpetual import bybit_perpetual_constants
from hummingbot.connector.derivative.bybit_perpetual.bybit_perpetual_derivative import BybitPerpetualDerivative
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

logging.disable(logging.ERROR)
PLENTY = 10_000


class Subject:
    """One connector, of `markets` markets.

    :ivar name: as Hummingbot calls it.
    :ivar dialect: makes the frames it reads.
    """

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


RIVALS = (Bybit, Binance)
ALL = (Acme, *RIVALS)


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
