"""The account's REST requests (Acme API §5), one method each, with their answers as values."""

import logging
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Iterable, List, Optional, Set

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
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

    async def settings(self) -> account_data.AccountSettings:
        return account_data.account_settings(
            await self._get(path_url=CONSTANTS.ACCOUNT_PATH_URL, is_auth_required=True)
        )

    async def set_leverage(self, leverage: int):
        request = account_data.leverage_request(leverage)
        await self._post(path_url=CONSTANTS.LEVERAGE_PATH_URL, data=request, is_auth_required=True)

    async def set_position_mode(self, mode: PositionMode):
        request = account_data.position_mode_request(mode)
        await self._post(path_url=CONSTANTS.POSITION_MODE_PATH_URL, data=request, is_auth_required=True)

    async def balances(self) -> List[account_data.VenueBalance]:
        return await self._entries(CONSTANTS.BALANCES_PATH_URL, account_data.balance)

    async def positions(self) -> List[account_data.VenuePosition]:
        return await self._entries(CONSTANTS.POSITIONS_PATH_URL, account_data.position)

    async def funding_payments(
        self, since: float = 0.0, market_name: Optional[str] = None
    ) -> Dict[str, List[account_data.FundingPayment]]:
        """The payments of each market since a time (epoch seconds, inclusive), oldest first."""
        params = account_data.funding_payments_params(since, market_name)
        payments = await self._entries(CONSTANTS.FUNDING_PAYMENTS_PATH_URL, account_data.funding_payment, params)
        return account_data.funding_payments_by_market(payments)

    async def place_order(self, request: Dict[str, Any], reject_after: float) -> account_data.VenueOrder:
        """
        :param request: what `acme_perpetual_account_data.place_order_request` makes
        :param reject_after: the venue refuses the order when it arrives later; seconds since the epoch, the venue's
        clock
        """
        answer = await self._post(
            path_url=CONSTANTS.ORDERS_PATH_URL,
            data=account_data.valid_until(request, reject_after),
            is_auth_required=True,
            limit_id=CONSTANTS.PLACE_ORDER_LIMIT_ID,
        )
        return account_data.order(wire.result(answer))

    async def cancel_order(self, order: InFlightOrder):
        await self._delete(path_url=_order_path(order), is_auth_required=True, limit_id=CONSTANTS.CANCEL_ORDER_LIMIT_ID)

    async def order(self, order: InFlightOrder) -> account_data.VenueOrder:
        """What the venue has of an order, by its exchange id or, while that is not known, by its client id."""
        is_known = order.exchange_order_id is not None
        limit_id = CONSTANTS.ORDER_PATH_URL if is_known else CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL
        answer = await self._get(path_url=_order_path(order), is_auth_required=True, limit_id=limit_id)
        return account_data.order(wire.result(answer))

    async def open_orders(self) -> List[account_data.VenueOrder]:
        return await self._entries(CONSTANTS.ORDERS_PATH_URL, account_data.order)

    async def recent_orders(self, since: float) -> List[account_data.VenueOrder]:
        """The orders placed since a time (epoch seconds, inclusive), open and closed: the newest, if they are many."""
        return await self._entries(
            CONSTANTS.ORDER_HISTORY_PATH_URL, account_data.order, account_data.order_history_params(since)
        )

    async def fills(
        self, since: float, exchange_order_id: Optional[str] = None
    ) -> AsyncIterator[account_data.VenueFill]:
        """The fills since a time (epoch seconds, inclusive), oldest first, each once: of one order, or of all.

        One answer holds a limited number of them. The next page begins at the time of the last fill, not after it:
        several fills may have the same time. Where so many have it that none of a page is new, ids lead on.
        """
        seen: Set[str] = set()
        least_id: Optional[int] = None
        while True:
            params = account_data.fills_params(since - CONSTANTS.FILLS_OVERLAP, exchange_order_id, least_id)
            answer = await self._get(path_url=CONSTANTS.FILLS_PATH_URL, params=params, is_auth_required=True)
            entries = wire.entries(answer)
            page = [fill for fill in self._parsed(entries, account_data.fill) if fill.trade_id not in seen]
            for fill in page:
                yield fill
            if len(entries) < account_data.MOST_FILLS:
                return
            if page:
                seen.update(fill.trade_id for fill in page)
                since, least_id = page[-1].time, None
            elif seen and least_id is None and all(map(str.isdigit, seen)):
                least_id = max(map(int, seen)) + 1
            else:
                raise wire.WireError(
                    f"there are more fills at one time than an answer holds ({account_data.MOST_FILLS})"
                )

    async def _entries(
        self, path_url: str, parser: Callable[[Any], Any], params: Optional[Dict[str, Any]] = None
    ) -> List[Any]:
        answer = await self._get(path_url=path_url, params=params, is_auth_required=True)
        return list(self._parsed(wire.entries(answer), parser))

    def _parsed(self, entries: List[Any], parser: Callable[[Any], Any]) -> Iterable[Any]:
        for entry in entries:
            try:
                yield parser(entry)
            except wire.WireError as error:
                self._logger.error(f"The venue sent a malformed {parser.__name__.replace('_', ' ')}: {error}")


def _order_path(order: InFlightOrder) -> str:
    if order.exchange_order_id is not None:
        return web_utils.filled_path(CONSTANTS.ORDER_PATH_URL, order_id=order.exchange_order_id)
    return web_utils.filled_path(CONSTANTS.ORDER_BY_CLIENT_ID_PATH_URL, client_order_id=order.client_order_id)
