"""Opens the venue's port where the options say, and says in a sentence why that cannot be done."""

import errno
import socket
import ssl

from acme_exchange.input.errors import UserError
from acme_exchange.server import Server


class CannotListen(UserError):
    """The server cannot be reached where it was to be; the text says why, and what to do."""


async def listen(server: Server, host: str, port: int, tls: ssl.SSLContext | None) -> str:
    """Has the server listen, and returns its URL.

    :raises CannotListen: with a sentence.
    """
    try:
        return await server.start(host, port, tls=tls)
    except OSError as error:
        raise CannotListen(_reason(error, host, port)) from None


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use; end what uses it, or take another with --port (0 takes a free one)."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is no address of this machine; write one that is, such as 127.0.0.1, after --host."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for the system; take one above 1023 with --port."
    return f"Cannot listen on port {port} of {host}: {error.strerror}."
