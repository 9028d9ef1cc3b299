"""A refused key, an absent venue: one line with what to do, and nothing that passes for current."""

from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import BY_ID, FAILING, DerivativeTestCase
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import refuses

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.core.event.events import AccountEvent
from hummingbot.core.network_iterator import NetworkStatus

REFUSALS = (
    refuses(401, "Not logged in: Invalid API key"),
    refuses(401, "Not logged in: Invalid signature"),
    refuses(403, "Not authorized"),
    refuses(404, "No such subaccount"),
)


class AccountWarningsTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("GET", "/api/", {"name": "acme", "status": "ok"})
        self.venue.answer("GET", "/api/wallet/balances", [venue_data.balance()])
        self.venue.answer("GET", "/api/positions", [venue_data.position()])
        await self.exchange._update_balances()
        await self.exchange._update_positions()

    async def test_a_refused_key_is_no_connection_and_nothing_of_it_is_shown_as_current(self):
        for refusal in REFUSALS:
            with self.subTest(refusal):
                self.venue.answer("GET", "/api/account", venue_data.account())
                await self.exchange._update_balances()
                self.assertEqual(NetworkStatus.CONNECTED, await self.exchange.check_network())
                self.venue.answer("GET", "/api/account", refusal)

                self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.exchange.check_network())

                self.assertEqual({}, self.exchange.get_all_balances())
                self.assertEqual({}, self.exchange.account_positions)
                self.assertFalse(self.exchange.status_dict["account_balance"])

    async def test_balances_that_are_refused_are_not_shown(self):
        self.venue.answer("GET", "/api/wallet/balances", REFUSALS[0])

        with self.assertRaisesRegex(IOError, "Invalid API key"):
            await self.exchange._update_balances()

        self.assertEqual({}, self.exchange.get_all_balances())

    async def test_five_minutes_of_a_refused_key_are_a_line_a_minute_with_what_to_do(self):
        order = await self.open_order()
        self.refuse_everything(REFUSALS[0])
        self.log_records.clear()

        while self.seconds < 1300:
            await self.exchange.check_network()
            await self.exchange._status_polling_loop_fetch_updates()
            self.assertIsNone(await self.exchange._execute_cancel("BTC-USD", order.client_order_id))
            await self.create_order(order_id=f"HBOT{self.seconds}")
            await self.sleep(10)
        await self.settled()

        # Of an order that failed, Hummingbot's tracker says so in a line besides.
        lines = [
            record.getMessage() for record in self.log_records if record.levelno >= 30 and record.name != "asyncio"
        ]
        self.assertEqual(5, len(lines))
        self.assertIn("connect acme_perpetual with a key", lines[0])
        self.assertFalse([record for record in self.log_records if record.exc_info and record.levelno >= 20])

    def refuse_everything(self, refusal):
        for path in ("account", "wallet/balances", "positions", "orders", "fills"):
            self.venue.answer("GET", f"/api/{path}", refusal)
        self.venue.answer("POST", "/api/orders", refusal)
        self.venue.answer("DELETE", BY_ID, refusal)

    async def test_strategies_are_paused_once_and_can_go_on_when_the_key_is_taken(self):
        self.exchange.add_listener(AccountEvent.PositionModeChangeFailed, self.recorder)
        for refusal, is_paused in ((REFUSALS[0], True), (REFUSALS[2], False), (REFUSALS[3], True)):
            with self.subTest(refusal):
                self.recorder.events.clear()
                self.venue.answer("GET", "/api/account", refusal)
                for _ in range(3):
                    await self.exchange.check_network()

                self.assertEqual(["PositionModeChange"] * is_paused, self.event_names)
                if is_paused:
                    self.assertIn("the venue refuses the API key", self.event("PositionModeChange").message)
                self.venue.answer("GET", "/api/account", venue_data.account())
                self.assertEqual(NetworkStatus.CONNECTED, await self.exchange.check_network())

    async def test_an_absent_venue_is_named_with_what_starts_it_and_what_was_known_stays(self):
        await self.venue.stop_serving()
        self.log_records.clear()

        for _ in range(3):
            self.assertEqual(NetworkStatus.NOT_CONNECTED, await self.exchange.check_network())

        (line,) = self.logged("WARNING")
        self.assertIn(f"There is no venue at {self.venue.url}. Start one with: acme-exchange serve", line)
        self.assertEqual(["USD"], list(self.exchange.get_all_balances()))
        await self.venue.start()
        self.assertEqual(NetworkStatus.CONNECTED, await self.exchange.check_network())
        self.assertIn("The venue answers acme_perpetual again.", self.logged("INFO"))

    async def test_one_request_tells_that_the_venue_answers_and_takes_the_key(self):
        self.venue.requests.clear()

        self.assertEqual(NetworkStatus.CONNECTED, await self.exchange.check_network())

        self.assertEqual(["GET /api/account"], self.requests())

    async def test_a_venue_that_is_busy_is_a_connection(self):
        self.venue.answer("GET", "/api/account", FAILING)

        self.assertEqual(NetworkStatus.CONNECTED, await self.exchange.check_network())

    async def test_a_connector_without_keys_asks_nothing_about_an_account(self):
        exchange = AcmePerpetualDerivative(acme_perpetual_server=self.venue.url, trading_required=False)
        self.venue.requests.clear()

        self.assertEqual(NetworkStatus.CONNECTED, await exchange.check_network())

        self.assertEqual(["GET /api/"], self.requests())
