"""Remembers what is not certain of orders: whether they were placed, whether they are cancelled, how they ended."""

import asyncio
from dataclasses import dataclass
from typing import Container, Dict, Optional

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_data import VenueOrder
from hummingbot.core.data_type.in_flight_order import OrderState


@dataclass
class OrderDoubt:
    """What is open about one order.

    :ivar is_being_placed: whether its placement is under way in this process, which sees it to its end
    :ivar placement_sent_at: when the placement went out whose answer is not there yet; None when there is none
    :ivar first_not_found_at: when the venue first said that it has no such order
    :ivar is_cancel_wanted: whether the order was to be cancelled
    :ivar cancel: the outcome of the cancel that is under way
    :ivar is_cancel_unanswered: whether a cancel got no answer, and has to be repeated if the order is still open
    :ivar closed: the order as the venue closed it, while its fills are still awaited
    """

    is_being_placed: bool = False
    placement_sent_at: Optional[float] = None
    first_not_found_at: Optional[float] = None
    is_cancel_wanted: bool = False
    cancel: Optional[asyncio.Future] = None
    is_cancel_unanswered: bool = False
    closed: Optional[VenueOrder] = None

    @property
    def is_empty(self) -> bool:
        return self == _NOTHING


_NOTHING = OrderDoubt()


class OrderDoubts:
    """What is open about the account's orders, by their client ids. Times are those of a `Pace`."""

    def __init__(self):
        self._doubts: Dict[str, OrderDoubt] = {}

    def of(self, client_order_id: str) -> OrderDoubt:
        """What is open about an order, to be read and changed."""
        doubt = self._doubts.get(client_order_id)
        if doubt is None:
            doubt = self._doubts[client_order_id] = OrderDoubt()
        return doubt

    def closed_as(self, client_order_id: str) -> Optional[OrderState]:
        """How an order is known to have ended whose fills are still awaited; None for any other order."""
        doubt = self._doubts.get(client_order_id)
        return None if doubt is None or doubt.closed is None else doubt.closed.state

    def is_looked_after(self, client_order_id: str) -> bool:
        """Whether somebody sees to it already what becomes of an order: its placement, or the wait for its fills."""
        doubt = self._doubts.get(client_order_id)
        return doubt is not None and (doubt.is_being_placed or doubt.closed is not None)

    def placement_is_certain(self, client_order_id: str):
        """To be called when it is known from elsewhere whether an order was placed."""
        doubt = self._doubts.get(client_order_id)
        if doubt is not None:
            doubt.placement_sent_at = doubt.first_not_found_at = None

    def forget_all_but(self, client_order_ids: Container[str]):
        """Drops the orders that are no longer active, unless something of them is still under way."""
        self._doubts = {
            order_id: doubt
            for order_id, doubt in self._doubts.items()
            if not doubt.is_empty
            and (order_id in client_order_ids or doubt.cancel is not None or doubt.closed is not None)
        }
