import asyncio
import random
import selectors
from collections import deque
from decimal import Decimal
from typing import Awaitable, Callable, List, Tuple
from unittest import TestCase
from unittest.mock import patch

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_throttler import SAFETY_MARGIN, AcmeThrottler
from hummingbot.core.api_throttler.data_types import LinkedLimitWeightPair, RateLimit

SECOND = 1 + SAFETY_MARGIN  # of the venue's, as the throttler counts it
MOMENT = 1e-6


class JumpingSelector(selectors.SelectSelector):
    """Nothing ever happens outside, so that waiting can be skipped."""

    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when there is nothing to do."""

    def __init__(self):
        self.selector = JumpingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


class ThrottlerTests(TestCase):
    def setUp(self):
        self.started: List[Tuple[str, float]] = []

    def run_on_jumping_clock(self, scenario: Callable[[], Awaitable[None]]):
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(scenario())

    async def request(self, throttler: AcmeThrottler, limit_id: str, name: str = ""):
        async with throttler.execute_task(limit_id):
            self.started.append((name or limit_id, asyncio.get_running_loop().time()))

    def times(self, name: str) -> List[float]:
        return [time for started, time in self.started if started == name]

    def assert_never_more_than(self, limit: int, times: List[float], interval: float = 1.0):
        window = deque()
        for time in sorted(times):
            window.append(time)
            while window[0] <= time - interval:
                window.popleft()
            self.assertLessEqual(len(window), limit)

    def test_requests_within_the_limit_do_not_wait(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 20, 1.0)])
            await asyncio.gather(*(self.request(throttler, "place") for _ in range(20)))

        self.run_on_jumping_clock(scenario)
        self.assertEqual([0.0] * 20, self.times("place"))

    def test_the_next_request_starts_at_the_first_instant_that_the_limit_allows(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 2, 1.0)])
            await self.request(throttler, "place")
            await asyncio.sleep(0.4)
            await asyncio.gather(*(self.request(throttler, "place") for _ in range(4)))

        self.run_on_jumping_clock(scenario)
        for expected, time in zip([0, 0.4, SECOND, 0.4 + SECOND, 2 * SECOND], self.times("place"), strict=True):
            self.assertAlmostEqual(expected, time, delta=0.002)  # the event loop's timers count milliseconds

    def test_no_sliding_second_has_more_than_the_limit_whenever_requests_come(self):
        dice = random.Random(7)

        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 20, 1.0)])
            tasks = []
            for _ in range(500):
                tasks.append(asyncio.create_task(self.request(throttler, "place")))
                await asyncio.sleep(dice.choice([0, 0, 0, 0.01, 0.2]))
            await asyncio.gather(*tasks)

        self.run_on_jumping_clock(scenario)
        self.assertEqual(500, len(self.started))
        self.assert_never_more_than(20, self.times("place"))

    def test_requests_start_in_the_order_in_which_they_came(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 3, 1.0)])
            await asyncio.gather(*(self.request(throttler, "place", str(n)) for n in range(10)))

        self.run_on_jumping_clock(scenario)
        self.assertEqual([str(n) for n in range(10)], [name for name, _ in self.started])

    def test_linked_limits_share_their_pool_in_order(self):
        pool = [LinkedLimitWeightPair("pool")]
        limits = [RateLimit("pool", 3, 1.0), RateLimit("a", 3, 1.0, linked_limits=pool)]
        limits.append(RateLimit("b", 1, 1.0, linked_limits=pool))

        async def scenario():
            throttler = AcmeThrottler(limits)
            order = ["a", "b", "a", "a", "b", "a", "a"]
            await asyncio.gather(
                *(self.request(throttler, limit_id, f"{n}{limit_id}") for n, limit_id in enumerate(order))
            )

        self.run_on_jumping_clock(scenario)
        self.assertEqual(["0a", "1b", "2a", "3a", "4b", "5a", "6a"], [name for name, _ in self.started])
        self.assert_never_more_than(3, [time for _, time in self.started])
        self.assert_never_more_than(1, [time for name, time in self.started if name.endswith("b")])

    def test_limits_that_share_nothing_do_not_wait_for_one_another(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("read", 1, 1.0), RateLimit("place", 1, 1.0)])
            reads = [asyncio.create_task(self.request(throttler, "read")) for _ in range(3)]
            await asyncio.sleep(0)
            await self.request(throttler, "place")
            await asyncio.gather(*reads)

        self.run_on_jumping_clock(scenario)
        self.assertEqual([0.0], self.times("place"))

    def test_weights_count(self):
        limits = [
            RateLimit("pool", 10, 1.0),
            RateLimit("heavy", 100, 1.0, weight=1, linked_limits=[LinkedLimitWeightPair("pool", 6)]),
            RateLimit("light", 100, 1.0, weight=1, linked_limits=[LinkedLimitWeightPair("pool", 4)]),
        ]

        async def scenario():
            throttler = AcmeThrottler(limits)
            await asyncio.gather(*(self.request(throttler, limit_id) for limit_id in ("heavy", "light", "heavy")))

        self.run_on_jumping_clock(scenario)
        self.assertEqual([0.0], self.times("light"))
        self.assertEqual(0.0, self.times("heavy")[0])
        self.assertGreaterEqual(self.times("heavy")[1], SECOND - MOMENT)

    def test_a_share_of_the_limits_is_what_this_bot_may_use(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 20, 1.0)], limits_share_percentage=Decimal("25"))
            await asyncio.gather(*(self.request(throttler, "place") for _ in range(10)))

        self.run_on_jumping_clock(scenario)
        self.assertEqual(5, self.times("place").count(0.0))
        self.assert_never_more_than(5, self.times("place"))

    def test_a_cancelled_request_gives_its_turn_to_the_next(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 1, 1.0)])
            await self.request(throttler, "place", "first")
            second = asyncio.create_task(self.request(throttler, "place", "second"))
            third = asyncio.create_task(self.request(throttler, "place", "third"))
            await asyncio.sleep(0.5)
            second.cancel()
            await third

        self.run_on_jumping_clock(scenario)
        self.assertEqual(["first", "third"], [name for name, _ in self.started])
        self.assertAlmostEqual(SECOND, self.started[1][1], delta=0.002)

    def test_what_was_used_still_counts_under_new_limits(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("place", 2, 1.0)])
            await self.request(throttler, "place")
            throttler.set_rate_limits([RateLimit("place", 1, 1.0)])
            throttler.add_rate_limits([RateLimit("new", 1, 1.0), RateLimit("place", 99, 1.0)])
            await self.request(throttler, "new")
            await self.request(throttler, "place")

        self.run_on_jumping_clock(scenario)
        self.assertEqual([0.0], self.times("new"))
        self.assertAlmostEqual(SECOND, self.times("place")[1], delta=0.002)

    def test_a_request_heavier_than_its_limit_goes_alone(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("heavy", 4, 1.0, weight=6)])
            await asyncio.gather(self.request(throttler, "heavy"), self.request(throttler, "heavy"))

        self.run_on_jumping_clock(scenario)
        self.assertEqual(0.0, self.times("heavy")[0])
        self.assertGreaterEqual(self.times("heavy")[1], SECOND - MOMENT)

    def test_waiting_is_logged_once_in_a_while_and_makes_nobody_wait_longer(self):
        """Telling the application's window of it, as Hummingbot's throttler does, first makes that application where
        there is none, which takes seconds."""

        async def scenario():
            throttler = AcmeThrottler([RateLimit("orders", 2, 1.0)])
            await asyncio.gather(*(self.request(throttler, "orders") for _ in range(6)))

        with (
            patch("hummingbot.logger.logger.HummingbotLogger.notify", side_effect=AssertionError),
            self.assertLogs(AcmeThrottler.logger(), "WARNING") as logs,
        ):
            self.run_on_jumping_clock(scenario)
        (record,) = logs.records
        self.assertIn("The rate limit on orders is reached", record.getMessage())

    def test_waiting_for_a_moment_as_every_start_does_is_not_worth_a_warning(self):
        async def scenario():
            throttler = AcmeThrottler([RateLimit("orders", 2, 1.0)])
            await asyncio.gather(*(self.request(throttler, "orders") for _ in range(4)))

        with self.assertNoLogs(AcmeThrottler.logger(), "WARNING"):
            self.run_on_jumping_clock(scenario)
        self.assertEqual(4, len(self.started))

    def test_an_unknown_limit_is_named(self):
        with self.assertRaisesRegex(ValueError, "There is no rate limit named 'plaice'"):
            AcmeThrottler([RateLimit("place", 1, 1.0)]).execute_task("plaice")
