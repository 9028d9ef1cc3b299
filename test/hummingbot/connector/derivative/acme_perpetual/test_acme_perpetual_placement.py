"""Placements whose answer is lost (hummingbot issues 3374, 6716), and those whose answer is not."""

import asyncio
import time
from decimal import Decimal
from itertools import islice
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import (
    BY_CLIENT_ID,
    BY_ID,
    FAILING,
    NOT_FOUND,
    ORDER_ID,
    DerivativeTestCase,
)
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import breaks_off, never, refuses
from unittest import TestCase
from unittest.mock import patch

from aiohttp import web

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_placement import retry_delays
from hummingbot.connector.utils import get_new_client_order_id
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState


class AnsweredPlacementTests(DerivativeTestCase):
    async def test_a_limit_order_arrives_as_it_was_meant(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        began = time.monotonic()

        await self.create_order(amount=Decimal("0.12345"), price=Decimal("10000.7"))
        await self.settled()

        body = self.body("POST", "/api/orders")
        venue_time_ms = self.exchange._time_synchronizer.time() * 1e3
        elapsed_ms = (time.monotonic() - began) * 1e3
        self.assertAlmostEqual(venue_time_ms + 5000, body.pop("rejectAfterTs"), delta=elapsed_ms + 10)
        self.assertEqual(
            {
                "market": "BTC-PERP",
                "side": "buy",
                "type": "limit",
                "size": "0.1234",
                "price": "10000.0",
                "reduceOnly": False,
                "ioc": False,
                "postOnly": False,
                "clientId": "HBOT1",
            },
            body,
        )
        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual(str(ORDER_ID), self.event("BuyOrderCreated").exchange_order_id)

    async def test_each_order_has_an_id_of_its_own_which_says_what_it_is(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        order = {"amount": Decimal("1"), "price": Decimal("10000"), "position_action": PositionAction.OPEN}

        bought = [self.exchange.buy("BTC-USD", **order) for _ in range(100)]
        sold = [self.exchange.sell("BTC-USD", **order) for _ in range(100)]
        other_connectors = self.create_exchange().buy("BTC-USD", **order)

        self.assertEqual(201, len({*bought, *sold, other_connectors}))
        self.assertEqual({"HBOTBBCUD"}, {order_id[:9] for order_id in bought})
        self.assertEqual({"HBOTSBCUD"}, {order_id[:9] for order_id in sold})
        self.assertLessEqual(len(other_connectors), CONSTANTS.MAX_ORDER_ID_LENGTH)
        await self.until(lambda: set(bought + sold) <= self.exchange.in_flight_orders.keys())

    async def test_what_a_strategy_does_wrong_with_the_news_is_not_a_placement_that_failed(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        with patch.object(self.exchange._order_tracker, "_trigger_created_event", side_effect=ValueError("a mistake")):
            await self.create_order()
            await self.settled()

        self.assertEqual([], self.event_names)
        self.assertEqual(OrderState.OPEN, self.exchange.in_flight_orders["HBOT1"].current_state)

    async def test_the_smallest_numbers_have_no_exponent(self):
        self.exchange = self.create_exchange("DOGE-USD")
        await self.exchange._update_trading_rules()
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        await self.create_order(trading_pair="DOGE-USD", amount=Decimal("10"), price=Decimal("0.0000005"))

        self.assertEqual("0.0000005", self.body("POST", "/api/orders")["price"])

    async def test_a_post_only_order(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        await self.create_order(order_type=OrderType.LIMIT_MAKER)

        self.assertTrue(self.body("POST", "/api/orders")["postOnly"])

    async def test_a_market_order_has_no_price(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        with patch.object(self.exchange, "get_price", return_value=Decimal("10000")):
            await self.create_order(order_type=OrderType.MARKET, price=Decimal("NaN"))

        body = self.body("POST", "/api/orders")
        self.assertEqual("market", body["type"])
        self.assertIsNone(body["price"])

    async def test_position_sides_of_a_hedge(self):
        self.exchange._perpetual_trading.set_position_mode(PositionMode.HEDGE)
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        expected = [
            (TradeType.BUY, PositionAction.OPEN, "long", False),
            (TradeType.SELL, PositionAction.CLOSE, "long", True),
            (TradeType.SELL, PositionAction.OPEN, "short", False),
            (TradeType.BUY, PositionAction.CLOSE, "short", True),
        ]
        for number, (trade_type, action, position_side, is_reduce_only) in enumerate(expected):
            with self.subTest(trade_type=trade_type, action=action):
                await self.create_order(order_id=f"HBOT{number}", trade_type=trade_type, position_action=action)
                body = self.body("POST", "/api/orders")
                self.assertEqual(position_side, body["positionSide"])
                self.assertEqual(is_reduce_only, body["reduceOnly"])

    async def test_closing_in_one_way_mode_is_reduce_only_and_names_no_side(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        await self.create_order(trade_type=TradeType.SELL, position_action=PositionAction.CLOSE)

        body = self.body("POST", "/api/orders")
        self.assertTrue(body["reduceOnly"])
        self.assertNotIn("positionSide", body)

    async def test_client_order_ids_fit(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        order_id = self.exchange.buy(
            "BTC-USD", Decimal("1"), OrderType.LIMIT, Decimal("10000"), position_action=PositionAction.OPEN
        )
        await self.until(lambda: self.recorder.events)

        self.assertLessEqual(len(order_id), 64)
        self.assertTrue(order_id.startswith("HBOT"))
        self.assertEqual(order_id, self.body("POST", "/api/orders")["clientId"])

    async def test_client_order_ids_are_those_that_hummingbot_makes(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        for side in (TradeType.BUY, TradeType.SELL):
            with self.subTest(side), patch("hummingbot.connector.utils.get_tracking_nonce", return_value=0x5D2A8):
                place = self.exchange.buy if side is TradeType.BUY else self.exchange.sell
                order_id = place(
                    "BTC-USD", Decimal("1"), OrderType.LIMIT, Decimal("10000"), position_action=PositionAction.OPEN
                )
                own = get_new_client_order_id(side is TradeType.BUY, "BTC-USD", "HBOT", 64)
                self.assertEqual(own, order_id)

    async def test_a_refusal_fails_at_once_in_the_venues_words(self):
        for number, message in enumerate(("Account does not have enough margin for order.", "Invalid price")):
            with self.subTest(message):
                self.recorder.events.clear()
                self.venue.requests.clear()
                self.venue.answer("POST", "/api/orders", refuses(400, message))

                await self.create_order(order_id=f"HBOT{number}")
                await self.settled()

                failure = self.event("MarketOrderFailure")
                self.assertEqual(message, failure.error_message)
                self.assertEqual("AcmeApiError", failure.error_type)
                self.assertEqual(["POST /api/orders"], self.requests())
                self.assertTrue(any(message in str(record.exc_info) for record in self.log_records))
                self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_a_placement_that_was_never_sent_fails_at_once(self):
        await self.venue.stop_serving()

        await self.create_order()
        await self.settled()

        self.assertEqual(["MarketOrderFailure"], self.event_names)
        self.assertEqual("AcmeNotSentError", self.event("MarketOrderFailure").error_type)
        self.assertEqual(1000, self.seconds)

    async def test_a_placement_is_dated_anew_when_the_clock_was_wrong(self):
        """The venue's clock jumped ahead: what was valid for 5 s is out of date before it is accepted."""
        ahead = venue_data.EPOCH_SECONDS + 20

        async def judge(request: web.Request) -> web.Response:
            body = await request.json()
            if int(request.headers["ACME-TS"]) < (ahead - 5) * 1e3:
                return await refuses(401, "Timestamp too far from current time")(request)
            if body["rejectAfterTs"] < ahead * 1e3:
                return await refuses(400, "Invalid parameter rejectAfterTs")(request)
            return web.Response(text=venue_data.success(venue_data.order()), content_type="application/json")

        self.venue.answer("POST", "/api/orders", judge)
        self.venue.answer("GET", "/api/time", "2026-01-02T03:04:25.678901+00:00")

        await self.create_order()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual(3, len(self.requests("POST")))
        self.assertAlmostEqual(ahead, self.exchange._time_synchronizer.time(), delta=10)

    async def test_a_refusal_of_a_valid_placement_is_not_repeated(self):
        self.venue.answer("POST", "/api/orders", refuses(400, "Invalid price"))

        await self.create_order()

        self.assertEqual(1, len(self.requests("POST")))


class RetryDelayTests(TestCase):
    def test_each_is_twice_the_one_before_up_to_a_limit(self):
        self.assertEqual([0.25, 0.5, 1.0, 2.0, 2.0, 2.0], list(islice(retry_delays(), 6)))


class UnansweredPlacementTests(DerivativeTestCase):
    async def assert_created_when_found(self, *posts, **options):
        self.venue.answer("POST", "/api/orders", *posts, **options)
        self.venue.answer("GET", BY_CLIENT_ID, venue_data.order())

        await self.create_order()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual(str(ORDER_ID), self.event("BuyOrderCreated").exchange_order_id)
        self.assertEqual(OrderState.OPEN, self.exchange.in_flight_orders["HBOT1"].current_state)
        self.assertEqual(["POST /api/orders", f"GET {BY_CLIENT_ID}"], self.requests())
        self.assertIn("It is not known whether order HBOT1 was placed", self.logged("WARNING")[0])

    async def test_a_connection_that_breaks(self):
        await self.assert_created_when_found(breaks_off)

    async def test_a_server_error(self):
        await self.assert_created_when_found(FAILING)

    async def test_a_deadline_that_passes(self):
        with patch.object(CONSTANTS, "TRADING_REQUEST_DEADLINE", 0.5):
            await self.assert_created_when_found(never)

    async def test_an_answer_that_is_no_json(self):
        await self.assert_created_when_found("<html>Bad gateway</html>", status=200)

    async def test_an_answer_without_the_order(self):
        await self.assert_created_when_found({"id": "soon"})

    async def test_an_id_that_the_venue_knows_already_is_ours(self):
        await self.assert_created_when_found(refuses(400, "Duplicate client order ID"))

    async def test_an_order_that_is_found_closed_is_reported_whole(self):
        self.venue.answer("POST", "/api/orders", breaks_off)
        self.venue.answer("GET", BY_CLIENT_ID, venue_data.order(status="closed", filledSize=1.0))
        self.venue.answer("GET", "/api/fills", [venue_data.fill()])

        await self.create_order()
        await self.until(lambda: "BuyOrderCompleted" in self.event_names)

        self.assertEqual(["BuyOrderCreated", "OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_an_order_that_never_arrived_fails_when_that_is_certain(self):
        """Certain is: not found twice, 1 s apart, and too late for the placement to be accepted if it still came."""
        lookups = []

        async def not_found(request):
            lookups.append(self.seconds)
            return await NOT_FOUND(request)

        self.venue.answer("POST", "/api/orders", breaks_off)
        self.venue.answer("GET", BY_CLIENT_ID, not_found)

        await self.create_order()
        await self.settled()

        failure = self.event("MarketOrderFailure")
        self.assertEqual(["MarketOrderFailure"], self.event_names)
        self.assertIn("Order not found", failure.error_message)
        self.assertGreaterEqual(lookups[-1] - lookups[0], CONSTANTS.NOT_FOUND_CONFIRMATION_TIME)
        self.assertGreaterEqual(lookups[-1] - 1000, CONSTANTS.PLACEMENT_VALIDITY)
        self.assertLessEqual(lookups[-1] - 1000, CONSTANTS.DOUBT_RESOLUTION_TIME)
        self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_not_found_once_is_not_enough_however_late(self):
        async def slow(request):
            self.seconds += 6
            return await breaks_off(request)

        self.venue.answer("POST", "/api/orders", slow)
        self.venue.answer("GET", BY_CLIENT_ID, NOT_FOUND, venue_data.order())

        await self.create_order()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)

    async def test_an_order_that_arrives_late_is_found(self):
        self.venue.answer("POST", "/api/orders", breaks_off)
        self.venue.answer("GET", BY_CLIENT_ID, NOT_FOUND, NOT_FOUND, NOT_FOUND, venue_data.order())

        await self.create_order()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)

    async def test_an_unreachable_venue_leaves_the_order_pending(self):
        self.venue.answer("POST", "/api/orders", FAILING)
        self.venue.answer("GET", BY_CLIENT_ID, FAILING)

        await self.create_order()
        await self.settled()

        self.assertEqual([], self.event_names)
        self.assertTrue(self.exchange.in_flight_orders["HBOT1"].is_pending_create)
        self.assertLessEqual(self.seconds - 1000, CONSTANTS.DOUBT_RESOLUTION_TIME)
        self.assertIn("stays pending", self.logged("WARNING")[-1])

    async def test_a_venue_that_hangs_does_not_hold_up_the_resolution_for_long(self):
        self.venue.answer("POST", "/api/orders", FAILING)
        self.venue.answer("GET", BY_CLIENT_ID, never)

        with patch.object(CONSTANTS, "DOUBT_RESOLUTION_TIME", 0.05):
            await self.create_order()

        self.assertTrue(self.exchange.in_flight_orders["HBOT1"].is_pending_create)

    async def test_a_pending_order_is_found_by_a_status_poll(self):
        await self.test_an_unreachable_venue_leaves_the_order_pending()
        self.venue.answer("GET", BY_CLIENT_ID, venue_data.order())

        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)

    async def test_a_pending_order_is_found_in_the_list_of_open_orders(self):
        await self.test_an_unreachable_venue_leaves_the_order_pending()
        self.venue.answer("GET", "/api/orders", [venue_data.order()])
        self.venue.requests.clear()

        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual([], self.requests("GET", BY_CLIENT_ID))

    async def test_a_pending_order_fails_when_status_polls_have_made_certain(self):
        await self.test_an_unreachable_venue_leaves_the_order_pending()
        self.venue.answer("GET", BY_CLIENT_ID, NOT_FOUND)

        await self.exchange._update_order_status()
        await self.settled()
        self.assertEqual([], self.event_names)
        self.seconds += CONSTANTS.STATUS_POLL_INTERVAL
        await self.exchange._update_order_status()
        await self.settled()

        self.assertIn("Order not found", self.event("MarketOrderFailure").error_message)

    async def test_a_pending_order_survives_a_restart(self):
        self.track_order(id=None)
        saved = self.exchange.tracking_states
        self.exchange = self.create_exchange()
        self.exchange.restore_tracking_states(saved)
        self.venue.answer("GET", BY_CLIENT_ID, venue_data.order())

        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)

    async def kill_while_a_placement_is_under_way(self):
        """As the system does; then there is another process, whose host never calls `start_network`."""
        answering = asyncio.Event()

        async def never(request):
            await answering.wait()
            return web.Response()

        self.venue.answer("POST", "/api/orders", never)
        placement = self.create_order()
        await self.until(lambda: self.requests("POST"))
        placement.cancel()
        self.exchange._journal._file.close()
        answering.set()
        self.exchange = self.create_exchange()
        await self.exchange._update_trading_rules()
        self.venue.answer("DELETE", BY_CLIENT_ID, "Order queued for cancellation")
        self.venue.answer("GET", BY_CLIENT_ID, venue_data.order())
        self.venue.answer("GET", "/api/orders", [venue_data.order()])

    async def test_without_a_start_of_the_network_the_first_poll_takes_up_what_a_killed_process_placed(self):
        await self.kill_while_a_placement_is_under_way()

        await self.exchange._update_order_status()
        await self.until(lambda: self.requests("DELETE"))

        self.assertIn("HBOT1", self.exchange.in_flight_orders)

    async def test_without_a_start_of_the_network_the_first_order_takes_up_what_a_killed_process_placed(self):
        await self.kill_while_a_placement_is_under_way()
        self.venue.answer("POST", "/api/orders", venue_data.order(2, "HBOT2"))

        await self.create_order(order_id="HBOT2")
        await self.until(lambda: self.requests("DELETE"))

        self.assertEqual({"HBOT1", "HBOT2"}, set(self.exchange.in_flight_orders))

    async def test_a_private_frame_answers_first(self):
        self.venue.answer("POST", "/api/orders", breaks_off)

        async def tell_by_frame(request):
            await self.frames("orders", venue_data.order())
            return await FAILING(request)

        self.venue.answer("GET", BY_CLIENT_ID, tell_by_frame)

        await self.create_order()
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual(1, len(self.requests("GET")))

    async def test_a_status_poll_does_not_judge_a_placement_that_is_under_way(self):
        answered = asyncio.Event()

        async def slowly(request):
            await answered.wait()
            return web.Response(text=venue_data.success(venue_data.order()), content_type="application/json")

        self.venue.answer("POST", "/api/orders", slowly)
        placement = self.create_order()
        await self.until(lambda: self.requests("POST"))

        for _ in range(5):
            self.seconds += CONSTANTS.STATUS_POLL_INTERVAL
            await self.exchange._update_order_status()
        answered.set()
        await placement
        await self.settled()

        self.assertEqual(["BuyOrderCreated"], self.event_names)
        self.assertEqual([], self.requests("GET", BY_CLIENT_ID))

    async def test_an_order_that_is_alive_after_it_was_reported_as_failed_is_cancelled(self):
        await self.test_an_order_that_never_arrived_fails_when_that_is_certain()
        self.venue.answer("DELETE", BY_ID, "Order queued for cancellation")
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=0.25))
        self.venue.answer("GET", "/api/fills", [venue_data.fill(size=0.25)])

        await self.frames("orders", venue_data.order())
        await self.exchange._cancel_lost_orders()
        await self.exchange._update_lost_orders_status()
        await self.settled()

        self.assertEqual(1, len(self.requests("DELETE", BY_ID)))
        self.assertEqual(Decimal("0.25"), self.event("OrderFilled").amount)
        self.assertEqual({}, self.exchange._order_tracker.lost_orders)

    async def test_no_more_placements_are_begun_than_may_be_sent(self):
        """One that waited for the rate limit for longer than it is valid would be refused."""
        under_way = most = 0
        go = asyncio.Event()

        async def count(request):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await go.wait()
            under_way -= 1
            number = int((await request.json())["clientId"].removeprefix("HBOT"))
            order = venue_data.order(number, f"HBOT{number}")
            return web.Response(text=venue_data.success(order), content_type="application/json")

        self.venue.answer("POST", "/api/orders", count)
        placements = [self.create_order(order_id=f"HBOT{number}") for number in range(30)]
        await self.until(lambda: under_way == CONSTANTS.PLACEMENTS_PER_SECOND)
        go.set()
        await asyncio.gather(*placements)

        self.assertEqual(CONSTANTS.PLACEMENTS_PER_SECOND, most)
        self.assertEqual(30, len(self.requests("POST")))
