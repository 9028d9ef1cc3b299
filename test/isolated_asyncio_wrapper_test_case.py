"""The test case that ``hummingbot.connector.test_support`` imports and Hummingbot's package on PyPI leaves out.

Only what those generic classes and this project's tests use is here. Laid into a Hummingbot source tree, the tree's own
module of this name stays in place and is used instead.
"""

import asyncio
import unittest
import warnings
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


class IsolatedAsyncioWrapperTestCase(unittest.IsolatedAsyncioTestCase):
    """Runs each test in an event loop of its own and leaves the caller's event loop as it was."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.main_event_loop = _current_event_loop()

    @classmethod
    def tearDownClass(cls) -> None:
        asyncio.set_event_loop(cls.main_event_loop)
        super().tearDownClass()

    def run_async_with_timeout(self, coroutine: Awaitable[Result], timeout: float = 60.0) -> Result:
        """Runs ``coroutine`` in the test's loop, for tests that are not coroutines themselves.

        :param coroutine: what to run to its end
        :param timeout: seconds after which it is cancelled
        :raises asyncio.TimeoutError: when it took longer
        """
        return asyncio.get_event_loop().run_until_complete(asyncio.wait_for(coroutine, timeout))


def _current_event_loop() -> asyncio.AbstractEventLoop:
    """The thread's event loop; a new one where there is none, or only a closed one."""
    policy = asyncio.get_event_loop_policy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that there is none is handled here
            loop = policy.get_event_loop()
    except RuntimeError:
        loop = None
    if loop is None or loop.is_closed():
        loop = policy.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop
