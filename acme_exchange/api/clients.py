"""Counts the connected clients and the memory that each takes, and disconnects one when there are too many or they take
too much.

A client that has shown a key is never sent away for one that has not. Of the others, whoever has asked nothing yet
goes first, the one that has been there longest before the others: a flood of connections sends away its own.

What is held in memory for a client is bounded for each of them, and for all of them together: past that, whoever lets
the most wait goes.
"""

from collections.abc import Callable
from enum import IntEnum

MOST_CONNECTIONS = 1_024
MOST_AN_ADDRESS = 512
MOST_LISTENERS_AN_ADDRESS = 128
"""WebSockets of one address that have not logged in: those are not sent away, and so must not take up all there is."""


MOST_HELD_BYTES = 32 * 1024 * 1024
"""Of what all clients together have sent and was not dealt with yet, and of what waits for them to be read. Frames that
many of them wait for count for each of them."""


class Rank(IntEnum):
    """What a client has done so far."""

    NEW = 0
    ANSWERED = 1
    LISTENING = 2
    AUTHENTICATED = 3


def _disconnect_nothing() -> None:
    """For a client that has no connection."""


class Client:
    """One connection, from when it is accepted.

    :ivar address: the IP address it comes from.
    :ivar disconnect: ends it.
    :ivar held: bytes that are in memory for it.
    :ivar is_in: whether it counts among those who are connected.
    """

    def __init__(self, clients: "Clients", address: str) -> None:
        self.address = address
        self.rank = Rank.NEW
        self.held = 0
        self.disconnect: Callable[[], object] = _disconnect_nothing
        self.is_in = True
        self._clients = clients

    def answered(self) -> None:
        """Notes that a request of the client's was answered."""
        if self.rank is Rank.NEW:
            self.rank = Rank.ANSWERED

    def authenticated(self) -> None:
        """Notes that the client has shown a key that the venue knows."""
        self.rank = Rank.AUTHENTICATED

    def may_listen(self) -> bool:
        """Whether it may stay as a WebSocket."""
        if self.rank is not Rank.AUTHENTICATED:
            if self._clients.listeners(self.address) >= self._clients.most_listeners:
                return False
            self.rank = Rank.LISTENING
        return True

    def hold(self, change: int) -> None:
        """So many bytes more, or, negative, less are in memory for it. It may have to go for that, or another."""
        self.held += change
        self._clients.hold(self, change)

    def leave(self) -> None:
        """Notes that the client is connected no more."""
        self.disconnect = _disconnect_nothing
        self._clients.remove(self)


class Clients:
    """All connected clients.

    :ivar most_listeners: see :data:`MOST_LISTENERS_AN_ADDRESS`.
    """

    def __init__(self, most: int = MOST_CONNECTIONS, most_held: int = MOST_HELD_BYTES) -> None:
        """
        :param most: how many there may be, all addresses together.
        :param most_held: bytes that may be in memory for all of them.
        """
        self._most = most
        self._most_held = most_held
        self._held = 0
        self._most_an_address = min(MOST_AN_ADDRESS, most * 3 // 4)
        self.most_listeners = min(MOST_LISTENERS_AN_ADDRESS, most * 3 // 8)
        self._of_address: dict[str, dict[Client, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def enter(self, address: str) -> Client | None:
        """Takes one more in, for which another may have to go.

        :returns: None when there is no room.
        """
        own = self._of_address.get(address, {})
        if len(own) >= self._most_an_address:
            leaving = _least(own)
        elif self._count >= self._most:
            leaving = self._least_of_busiest()
        else:
            return self._entered(address)
        if leaving is None:
            return None
        self.remove(leaving)
        leaving.disconnect()
        return self._entered(address)

    def remove(self, client: Client) -> None:
        if not client.is_in:
            return
        client.is_in = False
        own = self._of_address[client.address]
        del own[client]
        self._count -= 1
        self._held -= client.held
        if not own:
            del self._of_address[client.address]

    def hold(self, client: Client, change: int) -> None:
        """Counts what is in memory for a client, and cuts off whoever holds the most while it is too much."""
        if not client.is_in:
            return
        self._held += change
        while change > 0 and self._held > self._most_held:
            leaving = self._greediest()
            self.remove(leaving)
            leaving.disconnect()

    def _greediest(self) -> Client:
        """Among those without a key, unless the others hold the larger part."""
        everyone = [client for own in self._of_address.values() for client in own]
        strangers = [client for client in everyone if client.rank is not Rank.AUTHENTICATED]
        blamed = strangers if sum(client.held for client in strangers) * 2 >= self._held else everyone
        return max(blamed, key=lambda client: client.held)

    def listeners(self, address: str) -> int:
        return sum(1 for client in self._of_address.get(address, {}) if client.rank is Rank.LISTENING)

    def _entered(self, address: str) -> Client:
        client = Client(self, address)
        self._of_address.setdefault(address, {})[client] = None
        self._count += 1
        return client

    def _least_of_busiest(self) -> Client | None:
        """From the address that has the most of them, so that one address cannot send away the others' clients."""
        for address in sorted(self._of_address, key=lambda name: -len(self._of_address[name])):
            if (least := _least(self._of_address[address])) is not None:
                return least
        return None


def _least(clients: dict[Client, None]) -> Client | None:
    """The one that has to go first; they are in the order in which they came."""
    candidates = [client for client in clients if client.rank < Rank.LISTENING]
    return min(candidates, key=lambda client: client.rank, default=None)
