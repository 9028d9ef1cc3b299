"""Signs requests (Acme API §2)."""

import hmac
from typing import Dict, Optional
from urllib.parse import quote

from yarl import URL

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTRequest, WSJSONRequest, WSRequest


class AcmePerpetualAuth(AuthBase):
    """Signs REST requests and WebSocket logins with an account's API secret.

    A connector for public data only has no key: `None` and the empty string both stand for that.

    :param time_provider: the clock that signatures are dated with, kept in step with the venue's
    :param subaccount: the subaccount of the key's account that is meant; empty for the account itself
    """

    def __init__(
        self, api_key: Optional[str], api_secret: Optional[str], time_provider: TimeSynchronizer, subaccount: str = ""
    ):
        self.api_key = api_key or ""
        self.time_provider = time_provider
        self._secret = (api_secret or "").encode()
        self._subaccount = subaccount

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def rest_authenticate(self, request: RESTRequest) -> RESTRequest:
        """Adds the headers that authenticate a request; the body is signed as it will be sent.

        The query is part of what is signed, so it is made part of the URL here, and both are encoded once, by the
        library that also sends them: a second encoding could differ from the signed one.
        """
        url = URL(request.url)
        if request.params:
            url = url.extend_query(request.params)
        request.url, request.params = url, None
        headers = self.header_for_authentication(request.method.value, url.raw_path_qs, request.data or "")
        request.headers = {**(request.headers or {}), **headers}
        return request

    async def ws_authenticate(self, request: WSRequest) -> WSRequest:
        """Makes the request the login of a WebSocket, dated now (Acme API §2)."""
        timestamp = self._timestamp()
        signature = self._generate_signature(f"{timestamp}websocket_login")
        return WSJSONRequest(payload=wire.login_request(self.api_key, signature, timestamp, self._subaccount))

    def header_for_authentication(self, method: str, path: str, body: str) -> Dict[str, str]:
        """The headers for a request of this method, path (with its query, from `/api` on) and body, dated now."""
        timestamp = self._timestamp()
        headers = {
            "ACME-KEY": self.api_key,
            "ACME-TS": str(timestamp),
            "ACME-SIGN": self._generate_signature(f"{timestamp}{method}{path}{body}"),
        }
        return {**headers, "ACME-SUBACCOUNT": quote(self._subaccount, safe="")} if self._subaccount else headers

    def _generate_signature(self, payload: str) -> str:
        return hmac.digest(self._secret, payload.encode(), "sha256").hex()

    def _timestamp(self) -> int:
        """Milliseconds since the epoch, by the venue's clock."""
        return int(self.time_provider.time() * 1e3)
