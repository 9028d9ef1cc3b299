"""Receivers and waits that tests hold in their hands."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Posted:
    """A message, as it came over the wire."""

    path: str
    text: str
    headers: dict[str, str]


class Mailbox:
    """Takes what is posted to any path of it, and answers with the next of `answers`, or 200.

    :ivar url: without a path.
    """

    def __init__(self) -> None:
        self.posted: asyncio.Queue[Posted] = asyncio.Queue()
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.is_mute = False
        self._silence = asyncio.Event()

    async def next(self) -> str:
        """The text of the next message, once it has come."""
        return (await self.next_posted()).text

    async def next_posted(self) -> Posted:
        return await asyncio.wait_for(self.posted.get(), PATIENCE_SECONDS)

    async def open(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._silence.set()
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.posted.put_nowait(Posted(request.path_qs, await request.text(), dict(request.headers)))
        if self.is_mute:
            await self._silence.wait()
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        return web.Response(status=status, headers=headers)


class Waits:
    """Sleeps that last until a test ends them."""

    def __init__(self) -> None:
        self._sleepers: list[tuple[float, asyncio.Future]] = []
        self._came = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((seconds, future))
        self._came.set()
        await future

    async def end(self, seconds: float) -> None:
        """Ends the sleep of so many seconds, once there is one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.lasting(seconds):
                self._came.clear()
                await self._came.wait()
        self.lasting(seconds)[0].set_result(None)

    def lasting(self, seconds: float) -> list[asyncio.Future]:
        """The sleeps of so many seconds that have not ended."""
        return [future for length, future in self._sleepers if length == seconds and not future.done()]
