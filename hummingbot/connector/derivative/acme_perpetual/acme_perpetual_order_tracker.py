"""Hummingbot's order tracker, with order states that only move forward."""

from typing import TYPE_CHECKING, Callable

from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate

if TYPE_CHECKING:
    from hummingbot.connector.connector_base import ConnectorBase

STAGES = {
    OrderState.PENDING_CREATE: 0,
    OrderState.OPEN: 1,
    OrderState.PARTIALLY_FILLED: 2,
    OrderState.PENDING_CANCEL: 3,
    OrderState.CANCELED: 4,
    OrderState.FILLED: 4,
    OrderState.FAILED: 4,
}


class AcmePerpetualOrderTracker(ClientOrderTracker):
    """Tracks orders whose news arrive in any order, and more than once.

    What became of an order is told by the answer to its placement, by two private channels and by status polls, and
    the venue promises no order between them (Acme API §6). Hummingbot's tracker takes every update at face value: a
    late "open" would revive an order that is done, and the next "closed" would report its end a second time. Here an
    update that would move an order backwards is dropped, and an order that is first heard of when it is closed is
    reported as created before it is reported as closed, since Hummingbot's records begin with the creation.

    :param on_exchange_id_known: called with an order as soon as the id the venue gave it is known
    """

    def __init__(self, connector: "ConnectorBase", on_exchange_id_known: Callable[[InFlightOrder], None]):
        super().__init__(connector=connector)
        self._on_exchange_id_known = on_exchange_id_known

    def take_back_as_lost(self, client_order_id: str):
        """Treats an order that was reported as failed, and turns out to be alive, as a lost order: it is cancelled at
        the venue until it is gone, and its fills are reported."""
        order = self._cached_orders.pop(client_order_id)
        self._lost_orders[client_order_id] = order

    async def _process_order_update(self, order_update: OrderUpdate):
        order = self.fetch_tracked_order(order_update.client_order_id)
        if order is None:
            if order_update.client_order_id in self._lost_orders:
                await super()._process_order_update(order_update)
            return
        if STAGES[order_update.new_state] < STAGES[order.current_state]:
            return
        if order.is_pending_create and order_update.exchange_order_id is not None:
            await super()._process_order_update(order_update._replace(new_state=OrderState.OPEN))
            self._on_exchange_id_known(order)
        if order_update.new_state is not order.current_state:
            await super()._process_order_update(order_update)
