import asyncio
import json
import re
from decimal import Decimal
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE
from typing import Any, Callable, List, Optional, Tuple
from unittest.mock import MagicMock, patch

from aioresponses import aioresponses
from aioresponses.core import RequestCall

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_order_book_data_source import Subscription
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeApiError
from hummingbot.connector.test_support.perpetual_derivative_test import AbstractPerpetualDerivativeTests
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase
from hummingbot.core.event.events import OrderCancelledEvent, OrderFilledEvent

API_KEY = "someKey"
FILLS_URL = re.compile(r"^http://127\.0\.0\.1:8600/api/fills\?")


def do_nothing(*args, **kwargs):
    pass


class AcmePerpetualDerivativeTests(AbstractPerpetualDerivativeTests.PerpetualDerivativeTests):
    """Hummingbot's own tests for derivatives, and the further ones that the connector checklist names."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.quote_asset = "USD"  # Acme quotes everything in it (Acme API §1)
        cls.trading_pair = f"{cls.base_asset}-{cls.quote_asset}"

    # ------------------------------------------------------------------------------------------------------- URLs

    @property
    def all_symbols_url(self):
        return web_utils.public_rest_url(CONSTANTS.MARKETS_PATH_URL)

    @property
    def latest_prices_url(self):
        return web_utils.public_rest_url(CONSTANTS.MARKETS_PATH_URL)

    @property
    def network_status_url(self):
        return web_utils.public_rest_url(CONSTANTS.PING_PATH_URL)

    @property
    def trading_rules_url(self):
        return web_utils.public_rest_url(CONSTANTS.MARKETS_PATH_URL)

    @property
    def order_creation_url(self):
        return web_utils.private_rest_url(CONSTANTS.ORDERS_PATH_URL)

    @property
    def balance_url(self):
        return web_utils.private_rest_url(CONSTANTS.BALANCES_PATH_URL)

    @property
    def funding_info_url(self):
        path = web_utils.filled_path(CONSTANTS.FUTURE_PATH_URL, future=self.exchange_trading_pair)
        return web_utils.public_rest_url(path)

    @property
    def funding_payment_url(self):
        return re.compile("^" + re.escape(web_utils.private_rest_url(CONSTANTS.FUNDING_PAYMENTS_PATH_URL)))

    @property
    def account_url(self):
        return web_utils.private_rest_url(CONSTANTS.ACCOUNT_PATH_URL)

    def order_url(self, order: InFlightOrder) -> str:
        path = web_utils.filled_path(CONSTANTS.ORDER_PATH_URL, order_id=order.exchange_order_id)
        return web_utils.private_rest_url(path)

    # ---------------------------------------------------------------------------------------- what the venue answers

    @property
    def all_symbols_request_mock_response(self):
        return {"success": True, "result": [venue_data.market(self.exchange_trading_pair)]}

    @property
    def latest_prices_request_mock_response(self):
        return {
            "success": True,
            "result": [
                venue_data.market("ETH-PERP", last=1.5),
                venue_data.market(self.exchange_trading_pair, last=self.expected_latest_price),
            ],
        }

    @property
    def all_symbols_including_invalid_pair_mock_response(self) -> Tuple[str, Any]:
        markets = [
            venue_data.market(self.exchange_trading_pair),
            venue_data.market("INVALID-PERP", enabled=False),
            venue_data.market("INVALID-1231"),
        ]
        return "INVALID-USD", {"success": True, "result": markets}

    @property
    def network_status_request_successful_mock_response(self):
        return {"success": True, "result": {"name": "acme", "status": "ok"}}

    @property
    def trading_rules_request_mock_response(self):
        return self.all_symbols_request_mock_response

    @property
    def trading_rules_request_erroneous_mock_response(self):
        malformed = venue_data.market(self.exchange_trading_pair)
        del malformed["sizeIncrement"]
        return {"success": True, "result": [malformed]}

    @property
    def order_creation_request_successful_mock_response(self):
        return {
            "success": True,
            "result": {
                **venue_data.order(self.expected_exchange_order_id, client_id=None, size=100.0, status="new"),
                "market": self.exchange_trading_pair,
            },
        }

    @property
    def balance_request_mock_response_for_base_and_quote(self):
        return {
            "success": True,
            "result": [
                venue_data.balance(self.base_asset, total=15.0, free=10.0),
                venue_data.balance(self.quote_asset, total=2000.0, free=2000.0),
            ],
        }

    @property
    def balance_request_mock_response_only_base(self):
        return {"success": True, "result": [venue_data.balance(self.base_asset, total=15.0, free=10.0)]}

    @property
    def balance_event_websocket_update(self):
        return venue_data.frame("balances", venue_data.balance(self.base_asset, total=15.0, free=10.0))

    @property
    def funding_info_mock_response(self):
        return {
            "success": True,
            "result": {
                "name": self.exchange_trading_pair,
                "index": self.target_funding_info_index_price,
                "mark": self.target_funding_info_mark_price,
                "nextFundingRate": self.target_funding_info_rate,
                "nextFundingTime": "2022-07-06T09:17:33+00:00",
            },
        }

    @property
    def empty_funding_payment_mock_response(self):
        return {"success": True, "result": []}

    @property
    def funding_payment_mock_response(self):
        payment = venue_data.funding_payment(
            id=1,
            time="2022-07-06T12:20:53+00:00",
            payment=-self.target_funding_payment_payment_amount,
            future=self.exchange_trading_pair,
        )
        return {"success": True, "result": [{**payment, "rate": self.target_funding_payment_funding_rate}]}

    # --------------------------------------------------------------------------------------------- what is expected

    @property
    def expected_latest_price(self):
        return 9999.9

    @property
    def expected_supported_order_types(self):
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    @property
    def expected_supported_position_modes(self) -> List[PositionMode]:
        return [PositionMode.ONEWAY, PositionMode.HEDGE]

    @property
    def expected_trading_rule(self):
        return TradingRule(
            trading_pair=self.trading_pair,
            min_order_size=Decimal("0.0001"),
            min_price_increment=Decimal("1.0"),
            min_base_amount_increment=Decimal("0.0001"),
            min_notional_size=Decimal("0.00010"),
            buy_order_collateral_token="USD",
            sell_order_collateral_token="USD",
        )

    @property
    def expected_logged_error_for_erroneous_trading_rule(self):
        market = self.exchange_trading_pair
        return f"{market} cannot be traded through Hummingbot, and is left out: 'sizeIncrement' is missing."

    @property
    def expected_exchange_order_id(self):
        return 9596912

    @property
    def is_order_fill_http_update_included_in_status_update(self) -> bool:
        return True

    @property
    def is_order_fill_http_update_executed_during_websocket_order_event_processing(self) -> bool:
        return False

    @property
    def expected_partial_fill_price(self) -> Decimal:
        return Decimal("9999")

    @property
    def expected_partial_fill_amount(self) -> Decimal:
        return Decimal("0.5")

    @property
    def expected_fill_fee(self) -> TradeFeeBase:
        return TradeFeeBase.new_perpetual_fee(
            fee_schema=self.exchange.trade_fee_schema(),
            position_action=PositionAction.OPEN,
            percent_token="USD",
            flat_fees=[TokenAmount(token="USD", amount=Decimal("-0.25"))],
        )

    @property
    def expected_fill_trade_id(self) -> str:
        return "3741"

    def exchange_symbol_for_tokens(self, base_token: str, quote_token: str) -> str:
        return f"{base_token}-PERP"

    def create_exchange_instance(self):
        exchange = AcmePerpetualDerivative(
            acme_perpetual_api_key=API_KEY, acme_perpetual_api_secret="someSecret", trading_pairs=[self.trading_pair]
        )
        exchange._terms.known = account_data.account_settings(wire.exact_json(venue_data.success(venue_data.account())))
        return exchange

    # -------------------------------------------------------------------------------------------------- validations

    def validate_auth_credentials_present(self, request_call: RequestCall):
        headers = request_call.kwargs["headers"]
        self.assertEqual(API_KEY, headers["ACME-KEY"])
        self.assertRegex(headers["ACME-SIGN"], "^[0-9a-f]{64}$")
        self.assertRegex(headers["ACME-TS"], "^[0-9]+$")

    def validate_order_creation_request(self, order: InFlightOrder, request_call: RequestCall):
        body = json.loads(request_call.kwargs["data"])
        venue_time_ms = self.exchange._time_synchronizer.time() * 1e3
        self.assertLess(venue_time_ms, body.pop("rejectAfterTs"))
        self.assertEqual(
            {
                "market": self.exchange_trading_pair,
                "side": "buy" if order.trade_type is TradeType.BUY else "sell",
                "type": "limit",
                "size": "100.000000",
                "price": "10000.0000",
                "reduceOnly": order.position is PositionAction.CLOSE,
                "ioc": False,
                "postOnly": False,
                "clientId": order.client_order_id,
            },
            body,
        )

    def validate_order_cancelation_request(self, order: InFlightOrder, request_call: RequestCall):
        self.assertIsNone(request_call.kwargs["data"])

    def validate_order_status_request(self, order: InFlightOrder, request_call: RequestCall):
        self.assertIsNone(request_call.kwargs["data"])

    def validate_trades_request(self, order: InFlightOrder, request_call: RequestCall):
        # The query is part of the URL, because it is signed: test_update_order_fills_request_parameters looks at it.
        self.assertIsNone(request_call.kwargs["data"])

    # ----------------------------------------------------------------------------------------------- configurations

    def venue_order(self, order: InFlightOrder, **changes: Any):
        return {
            **venue_data.order(int(order.exchange_order_id), order.client_order_id, size=order.amount, **changes),
            "market": self.exchange_trading_pair,
            "side": order.trade_type.name.lower(),
        }

    def venue_fill(self, order: InFlightOrder, **changes: Any):
        fill = venue_data.fill(
            int(self.expected_fill_trade_id),
            int(order.exchange_order_id),
            order.client_order_id,
            market=self.exchange_trading_pair,
            fee=-0.25,
        )
        return {**fill, "size": order.amount, "price": order.price, **changes}

    def configure_successful_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> str:
        url = self.order_url(order)
        mock_api.delete(url, body=venue_data.success("Order queued for cancellation"), callback=callback)
        return url

    def configure_erroneous_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> str:
        url = self.order_url(order)
        mock_api.delete(url, status=403, body=venue_data.refusal("Not authorized"), callback=callback)
        return url

    def configure_order_not_found_error_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> str:
        url = self.order_url(order)
        mock_api.delete(url, status=404, body=venue_data.refusal("Order not found"), callback=callback)
        return url

    def configure_one_successful_one_erroneous_cancel_all_response(
        self, successful_order: InFlightOrder, erroneous_order: InFlightOrder, mock_api: aioresponses
    ) -> List[str]:
        return [
            self.configure_successful_cancelation_response(successful_order, mock_api),
            self.configure_erroneous_cancelation_response(erroneous_order, mock_api),
        ]

    def configure_open_orders(self, mock_api: aioresponses, *orders: Any) -> str:
        url = web_utils.private_rest_url(CONSTANTS.ORDERS_PATH_URL)
        mock_api.get(url, body=venue_data.success(orders))
        return url

    def configure_completely_filled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> List[str]:
        return self.configure_closed_order(order, mock_api, callback, filledSize=order.amount)

    def configure_canceled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> List[str]:
        return self.configure_closed_order(order, mock_api, callback)

    def configure_closed_order(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable, **changes: Any
    ) -> List[str]:
        self.configure_open_orders(mock_api)
        body = venue_data.success(self.venue_order(order, status="closed", **changes))
        mock_api.get(self.order_url(order), body=body, callback=callback)
        return [self.order_url(order)]

    def configure_open_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> List[str]:
        return [self.configure_open_orders(mock_api, self.venue_order(order))]

    def configure_partially_filled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> str:
        filled_size = self.expected_partial_fill_amount
        return self.configure_open_orders(mock_api, self.venue_order(order, filledSize=filled_size))

    def configure_http_error_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> str:
        # Of the venue's errors only this one counts against an order. That the others do not is tested in
        # test_acme_perpetual_polling.py.
        return self.configure_order_not_found_error_order_status_response(order, mock_api, callback)[0]

    def configure_order_not_found_error_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> List[str]:
        self.configure_open_orders(mock_api)
        url = self.order_url(order)
        mock_api.get(url, status=404, body=venue_data.refusal("Order not found"), callback=callback)
        return [url]

    def configure_partial_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> re.Pattern:
        fill = self.venue_fill(order, price=self.expected_partial_fill_price, size=self.expected_partial_fill_amount)
        mock_api.get(FILLS_URL, body=venue_data.success([fill]), callback=callback)
        return FILLS_URL

    def configure_full_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> re.Pattern:
        mock_api.get(FILLS_URL, body=venue_data.success([self.venue_fill(order)]), callback=callback)
        return FILLS_URL

    def configure_erroneous_http_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> re.Pattern:
        mock_api.get(FILLS_URL, status=500, body=venue_data.refusal("An unexpected error occurred"), callback=callback)
        return FILLS_URL

    def configure_successful_set_position_mode(
        self, position_mode: PositionMode, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ):
        self.configure_account(
            mock_api, PositionMode.ONEWAY if position_mode is PositionMode.HEDGE else PositionMode.HEDGE
        )
        url = web_utils.private_rest_url(CONSTANTS.POSITION_MODE_PATH_URL)
        mock_api.post(url, body=venue_data.success(None), callback=callback)

    def configure_failed_set_position_mode(
        self, position_mode: PositionMode, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> Tuple[str, str]:
        self.configure_account(mock_api, PositionMode.ONEWAY)
        url = web_utils.private_rest_url(CONSTANTS.POSITION_MODE_PATH_URL)
        message = "Cannot change position mode with open positions or orders"
        mock_api.post(url, status=400, body=venue_data.refusal(message), callback=callback)
        return url, message

    def configure_account(self, mock_api: aioresponses, position_mode: PositionMode):
        name = "hedge" if position_mode is PositionMode.HEDGE else "oneway"
        mock_api.get(self.account_url, body=venue_data.success(venue_data.account(positionMode=name)))

    def configure_failed_set_leverage(
        self, leverage: int, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ) -> Tuple[str, str]:
        url = web_utils.private_rest_url(CONSTANTS.LEVERAGE_PATH_URL)
        mock_api.post(url, status=400, body=venue_data.refusal("Invalid leverage"), callback=callback)
        return url, "Invalid leverage (the venue takes whole numbers from 1 to 20)"

    def configure_successful_set_leverage(
        self, leverage: int, mock_api: aioresponses, callback: Optional[Callable] = do_nothing
    ):
        url = web_utils.private_rest_url(CONSTANTS.LEVERAGE_PATH_URL)
        mock_api.post(url, body=venue_data.success(None), callback=callback)

    # ------------------------------------------------------------------------------------------------------- frames

    def order_event_for_new_order_websocket_update(self, order: InFlightOrder):
        return venue_data.frame("orders", self.venue_order(order, status="new"))

    def order_event_for_canceled_order_websocket_update(self, order: InFlightOrder):
        return venue_data.frame("orders", self.venue_order(order, status="closed"))

    def order_event_for_full_fill_websocket_update(self, order: InFlightOrder):
        return venue_data.frame("orders", self.venue_order(order, status="closed", filledSize=order.amount))

    def trade_event_for_full_fill_websocket_update(self, order: InFlightOrder):
        return venue_data.frame("fills", self.venue_fill(order))

    def position_event_for_full_fill_websocket_update(self, order: InFlightOrder, unrealized_pnl: float):
        amount = float(order.amount) * (1 if order.trade_type is TradeType.BUY else -1)
        return venue_data.frame(
            "positions",
            venue_data.position(
                amount, future=self.exchange_trading_pair, entryPrice=order.price, unrealizedPnl=unrealized_pnl
            ),
        )

    def funding_info_event_for_websocket_update(self):
        return {
            "channel": "funding",
            "market": self.exchange_trading_pair,
            "type": "update",
            "data": {
                "future": self.exchange_trading_pair,
                "index": self.target_funding_info_index_price_ws_updated,
                "mark": self.target_funding_info_mark_price_ws_updated,
                "nextFundingRate": self.target_funding_info_rate_ws_updated,
                "nextFundingTime": "2022-07-06T09:34:13+00:00",
                "time": "2022-07-06T09:17:34+00:00",
            },
        }

    # ------------------------------------------------------------------------- tests that the generic classes demand

    def test_get_buy_and_sell_collateral_tokens(self):
        self.assertEqual("USD", self.exchange.get_buy_collateral_token(self.trading_pair))
        self.assertEqual("USD", self.exchange.get_sell_collateral_token(self.trading_pair))

    # ------------------------------------------------------------------------------- update_time_synchronizer tests

    def configure_time(self, mock_api: aioresponses, **answer: Any):
        mock_api.get(web_utils.public_rest_url(CONSTANTS.SERVER_TIME_PATH_URL), **answer)

    @aioresponses()
    async def test_update_time_synchronizer_successfully(self, mock_api):
        self.exchange._time_synchronizer.clear_time_offset_ms_samples()
        self.configure_time(mock_api, body=venue_data.success("2100-01-01T00:00:00+00:00"))

        await self.exchange._update_time_synchronizer()

        self.assertAlmostEqual(4102444800, self.exchange._time_synchronizer.time(), delta=60)

    @aioresponses()
    async def test_update_time_synchronizer_failure_is_logged(self, mock_api):
        """For those who look for it: whoever needs the time fails in words of his own."""
        self.configure_time(mock_api, body=venue_data.success("not a time"))

        with self.assertLogs(self.exchange._time_synchronizer.logger(), "DEBUG") as logs:
            await self.exchange._update_time_synchronizer()

        self.assertIn("The venue's time is not known: 'time' is not an ISO-8601 time", logs.output[0])

    @aioresponses()
    async def test_update_time_synchronizer_raises_cancelled_error(self, mock_api):
        self.configure_time(mock_api, exception=asyncio.CancelledError)

        with self.assertRaises(asyncio.CancelledError):
            await self.exchange._update_time_synchronizer()

    def test_time_synchronizer_related_request_error_detection(self):
        is_related = self.exchange._is_request_exception_related_to_time_synchronizer

        self.assertTrue(is_related(AcmeApiError(401, "Timestamp too far from current time")))
        self.assertFalse(is_related(AcmeApiError(401, "Not logged in: Invalid signature")))
        self.assertFalse(is_related(OSError("Timestamp too far from current time")))

    # ------------------------------------------------------------------------------------- update_order_fills tests

    def track_order(self, **changes: Any) -> InFlightOrder:
        self.exchange._set_current_timestamp(1640780000)
        arguments = {
            "order_id": "HBOT1",
            "exchange_order_id": str(self.expected_exchange_order_id),
            "trading_pair": self.trading_pair,
            "trade_type": TradeType.BUY,
            "price": Decimal("10000"),
            "amount": Decimal("1"),
            "order_type": OrderType.LIMIT,
            "position_action": PositionAction.OPEN,
            **changes,
        }
        self.exchange.start_tracking_order(**arguments)
        return self.exchange.in_flight_orders[arguments["order_id"]]

    @aioresponses()
    async def test_update_order_fills_from_trades_triggers_filled_event(self, mock_api):
        order = self.track_order()
        self.configure_full_fill_trade_response(order, mock_api)

        await self.exchange._update_order_fills_from_trades()

        event: OrderFilledEvent = self.order_filled_logger.event_log[0]
        self.assertEqual(order.client_order_id, event.order_id)
        self.assertEqual(Decimal("10000"), event.price)
        self.assertEqual(Decimal("1"), event.amount)
        self.assertEqual(self.expected_fill_fee, event.trade_fee)
        self.assertEqual(self.expected_fill_trade_id, event.exchange_trade_id)

    @aioresponses()
    async def test_update_order_fills_request_parameters(self, mock_api):
        order = self.track_order()
        venue_clock = self.exchange._time_synchronizer
        venue_clock.add_time_offset_ms_sample((1640780000 - venue_clock._current_seconds_counter()) * 1e3)
        venue_clock._time_offset_ms.popleft()
        mock_api.get(FILLS_URL, body=venue_data.success([self.venue_fill(order)]), repeat=True)

        with patch.object(self.exchange, "_time", return_value=1640780000):
            await self.exchange._update_order_fills_from_trades()
            await self.exchange._update_order_fills_from_trades()
            await self.exchange._all_trade_updates_for_order(order)

        first, second, of_order = [url.query for _, url in mock_api.requests]
        self.assertEqual({"start_time", "order", "limit"}, set(first))
        self.assertEqual("asc", first["order"])
        self.assertEqual("1000", first["limit"])
        self.assertAlmostEqual(1640780000 - 60, float(first["start_time"]), delta=1)
        self.assertAlmostEqual(venue_data.EPOCH_SECONDS, float(second["start_time"]), delta=0.01)
        self.assertLess(float(second["start_time"]), venue_data.EPOCH_SECONDS)
        self.assertEqual(str(self.expected_exchange_order_id), of_order["orderId"])

    @aioresponses()
    async def test_update_order_fills_from_trades_with_repeated_fill_triggers_only_one_event(self, mock_api):
        order = self.track_order()
        fill = self.venue_fill(order)
        mock_api.get(FILLS_URL, body=venue_data.success([fill, fill]), repeat=True)

        await self.exchange._update_order_fills_from_trades()
        await self.exchange._update_order_fills_from_trades()

        self.assertEqual(1, len(self.order_filled_logger.event_log))

    # ------------------------------------------------------------------------------------ update_order_status tests

    @aioresponses()
    async def test_update_order_status_when_failed(self, mock_api):
        """The one way in which an order fails after its placement was sent: the venue never got it."""
        self.exchange._recall()
        order = self.track_order(exchange_order_id=None)
        path = web_utils.filled_path(CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL, client_order_id=order.client_order_id)
        self.configure_open_orders(mock_api)
        self.configure_open_orders(mock_api)
        mock_api.get(FILLS_URL, body=venue_data.success([]), repeat=True)
        not_found = {"status": 404, "body": venue_data.refusal("Order not found"), "repeat": True}
        mock_api.get(web_utils.private_rest_url(path), **not_found)

        with patch.object(self.exchange._pace, "now", side_effect=[1000.0, 1010.0]):
            await self.exchange._update_order_status()
            self.assertIn(order.client_order_id, self.exchange.in_flight_orders)
            await self.exchange._update_order_status()
        await asyncio.sleep(0)

        self.assertNotIn(order.client_order_id, self.exchange.in_flight_orders)
        event = self.order_failure_logger.event_log[0]
        self.assertEqual(order.client_order_id, event.order_id)
        self.assertIn("Order not found", event.error_message)

    # ---------------------------------------------------------------------------------------- user stream tests

    async def process_frames(self, *frames: Any):
        for frame in frames:
            self.exchange._user_stream_tracker.user_stream.put_nowait(frame)
        listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        while not self.exchange._user_stream_tracker.user_stream.empty():
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        listener.cancel()

    async def test_user_stream_update_for_order_failure(self):
        """Acme has no failed orders: what it took and could not execute, such as a post-only order that would have
        been matched, it closes unfilled. That is a cancelled order, and must not be reported as anything else."""
        order = self.track_order(order_type=OrderType.LIMIT_MAKER)

        await self.process_frames(venue_data.frame("orders", self.venue_order(order, status="closed", postOnly=True)))

        event: OrderCancelledEvent = self.order_cancelled_logger.event_log[0]
        self.assertEqual(order.client_order_id, event.order_id)
        self.assertEqual(0, len(self.order_failure_logger.event_log))
        self.assertNotIn(order.client_order_id, self.exchange.in_flight_orders)

    # ------------------------------------------------------------------------------------------- funding info tests

    @aioresponses()
    async def test_init_funding_info(self, mock_api):
        mock_api.get(self.funding_info_url, body=json.dumps(self.funding_info_mock_response))

        await self.exchange._init_funding_info()

        funding_info = self.exchange.get_funding_info(self.trading_pair)
        self.assertEqual(self.target_funding_info_index_price, funding_info.index_price)
        self.assertEqual(self.target_funding_info_mark_price, funding_info.mark_price)
        self.assertEqual(self.target_funding_info_next_funding_utc_timestamp, funding_info.next_funding_utc_timestamp)
        self.assertEqual(self.target_funding_info_rate, funding_info.rate)

    async def run_funding_info_loop(self, mock_api: aioresponses, *events: Any):
        mock_api.get(self.funding_info_url, body=json.dumps(self.funding_info_mock_response))
        subscription = Subscription(self.trading_pair, self.exchange_trading_pair, MagicMock(), MagicMock())
        for event in events:
            self.exchange._orderbook_ds._take_funding(subscription, event, MagicMock(), now=0.0)
        self.exchange._perpetual_trading.start()
        self.addCleanup(self.exchange._perpetual_trading.stop)
        listener = asyncio.ensure_future(self.exchange._listen_for_funding_info())
        self.addCleanup(listener.cancel)
        async with asyncio.timeout(PATIENCE):
            while self.exchange._perpetual_trading._funding_info.get(self.trading_pair) is None:
                await asyncio.sleep(0)
            while self.exchange.get_funding_info(self.trading_pair).rate != self.target_funding_info_rate_ws_updated:
                await asyncio.sleep(0)

    @aioresponses()
    async def test_update_funding_info_polling_loop_success(self, mock_api):
        """Acme's funding info comes from a channel, which the loop listens to, and not from polls."""
        await self.run_funding_info_loop(mock_api, self.funding_info_event_for_websocket_update())

        funding_info = self.exchange.get_funding_info(self.trading_pair)
        self.assertEqual(self.target_funding_info_index_price_ws_updated, funding_info.index_price)
        self.assertEqual(self.target_funding_info_mark_price_ws_updated, funding_info.mark_price)
        self.assertEqual(
            self.target_funding_info_next_funding_utc_timestamp_ws_updated, funding_info.next_funding_utc_timestamp
        )

    @aioresponses()
    async def test_update_funding_info_polling_loop_raise_exception(self, mock_api):
        """A malformed frame does not end the loop."""
        malformed = self.funding_info_event_for_websocket_update()
        malformed["data"] = {**malformed["data"], "mark": "high"}

        await self.run_funding_info_loop(mock_api, malformed, self.funding_info_event_for_websocket_update())

        funding_info = self.exchange.get_funding_info(self.trading_pair)
        self.assertEqual(self.target_funding_info_mark_price_ws_updated, funding_info.mark_price)
