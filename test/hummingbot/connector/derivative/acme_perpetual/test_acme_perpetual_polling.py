"""Status polls, and catching up after the private stream was down."""

import asyncio
import math
from datetime import datetime, timedelta
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import (
    BY_ID,
    FAILING,
    NOT_FOUND,
    ORDER_ID,
    DerivativeTestCase,
)
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import breaks_off
from unittest.mock import patch

from aiohttp import web

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState


def time_after(seconds: float) -> str:
    return (datetime.fromisoformat(venue_data.TIME) + timedelta(seconds=seconds)).isoformat()


class StatusPollTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("GET", "/api/positions", [])
        self.venue.answer("GET", "/api/wallet/balances", [venue_data.balance()])
        await self.exchange._update_trading_fees()
        self.venue.requests.clear()

    async def poll(self):
        await self.exchange._status_polling_loop_fetch_updates()
        await self.settled()

    async def test_the_clock_brings_about_polls_of_orders_and_of_funding(self):
        self.exchange.tick(venue_data.EPOCH_SECONDS)

        self.assertTrue(self.exchange._poll_notifier.is_set())
        self.assertTrue(self.exchange._funding_fee_poll_notifier.is_set())

    async def test_the_time_is_asked_once_a_minute_and_when_it_is_not_known(self):
        for seconds, is_asked in ((0, True), (CONSTANTS.STATUS_POLL_INTERVAL, False), (CONSTANTS.CLOCK_INTERVAL, True)):
            with self.subTest(seconds):
                self.venue.requests.clear()
                self.seconds += seconds
                await self.exchange._update_time_synchronizer()
                self.assertEqual(["GET /api/time"] * is_asked, self.requests())
        self.exchange._clock.clear_time_offset_ms_samples()
        self.venue.requests.clear()

        await self.exchange._update_time_synchronizer()

        self.assertEqual(["GET /api/time"], self.requests())

    async def test_a_poll_costs_the_same_however_many_orders_are_open(self):
        costs = []
        for count in (1, 40):
            orders = [venue_data.order(number, f"HBOT{number}") for number in range(count)]
            for order in orders:
                self.track_order(order["clientId"], order["id"])
            self.venue.answer("GET", "/api/orders", orders)
            self.venue.requests.clear()
            await self.poll()
            costs.append(sorted(self.requests()))

        self.assertEqual(costs[0], costs[1])
        self.assertEqual(
            ["GET /api/fills", "GET /api/orders", "GET /api/positions", "GET /api/wallet/balances"], costs[0]
        )

    async def test_only_orders_missing_from_the_list_are_asked_for_one_by_one(self):
        for number in range(5):
            self.track_order(f"HBOT{number}", number)
        self.venue.answer("GET", "/api/orders", [venue_data.order(n, f"HBOT{n}") for n in (0, 1, 3, 4)])
        self.venue.answer("GET", "/api/orders/2", venue_data.order(2, "HBOT2", status="closed"))

        await self.poll()

        self.assertEqual(["GET /api/orders/2"], [r for r in self.requests("GET") if r.startswith("GET /api/orders/")])
        self.assertEqual("HBOT2", self.event("OrderCancelled").order_id)

    async def test_many_orders_missing_from_the_list_are_found_in_the_history(self):
        self.exchange._recall()
        history = []
        for number in range(50):
            self.track_order(f"HBOT{number}", number or None)
            history.append(venue_data.order(number, f"HBOT{number}", status="closed"))
        self.venue.answer("GET", "/api/orders/history", [*history[:49], venue_data.order(99, "by hand")])
        self.venue.answer("GET", "/api/orders/49", venue_data.order(49, "HBOT49", status="closed"))

        await self.poll()

        self.assertEqual(50, self.event_names.count("OrderCancelled"))
        self.assertEqual(
            ["GET /api/orders", "GET /api/orders/history", "GET /api/orders/49"],
            [request for request in self.requests() if request.startswith("GET /api/orders")],
        )
        self.assertAlmostEqual(venue_data.EPOCH_SECONDS - 60, self.asked_start_time("/api/orders/history"), delta=5)

    async def test_without_orders_none_are_asked_for(self):
        await self.poll()

        self.assertEqual(["GET /api/positions", "GET /api/wallet/balances"], sorted(self.requests()))

    async def test_an_order_that_closes_between_list_and_question_is_reported_with_its_fills(self):
        await self.open_order()
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=1.0))
        self.venue.answer("GET", "/api/fills", [], [venue_data.fill()])

        await self.poll()
        await self.until(lambda: "BuyOrderCompleted" in self.event_names)

        self.assertEqual(["OrderFilled", "BuyOrderCompleted"], self.event_names)

    async def test_an_order_that_ends_while_the_poll_is_asking_is_not_asked_for(self):
        await self.open_order()

        async def close_meanwhile(request):
            await self.frames("orders", venue_data.order(status="closed"))
            return web.Response(text=venue_data.success([]), content_type="application/json")

        self.venue.answer("GET", "/api/orders", close_meanwhile)

        await self.poll()

        self.assertEqual(["OrderCancelled"], self.event_names)
        self.assertEqual([], self.requests("GET", BY_ID))

    async def test_a_stale_list_does_not_revive_an_order(self):
        await self.open_order()

        async def close_meanwhile(request):
            await self.frames("orders", venue_data.order(status="closed"))
            return web.Response(text=venue_data.success([venue_data.order()]), content_type="application/json")

        self.venue.answer("GET", "/api/orders", close_meanwhile)

        await self.poll()
        await self.poll()

        self.assertEqual(["OrderCancelled"], self.event_names)
        self.assertEqual({}, self.exchange.in_flight_orders)

    async def test_an_order_placed_while_the_poll_is_asking_is_not_judged_by_its_list(self):
        await self.open_order()

        async def place_meanwhile(request):
            await self.open_order("HBOT2", ORDER_ID + 1)
            return web.Response(text=venue_data.success([venue_data.order()]), content_type="application/json")

        self.venue.answer("GET", "/api/orders", place_meanwhile)

        await self.poll()

        self.assertEqual([], self.event_names)
        self.assertEqual([], self.requests("GET", f"/{ORDER_ID + 1}"))

    async def test_an_unreachable_venue_does_not_count_against_an_order(self):
        await self.open_order()
        for answer in (FAILING, breaks_off, "nonsense"):
            self.venue.answer("GET", BY_ID, answer)
            for _ in range(5):
                await self.poll()

        self.assertEqual([], self.event_names)
        self.assertEqual({}, self.exchange._order_tracker._order_not_found_records)
        self.venue.answer("GET", BY_ID, NOT_FOUND)
        await self.poll()
        self.assertEqual({"HBOT1": 1}, self.exchange._order_tracker._order_not_found_records)

    async def test_malformed_entries_do_not_hide_the_others(self):
        await self.open_order()
        await self.open_order("HBOT2", 2)
        malformed = {**venue_data.order(2, "HBOT2"), "size": "much"}
        self.venue.answer("GET", "/api/orders", [None, malformed, venue_data.order(filledSize=0.25)])
        self.venue.answer("GET", "/api/orders/2", venue_data.order(2, "HBOT2"))
        contradictory = venue_data.fill(6, 2)
        self.venue.answer("GET", "/api/fills", [{}, contradictory, venue_data.fill(size=0.25)])
        self.venue.answer("GET", "/api/wallet/balances", [{"coin": "USD"}, venue_data.balance("EUR")])

        await self.poll()

        self.assertEqual(Decimal("0.25"), self.event("OrderFilled").amount)
        self.assertEqual(["EUR"], list(self.exchange.available_balances))
        self.assertEqual(5, len(self.logged("ERROR")))

    async def test_an_order_that_the_list_contradicts_is_asked_for(self):
        await self.open_order()
        self.venue.answer("GET", "/api/orders", [venue_data.order(side="sell")])
        self.venue.answer("GET", BY_ID, venue_data.order(client_id="HBOT2"), venue_data.order(status="closed"))

        await self.poll()
        self.assertEqual([], self.event_names)
        self.assertIn("'side' is not that of order HBOT1", self.logged("ERROR")[0])
        self.assertIn("'clientId' is not that of order HBOT1", self.logged("WARNING")[0])
        await self.poll()

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_an_order_without_an_id_has_no_fills_to_ask_for(self):
        self.assertEqual([], await self.exchange._all_trade_updates_for_order(self.track_order(id=None)))

    async def test_fills_that_cannot_be_fetched_do_not_hide_the_orders(self):
        await self.open_order()
        self.venue.answer("GET", "/api/fills", FAILING)
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed"))

        await self.poll()

        self.assertEqual(["OrderCancelled"], self.event_names)

    async def test_fills_of_orders_from_before_a_restart_are_found_by_any_clock(self):
        """The bot's clock is an hour ahead of the venue's; the order was filled while the bot was down."""
        self.exchange._set_current_timestamp(venue_data.EPOCH_SECONDS + 3600)
        self.track_order()
        saved = self.exchange.tracking_states
        self.exchange = self.create_exchange()
        self.exchange._time = lambda: venue_data.EPOCH_SECONDS + 3600
        self.exchange.restore_tracking_states(saved)

        await self.poll()

        expected = venue_data.EPOCH_SECONDS - CONSTANTS.FIRST_FILLS_MARGIN
        self.assertAlmostEqual(expected, self.asked_start_time(), delta=5)

    async def test_without_a_clock_an_orders_time_is_the_systems_and_its_fills_are_asked_for(self):
        """As in hummingbot-api, which tells its connectors no time."""
        self.exchange._set_current_timestamp(math.nan)
        order = await self.open_order()

        await self.poll()

        self.assertEqual(venue_data.EPOCH_SECONDS, order.creation_timestamp)
        expected = venue_data.EPOCH_SECONDS - CONSTANTS.FIRST_FILLS_MARGIN
        self.assertAlmostEqual(expected, self.asked_start_time(), delta=5)


class SavedStateTests(DerivativeTestCase):
    """Hummingbot saves every open order with each piece of news of one, within the event loop."""

    async def test_only_what_has_changed_of_the_orders_is_written_anew(self):
        orders = [await self.open_order(f"HBOT{number}", number + 1) for number in range(3)]
        self.assertEqual({order.client_order_id: order.to_json() for order in orders}, self.exchange.tracking_states)

        with patch.object(InFlightOrder, "to_json", autospec=True, side_effect=InFlightOrder.to_json) as to_json:
            self.exchange._set_current_timestamp(venue_data.EPOCH_SECONDS + 1)
            await self.frames("fills", venue_data.fill(order_id=2, client_id="HBOT1", size=0.25))
            await self.frames("orders", venue_data.order(3, "HBOT2", status="closed"))
            saved = self.exchange.tracking_states

        to_json.assert_called_once_with(orders[1])
        self.assertEqual({f"HBOT{number}": orders[number].to_json() for number in (0, 1)}, saved)

    async def test_every_change_of_an_order_is_saved(self):
        order = await self.open_order()
        for name, value in (
            ("exchange_order_id", "2"),
            ("amount", Decimal("0.5")),
            ("price", Decimal("9999")),
            ("current_state", OrderState.PENDING_CANCEL),
            ("last_update_timestamp", 7.5),
        ):
            before = self.exchange.tracking_states["HBOT1"]
            setattr(order, name, value)
            self.assertNotEqual(before, self.exchange.tracking_states["HBOT1"], name)
            self.assertEqual(order.to_json(), self.exchange.tracking_states["HBOT1"])


class FillPagesTests(DerivativeTestCase):
    """The venue's fills, a page at a time, as Acme API §5 has them."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        logger = self.exchange._order_tracker.logger()
        self.addCleanup(logger.setLevel, logger.level)
        logger.setLevel("WARNING")  # a line for each fill is too much
        self.fills = []
        self.ignores_ids = False
        self.venue.answer("GET", "/api/fills", self.page)
        await self.open_order(amount=Decimal("10000"))

    async def page(self, request):
        start = float(request.query["start_time"])
        self.assertEqual("asc", request.query["order"])
        least_id = 0 if self.ignores_ids else int(request.query.get("minId", "0"))
        found = [fill for fill in self.fills if wire.timestamp(fill["time"]) >= start and fill["id"] >= least_id]
        page = found[: int(request.query["limit"])]
        return web.Response(text=venue_data.success(page), content_type="application/json")

    def add_fills(self, count: int, time: str):
        first = len(self.fills)
        self.fills += [venue_data.fill(first + number, time=time) for number in range(count)]

    async def update(self):
        await self.exchange._update_order_fills_from_trades()

    async def test_more_fills_than_one_answer_holds(self):
        for number in range(25):
            self.add_fills(100, time_after(number))

        await self.update()

        self.assertEqual(2500, len(self.recorder.events))
        self.assertEqual(3, len(self.requests("GET", "/api/fills")))

    async def test_fills_of_one_time_on_both_sides_of_a_page_break(self):
        self.add_fills(990, time_after(0))
        self.add_fills(20, time_after(1))
        self.add_fills(5, time_after(2))

        await self.update()

        self.assertEqual(1015, len(self.recorder.events))

    async def test_more_fills_of_one_time_than_an_answer_holds(self):
        for count, second in ((600, 0), (1300, 1), (1, 2)):
            self.add_fills(count, time_after(second))

        await self.update()

        self.assertEqual(1901, len(self.recorder.events))
        self.assertEqual([], self.logged("WARNING"))

    async def test_a_later_fill_of_the_last_time_seen(self):
        self.add_fills(1, time_after(0))
        await self.update()
        self.add_fills(1, time_after(0))

        await self.update()

        self.assertEqual(2, len(self.recorder.events))

    async def test_the_next_poll_asks_from_the_last_fill_on(self):
        self.add_fills(900, time_after(100))
        await self.update()
        self.venue.requests.clear()

        await self.update()

        self.assertAlmostEqual(venue_data.EPOCH_SECONDS + 100, self.asked_start_time(), delta=0.01)
        self.assertLess(self.asked_start_time(), venue_data.EPOCH_SECONDS + 100)

    async def test_a_server_that_leads_no_further_is_an_error_and_not_a_loop(self):
        self.add_fills(1001, time_after(0))
        self.ignores_ids = True

        with self.assertRaisesRegex(ValueError, "more fills at one time"):
            await self.update()

        self.assertEqual(1000, len(self.recorder.events))

    async def test_all_fills_of_one_order_are_paged_too(self):
        for number in range(11):
            self.add_fills(100, time_after(number))

        updates = await self.exchange._all_trade_updates_for_order(self.exchange.in_flight_orders["HBOT1"])

        self.assertEqual(1100, len({update.trade_id for update in updates}))


class CatchingUpTests(DerivativeTestCase):
    """When the private stream is back, what it missed is fetched before its frames are processed."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("GET", "/api/positions", [venue_data.position()])
        self.venue.answer("GET", "/api/wallet/balances", [venue_data.balance()])
        self.venue.answer("GET", "/api/funding_payments", [])
        self.listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        self.addCleanup(self.listener.cancel)

    def put(self, *frames):
        for frame in frames:
            self.exchange._user_stream_tracker.user_stream.put_nowait(frame)

    async def test_everything_is_fetched_at_once(self):
        await self.exchange._update_all_funding_payments(fire_event_on_new=False)
        await self.open_order()
        await self.open_order("HBOT2", 2)
        self.venue.answer("GET", "/api/orders", [])
        self.venue.answer("GET", BY_ID, venue_data.order(status="closed", filledSize=1.0))
        self.venue.answer("GET", "/api/orders/2", venue_data.order(2, "HBOT2", status="closed"))
        self.venue.answer("GET", "/api/fills", [venue_data.fill()])
        self.venue.answer("GET", "/api/funding_payments", [venue_data.funding_payment(1, venue_data.TIME, 0.5)])

        self.put(CONSTANTS.STREAM_CONNECTED_EVENT)
        await self.until(lambda: "FundingPaymentCompleted" in self.event_names)

        self.assertEqual(
            ["OrderFilled", "BuyOrderCompleted", "OrderCancelled", "FundingPaymentCompleted"], self.event_names
        )
        self.assertEqual(Decimal("1"), self.exchange.account_positions["BTC-USD"].amount)
        self.assertEqual(Decimal("10000"), self.exchange.get_balance("USD"))
        self.assertEqual(1000, self.seconds)

    async def test_frames_wait_until_it_is_fetched(self):
        self.put(
            CONSTANTS.STREAM_CONNECTED_EVENT,
            venue_data.frame("balances", venue_data.balance(total=7000.0, free=6000.0)),
        )
        await self.until(lambda: self.exchange.get_balance("USD") == 7000)

        self.assertIn("GET /api/wallet/balances", self.requests())

    async def test_a_failure_is_repeated_and_then_left_to_the_status_poll(self):
        self.venue.answer("GET", "/api/wallet/balances", FAILING)

        self.put(CONSTANTS.STREAM_CONNECTED_EVENT)
        await self.until(self.exchange._poll_notifier.is_set)

        self.assertEqual(CONSTANTS.CATCH_UP_ATTEMPTS, len(self.requests("GET", "/api/wallet/balances")))
        self.assertEqual(CONSTANTS.CATCH_UP_ATTEMPTS, len(self.logged("WARNING")))

    async def test_a_success_after_a_failure_is_enough(self):
        self.venue.answer("GET", "/api/wallet/balances", FAILING, [venue_data.balance()])

        self.put(CONSTANTS.STREAM_CONNECTED_EVENT, venue_data.frame("balances", venue_data.balance("EUR")))
        await self.until(lambda: "EUR" in self.exchange.available_balances)

        self.assertFalse(self.exchange._poll_notifier.is_set())

    async def test_a_malformed_frame_makes_the_status_poll_look(self):
        self.put({"channel": "orders", "type": "update", "data": {"id": 1}})
        await self.until(self.exchange._poll_notifier.is_set)

        self.assertFalse(self.listener.done())
