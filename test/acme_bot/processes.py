"""Waiting for the end of processes that are nobody's children any more."""

import time
from collections.abc import Sequence

import psutil


def assert_gone(processes: Sequence[psutil.Process], seconds: float = 60) -> None:
    """A process that has ended and that nobody has asked about yet, as in a container without an init, counts."""
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if runs(process)]:
        assert time.monotonic() < deadline, f"still there: {alive}"
        time.sleep(0.05)


def runs(process: psutil.Process) -> bool:
    try:
        # One whose first thread has ended may have another, which keeps its ports and files as long as it is there.
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False
