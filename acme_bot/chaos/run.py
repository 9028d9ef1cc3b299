"""One run of the chaos, from three empty workspaces to the verdict."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from acme_bot.bot import Bot
from acme_bot.chaos.bots import make_bots, open_accounts
from acme_bot.chaos.faults import FaultCounts
from acme_bot.chaos.recoveries import Recoveries
from acme_bot.chaos.report import Score, progress_line, show_score, show_verdict
from acme_bot.chaos.schedule import Kill, plan_kills
from acme_bot.chaos.venue import LastingVenue
from acme_bot.chaos.verdict import compare
from acme_bot.compare.reconciliation import Line
from acme_bot.compare.statement import Statement
from acme_bot.compare.venue_account import Valuation, VenueAccount
from acme_bot.run import Run
from acme_bot.venue import DEPOSIT

STEP_SECONDS = 0.5
LINE_SECONDS = 5
LOOK_SECONDS = 5
CALM_SECONDS = 60
# What was in doubt when the faults ended is certain by then.
SHORTEST_CALM_SECONDS = 20
# From then on it is not waited for what has not recovered: that is a difference.
LATE_SECONDS = 30
# A funding payment must be in both statements or in neither when a bot stops, which takes it some seconds.
SECONDS_UNTIL_FUNDING = 15


class Chaos(Run[LastingVenue]):
    """`seconds` of faults and kills; `seed` decides the schedule, the faults and the market."""

    def __init__(self, folder: Path, seconds: int, seed: int, console: Console):
        bots = make_bots(folder, seed)
        names = [bot.name for bot in bots]
        venue = LastingVenue(folder, names, seed)
        super().__init__(venue, bots, console)
        self._seconds = seconds
        self._kills = plan_kills(seed, seconds, names)
        self._faults = FaultCounts(venue.data)
        self._recoveries = Recoveries()
        self._score = Score()
        self._accounts: dict[str, VenueAccount] = {}
        self._starts: list[tuple[float, Kill]] = []
        self._next_line = self._next_look = 0.0

    def carry_out(self) -> bool:
        """Returns whether every line of the verdict agrees."""
        self._set_up()
        self.say("Starting the bots, with faults from now on ...")
        for bot in self.bots:
            bot.launch()
        while not all(bot.is_up for bot in self.bots) and not self.interruption.wait(STEP_SECONDS):
            self._require_bots()
        self._break_things()
        self._calm_down()
        return self._finish()

    def _set_up(self) -> None:
        self.say("Starting the venue ...")
        self.venue.start()
        self._accounts = open_accounts(self.bots, self.venue.url, self.venue.watchers)
        self.say(f"Making {len(self.bots)} workspaces at {self.venue.url}: connect, create ...")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(bot.set_up, self.venue.url, self.venue.traders[bot.name]) for bot in self.bots]:
                done.result()
        self.venue.stop()
        self.venue.is_faulty = True
        self.venue.start()

    # ------------------------------------------------------------------------------------------------------- the chaos

    def _break_things(self) -> None:
        began = time.monotonic()
        kills = list(self._kills)
        # A kill that a busy machine has delayed beyond the end is carried out as well.
        while ((second := time.monotonic() - began) < self._seconds or kills) and not self.interruption.wait(
            STEP_SECONDS
        ):
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
            self.venue.kill()
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
                for bot in self.bots:
                    self._recoveries.await_recovery(bot.name, killed_at, bot.counts()[2])

    def _start(self, kill: Kill) -> None:
        if kill.bot is None:
            self.venue.start()
        else:
            self._bot(kill.bot).launch()

    def _observe(self, moment: str) -> None:
        now = time.monotonic()
        counts = {bot.name: bot.counts() for bot in self.bots}
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
            self.say(progress_line(moment, self._score, self._recoveries.outstanding))

    # ------------------------------------------------------------------------------------------------------ the verdict

    def _calm_down(self) -> None:
        """Waits until the statements can be compared: for the bots to be up, and then for at most a minute."""
        self._faults.clear()
        self._score.faults = self._faults.look()
        self.say("The faults are over. Waiting for the bots to be up ...")
        while not all(bot.is_up for bot in self.bots):
            self._observe("calm")
            time.sleep(STEP_SECONDS)
        self.say(f"Waiting until all is quiet; at most {CALM_SECONDS} s ...")
        began = time.monotonic()
        while (second := time.monotonic() - began) < CALM_SECONDS:
            self._observe(f"calm, {second:.0f} s")
            has_settled = second >= SHORTEST_CALM_SECONDS and not self._recoveries.outstanding
            if (has_settled or second >= LATE_SECONDS) and self._is_between_payments():
                return
            time.sleep(STEP_SECONDS)

    def _is_between_payments(self) -> bool:
        until_funding = float(self._accounts[self.bots[0].name].price().funding_time) - time.time()
        return until_funding > SECONDS_UNTIL_FUNDING and all(
            len(bot.records.statement().funding) == len(self._accounts[bot.name].funding()) for bot in self.bots
        )

    def _finish(self) -> bool:
        self.say("Stopping the bots, which cancels their orders ...")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(bot.stop) for bot in self.bots]:
                done.result()
        self.say("Reading Hummingbot's records and the venue's ledger ...")
        statements = {bot.name: self._accounts[bot.name].statement() for bot in self.bots}
        verdicts = {bot.name: self._verdict(bot, statements[bot.name]) for bot in self.bots}
        counts = [bot.counts() for bot in self.bots]
        self._score.orders, self._score.fills = (sum(each) for each in list(zip(*counts))[:2])
        show_score(self.console, self._score)
        if not show_verdict(self.console, verdicts):
            return False
        self.say(f"✓ All {sum(map(len, verdicts.values()))} lines agree.", style="bold green")
        return True

    def _verdict(self, bot: Bot, statement: tuple[Statement, Valuation]) -> list[Line]:
        lines = compare(bot, self._accounts[bot.name], statement, Decimal(DEPOSIT))
        has_recovered = bot.name not in self._recoveries.outstanding
        return [Line("recovered", "yes" if has_recovered else "no", "yes", has_recovered), *lines]

    def _bot(self, name: str) -> Bot:
        return next(bot for bot in self.bots if bot.name == name)

    def _require_bots(self) -> None:
        dark = {kill.bot for _, kill in self._starts}
        for bot in self.bots:
            if bot.name not in dark:
                bot.require_alive()
