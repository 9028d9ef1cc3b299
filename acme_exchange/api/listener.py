"""Accepts connections, one at each turn of the event loop, and never more than there is room for.

asyncio's own server takes in all who wait at once, counts nobody whose TLS handshake is not done, and when the process
has no descriptor left it tries again and again, each time with a traceback in the log.
"""

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EADDRNOTAVAIL, EAFNOSUPPORT

from acme_exchange.api.clients import MOST_CONNECTIONS, Client, Clients
from acme_exchange.api.connection import HEAD_SECONDS, HttpConnection

BACKLOG = 512
"""Clients that the system lets wait until they are taken in."""

RESERVED_DESCRIPTORS = 64
"""For the database, the log, and whatever else is not a client."""

FULL_PAUSE_SECONDS = 0.1
NOTICE_SECONDS = 60.0
OVERDUE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Listener:
    """Listens on a host's addresses, and serves each client that may come in on a connection of its own."""

    def __init__(self, connection: Callable[[Client], HttpConnection], tls: ssl.SSLContext | None = None) -> None:
        """
        :param connection: makes the protocol of one client.
        :param tls: what clients are shown; without it, nothing is encrypted.
        """
        self._connection = connection
        self._tls = tls
        self._clients = Clients(min(MOST_CONNECTIONS, _descriptors() - RESERVED_DESCRIPTORS))
        self._sockets: list[socket.socket] = []
        self._watching: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._open: dict[HttpConnection, None] = {}
        self._noticed = float("-inf")

    async def open(self, host: str, port: int) -> tuple[str, int]:
        """Listens from now on.

        :param port: 0 takes a free one.
        :returns: the first address, and its port.
        :raises OSError: the port is taken, or the host is none of this machine's.
        """
        self._sockets = await _listening(host, port)
        for each in self._sockets:
            self._accept_from(each)
        self._watching = asyncio.create_task(self._end_overdue())
        address = self._sockets[0].getsockname()
        return address[0], address[1]

    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._clients)

    async def close(self) -> None:
        """Takes in nobody any more, and gives the port back."""
        sockets, self._sockets = self._sockets, []
        for each in sockets:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        tasks = [*self._serving, *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end_overdue(self, now: float) -> None:
        """Ends the connections that have let a deadline pass.

        :param now: by the event loop's clock, in seconds.
        """
        for connection in list(self._open):
            if connection.transport is None:
                del self._open[connection]
            elif connection.is_overdue(now):
                connection.abort()

    async def _end_overdue(self) -> None:
        while True:
            await asyncio.sleep(OVERDUE_SECONDS)
            self.end_overdue(asyncio.get_running_loop().time())

    def _accept_from(self, listening: socket.socket) -> None:
        """Takes in one client at each turn of the event loop; not by `sock_accept`, which loses one when it is
        cancelled."""
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            accepted, address = accept(listening)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            self._notice(f"No client can be taken in: {error.strerror}")
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            loop.call_later(FULL_PAUSE_SECONDS, self._accept_again, listening)
            return
        accepted.setblocking(False)
        client = self._clients.enter(address[0])
        if client is None:
            accepted.close()
            self._notice(f"{len(self._clients)} clients are connected, and no more can be")
        else:
            self._serve(accepted, client)

    def _accept_again(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            self._accept_from(listening)

    def _serve(self, accepted: socket.socket, client: Client) -> None:
        connection = self._connection(client)
        task = asyncio.create_task(self._connected(accepted, client, connection))
        client.disconnect = task.cancel
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _connected(self, accepted: socket.socket, client: Client, connection: HttpConnection) -> None:
        """Until the client can be talked to, its TLS handshake included."""
        timeout = HEAD_SECONDS if self._tls else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, accepted, ssl=self._tls, ssl_handshake_timeout=timeout
            )
        except BaseException as error:
            client.leave()
            accepted.close()
            if not isinstance(error, OSError):
                raise
        else:
            client.disconnect = connection.abort
            self._open[connection] = None

    def _notice(self, text: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._noticed >= NOTICE_SECONDS:
            self._noticed = now
            logger.warning("%s; said once a minute at most", text)


def accept(listening: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
    """The next client that waits, and where it comes from.

    :raises OSError: there is none, or the process has no descriptor left for it.
    """
    return listening.accept()


def _descriptors() -> int:
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], MOST_CONNECTIONS + RESERVED_DESCRIPTORS)


async def _listening(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on all of a host's addresses; those that this machine does not have are left out."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    failures: list[OSError] = []
    try:
        for family, address in dict.fromkeys((one[0], one[4]) for one in found):
            try:
                sockets.append(socket.create_server(address, family=family, backlog=BACKLOG))
            except OSError as error:
                if error.errno not in (EADDRNOTAVAIL, EAFNOSUPPORT):
                    raise
                failures.append(error)
        if not sockets:
            raise failures[0]
    except OSError:
        for each in sockets:
            with suppress(OSError):
                each.close()
        raise
    for each in sockets:
        each.setblocking(False)
    return sockets
