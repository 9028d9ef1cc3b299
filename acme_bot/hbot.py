"""Driving `hbot`, Hummingbot's own command line, inside a workspace."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from acme_bot import tether
from acme_bot.compare.statement import Holding
from acme_bot.problem import Problem

CONNECTOR = "acme_perpetual"
SECOND_CONNECTOR = "acme_perpetual_second"
# A machine that is busy takes five times as long as one that is not.
COMMAND_SECONDS = 240
START_SECONDS = 180
STOP_SECONDS = 60
SHOWN_LINES = 10


class HbotError(Problem):
    """A `hbot` command that failed: the command, and what it said."""


class Hbot:
    """The `hbot` of one workspace.

    `password` unlocks (and at its first use creates) the workspace's key store. It goes to the commands in their
    environment, which is where Hummingbot takes it from; it is in no argument and in no file.
    """

    def __init__(self, workspace: Path, password: str):
        self.workspace = workspace
        self._password = password

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Runs one command to its end, with `text` as its input, and returns what it printed.

        Raises `HbotError` when it fails or takes longer than four minutes.
        """
        with self._start(arguments, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE) as process:
            try:
                printed, complaint = process.communicate(text, timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise HbotError(f"hbot {arguments[0]} did not end within {COMMAND_SECONDS} s.") from None
        if process.returncode != 0:
            raise HbotError(f"hbot {arguments[0]}: {complaint.strip() or printed.strip()}")
        return printed

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
                raise HbotError(f"The bot did not start.\n{self.bot_complaints(name)}")
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

    def stop_bot(self) -> None:
        """Stops the bot, which cancels its orders. Raises `HbotError`, also when it does not run."""
        self.run("stop", "--timeout", str(STOP_SECONDS))

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

    def bot_complaints(self, name: str) -> str:
        """The latest of what the bot of the configuration `name` printed, and of what it logged as an error."""
        log = self.workspace / "logs" / f"logs_{Path(name).stem}.log"
        logged = [line for line in _lines(log) if " - ERROR - " in line]
        return "\n".join([*_lines(self._bot_output())[-SHOWN_LINES:], *logged[-SHOWN_LINES:]])

    def _bot_output(self) -> Path:
        return self.workspace / "logs" / "bot-output.log"

    def _start(self, arguments: tuple[str, ...], **streams: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "HBOT_PASSWORD": self._password}
        # Compiling Hummingbot's modules anew at every command doubles the time that each takes.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return tether.start(
            [sys.executable, "-m", "acme_bot.hbot_command", *arguments],
            folder=self.workspace,
            environment=environment,
            **streams,
        )


def create_arguments(strategy: str, name: str, settings: Mapping[str, str]) -> list[str]:
    """Of the `hbot` that writes the configuration `name` for `strategy`."""
    return ["create", strategy, "--name", name, *(f"--set={key}={value}" for key, value in settings.items())]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _signed_amount(position: dict[str, Any]) -> Decimal:
    amount = abs(Decimal(position["amount"]))
    return -amount if position["side"] == "SHORT" else amount
