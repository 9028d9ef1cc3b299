"""Clients without a key who want to cost a venue as much as they can. Each runs until it is killed.

python -m bench.attackers unread-answers 8600
"""

import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

HALF_SENT = 75
"""Connections of each attacker: with four of them, more than 256 descriptors allow."""
STREAMS = 40
"""WebSockets of each attacker: with four of them, more than one address may have."""
MARKETS = ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP")
SIGNED = "ACME-KEY: guessed\r\nACME-TS: {time}\r\nACME-SIGN: " + "0" * 64 + "\r\n"


def _request(method: str, path: str, headers: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode()


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _connected_with_little_room(port: int) -> socket.socket:
    """The system takes in little of what is not read, so that all else waits in the venue."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(5)
    client.connect(("127.0.0.1", port))
    return client


def _upgraded(port: int, connect: Callable[[int], socket.socket] = _connected) -> socket.socket:
    client = connect(port)
    headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    client.sendall(_request("GET", "/ws/", headers + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
    client.recv(4096)
    return client


def _frame(payload: bytes) -> bytes:
    return struct.pack("!BB", 0x81, 0x80 | len(payload)) + bytes(4) + payload


def _sends_for_ever(client: socket.socket, what: bytes, reads: bool) -> None:
    """Sends without waiting for answers, which are read and thrown away, or never read."""
    if reads:
        threading.Thread(target=_drain, args=(client,), daemon=True).start()
    else:
        client.settimeout(None)
    while True:
        client.sendall(what)


def _drain(client: socket.socket) -> None:
    with suppress(OSError):
        while client.recv(1 << 20):
            pass


def _pipelined(method: str, path: str, headers: str = "", reads: bool = True) -> Callable[[int], None]:
    def attack(port: int) -> None:
        what = _request(method, path, headers.format(time=int(time.time() * 1000))) * 200
        _sends_for_ever(_connected(port), what, reads)

    return attack


def _endless_frame(port: int) -> None:
    client = _upgraded(port)
    client.sendall(struct.pack("!BBQ", 0x81, 0xFF, 1 << 40) + bytes(4))
    _sends_for_ever(client, bytes(1 << 20), reads=False)


def _small_frames(payload: bytes) -> Callable[[int], None]:
    def attack(port: int) -> None:
        _sends_for_ever(_upgraded(port), _frame(payload) * 1000, reads=False)

    return attack


def _half_sent(before: bytes = b"") -> Callable[[int], None]:
    def attack(port: int) -> None:
        clients = []
        while True:
            with suppress(OSError):
                client = _connected(port)
                client.sendall(before + b"GET /api/time HTTP/1.1\r\nHost: a\r\n")
                clients.append(client)
            del clients[:-HALF_SENT]
            if len(clients) == HALF_SENT:
                time.sleep(0.01)

    return attack


def _unread_streams(port: int) -> None:
    """Many that listen to all there is and read nothing, each within its own bound."""
    operations = [
        f'{{"op":"subscribe","channel":"{channel}","market":"{market}"}}'
        for channel in ("orderbook", "trades", "ticker")
        for market in MARKETS
    ]
    again = '{"op":"unsubscribe","channel":"markets"}', '{"op":"subscribe","channel":"markets"}'
    wanted = b"".join(_frame(each.encode()) for each in [again[1], *operations])
    more = b"".join(_frame(each.encode()) for each in again)
    clients: list[socket.socket] = []
    while True:
        for client in list(clients):
            try:
                client.send(more * 50)
            except BlockingIOError:
                continue
            except OSError:
                clients.remove(client)
        if len(clients) < STREAMS:
            with suppress(OSError):
                client = _upgraded(port, _connected_with_little_room)
                client.sendall(wanted)
                client.setblocking(False)
                clients.append(client)
        else:
            time.sleep(0.01)


def _half_sent_bodies(port: int) -> None:
    clients = []
    while True:
        with suppress(OSError):
            client = _connected(port)
            client.sendall(_request("POST", "/api/orders", "Content-Length: 60000\r\n") + bytes(50_000))
            clients.append(client)
        del clients[:-HALF_SENT]


def _reconnecting(port: int) -> None:
    while True:
        with _connected(port) as client:
            client.sendall(_request("GET", "/nowhere", "Connection: close\r\n"))
            client.recv(4096)


def _endless_head(port: int) -> None:
    client = _connected(port)
    client.sendall(b"GET /api/time HTTP/1.1\r\n")
    _sends_for_ever(client, b"X-Filler: " + b"x" * 4000 + b"\r\n", reads=False)


_ATTACKS: dict[str, Callable[[int], None]] = {
    "unread-answers": _pipelined("GET", "/api/markets", reads=False),
    "endless-frame": _endless_frame,
    "flood-of-429": _pipelined("GET", "/api/time"),
    "flood-of-404": _pipelined("GET", "/nowhere"),
    "false-signatures": _pipelined("DELETE", "/api/orders", SIGNED),
    "half-sent": _half_sent(),
    "half-sent-later": _half_sent(before=_request("GET", "/api/time")),
    "half-sent-bodies": _half_sent_bodies,
    "endless-head": _endless_head,
    "empty-frames": _small_frames(b""),
    "pings-unread": _small_frames(b'{"op": "ping"}'),
    "log-ins": _small_frames(b'{"op":"login","args":{"key":"guessed","time":1,"sign":"0"}}'),
    "unread-streams": _unread_streams,
    "reconnecting": _reconnecting,
}
ATTACKS = tuple(_ATTACKS)


def main() -> None:
    attack, port = _ATTACKS[sys.argv[1]], int(sys.argv[2])
    parent = os.getppid()
    while os.getppid() == parent:
        with suppress(OSError):
            attack(port)


if __name__ == "__main__":
    main()
