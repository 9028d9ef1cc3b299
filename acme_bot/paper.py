"""Runs `acme-bot paper`: a feed of a real exchange's market data, and a venue that follows it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from acme_bot import tether
from acme_bot.feed.run import require_exchange
from acme_bot.run import Interruption

FEED = (sys.executable, "-m", "acme_bot", "feed")
END_SECONDS = 10.0
LOOK_SECONDS = 0.2


def run_paper(exchange: str, pairs: Sequence[str], record: Path | None, serve_options: Sequence[str]) -> int:
    """Runs both until interrupted, or one of them ends. Returns the venue's exit code, or 1 when the feed failed.

    :param serve_options: handed on to `acme-exchange serve`.
    :raises Problem: Hummingbot has no such exchange.
    """
    require_exchange(exchange)
    here, environment = Path.cwd(), dict(os.environ)
    record_to = [] if record is None else ["--record", str(record)]
    with Interruption() as interruption:
        feed = tether.start(
            [*FEED, exchange, *pairs, *record_to], folder=here, environment=environment, stderr=sys.stderr
        )
        assert feed.stdout is not None
        serve = [sys.executable, "-m", "acme_exchange", "serve", "--follow", "-", *serve_options]
        venue = tether.start(
            serve, folder=here, environment=environment, stdin=feed.stdout, stdout=sys.stdout, stderr=sys.stderr
        )
        # The venue alone holds the other end now: it learns of the feed's end, and the feed of the venue's.
        feed.stdout.close()
        while not interruption.wait(LOOK_SECONDS) and feed.poll() is None and venue.poll() is None:
            pass
        has_failed = feed.poll() not in (None, 0)
        for process in (venue, feed):
            _end(process)
    return 1 if has_failed else venue.returncode


def _end(process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + END_SECONDS
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline - time.monotonic()))
    if process.poll() is None:
        process.kill()
        process.wait()
