"""Drives `hbot`, Hummingbot's own command line, inside a workspace."""

import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from acme_bot import tether
from acme_bot.compare.statement import Holding
from acme_bot.problem import Problem

CONNECTOR = "acme_perpetual"
SECOND_CONNECTOR = "acme_perpetual_second"
# A machine that is busy takes five times as long as one that is not.
COMMAND_SECONDS = 240
START_SECONDS = 180
SHOWN_LINES = 10
RANDOM_PASSWORD = "--random-password"


class HbotError(Problem):
    """A `hbot` command that failed: the command, and what it said."""


class Hbot:
    """The `hbot` of one workspace.

    `password` unlocks (and at its first use creates) the workspace's key store; without one it is random, and gone with
    this object. It goes to the commands in their environment, which is where Hummingbot takes it from; it is in no
    argument and in no file.
    """

    def __init__(self, workspace: Path, password: str | None = None):
        self.workspace = workspace
        self._options = [] if password else [RANDOM_PASSWORD]
        self.password = password or secrets.token_urlsafe(24)
        self._commands: _Commands | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Has the commands that are run meanwhile import Hummingbot once, and not each by itself, which is two thirds
        of what most of them take. They see the environment of the first of them."""
        # Elsewhere the libraries of the system do not bear that a process is copied.
        if not tether.HAS_PRCTL:
            yield
            return
        with _Commands(self.workspace, self._environment, self._options) as self._commands:
            try:
                yield
            finally:
                self._commands = None

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Runs one command to its end, with `text` as its input, and returns what it printed.

        Raises `HbotError` when it fails or takes longer than four minutes.
        """
        if self._commands is not None:
            return self._commands.run(arguments, text)
        with self._start(arguments, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE) as process:
            try:
                printed, errors = process.communicate(text, timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise _not_in_time(arguments) from None
        return _checked_output(arguments, process.returncode, printed, errors)

    def connect(self, server: str, key: str, secret: str, subaccount: str = "", connector: str = CONNECTOR) -> None:
        """Stores the account's key for an Acme connector, encrypted, instead of an earlier one. Raises `HbotError`."""
        values = {"api_key": key, "api_secret": secret, "server": server, "subaccount": subaccount}
        self.run(
            "connect",
            connector,
            "--replace",
            "--keys-stdin",
            text=json.dumps({f"{connector}_{name}": value for name, value in values.items()}),
        )

    def create(self, strategy: str, name: str, settings: Mapping[str, str]) -> None:
        """Writes the configuration `name` for `strategy`. Raises `HbotError`."""
        self.run(*create_arguments(strategy, name, settings))

    def start_bot(self, name: str) -> subprocess.Popen[str]:
        """Starts the bot of the configuration `name` and returns its process, which ends with this one.

        Returns when the bot is up, which is some seconds before its first order. Raises `HbotError` when it does not
        come to that within three minutes.
        """
        began = time.time()
        bot = self.launch_bot(name)
        while not self.is_up(since=began):
            if bot.poll() is not None or time.time() > began + START_SECONDS:
                bot.kill()
                raise HbotError(f"The bot did not start.\n{self.bot_errors(name)}")
            time.sleep(0.2)
        return bot

    def launch_bot(self, name: str) -> subprocess.Popen[str]:
        """As `start_bot`, but returns at once: `is_up` tells when the bot is."""
        with self._bot_output().open("w") as output:
            bot = self._start(("start", name, "--foreground"), stdout=output, stderr=subprocess.STDOUT)
        # `hbot stop` waits until the process is gone, which it is not before somebody has asked how it ended.
        threading.Thread(target=bot.wait, daemon=True).start()
        return bot

    def is_up(self, since: float) -> bool:
        """Whether the bot that was launched at `since` (seconds since 1970) has written its first status, which is how
        `hbot start` without `--foreground` tells.

        `hbot status` must not be asked before: its signal ends a bot that does not listen for it yet.
        """
        status = self.workspace / "data" / "bot" / "status.json"
        return status.exists() and status.stat().st_mtime >= since

    def connector_state(self, pair: str) -> Holding:
        """The balance, and the position in `pair`, that the connector reports. Raises `HbotError`.

        Hummingbot prints both as doubles; they are returned as printed.
        """
        state = json.loads(self.run("balance", CONNECTOR, "--json"), parse_float=Decimal)["connectors"][CONNECTOR]
        positions = [one for one in state.get("positions", []) if one["trading_pair"] == pair]
        return Holding(
            position=sum((_signed_amount(one) for one in positions), Decimal(0)),
            balance=sum((Decimal(coin["total"]) for coin in state["assets"]), Decimal(0)),
        )

    def bot_errors(self, name: str) -> str:
        """The latest of what the bot of the configuration `name` printed, and of what it logged as an error."""
        log = self.workspace / "logs" / f"logs_{Path(name).stem}.log"
        logged = [line for line in _lines(log) if " - ERROR - " in line]
        return "\n".join([*_lines(self._bot_output())[-SHOWN_LINES:], *logged[-SHOWN_LINES:]])

    def _bot_output(self) -> Path:
        return self.workspace / "logs" / "bot-output.log"

    def _start(self, arguments: tuple[str, ...], **streams: Any) -> subprocess.Popen[str]:
        return tether.start(
            [sys.executable, "-m", "acme_bot.hbot_command", *arguments],
            folder=self.workspace,
            environment=self._environment(),
            **streams,
        )

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "HBOT_PASSWORD": self.password}
        # Compiling Hummingbot's modules anew at every command doubles the time that each takes.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment


class _Commands:
    """The process of `acme_bot.hbot_commands` in a workspace, from the first command on and while entered."""

    def __init__(self, workspace: Path, environment: Callable[[], Mapping[str, str]], options: Sequence[str]) -> None:
        self._workspace = workspace
        self._environment = environment
        self._options = options
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._errors:
            if self._process is not None:
                self._process.kill()
                # A command may wait for it that it never read.
                with suppress(BrokenPipeError), self._process:
                    pass

    def run(self, arguments: Sequence[str], text: str | None) -> str:
        """As `Hbot.run`."""
        process = self._process = self._process or self._start()
        asking, answers = process.stdin, process.stdout
        assert asking is not None and answers is not None
        with suppress(BrokenPipeError):
            print(json.dumps({"arguments": arguments, "text": text}), file=asking, flush=True)
        if not select.select([answers], [], [], COMMAND_SECONDS)[0]:
            process.kill()
            raise _not_in_time(arguments)
        answer = answers.readline()
        if not answer:
            self._errors.seek(0)
            raise HbotError(f"hbot {arguments[0]}: {self._errors.read().strip()}")
        result = json.loads(answer)
        return _checked_output(arguments, result["code"], result["printed"], result["errors"])

    def _start(self) -> subprocess.Popen[str]:
        return tether.start(
            [sys.executable, "-m", "acme_bot.hbot_commands", *self._options],
            folder=self._workspace,
            environment=self._environment(),
            stdin=subprocess.PIPE,
            stderr=self._errors,
        )


def _checked_output(arguments: Sequence[str], code: int, printed: str, errors: str) -> str:
    if code != 0:
        raise HbotError(f"hbot {arguments[0]}: {errors.strip() or printed.strip()}")
    return printed


def _not_in_time(arguments: Sequence[str]) -> HbotError:
    return HbotError(f"hbot {arguments[0]} did not end within {COMMAND_SECONDS} s.")


def create_arguments(strategy: str, name: str, settings: Mapping[str, str]) -> list[str]:
    """Of the `hbot` that writes the configuration `name` for `strategy`."""
    return ["create", strategy, "--name", name, *(f"--set={key}={value}" for key, value in settings.items())]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _signed_amount(position: dict[str, Any]) -> Decimal:
    amount = abs(Decimal(position["amount"]))
    return -amount if position["side"] == "SHORT" else amount
