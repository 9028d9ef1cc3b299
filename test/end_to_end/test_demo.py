"""`acme-bot demo` as a user runs it: the real Hummingbot on a real venue, and nothing left of either."""
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

BOTH_SIDES = re.compile(r"fills [1-9]\d* buy [1-9]\d* sell")
PATIENCE = 240


@pytest.fixture
def start_demo(tmp_path) -> Iterator:
    started: list[subprocess.Popen] = []

    def start(*options: str) -> subprocess.Popen:
        demo = subprocess.Popen([sys.executable, "-m", "acme_bot", "demo", "--seed", "7", "--folder", tmp_path / "demo",
                                 *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        started.append(demo)
        return demo

    yield start
    for demo in started:
        demo.kill()
        demo.wait()


def read_until(demo: subprocess.Popen, pattern: str | re.Pattern) -> str:
    """What the demo prints up to the first line with `pattern`; fails with all of it when it ends before."""
    said = ""
    for line in demo.stdout:
        said += line
        if re.search(pattern, line):
            return said
    pytest.fail(f"The demo ended without {pattern!r}:\n{said}")


def offspring(demo: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


def listeners(processes: list[psutil.Process]) -> set[int]:
    return {connection.laddr.port for process in processes for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN}


def assert_gone(processes: list[psutil.Process], ports: set[int]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert alive == []
    assert ports.isdisjoint(listeners(list(psutil.process_iter())))


def differing_lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if "✗" in line]


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_books_agree_when_the_demo_is_ended_by_hand(start_demo, number):
    demo = start_demo()
    said = read_until(demo, BOTH_SIDES)
    processes = offspring(demo)
    ports = listeners(processes)

    demo.send_signal(number)
    said += demo.communicate()[0]

    assert demo.returncode == 0, said
    assert differing_lines(said) == []
    assert re.search(r"filled on both sides\s.*yes.*yes.*✓", said), said
    assert re.search(r"each order: .*✓", said) and re.search(r"each fill: .*✓", said)
    assert len(processes) == 2 and len(ports) == 1
    assert_gone(processes, ports)


@pytest.mark.timeout(PATIENCE)
def test_the_demo_ends_by_itself_and_says_what_is_missing(start_demo):
    """One second is too short for fills on both sides: it must not be called a success."""
    demo = start_demo("--seconds", "1")

    said = demo.communicate()[0]

    assert demo.returncode == 1
    assert "lines differ: filled on both sides" in said, said
    assert re.search(r"orders left open\s+│\s+0\s+│\s+0\s+│ ✓", said), said


@pytest.mark.timeout(PATIENCE)
def test_interrupted_before_its_first_order_it_still_reconciles(start_demo):
    demo = start_demo()
    read_until(demo, "hbot connect")

    demo.send_signal(signal.SIGINT)
    said = demo.communicate()[0]

    assert demo.returncode == 1
    assert "Reconciliation" in said and "lines differ: filled on both sides" in said


@pytest.mark.timeout(PATIENCE)
def test_nothing_is_left_of_a_killed_demo(start_demo, tmp_path):
    demo = start_demo()
    read_until(demo, r"quotes (buy|sell)")
    processes = offspring(demo)
    ports = listeners(processes)
    assert len(processes) == 2 and len(ports) == 1

    demo.kill()

    assert_gone(processes, ports)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    Path(tmp_path, "mine").touch()

    refused = subprocess.run([sys.executable, "-m", "acme_bot", "demo", "--folder", tmp_path], capture_output=True,
                             text=True, check=False)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"acme-bot: {tmp_path} is not empty")
