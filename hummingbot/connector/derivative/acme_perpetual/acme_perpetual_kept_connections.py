"""Sends HTTP requests over aiohttp's kept connections, without what its session does around each of them.

The session follows redirects, keeps cookies, has timeouts and middlewares: none of which the connector uses, and which
together take longer than everything else that the placement of an order needs. Here the session's own connections are
used (its pool, name resolution, TLS), and its parser reads the answer.
"""

import asyncio
from typing import Dict, Mapping, NamedTuple, Optional, Tuple

import aiohttp
from yarl import URL

# A request of these that was sent over a connection which turned out to be closed is sent once more (RFC 9110 §9.2.2).
REPEATABLE = ("GET", "DELETE")


class Answer(NamedTuple):
    """What an answer says beside its body.

    :ivar method: of the request
    :ivar url: of the request
    """

    method: str
    url: URL
    status: int
    headers: Mapping[str, str]


class KeptConnections:
    """Sends requests over a session's connections, each of which takes the next request when it has answered one.

    :param session: whose connections they are
    """

    def __init__(self, session: aiohttp.ClientSession):
        self._session = session
        self._servers: Dict[Tuple[str, Optional[str]], Tuple[aiohttp.ClientRequest, str]] = {}

    async def exchange(
        self, method: str, url: URL, headers: Mapping[str, str], body: Optional[str]
    ) -> Tuple[Answer, bytes]:
        """Sends a request, and reads the answer to its end.

        :raises ValueError: when there is a line break in a header
        :raises aiohttp.ClientConnectorError: when no connection can be made
        :raises aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError: when it breaks, or brings no HTTP
        """
        server, own_headers = self._server(url)
        content = b"" if body is None else body.encode()
        if content or method != "GET":
            headers = {**headers, "Content-Length": str(len(content))}
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if lines.count("\r") != len(headers) or lines.count("\n") != len(headers):
            raise ValueError("There is a line break in a header")
        message = f"{method} {url.raw_path_qs} HTTP/1.1\r\n{own_headers}{lines}\r\n".encode() + content
        try:
            status, answer_headers, answer = await self._send(server, message)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if method not in REPEATABLE:
                raise
            status, answer_headers, answer = await self._send(server, message)
        return Answer(method, url, status, answer_headers), answer

    def _server(self, url: URL) -> Tuple[aiohttp.ClientRequest, str]:
        """By what the session knows a server's connections, and the headers that it sends with every request."""
        address = url.scheme, url.host_port_subcomponent
        known = self._servers.get(address)
        if known is None:
            loop = asyncio.get_running_loop()
            request = aiohttp.ClientRequest("GET", url.origin(), loop=loop, session=self._session)
            lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
            known = self._servers[address] = request, lines
        return known

    async def _send(self, server: aiohttp.ClientRequest, message: bytes) -> Tuple[int, Mapping[str, str], bytes]:
        connector = self._session.connector
        assert connector is not None, "a session has one until it is closed"
        connection = await connector.connect(server, [], self._session.timeout)
        try:
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None and transport is not None, "it has just been connected"
            protocol.set_response_params(read_until_eof=True)
            transport.write(message)
            while True:
                head, content = await protocol.read()
                if head.code >= 200:
                    break
            body = await content.read()
        except BaseException:
            connection.close()
            raise
        connection.release()
        return head.code, head.headers, body
