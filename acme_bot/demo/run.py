"""Runs the demo: opens a market that is shown at once, lets Hummingbot trade on it, and compares its records with the
venue's ledger."""

import math
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from acme_bot.bot import Bot, Strategy
from acme_bot.compare.reconciliation import Line, both_sides_filled, reconcile_connector, reconcile_statements
from acme_bot.compare.statement import Statement
from acme_bot.compare.venue_account import Valuation, VenueAccount
from acme_bot.compare.view import show_reconciliation
from acme_bot.demo.earnings import Earnings, earnings
from acme_bot.demo.preparation import Preparation
from acme_bot.demo.screen import LEVELS, Market, Screen, Trading, Watch
from acme_bot.demo.strategies import PAIR, on_a_real_market
from acme_bot.problem import Problem
from acme_bot.run import Run, in_folder
from acme_bot.venue import Recording, Venue

NAME = "demo"
BOT = f"{NAME}.yml"
FIRST_ORDER_SECONDS = 180
BOTH_SIDES_SECONDS = 180
"""For how long beyond its time, at most, a demo goes on until both sides are filled."""
STEP_SECONDS = 0.2
NEXT = """\
What next:
  export PATH="$PWD/.venv/bin:$PATH"   # where the two commands below are
  acme-exchange serve                  # in one terminal: a venue that stays, with an account of yours
  acme-bot new my-bot                  # in another: a bot of your own on it, in one command"""


class Demo(Run[Venue]):
    """One run. `seconds` of trading, 0 for until interrupted; on a busy machine it goes on, for three minutes at most,
    until both sides are filled. `seed` fixes the market's course. `prepare` is a command
    that has to be done before the bot can start; the market is open meanwhile.

    :ivar earned: in the end; None when nothing was filled.
    """

    def __init__(
        self,
        strategy: Strategy,
        folder: Path,
        seconds: int,
        seed: int | None,
        console: Console,
        prepare: str | None = None,
        recording: Recording | None = None,
    ) -> None:
        strategy = strategy if recording is None else on_a_real_market(strategy)
        self._strategy = strategy
        self._seconds = seconds
        self._prepare_with = prepare
        self._recording = recording
        self._bot = Bot(NAME, strategy, folder / "workspace")
        venue = Venue(folder, funding_seconds=strategy.funding_seconds, seed=seed, recording=recording)
        super().__init__(venue, [self._bot], console)
        self._opening = Decimal(0)
        self._first_order_at: float | None = None
        self.earned: Earnings | None = None

    def carry_out(self) -> bool:
        """Returns whether every line of the reconciliation agrees and, unless a real market is followed, both sides
        were filled."""
        self.say("Opening the market ...")
        self.venue.start()
        self._account = VenueAccount(self.venue.url, self.venue.watcher)
        self._opening = self._account.balance()
        self.say(f"The market is open: {self.venue.url} (the account has {self._opening:,} USD).")
        self.say(f"Watch it in a browser, signed in once: {self.venue.page}")
        with Watch(Screen(self.console, f"Acme, {PAIR}, {self.venue.url}"), self._look) as watch:
            if not self._prepare(watch):
                self.say("Ended before Hummingbot was ready. The same command goes on where this one stopped.")
                return False
            if self._start_bot(watch):
                self._trade(watch)
        if self._first_order_at is not None:
            self._await_quiet()
        return self._finish()

    def _look(self, screen: Screen) -> None:
        account = self._account
        market = Market(account.price(), account.order_book(LEVELS), account.trades(LEVELS))
        screen.show(market, self._trading(), time.monotonic())

    def _trading(self) -> Trading | None:
        if self._first_order_at is None:
            return None
        return Trading(
            second=int(time.monotonic() - self._first_order_at),
            seconds=self._seconds,
            opening=self._opening,
            valuation=self._account.valuation(),
            quotes=self._account.open_orders(),
            fills=list(self._bot.records.fills().values()),
            funding=self._account.funding(),
        )

    def _prepare(self, watch: Watch) -> bool:
        """Whether the bot can start; it cannot when interrupted before."""
        if self._prepare_with is None:
            return not self.interruption.wait()
        preparation = Preparation(self._prepare_with, watch.screen.tell)
        try:
            while not preparation.is_done:
                watch.require_market()
                if self.interruption.wait(STEP_SECONDS):
                    return False
            return True
        finally:
            preparation.end()

    def _start_bot(self, watch: Watch) -> bool:
        """Whether the bot trades; it does not when interrupted before."""
        bot, strategy = self._bot, self._strategy
        steps = (
            (
                "hbot connect: storing the account's key, encrypted",
                lambda: bot.connect(self.venue.url, self.venue.trader),
            ),
            (f"hbot create: {strategy.name} on {PAIR}", bot.create),
            ("hbot start: its first order takes about 15 s", bot.launch),
        )
        if not self._take(watch, "Making a workspace for Hummingbot", bot.make_workspace):
            return False
        with bot.hbot.together():
            if not all(self._take(watch, description, step) for description, step in steps):
                return False
        return self._await_first_order(watch)

    def _take(self, watch: Watch, description: str, step: Callable[[], None]) -> bool:
        """Says what it does, and does it; returns False in place of both when interrupted before."""
        if self.interruption.wait():
            return False
        watch.screen.tell(f"{description} ...")
        step()
        return True

    def _await_first_order(self, watch: Watch) -> bool:
        deadline = time.monotonic() + FIRST_ORDER_SECONDS
        while not self._has_ordered():
            self._bot.require_alive()
            watch.require_market()
            if time.monotonic() > deadline:
                raise Problem(f"The bot placed no order within {FIRST_ORDER_SECONDS} s.\n{self._bot.errors()}")
            if self.interruption.wait(STEP_SECONDS):
                return False
        self._first_order_at = time.monotonic()
        return True

    def _has_ordered(self) -> bool:
        # Before the bot is up, its records are being made. A market order is never seen open.
        return self._bot.is_up and bool(self._account.open_orders() or self._bot.records.fills())

    def _trade(self, watch: Watch) -> None:
        if not self._trade_for(watch, self._seconds or math.inf) or self._has_enough_fills():
            return
        watch.screen.tell(
            f"Its time is over; it goes on until both sides are filled, {BOTH_SIDES_SECONDS} s at most ..."
        )
        self._trade_for(watch, BOTH_SIDES_SECONDS, self._has_enough_fills)

    def _trade_for(self, watch: Watch, seconds: float, is_enough: Callable[[], bool] = lambda: False) -> bool:
        """Watches until the time is over or `is_enough`. Returns whether it was not interrupted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not is_enough():
            if self.interruption.wait(STEP_SECONDS):
                return False
            watch.require_market()
            self._bot.require_alive()
        return True

    def _has_enough_fills(self) -> bool:
        """Whether both sides are filled; a recorded market need not come as far as the quotes."""
        sides = {fill.side for fill in self._bot.records.fills().values()}
        return self._recording is not None or sides == {"buy", "sell"}

    def _await_quiet(self) -> None:
        """Waits until Hummingbot knows every funding payment that was made, and the next is not about to be.

        It asks for them from time to time only. What it does not know after two more payments is a difference.
        """
        if self._is_quiet():
            return
        patience = 2 * self._strategy.funding_seconds
        self.say(f"Waiting until Hummingbot knows the latest funding payment; at most {patience} s ...")
        deadline = time.monotonic() + patience
        while not self._is_quiet() and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)

    def _is_quiet(self) -> bool:
        until_funding = float(self._account.price().funding_time) - time.time()
        return until_funding > self._strategy.stop_seconds and len(self._bot.records.statement().funding) == len(
            self._account.funding()
        )

    def _finish(self) -> bool:
        self.say("Stopping the bot, which cancels its orders ...")
        self._bot.stop()
        self.say("Comparing Hummingbot's records and the venue's ledger ...")
        statement, valuation = self._account.statement()
        lines = self._reconcile(statement, valuation)
        show_reconciliation(self.console, lines)
        agree = self._verdict(lines)
        if statement.fills:
            self.earned = earnings(statement, valuation)
            self._show_earnings(len(statement.fills), valuation, self.earned)
        self.say(NEXT)
        return agree

    def _reconcile(self, statement: Statement, valuation: Valuation) -> list[Line]:
        hummingbot = self._bot.records.statement()
        lines = reconcile_statements(hummingbot, statement, self._opening, valuation)
        if self._bot.process is not None:
            lines += self._reconcile_connector()
        if self._recording is not None:
            return lines  # Whether a recorded market comes as far as its quotes is no fault of anybody's.
        bots, venues = ("yes" if both_sides_filled(each) else "no" for each in (hummingbot, statement))
        return [Line("filled on both sides", bots, venues, agrees=(bots, venues) == ("yes", "yes")), *lines]

    def _reconcile_connector(self) -> list[Line]:
        while True:
            before = self._account.valuation().holding
            connector = self._bot.hbot.connector_state(PAIR)
            # The position that is left goes on paying funding: the answers count when none fell between them.
            if before == self._account.valuation().holding:
                return reconcile_connector(connector, before)

    def _verdict(self, lines: list[Line]) -> bool:
        differing = [line.name for line in lines if not line.agrees]
        if differing:
            self.say_error(f"✗ {len(differing)} of {len(lines)} lines differ: {'; '.join(differing)}")
            return False
        self.say(f"✓ All {len(lines)} lines agree, to the last digit.", style="bold green")
        return True

    def _show_earnings(self, fills: int, valuation: Valuation, earned: Earnings) -> None:
        self.say(
            f"\nIt earned {earned.total:+,.2f} USD with {fills} fills: trading {earned.trading:+,.2f}, "
            f"fees {earned.fees:+,.2f}, funding {earned.funding:+,.4f}."
        )
        if position := valuation.holding.position:
            self.say(f"In that, what it still holds, {position.normalize():+f} BTC, counts at the mark price.")
        self.say(f"{self._what_it_says()}\n")

    def _what_it_says(self) -> str:
        if self._recording is None:
            return (
                "This market is made so that a maker can live on it, and says nothing about what the same settings "
                "earn on a real one."
            )
        return (
            f"These are recorded prices ({self._recording.file.name}): nobody at the exchange has seen the orders or "
            "reacted to them. An order waited behind what was displayed at its price, and what was cancelled there is "
            "taken to have stood behind it first. Another hour may earn something else."
        )


def run_demo(
    strategy: Strategy,
    seconds: int,
    seed: int | None,
    folder: Path | None,
    console: Console,
    prepare: str | None,
    recording: Recording | None = None,
) -> int:
    """Runs the demo in a folder as `in_folder` has it. Returns the process's exit code. Raises `Problem`."""

    def run(place: Path) -> int:
        return Demo(strategy, place, seconds, seed, console, prepare, recording).run()

    return in_folder(folder, "acme-demo-", console, run)
