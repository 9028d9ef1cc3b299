"""Follows what becomes of orders, from news that come in any order, and more than once."""

import asyncio
from collections import ChainMap, deque
from typing import TYPE_CHECKING, Any, Deque, Dict, Iterable, List, Mapping, Optional, Set, Tuple

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_doubts import OrderDoubts
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_journal import PlacementJournal
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_pace import Pace
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import RunningDeadline
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.utils.async_utils import safe_ensure_future, safe_wrapper

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
    """Hummingbot's order tracker, for a venue whose news of an order come by four roads.

    The answer to the placement, two private channels and the status polls tell of an order, and nothing orders them
    (Acme API §6). Hummingbot's tracker takes every update at face value: a late "open" would revive an order that is
    done, and the next "closed" would report its end a second time. So here

    - an update that would move an order backwards is dropped;
    - an order is reported as created before anything else of it is, since Hummingbot's records begin with that;
    - a fill that names its order only by an id that is not known yet is kept until it is;
    - an order's end is reported after its fills, which are asked for when they do not come;
    - a fill is reported one turn of the event loop after the order's creation, or later: who begins a task for each of
      the two has then begun the first one first.

    :param journal: is told of orders of whose placement Hummingbot has the outcome on record
    """

    def __init__(
        self,
        connector: "ConnectorBase",
        account: AcmePerpetualAccountApi,
        journal: PlacementJournal,
        doubts: OrderDoubts,
        pace: Pace,
    ):
        super().__init__(connector=connector)
        self._account = account
        self._journal = journal
        self._doubts = doubts
        self._pace = pace
        self._early_fills: Deque[account_data.VenueFill] = deque(maxlen=CONSTANTS.MOST_EARLY_FILLS)
        self._just_created: Set[str] = set()
        self._rested: Set[str] = set()
        self._an_order_ended = asyncio.Event()
        self._saved_states: Dict[str, Tuple[Tuple[Any, ...], Dict[str, Any]]] = {}

    @property
    def cached_orders(self) -> Dict[str, InFlightOrder]:
        """Orders that ended lately. The parent class lists their ids, and then looks for the orders: one whose time is
        up in between is an error there."""
        with self._cached_orders.timer:
            return dict(self._cached_orders)

    @property
    def all_updatable_orders(self) -> Mapping[str, InFlightOrder]:
        """As in the parent class, which copies every order for each piece of news."""
        return ChainMap(self._in_flight_orders, self._lost_orders)

    def saved_states(self) -> Dict[str, Dict[str, Any]]:
        """Every order that may still change, as Hummingbot saves it, by its client id; to be read only.

        Hummingbot saves all of them with each piece of news of one, within the event loop. Of those of which there was
        none, it gets what it got before.
        """
        before, self._saved_states = self._saved_states, {}
        for order_id, order in self.all_updatable_orders.items():
            version = _version(order)
            known = before.get(order_id)
            self._saved_states[order_id] = (
                known if known is not None and known[0] == version else (version, order.to_json())
            )
        return {order_id: state for order_id, (_, state) in self._saved_states.items()}

    def stop_tracking_order(self, client_order_id: str):
        super().stop_tracking_order(client_order_id)
        self._rested.discard(client_order_id)
        self._an_order_ended.set()

    async def wait_until_ended(self, client_order_ids: Iterable[str]):
        """Returns when none of these orders is active any more.

        :raises TimeoutError: when none of them has ended for `CANCELLED_ORDERS_DEADLINE` seconds
        """
        while any(client_order_id in self.active_orders for client_order_id in client_order_ids):
            self._an_order_ended.clear()
            async with RunningDeadline(CONSTANTS.CANCELLED_ORDERS_DEADLINE):
                await self._an_order_ended.wait()

    async def process_placed_order(self, order: InFlightOrder, exchange_order_id: str, timestamp: float):
        """Takes over that an order was placed, at once: the parent class has a task do it.

        :param timestamp: seconds since the epoch
        """
        update = OrderUpdate(order.trading_pair, timestamp, OrderState.OPEN, order.client_order_id, exchange_order_id)
        # What goes wrong in whoever is told of it does not make it a placement that failed.
        await safe_wrapper(self._process_order_update(update))

    async def process_venue_order(self, order: InFlightOrder, venue_order: account_data.VenueOrder):
        """Takes over what the venue says of one of our orders.

        :raises WireError: when it is another order that the venue speaks of
        """
        _check_identity(order, venue_order.client_order_id, venue_order.exchange_order_id)
        if venue_order.trade_type is not order.trade_type:
            raise wire.WireError(f"'side' is not that of order {order.client_order_id}")
        self._explain_end(order, venue_order)
        self._follow_reduction(order, venue_order)
        if venue_order.is_closed and not _has_all_fills(order, venue_order):
            self._close_when_filled(order, venue_order)
        else:
            await self._process_order_update(account_data.order_update(venue_order, order, self.current_timestamp))

    def process_usual_fill(self, fill: account_data.VenueFill) -> bool:
        """Takes over a fill that names an order in flight by its own id, where nothing has to be told before it, and
        returns whether it was one: nearly every fill is.

        :raises WireError: when the fill names two orders
        """
        client_order_id = fill.client_order_id
        order = self._in_flight_orders.get(client_order_id)
        if order is None or order.is_pending_create or client_order_id in self._just_created:
            return False
        _check_identity(order, client_order_id, fill.exchange_order_id)
        self._process_fill(order, fill)
        return True

    async def process_venue_fill(self, fill: account_data.VenueFill):
        """Takes over one of the account's fills: of our order, of an order that may turn out to be ours, or not.

        :raises WireError: when the fill names two orders
        """
        if self.process_usual_fill(fill):
            return
        order = find_order(self.all_fillable_orders, fill.client_order_id, fill.exchange_order_id)
        if order is None:
            if fill.client_order_id is None:
                self._early_fills.append(fill)
            return
        _check_identity(order, fill.client_order_id, fill.exchange_order_id)
        if order.is_pending_create:
            await self._process_order_update(
                OrderUpdate(
                    trading_pair=order.trading_pair,
                    update_timestamp=self.current_timestamp,
                    new_state=OrderState.OPEN,
                    client_order_id=order.client_order_id,
                    exchange_order_id=fill.exchange_order_id,
                )
            )
        if order.client_order_id in self._just_created:
            await asyncio.sleep(0)
        self._process_fill(order, fill)

    async def ask_for_fills(self, order: InFlightOrder) -> List[TradeUpdate]:
        """All that the venue has of an order's fills; raises AcmeRequestError when it cannot be asked."""
        if order.exchange_order_id is None:
            return []
        fee_schema = self._connector.trade_fee_schema()
        fills = self._account.fills(since=0.0, exchange_order_id=order.exchange_order_id)
        return [account_data.trade_update(fill, order, fee_schema) async for fill in fills]

    def take_back_failed_order(self, venue_order: account_data.VenueOrder):
        """Treats an order that was reported as failed, and is alive, as a lost one: it is cancelled at the venue until
        it is gone, and its fills are reported."""
        order = self.fetch_cached_order(venue_order.client_order_id)
        if order is not None and order.is_failure:
            self.logger().error(f"Order {order.client_order_id} was reported as failed, and is open. Cancelling it.")
            order.update_exchange_order_id(venue_order.exchange_order_id)
            self._lost_orders[order.client_order_id] = self._cached_orders.pop(order.client_order_id)

    async def _process_order_update(self, order_update: OrderUpdate):
        order = self.fetch_tracked_order(order_update.client_order_id)
        if order is None:
            if order_update.client_order_id in self._lost_orders:
                await super()._process_order_update(order_update)
            return
        if STAGES[order_update.new_state] < STAGES[order.current_state]:
            return
        if order.is_pending_create and order_update.exchange_order_id is not None:
            self._note_creation(order, order_update)
            await self._process_early_fills(order)
        if order_update.new_state is not order.current_state:
            await super()._process_order_update(order_update)
        if not order.is_pending_create:
            self._journal.settle(order.client_order_id)

    def _note_creation(self, order: InFlightOrder, order_update: OrderUpdate):
        """As the parent class deals with an update, which looks for the order in copies of all that there are."""
        state = order.current_state
        if order.update_with_order_update(order_update._replace(new_state=OrderState.OPEN)):
            self._trigger_order_creation(order, state, OrderState.OPEN)
        self._just_created.add(order.client_order_id)
        asyncio.get_running_loop().call_soon(self._just_created.discard, order.client_order_id)

    async def _process_early_fills(self, order: InFlightOrder):
        early_fills = [fill for fill in self._early_fills if fill.exchange_order_id == order.exchange_order_id]
        if early_fills:
            await asyncio.sleep(0)
        for fill in early_fills:
            self._early_fills.remove(fill)
            self._process_fill(order, fill)

    def _process_fill(self, order: InFlightOrder, fill: account_data.VenueFill):
        """As `process_trade_update`, which looks for the order once more."""
        update = account_data.trade_update(fill, order, self._connector.trade_fee_schema())
        amount_before = order.executed_amount_base
        if order.update_with_trade_update(update):
            self._trigger_order_fills(
                order,
                amount_before,
                update.fill_base_amount,
                update.fill_price,
                update.fee,
                update.trade_id,
                update.exchange_order_id,
            )

    def _follow_reduction(self, order: InFlightOrder, venue_order: account_data.VenueOrder):
        # The venue cuts a reduce-only order to the position that is left (Acme API §8). Waiting for more to be filled
        # would be in vain.
        if order.position is PositionAction.CLOSE and 0 < venue_order.size < order.amount:
            self.logger().info(
                f"The venue cut order {order.client_order_id} from {order.amount} to {venue_order.size} "
                f"{order.base_asset}, which is all there is to close."
            )
            order.amount = venue_order.size
            order.check_filled_condition()

    def _explain_end(self, order: InFlightOrder, venue_order: account_data.VenueOrder):
        """Says why a post-only order ended that nobody cancelled: Hummingbot's own line is that it was successfully
        cancelled."""
        order_id = order.client_order_id
        if venue_order.is_resting:
            self._rested.add(order_id)
        elif (
            venue_order.state is OrderState.CANCELED
            and order.order_type is OrderType.LIMIT_MAKER
            and order_id in self._in_flight_orders
            and order_id not in self._rested
            and not self._doubts.of(order_id).is_cancel_wanted
        ):
            self.logger().warning(
                f"Order {order_id} was closed by the venue, unfilled: a post-only order is, when it would have traded "
                "at once."
            )

    def _close_when_filled(self, order: InFlightOrder, venue_order: account_data.VenueOrder):
        doubt = self._doubts.of(order.client_order_id)
        if doubt.closed is None:
            doubt.closed = venue_order
            closing = safe_ensure_future(self._wait_for_fills_and_close(order, venue_order))
            closing.add_done_callback(lambda _: setattr(doubt, "closed", None))

    async def _wait_for_fills_and_close(self, order: InFlightOrder, venue_order: account_data.VenueOrder):
        """The parent class waits for the fills of filled orders only, not of cancelled ones, and does not ask."""
        order_update = account_data.order_update(venue_order, order, self.current_timestamp)
        await self._process_order_update(order_update._replace(new_state=OrderState.PARTIALLY_FILLED))
        is_answered = False
        for delay in CONSTANTS.MISSING_FILLS_DELAYS:
            await self._pace.sleep(delay)
            if not _has_all_fills(order, venue_order):
                is_answered = await self._take_over_fills(order) or is_answered
            if _has_all_fills(order, venue_order):
                break
        else:
            if not is_answered:
                return  # the next status poll finds the order closed, and comes here again
            self.logger().error(
                f"The venue says that {venue_order.filled_size} {order.base_asset} of order {order.client_order_id} "
                f"were filled, but its fills add up to {order.executed_amount_base}."
            )
        self.process_order_update(order_update)

    async def _take_over_fills(self, order: InFlightOrder) -> bool:
        try:
            for trade_update in await self.ask_for_fills(order):
                self.process_trade_update(trade_update)
        except OSError as error:
            self.logger().warning(f"Failed to fetch the fills of order {order.client_order_id}: {error}")
            return False
        return True


def _version(order: InFlightOrder) -> Tuple[Any, ...]:
    """What differs as soon as anything of an order has changed that Hummingbot saves."""
    return (
        order.current_state,
        order.last_update_timestamp,
        order.exchange_order_id,
        order.amount,
        order.price,
        order.executed_amount_base,
        len(order.order_fills),
    )


def find_order(
    orders: Mapping[str, InFlightOrder], client_order_id: Optional[str], exchange_order_id: str
) -> Optional[InFlightOrder]:
    """Our order with the venue's client id or, where the venue gave none, with its exchange id."""
    if client_order_id is not None:
        return orders.get(client_order_id)
    return next((order for order in orders.values() if order.exchange_order_id == exchange_order_id), None)


def _check_identity(order: InFlightOrder, client_order_id: Optional[str], exchange_order_id: str):
    if client_order_id not in (None, order.client_order_id):
        raise wire.WireError(f"'clientId' is not that of order {order.client_order_id}")
    if order.exchange_order_id not in (None, exchange_order_id):
        raise wire.WireError(f"the order's id is not that of order {order.client_order_id}")


def _has_all_fills(order: InFlightOrder, venue_order: account_data.VenueOrder) -> bool:
    if order.executed_amount_base >= venue_order.filled_size:
        return True
    return venue_order.state is OrderState.FILLED and order.completely_filled_event.is_set()
