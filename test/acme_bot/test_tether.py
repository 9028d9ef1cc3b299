import os
import subprocess
import sys

import psutil
import pytest

from acme_bot import tether
from test.acme_bot.processes import assert_gone

PARENT = """
import os, sys
from pathlib import Path
from acme_bot import tether
tether.HAS_PRCTL = {has_prctl}
child = tether.start([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
                     folder=Path.cwd(), environment=os.environ)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""
# Either way works on Linux; where there is no `prctl`, the second is all there is.
WAYS = pytest.mark.parametrize("has_prctl", [True, False], ids=["by the kernel", "by a pipe"])


def start_parent(has_prctl: bool) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """The parent, and its child with what watches it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(has_prctl=has_prctl)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    child = psutil.Process(int(parent.stdout.readline()))
    return parent, [child, *child.children()]


@WAYS
def test_a_child_ends_with_a_killed_parent(has_prctl):
    parent, processes = start_parent(has_prctl)

    parent.kill()
    parent.wait()

    assert_gone(processes)


@WAYS
def test_a_child_ends_with_a_parent_that_ends_by_itself(has_prctl):
    parent, processes = start_parent(has_prctl)

    parent.communicate("")

    assert_gone(processes)


@WAYS
def test_what_watches_a_child_ends_with_it_and_the_parent_does_not_mind(has_prctl):
    parent, processes = start_parent(has_prctl)

    processes[0].kill()

    assert_gone(processes)
    assert parent.poll() is None
    parent.communicate("")


@WAYS
def test_ctrl_c_in_the_terminal_does_not_reach_the_child(has_prctl):
    """The terminal sends it to the parent's whole process group."""
    parent, processes = start_parent(has_prctl)

    assert all(os.getpgid(process.pid) != os.getpgid(parent.pid) for process in processes)

    parent.communicate("")


@WAYS
def test_the_child_is_the_command_and_its_output_ends_with_it(has_prctl, monkeypatch, tmp_path):
    monkeypatch.setattr(tether, "HAS_PRCTL", has_prctl)
    child = tether.start(["sh", "-c", "echo $$; exit 3"], folder=tmp_path, environment=os.environ)

    assert child.communicate(timeout=240)[0] == f"{child.pid}\n"
    assert child.returncode == 3


def test_a_child_of_a_parent_that_is_gone_already_does_not_start(tmp_path):
    marker = tmp_path / "started"
    command = [sys.executable, "-I", tether.__file__, "1", "None", "/usr/bin/env", "touch", marker]
    late = subprocess.run(command, check=False)

    assert late.returncode == 1
    assert not marker.exists()
