"""`acme-exchange serve` as a process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from acme_exchange.clock import Clock, SystemClock


@dataclass(frozen=True)
class ProcessVenue:
    """A venue in a process of its own, as the clients of `test.acme_exchange.venue` talk to it."""

    url: str
    clock: Clock = field(default_factory=SystemClock)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "acme_exchange", "serve", *map(str, arguments)]


@contextmanager
def serving(environment: dict[str, str], *arguments: object) -> Iterator[tuple[subprocess.Popen, str]]:
    """A venue that listens, and its URL."""
    process = subprocess.Popen(
        command("--port", 0, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"Acme is listening on (https?://127\.0\.0\.1:\d+)\n", line)
        assert found, line or process.stderr.read()
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()
