"""Positions, balances, leverage, fees, funding, rules: what holds for the account and its markets."""

from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import FAILING, DerivativeTestCase
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import refuses

from aiohttp import web

from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_utils as utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.order_candidate import PerpetualOrderCandidate

HOURS = [f"2026-01-02T{hour:02}:00:00+00:00" for hour in range(24)]


class PositionTests(DerivativeTestCase):
    async def update(self, *positions):
        self.venue.answer("GET", "/api/positions", list(positions))
        await self.exchange._update_positions()

    async def test_a_long_and_a_short(self):
        for amount, side in ((1.5, PositionSide.LONG), (-0.25, PositionSide.SHORT)):
            await self.update(venue_data.position(amount))

            position = self.exchange.account_positions["BTC-USD"]
            self.assertEqual(side, position.position_side)
            self.assertEqual(Decimal(str(amount)), position.amount)
            self.assertEqual(Decimal("10000"), position.entry_price)
            self.assertEqual(Decimal("12.5"), position.unrealized_pnl)

    async def test_the_first_answer_has_the_accounts_leverage(self):
        await self.update(venue_data.position())

        self.assertEqual(10, self.exchange.account_positions["BTC-USD"].leverage)

    async def test_positions_do_not_need_the_leverage(self):
        self.exchange._terms.known = self.exchange._terms.leverage = None
        self.venue.answer("GET", "/api/account", FAILING)

        with self.assertRaises(IOError):
            await self.update(venue_data.position())

        self.assertEqual(1, self.exchange.account_positions["BTC-USD"].leverage)

    async def test_entry_prices_have_no_noughts_at_their_end(self):
        for text, shown in (("65000.000000000000", "65000"), ("1E+5", "100000"), ("0.070", "0.07")):
            position = {**venue_data.position(), "netSize": 1, "unrealizedPnl": 0, "entryPrice": Decimal(text)}

            self.assertEqual(shown, str(account_data.position(position).entry_price))

    async def test_flat_positions_go_away(self):
        for flat in ([venue_data.position(0.0)], []):
            await self.update(venue_data.position())
            await self.update(*flat)

            self.assertEqual({}, self.exchange.account_positions)

    async def test_both_sides_of_a_hedge(self):
        self.venue.answer("GET", "/api/account", venue_data.account(positionMode="hedge"))
        await self.exchange._update_trading_fees()

        await self.update(
            venue_data.position(1.0, positionSide="long"), venue_data.position(-2.0, positionSide="short")
        )

        trading = self.exchange._perpetual_trading
        self.assertEqual(Decimal("1"), trading.get_position("BTC-USD", PositionSide.LONG).amount)
        self.assertEqual(Decimal("-2"), trading.get_position("BTC-USD", PositionSide.SHORT).amount)
        await self.frames("positions", venue_data.position(0.0, positionSide="short"))
        self.assertIsNone(trading.get_position("BTC-USD", PositionSide.SHORT))
        self.assertEqual(1, len(self.exchange.account_positions))

    async def test_frames_keep_a_position_up_to_date(self):
        await self.frames("positions", venue_data.position(1.0))
        self.assertEqual(Decimal("1"), self.exchange.account_positions["BTC-USD"].amount)

        await self.frames("positions", venue_data.position(-1.0))
        self.assertEqual(PositionSide.SHORT, self.exchange.account_positions["BTC-USD"].position_side)

        await self.frames("positions", venue_data.position(0.0))
        self.assertEqual({}, self.exchange.account_positions)

    async def test_positions_in_markets_that_hummingbot_cannot_trade_are_passed_over(self):
        await self.frames("positions", venue_data.position(1.0, future="BTC-1231"))
        await self.update(venue_data.position(1.0, future="BTC-1231"), venue_data.position(2.0, future="ETH-PERP"))

        self.assertEqual(["ETH-USD"], list(self.exchange.account_positions))

    async def test_an_answer_that_a_frame_has_overtaken_changes_nothing(self):
        await self.frames("positions", venue_data.position(1.0))
        for overtaken in ([venue_data.position(1.0)], []):

            async def overtake(request):
                await self.frames("positions", venue_data.position(3.0))
                await self.frames("positions", venue_data.position(0.0, future="ETH-PERP"))
                stale = [*overtaken, venue_data.position(5.0, future="ETH-PERP")]
                return web.Response(text=venue_data.success(stale), content_type="application/json")

            self.venue.answer("GET", "/api/positions", overtake)
            await self.exchange._update_positions()

            self.assertEqual(["BTC-USD"], list(self.exchange.account_positions))
            self.assertEqual(Decimal("3"), self.exchange.account_positions["BTC-USD"].amount)


class BalanceTests(DerivativeTestCase):
    async def test_balances_by_rest_and_by_frame(self):
        self.venue.answer("GET", "/api/wallet/balances", [venue_data.balance(total=10.5, free=3.25)])

        await self.exchange._update_balances()
        self.assertEqual(Decimal("10.5"), self.exchange.get_balance("USD"))
        self.assertEqual(Decimal("3.25"), self.exchange.get_available_balance("USD"))

        await self.frames("balances", venue_data.balance(total=9.5, free=9.0))
        self.assertEqual(Decimal("9.5"), self.exchange.get_balance("USD"))
        self.assertEqual(Decimal("9"), self.exchange.get_available_balance("USD"))

    async def test_an_answer_that_a_frame_has_overtaken_changes_nothing(self):
        async def overtake(request):
            await self.frames("balances", venue_data.balance(total=7.0, free=7.0))
            return web.Response(text=venue_data.success([venue_data.balance()]), content_type="application/json")

        self.venue.answer("GET", "/api/wallet/balances", overtake)
        await self.exchange._update_balances()

        self.assertEqual(Decimal("7"), self.exchange.get_balance("USD"))


class SettingsTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        schema = self.exchange.trade_fee_schema()
        for name in ("maker_percent_fee_decimal", "taker_percent_fee_decimal"):
            self.addCleanup(setattr, schema, name, getattr(schema, name))
        self.venue.answer("GET", "/api/account", venue_data.account(makerFee=-0.0001, takerFee=0.0007, leverage=7))

    async def test_estimates_have_the_accounts_fees(self):
        await self.exchange._update_trading_fees()
        arguments = ("BTC", "USD", OrderType.LIMIT, TradeType.BUY, PositionAction.OPEN, Decimal("1"), Decimal("10000"))

        self.assertEqual(Decimal("-0.0001"), self.exchange.get_fee(*arguments, is_maker=True).percent)
        self.assertEqual(Decimal("0.0007"), self.exchange.get_fee(*arguments, is_maker=False).percent)
        self.assertEqual(Decimal("0.0007"), self.exchange.get_fee(*arguments).percent)
        post_only = ("BTC", "USD", OrderType.LIMIT_MAKER, *arguments[3:])
        self.assertEqual(Decimal("-0.0001"), self.exchange.get_fee(*post_only).percent)
        self.assertEqual(Decimal("0.0007"), self.exchange.estimate_fee_pct(is_maker=False))

    async def test_the_budget_checker_reckons_with_the_accounts_fees(self):
        await self.exchange._update_trading_fees()
        candidate = PerpetualOrderCandidate(
            trading_pair="BTC-USD",
            is_maker=False,
            order_type=OrderType.LIMIT,
            order_side=TradeType.BUY,
            amount=Decimal("1"),
            price=Decimal("10000"),
            leverage=Decimal("1"),
        )

        populated = self.exchange.budget_checker.populate_collateral_entries(candidate)

        self.assertEqual(Decimal("7"), populated.percent_fee_value.amount)
        self.assertEqual("USD", populated.percent_fee_value.token)

    async def test_the_fees_before_the_account_was_asked_are_the_venues_usual_ones(self):
        self.assertEqual(utils.DEFAULT_FEES.maker_percent_fee_decimal, self.exchange.estimate_fee_pct(is_maker=True))

    async def test_leverage_is_the_accounts(self):
        await self.frames("positions", venue_data.position(1.0))

        await self.exchange._update_trading_fees()

        self.assertEqual(7, self.exchange.get_leverage("BTC-USD"))
        self.assertEqual(7, self.exchange.account_positions["BTC-USD"].leverage)

    async def test_leverage_set_for_one_pair_is_set_for_all(self):
        self.exchange = self.create_exchange("BTC-USD", "ETH-USD")
        await self.exchange._update_trading_rules()
        await self.frames("positions", venue_data.position(1.0, future="ETH-PERP"))
        self.venue.answer("POST", "/api/account/leverage", None)

        await self.exchange._execute_set_leverage("BTC-USD", 5)

        self.assertEqual({"leverage": 5}, self.body("POST", "/api/account/leverage"))
        for trading_pair in ("BTC-USD", "ETH-USD", "DOGE-USD"):
            self.assertEqual(5, self.exchange.get_leverage(trading_pair))
        self.assertEqual(5, self.exchange.account_positions["ETH-USD"].leverage)

    async def test_leverage_holds_for_pairs_that_come_and_go(self):
        self.venue.answer("POST", "/api/account/leverage", None)
        await self.exchange._execute_set_leverage("BTC-USD", 5)
        self.exchange._perpetual_trading.add_trading_pair("ETH-USD")
        self.assertEqual(5, self.exchange.get_leverage("ETH-USD"))

        self.exchange._perpetual_trading.remove_trading_pair("BTC-USD")
        await self.frames("positions", venue_data.position(1.0))

        self.assertEqual(5, self.exchange.account_positions["BTC-USD"].leverage)

    async def test_refused_and_unanswered_changes_are_reported_in_words(self):
        self.venue.answer("POST", "/api/account/leverage", refuses(400, "Invalid leverage"), FAILING)

        refused = False, "Invalid leverage (the venue takes whole numbers from 1 to 20)"
        self.assertEqual(refused, await self.exchange._set_trading_pair_leverage("BTC-USD", 21))
        is_set, message = await self.exchange._set_trading_pair_leverage("BTC-USD", 2)
        self.assertFalse(is_set)
        self.assertIn("An unexpected error occurred", message)

    async def test_the_position_mode_is_asked_for_until_it_is_known(self):
        """Taken for a one-way one, an account in hedge mode has every order of its refused."""
        self.venue.answer("GET", "/api/account", FAILING, FAILING, venue_data.account(positionMode="hedge", leverage=7))
        self.venue.answer("GET", "/api/wallet/balances", [venue_data.balance()])
        await self.exchange._update_balances()
        self.exchange._holdings.knows_positions = True
        self.exchange._terms.known = None
        self.assertFalse(self.exchange.status_dict["account_balance"])

        await self.exchange._update_trading_fees()

        self.assertTrue(self.exchange.status_dict["account_balance"])
        self.assertEqual(PositionMode.HEDGE, self.exchange.position_mode)
        self.assertEqual(7, self.exchange.get_leverage("BTC-USD"))
        self.assertEqual(1, len(self.logged("WARNING")))
        self.assertIn("Could not fetch the account's position mode", self.logged("WARNING")[0])

    async def test_an_order_waits_until_the_position_mode_is_known(self):
        """Whoever hosts the connector may place orders without having started its network."""
        self.exchange._terms.known = None
        self.venue.answer("GET", "/api/account", venue_data.account(positionMode="hedge"))
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))

        await self.create_order(position_action=PositionAction.CLOSE)

        self.assertEqual("short", self.body("POST", "/api/orders")["positionSide"])

    async def test_what_could_not_be_set_is_set_when_it_can_be(self):
        self.venue.answer("POST", "/api/account/leverage", FAILING, None)
        self.venue.answer("POST", "/api/account/position_mode", FAILING, None)
        await self.exchange._execute_set_leverage("BTC-USD", 5)
        await self.exchange._execute_set_position_mode(PositionMode.HEDGE)
        self.assertNotEqual(5, self.exchange.get_leverage("BTC-USD"))

        await self.exchange._update_trading_fees()

        self.assertEqual({"leverage": 5}, self.body("POST", "/api/account/leverage"))
        self.assertEqual(5, self.exchange.get_leverage("BTC-USD"))
        self.assertEqual(PositionMode.HEDGE, self.exchange.position_mode)
        self.venue.requests.clear()
        await self.exchange._update_trading_fees()
        self.assertEqual([], self.requests("POST"))

    async def test_what_was_refused_is_not_asked_for_again_and_said_where_users_look(self):
        self.venue.answer("POST", "/api/account/leverage", refuses(400, "Invalid leverage"))

        await self.exchange._execute_set_leverage("BTC-USD", 50)
        await self.exchange._update_trading_fees()

        self.assertEqual(1, len(self.requests("POST")))
        refusal = "The venue refuses leverage 50: Invalid leverage (the venue takes whole numbers from 1 to 20)."
        self.assertTrue(any(refusal in line for line in self.logged("NETWORK")))

    async def test_the_position_mode_is_the_accounts_and_needs_no_pair(self):
        self.exchange._trading_pairs.clear()
        self.venue.answer("POST", "/api/account/position_mode", None)

        await self.exchange._execute_set_position_mode(PositionMode.HEDGE)

        self.assertEqual({"mode": "hedge"}, self.body("POST", "/api/account/position_mode"))
        self.assertEqual(PositionMode.HEDGE, self.exchange.position_mode)

    async def test_setting_the_position_mode(self):
        self.venue.answer("POST", "/api/account/position_mode", None)

        for mode, name in ((PositionMode.HEDGE, "hedge"), (PositionMode.ONEWAY, "oneway")):
            self.assertEqual((True, ""), await self.exchange._trading_pair_position_mode_set(mode, "BTC-USD"))
            self.assertEqual({"mode": name}, self.body("POST", "/api/account/position_mode"))

    async def test_a_mode_that_nobody_knows_is_not_guessed(self):
        unknown = venue_data.account(positionMode="sideways")
        self.venue.answer("GET", "/api/account", unknown, venue_data.account())

        await self.exchange._update_trading_fees()

        self.assertEqual(PositionMode.ONEWAY, self.exchange.position_mode)
        self.assertIn("'positionMode' is neither oneway nor hedge", self.logged("WARNING")[0])


class FundingTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.payments = []
        self.venue.answer("GET", "/api/funding_payments", self.newest_first)

    async def newest_first(self, request):
        start = float(request.query["start_time"])
        market = request.query.get("future")
        found = [
            payment
            for payment in sorted(self.payments, key=lambda payment: payment["time"], reverse=True)
            if wire.timestamp(payment["time"]) >= start and market in (None, payment["future"])
        ]
        return web.Response(text=venue_data.success(found), content_type="application/json")

    def pay(self, hour: int, payment: float, future: str = "BTC-PERP"):
        self.payments.append(venue_data.funding_payment(len(self.payments), HOURS[hour], payment, future))

    async def poll(self, is_first: bool = False):
        await self.exchange._update_all_funding_payments(fire_event_on_new=not is_first)

    @property
    def reported(self):
        return [(event.trading_pair, event.amount) for event in self.recorder.events]

    async def test_payments_from_before_the_start_are_history(self):
        self.pay(1, 0.5)

        await self.poll(is_first=True)
        await self.poll()

        self.assertEqual([], self.reported)

    async def test_what_was_paid_is_negative_and_what_was_received_positive(self):
        await self.poll(is_first=True)
        self.pay(1, 0.5)
        await self.poll()
        self.pay(2, -0.25)
        await self.poll()

        self.assertEqual([("BTC-USD", Decimal("-0.5")), ("BTC-USD", Decimal("0.25"))], self.reported)
        event = self.recorder.events[0]
        self.assertEqual(1767315600, event.timestamp)
        self.assertEqual(Decimal("0.0000125"), event.funding_rate)
        self.assertEqual("acme_perpetual", event.market)

    async def test_several_payments_between_two_polls(self):
        self.pay(1, 9.0)
        await self.poll(is_first=True)
        for hour in (2, 3, 4):
            self.pay(hour, hour)

        await self.poll()
        await self.poll()

        self.assertEqual([Decimal("-2"), Decimal("-3"), Decimal("-4")], [amount for _, amount in self.reported])

    async def test_several_markets_with_one_request(self):
        self.exchange = self.create_exchange("BTC-USD", "ETH-USD")
        await self.exchange._update_trading_rules()
        self.pay(1, 9.0)
        await self.poll(is_first=True)
        self.venue.requests.clear()
        self.pay(2, 0.5)
        self.pay(2, 0.75, "ETH-PERP")
        self.pay(2, 1.0, "DOGE-PERP")

        await self.poll()
        await self.poll()

        self.assertEqual([("BTC-USD", Decimal("-0.5")), ("ETH-USD", Decimal("-0.75"))], self.reported)
        self.assertEqual(2, len(self.requests()))
        first, second = [event.timestamp for event in self.recorder.events]
        self.assertTrue(first < second < first + 0.001)  # Hummingbot's records hold one payment of each time

    async def test_a_payment_of_a_market_that_is_removed_meanwhile(self):
        self.exchange = self.create_exchange("BTC-USD", "ETH-USD")
        await self.exchange._update_trading_rules()
        self.pay(1, 9.0)
        await self.poll(is_first=True)
        self.pay(2, 0.5)
        self.pay(2, 0.75, "ETH-PERP")

        async def remove_and_answer(request):
            self.exchange._trading_pairs.remove("BTC-USD")
            return await self.newest_first(request)

        self.venue.answer("GET", "/api/funding_payments", remove_and_answer)
        await self.poll()

        self.assertEqual([("BTC-USD", Decimal("-0.5")), ("ETH-USD", Decimal("-0.75"))], self.reported)

    async def test_a_market_that_was_never_paid_does_not_make_polls_fetch_all_history(self):
        self.exchange = self.create_exchange("BTC-USD", "ETH-USD")
        await self.exchange._update_trading_rules()
        self.pay(12, 0.5)
        await self.poll(is_first=True)

        await self.poll()

        last_payment = wire.timestamp(HOURS[12])
        self.assertAlmostEqual(last_payment, self.asked_start_time("/api/funding_payments"), delta=61)

    async def test_a_restart_reports_nothing_twice(self):
        await self.poll(is_first=True)
        self.pay(1, 0.5)
        await self.poll()
        self.exchange = self.create_exchange()
        await self.exchange._update_trading_rules()

        await self.poll(is_first=True)
        await self.poll()

        self.assertEqual(1, len(self.reported))

    async def test_payments_during_an_outage_are_reported_after_it(self):
        await self.poll(is_first=True)
        await self.exchange.stop_network()
        self.pay(1, 0.5)

        await self.poll(is_first=True)

        self.assertEqual([("BTC-USD", Decimal("-0.5"))], self.reported)

    async def test_payments_while_the_venue_cannot_be_asked_are_reported_later(self):
        await self.poll(is_first=True)
        self.pay(1, 0.5)
        self.venue.answer("GET", "/api/funding_payments", FAILING, self.newest_first)

        await self.poll()
        self.assertEqual([], self.reported)
        self.assertIn("Could not fetch funding payments", self.logged("WARNING")[0])
        await self.poll()

        self.assertEqual(1, len(self.reported))

    async def test_both_sides_of_a_hedge_are_one_payment(self):
        await self.poll(is_first=True)
        self.pay(1, 0.75)
        self.pay(1, -0.5)

        await self.poll()

        self.assertEqual([("BTC-USD", Decimal("-0.25"))], self.reported)

    async def test_a_malformed_payment_does_not_hide_the_others(self):
        await self.poll(is_first=True)
        self.pay(1, 0.5)
        self.payments.append({**self.payments[0], "rate": "high"})
        self.pay(2, 0.25)

        await self.poll()

        self.assertEqual([Decimal("-0.5"), Decimal("-0.25")], [amount for _, amount in self.reported])

    async def test_amounts_are_the_venues_to_the_last_digit(self):
        await self.poll(is_first=True)
        exact = "0.12345678901234567890123456789012345"
        body = venue_data.success([venue_data.funding_payment(1, HOURS[1], 7.0)]).replace("7.0", exact)

        async def answer(request):
            return web.Response(text=body, content_type="application/json")

        self.venue.answer("GET", "/api/funding_payments", answer)
        await self.poll()

        self.assertEqual([("BTC-USD", Decimal(f"-{exact}"))], self.reported)

    async def test_without_payments_there_is_no_last_one(self):
        self.assertEqual((0, Decimal("-1"), Decimal("-1")), await self.exchange._fetch_last_fee_payment("BTC-USD"))


class MarketTests(DerivativeTestCase):
    async def update(self, *markets):
        self.venue.answer("GET", "/api/markets", list(markets))
        await self.exchange._update_trading_rules()

    async def test_perpetuals_that_are_enabled_can_be_traded(self):
        self.assertEqual(["BTC-USD", "ETH-USD", "DOGE-USD"], await self.exchange.all_trading_pairs())
        self.assertEqual({"BTC-USD", "ETH-USD", "DOGE-USD"}, set(self.exchange.trading_rules))

    async def test_rules_are_exact(self):
        expected = TradingRule(
            trading_pair="DOGE-USD",
            min_order_size=Decimal("1.0"),
            min_price_increment=Decimal("5e-07"),
            min_base_amount_increment=Decimal("1.0"),
            min_notional_size=Decimal("5.0e-07"),
        )

        self.assertEqual(repr(expected), repr(self.exchange.trading_rules["DOGE-USD"]))
        self.assertEqual(Decimal("0.1234565"), self.exchange.quantize_order_price("DOGE-USD", Decimal("0.12345678")))

    async def test_a_market_that_is_disabled_while_we_trade_stays_known(self):
        await self.open_order()
        self.venue.answer("POST", "/api/orders", refuses(400, "No such market: BTC-PERP"))
        self.venue.answer("DELETE", "/api/orders/9596912", "Order queued for cancellation")

        await self.update(venue_data.market(enabled=False), venue_data.market("ETH-PERP"))
        await self.update(venue_data.market("ETH-PERP"))

        self.assertEqual("BTC-PERP", await self.exchange.exchange_symbol_associated_to_pair("BTC-USD"))
        await self.create_order(order_id="HBOT2")
        await self.settled()
        self.assertEqual("No such market: BTC-PERP", self.event("MarketOrderFailure").error_message)
        self.assertEqual("HBOT1", await self.exchange._execute_cancel("BTC-USD", "HBOT1"))

    async def test_a_market_that_is_disabled_and_not_ours_goes_away(self):
        await self.update(venue_data.market(), venue_data.market("ETH-PERP", enabled=False))

        self.assertEqual(["BTC-USD"], await self.exchange.all_trading_pairs())
        self.assertEqual(["BTC-USD"], list(self.exchange.trading_rules))

    async def test_a_market_that_was_not_traded_yet_has_the_venues_price(self):
        """Hummingbot compares the last price, which NaN cannot be."""
        self.venue.answer("GET", "/api/markets", [venue_data.market(last=None, price=32196.5)])

        prices = await self.exchange.get_last_traded_prices(["BTC-USD"])

        self.assertEqual(32196.5, prices["BTC-USD"])

    async def test_a_market_that_nobody_has_a_price_of_has_none(self):
        self.venue.answer("GET", "/api/markets", [venue_data.market(last=None, price=None)])

        prices = await self.exchange.get_last_traded_prices(["BTC-USD"])

        self.assertEqual(0, prices["BTC-USD"])


class ConstructionTests(DerivativeTestCase):
    async def test_the_domain_is_the_servers_address(self):
        self.assertEqual(self.venue.url, self.exchange.domain)
        self.assertEqual("acme_perpetual", self.exchange.name)

    async def test_without_a_server_the_domain_decides(self):
        self.assertEqual("acme_perpetual", AcmePerpetualDerivative(acme_perpetual_api_key="someKey").domain)
        self.assertEqual("https://acme.example", AcmePerpetualDerivative(domain="https://acme.example").domain)

    async def test_an_unsafe_server_is_refused(self):
        with self.assertRaisesRegex(ValueError, "https://"):
            AcmePerpetualDerivative(acme_perpetual_server="http://acme.example")

    async def test_no_secret_is_in_a_representation(self):
        self.assertNotIn("someSecret", repr(self.exchange) + repr(self.exchange.authenticator))

    async def test_a_small_share_of_the_rate_limit_still_places_orders(self):
        exchange = AcmePerpetualDerivative(rate_limits_share_pct=Decimal("1"))

        self.assertFalse(exchange._placements._slots.locked())
