"""Holds the frames that wait to be sent to one WebSocket client: bounded, so that a slow reader cannot fill the venue's
memory."""

import asyncio
from collections import deque
from collections.abc import Callable

from acme_exchange.store.progress import Progress

MOST_WAITING_BYTES = 4 * 1024 * 1024
FRAME_OVERHEAD_BYTES = 64
ROOM_BYTES = 256 * 1024
"""A client for whom more than this waits is not asked what else it wants: it does not read what it has asked for."""
TAKEN_BYTES = 64 * 1024
"""What comes out at a time: all that is there, unless it is more than this."""


class Outbox:
    """Encoded frames, in order. Frames of a public channel are one object shared by all who wait for it.

    A frame comes out once what it may tell of is durable: a client must not know what a `kill -9` could still undo. A
    client that lets more wait than the bound allows is given up: what waited is let go, `overflowed` is called once,
    and nothing is taken any more.
    """

    def __init__(
        self,
        overflowed: Callable[[], None],
        progress: Progress,
        most_bytes: int = MOST_WAITING_BYTES,
        count: Callable[[int], None] = lambda change: None,
    ) -> None:
        """
        :param count: told by how many bytes what waits has grown, or, negative, shrunk.
        """
        self._overflowed = overflowed
        self._count = count
        self._progress = progress
        self._most_bytes = most_bytes
        self._waiting_bytes = 0
        self._frames: deque[tuple[bytes, int]] = deque()
        self._waiting: Callable[[], None] | None = None
        self._emptied = asyncio.Event()
        self._given_up = False
        self._ended = False

    def put(self, frame: bytes) -> None:
        if self._given_up:
            return
        self._waiting_bytes += len(frame) + FRAME_OVERHEAD_BYTES
        if self._waiting_bytes > self._most_bytes:
            self.give_up()
            return
        self._frames.append((frame, self._progress.recorded))
        self._wake()
        self._count(len(frame) + FRAME_OVERHEAD_BYTES)

    def put_private(self, channel: str, frame: bytes) -> None:
        """Takes a frame of a channel that is the client's own."""
        self.put(frame)

    def give_up(self) -> None:
        """Lets go what waits, and takes nothing any more."""
        self._given_up = True
        self._frames.clear()
        self._emptied.set()
        self._overflowed()

    def end(self) -> None:
        """Takes no more frames: those that wait now are the last."""
        self._ended = True
        self._wake()

    async def room(self) -> None:
        """Waits until fewer than :data:`ROOM_BYTES` wait to be sent."""
        while self._waiting_bytes > ROOM_BYTES and not self._given_up:
            self._emptied.clear()
            await self._emptied.wait()

    def call(self, ready: Callable[[], None]) -> None:
        """Has `ready` called, once and in a turn of its own, as soon as `take` has something to say."""
        if self._frames:
            self._progress.call_after_others(self._frames[0][1], ready)
        elif self._ended:
            asyncio.get_running_loop().call_soon(ready)
        else:
            self._waiting = ready

    def take(self) -> list[bytes]:
        """The next frames that may be sent, in their order; none after the last.

        :raises StoreFailed: what they tell of cannot be durable.
        """
        progress = self._progress
        if self._frames and self._frames[0][1] > progress.durable and progress.failure is not None:
            raise progress.failure
        return self._taken()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.call(waiting)

    def _taken(self) -> list[bytes]:
        frames, size, durable, waiting = [], 0, self._progress.durable, self._frames
        while waiting and waiting[0][1] <= durable and size < TAKEN_BYTES:
            frame, _ = waiting.popleft()
            frames.append(frame)
            size += len(frame) + FRAME_OVERHEAD_BYTES
        self._waiting_bytes -= size
        self._count(-size)
        self._emptied.set()
        return frames
