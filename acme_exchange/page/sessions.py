"""Keeps browsers signed in, by signed cookies, so that a session outlasts a restart of the venue as its key does.

A cookie is signed with the secret of the key that it stands for, and so ends with it. The owner's is signed with a
secret of the process, and ends with that.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import msgspec

from acme_exchange.accounts.keys import ApiKey
from acme_exchange.clock import Clock
from acme_exchange.page.codes import Grant

LASTS_SECONDS = 7 * 24 * 60 * 60
PURPOSE = b"acme page session\n"
"""What a signature is for: none of a request, or of a log-in, is ever one of a session."""


class _Claims(msgspec.Struct, frozen=True):
    id: str
    key: str | None
    account: str
    read_only: bool
    until: int


@dataclass(frozen=True, slots=True)
class PageSession:
    """One browser that has signed in.

    :ivar key: whose account it sees, read-only where the session is; None for the owner's view.
    :ivar until: microseconds since the epoch.
    """

    id: str
    key: ApiKey | None
    until: int

    @property
    def is_owner(self) -> bool:
        return self.key is None


class Sessions:
    """Opens sessions, knows them again, and ends them."""

    def __init__(self, keys: Mapping[str, ApiKey], clock: Clock) -> None:
        """:param keys: by their text; whoever revokes one does it there."""
        self._keys = keys
        self._clock = clock
        self._owner_secret = secrets.token_bytes(32)
        self._ended: dict[str, int] = {}

    def open(self, grant: Grant) -> str:
        """Opens a session, and returns its cookie."""
        until = self._clock.now() + LASTS_SECONDS * 1_000_000
        claims = _Claims(secrets.token_urlsafe(16), grant.key, grant.account, grant.read_only, until)
        payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
        return f"{payload.decode()}.{self._signature(claims, payload)}"

    def find(self, cookie: str | None) -> PageSession | None:
        """The session of a cookie; None when it has ended, its key is revoked, or it never was one."""
        payload, _, signature = (cookie or "").encode("utf-8", "surrogateescape").partition(b".")
        claims = _read(payload)
        if claims is None or (claims.key is not None and claims.key not in self._keys):
            return None
        is_signed = hmac.compare_digest(self._signature(claims, payload).encode(), signature)
        if not is_signed or claims.id in self._ended or claims.until <= self._clock.now():
            return None
        return PageSession(claims.id, self._key(claims), claims.until)

    def end(self, session: PageSession) -> None:
        """The session's cookie opens nothing any more."""
        now = self._clock.now()
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        self._ended[session.id] = session.until

    def _key(self, claims: _Claims) -> ApiKey | None:
        if claims.key is None:
            return None
        key = self._keys[claims.key]
        return replace(key, account=claims.account, read_only=key.read_only or claims.read_only)

    def _signature(self, claims: _Claims, payload: bytes) -> str:
        secret = self._owner_secret if claims.key is None else self._keys[claims.key].secret.encode()
        return hmac.new(secret, PURPOSE + payload, sha256).hexdigest()


def _read(payload: bytes) -> _Claims | None:
    try:
        text = base64.b64decode(payload + b"=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(text, type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return None
