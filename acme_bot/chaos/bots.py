"""The three bots: what each runs, and how it is started, killed and stopped."""

import secrets
import shutil
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from acme_bot.compare.bot_records import Records
from acme_bot.compare.venue_account import Key, Ledger
from acme_bot.hbot import CONNECTOR, STOP_SECONDS, Hbot, HbotError
from acme_bot.workspace import make_workspace

# On this market a part of an order is never too little to be an order of its own: every position can be closed.
COIN = "ETH"
PAIR, MARKET = f"{COIN}-USD", f"{COIN}-PERP"
SCRIPT = Path(__file__).with_name("open_and_close.py")
START_SECONDS = 120
# What Hummingbot logs when an event that is on record already is reported to it again.
REPEATED = "UNIQUE constraint failed"
# Spreads are in percent. The quotes are close enough to the middle to be hit, an open position is closed soon whether
# it wins or loses, and everything comes round every other second.
MAKER = {
    "derivative": CONNECTOR,
    "market": PAIR,
    "leverage": "5",
    "order_amount": "0.01",
    "order_levels": "5",
    "order_level_spread": "0.005",
    "order_level_amount": "0",
    "long_profit_taking_spread": "0.02",
    "short_profit_taking_spread": "0.02",
    "stop_loss_spread": "0.04",
    "time_between_stop_loss_orders": "2",
    "stop_loss_slippage_buffer": "0.05",
}


@dataclass
class Bot:
    """A bot in a workspace of its own, with an account of its own.

    :ivar process: the latest one; None before the first.
    :ivar launched_at: seconds since 1970.
    """

    name: str
    strategy: str
    settings: dict[str, str]
    hbot: Hbot
    records: Records
    process: subprocess.Popen | None = None
    launched_at: float = 0.0
    _counts: tuple[int, int, int] = field(default=(0, 0, 0))

    def set_up(self, server: str, key: Key) -> None:
        """Makes the workspace. Raises `HbotError` and `WorkspaceError`."""
        workspace = make_workspace(self.hbot.workspace)
        if self.strategy == SCRIPT.stem:
            shutil.copy(SCRIPT, workspace / "scripts")
        self.hbot.connect(server, key.key, key.secret)
        self.hbot.create(self.strategy, self._configuration, self.settings)

    def launch(self) -> None:
        self.launched_at = time.time()
        self.process = self.hbot.launch_bot(self._configuration)

    def kill(self) -> None:
        """Ends it with SIGKILL; it may have ended before, or never have started."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Has it cancel its orders and end, by the signal that `hbot stop` sends: that command takes seconds to start, in
        which another funding payment can fall. Raises `HbotError` when it does not end within a minute."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise HbotError(
                f"{self.name} did not stop within {STOP_SECONDS} s.\n{self.hbot.bot_complaints(self._configuration)}"
            ) from None

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None and self.hbot.is_up(since=self.launched_at)

    def require_alive(self) -> None:
        """Raises `HbotError` when the bot ended by itself, or does not come to start."""
        if self.process.poll() is not None:
            raise HbotError(f"{self.name} ended by itself.\n{self.hbot.bot_complaints(self._configuration)}")
        if not self.is_up and time.time() > self.launched_at + START_SECONDS:
            raise HbotError(
                f"{self.name} did not start within {START_SECONDS} s.\n{self.hbot.bot_complaints(self._configuration)}"
            )

    def counts(self) -> tuple[int, int, int]:
        """How many orders, fills, and news of orders it has on record; the latest that could be read."""
        try:
            self._counts = self.records.counts()
        except sqlite3.OperationalError:
            pass  # it was killed in the middle of something, which its next start clears up
        return self._counts

    def repetitions(self) -> int:
        """How many of its log's lines say that something was reported to it a second time."""
        logs = self.hbot.workspace / "logs"
        return sum(
            line.count(REPEATED)
            for log in logs.glob(f"logs_{self.name}.log*")
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        )

    @property
    def _configuration(self) -> str:
        return f"{self.name}.yml"


def make_bots(folder: Path, seed: int) -> list[Bot]:
    """Two market makers, one closer to the middle than the other, and one that opens and closes."""
    near = MAKER | {"bid_spread": "0.02", "ask_spread": "0.02", "order_refresh_time": "2", "filled_order_delay": "1"}
    far = MAKER | {"bid_spread": "0.03", "ask_spread": "0.03", "order_refresh_time": "1.5", "filled_order_delay": "1"}
    turns = {"derivative": CONNECTOR, "market": PAIR, "order_amount": "0.01", "seed": str(seed)}
    return [
        _bot(folder, "near", "perpetual_market_making", near),
        _bot(folder, "far", "perpetual_market_making", far),
        _bot(folder, "turns", SCRIPT.stem, turns),
    ]


def _bot(folder: Path, name: str, strategy: str, settings: dict[str, str]) -> Bot:
    workspace = folder / name
    return Bot(
        name, strategy, settings, Hbot(workspace, password=secrets.token_urlsafe(24)), Records(workspace, f"{name}.yml")
    )


def open_ledgers(bots: list[Bot], server: str, watchers: dict[str, Key]) -> dict[str, Ledger]:
    """The venue's books of each bot's account, by the bot's name."""
    return {bot.name: Ledger(server, watchers[bot.name], MARKET) for bot in bots}
