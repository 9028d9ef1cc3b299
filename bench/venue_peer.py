"""Another matching engine, to be measured beside the venue: `matching-engine` of PyPI, with its own HTTP server.

Of the engines in Python that can be installed, it is the one whose work is the most like the venue's: orders come as
JSON over HTTP, are matched by price and time or rest, are synced to the disk in groups before they are answered, and
trades and books go out over WebSockets. It checks no signature and no rate limit, knows no margin, position, balance,
fee or history to be asked for, and makes no market of its own.
"""

import asyncio
import os
import socket
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

REQUIREMENT = "matching-engine[gateway]==0.1.1"
NAME = "matching-engine"
WHAT_IT_DOES = (
    f"{REQUIREMENT} with its own gateway (FastAPI, uvicorn): an fsync a group of orders before they are answered, as "
    "with power-cut; no signatures, rate limits, margin, positions, balances, history or market of its own, and no "
    "order of these rounds is cancelled"
)
ENVIRONMENT = Path(__file__).parent.parent / ".venv-peer"
START_SECONDS = 30.0


def start(folder: Path, markets: Mapping[str, str]) -> tuple[subprocess.Popen[str], int]:
    """Starts it; it is installed, apart from everything else, when it is not yet.

    :param folder: where it keeps what it has.
    :param markets: the size increment of each.
    :returns: the process, and the port it will listen on.
    """
    python = _python()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listed = ",".join(f"{name}:0.001:{increment}" for name, increment in markets.items())
    command = [str(python), "-m", "matching_engine", "serve", "--port", str(port)]
    environment = {**os.environ, "ME_DATA_DIR": str(folder), "ME_MARKETS": listed}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port


async def listening(port: int) -> None:
    """Returns once something does.

    :raises TimeoutError: nothing has for too long.
    """
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


def _python() -> Path:
    python = ENVIRONMENT / "bin" / "python"
    is_there = [python, "-c", "import matching_engine, uvicorn"]
    if not python.exists() or subprocess.run(is_there, capture_output=True, check=False).returncode:
        print(f"installing {REQUIREMENT} in {ENVIRONMENT.name}, to be measured beside the venue", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", REQUIREMENT], check=True)
    return python
