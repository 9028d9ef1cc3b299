"""Places orders, and finds out what became of one whose placement was sent and not answered (hummingbot issues 3374 and
6716)."""

import asyncio
import logging
from enum import Enum
from typing import Any, Dict, Iterator, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_data import VenueOrder
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_clock import VenueClock
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_doubts import OrderDoubts
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_tracker import AcmePerpetualOrderTracker
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_pace import Pace
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeApiError,
    AcmeRequestError,
    says,
)
from hummingbot.core.data_type.in_flight_order import InFlightOrder


class PlacementVerdict(Enum):
    """What is known about a placement whose answer was lost."""

    EXISTS = "the venue has the order"
    NEVER_ARRIVED = "the venue has no such order, and will not take it any more"
    UNKNOWN = "the venue has not said enough yet"


class PlacementNeverArrived(IOError):
    """A placement was not answered, and the venue says that it has no such order."""

    def __init__(self, client_order_id: str):
        super().__init__(
            f"{CONSTANTS.ORDER_NOT_FOUND_ERROR}: the placement of order {client_order_id} got no answer, and the venue "
            "does not have the order"
        )


def retry_delays() -> Iterator[float]:
    """Seconds to wait before each further attempt at something whose outcome is unknown; without an end."""
    delay = CONSTANTS.DOUBT_FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, CONSTANTS.DOUBT_LONGEST_DELAY)


class Placements:
    """Sends placements, and asks the venue for those that were not answered until it is certain whether they exist.

    :param at_once: how many placements may be under way
    """

    def __init__(
        self,
        account: AcmePerpetualAccountApi,
        tracker: AcmePerpetualOrderTracker,
        doubts: OrderDoubts,
        clock: VenueClock,
        pace: Pace,
        logger: logging.Logger,
        at_once: int,
    ):
        self._account = account
        self._tracker = tracker
        self._doubts = doubts
        self._clock = clock
        self._pace = pace
        self._logger = logger
        # A placement says until when it is valid, so not more of them are begun than the rate limit lets out at once.
        self._slots = asyncio.Semaphore(at_once)

    async def send(self, client_order_id: str, request: Dict[str, Any]) -> VenueOrder:
        """Sends a placement, and a second time when the first was refused for having become invalid on its way.

        That happens when the venue's clock, or its rate limit, had to be waited for.

        :param request: what `acme_perpetual_account_data.place_order_request` makes; its time is set here
        :raises AcmeRequestError: when the venue refuses, or does not answer
        """
        async with self._slots:
            for is_repetition in (False, True):
                reject_after = await self._clock.venue_time() + CONSTANTS.PLACEMENT_VALIDITY
                self._doubts.of(client_order_id).placement_sent_at = self._pace.now()
                try:
                    venue_order = await self._account.place_order(request, reject_after)
                except AcmeApiError as refusal:
                    if is_repetition or refusal.outcome_unknown or await self._clock.venue_time() < reject_after:
                        raise
                else:
                    self._doubts.placement_is_certain(client_order_id)
                    return venue_order

    def is_in_doubt(self, client_order_id: str, error: Exception) -> bool:
        """Whether an order may exist although its placement ended with this error. An id that the venue knows already
        can only be this order's."""
        if self._doubts.of(client_order_id).placement_sent_at is None:
            return False
        if isinstance(error, AcmeRequestError):
            return error.outcome_unknown or says(error, CONSTANTS.DUPLICATE_CLIENT_ID_ERROR)
        return True

    async def resolve_after(self, order: InFlightOrder, error: Exception) -> Optional[str]:
        """Finds out what became of an order whose placement ended with this error.

        :return: its exchange id; None when the venue has not told yet
        :raises PlacementNeverArrived: when the order does not exist, and never will
        """
        order_id = order.client_order_id
        self._logger.warning(f"It is not known whether order {order_id} was placed ({error}). Asking the venue.")
        verdict = await self.resolve(order)
        if verdict is PlacementVerdict.NEVER_ARRIVED:
            raise PlacementNeverArrived(order_id) from error
        if verdict is PlacementVerdict.UNKNOWN:
            self._logger.warning(
                f"The venue has not told yet whether order {order_id} was placed. It stays pending, and the venue is "
                "asked again with every status poll."
            )
        return order.exchange_order_id

    async def resolve(self, order: InFlightOrder) -> PlacementVerdict:
        """Asks again and again, for at most `DOUBT_RESOLUTION_TIME` seconds."""
        began = self._pace.now()
        for delay in retry_delays():
            remaining = CONSTANTS.DOUBT_RESOLUTION_TIME - (self._pace.now() - began)
            try:
                async with asyncio.timeout(max(remaining, 0)):
                    verdict = await self.check(order)
            except TimeoutError:
                return PlacementVerdict.UNKNOWN
            if verdict is not PlacementVerdict.UNKNOWN or remaining <= delay:
                return verdict
            await self._pace.sleep(delay)

    async def check(self, order: InFlightOrder) -> PlacementVerdict:
        """Asks once, unless the private stream has told already."""
        if order.exchange_order_id is None and order.is_pending_create:
            try:
                await self._tracker.process_venue_order(order, await self._account.order(order))
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if says(error, CONSTANTS.ORDER_NOT_FOUND_ERROR):
                    return self._after_not_found(order.client_order_id)
                self._logger.debug(f"No word yet on order {order.client_order_id}: {error}")
                return PlacementVerdict.UNKNOWN
        self._doubts.placement_is_certain(order.client_order_id)
        return PlacementVerdict.EXISTS

    def _after_not_found(self, client_order_id: str) -> PlacementVerdict:
        # The placement may still be on its way. It is certain that it never arrived, and never will, when the venue
        # has not found it twice, some time apart, and when it has become too late for the venue to accept it. After a
        # restart it is not known when an order was sent: it is taken to be now.
        now = self._pace.now()
        doubt = self._doubts.of(client_order_id)
        if doubt.placement_sent_at is None:
            doubt.placement_sent_at = now
        if doubt.first_not_found_at is None:
            doubt.first_not_found_at = now
        certain = (
            now - doubt.first_not_found_at >= CONSTANTS.NOT_FOUND_CONFIRMATION_TIME
            and now - doubt.placement_sent_at >= CONSTANTS.PLACEMENT_VALIDITY
        )
        if not certain:
            return PlacementVerdict.UNKNOWN
        self._doubts.placement_is_certain(client_order_id)
        return PlacementVerdict.NEVER_ARRIVED
