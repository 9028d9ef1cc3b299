"""A book as a careful client of the dialect keeps it: it does what frames say, and nothing else."""

import zlib
from typing import Any


class ClientBook:
    """Kept from `orderbook` frames alone; written from Acme API §6, on purpose without any of the venue's code."""

    def __init__(self) -> None:
        self.bids: dict[Any, Any] = {}
        self.asks: dict[Any, Any] = {}

    def take(self, data: dict[str, Any]) -> None:
        """Takes the `data` of a frame; a partial starts afresh."""
        for side, changes in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            if data["action"] == "partial":
                side.clear()
            for price, size in changes:
                if size == 0:
                    del side[price]
                else:
                    side[price] = size

    @property
    def levels(self) -> tuple[list[tuple], list[tuple]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def checksum(self) -> int:
        bids, asks = self.levels
        words = []
        for rank in range(100):
            for side in (bids, asks):
                if rank < len(side):
                    words += [str(float(side[rank][0])), str(float(side[rank][1]))]
        return zlib.crc32(":".join(words).encode())
