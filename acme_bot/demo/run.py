"""The demo: the real Hummingbot makes a market on a venue of its own, and the two parties' books are compared."""

import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from acme_bot.compare.bot_records import Records
from acme_bot.compare.reconciliation import Line, both_sides_filled, reconcile_books, reconcile_connector
from acme_bot.compare.venue_account import Ledger, VenueError
from acme_bot.compare.view import Glance, open_view, show_reconciliation
from acme_bot.folder import in_folder
from acme_bot.hbot import CONNECTOR, Hbot, HbotError
from acme_bot.interruption import Interruption
from acme_bot.strategy_files import add_files
from acme_bot.venue import Venue, VenueStartError
from acme_bot.workspace import WorkspaceError, make_workspace

PAIR = "BTC-USD"
BOT = "demo.yml"


@dataclass(frozen=True)
class Strategy:
    """What trades: the name that `hbot create` takes, and the settings.

    `folders` are the "scripts" and "controllers" that it needs and that a new workspace has not. `stop_seconds` is how
    long it takes to stop, at most: a funding payment must be in both books or in neither then. There is one every
    `funding_seconds`, which leaves time to learn of one, within 15 s, and to stop before the next.
    """

    name: str
    settings: Mapping[str, str]
    folders: Mapping[str, Path] = field(default_factory=dict)
    stop_seconds: int = 8
    funding_seconds: int = 30


# Spreads are in percent. The quotes are close enough to the middle to be hit, an open position is closed soon whether
# it wins or loses, and everything comes round every few seconds. The amount is the smallest that the venue lets rest.
MARKET_MAKING = Strategy(
    "perpetual_market_making",
    {
        "derivative": CONNECTOR,
        "market": PAIR,
        "leverage": "5",
        "order_amount": "0.001",
        "bid_spread": "0.01",
        "ask_spread": "0.01",
        "order_refresh_time": "3",
        "filled_order_delay": "1",
        "long_profit_taking_spread": "0.03",
        "short_profit_taking_spread": "0.03",
        "stop_loss_spread": "0.06",
        "time_between_stop_loss_orders": "3",
        "stop_loss_slippage_buffer": "0.05",
    },
)
# A V2 controller; its spreads and barriers are fractions. It quotes 250 USD on each side, and its executors close their
# positions before it stops.
INVENTORY_MAKER = Strategy(
    "inventory_maker",
    {
        "connector_name": CONNECTOR,
        "trading_pair": PAIR,
        "leverage": "5",
        "position_mode": "ONEWAY",
        "total_amount_quote": "500",
        "buy_spreads": "0.0001",
        "sell_spreads": "0.0001",
        "executor_refresh_time": "5",
        "cooldown_time": "2",
        "take_profit": "0.0003",
        "stop_loss": "0.001",
        "time_limit": "20",
    },
    stop_seconds=20,
    funding_seconds=60,
)
STRATEGIES = {strategy.name: strategy for strategy in (MARKET_MAKING, INVENTORY_MAKER)}
FIRST_ORDER_SECONDS = 90


class DemoError(Exception):
    """Why the demo cannot go on, in a sentence."""


class Demo:
    """One run. `seconds` of trading, 0 for until interrupted; `seed` fixes the market's course."""

    def __init__(self, strategy: Strategy, folder: Path, seconds: int, seed: int | None, console: Console):
        self._strategy = strategy
        self._console = console
        self._seconds = seconds
        self._venue = Venue(folder, funding_seconds=strategy.funding_seconds, seed=seed)
        self._workspace = folder / "workspace"
        self._hbot = Hbot(self._workspace, password=secrets.token_urlsafe(24))
        self._records = Records(self._workspace, BOT)
        self._bot: subprocess.Popen | None = None
        self._ledger: Ledger | None = None

    def run(self) -> int:
        """Runs it, with the bot and the venue ended at its end. Returns 0 when both sides were filled and every line of
        the reconciliation agrees, else 1. Ctrl-C and SIGTERM end it like the end of its time."""
        try:
            with Interruption() as interruption:
                return self._run(interruption)
        except (DemoError, HbotError, VenueError, VenueStartError, WorkspaceError) as error:
            self._console.print(str(error), style="bold red", markup=False, soft_wrap=True)
            return 1
        finally:
            if self._bot is not None:
                self._bot.kill()
            self._venue.stop()

    def _run(self, interruption: Interruption) -> int:
        self._say("Starting the venue ...")
        self._venue.start()
        self._ledger = Ledger(self._venue.url, self._venue.watcher)
        opening = self._ledger.balance()
        self._say(f"The venue listens at {self._venue.url}; the account has {opening:,} USD.")
        if self._start_bot(interruption):
            self._trade(interruption, opening)
            self._await_quiet()
        return self._finish(opening)

    def _start_bot(self, interruption: Interruption) -> bool:
        """Whether the bot trades; it does not when interrupted before."""
        trader, strategy = self._venue.trader, self._strategy
        steps = (
            ("Making a workspace for Hummingbot", self._make_workspace),
            (
                "hbot connect: storing the account's key, encrypted",
                lambda: self._hbot.connect(self._venue.url, trader.key, trader.secret),
            ),
            (
                f"hbot create: {strategy.name} on {PAIR}",
                lambda: self._hbot.create(strategy.name, BOT, strategy.settings),
            ),
            ("hbot start", self._launch),
        )
        for description, step in steps:
            if interruption.wait():
                return False
            self._say(f"{description} ...")
            step()
        self._say("Waiting for the bot's first order; it takes about 15 s ...")
        return self._await_first_order(interruption)

    def _make_workspace(self) -> None:
        workspace = make_workspace(self._workspace)
        for folder, source in self._strategy.folders.items():
            add_files(workspace, folder, source)

    def _launch(self) -> None:
        self._bot = self._hbot.start_bot(BOT)

    def _await_first_order(self, interruption: Interruption) -> bool:
        deadline = time.monotonic() + FIRST_ORDER_SECONDS
        # A market order is never seen open.
        while not (self._ledger.open_orders() or self._records.fills()):
            self._require_bot()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"The bot placed no order within {FIRST_ORDER_SECONDS} s.\n{self._hbot.bot_complaints(BOT)}"
                )
            if interruption.wait(1):
                return False
        return True

    def _trade(self, interruption: Interruption, opening: Decimal) -> None:
        started = time.monotonic()
        with open_view(self._console) as view:
            while True:
                second = int(time.monotonic() - started)
                view.show(self._glance(second, opening))
                if self._seconds and second >= self._seconds or interruption.wait(1):
                    return
                self._require_bot()

    def _glance(self, second: int, opening: Decimal) -> Glance:
        return Glance(
            second=second,
            seconds=self._seconds,
            price=self._ledger.price(),
            account=self._ledger.account(),
            opening=opening,
            quotes=self._ledger.open_orders(),
            fills=list(self._records.fills().values()),
            funding=self._ledger.funding(),
        )

    def _await_quiet(self) -> None:
        """Waits until Hummingbot knows every funding payment that was made, and the next is not about to be.

        It asks for them from time to time only. What it does not know after two more payments is a difference.
        """
        if self._is_quiet():
            return
        patience = 2 * self._strategy.funding_seconds
        self._say(f"Waiting until Hummingbot knows the latest funding payment; at most {patience} s ...")
        deadline = time.monotonic() + patience
        while not self._is_quiet() and time.monotonic() < deadline:
            time.sleep(0.5)

    def _is_quiet(self) -> bool:
        until_funding = float(self._ledger.price().funding_time) - time.time()
        return until_funding > self._strategy.stop_seconds and len(self._records.books().funding) == len(
            self._ledger.funding()
        )

    def _finish(self, opening: Decimal) -> int:
        if self._bot is not None:
            self._say("hbot stop: cancelling the bot's orders and stopping it ...")
            self._hbot.stop_bot()
        self._say("Reading both parties' books ...")
        lines = self._reconcile(opening)
        show_reconciliation(self._console, lines)
        return self._verdict(lines)

    def _reconcile(self, opening: Decimal) -> list[Line]:
        venue, account = self._ledger.statement()
        hummingbot = self._records.books()
        lines = reconcile_books(hummingbot, venue, opening, account)
        if self._bot is not None:
            lines += self._reconcile_connector()
        filled = [both_sides_filled(hummingbot), both_sides_filled(venue)]
        return [Line("filled on both sides", *("yes" if both else "no" for both in filled), agrees=all(filled)), *lines]

    def _reconcile_connector(self) -> list[Line]:
        while True:
            before = self._ledger.account().holding
            connector = self._hbot.connector_state(PAIR)
            # The position that is left goes on paying funding: the answers count when none fell between them.
            if before == self._ledger.account().holding:
                return reconcile_connector(connector, before)

    def _verdict(self, lines: list[Line]) -> int:
        differing = [line.name for line in lines if not line.agrees]
        if differing:
            self._console.print(
                f"✗ {len(differing)} of {len(lines)} lines differ: {'; '.join(differing)}",
                style="bold red",
                markup=False,
                soft_wrap=True,
            )
            return 1
        self._console.print(f"✓ All {len(lines)} lines agree.", style="bold green")
        return 0

    def _require_bot(self) -> None:
        if self._bot.poll() is not None:
            raise DemoError(f"The bot ended by itself.\n{self._hbot.bot_complaints(BOT)}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def run_demo(strategy: Strategy, seconds: int, seed: int | None, folder: Path | None, console: Console) -> int:
    """Runs the demo in a folder as `in_folder` has it. Returns the process's exit code."""
    return in_folder(folder, "acme-demo-", console, lambda place: Demo(strategy, place, seconds, seed, console).run())
