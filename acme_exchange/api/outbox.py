"""What waits to be sent to one WebSocket client: bounded, so that a slow reader cannot fill the venue's memory."""

import asyncio
from collections import deque
from collections.abc import Callable

MOST_WAITING_BYTES = 4 * 1024 * 1024
FRAME_OVERHEAD_BYTES = 64


class Outbox:
    """Encoded frames, in order. Frames of a public channel are one object shared by all who wait for it.

    A client that lets more wait than the bound allows is given up: what waited is let go, `overflowed` is called once,
    and nothing is taken any more.
    """

    def __init__(self, overflowed: Callable[[], None], most_bytes: int = MOST_WAITING_BYTES) -> None:
        self._overflowed = overflowed
        self._most_bytes = most_bytes
        self._waiting_bytes = 0
        self._frames: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._given_up = False
        self._ended = False

    def put(self, frame: bytes) -> None:
        if self._given_up:
            return
        self._waiting_bytes += len(frame) + FRAME_OVERHEAD_BYTES
        if self._waiting_bytes > self._most_bytes:
            self._given_up = True
            self._frames.clear()
            self._overflowed()
            return
        self._frames.append(frame)
        self._filled.set()

    def end(self) -> None:
        """Nothing follows what waits now."""
        self._ended = True
        self._filled.set()

    async def get(self) -> bytes | None:
        """The next frame, once there is one; None after the last."""
        while not self._frames:
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._waiting_bytes -= len(frame) + FRAME_OVERHEAD_BYTES
        return frame
