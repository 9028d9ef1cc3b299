"""What becomes of an order whose placement was sent and not answered (hummingbot issues 3374 and 6716)."""

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum
from typing import Awaitable, Callable, Container, Dict, Iterator, Optional

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
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


@dataclass
class _Doubt:
    sent_at: float
    first_not_found_at: Optional[float] = None


def retry_delays() -> Iterator[float]:
    """Seconds to wait before each further attempt at something whose outcome is unknown; without an end."""
    delay = CONSTANTS.DOUBT_FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, CONSTANTS.DOUBT_LONGEST_DELAY)


class PlacementResolver:
    """Asks the venue for orders whose placement was not answered, until it is certain whether they exist.

    :param look_up: asks the venue for an order by its client id and has the answer processed, so that the order knows
        its exchange id when it returns or soon after; raises where there is no such order or no answer
    :param is_not_found: whether an exception of `look_up` is the venue saying that it has no such order
    :param sleep: waits for a number of seconds
    :param now: a clock that never goes back, in seconds
    """

    def __init__(
        self,
        look_up: Callable[[InFlightOrder], Awaitable[None]],
        is_not_found: Callable[[Exception], bool],
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
        logger: logging.Logger,
    ):
        self._look_up = look_up
        self._is_not_found = is_not_found
        self._sleep = sleep
        self._now = now
        self._logger = logger
        self._doubts: Dict[str, _Doubt] = {}

    def placement_is_sent(self, client_order_id: str):
        """To be called right before the placement goes out: from then on its outcome can be in doubt."""
        self._doubts[client_order_id] = _Doubt(sent_at=self._now())

    def was_sent(self, client_order_id: str) -> bool:
        return client_order_id in self._doubts

    def forget(self, client_order_id: str):
        """To be called when the outcome is known from elsewhere."""
        self._doubts.pop(client_order_id, None)

    def forget_all_but(self, client_order_ids: Container[str]):
        """To be called with the orders that are still active."""
        self._doubts = {order_id: doubt for order_id, doubt in self._doubts.items() if order_id in client_order_ids}

    async def resolve(self, order: InFlightOrder) -> PlacementVerdict:
        """Asks again and again, for at most `DOUBT_RESOLUTION_TIME` seconds."""
        began = self._now()
        for delay in retry_delays():
            remaining = CONSTANTS.DOUBT_RESOLUTION_TIME - (self._now() - began)
            try:
                async with asyncio.timeout(max(remaining, 0)):
                    verdict = await self.check(order)
            except TimeoutError:
                return PlacementVerdict.UNKNOWN
            if verdict is not PlacementVerdict.UNKNOWN or remaining <= delay:
                return verdict
            await self._sleep(delay)

    async def check(self, order: InFlightOrder) -> PlacementVerdict:
        """Asks once, unless the private stream has told already."""
        if order.exchange_order_id is not None or not order.is_pending_create:
            self.forget(order.client_order_id)
            return PlacementVerdict.EXISTS
        try:
            await self._look_up(order)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if self._is_not_found(error):
                return self._after_not_found(order.client_order_id)
            self._logger.debug(f"No word yet on order {order.client_order_id}: {error}")
            return PlacementVerdict.UNKNOWN
        self.forget(order.client_order_id)
        return PlacementVerdict.EXISTS

    def _after_not_found(self, client_order_id: str) -> PlacementVerdict:
        # The placement may still be on its way. It is certain that it never arrived, and never will, when the venue
        # has not found it twice, some time apart, and when it has become too late for the venue to accept it. After a
        # restart it is not known when an order was sent: it is taken to be now.
        now = self._now()
        doubt = self._doubts.setdefault(client_order_id, _Doubt(sent_at=now))
        if doubt.first_not_found_at is None:
            doubt.first_not_found_at = now
        certain = (
            now - doubt.first_not_found_at >= CONSTANTS.NOT_FOUND_CONFIRMATION_TIME
            and now - doubt.sent_at >= CONSTANTS.PLACEMENT_VALIDITY
        )
        if not certain:
            return PlacementVerdict.UNKNOWN
        self.forget(client_order_id)
        return PlacementVerdict.NEVER_ARRIVED
