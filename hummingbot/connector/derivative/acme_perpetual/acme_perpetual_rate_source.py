"""Gives Hummingbot's rate oracle the rates of the venue."""

import logging
from decimal import Decimal
from typing import Dict, Optional

from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_constants as CONSTANTS,
    acme_perpetual_market_data as market_data,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_servers import known_domain
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_stream import WarningLimiter
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeRequestError
from hummingbot.core.rate_oracle.sources.rate_source_base import RateSourceBase
from hummingbot.core.utils import async_ttl_cache
from hummingbot.logger import HummingbotLogger


class AcmePerpetualRateSource(RateSourceBase):
    """The prices of the perpetuals of the server that this Hummingbot was told (Acme API §4).

    Which one that is needs no password (`acme_perpetual_servers.known_domain`): the oracle asks before there was one,
    and goes on when another server was connected.
    """

    _logger: Optional[HummingbotLogger] = None

    @classmethod
    def logger(cls) -> HummingbotLogger:
        if cls._logger is None:
            cls._logger = logging.getLogger(__name__)
        return cls._logger

    def __init__(self):
        super().__init__()
        self._factory = web_utils.build_api_factory_without_time_synchronizer_pre_processor(
            web_utils.create_throttler()
        )
        self._warnings = WarningLimiter(self.logger())

    @property
    def name(self) -> str:
        return CONSTANTS.EXCHANGE_NAME

    @async_ttl_cache(ttl=CONSTANTS.RATES_LIFETIME, maxsize=1)
    async def get_prices(self, quote_token: Optional[str] = None) -> Dict[str, Decimal]:
        """The price of each tradable pair, in USD; none while the venue does not answer, or for another quote token."""
        if quote_token not in (None, CONSTANTS.QUOTE_ASSET):
            return {}
        try:
            prices = market_data.prices(await self._markets())
            self._warnings.forget()
            return prices
        except (AcmeRequestError, ValueError) as error:
            self._warnings.log("request", f"No rates from Acme until the venue answers ({error}).")
            return {}

    async def _markets(self):
        rest_assistant = await self._factory.get_rest_assistant()
        return await rest_assistant.execute_request(
            url=web_utils.public_rest_url(CONSTANTS.MARKETS_PATH_URL, known_domain()),
            throttler_limit_id=CONSTANTS.MARKETS_PATH_URL,
        )
