"""Processes that never outlive the one that started them, however it ends.

A process started here is killed by the kernel the moment its parent is gone, also by `kill -9`: it asks for that
itself (Linux: `PR_SET_PDEATHSIG`) before it becomes the command it was started for. It has a session of its own, so
that Ctrl-C in the terminal reaches the parent alone, which then ends it in good order. For Linux.

What the command starts in turn is not covered, hence `hbot start --foreground`: there the command *becomes* the bot.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: int | IO = subprocess.DEVNULL,
    stdout: int | IO = subprocess.PIPE,
    stderr: int | IO = subprocess.PIPE,
) -> subprocess.Popen:
    """Starts `command` in `folder`. The process lives at most as long as the calling *thread*: call it from one that
    lasts. Text in and out is UTF-8."""
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(os.getpid()), *command],
        cwd=folder,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        encoding="utf-8",
    )


def become(parent: int, command: Sequence[str]) -> None:
    """Turns this process into `command`, tied to its parent's life; ends it when the parent is gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
