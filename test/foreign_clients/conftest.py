"""A venue to point the clients at, and the processes that run them.

Not one line of theirs is changed: a client is told where the venue is, and the venue is told to accept the headers and
names it was written with."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from test.acme_exchange.processes import serving

HERE = Path(__file__).parent
PACKAGES = Path(sys.prefix) / "foreign-clients"
PATIENCE_SECONDS = 120


class ClientProcess:
    """A client in a process of its own, which sees the standard library and the clients' packages alone."""

    def __init__(self, script: str, *arguments: str, **environment: str) -> None:
        assert PACKAGES.is_dir(), f"{PACKAGES} is not there: tools/bootstrap installs the clients that others wrote"
        self._process = subprocess.Popen(
            [sys.executable, "-S", HERE / script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PACKAGES), **environment},
        )
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def write(self, line: Any) -> None:
        print(json.dumps(line), file=self._process.stdin, flush=True)

    def read(self) -> Any:
        """The next line of its output; fails when none comes."""
        line = self._lines.get(timeout=PATIENCE_SECONDS)
        assert line, f"the client ended with status {self._process.wait()}; what it wrote is above"
        return json.loads(line)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")


class ClientRaised(Exception):
    """The client raised an exception; the text is its text."""


class RestClient:
    """The client of the package `ftx`: its methods, called by name.

    :param settings: what the client is made with.
    """

    def __init__(self, process: ClientProcess, **settings: str) -> None:
        self._process = process
        self._settings = settings

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self._process.write([self._settings, method, arguments])
            answer = self._process.read()
            if "raised" in answer:
                raise ClientRaised(answer["raised"])
            return answer["returned"]

        return call


@pytest.fixture(scope="module")
def processes() -> Iterator[ExitStack]:
    """Ends what was started in it."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def serve(processes: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Starts a venue for clients of FTX, with accounts and further options, and gives its URL."""

    def start(accounts: Sequence[dict], *options: object) -> str:
        path = tmp_path_factory.mktemp("accounts") / "accounts.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(accounts))
        arguments = ("--accounts", path, "--header-prefix", "FTX", "--seed", 7, *options)
        return processes.enter_context(serving(dict(os.environ), *arguments))[1]

    return start
