"""A terminal to run an interactive program in, with a screen that can be read."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence

import pyte

ROWS, COLUMNS = 50, 220


class Terminal:
    """A program in a terminal of its own; what it draws is drawn here as a terminal would."""

    def __init__(self, command: Sequence[str]):
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._drawing = pyte.ByteStream(self._screen)
        self._lines = [""] * ROWS
        self._drawn = 0
        self._keyboard, program_side = pty.openpty()
        termios.tcsetwinsize(program_side, (ROWS, COLUMNS))
        self._program = subprocess.Popen(
            command,
            stdin=program_side,
            stdout=program_side,
            stderr=program_side,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self._program_side = os.ttyname(program_side)
        os.close(program_side)

    def type(self, text: str) -> None:
        """Types `text`, and presses Enter a while after the program has read it and drawn something since: a line that
        comes with its Enter in one piece is taken for pasted text."""
        drawn = self._drawn
        self.press(text)
        while (self._holds_keys() or (text and self._drawn == drawn)) and self._read_for(0.02):
            pass
        self._read_for(0.3)
        self.press("\r")

    def press(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def wait_for(self, pattern: str, seconds: float = 240) -> str:
        """Reads until the screen shows `pattern`; returns the screen, and fails with it when it never does."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            assert time.monotonic() < deadline, f"no {pattern!r} on the screen:\n{self.text()}"
            assert self._read_for(0.2), f"the program ended before {pattern!r}:\n{self.text()}"
        return self.text()

    def wait_for_end(self, seconds: float = 120) -> int:
        """Returns the program's exit code; fails when it does not end by itself."""
        deadline = time.monotonic() + seconds
        while self._read_for(0.2):
            assert time.monotonic() < deadline, f"the program did not end:\n{self.text()}"
        return self._program.wait()

    def text(self) -> str:
        """The screen. Of its lines, those are put together anew that were drawn since."""
        for row in self._screen.dirty:
            cells = self._screen.buffer[row]
            self._lines[row] = "".join([cells[column].data for column in range(COLUMNS)]).rstrip()
        self._screen.dirty.clear()
        return "\n".join(self._lines)

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._keyboard)

    def _holds_keys(self) -> bool:
        """Whether there are some that the program has not read."""
        program_side = os.open(self._program_side, os.O_RDWR | os.O_NOCTTY)
        try:
            (count,) = struct.unpack("i", fcntl.ioctl(program_side, termios.FIONREAD, bytes(4)))
        finally:
            os.close(program_side)
        return count > 0

    def _read_for(self, seconds: float) -> bool:
        """Draws what comes within `seconds`; returns whether the program still runs."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._keyboard], [], [], left)[0]:
                try:
                    self._drawing.feed(os.read(self._keyboard, 65536))
                    self._drawn += 1
                except OSError:  # the last process that had the terminal is gone
                    return False
        return True
