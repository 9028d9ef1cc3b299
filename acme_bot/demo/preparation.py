"""Runs a command that the bot has to wait for, such as an installation, while the market is shown already."""

import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from acme_bot import tether
from acme_bot.problem import Problem

SHOWN_LINES = 25


class Preparation:
    """Runs `command`, without a shell, in the current folder. What it prints goes to `tell`, line by line."""

    def __init__(self, command: str, tell: Callable[[str], None]) -> None:
        self._command = command
        self._tell = tell
        self._printed: deque[str] = deque(maxlen=SHOWN_LINES)
        self._process = tether.start(
            shlex.split(command),
            folder=Path.cwd(),
            environment=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_done(self) -> bool:
        """Raises `Problem` when the command failed, with the end of what it said."""
        status = self._process.poll()
        if status is None:
            return False
        self._reader.join()
        if status != 0:
            raise Problem("\n".join(self._printed) or f"{self._command} ended with {status}.")
        return True

    def end(self) -> None:
        """Ends it, with all that it has started. It may have ended before."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._printed.append(line.rstrip())
            self._tell(line.strip())
