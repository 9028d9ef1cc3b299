"""The account's REST requests (Acme API §5), one method each, with their answers as values."""

import logging
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Iterable, List, Optional, Set

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_parse as parse,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.core.data_type.common import PositionMode
from hummingbot.core.data_type.in_flight_order import InFlightOrder

Request = Callable[..., Awaitable[Dict[str, Any]]]


class AcmePerpetualAccountApi:
    """Asks the venue about one account, and for changes to it.

    Every method raises AcmeRequestError when the venue refuses or does not answer, and WireError when its answer is
    malformed. In a list, a malformed entry is logged and left out: it must not hide the others.

    :param get, post, delete: the connector's requests, which authenticate, limit and repeat as Hummingbot's do
    """

    def __init__(self, get: Request, post: Request, delete: Request, logger: logging.Logger):
        self._get = get
        self._post = post
        self._delete = delete
        self._logger = logger

    async def settings(self) -> parse.AccountSettings:
        return parse.account_settings(await self._get(path_url=CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True))

    async def set_leverage(self, leverage: int):
        request = parse.leverage_request(leverage)
        await self._post(path_url=CONSTANTS.LEVERAGE_PATH_URL, data=request, is_auth_required=True)

    async def set_position_mode(self, mode: PositionMode):
        request = parse.position_mode_request(mode)
        await self._post(path_url=CONSTANTS.POSITION_MODE_PATH_URL, data=request, is_auth_required=True)

    async def balances(self) -> List[parse.VenueBalance]:
        return await self._entries(CONSTANTS.BALANCES_PATH_URL, parse.balance)

    async def positions(self) -> List[parse.VenuePosition]:
        return await self._entries(CONSTANTS.POSITIONS_PATH_URL, parse.position)

    async def funding_payments(
        self, since: float = 0.0, market_name: Optional[str] = None
    ) -> Dict[str, List[parse.FundingPayment]]:
        """The payments of each market since a time (epoch seconds, inclusive), oldest first."""
        params = parse.funding_payments_params(since, market_name)
        payments = await self._entries(CONSTANTS.FUNDING_PAYMENTS_PATH_URL, parse.funding_payment, params)
        return parse.funding_payments_by_market(payments)

    async def place_order(self, request: Dict[str, Any]) -> parse.VenueOrder:
        """:param request: what `acme_perpetual_parse.place_order_request` makes"""
        answer = await self._post(
            path_url=CONSTANTS.ORDERS_PATH_URL,
            data=request,
            is_auth_required=True,
            limit_id=CONSTANTS.PLACE_ORDER_LIMIT_ID,
        )
        return parse.order(parse.result(answer))

    async def cancel_order(self, order: InFlightOrder):
        await self._delete(path_url=_order_path(order), is_auth_required=True, limit_id=CONSTANTS.CANCEL_ORDER_LIMIT_ID)

    async def order(self, order: InFlightOrder) -> parse.VenueOrder:
        """What the venue has of an order, by its exchange id or, while that is not known, by its client id."""
        is_known = order.exchange_order_id is not None
        limit_id = CONSTANTS.ORDER_PATH_URL if is_known else CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL
        answer = await self._get(path_url=_order_path(order), is_auth_required=True, limit_id=limit_id)
        return parse.order(parse.result(answer))

    async def open_orders(self) -> List[parse.VenueOrder]:
        return await self._entries(CONSTANTS.ORDERS_PATH_URL, parse.order)

    async def recent_orders(self, since: float) -> List[parse.VenueOrder]:
        """The orders placed since a time (epoch seconds, inclusive), open and closed: the newest, if they are many."""
        return await self._entries(CONSTANTS.ORDER_HISTORY_PATH_URL, parse.order, parse.order_history_params(since))

    async def fills(self, since: float, exchange_order_id: Optional[str] = None) -> AsyncIterator[parse.VenueFill]:
        """The fills since a time (epoch seconds, inclusive), oldest first, each once: of one order, or of all.

        One answer holds a limited number of them. The next page begins at the time of the last fill, not after it:
        several fills may have the same time.
        """
        seen: Set[str] = set()
        while True:
            params = parse.fills_params(since - CONSTANTS.FILLS_OVERLAP, exchange_order_id)
            answer = await self._get(path_url=CONSTANTS.FILLS_PATH_URL, params=params, is_auth_required=True)
            entries = parse.entries(answer)
            page = [fill for fill in self._parsed(entries, parse.fill) if fill.trade_id not in seen]
            for fill in page:
                yield fill
            if len(entries) < parse.MOST_FILLS:
                return
            if not page:
                raise parse.WireError(f"there are more fills at one time than an answer holds ({parse.MOST_FILLS})")
            seen.update(fill.trade_id for fill in page)
            since = page[-1].time

    async def _entries(
        self, path_url: str, parser: Callable[[Any], Any], params: Optional[Dict[str, Any]] = None
    ) -> List[Any]:
        answer = await self._get(path_url=path_url, params=params, is_auth_required=True)
        return list(self._parsed(parse.entries(answer), parser))

    def _parsed(self, entries: List[Any], parser: Callable[[Any], Any]) -> Iterable[Any]:
        for entry in entries:
            try:
                yield parser(entry)
            except parse.WireError as error:
                self._logger.error(f"The venue sent a malformed {parser.__name__.replace('_', ' ')}: {error}")


def _order_path(order: InFlightOrder) -> str:
    if order.exchange_order_id is not None:
        return web_utils.filled_path(CONSTANTS.ORDER_PATH_URL, order_id=order.exchange_order_id)
    return web_utils.filled_path(CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL, client_order_id=order.client_order_id)
