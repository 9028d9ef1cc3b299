"""Counts what has happened, and how much of it would still be known after a `kill -9`, and by default after a power
cut: nobody is told the rest."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from acme_exchange.input.errors import UserError


class StoreFailed(UserError):
    """What happened cannot be kept any more; the text says why. The venue must end: nothing it says now would last."""


class Progress:
    """Counts what is recorded, in batches that are kept one after the other, and lets others wait for that.

    A venue without a lasting store records nothing, so that nobody ever waits.

    :ivar recorded: the batch that holds the latest of what has happened.
    :ivar durable: the latest batch that a `kill -9` does not undo; nor a power cut, unless the owner chose
    `Durability.CRASH`.
    :ivar failure: why nothing more can be kept; None while all is well, and `failed` is not set.
    """

    def __init__(self) -> None:
        self.recorded = 0
        self.durable = 0
        self._awaited: defaultdict[int, _Waiting] = defaultdict(_Waiting)
        self.failure: StoreFailed | None = None
        self.failed = asyncio.Event()

    def keep(self, batch: int) -> None:
        """Everything up to `batch` is kept. Batches are kept in their order."""
        self.durable = batch
        if waiting := self._awaited.pop(batch, None):
            waiting.end()

    def fail(self, failure: StoreFailed) -> None:
        """Nothing more will be kept: whoever waits, now or later, is told so."""
        self.failure = failure
        self.failed.set()
        for waiting in self._awaited.values():
            waiting.end()
        self._awaited.clear()

    async def reach(self, batch: int) -> None:
        """Returns once `batch` is kept.

        :raises StoreFailed: it never will be.
        """
        if not self._is_settled(batch):
            await self._awaited[batch].awaited.wait()
        if self.durable < batch and self.failure is not None:
            raise self.failure

    def call(self, batch: int, settled: Callable[[], object]) -> None:
        """Has `settled` called once `batch` is kept, or never will be: then `failure` says why. At once, where that is
        known already."""
        if self._is_settled(batch):
            settled()
        else:
            self._awaited[batch].calls.append(settled)

    def call_after_others(self, batch: int, settled: Callable[[], object]) -> None:
        """As `call`, in a turn of the event loop that comes after those who wait for an answer: for frames to many."""
        if self._is_settled(batch):
            asyncio.get_running_loop().call_soon(settled)
        else:
            self._awaited[batch].later_calls.append(settled)

    def _is_settled(self, batch: int) -> bool:
        return self.durable >= batch or self.failure is not None

    async def settle(self) -> None:
        """Returns once everything that has happened up to this call is kept.

        :raises StoreFailed: it never will be.
        """
        await self.reach(self.recorded)


class _Waiting:
    """Those who wait for one batch."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.awaited = asyncio.Event()
        self.later_calls: list[Callable[[], object]] = []

    def end(self) -> None:
        loop = asyncio.get_running_loop()
        for call in self.calls:
            loop.call_soon(call)
        self.awaited.set()
        for call in self.later_calls:
            loop.call_soon(call)
