"""Keeps within the venue's rate limits (Acme API §3) without keeping orders waiting."""

import asyncio
from collections import deque
from decimal import Decimal
from itertools import count
from typing import Deque, Dict, List, NamedTuple, Optional, Set, Tuple

from hummingbot.core.api_throttler.async_throttler_base import AsyncThrottlerBase
from hummingbot.core.api_throttler.data_types import RateLimit

# Of a limit's interval. Requests do not all need the same time to the venue, and a millisecond's difference must not
# make twenty-one of twenty there.
SAFETY_MARGIN = 0.005
# Seconds. A start makes more requests than a second allows; what has then waited for longer is worth a message to the
# user, once in a while.
LONG_WAIT = 1.0
WARNING_INTERVAL = 30.0


class SlidingWindow:
    """How much of one limit was used within its interval. Each use is looked at twice: when it begins to count, and
    when it no longer does.

    :param limit: the most that may be used in any interval
    :param interval: seconds
    """

    def __init__(self, limit: int, interval: float):
        self.limit = limit
        self.interval = interval
        self._uses: Deque[Tuple[float, int]] = deque()
        self._used = 0

    def take(self, weight: int, now: float):
        """Counts a use; to be called when `free_at` says that there is room."""
        self._uses.append((now, weight))
        self._used += weight

    def free_at(self, weight: int, now: float) -> float:
        """The first time at which there is, or will be, room for a use; `now` or later. One that weighs more than the
        whole limit has room when there is nothing else."""
        uses = self._uses
        while uses and uses[0][0] + self.interval <= now:
            self._used -= uses.popleft()[1]
        surplus = self._used + weight - self.limit
        free_at = now
        if surplus > 0:
            for time, used in uses:
                free_at = time + self.interval
                surplus -= used
                if surplus <= 0:
                    break
        return free_at

    def with_limit(self, limit: int, interval: float) -> "SlidingWindow":
        """The same uses under another limit."""
        window = SlidingWindow(limit, interval)
        window._uses, window._used = self._uses, self._used
        return window


class Waiting(NamedTuple):
    """A request that waits for its turn, which `turn` tells of; the lowest number came first."""

    number: int
    since: float
    turn: asyncio.Future


class ThrottledTask:
    """What `AcmeThrottler.execute_task` returns: entered when its request may be sent."""

    def __init__(self, throttler: "AcmeThrottler", limit_id: str):
        self._throttler = throttler
        self._limit_id = limit_id

    async def __aenter__(self):
        await self.acquire()

    async def __aexit__(self, *_):
        pass

    def within_capacity(self) -> bool:
        """Whether every limit of the request has room for it now."""
        return self._throttler.has_room(self._limit_id)

    async def acquire(self):
        """Waits until every limit of the request has room for it, and takes that room."""
        if not self._throttler.starts_at_once(self._limit_id):
            await self._throttler.wait_for_turn(self._limit_id)


class AcmeThrottler(AsyncThrottlerBase):
    """Hummingbot's throttler for many small requests: the same limits, weights, links and shares.

    Hummingbot's looks at every request of the longest interval, in decimals, before each new one, and looks again every
    tenth of a second while there is no room. Here a request is counted once, and one that waits is woken at the first
    instant that its limits allow. As with Hummingbot's, requests that share a limit go in the order in which they came,
    and those that share none do not wait for one another.

    :param rate_limits: the limits, as of the whole account
    :param limits_share_percentage: how much of them is this bot's
    """

    def __init__(self, rate_limits: List[RateLimit], limits_share_percentage: Optional[Decimal] = None):
        self._windows: Dict[str, SlidingWindow] = {}
        self._known_uses: Dict[str, List[Tuple[str, int]]] = {}
        self._queues: Dict[str, Deque[Waiting]] = {}
        self._numbers = count()
        self._timer: Optional[asyncio.TimerHandle] = None
        self._warned_at = -WARNING_INTERVAL
        super().__init__(rate_limits, safety_margin_pct=SAFETY_MARGIN, limits_share_percentage=limits_share_percentage)

    def set_rate_limits(self, rate_limits: List[RateLimit]):
        """Takes other limits from now on; what was used of those with the same names still counts."""
        super().set_rate_limits(rate_limits)
        self._open_windows()

    def add_rate_limits(self, rate_limits: List[RateLimit]):
        """Takes further limits; those that are known stay as they are."""
        super().add_rate_limits(rate_limits)
        self._open_windows()

    def execute_task(self, limit_id: str) -> ThrottledTask:
        """An async context that is entered when the request may be sent.

        :raises ValueError: when there is no limit of that name
        """
        if limit_id not in self._id_to_limit_map:
            raise ValueError(f"There is no rate limit named {limit_id!r}.")
        return ThrottledTask(self, limit_id)

    def has_room(self, limit_id: str) -> bool:
        """Whether a request of this limit could be sent now, if nobody waited."""
        now = self._now()
        return all(self._windows[name].free_at(weight, now) <= now for name, weight in self._uses(limit_id))

    def starts_at_once(self, limit_id: str) -> bool:
        """Whether a request of this limit may be sent now; it is counted then."""
        return not self._queues and self._start_at(limit_id, self._now()) is None

    async def wait_for_turn(self, limit_id: str):
        """Waits until a request of this limit may be sent that cannot be at once, and counts it."""
        waiting = Waiting(next(self._numbers), self._now(), asyncio.get_running_loop().create_future())
        self._queues.setdefault(limit_id, deque()).append(waiting)
        self._start_whatever_can()
        try:
            await waiting.turn
        finally:
            self._leave(limit_id, waiting)

    def _open_windows(self):
        for limit_id, limit in self._id_to_limit_map.items():
            interval = limit.time_interval * (1 + SAFETY_MARGIN)
            known = self._windows.get(limit_id) or SlidingWindow(0, interval)
            self._windows[limit_id] = known.with_limit(int(limit.limit), interval)
        self._known_uses = {limit_id: self._counted_uses(limit_id) for limit_id in self._id_to_limit_map}

    def _counted_uses(self, limit_id: str) -> List[Tuple[str, int]]:
        limit, related = self.get_related_limits(limit_id)
        return [(limit_id, limit.weight), *((linked.limit_id, weight) for linked, weight in related)]

    def _uses(self, limit_id: str) -> List[Tuple[str, int]]:
        """The limits that a request counts in, and what it weighs there."""
        return self._known_uses[limit_id]

    def _start_at(self, limit_id: str, now: float) -> Optional[float]:
        """Counts a request when there is room for it. Returns None then, and else when there may be."""
        uses = [(self._windows[name], weight) for name, weight in self._uses(limit_id)]
        free_at = max([window.free_at(weight, now) for window, weight in uses])
        if free_at > now:
            return free_at
        for window, weight in uses:
            window.take(weight, now)
        return None

    def _start_whatever_can(self):
        """Gives their turn to those that wait, in the order in which they came, and comes back for the others."""
        now = self._now()
        taken_limits: Set[str] = set()
        next_time = None
        candidates = dict(self._queues)
        while candidates:
            limit_id = min(candidates, key=lambda name: candidates[name][0].number)
            names = {name for name, _ in self._uses(limit_id)}
            # Whoever came earlier, and waits for one of these limits, goes first.
            free_at = now if names & taken_limits else self._start_at(limit_id, now)
            if free_at is None:
                self._give_turn(limit_id)
                if limit_id not in self._queues:
                    del candidates[limit_id]
                continue
            if not names & taken_limits:
                next_time = free_at if next_time is None else min(next_time, free_at)
                self._warn(limit_id, now)
            taken_limits |= names
            del candidates[limit_id]
        self._come_back_at(next_time)

    def _give_turn(self, limit_id: str):
        queue = self._queues[limit_id]
        turn = queue.popleft().turn
        if not queue:
            del self._queues[limit_id]
        if not turn.done():  # cancelled in this very moment; its room stays taken
            turn.set_result(None)

    def _come_back_at(self, time: Optional[float]):
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if time is None else loop.call_at(time, self._start_whatever_can)

    def _leave(self, limit_id: str, waiting: Waiting):
        """Takes out a request that no longer waits for its turn, although it did not have it."""
        queue = self._queues.get(limit_id)
        if queue and waiting in queue:
            queue.remove(waiting)
            if not queue:
                del self._queues[limit_id]
            self._start_whatever_can()

    def _warn(self, limit_id: str, now: float):
        waited = now - self._queues[limit_id][0].since
        if waited >= LONG_WAIT and now - self._warned_at >= WARNING_INTERVAL:
            self._warned_at = now
            self.logger().warning(
                f"The rate limit on {limit_id} is reached: requests wait until the venue allows more."
            )

    def _now(self) -> float:
        """Seconds of the clock that the event loop's timers go by."""
        return asyncio.get_running_loop().time()
