"""Makes faults on demand, for testing clients: what a network, or a venue on a bad day, does to them.

Faults never touch what is true: the engine and the store go on as if nothing had happened, and whoever asks again is
told what is. The same seed and the same occasions give the same faults.
"""

import uuid
from asyncio import sleep
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Literal, Self

import msgspec
from aiohttp import hdrs, web
from pydantic import BeforeValidator, Field, StrictInt

from acme_exchange.api import errors
from acme_exchange.api.answering import failure
from acme_exchange.api.outbox import Outbox
from acme_exchange.api.published_book import BookChange
from acme_exchange.api.rate_limits import ORDERS, REQUESTS
from acme_exchange.api.rest import BASE
from acme_exchange.api.wire.answers import Answer
from acme_exchange.api.wire.requests import Name, Request
from acme_exchange.clock import Clock
from acme_exchange.engine import Refused
from acme_exchange.input.numbers import number
from acme_exchange.store.progress import Progress


class FaultName(StrEnum):
    """Every fault there is."""

    LOSE_REQUEST = "lose-request"
    LOSE_ANSWER = "lose-answer"
    DELAY = "delay"
    ERROR_BEFORE = "error-before"
    ERROR_AFTER = "error-after"
    TOO_MANY_REQUESTS = "too-many-requests"
    CUT_SOCKET = "cut-socket"
    DROP_FRAME = "drop-frame"
    DUPLICATE_FRAME = "duplicate-frame"
    REORDER_FRAME = "reorder-frame"
    CORRUPT_BOOK = "corrupt-book"
    SKEW_CLOCK = "skew-clock"


REQUEST_FAULTS = (
    FaultName.LOSE_REQUEST,
    FaultName.LOSE_ANSWER,
    FaultName.DELAY,
    FaultName.ERROR_BEFORE,
    FaultName.ERROR_AFTER,
    FaultName.TOO_MANY_REQUESTS,
)
FRAME_FAULTS = (FaultName.DROP_FRAME, FaultName.DUPLICATE_FRAME, FaultName.REORDER_FRAME)
TIMED_FAULTS = (FaultName.DELAY, FaultName.SKEW_CLOCK)
FIELDS_OF = {"seconds": TIMED_FAULTS, "method": REQUEST_FAULTS, "path": REQUEST_FAULTS, "channel": FRAME_FAULTS}
"""Which faults a field goes with."""

MOST_SECONDS = 3_600
RETRY_SECONDS = "1.000"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _share(value: object) -> float:
    if not 0 < (share := number(value)) <= 1:
        raise ValueError("out of range")
    return float(share)


def _seconds(value: object) -> float:
    if not abs(seconds := number(value)) <= MOST_SECONDS:
        raise ValueError("out of range")
    return float(seconds)


class FaultRequest(Request):
    """A fault to be set."""

    name: FaultName
    rate: Annotated[float, BeforeValidator(_share)] = 1.0
    seconds: Annotated[float, BeforeValidator(_seconds)] | None = None
    times: Annotated[StrictInt, Field(ge=1)] | None = None
    method: Literal["GET", "POST", "DELETE"] | None = None
    path: Name | None = None
    channel: Literal["orders", "fills", "positions", "balances"] | None = None

    def checked(self) -> Self:
        """
        :raises Refused: 400, naming the parameter that is missing, or does not go with this fault.
        """
        if self.name in TIMED_FAULTS and self.seconds is None:
            raise Refused(400, errors.missing_parameter("seconds"))
        if self.name == FaultName.DELAY and (self.seconds or 0) < 0:
            raise Refused(400, errors.invalid_parameter("seconds"))
        for field, names in FIELDS_OF.items():
            if getattr(self, field) is not None and self.name not in names:
                raise Refused(400, errors.invalid_parameter(field))
        return self


class ClearRequest(Request):
    """Which fault ends; all of them when none is named."""

    id: StrictInt | None = None


@dataclass
class Fault:
    """A fault that has been set.

    :ivar id: by which it can be ended.
    :ivar asked: what it is, how often it strikes, and what.
    :ivar seen: on how many occasions it could have struck.
    :ivar struck: how often it did.
    """

    id: int
    asked: FaultRequest
    random: Random
    seen: int = 0
    struck: int = 0

    def strikes(self, name: FaultName, what: "_Occasion") -> bool:
        """Whether it strikes now. The occasion is counted."""
        asked = self.asked
        if asked.name != name or self.struck == asked.times or not what.fits(asked):
            return False
        self.seen += 1
        if self.random.random() >= asked.rate:
            return False
        self.struck += 1
        return True


@dataclass(frozen=True, slots=True)
class _Occasion:
    method: str | None = None
    path: str | None = None
    channel: str | None = None

    def fits(self, asked: FaultRequest) -> bool:
        return (
            asked.method in (None, self.method)
            and asked.channel in (None, self.channel)
            and (asked.path is None or fnmatchcase(self.path or "", asked.path))
        )


ANYTHING = _Occasion()


class Faults:
    """The faults that are set, and what they do.

    :ivar clock: the venue's, with what skews it: what time it is, as clients are told.
    """

    def __init__(self, seed: int | str, clock: Clock, progress: Progress) -> None:
        self.clock: Clock = _SkewedClock(clock, self)
        self._progress = progress
        self._seed = seed
        self._faults: list[Fault] = []
        self._latest_id = 0

    def set(self, asked: FaultRequest) -> Fault:
        """:raises Refused: 400, naming the parameter that is missing, or does not go with this fault."""
        self._latest_id += 1
        fault = Fault(self._latest_id, asked.checked(), Random(f"{self._seed}/faults/{self._latest_id}/{asked.name}"))
        self._faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Ends one fault, or all of them.

        :raises Refused: 404, there is none of that id.
        """
        remaining = [fault for fault in self._faults if fault_id not in (None, fault.id)]
        if fault_id is not None and len(remaining) == len(self._faults):
            raise Refused(404, errors.NO_SUCH_FAULT)
        self._faults = remaining

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return bool(self._faults)

    def all(self) -> list[Fault]:
        """Those that are set, also those that have struck as often as they were to."""
        return list(self._faults)

    def strikes(self, name: FaultName, what: _Occasion = ANYTHING) -> Fault | None:
        """The first fault of that name that strikes now."""
        if not self._faults:
            return None
        return next((fault for fault in self._faults if fault.strikes(name, what)), None)

    def outbox(self, disconnect: Callable[[], None], count: Callable[[int], None]) -> Outbox:
        """What waits for a WebSocket client that faults may befall.

        :param disconnect: ends the connection, without a word.
        :param count: told by how many bytes what waits has grown or shrunk.
        """
        return _FaultyOutbox(disconnect, self._progress, self, count)

    def book(self, change: BookChange) -> BookChange:
        """A change of a book, perhaps with the size of one of its levels wrong, which its checksum then tells."""
        for side in ("bids", "asks"):
            levels = list(getattr(change, side))
            position = next((position for position, (_, size) in enumerate(levels) if size), None)
            if position is not None:
                if self.strikes(FaultName.CORRUPT_BOOK):
                    price, size = levels[position]
                    levels[position] = (price, size * 2)
                    return msgspec.structs.replace(change, **{side: levels})
                break
        return change

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What befalls a request below `/api`, and its answer."""
        if not self._faults or not request.path.startswith(f"{BASE}/"):
            return await handler(request)
        what = _Occasion(request.method, request.path.removeprefix(BASE))
        if delay := self.strikes(FaultName.DELAY, what):
            await sleep(delay.asked.seconds or 0)
        if self.strikes(FaultName.LOSE_REQUEST, what):
            return _disconnect(request)
        if self.strikes(FaultName.ERROR_BEFORE, what):
            return _unexpected()
        if self.strikes(FaultName.TOO_MANY_REQUESTS, what):
            return _too_many(request)
        answer = await handler(request)
        if self.strikes(FaultName.LOSE_ANSWER, what):
            return _disconnect(request)
        return _unexpected() if self.strikes(FaultName.ERROR_AFTER, what) else answer


def _disconnect(request: web.Request) -> web.Response:
    """Ends the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _unexpected() -> web.Response:
    return failure(500, errors.unexpected(uuid.uuid4().hex))


def _too_many(request: web.Request) -> web.Response:
    places = request.method == hdrs.METH_POST and request.path.startswith(f"{BASE}/orders")
    bucket = ORDERS if places else REQUESTS
    return failure(429, errors.too_many(bucket.limit, bucket.what), {hdrs.RETRY_AFTER: RETRY_SECONDS})


class _SkewedClock:
    """The venue's clock, as far as clients are told what time it is, and their timestamps are checked."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults

    def now(self) -> int:
        fault = self._faults.strikes(FaultName.SKEW_CLOCK)
        return self._clock.now() + (round((fault.asked.seconds or 0) * 1_000_000) if fault else 0)

    def ahead(self) -> int:
        return self._clock.ahead()

    def go_on_from(self, latest: int) -> None:
        self._clock.go_on_from(latest)


class _FaultyOutbox(Outbox):
    """Loses, repeats and exchanges private frames, and cuts the connection."""

    def __init__(
        self, disconnect: Callable[[], None], progress: Progress, faults: Faults, count: Callable[[int], None]
    ) -> None:
        super().__init__(disconnect, progress, count=count)
        self._faults = faults
        self._held: bytes | None = None

    def put(self, frame: bytes) -> None:
        if self._faults.strikes(FaultName.CUT_SOCKET):
            self.give_up()
        else:
            super().put(frame)

    def put_private(self, channel: str, frame: bytes) -> None:
        what = _Occasion(channel=channel)
        if self._faults.strikes(FaultName.DROP_FRAME, what):
            return
        if self._held is None and self._faults.strikes(FaultName.REORDER_FRAME, what):
            self._held = frame
            return
        self.put(frame)
        if self._faults.strikes(FaultName.DUPLICATE_FRAME, what):
            self.put(frame)
        held, self._held = self._held, None
        if held is not None:
            self.put(held)


class FaultAnswer(Answer, frozen=True):
    """Told to the venue's owner alone; no part of the Acme API."""

    id: int
    name: str
    rate: float
    seconds: float | None
    times: int | None
    method: str | None
    path: str | None
    channel: str | None
    seen: int
    struck: int


def present(fault: Fault) -> FaultAnswer:
    """The fault as the venue's owner is told of it."""
    asked = fault.asked
    return FaultAnswer(
        id=fault.id,
        name=asked.name.value,
        rate=asked.rate,
        seconds=asked.seconds,
        times=asked.times,
        method=asked.method,
        path=asked.path,
        channel=asked.channel,
        seen=fault.seen,
        struck=fault.struck,
    )
