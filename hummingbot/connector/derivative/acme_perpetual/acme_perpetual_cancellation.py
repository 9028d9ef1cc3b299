"""Cancelling orders that may not be known yet, at a venue that may not answer."""

import asyncio
import logging
from typing import Awaitable, Callable, Container, Dict, Set

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_placement import retry_delays
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeApiError, AcmeRequestError
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState


class OrderCanceller:
    """Sees to it that an order that was to be cancelled is, whatever becomes of the request.

    :param request_cancel: asks the venue to cancel an order, by its exchange id or, while that is not known, by its
        client id; returns whether it is or will be cancelled; raises AcmeRequestError when the venue refuses, or does
        not answer
    :param sleep: waits for a number of seconds
    :param now: a clock that never goes back, in seconds
    """

    def __init__(
        self,
        request_cancel: Callable[[InFlightOrder], Awaitable[bool]],
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
        logger: logging.Logger,
    ):
        self._request_cancel = request_cancel
        self._sleep = sleep
        self._now = now
        self._logger = logger
        self._under_way: Dict[str, asyncio.Future] = {}
        self._in_doubt: Set[str] = set()

    def is_in_doubt(self, client_order_id: str) -> bool:
        """Whether a cancel of this order got no answer, so that it has to be repeated if the order is still open."""
        return client_order_id in self._in_doubt

    def forget_all_but(self, client_order_ids: Container[str]):
        """To be called with the orders that are still active."""
        self._in_doubt = {order_id for order_id in self._in_doubt if order_id in client_order_ids}

    async def cancel(self, order: InFlightOrder) -> bool:
        """Cancels an order. While one cancel of it is under way, further ones wait for its outcome: strategies repeat
        their cancels, and a venue that is slow to answer gets no faster by being asked more often.

        :return: whether the order is, or will be, cancelled
        :raises AcmeRequestError: when the venue refuses, or gave no answer for `DOUBT_RESOLUTION_TIME` seconds
        """
        order_id = order.client_order_id
        if order_id in self._under_way:
            return await asyncio.shield(self._under_way[order_id])
        outcome = self._under_way[order_id] = asyncio.get_running_loop().create_future()
        try:
            is_cancelled = await self._cancel(order)
            outcome.set_result(is_cancelled)
            return is_cancelled
        finally:
            del self._under_way[order_id]
            if not outcome.done():
                outcome.set_result(False)

    async def _cancel(self, order: InFlightOrder) -> bool:
        if order.is_pending_create and order.exchange_order_id is None:
            return await self._cancel_unanswered_placement(order)
        return await self._cancel_until_answered(order)

    async def _cancel_unanswered_placement(self, order: InFlightOrder) -> bool:
        """Cancels an order that may exist: at once if the venue knows it, and else as soon as it does."""
        is_queued = await self._try_once(order)
        await order.wait_until_processed_by_exchange()
        if order.current_state in (OrderState.CANCELED, OrderState.FILLED, OrderState.FAILED):
            return order.is_cancelled
        return is_queued or await self._cancel_until_answered(order)

    async def _try_once(self, order: InFlightOrder) -> bool:
        try:
            return await self._request_cancel(order)
        except AcmeRequestError as error:
            self._logger.info(f"Order {order.client_order_id} will be cancelled when the venue knows it ({error}).")
            return False

    async def _cancel_until_answered(self, order: InFlightOrder) -> bool:
        """Repeats a cancel without an answer, which does no harm. What stays unanswered is left to the status poll."""
        order_id = order.client_order_id
        began = self._now()
        for delay in retry_delays():
            try:
                is_cancelled = await self._request_cancel(order)
                self._in_doubt.discard(order_id)
                return is_cancelled
            except AcmeRequestError as error:
                if isinstance(error, AcmeApiError) and not error.outcome_unknown:
                    self._in_doubt.discard(order_id)
                    raise
                self._in_doubt.add(order_id)
                if self._now() - began + delay > CONSTANTS.DOUBT_RESOLUTION_TIME:
                    raise
            await self._sleep(delay)
            if order.current_state in (OrderState.CANCELED, OrderState.FILLED):
                self._in_doubt.discard(order_id)
                return order.is_cancelled
