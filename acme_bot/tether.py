"""Starts processes that never outlive the one that started them, however it ends.

On Linux the kernel kills a process started here the moment its parent is gone, also by `kill -9`: it asks for that
itself (`PR_SET_PDEATHSIG`) before it becomes the command it was started for. Elsewhere there is a pipe, whose other end
the parent holds for as long as it lives: a small process beside the command reads from it, and kills the command when
it ends.

The command has a session of its own, so that Ctrl-C in the terminal reaches the parent alone, which then ends it in
good order. What the command starts in turn is not covered, hence `hbot start --foreground`: there the command *becomes*
the bot.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

HAS_PRCTL = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 1.0
_lifelines: list[int] = []
"""The ends of pipes that the kernel closes when this process is gone, and nobody before."""


def start(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: int | IO[str] = subprocess.DEVNULL,
    stdout: int | IO[str] = subprocess.PIPE,
    stderr: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Starts `command` in `folder`. The process lives at most as long as this one; on Linux, as the calling *thread*:
    call it from one that lasts. Text in and out is UTF-8."""
    read, write = (None, None) if HAS_PRCTL else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", __file__, str(os.getpid()), str(read), *command],
        cwd=folder,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        encoding="utf-8",
        pass_fds=() if read is None else (read,),
    )
    if read is not None and write is not None:
        os.close(read)
        _lifelines.append(write)
    return process


def become(parent: int, lifeline: int | None, command: Sequence[str]) -> None:
    """Turns this process into `command`, tied to its parent's life; ends it when the parent is gone already."""
    if lifeline is not None:
        _watch_beside(lifeline)
        _require(parent)
    else:
        tie_to(parent)
    os.execvp(command[0], list(command))


def tie_to(parent: int) -> None:
    """Has the kernel kill this process when its parent is gone, on Linux; ends it when the parent is gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    _require(parent)


def _require(parent: int) -> None:
    if os.getppid() != parent:
        sys.exit(1)


def _watch_beside(lifeline: int) -> None:
    """Leaves a process that kills this one when the pipe has ended, and ends when this one has."""
    watched = os.getpid()
    if os.fork() != 0:
        os.close(lifeline)
        return
    for stream in (0, 1, 2):
        # Whoever reads what the command prints must not wait for this process.
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    while os.getppid() == watched:
        if select.select([lifeline], [], [], LOOK_SECONDS)[0]:
            os.kill(watched, signal.SIGKILL)
            break
    os._exit(0)


if __name__ == "__main__":
    become(int(sys.argv[1]), None if sys.argv[2] == "None" else int(sys.argv[2]), sys.argv[3:])
