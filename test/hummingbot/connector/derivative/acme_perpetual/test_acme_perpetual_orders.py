"""What becomes of orders when their news come early, late, twice, in any order, or not at all."""

import asyncio
import itertools
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import (
    BY_ID,
    FAILING,
    NOT_FOUND,
    ORDER_ID,
    DerivativeTestCase,
)

from aiohttp import web
from cachetools import TTLCache

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.core.data_type.trade_fee import TokenAmount
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent


class EarlyNewsTests(DerivativeTestCase):
    """Between a placement and its answer."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.answered = asyncio.Event()

        async def slowly(request):
            await self.answered.wait()
            return web.Response(text=venue_data.success(venue_data.order()), content_type="application/json")

        self.venue.answer("POST", "/api/orders", slowly)
        self.placement = self.create_order()
        await self.until(lambda: self.requests("POST"))

    async def answer(self):
        self.answered.set()
        await self.placement
        await self.settled()

    async def test_a_fill_before_the_answer(self):
        await self.frames("fills", venue_data.fill(size=0.25))
        self.assertEqual(["BuyOrderCreated", "OrderFilled"], self.event_names)

        await self.answer()
        self.assertEqual(["BuyOrderCreated", "OrderFilled"], self.event_names)

    async def test_a_fill_before_the_answer_that_does_not_name_our_order(self):
        await self.frames("fills", venue_data.fill(size=0.25, client_id=None))
        self.assertEqual([], self.event_names)

        await self.answer()
        self.assertEqual(["BuyOrderCreated", "OrderFilled"], self.event_names)
        self.assertEqual(Decimal("0.25"), self.event("OrderFilled").amount)

    async def reported_within_the_turn_of_the_creation(self, client_id):
        reported = []
        loop = asyncio.get_running_loop()
        remember = EventForwarder(lambda _: loop.call_soon(lambda: reported.append(self.event_names)))
        self.exchange.add_listener(MarketEvent.BuyOrderCreated, remember)
        await self.frames("fills", venue_data.fill(size=0.25, client_id=client_id))
        await self.answer()
        self.assertEqual(["BuyOrderCreated", "OrderFilled"], self.event_names)
        return reported[0]

    async def test_a_fill_is_reported_a_turn_of_the_loop_after_the_creation(self):
        """Who begins a task for each, as a service does that writes them to its database, begins the creation's
        first."""
        self.assertEqual(["BuyOrderCreated"], await self.reported_within_the_turn_of_the_creation("HBOT1"))

    async def test_so_is_one_that_came_before_the_answer(self):
        self.assertEqual(["BuyOrderCreated"], await self.reported_within_the_turn_of_the_creation(None))

    async def test_early_fills_of_others_stay_theirs(self):
        await self.frames("fills", venue_data.fill(1, ORDER_ID + 1, None), venue_data.fill(2, ORDER_ID + 2, "by hand"))

        await self.answer()

        self.assertEqual(["BuyOrderCreated"], self.event_names)

    async def test_early_fills_are_kept_in_a_bounded_space(self):
        for number in range(CONSTANTS.MOST_EARLY_FILLS + 1):
            await self.exchange._process_frame(venue_data.frame("fills", venue_data.fill(number, ORDER_ID + 1, None)))

        self.assertEqual(CONSTANTS.MOST_EARLY_FILLS, len(self.exchange._order_tracker._early_fills))

    async def test_filled_whole_before_the_answer(self):
        await self.frames("fills", venue_data.fill(client_id=None))
        await self.frames("orders", venue_data.order(status="closed", filledSize=1.0))
        await self.answer()

        self.assertEqual(["BuyOrderCreated", "OrderFilled", "BuyOrderCompleted"], self.event_names)
        self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_closed_before_the_answer_and_before_open_was_seen(self):
        """A post-only order that would have been matched. The late answer must not revive it."""
        await self.frames("orders", venue_data.order(status="closed"))
        self.assertEqual(["BuyOrderCreated", "OrderCancelled"], self.event_names)

        await self.answer()
        await self.frames("orders", venue_data.order(status="closed"), venue_data.order(status="open"))

        self.assertEqual(["BuyOrderCreated", "OrderCancelled"], self.event_names)
        self.assertEqual({}, self.exchange.in_flight_orders)
        self.assertEqual(OrderState.CANCELED, self.exchange._order_tracker.fetch_cached_order("HBOT1").current_state)


class OrderNewsTests(DerivativeTestCase):
    async def test_fills_twice_by_both_roads_and_out_of_order(self):
        order = await self.open_order()
        late, early = venue_data.fill(2, size=0.25, time=venue_data.TIME), venue_data.fill(1, size=0.5)
        self.venue.answer("GET", "/api/fills", [early, late])

        await self.frames("fills", late, late, early)
        await self.exchange._update_order_fills_from_trades()

        self.assertEqual(["OrderFilled", "OrderFilled"], self.event_names)
        self.assertEqual(Decimal("0.75"), order.executed_amount_base)
        self.assertEqual(Decimal("7500"), order.executed_amount_quote)

    async def test_a_fill_that_names_the_order_only_by_its_id(self):
        await self.open_order()

        await self.frames("fills", venue_data.fill(client_id=None))

        self.assertEqual(["OrderFilled"], self.event_names)

    async def test_a_repeated_fill_after_the_end_is_not_counted(self):
        await self.open_order()
        await self.frames("fills", venue_data.fill())
        await self.frames("orders", venue_data.order(status="closed", filledSize=1.0))

        await self.frames("fills", venue_data.fill())

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_an_ended_order_may_be_forgotten_at_any_moment(self):
        """Hummingbot keeps ended orders for half a minute, by a clock that goes on while they are looked through."""
        order = await self.open_order()
        self.venue.answer("GET", "/api/fills", [])
        tracker = self.exchange._order_tracker
        for moment in range(40):
            ticks = itertools.count()
            tracker._cached_orders = TTLCache(10, ttl=moment, timer=lambda: next(ticks))
            tracker._cached_orders["ended"] = order

            await self.exchange._update_order_fills_from_trades()
            await self.frames("fills", venue_data.fill(client_id=None, order_id=999))
            self.assertLessEqual(set(tracker.all_orders), {order.client_order_id, "ended"})

        await self.open_order()
        fee = "0.00012345678901234567890123456789"
        for number, text in enumerate((fee, f"-{fee}"), start=1):
            frame = venue_data.frame("fills", venue_data.fill(number, size=0.25))
            frame["data"]["fee"] = Decimal(text)
            await self.exchange._process_frame(frame)

        fees = [event.trade_fee.flat_fees for event in self.recorder.events]
        self.assertEqual([[TokenAmount("USD", Decimal(fee))], [TokenAmount("USD", Decimal(f"-{fee}"))]], fees)
        self.assertEqual([0, 0], [event.trade_fee.percent for event in self.recorder.events])

    async def test_partly_filled_then_cancelled_keeps_its_fill(self):
        await self.open_order()
        await self.frames("orders", venue_data.order(filledSize=0.25))
        await self.frames("fills", venue_data.fill(size=0.25))

        await self.frames("orders", venue_data.order(status="closed", filledSize=0.25))

        self.assertEqual(["OrderFilled", "OrderCancelled"], self.event_names)

    async def test_the_end_waits_for_a_fill_that_comes_later(self):
        for status, end in ((0.25, "OrderCancelled"), (1.0, "BuyOrderCompleted")):
            with self.subTest(end):
                order = await self.open_order(f"HBOT{end}", ORDER_ID + len(end))
                identity = (int(order.exchange_order_id), order.client_order_id)
                waiting = asyncio.Event()

                async def until_the_fill_came(delay):
                    waiting.set()
                    await self.until(lambda: order.executed_amount_base)

                self.exchange._pace.sleep = until_the_fill_came
                await self.frames("orders", venue_data.order(*identity, status="closed", filledSize=status))
                await waiting.wait()
                self.assertEqual([], self.event_names)
                await self.frames("fills", venue_data.fill(len(end), *identity, size=status))
                await self.until(lambda: len(self.recorder.events) == 2)

                self.assertEqual(["OrderFilled", end], self.event_names)
                self.assertEqual([], self.requests("GET"))

    async def test_a_fill_that_does_not_come_is_fetched(self):
        await self.open_order()
        self.venue.answer("GET", "/api/fills", [], [venue_data.fill(size=0.25)])

        await self.frames("orders", venue_data.order(status="closed", filledSize=0.25))
        await self.until(lambda: "OrderCancelled" in self.event_names)

        self.assertEqual(["OrderFilled", "OrderCancelled"], self.event_names)
        self.assertIn(f"orderId={ORDER_ID}", self.venue.requests[-1].path)

    async def test_fills_that_never_add_up_do_not_keep_an_order_for_ever(self):
        await self.open_order()

        await self.frames("orders", venue_data.order(status="closed", filledSize=0.25))
        await self.until(lambda: "OrderCancelled" in self.event_names)

        self.assertIn("its fills add up to 0", self.logged("ERROR")[0])
        self.assertLessEqual(self.seconds - 1000, 5)

    async def test_while_fills_cannot_be_fetched_the_order_does_not_end(self):
        order = await self.open_order()
        self.venue.answer("GET", "/api/fills", FAILING)
        await self.frames("orders", venue_data.order(status="closed", filledSize=0.25))
        await self.until(lambda: self.exchange._doubts.closed_as("HBOT1") is None)
        self.assertEqual([], self.event_names)
        self.assertTrue(order.is_open)

        self.venue.answer("GET", "/api/fills", [venue_data.fill(size=0.25)])
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=0.25))
        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["OrderFilled", "OrderCancelled"], self.event_names)

    async def test_several_frames_of_the_end_are_one_end(self):
        await self.open_order()
        self.venue.answer("GET", "/api/fills", [venue_data.fill()])
        closed = venue_data.order(status="closed", filledSize=1.0)

        await self.frames("orders", closed, closed)
        await self.until(lambda: "BuyOrderCompleted" in self.event_names)
        await self.frames("orders", closed)

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_the_venue_cancels_our_order(self):
        """Against our own other order, for margin, or in a liquidation."""
        await self.open_order()

        await self.frames("orders", venue_data.order(status="closed", liquidation=True))

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_a_market_order_that_finds_nothing_is_cancelled(self):
        await self.open_order(order_type=OrderType.MARKET)

        await self.frames("orders", venue_data.order(type="market", price=None, ioc=True, status="closed"))

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_an_order_that_is_filled_and_whose_last_frame_is_lost_ends_with_the_status_poll(self):
        await self.open_order()
        await self.frames("fills", venue_data.fill())
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=1.0))

        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_a_reduce_only_order_that_the_venue_cuts(self):
        order = await self.open_order(position_action=PositionAction.CLOSE, trade_type=TradeType.SELL)
        cut = {"side": "sell", "reduceOnly": True, "size": 0.4}

        await self.frames("orders", venue_data.order(**cut))
        self.assertEqual(Decimal("0.4"), order.amount)
        await self.frames("fills", venue_data.fill(side="sell", size=0.4))
        await self.frames("orders", venue_data.order(**cut, status="closed", filledSize=0.4))

        self.assertEqual(["OrderFilled", "SellOrderCompleted"], self.event_names)
        self.assertEqual(Decimal("0.4"), self.event("SellOrderCompleted").base_asset_amount)

    async def test_a_reduce_only_order_with_nothing_left_to_reduce_is_cancelled(self):
        await self.open_order(position_action=PositionAction.CLOSE, trade_type=TradeType.SELL)

        await self.frames("orders", venue_data.order(side="sell", reduceOnly=True, size=0.0, status="closed"))

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_unknown_fields_and_statuses(self):
        order = await self.open_order()

        await self.frames("orders", {**venue_data.order(status="under auction", filledSize=0.25), "auction": [1]})

        self.assertEqual(OrderState.PARTIALLY_FILLED, order.current_state)
        self.assertEqual([], self.logged("ERROR"))

    async def test_orders_and_fills_by_hand_are_none_of_ours(self):
        order = await self.open_order()
        theirs = (ORDER_ID + 1, "by hand")

        await self.frames("orders", venue_data.order(*theirs), venue_data.order(ORDER_ID + 2, None, status="closed"))
        await self.frames("fills", venue_data.fill(1, *theirs), venue_data.fill(2, ORDER_ID + 2, None))
        self.venue.answer("GET", "/api/orders", [venue_data.order(*theirs), venue_data.order()])
        self.venue.answer("GET", "/api/fills", [venue_data.fill(1, *theirs), venue_data.fill(2, ORDER_ID + 2, None)])
        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual([], self.event_names)
        self.assertEqual({"HBOT1": order}, self.exchange.in_flight_orders)
        self.assertEqual([], self.logged("ERROR"))

    async def test_two_bots_on_one_account_do_not_touch_each_others_orders(self):
        first, second = self.exchange, self.create_exchange()
        await self.open_order("HBOT1", 1)
        self.exchange = second
        await self.open_order("HBOT2", 2)

        for bot in (first, second):
            for channel, data in (
                ("fills", venue_data.fill(7, 2, "HBOT2", size=0.5)),
                ("orders", venue_data.order(2, "HBOT2", status="closed", filledSize=0.5)),
            ):
                await bot._process_frame(venue_data.frame(channel, data))
        await self.settled()

        self.assertEqual(["HBOT1"], list(first.in_flight_orders))
        self.assertEqual(["OrderFilled", "OrderCancelled"], self.event_names)

    async def test_a_frame_that_names_two_of_our_orders_changes_neither(self):
        await self.open_order("HBOT1", 1)
        await self.open_order("HBOT2", 2)

        for data in (venue_data.order(2, "HBOT1", status="closed"), venue_data.order(1, "HBOT2", side="sell")):
            with self.assertRaises(ValueError):
                await self.frames("orders", data)
        with self.assertRaises(ValueError):
            await self.frames("fills", venue_data.fill(1, 2, "HBOT1"))

        self.assertEqual([], self.event_names)
        states = {order.current_state for order in self.exchange.in_flight_orders.values()}
        self.assertEqual({OrderState.OPEN}, states)


class LostOrderTests(DerivativeTestCase):
    async def test_an_order_that_the_venue_does_not_know_is_lost_after_four_polls_as_in_the_base_class(self):
        await self.open_order()
        self.venue.answer("GET", BY_ID, NOT_FOUND)

        for _ in range(3):
            await self.exchange._update_order_status()
        await self.settled()
        self.assertEqual([], self.event_names)
        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["MarketOrderFailure"], self.event_names)
        self.assertEqual(["HBOT1"], list(self.exchange._order_tracker.lost_orders))

    async def test_an_unknown_status_does_not_end_a_lost_order(self):
        await self.test_an_order_that_the_venue_does_not_know_is_lost_after_four_polls_as_in_the_base_class()
        self.venue.answer("GET", BY_ID, venue_data.order(status="under auction"))

        await self.exchange._update_lost_orders_status()
        await self.settled()

        self.assertEqual(["HBOT1"], list(self.exchange._order_tracker.lost_orders))


class PostOnlyTests(DerivativeTestCase):
    """Hummingbot says of each order that ends unfilled that it was successfully cancelled."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        await self.create_order(order_type=OrderType.LIMIT_MAKER)
        await self.settled()

    def explained(self) -> bool:
        return any("a post-only order is, when it would have traded at once" in line for line in self.logged("WARNING"))

    async def test_one_that_would_have_traded_is_explained(self):
        await self.frames("orders", venue_data.order(status="closed", postOnly=True))

        self.assertTrue(self.explained())
        self.assertIn("OrderCancelled", self.event_names)

    async def test_one_that_rested_is_not(self):
        await self.frames("orders", venue_data.order(status="open"), venue_data.order(status="closed"))

        self.assertFalse(self.explained())

    async def test_one_that_was_cancelled_is_not(self):
        self.venue.answer("DELETE", BY_ID, "Order queued for cancellation")
        await self.exchange._execute_cancel("BTC-USD", "HBOT1")
        await self.frames("orders", venue_data.order(status="closed"))

        self.assertFalse(self.explained())
