"""Cancels orders, also those that the venue may not know yet, and while the venue may not answer."""

import asyncio
import logging

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_doubts import OrderDoubts
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_tracker import AcmePerpetualOrderTracker
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_pace import Pace
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_placement import retry_delays
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeApiError,
    AcmeRequestError,
    RunningDeadline,
    says,
)
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState


class OrderCanceller:
    """Sees to it that an order that was to be cancelled is, whatever becomes of the request."""

    def __init__(
        self,
        account: AcmePerpetualAccountApi,
        tracker: AcmePerpetualOrderTracker,
        doubts: OrderDoubts,
        pace: Pace,
        logger: logging.Logger,
    ):
        self._account = account
        self._tracker = tracker
        self._doubts = doubts
        self._pace = pace
        self._logger = logger
        self._waiting = 0
        self._answered = asyncio.Event()

    @property
    def is_busy(self) -> bool:
        """Whether many cancels are under way."""
        return self._waiting >= CONSTANTS.MANY_CANCELS

    async def let_go_ahead(self):
        """Waits while many cancels are under way and being answered.

        Each piece of news of an order has Hummingbot's recorder write down all that are open, within the event loop.
        Between the cancels of hundreds of orders, that is what they would be waiting for.
        """
        if not self.is_busy:
            return
        while self._waiting:
            self._answered.clear()
            try:
                async with RunningDeadline(CONSTANTS.MANY_CANCELS_PATIENCE):
                    await self._answered.wait()
            except TimeoutError:
                return

    async def cancel(self, order: InFlightOrder) -> bool:
        """Cancels an order. While one cancel of it is under way, further ones wait for its outcome: strategies repeat
        their cancels, and a venue that is slow to answer gets no faster by being asked more often.

        :return: whether the order is, or will be, cancelled
        :raises AcmeRequestError: when the venue refuses, or gave no answer for `DOUBT_RESOLUTION_TIME` seconds
        """
        doubt = self._doubts.of(order.client_order_id)
        if doubt.cancel is not None:
            return await asyncio.shield(doubt.cancel)
        doubt.is_cancel_wanted = True
        outcome = doubt.cancel = asyncio.get_running_loop().create_future()
        try:
            is_cancelled = await self._cancel(order)
            outcome.set_result(is_cancelled)
            return is_cancelled
        finally:
            doubt.cancel = None
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
            return await self._request(order)
        except AcmeRequestError as error:
            self._logger.info(f"Order {order.client_order_id} will be cancelled when the venue knows it ({error}).")
            return False

    async def _cancel_until_answered(self, order: InFlightOrder) -> bool:
        """Repeats a cancel without an answer, which does no harm. What stays unanswered is left to the status poll."""
        doubt = self._doubts.of(order.client_order_id)
        began = self._pace.now()
        for delay in retry_delays():
            try:
                is_cancelled = await self._request(order)
                doubt.is_cancel_unanswered = False
                return is_cancelled
            except AcmeRequestError as error:
                doubt.is_cancel_unanswered = error.outcome_unknown or not isinstance(error, AcmeApiError)
                if not doubt.is_cancel_unanswered or self._pace.now() - began + delay > CONSTANTS.DOUBT_RESOLUTION_TIME:
                    raise
            await self._pace.sleep(delay)
            if order.current_state in (OrderState.CANCELED, OrderState.FILLED):
                doubt.is_cancel_unanswered = False
                return order.is_cancelled

    async def _request(self, order: InFlightOrder) -> bool:
        """Asks the venue once, by the order's exchange id or, while that is not known, by its client id.

        :return: whether the order is, or will be, cancelled
        :raises AcmeRequestError: when the venue refuses, or does not answer
        """
        known_end = self._doubts.closed_as(order.client_order_id)
        if known_end is not None:
            return known_end is OrderState.CANCELED
        self._waiting += 1
        try:
            await self._account.cancel_order(order)
        except AcmeApiError as refusal:
            if says(refusal, CONSTANTS.ORDER_ALREADY_CLOSED_ERROR):
                venue_order = await self._account.order(order)
                await self._tracker.process_venue_order(order, venue_order)
                return venue_order.state is OrderState.CANCELED
            if not says(refusal, CONSTANTS.ORDER_ALREADY_QUEUED_ERROR):
                raise
        finally:
            self._waiting -= 1
            self._answered.set()
        return True
