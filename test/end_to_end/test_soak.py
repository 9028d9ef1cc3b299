"""`acme-bot soak` as a user runs it, for a moment only: what it measures, draws and says."""

import subprocess
import sys
from pathlib import Path

SERIES = (
    "memory of the bot",
    "memory of the venue",
    "open file handles of the bot",
    "open file handles of the venue",
    "event-loop lag of the bot",
    "event-loop lag of the venue",
    "messages queued in the bot",
    "tasks of the bot's event loop",
    "queues of the venue's connections",
)


def test_five_markets_are_traded_and_every_series_is_measured_drawn_and_judged(tmp_path):
    folder = tmp_path / "soak"
    command = [sys.executable, "-m", "acme_bot", "soak", "--seconds", "20", "--seed", "7", "--folder", folder]
    soak = subprocess.run(command, capture_output=True, text=True, check=False)

    printed = soak.stdout
    rows = {name: line for name in SERIES for line in printed.splitlines() if line.startswith(f"│ {name} ")}
    assert set(rows) == set(SERIES), printed + soak.stderr
    assert "no order on" not in printed and "left open" not in printed, printed
    assert Path(folder, "soak.png").stat().st_size > 10_000
    # A run as short as this is all warm-up: whether something rises in it says nothing, but it has to be said.
    rising = [name for name, line in rows.items() if "✗ rises" in line]
    assert soak.returncode == bool(rising), printed
    assert all(f"{name} rises" in printed.splitlines()[-1] for name in rising), printed
