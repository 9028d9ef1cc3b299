"""The commands of `README.md` and `docs/`, run as they stand there, page by page."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_bot.positions import running_bot
from test.end_to_end.terminal import Terminal

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = 8600
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
# These cannot run inside a test run: this test run is one of them, and the demo has tests of its own.
MAKE = re.compile(r"make ([a-z-]+)( [A-Z_]+=[\w./-]+)*$")


# Whatever the pages say of the usual port happens at a free one, so that they can be read while it is taken.
ELSEWHERE = """
import socket

def elsewhere(method):
    def redirected(self, address):
        if isinstance(address, tuple) and address[1] == {usual}:
            address = (address[0], {port}, *address[2:])
        return method(self, address)
    return redirected

for name in ("bind", "connect", "connect_ex"):
    setattr(socket.socket, name, elsewhere(getattr(socket.socket, name)))
"""


class Reader:
    """Somebody who types a page's commands into one shell, with the venue and the client in terminals of their own.

    Another venue takes the place of the one before, which is ended with Ctrl-C.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        module = folder / "elsewhere" / "sitecustomize.py"
        module.parent.mkdir()
        module.write_text(ELSEWHERE.format(usual=PORT, port=self._port), encoding="utf-8")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "PYTHONPATH": str(folder / "elsewhere"),
            "XDG_DATA_HOME": str(folder / "data"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        self._venue: subprocess.Popen | None = None

    def follow(self, command: str) -> None:
        if MAKE.match(command):
            assert MAKE.match(command)[1] in TARGETS, command
        elif command.startswith("acme-exchange serve"):
            self._serve(command)
        elif command.startswith("acme-bot client"):
            self._open_client(command)
        else:
            self._run(command)

    def leave(self) -> None:
        """Ends the venue, and whatever bot a page's commands have left."""
        for folder in self._folder.glob("*/hbot"):
            if (bot := running_bot(folder.parent)) is not None:
                os.kill(bot, signal.SIGKILL)
        self._end_venue()

    def _end_venue(self) -> None:
        if self._venue is not None:
            self._venue.send_signal(signal.SIGINT)
            assert self._venue.wait(120) == 0

    def _serve(self, command: str) -> None:
        self._end_venue()
        self._venue = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self._folder,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._venue.stdout.readline().startswith(f"Acme is listening on http://127.0.0.1:{self._port}"), command

    def _open_client(self, command: str) -> None:
        name = shlex.split(command)[-1]
        client = Terminal([sys.executable, "-m", "acme_bot", "client", str(self._folder / name)])
        # Where there are keys, it asks for their password at once.
        client.wait_for("Welcome to Hummingbot|Enter your password")
        client.close()

    def _run(self, command: str) -> None:
        """Runs a command, and keeps the folder and the variables that it leaves the shell in."""
        script = f"set -e\n{command}\npwd >&3\nenv -0 >&4"
        folder, environment = self._folder / ".folder", self._folder / ".environment"
        ran = subprocess.run(
            ["bash", "-c", f"exec 3>{shlex.quote(str(folder))} 4>{shlex.quote(str(environment))}\n{script}"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        self._environment = dict(entry.split("=", 1) for entry in environment.read_text().rstrip("\0").split("\0"))


@pytest.fixture
def reader(tmp_path) -> Iterator[Reader]:
    folder = tmp_path / "my projects" / "acme bot"
    folder.mkdir(parents=True)
    reader = Reader(folder)
    yield reader
    reader.leave()


def commands(page: Path) -> list[str]:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line.split("  #")[0].strip() for line in lines]


def typed(page: Path) -> list[str]:
    """Without the variables that it sets before, and what is never run here."""
    return [command for command in commands(page) if not command.startswith("export ") and not MAKE.match(command)]


def is_typed_elsewhere(page: Path) -> bool:
    """Whether another page has the same commands in the same order, and more: they need not be typed twice."""
    mine = typed(page)
    for other in PAGES:
        theirs = typed(other)
        rest = iter(theirs)
        if len(theirs) > len(mine) and all(command in rest for command in mine):
            return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_works(page: Path, reader: Reader):
    for command in commands(page):
        if MAKE.match(command) or not is_typed_elsewhere(page):
            reader.follow(command)
