"""Commands that are run together, with the least that could be Hummingbot in the workspace."""

from pathlib import Path

import psutil
import pytest

from acme_bot import tether
from acme_bot.hbot import Hbot, HbotError
from test.acme_bot.processes import assert_gone

COMMAND_LINE = """
import os, sys

times = 0

def app():
    global times
    times += 1
    print(times, os.environ["HBOT_PASSWORD"], *sys.argv[1:], sys.stdin.read())
    if "nowhere" in sys.argv:
        sys.exit("no such connector")
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for module, source in (
        ("__init__", ""),
        ("cli/__init__", ""),
        ("cli/main", COMMAND_LINE),
        ("client/__init__", ""),
        ("client/config/__init__", ""),
        ("client/config/config_helpers", ""),
    ):
        path = tmp_path / "hummingbot" / f"{module}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(source, encoding="utf-8")
    return tmp_path


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.mark.skipif(not tether.HAS_PRCTL, reason="a process is copied on Linux alone")
def test_each_command_begins_anew_and_nothing_is_left_of_their_process(workspace):
    before = children()
    hbot = Hbot(workspace, "open sesame")
    with hbot.together():
        assert children() == before
        assert hbot.run("status") == "1 open sesame status \n"
        assert hbot.run("connect", "acme", text="a key — ✓") == "1 open sesame connect acme a key — ✓\n"
        started = children() - before
        assert len(started) == 1
    assert_gone(list(started))
    assert hbot.run("status") == "1 open sesame status \n"


def test_one_that_fails_says_why_and_the_next_one_is_run(workspace):
    hbot = Hbot(workspace, "open sesame")
    with hbot.together():
        with pytest.raises(HbotError, match="^hbot connect: no such connector$"):
            hbot.run("connect", "nowhere")
        assert hbot.run("status") == "1 open sesame status \n"


def test_a_hummingbot_that_cannot_be_imported_is_said(workspace):
    (workspace / "hummingbot" / "cli" / "main.py").write_text('raise ImportError("is not compiled")')
    hbot = Hbot(workspace, "open sesame")
    with hbot.together():
        for _ in range(2):
            with pytest.raises(HbotError, match="(?s)^hbot status: .*is not compiled$"):
                hbot.run("status")
