"""Candles of an Acme venue, for `CandlesFactory`: history and live."""

import logging
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional

import numpy as np

from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_constants as ACME,
    acme_perpetual_market_data as market_data,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_servers import known_domain
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_stream import WarningLimiter
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeRequestError
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.data_feed.candles_feed.acme_perpetual_candles import constants as CONSTANTS
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.logger import HummingbotLogger

if TYPE_CHECKING:
    from hummingbot.connector.connector_base import ConnectorBase


class AcmePerpetualCandles(CandlesBase):
    """The candles of one market (Acme API §4), in Hummingbot's columns.

    They are the venue's own, closed and unclosed: the API has no channel of candles, and what one gathers from the
    trades that one hears of differs from the venue's after each frame that was missed. So the venue is asked again and
    again, once in a sixtieth of an interval, but no more than once in a second and no less than once in five.

    Candles of the intervals that the venue has not (`constants.RESOLUTIONS`) are made of shorter ones of its own,
    exactly.

    The server that is asked is the attached connector's, or else the one that `acme_perpetual_servers.known_domain`
    finds.

    Prices are in USD; `quote_asset_volume` is the API's volume, in USD. The API does not say how much of the underlying
    that was: `volume` is the same at the middle of the candle's prices, wrong by at most as much as half of the
    candle's range is of its middle. The numbers of trades and the takers' volumes are not known, and 0.

    :param trading_pair: such as `BTC-USD`
    :param interval: one of `constants.INTERVALS`
    :param max_records: how many candles to keep, the unclosed one included
    :cvar connector_name: the connector that they are for, as `connect` takes its name
    :raises ValueError: when the API has no candles of that interval, or the configured server's address is wrong
    """

    _logger: Optional[HummingbotLogger] = None

    @classmethod
    def logger(cls) -> HummingbotLogger:
        if cls._logger is None:
            cls._logger = logging.getLogger(__name__)
        return cls._logger

    connector_name = ACME.EXCHANGE_NAME

    def __init__(self, trading_pair: str, interval: str = "1m", max_records: int = 150):
        if interval not in self.intervals:
            raise ValueError(
                f"Acme has no candles of the interval {interval!r}: choose one of {', '.join(self.intervals)}."
            )
        self._domain = known_domain(self.connector_name)
        super().__init__(trading_pair, interval, max_records)
        self._use_throttler_of(self._api_factory)
        self._warnings = WarningLimiter(self.logger())
        self._told_shortage = False

    def attach_connector(self, connector: "ConnectorBase"):
        """Asks the connector's server from now on, within the connector's rate limits."""
        own_factory = self._api_factory
        super().attach_connector(connector)
        self._domain = connector.domain
        if self._api_factory is not own_factory:
            self._use_throttler_of(self._api_factory)

    def _use_throttler_of(self, factory):
        # Hummingbot's own requests have no deadline, and read numbers and refusals otherwise than Acme writes them.
        self._api_factory = web_utils.build_api_factory_without_time_synchronizer_pre_processor(factory.throttler)

    # ------------------------------------------------------------------------------------------- what the venue is

    @property
    def name(self) -> str:
        return f"{self.connector_name}_{self._trading_pair}"

    @property
    def rest_url(self) -> str:
        return web_utils.public_rest_url("", self._domain)

    @property
    def health_check_url(self) -> str:
        return web_utils.public_rest_url(ACME.PING_PATH_URL, self._domain)

    @property
    def candles_url(self) -> str:
        path = web_utils.filled_path(self.candles_endpoint, market=self._ex_trading_pair)
        return web_utils.public_rest_url(path, self._domain)

    @property
    def candles_endpoint(self) -> str:
        return CONSTANTS.CANDLES_ENDPOINT

    @property
    def candles_max_result_per_rest_request(self) -> int:
        # Hummingbot asks for a span of so many intervals, with a candle at each end.
        return CONSTANTS.MOST_CANDLES * self._resolution // self.interval_in_seconds - 1

    @property
    def _resolution(self) -> int:
        """The seconds of the venue's candles that these are made of."""
        return CONSTANTS.RESOLUTIONS.get(self.interval) or self.interval_in_seconds

    @property
    def rate_limits(self):
        return CONSTANTS.RATE_LIMITS

    @property
    def intervals(self):
        return CONSTANTS.INTERVALS

    async def check_network(self) -> NetworkStatus:
        """
        :raises IOError: when the venue does not answer, or refuses
        """
        rest_assistant = await self._api_factory.get_rest_assistant()
        await rest_assistant.execute_request(url=self.health_check_url, throttler_limit_id=ACME.PING_PATH_URL)
        return NetworkStatus.CONNECTED

    def get_exchange_trading_pair(self, trading_pair: str) -> str:
        """The market's name by the rule (Acme API §1); an attached connector knows it from the venue."""
        return market_data.perpetual_name(trading_pair)

    # ----------------------------------------------------------------------------------------------------- history

    def _get_rest_candles_params(
        self, start_time: Optional[int] = None, end_time: Optional[int] = None, limit: Optional[int] = None
    ) -> Dict[str, Any]:
        last = None if end_time is None else int(end_time) + self.interval_in_seconds - self._resolution
        return market_data.candles_params(self._resolution, start_time, last)

    def _parse_rest_candles(self, data: Dict[str, Any], end_time: Optional[int] = None) -> List[List[float]]:
        """The rows of an answer, oldest first, one for each interval between the first and the last.

        :raises WireError: when it is malformed
        """
        candles = market_data.candles(data)
        whole = merged(candles, self.interval_in_seconds)
        is_cut = len(candles) >= CONSTANTS.MOST_CANDLES and candles[0].start % self.interval_in_seconds
        return without_gaps(map(_row, whole[1:] if is_cut else whole), self.interval_in_seconds)

    # -------------------------------------------------------------------------------------------------------- live

    async def listen_for_subscriptions(self):
        """Keeps the candles as the venue has them; for ever. While the venue does not answer there are none."""
        while True:
            try:
                await self._update()
                self._warnings.forget()
            except AcmeRequestError as error:
                self._reset_candles()
                self._warnings.log("request", f"No candles of {self._trading_pair} until the venue answers ({error}).")
            except Exception:
                self._reset_candles()
                self.logger().exception("Unexpected error with the candles. Asking again.")
            await self._sleep(self._poll_interval)

    @property
    def _poll_interval(self) -> float:
        seconds = self.interval_in_seconds / CONSTANTS.POLLS_PER_INTERVAL
        return min(max(seconds, CONSTANTS.POLL_INTERVAL_MIN), CONSTANTS.POLL_INTERVAL_MAX)

    async def _update(self):
        known = min(len(self._candles), CONSTANTS.CANDLES_READ_AGAIN)
        if known:
            start = self._candles[-known][0]
            latest = await self._latest(int(start))
            if len(latest) >= known and latest[0][0] == start:
                for _ in range(known):
                    self._candles.pop()
                self._candles.extend(latest)
                return
            # More happened than one answer holds, or the venue no longer has the past that it had.
            self._reset_candles()
        await self._fill()

    async def _fill(self):
        """Reads as many candles as are kept, or as there are. The venue's clock says which are the latest."""
        rows = await self._latest()
        while 0 < len(rows) < self._candles.maxlen:
            oldest = int(rows[0][0])
            missing = self._candles.maxlen - len(rows)
            older = await self.fetch_candles(end_time=oldest - self.interval_in_seconds, limit=missing)
            older = [row for row in older if row[0] < oldest]
            if not older:
                break
            rows = [*older, *rows]
        self._candles.extend(rows)
        if len(rows) < self._candles.maxlen and not self._told_shortage:
            self._told_shortage = True
            self.logger().warning(
                f"The venue has {len(rows)} candles of {self.interval} of {self._trading_pair} so far, of the "
                f"{self._candles.maxlen} that are asked for: who waits for all of them waits until then."
            )

    async def _latest(self, start_time: Optional[int] = None) -> List[np.ndarray]:
        rest_assistant = await self._api_factory.get_rest_assistant()
        answer = await rest_assistant.execute_request(
            url=self.candles_url,
            throttler_limit_id=self.candles_endpoint,
            params=self._get_rest_candles_params(start_time),
        )
        return [np.array(row) for row in self._parse_rest_candles(answer)]


def merged(candles: Iterable[market_data.VenueCandle], interval: int) -> List[market_data.VenueCandle]:
    """Candles of `interval` seconds, made of shorter ones, oldest first, of which whole ones fit into it."""
    longer: List[market_data.VenueCandle] = []
    for candle in candles:
        start = candle.start // interval * interval
        if not longer or longer[-1].start != start:
            longer.append(candle._replace(start=start))
            continue
        last = longer[-1]
        longer[-1] = last._replace(
            high=max(last.high, candle.high),
            low=min(last.low, candle.low),
            close=candle.close,
            volume=last.volume + candle.volume,
        )
    return longer


def without_gaps(rows: Iterable[List[float]], interval: int) -> List[List[float]]:
    """The rows, with a flat one at the last price for each interval in which nothing was traded.

    :param rows: in Hummingbot's columns, oldest first
    :param interval: seconds
    """
    complete: List[List[float]] = []
    for row in rows:
        while complete and complete[-1][0] + interval < row[0]:
            close = complete[-1][4]
            complete.append([complete[-1][0] + interval, close, close, close, close, 0.0, 0.0, 0.0, 0.0, 0.0])
        complete.append(row)
    return complete


def _row(candle: market_data.VenueCandle) -> List[float]:
    base_volume = candle.volume / ((candle.high + candle.low) / 2)
    prices = candle.open, candle.high, candle.low, candle.close
    return [candle.start, *map(float, prices), float(base_volume), float(candle.volume), 0.0, 0.0, 0.0]


class AcmePerpetualSecondCandles(AcmePerpetualCandles):
    """The candles of the second connector's server."""

    connector_name = ACME.SECOND_NAME
