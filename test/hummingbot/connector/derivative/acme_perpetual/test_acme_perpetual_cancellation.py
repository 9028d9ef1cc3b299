"""Cancels that cross with placements, fills, other cancels, and silence."""

import asyncio
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import (
    BY_CLIENT_ID,
    BY_ID,
    FAILING,
    NOT_FOUND,
    ORDER_ID,
    DerivativeTestCase,
)
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import breaks_off, refuses
from unittest.mock import patch

from aiohttp import web

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.cancellation_result import CancellationResult

QUEUED = "Order queued for cancellation"
ALREADY_CLOSED = refuses(400, "Order already closed")
ALREADY_QUEUED = refuses(400, "Order already queued for cancellation")


class CancellationTests(DerivativeTestCase):
    async def cancel(self) -> str:
        """What the base class reports: the order's id if it is being cancelled."""
        client_order_id = await self.exchange._execute_cancel("BTC-USD", "HBOT1")
        await self.settled()
        return client_order_id

    async def test_a_queued_cancel_is_over_when_the_venue_says_closed(self):
        order = await self.open_order()
        self.venue.answer("DELETE", BY_ID, QUEUED)

        self.assertEqual("HBOT1", await self.cancel())
        self.assertTrue(order.is_pending_cancel_confirmation)
        self.assertEqual([], self.event_names)

        await self.frames("orders", venue_data.order(status="closed"))
        self.assertEqual(["OrderCancelled"], self.event_names)
        self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_an_open_frame_that_crosses_the_cancel_changes_nothing(self):
        order = await self.open_order()
        self.venue.answer("DELETE", BY_ID, QUEUED)
        await self.cancel()

        await self.frames("orders", venue_data.order(filledSize=0.25))

        self.assertTrue(order.is_pending_cancel_confirmation)

    async def test_a_cancel_that_was_queued_before_is_one(self):
        order = await self.open_order()
        self.venue.answer("DELETE", BY_ID, ALREADY_QUEUED)

        self.assertEqual("HBOT1", await self.cancel())
        self.assertTrue(order.is_pending_cancel_confirmation)

    async def test_a_cancel_that_comes_too_late_learns_of_the_fill(self):
        await self.open_order()
        self.venue.answer("DELETE", BY_ID, ALREADY_CLOSED)
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=1.0))
        self.venue.answer("GET", "/api/fills", [venue_data.fill()])

        self.assertIsNone(await self.cancel())
        await self.until(lambda: "BuyOrderCompleted" in self.event_names)

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)
        self.assertEqual({}, self.exchange._order_tracker._order_not_found_records)

    async def test_a_cancel_of_what_is_cancelled_already_succeeds(self):
        await self.open_order()
        self.venue.answer("DELETE", BY_ID, ALREADY_CLOSED)
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed"))

        self.assertEqual("HBOT1", await self.cancel())

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_a_cancel_that_crosses_a_fill_reports_the_fill(self):
        await self.open_order()
        self.venue.answer("DELETE", BY_ID, QUEUED)
        await self.cancel()

        await self.frames("fills", venue_data.fill())
        await self.frames("orders", venue_data.order(status="closed", filledSize=1.0))

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_a_refused_cancel_is_logged_in_the_venues_words(self):
        order = await self.open_order()
        self.venue.answer("DELETE", BY_ID, refuses(403, "Not authorized"))

        self.assertIsNone(await self.cancel())

        self.assertTrue(order.is_open)
        self.assertEqual(["Failed to cancel order HBOT1"], self.logged("ERROR"))
        self.assertIn("Not authorized", str(self.log_records[-1].exc_info))

    async def test_a_cancel_without_an_answer_is_repeated(self):
        for answer in (breaks_off, FAILING):
            with self.subTest(answer):
                order = await self.open_order()
                self.venue.answer("DELETE", BY_ID, answer, ALREADY_QUEUED)

                self.assertEqual("HBOT1", await self.cancel())
                self.assertTrue(order.is_pending_cancel_confirmation)

    async def test_a_cancel_without_an_answer_is_not_repeated_when_the_end_is_known(self):
        await self.open_order()

        async def close(request):
            await self.frames("orders", venue_data.order(status="closed"))
            return await FAILING(request)

        self.venue.answer("DELETE", BY_ID, close)

        self.assertEqual("HBOT1", await self.cancel())
        self.assertEqual(1, len(self.requests("DELETE")))
        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_a_cancel_that_stays_unanswered_is_repeated_by_the_status_poll(self):
        order = await self.open_order()
        self.venue.answer("DELETE", BY_ID, FAILING)
        self.assertIsNone(await self.cancel())
        self.assertLessEqual(self.seconds - 1000, CONSTANTS.DOUBT_RESOLUTION_TIME)
        self.venue.answer("DELETE", BY_ID, QUEUED)
        self.venue.answer("GET", "/api/orders", [venue_data.order()])

        await self.exchange._update_order_status()
        await self.settled()

        self.assertTrue(order.is_pending_cancel_confirmation)

    async def test_a_cancel_that_the_venue_lost_is_repeated_by_the_status_poll(self):
        await self.open_order()
        self.venue.answer("DELETE", BY_ID, QUEUED)
        await self.cancel()
        self.venue.answer("GET", "/api/orders", [venue_data.order()])

        await self.exchange._update_order_status()

        self.assertEqual(2, len(self.requests("DELETE", BY_ID)))

    async def test_an_order_nobody_wants_cancelled_is_left_alone_by_the_status_poll(self):
        await self.open_order()
        self.venue.answer("GET", "/api/orders", [venue_data.order()])

        await self.exchange._update_order_status()

        self.assertEqual([], self.requests("DELETE"))

    async def test_what_is_in_doubt_is_forgotten_when_the_order_has_ended(self):
        await self.test_a_cancel_that_stays_unanswered_is_repeated_by_the_status_poll()
        self.venue.answer("DELETE", BY_ID, FAILING)
        await self.cancel()
        await self.frames("orders", venue_data.order(status="closed"))

        await self.exchange._update_order_status()

        self.assertTrue(self.exchange._doubts.of("HBOT1").is_empty)

    async def test_cancels_of_one_order_are_one_request(self):
        for answer, outcome in ((QUEUED, "HBOT1"), (refuses(403, "Not authorized"), None)):
            await self.open_order()
            self.venue.requests.clear()
            self.venue.answer("DELETE", BY_ID, answer)

            outcomes = await asyncio.gather(*(self.cancel() for _ in range(5)))

            self.assertEqual([outcome] * 5, outcomes)
            self.assertEqual(1, len(self.requests("DELETE")))

    async def test_an_order_that_is_closed_and_waits_for_its_fills_needs_no_cancel(self):
        await self.open_order()
        fills = asyncio.Event()

        async def slowly(request):
            await fills.wait()
            return web.Response(text=venue_data.success([venue_data.fill(size=0.25)]), content_type="application/json")

        self.venue.answer("GET", "/api/fills", slowly)
        await self.frames("orders", venue_data.order(status="closed", filledSize=0.25))

        self.assertEqual("HBOT1", await self.cancel())
        await self.exchange._update_open_orders()
        fills.set()
        await self.until(lambda: "OrderCancelled" in self.event_names)

        self.assertEqual([], self.requests("DELETE"))
        self.assertEqual([], self.requests("GET", BY_ID))
        self.assertEqual(["OrderFilled", "OrderCancelled"], self.event_names)

    async def test_cancel_all_ends_when_the_orders_have(self):
        await self.open_order()

        async def queue_and_close(request):
            close = self.frames("orders", venue_data.order(status="closed"))
            asyncio.get_running_loop().call_later(0.05, asyncio.ensure_future, close)
            return web.Response(text=venue_data.success(QUEUED), content_type="application/json")

        self.venue.answer("DELETE", BY_ID, queue_and_close)

        results = await self.exchange.cancel_all(10)

        self.assertEqual([CancellationResult("HBOT1", True)], results)
        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_cancel_all_leaves_alone_what_is_not_ours(self):
        await self.open_order()
        self.venue.answer("DELETE", BY_ID, QUEUED)
        await self.frames("orders", venue_data.order(ORDER_ID + 1, None), venue_data.order(ORDER_ID + 2, "by hand"))

        await self.exchange.cancel_all(10)

        self.assertEqual([f"DELETE {BY_ID}"], self.requests("DELETE"))


class EarlyCancellationTests(DerivativeTestCase):
    """Cancels of orders whose placement was not answered yet."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.answered = asyncio.Event()

        async def slowly(request):
            await self.answered.wait()
            return web.Response(text=venue_data.success(venue_data.order()), content_type="application/json")

        self.venue.answer("POST", "/api/orders", slowly)
        self.placement = self.create_order()
        await self.until(lambda: self.requests("POST"))

    def cancel(self) -> asyncio.Future:
        return asyncio.ensure_future(self.exchange._execute_cancel("BTC-USD", "HBOT1"))

    async def test_an_order_that_the_venue_knows_is_cancelled_by_its_client_id(self):
        self.venue.answer("DELETE", BY_CLIENT_ID, QUEUED)
        cancel = self.cancel()
        await self.until(lambda: self.requests("DELETE"))
        self.answered.set()

        self.assertEqual("HBOT1", await cancel)
        await self.settled()

        self.assertEqual([f"DELETE {BY_CLIENT_ID}"], self.requests("DELETE"))
        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertTrue(self.exchange.in_flight_orders["HBOT1"].is_pending_cancel_confirmation)

    async def test_an_order_that_the_venue_does_not_know_yet_is_cancelled_when_it_does(self):
        self.venue.answer("DELETE", BY_CLIENT_ID, NOT_FOUND)
        self.venue.answer("DELETE", BY_ID, QUEUED)
        cancel = self.cancel()
        await self.until(lambda: self.requests("DELETE", BY_CLIENT_ID))
        self.answered.set()

        self.assertEqual("HBOT1", await cancel)
        await self.settled()

        self.assertEqual([f"DELETE {BY_CLIENT_ID}", f"DELETE {BY_ID}"], self.requests("DELETE"))
        self.assertEqual({}, self.exchange._order_tracker._order_not_found_records)

    async def test_a_second_cancel_waits_for_the_first(self):
        self.venue.answer("DELETE", BY_CLIENT_ID, NOT_FOUND)
        self.venue.answer("DELETE", BY_ID, QUEUED)
        cancels = [self.cancel(), self.cancel()]
        await self.until(lambda: self.requests("DELETE"))
        self.answered.set()

        self.assertEqual(["HBOT1", "HBOT1"], await asyncio.gather(*cancels))
        self.assertEqual(2, len(self.requests("DELETE")))

    async def test_an_order_that_is_refused_needs_no_cancel(self):
        self.venue.answer("DELETE", BY_CLIENT_ID, NOT_FOUND)
        self.venue.answers["POST /api/orders"] = [refuses(400, "Invalid price")]
        refused = self.create_order(order_id="HBOT2")
        cancel = asyncio.ensure_future(self.exchange._execute_cancel("BTC-USD", "HBOT2"))
        self.venue.answer("DELETE", "/api/orders/by_client_id/HBOT2", NOT_FOUND)
        await refused

        self.assertIsNone(await cancel)
        self.assertEqual(["MarketOrderFailure"], self.event_names)

    async def test_an_order_that_is_filled_meanwhile_is_reported_as_filled(self):
        self.venue.answer("DELETE", BY_CLIENT_ID, NOT_FOUND)
        cancel = self.cancel()
        await self.until(lambda: self.requests("DELETE"))
        await self.frames("fills", venue_data.fill())
        await self.frames("orders", venue_data.order(status="closed", filledSize=1.0))
        self.answered.set()

        self.assertIsNone(await cancel)
        await self.placement
        await self.settled()

        self.assertEqual(["BuyOrderCreated", "OrderFilled", "BuyOrderCompleted"], self.event_names)
        self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_a_cancel_in_doubt_about_an_order_in_doubt(self):
        """Neither the placement nor the cancel was answered; the venue has the order, and cancelled it."""
        self.venue.answer("DELETE", "/api/orders/by_client_id/HBOT2", breaks_off)
        self.venue.answer("POST", "/api/orders", breaks_off)
        cancelled = venue_data.order(7, "HBOT2", status="closed", filledSize=0.5)
        self.venue.answer("GET", "/api/orders/by_client_id/HBOT2", FAILING, cancelled)
        self.venue.answer("GET", "/api/fills", [venue_data.fill(1, 7, "HBOT2", size=0.5)])

        placement = self.create_order(order_id="HBOT2")
        cancel = asyncio.ensure_future(self.exchange._execute_cancel("BTC-USD", "HBOT2"))
        await placement
        self.venue.answer("DELETE", "/api/orders/7", ALREADY_CLOSED)
        self.venue.answer("GET", "/api/orders/7", cancelled)
        self.assertEqual("HBOT2", await cancel)
        await self.until(lambda: "OrderCancelled" in self.event_names)

        self.assertEqual(["BuyOrderCreated", "OrderFilled", "OrderCancelled"], self.event_names)
        self.assertEqual(Decimal("0.5"), self.event("OrderFilled").amount)


class ManyCancelsTests(DerivativeTestCase):
    """The end of a session with many orders: Hummingbot's recorder works within the event loop with each piece of
    news."""

    COUNT = 60

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.answering = asyncio.Event()
        for number in range(self.COUNT):
            await self.open_order(f"HBOT{number}", number + 1)
            self.venue.answer("DELETE", f"/api/orders/{number + 1}", self.answer_later)
        self.queue = self.exchange._user_stream_tracker.user_stream
        listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        self.addCleanup(listener.cancel)
        self.recorder.events.clear()

    async def answer_later(self, request):
        await self.answering.wait()
        return web.json_response({"success": True, "result": QUEUED})

    @patch.object(CONSTANTS, "MANY_CANCELS_PATIENCE", 600)
    async def test_news_waits_while_the_cancels_are_sent_and_comes_in_its_order(self):
        cancelling = asyncio.ensure_future(self.exchange.cancel_all(20))
        await self.until(lambda: self.exchange._canceller._waiting == self.COUNT)
        for number in range(self.COUNT):
            frame = venue_data.order(number + 1, f"HBOT{number}", status="closed")
            self.queue.put_nowait(venue_data.frame("orders", frame))
        await self.settled()
        self.assertEqual([], self.recorder.events)

        self.answering.set()
        results = await cancelling

        self.assertTrue(all(result.success for result in results))
        await self.until(lambda: len(self.recorder.events) == self.COUNT)
        self.assertEqual([f"HBOT{number}" for number in range(self.COUNT)], [e.order_id for e in self.recorder.events])
        self.assertEqual([], self.logged("ERROR"))

    async def test_news_does_not_wait_for_a_venue_that_does_not_answer(self):
        cancelling = asyncio.ensure_future(self.exchange.cancel_all(20))
        self.addCleanup(cancelling.cancel)
        await self.until(lambda: self.exchange._canceller._waiting == self.COUNT)
        with patch.object(CONSTANTS, "MANY_CANCELS_PATIENCE", 0.01):
            self.queue.put_nowait(venue_data.frame("orders", venue_data.order(1, "HBOT0", status="closed")))

            await self.until(lambda: "OrderCancelled" in self.event_names)

        self.answering.set()
