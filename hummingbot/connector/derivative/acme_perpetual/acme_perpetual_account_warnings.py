"""Warns in the log of what keeps the connector from its account: in one line, with what to do about it, and not too
often."""

import logging
from typing import Dict, TypeGuard

from yarl import URL

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_servers as servers,
    acme_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_pace import Pace
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeApiError,
    AcmeNotSentError,
    is_clock_error,
)

READ_ONLY_STATUS = 403
REFUSED_STATUSES = (401, READ_ONLY_STATUS)


def is_refused_for_good(error: Exception) -> TypeGuard[AcmeApiError]:
    """Whether the venue does not know the key, or its subaccount: asking again is of no use (Acme API §7)."""
    return isinstance(error, AcmeApiError) and (
        (error.status in REFUSED_STATUSES and not is_clock_error(error))
        or error.message == CONSTANTS.NO_SUBACCOUNT_ERROR
    )


def is_key_unknown(error: Exception) -> bool:
    """Whether the venue does not know the key at all; one that may only read is known."""
    return is_refused_for_good(error) and error.status != READ_ONLY_STATUS


class AccountWarnings:
    """Logs what is wrong: each thing once in `ACCOUNT_WARNING_INTERVAL`, until all is well again.

    :param connector: the name that `connect` knows
    :param domain: the connector's, which says where the venue is
    """

    def __init__(self, connector: str, domain: str, pace: Pace, logger: logging.Logger):
        self._connector = connector
        self._domain = domain
        self._pace = pace
        self._logger = logger
        self._warned_at: Dict[str, float] = {}

    @property
    def is_key_refused(self) -> bool:
        """Whether it was logged that the key is refused, and all has not been well since."""
        return "refused" in self._warned_at

    def warn(self, what: str, error: Exception):
        """Warns of an error in the log.

        :param what: what could not be done, to follow "Could not"
        """
        if is_refused_for_good(error):
            self._warn(
                "refused",
                f"The venue refuses the API key ({error}). Nothing is known of the account until it is taken: "
                f"connect {self._connector} with a key of this venue's, which acme-exchange account keys shows.",
            )
        elif isinstance(error, AcmeNotSentError):
            self._warn("absent", self._absence(error))
        else:
            self._warn(what, f"Could not {what} ({error}). Asking again.")

    def all_is_well(self):
        """To be called when all is well: what comes next is logged at once."""
        if "refused" in self._warned_at or "absent" in self._warned_at:
            self._logger.info(f"The venue answers {self._connector} again.")
        self._warned_at.clear()

    def _warn(self, kind: str, text: str):
        now = self._pace.now()
        if now - self._warned_at.get(kind, -CONSTANTS.ACCOUNT_WARNING_INTERVAL) >= CONSTANTS.ACCOUNT_WARNING_INTERVAL:
            self._warned_at[kind] = now
            self._logger.warning(text)

    def _absence(self, error: AcmeNotSentError) -> str:
        if self._domain == CONSTANTS.UNKNOWN_DOMAIN:
            return str(error)
        server = web_utils.server_url(self._domain)
        if servers.is_loopback(URL(server).host or ""):
            return (
                f"There is no venue at {server}. Start one with: acme-exchange serve. Balances, positions and orders "
                "are as they were, and are asked for when it answers."
            )
        return f"There is no way to the venue at {server} ({error}). Trying again."
