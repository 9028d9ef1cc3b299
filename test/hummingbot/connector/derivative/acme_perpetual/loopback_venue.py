"""A server on this machine that says what a test tells it to say, for what mocks cannot prove."""

import asyncio
import json
from typing import Any, Awaitable, Callable, Dict, List, NamedTuple, Optional

from aiohttp import web

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeConnectionsFactory

PATIENCE = 180.0  # seconds after which a test that waits has failed


class ReceivedRequest(NamedTuple):
    method: str
    path: str  # with its query, as it was on the wire
    headers: Dict[str, str]
    body: str


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LoopbackClient:
    """One WebSocket connection that a client opened."""

    def __init__(self, socket: web.WebSocketResponse):
        self._socket = socket
        self._received: asyncio.Queue = asyncio.Queue()
        self.closed = asyncio.Event()

    async def read_until_closed(self):
        try:
            async for message in self._socket:
                self._received.put_nowait(json.loads(message.data))
        finally:
            self.closed.set()

    async def next_frame(self) -> Dict[str, Any]:
        return await asyncio.wait_for(self._received.get(), PATIENCE)

    def frames_waiting(self) -> int:
        return self._received.qsize()

    def has_frames(self) -> bool:
        return not self._received.empty()

    async def expect(self, **fields: Any) -> Dict[str, Any]:
        """The next frame from the client that has these fields; others before it are passed over."""
        while True:
            frame = await self.next_frame()
            if fields.items() <= frame.items():
                return frame

    async def send(self, frame: Any):
        await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def close(self):
        await self._socket.close()

    def drop(self):
        """Cuts the connection, without a goodbye."""
        self._socket._req.transport.abort()


class LoopbackVenue:
    """Serves `/api/…` with the answers given to it, and every WebSocket with whatever the test sends."""

    def __init__(self):
        self.requests: List[ReceivedRequest] = []
        self.answers: Dict[str, List[Answer]] = {}
        self.port: Optional[int] = None
        self._clients: asyncio.Queue = asyncio.Queue()
        self._runner: Optional[web.AppRunner] = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self):
        application = web.Application()
        application.router.add_get("/ws/", self._serve_socket)
        application.router.add_route("*", "/{path:.*}", self._serve_request)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port or 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]

    async def stop(self):
        """Stops serving, and closes what the connector has open."""
        await AcmeConnectionsFactory().close()
        await self.stop_serving()

    async def stop_serving(self):
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def answer(self, method: str, path: str, *answers: Any, **options: Any):
        """What to answer to a method and path: each thing in turn, the last one from then on. An answer is the `result`
        of a success, or a function that takes the request.

        :param options: for the responses, such as `status` and `headers`; the thing is then the whole body
        """
        self.answers[f"{method} {path}"] = [a if callable(a) else _answer(a, options) for a in answers]

    async def client(self) -> LoopbackClient:
        """The next WebSocket connection that is opened."""
        return await asyncio.wait_for(self._clients.get(), PATIENCE)

    async def _serve_request(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.requests.append(ReceivedRequest(request.method, request.raw_path, dict(request.headers), body))
        answers = self.answers[f"{request.method} {request.path}"]
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        client = LoopbackClient(socket)
        self._clients.put_nowait(client)
        await client.read_until_closed()
        return socket


async def eventually(condition: Callable[[], bool]):
    """Waits until something that announces nothing has come about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def never(request: web.Request) -> web.StreamResponse:
    """Keeps the request and says nothing, for as long as the connection lasts."""
    return await asyncio.Event().wait()


async def stalls_halfway(request: web.Request) -> web.StreamResponse:
    """Begins an answer and does not finish it."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"success": true, ')
    return await asyncio.Event().wait()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """Takes the request and closes the connection instead of answering."""
    request.transport.abort()
    return web.Response()


def refuses(status: int, message: str, **headers: str) -> Answer:
    """A refusal as the venue words it (Acme API §1)."""
    return _answer({"success": False, "error": message}, {"status": status, "headers": headers})


def _answer(thing: Any, options: Dict[str, Any]) -> Answer:
    body = thing if options else {"success": True, "result": thing}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(
            text=body if isinstance(body, str) else json.dumps(body), content_type="application/json", **options
        )

    return answer
