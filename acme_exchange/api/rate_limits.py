"""Counts requests and orders against the rate limits (Acme API §3): sliding windows of one second, exact, and free of
state for whoever is silent."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from acme_exchange.accounts.keys import ApiKey, Keyring
from acme_exchange.api import errors

WINDOW_MICROSECONDS = 1_000_000

CountsAs = Literal["nothing", "request", "order"]
"""Which limits a request counts in: an order is a request, too."""


class TooManyRequests(Exception):
    """A request past its limit; nothing was counted and nothing was done.

    :ivar text: the contract's words.
    :ivar retry_after: seconds until one more request is allowed.
    :ivar is_flood: whether it is past ten times the limit, where nobody is answered any more.
    """

    def __init__(self, text: str, retry_after: float, is_flood: bool) -> None:
        super().__init__(text)
        self.text = text
        self.retry_after = retry_after
        self.is_flood = is_flood


@dataclass(frozen=True, eq=False)
class Bucket:
    """A limit that each `owner` (a key, an address, an account) has for itself. Two of the same numbers are still two.

    :ivar limit: how many in any one second, where the owner is allowed no other number.
    :ivar what: what is counted, in the words of the refusal.
    """

    limit: int
    what: str


REQUESTS = Bucket(limit=30, what="requests")
ORDERS = Bucket(limit=20, what="orders")
STRANGERS = Bucket(limit=30, what="requests")
"""What an address asks without a valid key and is refused: paths that there are not, signatures that are false."""
FILES = Bucket(limit=300, what="requests")
"""What an address is given without a key beside the API: a page's files, of which one page has many."""

FLOOD = 10
"""How many times its limit an owner may go past before its connection is closed (Acme API §3)."""


class Charge(NamedTuple):
    """What a request counts for.

    :ivar limit: how many in any one second this owner may; None: as many as the bucket says.
    """

    bucket: Bucket
    owner: Hashable
    limit: int | None = None


def charges(counts: CountsAs, request: Charge, key: ApiKey | None, keyring: Keyring) -> list[Charge]:
    """What a request counts for, in all; that of a key which may only read uses up no account's orders.

    :param request: what it counts for as a request.
    :param key: whose it is.
    """
    if counts != "order" or key is None or key.read_only:
        return [] if counts == "nothing" else [request]
    return [request, Charge(ORDERS, key.account, keyring.settings(key.account).orders)]


class RateLimits:
    """Counts what was admitted within the last second, per bucket and owner."""

    def __init__(self) -> None:
        self._admitted: dict[tuple[Bucket, Hashable], deque[int]] = {}
        self._refused: dict[tuple[Bucket, Hashable], deque[int]] = {}

    def __len__(self) -> int:
        """How many owners are remembered."""
        return len(self._admitted)

    def admit(self, charges: Iterable[Charge], now: int) -> None:
        """Counts one request in every bucket of `charges`, or in none of them.

        :param now: microseconds.
        :raises TooManyRequests: when one of them is full.
        """
        windows = [(charge, self._window(charge[:2], now)) for charge in charges]
        for (bucket, owner, own_limit), window in windows:
            limit = own_limit or bucket.limit
            if len(window) >= limit:
                # A limit that was lowered within the second leaves more in the window than it allows.
                free_again = window[len(window) - limit] + WINDOW_MICROSECONDS
                text, is_flood = errors.too_many(limit, bucket.what), self._is_flood((bucket, owner), limit, now)
                raise TooManyRequests(text, (free_again - now) / 1_000_000, is_flood)
        for _, window in windows:
            window.append(now)

    def forget_silent(self, now: int) -> None:
        """Drops the windows of owners who sent nothing within the last second."""
        horizon = now - WINDOW_MICROSECONDS
        for windows in (self._admitted, self._refused):
            silent = [charge for charge, window in windows.items() if not window or window[-1] <= horizon]
            for charge in silent:
                del windows[charge]

    def _is_flood(self, of: tuple[Bucket, Hashable], limit: int, now: int) -> bool:
        """Counts a refusal; whether within a second there were as many as make it one."""
        most = limit * (FLOOD - 1)
        refused = self._refused.get(of)
        if refused is None or refused.maxlen != most:
            refused = self._refused[of] = deque(refused or (), maxlen=most)
        is_full = len(refused) == most and refused[0] > now - WINDOW_MICROSECONDS
        refused.append(now)
        return is_full

    def _window(self, of: tuple[Bucket, Hashable], now: int) -> deque[int]:
        window = self._admitted.setdefault(of, deque())
        while window and window[0] <= now - WINDOW_MICROSECONDS:
            window.popleft()
        return window
