"""`acme-exchange` as a process."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

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


def carried_out(environment: Mapping[str, str], *words: object) -> subprocess.CompletedProcess:
    """A command that ends by itself, in a process of its own: a copy of one that serves all tests."""
    copies = _copies()
    print(json.dumps({"words": [*map(str, words)], "environment": dict(environment)}), file=copies.stdin, flush=True)
    done = json.loads(copies.stdout.readline())
    return subprocess.CompletedProcess(words, done["code"], done["out"], done["err"])


@cache
def _copies() -> subprocess.Popen:
    """It ends when these tests do, with its input."""
    return subprocess.Popen(
        [sys.executable, "-m", "test.acme_exchange.copies"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
