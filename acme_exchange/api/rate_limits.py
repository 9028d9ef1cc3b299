"""Rate limits of Acme API §3: sliding windows of one second, exact, and free of state for whoever is silent."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from acme_exchange.api import errors

WINDOW_MICROSECONDS = 1_000_000


class TooManyRequests(Exception):
    """A request past its limit; nothing was counted and nothing was done.

    :ivar text: the contract's words.
    :ivar retry_after: seconds until one more request is allowed.
    """

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.text = text
        self.retry_after = retry_after


@dataclass(frozen=True)
class Bucket:
    """A limit that each `owner` (a key, an address, an account) has for itself.

    :ivar limit: how many in any one second.
    :ivar what: what is counted, in the words of the refusal.
    """

    limit: int
    what: str


REQUESTS = Bucket(limit=30, what="requests")
ORDERS = Bucket(limit=20, what="orders")


class RateLimits:
    """Counts what was admitted within the last second, per bucket and owner."""

    def __init__(self) -> None:
        self._admitted: dict[tuple[Bucket, Hashable], deque[int]] = {}

    def __len__(self) -> int:
        """How many owners are remembered."""
        return len(self._admitted)

    def admit(self, charges: Iterable[tuple[Bucket, Hashable]], now: int) -> None:
        """Counts one request in every bucket of `charges`, or in none of them.

        :param now: microseconds.
        :raises TooManyRequests: when one of them is full.
        """
        windows = [(bucket, self._window(bucket, owner, now)) for bucket, owner in charges]
        for bucket, window in windows:
            if len(window) >= bucket.limit:
                free_again = window[0] + WINDOW_MICROSECONDS
                raise TooManyRequests(errors.too_many(bucket.limit, bucket.what), (free_again - now) / 1_000_000)
        for _, window in windows:
            window.append(now)

    def forget_silent(self, now: int) -> None:
        """Drops the windows of owners who sent nothing within the last second."""
        horizon = now - WINDOW_MICROSECONDS
        silent = [key for key, window in self._admitted.items() if not window or window[-1] <= horizon]
        for key in silent:
            del self._admitted[key]

    def _window(self, bucket: Bucket, owner: Hashable, now: int) -> deque[int]:
        window = self._admitted.setdefault((bucket, owner), deque())
        while window and window[0] <= now - WINDOW_MICROSECONDS:
            window.popleft()
        return window
