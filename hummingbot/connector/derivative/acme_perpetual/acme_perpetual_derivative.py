"""The connector: perpetual futures on Acme, as Hummingbot trades them."""

import asyncio
import math
from decimal import Decimal
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Set, Tuple

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.constants import s_decimal_NaN
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_market_data as market_data,
    acme_perpetual_order_checks as order_checks,
    acme_perpetual_servers as servers,
    acme_perpetual_stream as stream,
    acme_perpetual_utils as utils,
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_warnings import (
    AccountWarnings,
    is_key_unknown,
    is_refused_for_good,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_order_book_data_source import (
    AcmePerpetualAPIOrderBookDataSource,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_api_user_stream_data_source import (
    AcmePerpetualAPIUserStreamDataSource,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_cancellation import OrderCanceller
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_clock import VenueClock
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_doubts import OrderDoubts
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_funding import FundingPayments
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_holdings import Holdings
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_journal import (
    FundingMemory,
    PlacementJournal,
    account_name,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_book_tracker import (
    AcmePerpetualOrderBookTracker,
    DirectStream,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_checks import UnsendableOrder
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_ids import OrderIds
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_order_tracker import (
    AcmePerpetualOrderTracker,
    find_order,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_pace import Pace
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_placement import (
    PlacementNeverArrived,
    Placements,
    PlacementVerdict,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_terms import AccountTerms, is_final
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeRequestError,
    is_clock_error,
    says,
)
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.cancellation_result import CancellationResult
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.funding_info import FundingInfoUpdate
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.data_type.order_book_tracker_data_source import OrderBookTrackerDataSource
from hummingbot.core.data_type.trade_fee import TradeFeeBase
from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.event.events import MarketEvent, MarketOrderFailureEvent
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.core.utils.async_utils import safe_ensure_future, safe_gather
from hummingbot.core.utils.estimate_fee import build_perpetual_trade_fee
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

FUNDING_FIELDS = ("index_price", "mark_price", "next_funding_utc_timestamp", "rate")


class AcmePerpetualDerivative(PerpetualDerivativePyBase):
    """A connector to one account of an Acme venue.

    :param acme_perpetual_api_key: the account's API key; empty for public data only
    :param acme_perpetual_api_secret: the secret of that key
    :param acme_perpetual_server: the venue's address, as `acme_perpetual_servers.normalized_server` takes it; empty for
        the default server or, without a key, for the one that this Hummingbot was told
    :param acme_perpetual_subaccount: the name of the key's subaccount that is traded on; empty for the account itself
    :param trading_pairs: such as `BTC-USD`
    :param trading_required: False for public data only
    :param domain: the name of the connector, of which Hummingbot has two; or the server where `acme_perpetual_server`
        names none
    :param rate_limits_share_pct: how much of the account's rate limits is this connector's; None: what Hummingbot's
        setting of that name says
    :raises ValueError: when the server's address is none, or not safe to send keys to
    """

    web_utils = web_utils
    LONG_POLL_INTERVAL = CONSTANTS.STATUS_POLL_INTERVAL
    _funding_fee_polling_task: Optional[asyncio.Task]

    def __init__(
        self,
        acme_perpetual_api_key: Optional[str] = None,
        acme_perpetual_api_secret: Optional[str] = None,
        acme_perpetual_server: str = "",
        acme_perpetual_subaccount: str = "",
        trading_pairs: Optional[List[str]] = None,
        trading_required: bool = True,
        domain: str = CONSTANTS.DEFAULT_DOMAIN,
        balance_asset_limit: Optional[Dict[str, Dict[str, Decimal]]] = None,
        rate_limits_share_pct: Optional[Decimal] = None,
    ):
        self._api_key = acme_perpetual_api_key
        self._api_secret = acme_perpetual_api_secret
        self._name = domain if domain in CONSTANTS.REST_URLS else CONSTANTS.EXCHANGE_NAME
        self._domain = self._meant_domain(acme_perpetual_server, domain)
        self._subaccount = acme_perpetual_subaccount
        self._trading_pairs = trading_pairs if trading_pairs is not None else []
        self._trading_required = trading_required
        rate_limits_share_pct = rate_limits_share_pct or utils.configured_share()
        account = account_name(self._domain, acme_perpetual_api_key, acme_perpetual_subaccount)
        self._journal = PlacementJournal(account)
        self._pace = Pace()
        self._order_ids = OrderIds()
        self._doubts = OrderDoubts()
        self._own_throttler = web_utils.create_throttler(rate_limits_share_pct)
        self._clock = VenueClock(self._own_throttler, self._domain)
        self._clock_asked_at = -math.inf
        self._account = AcmePerpetualAccountApi(
            get=self._api_get, post=self._api_post, delete=self._api_delete, logger=self.logger()
        )
        self._has_recalled = False
        super().__init__(balance_asset_limit, rate_limits_share_pct)
        self._last_fill_time = 0.0
        self._is_taking_frame = False
        self._last_symbols: Mapping[str, str] = {}
        self._market_names: Dict[str, str] = {}
        self._smallest_resting_sizes: Dict[str, Decimal] = {}
        self._markets_left_out: Set[str] = set()
        self._make_parts(account, rate_limits_share_pct)

    def _make_parts(self, account: str, rate_limits_share_pct: Decimal):
        """Makes the parts that work on what the base class has made: its order tracker, balances and positions."""
        orders = self._account, self._order_tracker, self._doubts
        placements_at_once = max(1, int(CONSTANTS.PLACEMENTS_PER_SECOND * rate_limits_share_pct / 100))
        self._placements = Placements(*orders, self._clock, self._pace, self.logger(), placements_at_once)
        self._canceller = OrderCanceller(*orders, self._pace, self.logger())
        self._terms = AccountTerms(self._account)
        self._holdings = Holdings(
            self._account, self._account_balances, self._account_available_balances, self._perpetual_trading
        )
        self._funding = FundingPayments(
            self,
            self._account,
            FundingMemory(account),
            self._last_funding_fee_payment_ts,
            self._trading_pairs,
            self.logger(),
        )
        self._account_warnings = AccountWarnings(self._name, self._domain, self._pace, self.logger())

    def _meant_domain(self, server: str, domain: str) -> str:
        """The server that was written, or the one that `domain` names; without a key, the one that is known."""
        written = servers.normalized_server(server)
        if written or self._api_key or domain not in CONSTANTS.REST_URLS:
            return written or domain
        return servers.known_domain(domain)

    # ------------------------------------------------------------------------------------------- what the venue is

    @property
    def name(self) -> str:
        return self._name

    @property
    def authenticator(self) -> AcmePerpetualAuth:
        # The base class has no method that makes its clock; this is the first that is given it.
        self._time_synchronizer = self._clock
        return AcmePerpetualAuth(self._api_key, self._api_secret, self._clock, self._subaccount)

    @property
    def rate_limits_rules(self) -> List[RateLimit]:
        return CONSTANTS.RATE_LIMITS

    @property
    def domain(self) -> str:
        return self._domain

    @property
    def client_order_id_max_length(self) -> int:
        return CONSTANTS.MAX_ORDER_ID_LENGTH

    @property
    def client_order_id_prefix(self) -> str:
        return CONSTANTS.HBOT_ORDER_ID_PREFIX

    @property
    def trading_rules_request_path(self) -> str:
        return CONSTANTS.MARKETS_PATH_URL

    @property
    def trading_pairs_request_path(self) -> str:
        return CONSTANTS.MARKETS_PATH_URL

    @property
    def check_network_request_path(self) -> str:
        return CONSTANTS.PING_PATH_URL

    @property
    def current_timestamp(self) -> float:
        """What Hummingbot's clock says, in seconds since the epoch; the system's, where no clock was ever told, as in
        hummingbot-api: what the orders of a connector without the time were filled by could not be asked for."""
        clock_time: float = super().current_timestamp
        return self._time() if math.isnan(clock_time) else clock_time

    @property
    def trading_pairs(self) -> List[str]:
        return self._trading_pairs

    @property
    def status_dict(self) -> Dict[str, bool]:
        """As in the base class; the account counts as known when its positions and its terms are, too: a strategy must
        not begin before it can see what it begins with. Books count while their streams confirm them."""
        status = super().status_dict
        if self._trading_required:
            status["account_balance"] &= self._holdings.knows_positions and self._terms.known is not None
        books = self.order_books
        is_followed = bool(books) or not self._trading_pairs
        status["order_books_initialized"] &= is_followed and not any(map(self._orderbook_ds.book_age, books))
        # Of a pair whose market is closed nothing is known, and the others are traded.
        status["funding_info"] = is_followed and books.keys() <= self._perpetual_trading._funding_info.keys()
        return status

    @property
    def is_cancel_request_in_exchange_synchronous(self) -> bool:
        """A cancel is queued, and the order may still be filled: it is over when the venue says it is closed."""
        return False

    @property
    def is_trading_required(self) -> bool:
        return self._trading_required

    @property
    def funding_fee_poll_interval(self) -> int:
        return CONSTANTS.FUNDING_FEE_POLL_INTERVAL

    def supported_order_types(self) -> List[OrderType]:
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    def supported_position_modes(self) -> List[PositionMode]:
        return [PositionMode.ONEWAY, PositionMode.HEDGE]

    def get_buy_collateral_token(self, trading_pair: str) -> str:
        return CONSTANTS.QUOTE_ASSET

    def get_sell_collateral_token(self, trading_pair: str) -> str:
        return CONSTANTS.QUOTE_ASSET

    def _create_web_assistants_factory(self) -> WebAssistantsFactory:
        # Nor has it one that makes its throttler; this is the first that is given it.
        self._throttler = self._own_throttler
        return web_utils.build_api_factory(
            throttler=self._throttler, time_synchronizer=self._clock, auth=self._auth, domain=self._domain
        )

    def _create_order_book_data_source(self) -> OrderBookTrackerDataSource:
        return AcmePerpetualAPIOrderBookDataSource(
            trading_pairs=self._trading_pairs,
            connector=self,
            api_factory=self._web_assistants_factory,
            domain=self._domain,
        )

    def _set_order_book_tracker(self, order_book_tracker: OrderBookTracker):
        # The base class has no method that makes its tracker; this one puts another in its place.
        super()._set_order_book_tracker(
            AcmePerpetualOrderBookTracker(self._orderbook_ds, self._trading_pairs, self._domain)
        )

    def _create_user_stream_data_source(self) -> UserStreamTrackerDataSource:
        return AcmePerpetualAPIUserStreamDataSource(
            auth=self._auth, api_factory=self._web_assistants_factory, domain=self._domain
        )

    def _create_order_tracker(self) -> AcmePerpetualOrderTracker:
        return AcmePerpetualOrderTracker(self, self._account, self._journal, self._doubts, self._pace)

    def _is_request_exception_related_to_time_synchronizer(self, request_exception: Exception) -> bool:
        return is_clock_error(request_exception)

    def _is_order_not_found_during_status_update_error(self, status_update_exception: Exception) -> bool:
        return says(status_update_exception, CONSTANTS.ORDER_NOT_FOUND_ERROR)

    def _is_order_not_found_during_cancelation_error(self, cancelation_exception: Exception) -> bool:
        return says(cancelation_exception, CONSTANTS.ORDER_NOT_FOUND_ERROR)

    # ------------------------------------------------------------------------------------------- starting, stopping

    async def start_network(self):
        if self._trading_required:
            self._recall()
        await super().start_network()

    def _recall(self):
        """Takes up, once, what an earlier process knew: how far funding was reported, and orders on their way.

        Whoever hosts the connector may start it in another way than Hummingbot's client does, so it is called wherever
        the account is first dealt with.
        """
        if self._has_recalled:
            return
        self._has_recalled = True
        self._funding.recall()
        self._take_up_placements()
        for order in list(self.in_flight_orders.values()):
            if order.is_pending_create and not self._doubts.is_looked_after(order.client_order_id):
                safe_ensure_future(self._resolve_restored_placement(order))

    async def check_network(self) -> NetworkStatus:
        """Whether the venue answers and, where there is an account to trade on, takes its key: then one request tells
        both."""
        is_key_taken = await self._is_key_taken() if self._trading_required else None
        if is_key_taken is None and not await self._does_venue_answer():
            return NetworkStatus.NOT_CONNECTED
        if is_key_taken is False:
            return NetworkStatus.NOT_CONNECTED
        self._account_warnings.all_is_well()
        return NetworkStatus.CONNECTED

    async def _is_key_taken(self) -> Optional[bool]:
        """None where the venue does not say; when it answers nothing but the ping, that is for whoever needs more to
        deal with."""
        try:
            self._take_over_terms(await self._terms.ask())
        except (AcmeRequestError, wire.WireError) as error:
            return False if self._note_refusal(error) else None
        return True

    async def _does_venue_answer(self) -> bool:
        try:
            await self._make_network_check_request()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._account_warnings.warn("reach the venue", error)
            return False
        return True

    def _note_refusal(self, error: Exception) -> bool:
        """Whether the venue refuses the account's key for good: what was known of the account is then not current."""
        is_refused = is_refused_for_good(error)
        if is_refused:
            is_news = not self._account_warnings.is_key_refused
            self._account_warnings.warn("sign in", error)
            self._holdings.forget()
            if is_news and is_key_unknown(error):
                self._pause_strategies(error)
        return is_refused

    def _pause_strategies(self, error: Exception):
        """Tells strategies that the account's mode is not known: version 1 then neither orders nor cancels, which it
        would try and log every second, until the connector is ready again and the mode is set anew."""
        reason = f"the venue refuses the API key ({error}), and nothing is traded until it is taken"
        self._fire_position_mode_events(self._perpetual_trading.position_mode, success=False, message=reason)

    async def _until_answered(self, what: str, ask: Callable[[], Awaitable[None]]):
        """Does what asks the venue, again and again until it answers. The base class's loops log a traceback with each
        attempt, twice a second."""
        delay = CONSTANTS.CATCH_UP_DELAY
        while True:
            try:
                return await ask()
            except (AcmeRequestError, wire.WireError) as error:
                self._note_refusal(error)
                self._account_warnings.warn(what, error)
            await self._sleep(delay)
            delay = min(2 * delay, CONSTANTS.RECONNECT_DELAY_MAX)

    async def _listen_for_funding_info(self):
        # The base class passes each change through a queue and a task of its own.
        self._orderbook_ds.bring_funding_to(DirectStream(self._update_funding_info))
        await super()._listen_for_funding_info()

    def _update_funding_info(self, update: FundingInfoUpdate):
        funding_info = self._perpetual_trading._funding_info.get(update.trading_pair)
        if funding_info is None:
            return
        for name in FUNDING_FIELDS:
            value = getattr(update, name)
            if value is not None:
                setattr(funding_info, name, value)

    async def _init_funding_info(self):
        """Asks until it is answered. The base class asks once, and without an answer no strategy would ever begin."""
        while True:
            try:
                return await self._request_funding_info(self._trading_pairs)
            except (AcmeRequestError, wire.WireError) as error:
                self.logger().warning(f"Could not fetch the markets' funding ({error}). Asking again.")
            await self._sleep(CONSTANTS.CATCH_UP_DELAY)

    async def _request_funding_info(self, trading_pairs: List[str]):
        """The funding of those of these pairs that are traded, in one request, however many they are.

        :raises WireError: when the answer is malformed, or the markets are not known yet
        """
        symbols = await self.trading_pair_symbol_map()
        if not symbols:
            raise wire.WireError("the venue's markets are not known yet")
        pairs = [pair for pair in trading_pairs if pair in symbols.inverse]
        if len(pairs) == 1:  # the answer for all markets may be a large one
            self._perpetual_trading.initialize_funding_info(await self._orderbook_ds.get_funding_info(pairs[0]))
        elif pairs:
            for funding_info in await self._orderbook_ds.get_all_funding_info(pairs):
                self._perpetual_trading.initialize_funding_info(funding_info)

    async def ask_for_markets(self, trading_pairs: List[str]):
        """Asks which markets there are now, for the rules and the funding of these pairs, which were closed."""
        await self._update_trading_rules()
        await self._request_funding_info(trading_pairs)

    async def stop_network(self):
        # The base class leaves this loop running, and begins another when the network is back.
        if self._funding_fee_polling_task is not None:
            self._funding_fee_polling_task.cancel()
            self._funding_fee_polling_task = None
        # It also forgets what was seen, and takes what fell during an outage for old when the network is back.
        seen = dict(self._last_funding_fee_payment_ts)
        await super().stop_network()
        self._last_funding_fee_payment_ts.update(seen)

    def _take_up_placements(self):
        """Tracks, and cancels, the orders whose placement was under way when an earlier process was killed.

        Those that Hummingbot saved are tracked again already, and its strategy may go on with them. Of the others no
        strategy knows.
        """
        for order_id, state in self._journal.inherit().items():
            order = self._order_tracker.all_updatable_orders.get(order_id)
            if order is None:
                self._order_tracker.restore_tracking_states({order_id: state})
                order = self._order_tracker.all_updatable_orders[order_id]
                self.logger().warning(f"Order {order_id} was being placed when Hummingbot was killed. Cancelling it.")
                safe_ensure_future(self._execute_order_cancel(order))
            elif not order.is_pending_create:
                self._journal.settle(order_id)

    # ------------------------------------------------------------------------------------------- markets and rules

    def _initialize_trading_pair_symbols_from_exchange_info(self, exchange_info: Dict[str, Any]):
        symbols = market_data.trading_pair_symbols(market_data.markets(exchange_info))
        # A market that is disabled while we trade on it still has our orders to cancel and our position to show.
        for symbol, trading_pair in self._last_symbols.items():
            if trading_pair in self._trading_pairs and trading_pair not in symbols.inverse:
                symbols[symbol] = trading_pair
        self._last_symbols = symbols
        self._set_trading_pair_symbol_map(symbols)

    def _set_trading_pair_symbol_map(self, trading_pair_and_symbol_map: Optional[Mapping[str, str]]):
        super()._set_trading_pair_symbol_map(trading_pair_and_symbol_map)
        self._market_names = {pair: symbol for symbol, pair in (trading_pair_and_symbol_map or {}).items()}

    async def _format_trading_rules(self, exchange_info_dict: Dict[str, Any]) -> List[TradingRule]:
        # An order for a market that was disabled is for the venue to refuse, in its words: the last rule stays known.
        rules = {pair: rule for pair, rule in self._trading_rules.items() if pair in self._trading_pairs}
        for entry in filter(market_data.is_tradable, market_data.markets(exchange_info_dict)):
            try:
                rule = market_data.trading_rule(entry)
                self._smallest_resting_sizes[rule.trading_pair] = market_data.smallest_resting_size(entry)
            except Exception as error:  # whatever is wrong with one market, the others are traded
                self._leave_out(market_data.market_name(entry), error)
            else:
                rules[rule.trading_pair] = rule
        return list(rules.values())

    def _leave_out(self, market_name: str, error: Exception):
        if market_name not in self._markets_left_out:
            self._markets_left_out.add(market_name)
            self.logger().error(f"{market_name} cannot be traded through Hummingbot, and is left out: {error}.")

    async def _get_last_traded_price(self, trading_pair: str) -> float:
        """The last traded price in USD, or the venue's price where nothing was traded yet; where there is neither 0,
        which Hummingbot takes for none."""
        prices = market_data.last_prices(await self._api_get(path_url=CONSTANTS.MARKETS_PATH_URL))
        return prices.get(trading_pair, 0.0)

    # ------------------------------------------------------------------------------------------------ the account

    async def _update_trading_rules(self):
        await self._until_answered("fetch the markets", super()._update_trading_rules)

    async def _initialize_trading_pair_symbol_map(self):
        try:
            self._initialize_trading_pair_symbols_from_exchange_info(await self._make_trading_pairs_request())
        except (AcmeRequestError, wire.WireError) as error:
            self._account_warnings.warn("fetch the markets", error)
        except Exception:
            self.logger().exception("Unexpected error while fetching the markets.")

    async def _update_trading_fees(self):
        await self._until_answered("fetch the account's position mode, leverage and fees", self._ask_for_terms)

    async def _ask_for_terms(self):
        self._take_over_terms(await self._terms.ask())
        await self._do_what_was_wanted()

    def _take_over_terms(self, terms: account_data.AccountSettings):
        # Hummingbot estimates fees in several places (budget checker, strategies, `_get_fee`), all of them from this
        # one object. What the user wrote into `conf_fee_overrides.yml` is laid over it with every use.
        fee_schema = self.trade_fee_schema()
        fee_schema.maker_percent_fee_decimal = terms.maker_fee
        fee_schema.taker_percent_fee_decimal = terms.taker_fee
        self._holdings.note_leverage(terms.leverage)
        if not self._set_position_mode_lock.locked():
            self._perpetual_trading.set_position_mode(terms.position_mode)

    def _get_fee(
        self,
        base_currency: str,
        quote_currency: str,
        order_type: OrderType,
        order_side: TradeType,
        position_action: PositionAction,
        amount: Decimal,
        price: Decimal = s_decimal_NaN,
        is_maker: Optional[bool] = None,
    ) -> TradeFeeBase:
        maker = order_type is OrderType.LIMIT_MAKER if is_maker is None else is_maker
        tokens = base_currency, quote_currency
        return build_perpetual_trade_fee(
            self.name, maker, position_action, *tokens, order_type, order_side, amount, price
        )

    async def _initialize_position_mode(self):
        """Does nothing. The base class asks once, and takes the account for a one-way one where there is no answer;
        here the loop asks that fetches the fees, until it has one."""

    async def _fetch_account_position_mode(self) -> Optional[PositionMode]:
        return (await self._terms.ask()).position_mode

    async def _execute_set_position_mode(self, mode: PositionMode):
        """As in the base class, which does nothing while there is no pair: Acme's mode is the account's (Acme API
        §5)."""
        if self._trading_pairs:
            await super()._execute_set_position_mode(mode)
            return
        async with self._set_position_mode_lock:
            is_set, message = await self._trading_pair_position_mode_set(mode, "")
            if is_set:
                self._perpetual_trading.set_position_mode(mode)
                self.logger().info(f"Position mode switched to {mode}.")
            else:
                self.logger().error(f"Failed to set position mode to {mode}: {message}")

    async def _trading_pair_position_mode_set(self, mode: PositionMode, trading_pair: str) -> Tuple[bool, str]:
        return await self._success_and_message(self._terms.set_mode(mode), f"position mode {mode.name}")

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> Tuple[bool, str]:
        change = self._terms.set_leverage(trading_pair, leverage)
        is_set, message = await self._success_and_message(change, f"leverage {leverage}")
        if is_set:
            self._holdings.note_leverage(leverage)
        return is_set, message

    async def _success_and_message(self, change: Awaitable[None], what: str) -> Tuple[bool, str]:
        """Has a change of the account's terms made; where it is not, says so where users look, in `status` too."""
        try:
            await change
        except AcmeRequestError as error:
            self._note_refusal(error)
            if is_final(error):
                refusal = f"The venue refuses {what}: {error}. The account is traded as it is."
                self.logger().network(refusal, app_warning_msg=refusal)
            else:
                self._account_warnings.warn(f"set {what}", error)
            return False, str(error)
        return True, ""

    async def _do_what_was_wanted(self):
        """Makes the changes of the account's terms for which the venue could not be asked when a strategy wanted
        them."""
        if self._terms.wanted_mode is not None:
            await self._execute_set_position_mode(self._terms.wanted_mode)
        if self._terms.wanted_leverage is not None:
            await self._execute_set_leverage(*self._terms.wanted_leverage)

    def get_leverage(self, trading_pair: str) -> int:
        """The account has one leverage for all of its markets (Acme API §5), those included that are added later, or
        removed while there still is a position."""
        return self._terms.leverage or super().get_leverage(trading_pair)

    async def _update_balances(self):
        try:
            await self._holdings.update_balances()
        except AcmeRequestError as error:
            self._note_refusal(error)
            raise

    async def _update_positions(self):
        trading_pairs = await self.trading_pair_symbol_map()
        await self._holdings.update_positions(trading_pairs, self._terms.leverage or 1)
        await self._know_terms()

    async def _know_terms(self):
        if self._terms.known is None:
            self._take_over_terms(await self._terms.ask())

    # --------------------------------------------------------------------------------------------------- funding

    async def _fetch_last_fee_payment(self, trading_pair: str) -> Tuple[float, Decimal, Decimal]:
        last = await self._funding.last(await self.exchange_symbol_associated_to_pair(trading_pair))
        return (0, Decimal("-1"), Decimal("-1")) if last is None else (last.time, last.rate, last.amount)

    async def _update_all_funding_payments(self, fire_event_on_new: bool):
        """Reports every payment since the last one seen, with one request for all markets.

        The first time that a pair is traded, its last payment is only noted: payments from before are history. From
        then on a restart makes no difference: what was paid while no bot ran is reported by the next one.
        """
        try:
            await self._report_new_funding_payments()
            markets = (await self.trading_pair_symbol_map()).inverse
            for trading_pair in self._trading_pairs:
                if trading_pair in markets and trading_pair not in self._last_funding_fee_payment_ts:
                    self._emit_funding_payment_event(
                        trading_pair, *await self._fetch_last_fee_payment(trading_pair), False
                    )
            self._funding.keep()
        except (AcmeRequestError, wire.WireError) as error:
            self._note_refusal(error)
            self._account_warnings.warn("fetch funding payments", error)
        except Exception:
            self.logger().exception("Unexpected error while fetching funding payments.")

    async def _report_new_funding_payments(self):
        await self._funding.report_new((await self.trading_pair_symbol_map()).inverse)

    def _emit_funding_payment_event(
        self,
        trading_pair: str,
        timestamp: float,
        funding_rate: Decimal,
        payment_amount: Decimal,
        fire_event_on_new: bool,
    ):
        self._funding.report(trading_pair, timestamp, funding_rate, payment_amount, fire_event_on_new)

    # ------------------------------------------------------------------------------------------------- placement

    def buy(self, *order: Any, **terms: Any) -> str:
        """As in the base class; see `_begin_order`."""
        return self._begin_order(TradeType.BUY, *order, **terms)

    def sell(self, *order: Any, **terms: Any) -> str:
        """As in the base class; see `_begin_order`."""
        return self._begin_order(TradeType.SELL, *order, **terms)

    def _begin_order(
        self,
        trade_type: TradeType,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType = OrderType.LIMIT,
        price: Decimal = s_decimal_NaN,
        **kwargs,
    ) -> str:
        """Begins to place an order; returns its id, which the base class has the machine's name worked out for with
        each order."""
        order_id = self._order_ids.new(trade_type, trading_pair)
        safe_ensure_future(self._create_order(trade_type, order_id, trading_pair, amount, order_type, price, **kwargs))
        return order_id

    async def _create_order(
        self,
        trade_type: TradeType,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType,
        price: Optional[Decimal] = None,
        position_action: PositionAction = PositionAction.NIL,
        **kwargs,
    ):
        if order_type is OrderType.MARKET and (price is None or price.is_nan()) and self._is_without_bids(trading_pair):
            # The base class values such an order by the best bid; without one it would be lost before it was sent.
            price = self.get_funding_info(trading_pair).mark_price
        try:
            self._check_order(trade_type, trading_pair, amount, order_type, price, position_action)
        except UnsendableOrder as error:
            self._report_unsendable(order_id, order_type, error)
            return
        await super()._create_order(
            trade_type, order_id, trading_pair, amount, order_type, price, position_action, **kwargs
        )

    def _check_order(
        self,
        trade_type: TradeType,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType,
        price: Optional[Decimal],
        position_action: PositionAction,
    ):
        if trading_pair in self.order_books and not (
            order_type is OrderType.MARKET and position_action is PositionAction.CLOSE
        ):
            order_checks.check_book(trading_pair, self._orderbook_ds.book_age(trading_pair))
        rule = self._trading_rules.get(trading_pair)
        order_checks.check_asked(trading_pair, rule, order_type, amount, price, position_action)
        amount = self.quantize_order_amount(trading_pair, amount)
        if order_type.is_limit_type() and rule.min_order_size <= amount:
            smallest = self._smallest_resting_sizes.get(trading_pair, amount)
            if amount < smallest:
                price = self.quantize_order_price(trading_pair, price)
                book = self.order_books.get(trading_pair)
                order_checks.check_resting(order_type, trade_type, amount, price, smallest, book)

    def _report_unsendable(self, order_id: str, order_type: OrderType, error: UnsendableOrder):
        """Reports an order as failed that Hummingbot's tracker never sees: it could not reckon with its numbers."""
        self.logger().warning(f"Order {order_id} was not sent. {error}.")
        self.trigger_event(
            MarketEvent.OrderFailure,
            MarketOrderFailureEvent(
                self.current_timestamp, order_id, order_type, error_message=str(error), error_type=type(error).__name__
            ),
        )

    def _is_without_bids(self, trading_pair: str) -> bool:
        return trading_pair in self.order_books and self.get_price(trading_pair, False).is_nan()

    async def _place_order(
        self,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        trade_type: TradeType,
        order_type: OrderType,
        price: Decimal,
        position_action: PositionAction = PositionAction.NIL,
        **kwargs,
    ) -> Tuple[str, float]:
        if self._terms.known is None:
            await self._know_terms()
        market_name = self._market_names.get(trading_pair)
        request = account_data.place_order_request(
            market_name=market_name or await self.exchange_symbol_associated_to_pair(trading_pair),
            client_order_id=order_id,
            trade_type=trade_type,
            order_type=order_type,
            position_action=position_action,
            position_mode=self.position_mode,
            amount=amount,
            price=price,
        )
        venue_order = await self._placements.send(order_id, request)
        return venue_order.exchange_order_id, self.current_timestamp

    def _on_order_failure(
        self,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        trade_type: TradeType,
        order_type: OrderType,
        price: Optional[Decimal],
        exception: Exception,
        **kwargs,
    ):
        """As in the base class, which tells the user to check API key and network, whatever the venue said."""
        order = f"{trade_type.name.lower()} {order_type.name.upper()} order"
        if is_key_unknown(exception):
            self._note_refusal(exception)
        else:
            self.logger().network(
                f"Error submitting {order} to {self.name_cap} for {amount} {trading_pair} {price}.",
                exc_info=exception,
                app_warning_msg=f"The {order} {order_id} for {amount} {trading_pair} was not placed: {exception}.",
            )
        self._update_order_after_failure(order_id=order_id, trading_pair=trading_pair, exception=exception)

    async def _place_order_and_process_update(self, order: InFlightOrder, **kwargs) -> Optional[str]:
        order_id = order.client_order_id
        doubt = self._doubts.of(order_id)
        doubt.is_being_placed = True
        self._recall()
        try:
            self._journal.note(order)
            placed = await self._place_order(
                order.client_order_id,
                order.trading_pair,
                order.amount,
                order.trade_type,
                order.order_type,
                order.price,
                **kwargs,
            )
            await self._order_tracker.process_placed_order(order, *placed)
            return placed[0]
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self._placements.is_in_doubt(order_id, error):
                self._doubts.placement_is_certain(order_id)
                raise
            return await self._placements.resolve_after(order, error)
        finally:
            doubt.is_being_placed = False

    async def _resolve_restored_placement(self, order: InFlightOrder):
        """Asks at once for an order of an earlier process, rather than with every status poll: strategies wait for
        it."""
        doubt = self._doubts.of(order.client_order_id)
        doubt.is_being_placed = True
        try:
            self._conclude_placement(order, await self._placements.resolve(order))
        finally:
            doubt.is_being_placed = False

    # ------------------------------------------------------------------------------------------------ cancelling

    async def cancel_all(self, timeout_seconds: float) -> List[CancellationResult]:
        """As in the base class; then waits, within its time, for the cancelled orders' ends, as long as there are any,
        so that they are on record when the session ends with this call."""
        ends_at = self._pace.now() + timeout_seconds
        results = await super().cancel_all(timeout_seconds)
        cancelled = [result.order_id for result in results if result.success]
        try:
            async with asyncio.timeout(max(ends_at - self._pace.now(), CONSTANTS.CANCELLED_ORDERS_DEADLINE)):
                await self._order_tracker.wait_until_ended(cancelled)
        except TimeoutError:
            self.logger().debug("Some cancelled orders are not closed yet.")
        return results

    @property
    def tracking_states(self) -> Dict[str, Any]:
        return self._order_tracker.saved_states()

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        try:
            return await self._canceller.cancel(tracked_order)
        except AcmeRequestError as error:
            if not is_key_unknown(error):
                raise
            self._note_refusal(error)
            return False

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        return account_data.order_update(
            await self._account.order(tracked_order), tracked_order, self.current_timestamp
        )

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> List[TradeUpdate]:
        return await self._order_tracker.ask_for_fills(order)

    # ----------------------------------------------------------------------------------------------- status polls

    async def _update_time_synchronizer(self, pass_on_non_cancelled_error: bool = False):
        """Once in `CLOCK_INTERVAL`: a clock that is wrong by too much the venue refuses, which has it asked at once."""
        now = self._pace.now()
        if not self._clock.is_known or now - self._clock_asked_at >= CONSTANTS.CLOCK_INTERVAL:
            self._clock_asked_at = now
            await super()._update_time_synchronizer(pass_on_non_cancelled_error)

    async def _status_polling_loop_fetch_updates(self):
        try:
            await safe_gather(self._update_order_status(), self._update_balances(), self._update_positions())
            await self._do_what_was_wanted()
        except (AcmeRequestError, wire.WireError) as error:
            self._note_refusal(error)
            self._account_warnings.warn("fetch the account's orders, balances and positions", error)

    async def _update_order_status(self):
        """Two requests, however many orders there are; one more for each order that turns out to be closed."""
        self._recall()
        try:
            await self._update_order_fills_from_trades()
        except AcmeRequestError as error:
            self._account_warnings.warn("fetch the account's fills", error)
        except wire.WireError as error:
            self.logger().warning(f"Failed to fetch the account's fills: {error}")
        await self._update_open_orders()

    async def _update_order_fills_from_trades(self):
        """Takes over the account's fills since the last one seen. Fills come first, so that ends find them known."""
        orders = self._order_tracker.all_fillable_orders.values()
        if not orders:
            return
        since = max(self._last_fill_time, min(map(self._first_fill_time, orders)))
        async for fill in self._account.fills(since):
            try:
                await self._order_tracker.process_venue_fill(fill)
            except wire.WireError as error:
                self.logger().error(f"The venue sent a contradictory fill: {error}")
            self._last_fill_time = max(self._last_fill_time, fill.time)

    def _first_fill_time(self, order: InFlightOrder) -> float:
        """A time, by the venue's clock, before anything of an order can have been filled."""
        venue_clock_lead = self._time_synchronizer.time() - self._time()
        return order.creation_timestamp + venue_clock_lead - CONSTANTS.FIRST_FILLS_MARGIN

    async def _update_open_orders(self):
        orders = dict(self.in_flight_orders)
        self._doubts.forget_all_but(orders)
        if not orders:
            return
        for order in await self._take_over_all(orders, await self._account.open_orders()):
            await self._repeat_cancel(order)
        unlisted = {order_id: order for order_id, order in orders.items() if self._is_worth_asking_for(order)}
        if len(unlisted) >= CONSTANTS.ORDERS_WORTH_A_HISTORY:
            first_time = min(map(self._first_fill_time, unlisted.values()))
            await self._take_over_all(unlisted, await self._account.recent_orders(first_time))
        for order in unlisted.values():
            await self._update_unlisted_order(order)

    async def _take_over_all(
        self, orders: Dict[str, InFlightOrder], venue_orders: List[account_data.VenueOrder]
    ) -> List[InFlightOrder]:
        """Takes over what the venue says of these orders of ours, and takes them out of `orders`.

        :return: those of which it said something
        """
        taken_over = []
        for venue_order in venue_orders:
            order = find_order(orders, venue_order.client_order_id, venue_order.exchange_order_id)
            if order is not None and await self._takes_over(order, venue_order):
                taken_over.append(orders.pop(order.client_order_id))
        return taken_over

    def _is_worth_asking_for(self, order: InFlightOrder) -> bool:
        """Whether an order that is not among the open ones may have ended without our knowing."""
        order_id = order.client_order_id
        return order_id in self.in_flight_orders and not self._doubts.is_looked_after(order_id)

    async def _takes_over(self, order: InFlightOrder, venue_order: account_data.VenueOrder) -> bool:
        try:
            await self._order_tracker.process_venue_order(order, venue_order)
        except wire.WireError as error:
            self.logger().error(f"The venue sent a contradictory order: {error}")
            return False
        return True

    async def _repeat_cancel(self, order: InFlightOrder):
        """An order that should be cancelled and is still open is cancelled again: the venue may have lost the
        cancel."""
        if order.is_pending_cancel_confirmation or self._doubts.of(order.client_order_id).is_cancel_unanswered:
            await self._execute_order_cancel(order)

    async def _update_unlisted_order(self, order: InFlightOrder):
        """Asks for an order that is not among the open ones: it is closed, or too new for the list, or in doubt."""
        if not self._is_worth_asking_for(order):
            return
        if order.exchange_order_id is None:
            self._conclude_placement(order, await self._placements.check(order))
            return
        try:
            await self._order_tracker.process_venue_order(order, await self._account.order(order))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._handle_update_error_for_active_order(order, error)

    def _conclude_placement(self, order: InFlightOrder, verdict: PlacementVerdict):
        if verdict is PlacementVerdict.NEVER_ARRIVED:
            error = PlacementNeverArrived(order.client_order_id)
            self.logger().error(str(error))
            self._update_order_after_failure(order.client_order_id, order.trading_pair, exception=error)

    async def _handle_update_error_for_active_order(self, order: InFlightOrder, error: Exception):
        # The base class counts every failed request against the order, and gives it up as lost after four of them. A
        # venue that cannot be reached says nothing of the order.
        if self._is_order_not_found_during_status_update_error(error):
            await super()._handle_update_error_for_active_order(order, error)
        else:
            self.logger().warning(
                f"Error fetching status update for the active order {order.client_order_id}: {error}."
            )

    # ----------------------------------------------------------------------------------------------- private stream

    async def _user_stream_event_listener(self):
        source, turn = self._user_stream_tracker.data_source, stream.Turn()
        source.bring_fills_to(self._take_fill)
        try:
            async for frame in self._iter_user_event_queue():
                await self._take_frame(frame)
                # A queue that is not empty gives its frames without a turn of the loop.
                if turn.is_over():
                    await asyncio.sleep(0)
        finally:
            source.bring_fills_to(None)

    def _take_fill(self, fill: account_data.VenueFill) -> bool:
        """Takes over a fill that did not go through the queue, in which nothing is; False: it has to, after all."""
        if self._is_taking_frame or self._canceller.is_busy:
            return False
        try:
            return self._order_tracker.process_usual_fill(fill)
        except Exception:
            self._note_unread_frame()
            return True

    async def _take_frame(self, frame: Any):
        self._is_taking_frame = True
        try:
            if self._canceller.is_busy:
                await self._canceller.let_go_ahead()
            await self._process_frame(frame)
        except asyncio.CancelledError:
            raise
        except Exception:
            self._note_unread_frame()
        finally:
            self._is_taking_frame = False

    def _note_unread_frame(self):
        self.logger().exception("Unexpected error in user stream listener loop.")
        self._poll_notifier.set()  # what the frame should have told has to be found out otherwise

    async def _process_frame(self, frame: Any):
        if type(frame) is account_data.VenueFill:
            await self._order_tracker.process_venue_fill(frame)
            return
        channel = wire.channel(frame)
        if channel == CONSTANTS.FILLS_CHANNEL:
            await self._order_tracker.process_venue_fill(account_data.fill(wire.payload(frame)))
        elif channel == CONSTANTS.ORDERS_CHANNEL:
            await self._process_order_frame(wire.payload(frame))
        elif channel == CONSTANTS.POSITIONS_CHANNEL:
            await self._process_position_frame(wire.payload(frame))
        elif channel == CONSTANTS.BALANCES_CHANNEL:
            self._holdings.note_balance(account_data.balance(wire.payload(frame)))
        elif channel == CONSTANTS.STREAM_CONNECTED_CHANNEL:
            await self._catch_up()

    async def _process_order_frame(self, data: Any):
        venue_order = account_data.order(data)
        order = find_order(
            self._order_tracker.all_updatable_orders, venue_order.client_order_id, venue_order.exchange_order_id
        )
        if order is not None:
            await self._order_tracker.process_venue_order(order, venue_order)
        elif not venue_order.is_closed:
            self._order_tracker.take_back_failed_order(venue_order)

    async def _process_position_frame(self, data: Any):
        position = account_data.position(data)
        trading_pairs = await self.trading_pair_symbol_map()
        if position.market in trading_pairs:
            trading_pair = trading_pairs[position.market]
            self._holdings.note_position(trading_pair, position, self.get_leverage(trading_pair))

    async def _catch_up(self):
        """Fetches what happened while the private stream was down, before its next frames are processed."""
        for _ in range(CONSTANTS.CATCH_UP_ATTEMPTS):
            try:
                await self._update_order_fills_from_trades()
                await safe_gather(self._update_open_orders(), self._update_balances(), self._update_positions())
                await self._report_new_funding_payments()
                return
            except AcmeRequestError as error:
                self.logger().warning(f"Could not fetch what happened while the private stream was down: {error}")
            await self._sleep(CONSTANTS.CATCH_UP_DELAY)
        self._poll_notifier.set()
