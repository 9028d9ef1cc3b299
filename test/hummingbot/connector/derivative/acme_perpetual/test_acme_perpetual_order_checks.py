"""Orders that are not sent: each fails at once, in words, and leaves nothing behind."""

import time
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.book_stream_test_case import partial
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import DerivativeTestCase
from unittest.mock import patch

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow

NAN = Decimal("NaN")


class UnsendableOrderTests(DerivativeTestCase):
    async def refusal(self, **changes) -> str:
        self.recorder.events.clear()
        self.venue.requests.clear()
        await self.create_order(**changes)
        self.assertEqual([], self.requests("POST"))
        self.assertEqual({}, dict(self.exchange.in_flight_orders))
        failure = self.event("MarketOrderFailure")
        self.assertEqual("HBOT1", failure.order_id)
        self.assertTrue(any(failure.error_message in line for line in self.logged("WARNING")))
        return failure.error_message

    async def test_numbers_that_are_none(self):
        for name in ("amount", "price"):
            for value in (NAN, Decimal("-1"), Decimal(0), Decimal("Infinity"), Decimal("1e30"), None):
                with self.subTest(name, value=value):
                    message = await self.refusal(**{name: value})
                    self.assertIn(f"The order's {name}", message)
                    self.assertIn(str(value), message)

    async def test_a_market_order_needs_no_price_and_an_amount(self):
        self.assertIn("The order's amount", await self.refusal(order_type=OrderType.MARKET, amount=NAN, price=NAN))

    async def test_a_pair_without_rules_is_named(self):
        self.assertIn("FOO-USD cannot be traded", await self.refusal(trading_pair="FOO-USD"))

    async def test_an_order_says_whether_it_opens_or_closes(self):
        self.assertIn("OPEN or to CLOSE", await self.refusal(position_action=PositionAction.NIL))

    async def test_orders_that_are_none_do_not_keep_others_from_being_cancelled(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        self.venue.answer("DELETE", "/api/orders/9596912", "Order queued for cancellation")
        await self.create_order(order_id="HBOT2", amount=NAN)
        await self.create_order()
        await self.settled()
        cancelling = self.exchange.cancel_all(1.0)
        results = await cancelling

        self.assertEqual([("HBOT1", True)], [(result.order_id, result.success) for result in results])


class OldBookTests(DerivativeTestCase):
    """No order is made of a book that the stream does not confirm: whoever quotes by it quotes another time's price."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        self.enterContext(patch.object(CONSTANTS, "RECONNECT_DELAY_MAX", 0.1))
        self.exchange.order_book_tracker.start()
        self.addCleanup(self.exchange.order_book_tracker.stop)

    async def bring_book(self, bid: float):
        client = await self.venue.client()
        await client.expect(op="subscribe", channel="orderbook")
        await client.send(partial("BTC-PERP", [(bid, 1.0)], [(bid + 1, 1.0)]))
        await self.until(lambda: self.exchange._orderbook_ds.book_age("BTC-USD") == 0)

    async def placed(self, **changes) -> bool:
        self.venue.requests.clear()
        self.recorder.events.clear()
        self.exchange.stop_tracking_order("HBOT1")
        await self.create_order(**changes)
        return self.requests("POST") == ["POST /api/orders"]

    async def test_a_venue_that_comes_back_with_another_price_gets_no_order_by_the_old_one(self):
        await self.bring_book(10_000.0)
        await self.until(lambda: self.exchange.status_dict["order_books_initialized"])
        self.assertTrue(await self.placed())

        await self.venue.stop_serving()
        await self.until(lambda: self.exchange._orderbook_ds.book_age("BTC-USD") > 0)
        later = time.monotonic() + 13
        with patch.object(self.exchange._orderbook_ds, "_now", return_value=later):
            self.assertFalse(await self.placed())
            self.assertFalse(self.exchange.status_dict["order_books_initialized"])
        failure = self.event("MarketOrderFailure")
        self.assertRegex(failure.error_message, "^The order book of BTC-USD is 1[3-9] s old$")
        await self.venue.start()
        self.assertFalse(await self.placed(order_type=OrderType.MARKET))

        await self.bring_book(10_063.0)
        await self.until(lambda: self.exchange.status_dict["order_books_initialized"])
        self.assertEqual(10_063, self.exchange.get_price("BTC-USD", False))
        self.assertTrue(await self.placed())

    async def test_a_market_order_that_only_closes_is_sent_all_the_same(self):
        await self.bring_book(10_000.0)
        await self.venue.stop_serving()
        await self.until(lambda: self.exchange._orderbook_ds.book_age("BTC-USD") > 0)
        with patch.object(CONSTANTS, "RECONNECT_DELAY_MIN", 30.0):
            await self.venue.start()

            self.assertFalse(await self.placed(position_action=PositionAction.CLOSE))
            self.assertTrue(await self.placed(order_type=OrderType.MARKET, position_action=PositionAction.CLOSE))


class SmallOrderTests(DerivativeTestCase):
    """A market lets orders rest from 0.001 on; sizes, and so what a partial fill leaves, come in steps of 0.0001."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new", size=0.0004))
        book = OrderBook()
        book.apply_snapshot([OrderBookRow(9990, 0.0002, 1), OrderBookRow(9980, 1, 1)], [OrderBookRow(10010, 1, 1)], 1)
        self.exchange.order_book_tracker._order_books["BTC-USD"] = book
        self.enterContext(patch.object(self.exchange._orderbook_ds, "book_age", return_value=0.0))

    async def close(self, order_type: OrderType, price: str = "NaN") -> list:
        self.recorder.events.clear()
        self.venue.requests.clear()
        await self.create_order(
            trade_type=TradeType.SELL,
            amount=Decimal("0.0004"),
            order_type=order_type,
            price=Decimal(price),
            position_action=PositionAction.CLOSE,
        )
        return self.requests("POST")

    async def test_whatever_can_be_held_can_be_closed(self):
        self.assertEqual(Decimal("0.0001"), self.exchange.trading_rules["BTC-USD"].min_order_size)
        self.assertEqual(["POST /api/orders"], await self.close(OrderType.MARKET))
        self.assertEqual("0.0004", self.body("POST", "/api/orders")["size"])

    async def test_a_limit_order_that_is_filled_at_once_is_sent(self):
        self.assertEqual(["POST /api/orders"], await self.close(OrderType.LIMIT, "9980"))

    async def test_a_limit_order_that_would_rest_is_refused_in_the_connectors_words(self):
        for order_type, price in (
            (OrderType.LIMIT, "10005"),
            (OrderType.LIMIT, "9990"),  # the half of it would rest
            (OrderType.LIMIT_MAKER, "9980"),
        ):
            with self.subTest(order_type, price=price):
                self.assertEqual([], await self.close(order_type, price))
                message = self.event("MarketOrderFailure").error_message
                self.assertIn(f"wait in the book at {price}, where the least is 0.001", message)

    async def test_without_a_book_the_venue_says_it(self):
        self.exchange.order_book_tracker._order_books.clear()

        self.assertEqual(["POST /api/orders"], await self.close(OrderType.LIMIT, "10005"))
