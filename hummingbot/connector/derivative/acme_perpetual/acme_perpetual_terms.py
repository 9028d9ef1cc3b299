"""Keeps the account's position mode, leverage and fees, and has the venue change them (Acme API §5, `/account`)."""

from typing import Optional, Tuple

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_api import AcmePerpetualAccountApi
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_account_data import AccountSettings
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeApiError, AcmeRequestError
from hummingbot.core.data_type.common import PositionMode


class AccountTerms:
    """What the venue says of the terms, and what a strategy asked for that the venue could not be asked yet.

    Nothing is taken for granted: an account in hedge mode that were held for a one-way one would have every order of
    its refused.

    :ivar known: the terms as the venue last told them; None before it did
    :ivar leverage: one for all of the account's markets; None while it is not known
    :ivar wanted_mode: the position mode that is to be set when the venue can be asked
    :ivar wanted_leverage: the leverage likewise, and the pair for which it was asked
    """

    def __init__(self, account: AcmePerpetualAccountApi):
        self._account = account
        self.known: Optional[AccountSettings] = None
        self.leverage: Optional[int] = None
        self.wanted_mode: Optional[PositionMode] = None
        self.wanted_leverage: Optional[Tuple[str, int]] = None

    async def ask(self) -> AccountSettings:
        """Asks the venue for the terms; raises AcmeRequestError when it refuses, or does not answer."""
        self.known = await self._account.settings()
        self.leverage = self.known.leverage
        return self.known

    async def set_mode(self, mode: PositionMode):
        """Has the venue set the mode, now or, when it cannot be asked, later.

        :raises AcmeRequestError: when it refuses, or does not answer
        """
        self.wanted_mode = mode
        try:
            await self._account.set_position_mode(mode)
        except AcmeRequestError as error:
            if is_final(error):
                self.wanted_mode = None
            raise
        self.wanted_mode = None

    async def set_leverage(self, trading_pair: str, leverage: int):
        """Has the venue set the leverage, now or, when it cannot be asked, later."""
        self.wanted_leverage = trading_pair, leverage
        try:
            await self._account.set_leverage(leverage)
        except AcmeRequestError as error:
            if is_final(error):
                self.wanted_leverage = None
            raise
        self.wanted_leverage = None
        self.leverage = leverage


def is_final(error: AcmeRequestError) -> bool:
    """Whether the venue considered a request and refused it, so that the same one would be refused again."""
    return isinstance(error, AcmeApiError) and error.status == 400
