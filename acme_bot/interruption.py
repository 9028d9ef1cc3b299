"""Ctrl-C and SIGTERM as something to wait for instead of an exception out of the middle of something."""

import os
import select
import signal
from types import TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, SIGINT and SIGTERM end `wait` and do nothing else. For the main thread."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float = 0) -> bool:
        """Waits until a signal has come, now or before, for at most `seconds`. Returns whether one has."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def _note(self, number: int, frame: object) -> None:
        os.write(self._write, b"!")
