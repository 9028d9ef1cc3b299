"""A venue that can be killed and started again where it was, with an account for each bot."""

import socket
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from acme_bot.chaos.faults import FAULTS
from acme_bot.compare.venue_client import Key
from acme_bot.venue import Venue, account_entries, new_key

FUNDING_SECONDS = 60
SPEED = 3
# Below the ports that the system gives to clients: one that knocks while the venue is down must not be given its port.
PORTS = range(20_000, 32_000)
LIVES = 1000


class LastingVenue(Venue):
    """Keeps what it has in `folder`. `traders` and `watchers` are the keys of each account, as in `Venue`.

    The seed decides the market, and the faults; each life of the venue has others.
    """

    def __init__(self, folder: Path, accounts: Sequence[str], seed: int):
        super().__init__(folder, funding_seconds=FUNDING_SECONDS)
        self.data = folder / "venue"
        self.is_faulty = False
        self.traders: dict[str, Key] = {name: new_key() for name in accounts}
        self.watchers: dict[str, Key] = {name: new_key() for name in accounts}
        self._first_seed = seed * LIVES
        self._lives = 0
        self._port = _free_port()

    def start(self) -> None:
        self._seed = self._first_seed + self._lives
        self._lives += 1
        super().start()

    def kill(self) -> None:
        """Ends it with SIGKILL."""
        self._running.kill()
        self._running.wait()

    def _options(self) -> list[str]:
        faults = [option for fault in FAULTS for option in ("--fault", fault)] if self.is_faulty else []
        return [
            "--port",
            str(self._port),
            "--data",
            str(self.data),
            "--seed",
            str(self._seed),
            "--speed",
            str(SPEED),
            "--funding-interval",
            str(FUNDING_SECONDS),
            *faults,
        ]

    def _accounts(self) -> list[dict[str, Any]]:
        return [
            entry for name in self.traders for entry in account_entries(name, self.traders[name], self.watchers[name])
        ]


def _free_port() -> int:
    for port in Random().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"No port from {PORTS.start} to {PORTS.stop - 1} is free.")
