"""The real venue in a process of its own, to be measured."""

import subprocess
import sys
from pathlib import Path


def start_venue(accounts: Path, *options: str) -> subprocess.Popen[str]:
    """Starts `acme-exchange serve` on a free port, which it says in its first line; its markets go the same way each
    time."""
    command = [sys.executable, "-m", "acme_exchange", "serve", "--port", "0", "--seed", "7"]
    command += ["--accounts", str(accounts), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
