"""Keeps the account's balances and positions, from REST and from the private stream."""

from decimal import Decimal
from typing import Dict, Mapping

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_account_data as account_data
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.position import Position
from hummingbot.connector.perpetual_trading import PerpetualTrading


class Holdings:
    """Keeps Hummingbot's balances and positions as the venue last told them.

    A REST answer was made before what the private stream brought meanwhile: of what the stream told since the question,
    the answer is not believed.

    :param total, free: Hummingbot's balances, by token
    :param trading: Hummingbot's positions
    :ivar knows_positions: whether the venue was asked for the positions yet
    """

    def __init__(
        self,
        account: AcmePerpetualAccountApi,
        total: Dict[str, Decimal],
        free: Dict[str, Decimal],
        trading: PerpetualTrading,
    ):
        self._account = account
        self._total = total
        self._free = free
        self._trading = trading
        self.knows_positions = False
        self._stream_news: Dict[str, int] = {}
        self._stream_news_count = 0

    def forget(self):
        """Drops what is held: it is not known any more, and must not pass for current."""
        self._total.clear()
        self._free.clear()
        self._trading.account_positions.clear()
        self.knows_positions = False

    async def update_balances(self):
        """Raises AcmeRequestError when the venue refuses, or does not answer; so does `update_positions`."""
        asked_at = self._stream_news_count
        balances = await self._account.balances()
        for token in set(self._total) - {balance.token for balance in balances}:
            del self._total[token]
            self._free.pop(token, None)
        for balance in balances:
            if not self._is_outdated(balance.token, asked_at):
                self._set_balance(balance)

    async def update_positions(self, trading_pairs: Mapping[str, str], leverage: int):
        """
        :param trading_pairs: by the venue's names of their markets
        :param leverage: the account's
        """
        asked_at = self._stream_news_count
        flat_keys = set(self._trading.account_positions)
        for position in await self._account.positions():
            if position.market in trading_pairs:
                key = self._key(trading_pairs[position.market], position)
                flat_keys.discard(key)
                if not self._is_outdated(key, asked_at):
                    self._set_position(trading_pairs[position.market], position, leverage)
        for key in flat_keys:
            if not self._is_outdated(key, asked_at):
                self._trading.remove_position(key)
        self.knows_positions = True

    def note_balance(self, balance: account_data.VenueBalance):
        """Takes over what the private stream tells; so does `note_position`."""
        self._note_stream_news(balance.token)
        self._set_balance(balance)

    def note_position(self, trading_pair: str, position: account_data.VenuePosition, leverage: int):
        self._note_stream_news(self._key(trading_pair, position))
        self._set_position(trading_pair, position, leverage)

    def note_leverage(self, leverage: int):
        """Gives every position the account's leverage."""
        for position in self._trading.account_positions.values():
            position.update_position(leverage=Decimal(leverage))

    def _set_balance(self, balance: account_data.VenueBalance):
        self._total[balance.token] = balance.total
        self._free[balance.token] = balance.free

    def _set_position(self, trading_pair: str, position: account_data.VenuePosition, leverage: int):
        key = self._key(trading_pair, position)
        if position.amount == 0:
            self._trading.remove_position(key)
            return
        self._trading.set_position(
            key,
            Position(
                trading_pair=trading_pair,
                position_side=position.side,
                unrealized_pnl=position.unrealized_pnl,
                entry_price=position.entry_price,
                amount=position.amount,
                leverage=Decimal(leverage),
            ),
        )

    def _key(self, trading_pair: str, position: account_data.VenuePosition) -> str:
        return self._trading.position_key(trading_pair, position.side, position.mode)

    def _is_outdated(self, key: str, asked_at: int) -> bool:
        """Whether the private stream told of a balance or position after it was asked for by REST."""
        return self._stream_news.get(key, 0) > asked_at

    def _note_stream_news(self, key: str):
        self._stream_news_count += 1
        self._stream_news[key] = self._stream_news_count
