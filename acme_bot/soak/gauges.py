"""Measures the bot and the venue during the soak: from outside their processes, and from the samples that the bot's
script writes."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from acme_bot.soak.trend import Series

MEGABYTE = 1e6
KILOBYTE = 1e3
MILLISECONDS = 1e3
PING = "/api/"
ANSWER_SECONDS = 30
ESTABLISHED = "01"
CONNECTIONS = Path("/proc/net/tcp")


class ProcessGauge:
    """A process's resident memory and its open file handles."""

    def __init__(self, name: str, pid: int, *, megabytes: float, handles: float):
        """`megabytes` and `handles` are by how much each may rise."""
        self._process = psutil.Process(pid)
        self._memory = Series(f"memory of the {name}", "MB", megabytes)
        self._handles = Series(f"open file handles of the {name}", "handles", handles)
        self.series = [self._memory, self._handles]

    @property
    def megabytes(self) -> float:
        return self._memory.values[-1]

    def allow_more(self, megabytes: float) -> None:
        """Has the memory rise by so much more before it counts."""
        self._memory.tolerance += megabytes

    def sample(self, second: float) -> None:
        """Raises `psutil.NoSuchProcess` when the process has ended."""
        self._memory.add(second, self._process.memory_info().rss / MEGABYTE)
        self._handles.add(second, self._process.num_fds())


class VenueGauge:
    """How late the venue's event loop is, as a client meets it: the time that the answer to a ping takes, of which the
    handling is less than a millisecond. And what waits in the kernel for the venue to read it, or for a client to."""

    def __init__(self, url: str, *, milliseconds: float, kilobytes: float):
        address = urlsplit(url)
        self._port = address.port or http.client.HTTP_PORT
        self._connection = http.client.HTTPConnection(address.hostname or "", self._port, timeout=ANSWER_SECONDS)
        self._lag = Series("event-loop lag of the venue", "ms", milliseconds)
        self._waiting = Series("queues of the venue's connections", "kB", kilobytes)
        self.series = [self._lag, self._waiting]

    @property
    def milliseconds(self) -> float:
        return self._lag.values[-1]

    def sample(self, second: float) -> None:
        """Raises `OSError` or `http.client.HTTPException` when the venue does not answer."""
        began = time.monotonic()
        self._connection.request("GET", PING)
        self._connection.getresponse().read()
        self._lag.add(second, (time.monotonic() - began) * MILLISECONDS)
        self._waiting.add(second, sum(_waiting_bytes(self._port)) / KILOBYTE)


class BotGauge:
    """What the bot's script has written into its file of samples."""

    def __init__(self, file: Path, *, milliseconds: float, messages: float, tasks: float):
        self._file = file
        self._read = 0
        self._lag = Series("event-loop lag of the bot", "ms", milliseconds)
        self._queued = Series("messages queued in the bot", "messages", messages)
        self._tasks = Series("tasks of the bot's event loop", "tasks", tasks)
        self.series = [self._lag, self._queued, self._tasks]
        self.orders: list[dict[str, int]] = []
        self.fills: list[dict[str, int]] = []

    def sample(self, started: float) -> None:
        """Takes up what was written since the last time, from `started` (seconds since 1970) on."""
        for sample in self._new_samples():
            second = sample["time"] - started
            if second >= 0:
                self._lag.add(second, sample["lag"] * MILLISECONDS)
                self._queued.add(second, sample["queued"])
                self._tasks.add(second, sample["tasks"])
                self.orders.append(sample["orders"])
                self.fills.append(sample["fills"])

    def _new_samples(self) -> Iterator[dict[str, Any]]:
        with self._file.open(encoding="utf-8") as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                self._read = file.tell()
                yield json.loads(line)


def _waiting_bytes(port: int) -> Iterator[int]:
    """For each connection of the listener on `port`: the bytes that were received and not read yet, or sent and not
    acknowledged yet."""
    for line in CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if state == ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
            sent, received = (int(number, 16) for number in queues.split(":"))
            yield sent + received
