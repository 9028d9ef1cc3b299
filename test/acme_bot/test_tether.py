import os
import subprocess
import sys

import psutil

from acme_bot import tether
from test.acme_bot.processes import assert_gone

PARENT = """
import os, sys
from pathlib import Path
from acme_bot import tether
child = tether.start([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"],
                     folder=Path.cwd(), environment=os.environ)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def start_parent() -> tuple[subprocess.Popen, psutil.Process]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    return parent, psutil.Process(int(parent.stdout.readline()))


def test_a_child_ends_with_a_killed_parent():
    parent, child = start_parent()

    parent.kill()
    parent.wait()

    assert_gone([child])


def test_a_child_ends_with_a_parent_that_ends_by_itself():
    parent, child = start_parent()

    parent.communicate("")

    assert_gone([child])


def test_ctrl_c_in_the_terminal_does_not_reach_the_child():
    """The terminal sends it to the parent's whole process group."""
    parent, child = start_parent()

    assert os.getpgid(child.pid) != os.getpgid(parent.pid)

    parent.communicate("")


def test_a_child_of_a_parent_that_is_gone_already_does_not_start(tmp_path):
    marker = tmp_path / "started"
    late = subprocess.run([sys.executable, "-I", tether.__file__, "1", "/usr/bin/env", "touch", marker], check=False)

    assert late.returncode == 1
    assert not marker.exists()
