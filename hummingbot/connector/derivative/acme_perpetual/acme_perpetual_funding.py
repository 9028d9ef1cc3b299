"""Reports the account's funding payments, each once, also after a restart (Acme API §5, `GET /funding_payments`)."""

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_account_data as account_data
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_journal import FundingMemory
from hummingbot.core.event.events import FundingPaymentCompletedEvent, MarketEvent

if TYPE_CHECKING:
    from hummingbot.connector.connector_base import ConnectorBase


class FundingPayments:
    """Reports payments to Hummingbot, and knows how far it has.

    :param connector: what Hummingbot is told by
    :param times: the time of each pair's last payment that was reported or noted, in epoch seconds; Hummingbot's own
    :param trading_pairs: Hummingbot's own list, which changes
    """

    def __init__(
        self,
        connector: "ConnectorBase",
        account: AcmePerpetualAccountApi,
        memory: FundingMemory,
        times: Dict[str, float],
        trading_pairs: List[str],
        logger: logging.Logger,
    ):
        self._connector = connector
        self._account = account
        self._memory = memory
        self._times = times
        self._trading_pairs = trading_pairs
        self._logger = logger

    def recall(self):
        """Goes on where an earlier process ended."""
        recalled = self._memory.recall()
        self._times.update({pair: time for pair, time in recalled.items() if pair in self._trading_pairs})

    def keep(self):
        """Keeps how far it is; raises OSError when that cannot be written."""
        self._memory.keep(self._times)

    async def last(self, market_name: str) -> Optional[account_data.FundingPayment]:
        """A market's last payment; None when there was none. Raises AcmeRequestError when it cannot be asked for."""
        payments = await self._account.funding_payments(market_name=market_name)
        return payments[market_name][-1] if payments.get(market_name) else None

    async def report_new(self, market_names: Mapping[str, str]):
        """Reports every payment since the last one seen, with one request for all markets.

        :param market_names: the venue's names of the pairs' markets
        :raises AcmeRequestError: when they cannot be asked for
        """
        seen = {pair: self._times[pair] for pair in self._trading_pairs if pair in self._times}
        if not seen:
            return
        # Every answer tells of all markets, so the latest time seen in any of them is how far all of them are known.
        payments = await self._account.funding_payments(since=max(seen.values()) - CONSTANTS.FUNDING_OVERLAP)
        for trading_pair in seen:
            for payment in payments.get(market_names.get(trading_pair) or "", []):
                self.report(trading_pair, payment.time, payment.rate, payment.amount, True)
        self.keep()

    def report(self, trading_pair: str, time: float, rate: Decimal, amount: Decimal, is_event: bool):
        """Reports a payment that is newer than the last one seen, or only notes it.

        The event's time is up to a few milliseconds late where a bot has several markets: Hummingbot keeps no two
        payments of one time, and Acme pays all markets at once.

        :param amount: positive when the account received
        :param is_event: False for a payment from before the pair was traded, which is history
        """
        seen = self._times.setdefault(trading_pair, 0 if is_event else time)
        if time <= seen or not is_event:
            return
        self._times[trading_pair] = time
        action = "paid" if amount < 0 else "received"
        self._logger.info(f"Funding payment of {abs(amount):f} {action} on {trading_pair} market.")
        self._connector.trigger_event(
            MarketEvent.FundingPaymentCompleted,
            FundingPaymentCompletedEvent(
                timestamp=time + self._delay(trading_pair),
                market=self._connector.name,
                funding_rate=rate,
                trading_pair=trading_pair,
                amount=amount,
            ),
        )

    def _delay(self, trading_pair: str) -> float:
        """Seconds that no other of a bot's markets has. They are the same after a restart, so that a payment which is
        reported again is known to be on record."""
        connector = list(CONSTANTS.REST_URLS).index(self._connector.name)
        market = sum(other < trading_pair for other in self._trading_pairs)
        return connector * CONSTANTS.FUNDING_DELAY_OF_CONNECTORS + market * CONSTANTS.FUNDING_DELAY_OF_MARKETS
