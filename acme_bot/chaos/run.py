"""One run of the chaos, from three empty workspaces to the verdict."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from acme_bot.chaos.bots import Bot, make_bots, open_ledgers
from acme_bot.chaos.faults import FaultCounts
from acme_bot.chaos.recoveries import Recoveries
from acme_bot.chaos.report import Score, progress_line, show_score, show_verdict
from acme_bot.chaos.schedule import Kill, plan_kills
from acme_bot.chaos.venue import LastingVenue
from acme_bot.chaos.verdict import compare
from acme_bot.compare.reconciliation import Line
from acme_bot.compare.statement import Books
from acme_bot.compare.venue_account import Account, Ledger, VenueError
from acme_bot.hbot import HbotError
from acme_bot.interruption import Interruption
from acme_bot.venue import DEPOSIT, VenueStartError
from acme_bot.workspace import WorkspaceError

STEP_SECONDS = 0.5
LINE_SECONDS = 5
LOOK_SECONDS = 5
CALM_SECONDS = 60
# What was in doubt when the faults ended is certain by then.
SHORTEST_CALM_SECONDS = 20
# From then on it is not waited for what has not recovered: that is a difference.
LATE_SECONDS = 30
# A funding payment must be in both books or in neither when a bot stops, which takes it some seconds.
SECONDS_UNTIL_FUNDING = 15


class Chaos:
    """`seconds` of faults and kills; `seed` decides the schedule, the faults and the market."""

    def __init__(self, folder: Path, seconds: int, seed: int, console: Console):
        self._console = console
        self._seconds = seconds
        self._bots = make_bots(folder, seed)
        self._venue = LastingVenue(folder, [bot.name for bot in self._bots], seed)
        self._kills = plan_kills(seed, seconds, [bot.name for bot in self._bots])
        self._faults = FaultCounts(self._venue.data)
        self._recoveries = Recoveries()
        self._score = Score()
        self._ledgers: dict[str, Ledger] = {}
        self._starts: list[tuple[float, Kill]] = []
        self._next_line = self._next_look = 0.0

    def run(self) -> int:
        """Runs it, with everything ended at its end. Returns 0 when every line of the verdict agrees, else 1. Ctrl-C and
        SIGTERM end it like the end of its time."""
        try:
            with Interruption() as interruption:
                return self._run(interruption)
        except (HbotError, VenueError, VenueStartError, WorkspaceError) as error:
            self._say(str(error), style="bold red")
            return 1
        finally:
            for bot in self._bots:
                bot.kill()
            self._venue.stop()

    def _run(self, interruption: Interruption) -> int:
        self._set_up()
        self._say("Starting the bots, with faults from now on ...")
        for bot in self._bots:
            bot.launch()
        while not all(bot.is_up for bot in self._bots) and not interruption.wait(STEP_SECONDS):
            self._require_bots()
        self._break_things(interruption)
        self._calm_down()
        return self._finish()

    def _set_up(self) -> None:
        self._say("Starting the venue ...")
        self._venue.start()
        self._ledgers = open_ledgers(self._bots, self._venue.url, self._venue.watchers)
        self._say(f"Making {len(self._bots)} workspaces at {self._venue.url}: connect, create ...")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(bot.set_up, self._venue.url, self._venue.traders[bot.name]) for bot in self._bots]:
                done.result()
        self._venue.stop()
        self._venue.is_faulty = True
        self._venue.start()

    # ------------------------------------------------------------------------------------------------------- the chaos

    def _break_things(self, interruption: Interruption) -> None:
        began = time.monotonic()
        kills = list(self._kills)
        while (second := time.monotonic() - began) < self._seconds and not interruption.wait(STEP_SECONDS):
            if kills and kills[0].second <= second:
                self._kill(kills.pop(0))
            self._start_again()
            self._observe(f"{second:.0f} of {self._seconds} s")
        for _, kill in self._starts:
            self._start(kill)
        self._starts.clear()

    def _kill(self, kill: Kill) -> None:
        now = time.monotonic()
        if kill.bot is None:
            self._faults.look()
            self._faults.next_life()
            self._venue.kill()
            self._score.venue_kills += 1
        else:
            bot = self._bot(kill.bot)
            bot.kill()
            self._score.bot_kills += 1
            self._recoveries.await_recovery(bot.name, now, bot.counts()[2])
        self._starts.append((now, kill))

    def _start_again(self) -> None:
        now = time.monotonic()
        due = [(killed_at, kill) for killed_at, kill in self._starts if now >= killed_at + kill.darkness]
        for killed_at, kill in due:
            self._starts.remove((killed_at, kill))
            self._start(kill)
            if kill.bot is None:
                for bot in self._bots:
                    self._recoveries.await_recovery(bot.name, killed_at, bot.counts()[2])

    def _start(self, kill: Kill) -> None:
        if kill.bot is None:
            self._venue.start()
        else:
            self._bot(kill.bot).launch()

    def _observe(self, moment: str) -> None:
        now = time.monotonic()
        counts = {bot.name: bot.counts() for bot in self._bots}
        for name, (_, _, news) in counts.items():
            self._recoveries.note(name, now, news)
        self._require_bots()
        if now >= self._next_look and not any(kill.bot is None for _, kill in self._starts):
            self._next_look = now + LOOK_SECONDS
            self._score.faults = self._faults.look()
        self._score.orders, self._score.fills = (sum(each) for each in list(zip(*counts.values()))[:2])
        self._score.recoveries = self._recoveries.seconds
        if now >= self._next_line:
            self._next_line = now + LINE_SECONDS
            self._say(progress_line(moment, self._score, self._recoveries.outstanding))

    # ------------------------------------------------------------------------------------------------------ the verdict

    def _calm_down(self) -> None:
        """Waits until the books can be compared: for the bots to be up, and then for at most a minute."""
        self._faults.clear()
        self._score.faults = self._faults.look()
        self._say("The faults are over. Waiting for the bots to be up ...")
        while not all(bot.is_up for bot in self._bots):
            self._observe("calm")
            time.sleep(STEP_SECONDS)
        self._say(f"Waiting until all is quiet; at most {CALM_SECONDS} s ...")
        began = time.monotonic()
        while (second := time.monotonic() - began) < CALM_SECONDS:
            self._observe(f"calm, {second:.0f} s")
            has_settled = second >= SHORTEST_CALM_SECONDS and not self._recoveries.outstanding
            if (has_settled or second >= LATE_SECONDS) and self._is_between_payments():
                return
            time.sleep(STEP_SECONDS)

    def _is_between_payments(self) -> bool:
        until_funding = float(self._ledgers[self._bots[0].name].price().funding_time) - time.time()
        return until_funding > SECONDS_UNTIL_FUNDING and all(
            len(bot.records.books().funding) == len(self._ledgers[bot.name].funding()) for bot in self._bots
        )

    def _finish(self) -> int:
        self._say("Stopping the bots, which cancels their orders ...")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(bot.stop) for bot in self._bots]:
                done.result()
        self._say("Reading both parties' books ...")
        statements = {bot.name: self._ledgers[bot.name].statement() for bot in self._bots}
        verdicts = {bot.name: self._verdict(bot, statements[bot.name]) for bot in self._bots}
        counts = [bot.counts() for bot in self._bots]
        self._score.orders, self._score.fills = (sum(each) for each in list(zip(*counts))[:2])
        show_score(self._console, self._score)
        if not show_verdict(self._console, verdicts):
            return 1
        self._say(f"✓ All {sum(map(len, verdicts.values()))} lines agree.", style="bold green")
        return 0

    def _verdict(self, bot: Bot, statement: tuple[Books, Account]) -> list[Line]:
        lines = compare(bot, self._ledgers[bot.name], statement, Decimal(DEPOSIT))
        has_recovered = bot.name not in self._recoveries.outstanding
        return [Line("recovered", "yes" if has_recovered else "no", "yes", has_recovered), *lines]

    def _bot(self, name: str) -> Bot:
        return next(bot for bot in self._bots if bot.name == name)

    def _require_bots(self) -> None:
        dark = {kill.bot for _, kill in self._starts}
        for bot in self._bots:
            if bot.name not in dark:
                bot.require_alive()

    def _say(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
