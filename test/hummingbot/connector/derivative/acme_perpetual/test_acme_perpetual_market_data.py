import json
import math
import unittest
from contextlib import suppress
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, example, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.recordings import (
    book_frames,
    markets_text,
    needs_recordings,
    received_texts,
)

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_market_data as market_data,
    acme_perpetual_wire as wire,
)
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.order_book_message import OrderBookMessageType

BTC_MARKET = {
    "name": "BTC-PERP",
    "type": "future",
    "underlying": "BTC",
    "baseCurrency": None,
    "quoteCurrency": None,
    "enabled": True,
    "postOnly": False,
    "restricted": False,
    "priceIncrement": Decimal("1.0"),
    "sizeIncrement": Decimal("0.0001"),
    "minProvideSize": Decimal("0.001"),
    "last": Decimal("32820.0"),
    "bid": Decimal("32819.0"),
    "ask": Decimal("32820.0"),
    "price": Decimal("32820.0"),
    "change1h": Decimal("-0.017"),
    "volumeUsd24h": Decimal("7378923.1932"),
    "highLeverageFeeExempt": False,
}
DATED_FUTURE = {**BTC_MARKET, "name": "BTC-1231"}
SPOT = {**BTC_MARKET, "name": "BTC/USD", "type": "spot", "underlying": None}
DISABLED = {**BTC_MARKET, "name": "OLD-PERP", "underlying": "OLD", "enabled": False}

FUTURE = {
    "name": "BTC-PERP",
    "underlying": "BTC",
    "type": "perpetual",
    "perpetual": True,
    "expired": False,
    "enabled": True,
    "expiry": None,
    "index": Decimal("32810.123456789012345"),
    "mark": Decimal("32815.5"),
    "last": Decimal("32820.0"),
    "imfFactor": Decimal("0.002"),
    "openInterest": Decimal("12.5"),
    "nextFundingRate": Decimal("-1.25e-05"),
    "nextFundingTime": "2026-01-02T04:00:00+00:00",
}

# Other processes share the machine: how long an example takes says nothing about the code.
fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, "partial", "BTC-PERP"]),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text()
            | st.sampled_from(
                [
                    "channel",
                    "market",
                    "type",
                    "data",
                    "bids",
                    "asks",
                    "checksum",
                    "time",
                    "price",
                    "size",
                    "side",
                    "id",
                    "success",
                    "result",
                    "error",
                    "name",
                    "underlying",
                    "enabled",
                    "priceIncrement",
                    "index",
                    "mark",
                    "nextFundingTime",
                    "nextFundingRate",
                    "code",
                    "msg",
                ]
            ),
            children,
            max_size=6,
        )
    ),
    max_leaves=20,
)


def book_frame(kind: str = "update", **data):
    book = {"time": 1626993904.37, "checksum": 1, "bids": [[2415.5, 0.2]], "asks": [[2416.0, 0]], "action": kind}
    return {"channel": "orderbook", "market": "MKR-PERP", "type": kind, "data": {**book, **data}}


class EnvelopeTests(unittest.TestCase):
    def test_a_success_holds_its_result(self):
        answer = {"success": True, "result": [1]}

        self.assertTrue(wire.is_success(answer))
        self.assertEqual([1], wire.result(answer))
        self.assertIsNone(wire.error_message(answer))

    def test_a_null_result_is_a_result(self):
        self.assertIsNone(wire.result({"success": True, "result": None}))

    def test_a_refusal_holds_the_venues_words(self):
        answer = {"success": False, "error": "Account does not have enough margin for order."}

        self.assertFalse(wire.is_success(answer))
        self.assertEqual("Account does not have enough margin for order.", wire.error_message(answer))
        self.assertEqual("The venue gave no reason", wire.error_message({"success": False}))

    def test_anything_else_has_no_result(self):
        for answer in (
            None,
            [],
            "x",
            {},
            {"success": True},
            {"success": 1, "result": 2},
            {"success": False, "result": 1},
        ):
            with self.subTest(answer), self.assertRaises(wire.WireError):
                wire.result(answer)


class JsonTests(unittest.TestCase):
    def test_money_is_the_decimal_of_its_text(self):
        self.assertEqual(
            {"a": Decimal("0.10"), "b": [Decimal("1E-8")], "c": 10**20},
            wire.exact_json('{"a": 0.10, "b": [1e-08], "c": 100000000000000000000}'),
        )
        self.assertEqual("0.10", str(wire.exact_json("0.10")))

    def test_what_is_no_json_is_refused(self):
        for text in ("", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "{'a': 1}", "[" * 100_000, "1" * 5_000, None, 7):
            with self.subTest(str(text)[:20]), self.assertRaises(wire.WireError):
                wire.exact_json(text)

    def test_numbers_beyond_all_measure_are_refused(self):
        beyond = "1e" + "9" * 30
        for decode in (wire.exact_json, wire.public_frame, wire.private_frame):
            for text in (f'{{"price": {beyond}}}', f'{{"price": -{beyond}}}', '{"a": ' + "[" * 100_000):
                with self.subTest(decode.__name__, text=text[:20]), self.assertRaises(wire.WireError):
                    decode(text)

    def test_frames_are_objects(self):
        for decode in (wire.public_frame, wire.private_frame):
            for text in ("[]", "1", '"a"', "null", "pong"):
                with self.subTest(text), self.assertRaises(wire.WireError):
                    decode(text)

    def test_public_books_are_in_doubles_and_public_funding_is_exact(self):
        self.assertIsInstance(wire.public_frame(json.dumps(book_frame()))["data"]["bids"][0][0], float)
        self.assertEqual(
            Decimal("0.1234567890123456789"),
            wire.public_frame('{"channel": "funding", "data": {"mark": 0.1234567890123456789}}')["data"]["mark"],
        )
        self.assertEqual(
            Decimal("0.1234567890123456789"), wire.private_frame('{"data": 0.1234567890123456789}')["data"]
        )


class FieldTests(unittest.TestCase):
    def test_errors_name_the_field(self):
        for read, data, text in (
            (wire.decimal_field, {}, "'price' is missing"),
            (wire.decimal_field, {"price": None}, "'price' is missing"),
            (wire.decimal_field, {"price": "1"}, "'price' is not an exact number"),
            (wire.decimal_field, {"price": True}, "'price' is not an exact number"),
            (wire.decimal_field, {"price": 0.1}, "'price' is not an exact number"),
            (wire.decimal_field, {"price": Decimal("NaN")}, "'price' is out of range"),
            (wire.decimal_field, {"price": Decimal("1e31")}, "'price' is out of range"),
            (wire.decimal_field, {"price": Decimal("1e-31")}, "'price' is out of range"),
            (wire.text_field, {"price": 1}, "'price' is not a text"),
            (wire.time_field, {"price": "noon"}, "'price' is not an ISO-8601 time"),
            (wire.time_field, {"price": "2026-01-02T03:04:05"}, "'price' is not an ISO-8601 time"),
            (wire.field, [], "not a JSON object"),
        ):
            with self.subTest(text), self.assertRaises(wire.WireError) as error:
                read(data, "price")
            self.assertEqual(text, str(error.exception))

    def test_numbers(self):
        self.assertEqual(Decimal("0.5"), wire.decimal_field({"price": Decimal("0.5")}, "price"))
        self.assertEqual(Decimal(7), wire.decimal_field({"price": 7}, "price"))
        self.assertEqual(Decimal(0), wire.decimal_field({"price": Decimal("0E-40")}, "price"))
        self.assertIsNone(wire.optional_decimal({"price": None}, "price"))
        self.assertIsNone(wire.optional_decimal({}, "price"))

    def test_times(self):
        self.assertAlmostEqual(1767323045.678901, wire.timestamp("2026-01-02T03:04:05.678901+00:00"), places=6)
        self.assertEqual(0, wire.timestamp("1970-01-01T01:00:00+01:00"))


class MarketTests(unittest.TestCase):
    def test_only_enabled_perpetuals_are_tradable(self):
        self.assertTrue(market_data.is_tradable(BTC_MARKET))
        for entry in (
            DATED_FUTURE,
            SPOT,
            DISABLED,
            {**BTC_MARKET, "enabled": "yes"},
            {**BTC_MARKET, "name": 7},
            {**BTC_MARKET, "underlying": None},
            {**BTC_MARKET, "underlying": ""},
            {},
            None,
            "BTC-PERP",
            [],
        ):
            with self.subTest(entry):
                self.assertFalse(market_data.is_tradable(entry))

    def test_markets_and_pairs(self):
        twin = {**BTC_MARKET, "name": "BTC2-PERP"}
        other = {**BTC_MARKET, "name": "X-PERP", "underlying": "X"}
        markets = [SPOT, BTC_MARKET, None, DATED_FUTURE, twin, BTC_MARKET, DISABLED, other]

        self.assertEqual({"BTC-PERP": "BTC-USD", "X-PERP": "X-USD"}, dict(market_data.trading_pair_symbols(markets)))

    def test_trading_rule(self):
        rule = market_data.trading_rule(BTC_MARKET)

        self.assertEqual("BTC-USD", rule.trading_pair)
        self.assertEqual(Decimal("0.0001"), rule.min_order_size)
        self.assertEqual(Decimal("0.001"), market_data.smallest_resting_size(BTC_MARKET))
        self.assertEqual(Decimal("1"), rule.min_price_increment)
        self.assertEqual(Decimal("0.0001"), rule.min_base_amount_increment)
        self.assertEqual(Decimal("0.0001"), rule.min_notional_size)
        self.assertEqual("USD", rule.buy_order_collateral_token)
        self.assertEqual("USD", rule.sell_order_collateral_token)
        self.assertTrue(rule.supports_limit_orders and rule.supports_market_orders)

    def test_increments_in_scientific_notation(self):
        entry = json.loads(
            '{"name": "D-PERP", "underlying": "D", "priceIncrement": 5e-07, "sizeIncrement": 1e-08, '
            '"minProvideSize": 1}',
            parse_float=Decimal,
        )

        rule = market_data.trading_rule(entry)

        self.assertEqual(Decimal("0.0000005"), rule.min_price_increment)
        self.assertEqual(Decimal("0.00000001"), rule.min_base_amount_increment)
        self.assertEqual(Decimal("0.000000000000005"), rule.min_notional_size)

    def test_a_rule_with_a_number_that_is_none_names_it(self):
        makers = {"priceIncrement": market_data.trading_rule, "sizeIncrement": market_data.trading_rule}
        for name, maker in {**makers, "minProvideSize": market_data.smallest_resting_size}.items():
            for value in (None, "1", 0, -1):
                with self.subTest(name), self.assertRaisesRegex(wire.WireError, name):
                    maker({**BTC_MARKET, name: value})

    def test_a_market_that_hummingbot_cannot_name_is_left_out_alone(self):
        unnameable = {**BTC_MARKET, "name": "1000-SHIB-PERP", "underlying": "1000-SHIB"}
        answer = {"success": True, "result": [unnameable, BTC_MARKET]}

        self.assertEqual({"BTC-PERP": "BTC-USD"}, dict(market_data.trading_pair_symbols(answer["result"])))
        self.assertEqual(["BTC-USD"], list(market_data.prices(answer)))
        self.assertEqual(["BTC-USD"], list(market_data.last_prices(answer)))
        with self.assertRaisesRegex(wire.WireError, "'underlying' has a hyphen"):
            market_data.trading_rule(unnameable)

    def test_last_prices(self):
        entries = [
            {**BTC_MARKET, "name": f"{name}-PERP", "underlying": name, "last": last}
            for name, last in (("A", 7), ("B", None), ("C", "8"), ("D", True))
        ]

        prices = market_data.last_prices(
            {"success": True, "result": [BTC_MARKET, DATED_FUTURE, DISABLED, None, *entries]}
        )

        self.assertEqual({"BTC-USD": 32820.0, "A-USD": 7.0, "B-USD": 32820.0}, prices)

    @needs_recordings
    def test_the_recorded_markets(self):
        markets = market_data.markets(wire.exact_json(markets_text()))
        symbols = market_data.trading_pair_symbols(markets)
        rules = [market_data.trading_rule(entry) for entry in markets if market_data.is_tradable(entry)]

        self.assertEqual("BTC-USD", symbols["BTC-PERP"])
        self.assertNotIn("BTC-0924", symbols)
        self.assertNotIn("BTC/USD", symbols)
        self.assertEqual(len(symbols), len(rules))
        self.assertGreater(len(rules), 100)
        by_pair = {rule.trading_pair: rule for rule in rules}
        self.assertEqual(Decimal("1"), by_pair["BTC-USD"].min_price_increment)
        self.assertEqual(Decimal("0.0001"), by_pair["BTC-USD"].min_base_amount_increment)


class FrameTests(unittest.TestCase):
    def test_requests(self):
        self.assertEqual(
            {"op": "subscribe", "channel": "orderbook", "market": "BTC-PERP"},
            wire.subscribe_request("orderbook", "BTC-PERP"),
        )
        self.assertEqual({"op": "subscribe", "channel": "orders"}, wire.subscribe_request("orders"))
        self.assertEqual(
            {"op": "unsubscribe", "channel": "trades", "market": "BTC-PERP"},
            wire.unsubscribe_request("trades", "BTC-PERP"),
        )
        self.assertEqual({"op": "ping"}, wire.ping_request())

    def test_kinds(self):
        self.assertTrue(wire.is_partial({"type": "partial"}))
        self.assertTrue(wire.has_data({"type": "partial"}) and wire.has_data({"type": "update"}))
        self.assertTrue(wire.is_subscribed({"type": "subscribed"}))
        self.assertTrue(wire.is_pong({"type": "pong"}))
        self.assertTrue(wire.says_goodbye({"type": "info", "code": 20001, "msg": "going away"}))
        self.assertFalse(wire.says_goodbye({"type": "info", "code": 20002}))
        self.assertEqual("Not logged in", wire.error_text({"type": "error", "code": 400, "msg": "Not logged in"}))
        self.assertIsNone(wire.error_text({"type": "update", "msg": "x"}))

    @fuzzed
    @given(st.dictionaries(st.sampled_from(["channel", "market", "type", "code", "msg", "data"]), json_values))
    def test_questions_about_a_frame_have_an_answer(self, frame):
        for ask in (wire.is_partial, wire.has_data, wire.is_subscribed, wire.is_pong, wire.says_goodbye):
            self.assertIsInstance(ask(frame), bool)
        self.assertIsInstance(wire.channel(frame), str)
        self.assertIsInstance(wire.market(frame), str)
        self.assertIsInstance(wire.error_text(frame), (str, type(None)))


class BookTests(unittest.TestCase):
    def test_book_frame(self):
        book = market_data.book_frame(book_frame(checksum=640576598, bids=[[2415, 1]]))

        self.assertEqual([[2415, 1]], book.bids)
        self.assertEqual([[2416.0, 0]], book.asks)
        self.assertFalse(book.is_full)
        self.assertTrue(market_data.book_frame(book_frame("partial")).is_full)
        self.assertEqual(640576598, book.checksum)
        self.assertEqual(1626993904.37, book.time)

    def test_malformed_books_are_refused(self):
        for wrong in (
            {"bids": None},
            {"asks": {}},
            {"checksum": None},
            {"checksum": "1"},
            {"checksum": 1.5},
            {"checksum": True},
            {"time": None},
            {"time": "now"},
            {"time": math.nan},
        ):
            with self.subTest(wrong), self.assertRaises(wire.WireError):
                market_data.book_frame(book_frame(**wrong))
        for data in (None, [], "x"):
            with self.subTest(data), self.assertRaises(wire.WireError):
                market_data.book_frame({**book_frame(), "data": data})

    def test_message_of_a_rest_answer(self):
        answer = wire.exact_json('{"success": true, "result": {"bids": [[1.5, 2]], "asks": [], "time": 1700000000.25}}')

        message = market_data.book_answer_message("BTC-USD", answer, 9, now=5.0)

        self.assertEqual(OrderBookMessageType.SNAPSHOT, message.type)
        self.assertEqual([(1.5, 2.0, 9)], [tuple(row) for row in message.bids])
        self.assertEqual(1700000000.25, message.timestamp)
        del answer["result"]["time"]
        self.assertEqual(5.0, market_data.book_answer_message("BTC-USD", answer, 9, now=5.0).timestamp)

    def test_malformed_levels_of_a_rest_answer_are_refused(self):
        for level in (1, [1], [1, 2, 3], ["1", 1], [1, True], [0, 1], [-1, 1], [1, -1], [1, None], [10**400, 1]):
            with self.subTest(level), self.assertRaises(wire.WireError):
                answer = {"success": True, "result": {"bids": [level], "asks": []}}
                market_data.book_answer_message("BTC-USD", answer, 9, now=5.0)

    def test_trades(self):
        frame = {
            "channel": "trades",
            "market": "FLOW-PERP",
            "type": "update",
            "data": [
                {
                    "id": 1473821769,
                    "price": 16.42,
                    "size": 22.83,
                    "side": "sell",
                    "liquidation": False,
                    "time": "2021-07-22T22:45:25.101992+00:00",
                },
                {
                    "id": 1473821770,
                    "price": 16.43,
                    "size": 1,
                    "side": "buy",
                    "liquidation": True,
                    "time": "2021-07-22T22:45:25.101992+00:00",
                },
            ],
        }

        sell, buy = market_data.trade_messages("FLOW-USD", frame)

        self.assertEqual(OrderBookMessageType.TRADE, sell.type)
        self.assertEqual(1473821769, sell.trade_id)
        self.assertEqual("FLOW-USD", sell.trading_pair)
        self.assertEqual(16.42, sell.content["price"])
        self.assertEqual(22.83, sell.content["amount"])
        self.assertEqual(float(TradeType.SELL.value), sell.content["trade_type"])
        self.assertEqual(float(TradeType.BUY.value), buy.content["trade_type"])
        self.assertAlmostEqual(1626993925.101992, sell.timestamp, places=6)

    def test_malformed_trades_are_refused(self):
        good = {"id": 1, "price": 16.42, "size": 22.83, "side": "sell", "time": "2021-07-22T22:45:25.101992+00:00"}
        for wrong in (
            {"id": None},
            {"id": {}},
            {"price": None},
            {"price": math.nan},
            {"size": "2"},
            {"side": "short"},
            {"side": ["sell"]},
            {"time": 5},
        ):
            with self.subTest(wrong), self.assertRaises(wire.WireError):
                market_data.trade_messages("FLOW-USD", {"data": [{**good, **wrong}]})
        for data in (None, {}, [1]):
            with self.subTest(data), self.assertRaises(wire.WireError):
                market_data.trade_messages("FLOW-USD", {"data": data})

    @needs_recordings
    def test_every_recorded_frame_of_books_and_trades_becomes_messages(self):
        self.assertEqual(971, len(book_frames()))
        for text in received_texts():
            frame = wire.public_frame(text)
            if frame["channel"] == "orderbook" and wire.has_data(frame):
                market_data.book_frame(frame)
            elif frame["channel"] == "trades" and wire.has_data(frame):
                self.assertTrue(market_data.trade_messages("X-USD", frame))


class FundingTests(unittest.TestCase):
    def test_funding_info(self):
        info = market_data.funding_info("BTC-USD", {"success": True, "result": FUTURE})

        self.assertEqual("BTC-USD", info.trading_pair)
        self.assertEqual(Decimal("32810.123456789012345"), info.index_price)
        self.assertEqual(Decimal("32815.5"), info.mark_price)
        self.assertEqual(Decimal("-0.0000125"), info.rate)
        self.assertEqual(1767326400, info.next_funding_utc_timestamp)
        self.assertIsInstance(info.next_funding_utc_timestamp, int)

    def test_incomplete_funding_info_is_refused(self):
        for name in ("index", "mark", "nextFundingRate", "nextFundingTime"):
            with self.subTest(name), self.assertRaisesRegex(wire.WireError, name):
                market_data.funding_info("BTC-USD", {"success": True, "result": {**FUTURE, name: None}})

    def test_the_funding_of_all_pairs_comes_from_one_answer(self):
        answer = {
            "success": True,
            "result": [{**FUTURE, "name": "ETH-PERP", "mark": 7}, {**FUTURE, "name": "BTC-PERP"}],
        }

        infos = market_data.funding_info_of_all({"BTC-PERP": "BTC-USD", "ETH-PERP": "ETH-USD"}, answer)

        self.assertEqual(
            [("BTC-USD", Decimal("32815.5")), ("ETH-USD", Decimal(7))],
            [(info.trading_pair, info.mark_price) for info in infos],
        )

    def test_funding_that_is_missing_in_the_answer_for_all_is_named(self):
        for answer, pairs in (([], {"BTC-PERP": "BTC-USD"}), ({}, {}), ([{}], {})):
            with self.subTest(answer), self.assertRaises(wire.WireError):
                market_data.funding_info_of_all(pairs, {"success": True, "result": answer})

    def test_funding_info_update(self):
        frame = {"channel": "funding", "market": "BTC-PERP", "type": "update", "data": {"future": "BTC-PERP", **FUTURE}}

        update = market_data.funding_info_update("BTC-USD", frame)

        self.assertEqual(Decimal("32815.5"), update.mark_price)
        self.assertEqual(Decimal("32810.123456789012345"), update.index_price)
        self.assertEqual(Decimal("-0.0000125"), update.rate)
        self.assertEqual(1767326400, update.next_funding_utc_timestamp)

    def test_funding_info_update_leaves_out_what_the_frame_leaves_out(self):
        update = market_data.funding_info_update("BTC-USD", {"data": {"mark": Decimal("5"), "index": None}})

        self.assertEqual(Decimal("5"), update.mark_price)
        self.assertIsNone(update.index_price)
        self.assertIsNone(update.rate)
        self.assertIsNone(update.next_funding_utc_timestamp)


class FillTests(unittest.TestCase):
    def test_whether_the_order_made_or_took(self):
        for liquidity, is_taker in (("maker", False), ("taker", True)):
            data = wire.exact_json(json.dumps(venue_data.fill(liquidity=liquidity)))
            self.assertIs(is_taker, account_data.fill(data).is_taker)


class FuzzTests(unittest.TestCase):
    """Whatever the venue sends, reading it either works or raises the one error that callers expect."""

    def attempt(self, read, *arguments):
        with suppress(wire.WireError):
            read(*arguments)

    @fuzzed
    @given(json_values)
    def test_anything_as_an_answer(self, answer):
        for value in (answer, {"success": True, "result": answer}):
            wire.is_success(value)
            wire.error_message(value)
            self.attempt(wire.result, value)
            self.attempt(market_data.markets, value)
            self.attempt(market_data.funding_info, "BTC-USD", value)
            self.attempt(market_data.book_answer_message, "BTC-USD", value, 1, 1.0)
        market_data.trading_pair_symbols([answer])
        if market_data.is_tradable(answer):
            self.attempt(market_data.trading_rule, answer)

    @fuzzed
    @given(json_values)
    def test_anything_as_a_frame(self, data):
        for frame in (
            {"data": data},
            {"data": [data]},
            book_frame(bids=data),
            book_frame(asks=[data]),
            book_frame(time=data),
            book_frame(checksum=data),
        ):
            self.attempt(market_data.book_frame, frame)
            self.attempt(market_data.trade_messages, "BTC-USD", frame)
            self.attempt(market_data.funding_info_update, "BTC-USD", frame)

    @fuzzed
    @given(st.text() | json_values.map(json.dumps))
    def test_anything_as_a_text(self, text):
        self.attempt(wire.exact_json, text)
        self.attempt(wire.public_frame, text)
        self.attempt(wire.private_frame, text)

    @fuzzed
    @given(st.sampled_from(sorted(BTC_MARKET)), json_values)
    @example("underlying", "1000-SHIB")
    def test_a_market_with_one_field_changed(self, name, value):
        entry = {**BTC_MARKET, name: value}
        if market_data.is_tradable(entry):
            self.attempt(market_data.trading_rule, entry)
        market_data.last_prices({"success": True, "result": [entry]})
        self.assertLessEqual(len(market_data.trading_pair_symbols([entry, DISABLED])), 1)


class ConstantsTests(unittest.TestCase):
    def test_names_that_hummingbot_looks_for(self):
        self.assertIn(CONSTANTS.DEFAULT_DOMAIN, CONSTANTS.REST_URLS)
        self.assertEqual("/time", CONSTANTS.SERVER_TIME_PATH_URL)
        self.assertLessEqual(len(CONSTANTS.PUBLIC_CHANNELS) * CONSTANTS.MAX_STREAMED_PAIRS, 100)
