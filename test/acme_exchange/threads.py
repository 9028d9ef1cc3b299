"""A venue in a thread of its own, for clients that know nothing of asyncio."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from test.acme_exchange.venue import RunningVenue, running_venue


@contextmanager
def venue_in_thread(**options: Any) -> Iterator[RunningVenue]:
    """:param options: those of `running_venue`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=240)

    context = running_venue(**options)
    try:
        yield run(context.__aenter__())
    finally:
        run(context.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
