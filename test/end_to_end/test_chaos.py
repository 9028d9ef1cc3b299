"""`acme-bot chaos` as a user runs it: the shortest that has both kinds of kills."""

import re
import subprocess
import sys

# At its 25th and its 35th second the venue is killed, and a bot.
SECONDS = 40
SEED = 3
WHAT_STRIKES = (
    "corrupt-book",
    "drop-frame",
    "duplicate-frame",
    "lose-answer",
    "lose-request",
    "reorder-frame",
    "skew-clock",
    "too-many-requests",
)


def count(printed: str, name: str) -> int:
    return int(re.search(rf"│\s+{re.escape(name)}\s+│\s+(\d+) │", printed)[1])


def test_after_the_chaos_the_books_agree(tmp_path):
    command = [
        sys.executable,
        "-m",
        "acme_bot",
        "chaos",
        "--seconds",
        str(SECONDS),
        "--seed",
        str(SEED),
        "--folder",
        tmp_path / "chaos",
    ]

    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)

    assert run.returncode == 0, run.stdout
    assert "✗" not in run.stdout and re.search(r"✓ All \d+ lines agree", run.stdout), run.stdout
    assert count(run.stdout, "the venue was killed") >= 1 and count(run.stdout, "a bot was killed") >= 1
    assert count(run.stdout, "orders") >= 50 and count(run.stdout, "fills") >= 20
    for name in WHAT_STRIKES:
        assert count(run.stdout, name) >= 1, run.stdout
