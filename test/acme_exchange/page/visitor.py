"""What a browser's page does, without the browser."""

from typing import Any

import aiohttp

from test.acme_exchange.venue import Answer, RunningVenue, sign


class Visitor:
    """Asks as the page does: with its cookies, from its own address."""

    def __init__(self, http: aiohttp.ClientSession, running: RunningVenue) -> None:
        self._http = http
        self._running = running
        self.cookies: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """:param path: below `/page`."""
        async with self._http.request(
            method,
            f"{self._running.url}/page{path}",
            json=body,
            headers={"Origin": self._running.url},
            cookies=self.cookies,
        ) as response:
            self.cookies |= {name: morsel.value for name, morsel in response.cookies.items()}
            return Answer(response.status, await response.json(), response.headers)

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def sign_in_with_code(self, account: str, read_only: bool = False) -> Answer:
        page = self._running.server.page
        return await self.ask("POST", "/session", {"code": page.codes.issue(page.grant(account, read_only))})

    async def sign_in_with_key(self, key: str, secret: str) -> Answer:
        time = str(self._running.clock.now() // 1000)
        return await self.ask(
            "POST", "/session", {"key": key, "time": time, "sign": sign(secret, f"{time}websocket_login")}
        )
