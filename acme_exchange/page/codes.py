"""Issues one-time codes: whoever reads the one that the venue, or its owner's command, prints may open a session by
it."""

import secrets
from dataclasses import dataclass
from hashlib import sha256

from acme_exchange.clock import Clock
from acme_exchange.engine import Refused

VALID_MICROSECONDS = 10 * 60 * 1_000_000
MOST_CODES = 1_000
CODE_BYTES = 16
NOT_VALID = "This code was used, or is more than 10 minutes old; acme-exchange page prints an address with a new one"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a session may see and do.

    :ivar key: the text of the key that it stands for; None for the owner's view.
    :ivar account: what it sees: the key's account, or a subaccount of it.
    :ivar read_only: it may see, and not act, also where its key may.
    """

    key: str | None
    account: str
    read_only: bool = False


OWNER = Grant(None, "")
"""The owner's view."""


class Codes:
    """The codes that were given out and not used yet, at most `MOST_CODES`; of each, its digest alone is known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants: dict[bytes, tuple[Grant, int]] = {}

    def issue(self, grant: Grant) -> str:
        """A new code, valid once and for ten minutes."""
        now = self._clock.now()
        self._grants = {digest: each for digest, each in self._grants.items() if each[1] > now}
        while len(self._grants) >= MOST_CODES:
            del self._grants[next(iter(self._grants))]
        code = secrets.token_urlsafe(CODE_BYTES)
        self._grants[_digest(code)] = grant, now + VALID_MICROSECONDS
        return code

    def redeem(self, code: str) -> Grant:
        """What the code was given out for, which it then is no longer.

        :raises Refused: 401, it was used, is too old, or never was one.
        """
        grant, until = self._grants.pop(_digest(code), (None, 0))
        if grant is None or until <= self._clock.now():
            raise Refused(401, NOT_VALID)
        return grant


def _digest(code: str) -> bytes:
    return sha256(code.encode("utf-8", "surrogateescape")).digest()
