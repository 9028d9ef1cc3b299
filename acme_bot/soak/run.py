"""Runs the soak: starts the venue and the bot, measures them, draws what it measured, and judges it."""

import http.client
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from acme_bot.bot import Bot, Strategy
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.problem import Problem
from acme_bot.run import Run, prepared
from acme_bot.soak import SHORTEST_SECONDS
from acme_bot.soak.chart import draw
from acme_bot.soak.gauges import BotGauge, ProcessGauge, VenueGauge
from acme_bot.soak.trend import WARM_UP, Trend, trend_of
from acme_bot.venue import Venue

SCRIPT = Path(__file__).with_name("quoting.py")
BOT = "soak"
CHART = "soak.png"
SAMPLES = Path("data", "soak-samples.jsonl")
MARKETS = ("BTC", "ETH", "SOL", "XRP", "DOGE")
FUNDING_SECONDS = 60
FIRST_ORDER_SECONDS = 90
SAMPLE_SECONDS = 1
LINE_SECONDS = 10
# By how much each may rise over the judged part of a run before it counts. A lag or a queue that grows is soon beyond a
# few periods of the event loop.
BOT_TOLERANCES = {"milliseconds": 50, "messages": 20, "tasks": 10}
VENUE_TOLERANCES = {"milliseconds": 50, "kilobytes": 64}
PROCESS_TOLERANCES = {"megabytes": 8, "handles": 4}
# Hummingbot itself remembers the id of every order and the particulars of every fill for as long as it runs: with what
# surrounds them, 1.2 kB an order were measured over 3,000 orders.
MEGABYTES_OF_AN_ORDER = 0.0015


class LastingVenue(Venue):
    """A venue that keeps what happens in its database."""

    def _options(self) -> list[str]:
        return [*super()._options(), "--data", str(self._folder / "venue")]


class Soak(Run[LastingVenue]):
    """One run in `folder`. `seconds` are of trading; `seed` fixes the market's course."""

    def __init__(self, folder: Path, seconds: int, seed: int | None, console: Console):
        self._seconds = seconds
        self._chart = folder / CHART
        self._workspace = folder / "workspace"
        self._bot = Bot(BOT, Strategy(SCRIPT.stem, {}, files=[SCRIPT]), self._workspace)
        super().__init__(LastingVenue(folder, funding_seconds=FUNDING_SECONDS, seed=seed), [self._bot], console)

    def carry_out(self) -> bool:
        """Returns whether nothing rises and every market was traded."""
        self.say("Starting the venue, and making a workspace for Hummingbot ...")
        self.venue.start()
        self._bot.set_up(self.venue.url, self.venue.trader)
        self.say("hbot start; the first order takes about 15 s ...")
        self._bot.launch()
        self._await_start()
        self._open_gauges()
        self._await_first_order()
        self._measure()
        self.say("hbot stop: cancelling the bot's orders and stopping it ...")
        self._bot.stop()
        return self._report()

    def _open_gauges(self) -> None:
        self._from_bot = BotGauge(self._workspace / SAMPLES, **BOT_TOLERANCES)
        self._from_venue = VenueGauge(self.venue.url, **VENUE_TOLERANCES)
        self._bot_process = ProcessGauge("bot", self._bot.pid, **PROCESS_TOLERANCES)
        self.venue_process = ProcessGauge("venue", self.venue.pid, **PROCESS_TOLERANCES)

    def _await_start(self) -> None:
        while not self._bot.is_up:
            self._bot.require_alive()
            if self.interruption.wait(0.2):
                raise Problem("Ended before the bot was up.")

    def _await_first_order(self) -> None:
        account = VenueAccount(self.venue.url, self.venue.watcher, f"{MARKETS[-1]}-PERP")
        deadline = time.monotonic() + FIRST_ORDER_SECONDS
        while not account.open_orders():
            if time.monotonic() > deadline or self.interruption.wait(1):
                raise Problem(f"The bot does not trade on every market.\n{self._bot.errors()}")
            self._bot.require_alive()

    def _measure(self) -> None:
        started, began = time.time(), time.monotonic()
        next_line = 0.0
        while (second := time.monotonic() - began) < self._seconds:
            self._sample(second, started)
            if second >= next_line and self._from_bot.orders:
                self.say(self._line(second))
                next_line = second + LINE_SECONDS
            if self.interruption.wait(SAMPLE_SECONDS):
                return

    def _sample(self, second: float, started: float) -> None:
        try:
            self._bot_process.sample(second)
            self.venue_process.sample(second)
            self._from_venue.sample(second)
        except psutil.NoSuchProcess:
            raise Problem(f"A process ended by itself.\n{self._bot.errors()}") from None
        except (OSError, http.client.HTTPException) as error:
            raise Problem(f"The venue does not answer: {error}") from error
        self._from_bot.sample(started)

    def _line(self, second: float) -> str:
        orders, fills = (sum(counts[-1].values()) for counts in (self._from_bot.orders, self._from_bot.fills))
        return (
            f"{second:.0f} of {self._seconds} s  orders {orders}  fills {fills}  "
            f"bot {self._bot_process.megabytes:.1f} MB  venue {self.venue_process.megabytes:.1f} MB, "
            f"answers in {self._from_venue.milliseconds:.1f} ms"
        )

    def _report(self) -> bool:
        self._bot_process.allow_more(MEGABYTES_OF_AN_ORDER * self._judged_orders())
        gauges = (self._bot_process, self.venue_process, self._from_bot, self._from_venue)
        try:
            trends = [trend_of(series) for gauge in gauges for series in gauge.series]
        except ValueError as error:
            raise Problem(f"{error}: let it run for {SHORTEST_SECONDS} s or more.") from None
        title = self._totals()
        draw(trends, title, self._chart)
        self.say(title)
        self.console.print(trend_table(trends))
        self.say(f"The chart is {self._chart}")
        faults = [f"{trend.series.name} rises" for trend in trends if trend.is_rising] + self._not_traded()
        if faults:
            self.say_error(f"✗ {'; '.join(faults)}.")
            return False
        self.console.print(f"✓ None of {len(trends)} series rises.", style="bold green")
        return True

    def _judged_orders(self) -> int:
        counts = [sum(orders.values()) for orders in self._from_bot.orders]
        return counts[-1] - counts[int(WARM_UP * len(counts))] if counts else 0

    def _totals(self) -> str:
        orders, fills = self._from_bot.orders[-1], self._from_bot.fills[-1]
        by_market = ", ".join(f"{pair} {orders[pair]}/{fills.get(pair, 0)}" for pair in orders)
        return f"{sum(orders.values())} orders, {sum(fills.values())} fills; by market: {by_market}"

    def _not_traded(self) -> list[str]:
        """Markets with no order in the run's second half, and with orders that were left open."""
        halfway, last = (self._from_bot.orders[at] for at in (len(self._from_bot.orders) // 2, -1))
        found = []
        for coin in MARKETS:
            if last.get(f"{coin}-USD", 0) <= halfway.get(f"{coin}-USD", 0):
                found.append(f"no order on {coin}-USD in the second half")
            if VenueAccount(self.venue.url, self.venue.watcher, f"{coin}-PERP").open_orders():
                found.append(f"orders left open on {coin}-USD")
        return found


def run_soak(seconds: int, seed: int | None, folder: Path | None, console: Console) -> int:
    """Runs the soak in `folder`, which must be empty or not there yet, or in a temporary one. Either is kept, because
    the chart is in it. Returns the process's exit code. Raises `WorkspaceError` when `folder` holds something."""
    place = prepared(folder or Path(tempfile.mkdtemp(prefix="acme-soak-")))
    return Soak(place, seconds, seed, console).run()


def trend_table(trends: list[Trend]) -> Table:
    table = Table("the last two thirds of the run", "unit", "at first", "at last", "rise", "an hour", "allowed", "")
    for column in table.columns[2:7]:
        column.justify = "right"
    for trend in trends:
        figures = (trend.first, trend.last, trend.rise, trend.per_hour)
        table.add_row(
            trend.series.name,
            trend.series.unit,
            *(f"{figure:.2f}" for figure in figures),
            f"{trend.series.tolerance:.4g}",
            "✗ rises" if trend.is_rising else "✓",
            style="bold red" if trend.is_rising else None,
        )
    return table
