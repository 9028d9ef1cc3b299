"""A client of the venue's REST API (Acme API §2): it signs requests, and waits where the venue says so.

It shares nothing with the connector, so that a mistake in one of them shows in the other.
"""

import hashlib
import hmac
import http
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from acme_bot.problem import Problem

ANSWER_SECONDS = 10


class VenueError(Problem):
    """The venue refused a request, in its own words, or did not answer."""


@dataclass(frozen=True)
class Key:
    """An account's API key; the secret is in no representation. `subaccount` is empty for none."""

    key: str
    secret: str = field(repr=False)
    subaccount: str = ""


class VenueClient:
    """Every method raises `VenueError`."""

    def __init__(self, server: str, key: Key) -> None:
        self.server = server
        self._key = key

    def get(self, path: str, **parameters: Any) -> Any:
        """The `result` of a request; numbers are Decimal. `path` is below `/api`."""
        return self.ask("GET", f"{path}?{urllib.parse.urlencode(parameters)}" if parameters else path)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Waits and asks again when the venue says that it was asked too often: it did nothing then (Acme API §3)."""
        while True:
            try:
                return self._ask_once(method, f"/api{path}", json.dumps(body) if body is not None else "")
            except urllib.error.HTTPError as refusal:
                if refusal.code != http.HTTPStatus.TOO_MANY_REQUESTS:
                    raise VenueError(f"{method} {path}: {_reason(refusal)}") from None
                time.sleep(float(refusal.headers["Retry-After"]))
            except (OSError, http.client.HTTPException) as error:
                raise VenueError(f"{method} {path}: no answer from {self.server} ({error})") from error

    def _ask_once(self, method: str, path: str, body: str) -> Any:
        headers = {"Content-Type": "application/json", **self._signed(method, path, body)}
        request = urllib.request.Request(self.server + path, body.encode() or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer, parse_float=Decimal)["result"]

    def _signed(self, method: str, path: str, body: str) -> dict[str, str]:
        moment = str(time.time_ns() // 1_000_000)
        signature = hmac.new(self._key.secret.encode(), f"{moment}{method}{path}{body}".encode(), hashlib.sha256)
        headers = {"ACME-KEY": self._key.key, "ACME-TS": moment, "ACME-SIGN": signature.hexdigest()}
        if self._key.subaccount:
            headers["ACME-SUBACCOUNT"] = urllib.parse.quote(self._key.subaccount)
        return headers


def _reason(refusal: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(refusal)["error"])
    except (ValueError, LookupError, TypeError):
        return f"HTTP {refusal.code}"
