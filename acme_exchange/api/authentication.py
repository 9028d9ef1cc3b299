"""Checks who signed a request: its key, its signature, and its timestamp by the clock (Acme API §2)."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from acme_exchange.accounts.keys import ApiKey, main_account, subaccount_name
from acme_exchange.api import errors
from acme_exchange.clock import Clock
from acme_exchange.engine import Refused

TIMESTAMP_TOLERANCE_MILLISECONDS = 5_000
WEBSOCKET_LOGIN = "websocket_login"
OWN_PREFIX = "ACME"


class _Headers:
    """What the headers of one prefix are called. A request's are all of one: what another says is not overheard."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.all = self.key, self.subaccount, self.signature, self.timestamp = (
            f"{prefix}-KEY".upper(),
            f"{prefix}-SUBACCOUNT".upper(),
            f"{prefix}-SIGN".upper(),
            f"{prefix}-TS".upper(),
        )


class Authenticator:
    """Checks signed requests and log-ins against the keys the venue knows."""

    def __init__(
        self,
        keys: Mapping[str, ApiKey],
        has_account: Callable[[str], bool],
        clock: Clock,
        header_prefixes: Sequence[str] = (),
    ) -> None:
        """
        :param keys: by their text; whoever adds or revokes one does it there.
        :param has_account: whether there is an account of that name, a subaccount's included.
        :param clock: what timestamps are checked against.
        :param header_prefixes: accepted besides `ACME`, such as `FTX` for clients that were written for it.
        """
        self._keys = keys
        self._has_account = has_account
        self._clock = clock
        self._headers = [_Headers(prefix) for prefix in (OWN_PREFIX, *header_prefixes)]

    def request(self, headers: Mapping[str, str], signed: bytes) -> ApiKey:
        """The key that signed a REST request; of the subaccount's, where the request names one.

        :param headers: found by their names in capitals, whatever case they are written in.
        :param signed: method, path with query, and body, as they came over the wire.
        :raises Refused: 401, or 404 for a subaccount.
        """
        used = [names for names in self._headers if any(map(headers.__contains__, names.all))]
        if not used or (len(used) > 1 and len({names.prefix.upper() for names in used}) != 1):
            raise Refused(401, errors.NOT_LOGGED_IN)
        names = used[0]
        if names.key not in headers:
            raise Refused(401, errors.NOT_LOGGED_IN)
        timestamp = headers.get(names.timestamp, "")
        signature = headers.get(names.signature, "")
        if not timestamp or not signature:
            raise Refused(401, errors.NOT_LOGGED_IN)
        key = self._verified(headers[names.key], signature, timestamp, signed)
        return self._of_subaccount(key, unquote(headers.get(names.subaccount, "")))

    def login(self, key: str, signature: str, timestamp: str, subaccount: str) -> ApiKey:
        """The key that logs a WebSocket in, likewise.

        :param timestamp: epoch milliseconds, as written in the signed text.
        :raises Refused: as :meth:`request` does.
        """
        return self._of_subaccount(self._verified(key, signature, timestamp, WEBSOCKET_LOGIN.encode()), subaccount)

    def _of_subaccount(self, key: ApiKey, name: str) -> ApiKey:
        if not name or self._is_of(key, name):
            return key
        account = subaccount_name(key.account, name)
        if not self._has_account(account):
            raise Refused(404, errors.NO_SUCH_SUBACCOUNT)
        return replace(key, account=account)

    @staticmethod
    def _is_of(key: ApiKey, name: str) -> bool:
        """Whether the key is that subaccount's own."""
        main = main_account(key.account)
        return main is not None and subaccount_name(main, name) == key.account

    def _verified(self, key: str, signature: str, timestamp: str, signed: bytes) -> ApiKey:
        known = self._keys.get(key)
        if known is None:
            raise Refused(401, errors.INVALID_API_KEY)
        if not self._is_current(timestamp):
            raise Refused(401, errors.TIMESTAMP_TOO_FAR)
        expected = hmac.digest(known.secret.encode(), timestamp.encode() + signed, "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")):
            raise Refused(401, errors.INVALID_SIGNATURE)
        return known

    def behind(self, headers: Mapping[str, str]) -> int:
        """By how many microseconds the clock that a signed request goes by is behind the venue's: none, or as much as
        the machine's is, where the two differ by more than a signature may."""
        ahead = self._clock.ahead()
        if ahead <= TIMESTAMP_TOLERANCE_MILLISECONDS * 1000:
            return 0
        timestamp = next((headers[names.timestamp] for names in self._headers if names.timestamp in headers), "")
        return ahead if _is_near(timestamp, self._clock.now() - ahead) else 0

    def _is_current(self, timestamp: str) -> bool:
        """By the venue's clock, or by the machine's where that is behind."""
        now = self._clock.now()
        return _is_near(timestamp, now) or _is_near(timestamp, now - self._clock.ahead())


def _is_near(timestamp: str, now: int) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
        return False
    return abs(int(timestamp) - now // 1000) <= TIMESTAMP_TOLERANCE_MILLISECONDS
