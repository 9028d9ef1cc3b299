"""What Hummingbot's own records hold of our events: the SQLite file that `hbot history` reads."""

import tempfile
from decimal import Decimal
from pathlib import Path
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import DerivativeTestCase
from types import SimpleNamespace

from hummingbot.client.config.client_config_map import DBSqliteMode
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.model.funding_payment import FundingPayment
from hummingbot.model.order import Order
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType
from hummingbot.model.trade_fill import TradeFill


class RecordsTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        client_config = SimpleNamespace(db_mode=DBSqliteMode())
        self.sql = SQLConnectionManager(
            client_config, SQLConnectionType.TRADE_FILLS, db_path=str(Path(folder) / "records.sqlite")
        )
        self.start_recording()

    def start_recording(self):
        self.records = MarketsRecorder(
            self.sql,
            [self.exchange],
            "conf_perpetual_market_making.yml",
            "perpetual_market_making",
            SimpleNamespace(market_data_collection_enabled=False),
        )
        self.records.start()
        self.addCleanup(self.records.stop)

    def rows(self, model):
        with self.sql.get_new_session() as session:
            rows = session.query(model).all()
            session.expunge_all()
        return rows

    async def test_fills_are_recorded_with_the_venues_price_size_and_fee(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        await self.create_order()
        frame = venue_data.frame("fills", venue_data.fill(price=9999.0, size=0.1234, fee=-1.0))
        frame["data"]["fee"] = Decimal("-0.246775320123456789")
        await self.exchange._process_frame(frame)

        (fill,) = self.rows(TradeFill)
        self.assertEqual(Decimal("9999"), fill.price)
        self.assertEqual(Decimal("0.1234"), fill.amount)
        self.assertEqual([{"token": "USD", "amount": "-0.246775320123456789"}], fill.trade_fee["flat_fees"])
        self.assertEqual("3741", fill.exchange_trade_id)
        (order,) = self.rows(Order)
        self.assertEqual("9596912", order.exchange_order_id)

    async def test_an_order_that_closes_before_its_answer_is_recorded_as_cancelled(self):
        """Hummingbot records no end of an order whose creation it does not have."""
        self.track_order(id=None)

        await self.frames("orders", venue_data.order(status="closed"))

        (order,) = self.rows(Order)
        self.assertEqual("OrderCancelled", order.last_status)

    async def test_a_restart_after_a_fill_neither_loses_nor_repeats_it(self):
        self.venue.answer("POST", "/api/orders", venue_data.order(status="new"))
        await self.create_order()
        await self.settled()
        await self.frames("fills", venue_data.fill(1, size=0.25))
        self.records.stop()

        self.exchange = self.create_exchange()
        self.start_recording()
        self.records.restore_market_states("conf_perpetual_market_making.yml", self.exchange)
        self.venue.answer("GET", "/api/fills", [venue_data.fill(1, size=0.25), venue_data.fill(2, size=0.75)])
        self.venue.answer("GET", "/api/orders/9596912", venue_data.order(status="closed", filledSize=1.0))
        await self.exchange._update_order_status()
        await self.settled()

        self.assertEqual([Decimal("0.25"), Decimal("0.75")], [fill.amount for fill in self.rows(TradeFill)])
        (order,) = self.rows(Order)
        self.assertEqual("BuyOrderCompleted", order.last_status)

    async def test_funding_is_recorded(self):
        await self.exchange._update_trading_rules()
        self.venue.answer("GET", "/api/funding_payments", [], [venue_data.funding_payment(1, venue_data.TIME, 0.5)])
        await self.exchange._update_all_funding_payments(fire_event_on_new=False)

        await self.exchange._update_all_funding_payments(fire_event_on_new=True)

        (payment,) = self.rows(FundingPayment)
        self.assertEqual(-0.5, payment.amount)
        self.assertEqual("BTC-USD", payment.symbol)
