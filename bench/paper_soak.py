"""`make paper-soak`: market makers on `acme-bot paper`, for long; fails if anything rises or a line differs.

An exchange on loopback plays 60 s of Binance's BTCUSDT over and over. `perpetual_market_making` and `pmm_simple` trade
on it, each with an account of its own, and what both parties have on record is compared at the end. Hummingbot's
package has no `pmm_simple`: HUMMINGBOT_SOURCE names a source tree that has; without it, this project's
`inventory_maker` trades instead, and the run says so.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from acme_bot.bot import Bot, Strategy
from acme_bot.compare.reconciliation import Line, reconcile_statements
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key
from acme_bot.compare.view import show_reconciliation
from acme_bot.demo.strategies import INVENTORY_MAKER, MARKET_MAKING, PAIR
from acme_bot.hbot import CONNECTOR
from acme_bot.problem import Problem
from acme_bot.run import Run, prepared
from acme_bot.soak.chart import draw
from acme_bot.soak.gauges import ProcessGauge, VenueGauge
from acme_bot.soak.run import MEGABYTES_OF_AN_ORDER, PROCESS_TOLERANCES, VENUE_TOLERANCES, trend_table
from acme_bot.soak.trend import WARM_UP, trend_of
from acme_bot.venue import Venue, account_entries, new_key
from bench.ten_markets import REDIRECTED, parts, playing

CHART = "paper-soak.png"
FIRST_ORDER_SECONDS = 180
SAMPLE_SECONDS = 1
LINE_SECONDS = 30
QUIET_SECONDS = 30
"""That have to be left until the next funding payment when the bots are stopped."""
PATIENCE = 180
MEGABYTES_OF_AN_EXECUTOR = 0.02
"""Hummingbot keeps every executor of version 2, with its configuration and its orders, for as long as it runs."""

# Near the mid price, and closed whether they win or lose: with a deposit of 10,000 USD they trade for days.
MAKER = Strategy(
    MARKET_MAKING.name,
    {
        **MARKET_MAKING.settings,
        "order_amount": "0.001",
        "bid_spread": "0.01",
        "ask_spread": "0.01",
        "order_refresh_time": "5",
        "long_profit_taking_spread": "0.03",
        "short_profit_taking_spread": "0.03",
        "stop_loss_spread": "0.06",
    },
)
CONTROLLER = {
    "connector_name": CONNECTOR,
    "trading_pair": PAIR,
    "leverage": "5",
    "position_mode": "ONEWAY",
    "total_amount_quote": "500",
    "buy_spreads": "0.0001,0.0003",
    "sell_spreads": "0.0001,0.0003",
    "executor_refresh_time": "10",
    "cooldown_time": "5",
    "take_profit": "0.0003",
    "stop_loss": "0.001",
    "time_limit": "30",
}


def controller(source: Path | None) -> Strategy:
    """What trades beside the market maker of version 1."""
    if source is None:
        return INVENTORY_MAKER
    folders = {folder: source / folder for folder in ("scripts", "controllers")}
    return Strategy("pmm_simple", CONTROLLER, folders, stop_seconds=20, funding_seconds=60)


class PaperVenue(Venue):
    """`acme-bot paper` on an exchange at `address`; an account for each name, with keys as `Venue` has them."""

    def __init__(self, folder: Path, address: str, names: list[str]):
        super().__init__(folder, funding_seconds=60)
        self._address = address
        self.traders: dict[str, Key] = {name: new_key() for name in names}
        self.watchers: dict[str, Key] = {name: new_key() for name in names}

    def _command(self) -> list[str]:
        options = ["--port", "0", "--accounts", str(self._write_accounts()), "--data", str(self._folder / "data")]
        return [*REDIRECTED, self._address, "paper", "binance_perpetual", "BTC-USDT", *options]

    def _accounts(self) -> list[dict[str, Any]]:
        return [
            entry for name in self.traders for entry in account_entries(name, self.traders[name], self.watchers[name])
        ]


class PaperSoak(Run[PaperVenue]):
    """One run in `folder`; `seconds` are of trading, from when both bots have ordered."""

    def __init__(self, folder: Path, address: str, strategies: list[Strategy], seconds: int, console: Console):
        self._folder, self._seconds = folder, seconds
        bots = [Bot(each.name, each, folder / each.name) for each in strategies]
        super().__init__(PaperVenue(folder, address, [each.name for each in strategies]), bots, console)

    def carry_out(self) -> bool:
        """Returns whether nothing rises and every line agrees."""
        self.say("Starting acme-bot paper ...")
        self.venue.start()
        venue = self.venue
        self._accounts = {each.name: VenueAccount(venue.url, venue.watchers[each.name]) for each in self.bots}
        self._openings = {name: account.balance() for name, account in self._accounts.items()}
        for bot in self.bots:
            self.say(f"Making a workspace for {bot.name} ...")
            bot.set_up(self.venue.url, self.venue.traders[bot.name])
        for bot in self.bots:
            bot.launch()
        self._await_first_orders()
        self._measure()
        self._await_quiet()
        self.say("Stopping the bots ...")
        with ThreadPoolExecutor(len(self.bots)) as pool:
            list(pool.map(Bot.stop, self.bots))
        # All of it is asked: one fault must not hide another.
        agrees = [self._reconcile(bot) for bot in self.bots]
        return self._report() and all(agrees)

    def _await_first_orders(self) -> None:
        self.say("Waiting for the bots' first orders ...")
        deadline = time.monotonic() + FIRST_ORDER_SECONDS
        while not all(bot.is_up and bot.counts()[0] for bot in self.bots):
            for bot in self.bots:
                bot.require_alive()
            if time.monotonic() > deadline or self.interruption.wait(1):
                errors = "\n".join(bot.errors() for bot in self.bots)
                raise Problem(f"Not every bot has ordered within {FIRST_ORDER_SECONDS} s.\n{errors}")

    # -------------------------------------------------------------------------------------------------------- measuring

    def _measure(self) -> None:
        processes = {**parts(self.venue.pid), **{bot.name: psutil.Process(bot.pid) for bot in self.bots}}
        self._gauges = {name: ProcessGauge(name, each.pid, **PROCESS_TOLERANCES) for name, each in processes.items()}
        self._answers = VenueGauge(self.venue.url, **VENUE_TOLERANCES)
        self._counts: list[Mapping[str, tuple[int, int, int]]] = []
        began, next_line = time.monotonic(), 0.0
        while (second := time.monotonic() - began) < self._seconds:
            for gauge in (*self._gauges.values(), self._answers):
                gauge.sample(second)
            self._counts.append({bot.name: bot.counts() for bot in self.bots})
            if second >= next_line:
                next_line += LINE_SECONDS
                self.say(f"{second:.0f} of {self._seconds} s  {self._state()}")
            if self.interruption.wait(SAMPLE_SECONDS):
                return

    def _state(self) -> str:
        memory = "  ".join(f"{name} {gauge.megabytes:.0f} MB" for name, gauge in self._gauges.items())
        counts = "  ".join(f"{name} {each[0]} orders {each[1]} fills" for name, each in self._counts[-1].items())
        return f"{counts}  {memory}  answers in {self._answers.milliseconds:.1f} ms"

    def _report(self) -> bool:
        first = self._counts[int(WARM_UP * len(self._counts))]
        for bot in self.bots:
            orders = self._counts[-1][bot.name][0] - first[bot.name][0]
            each = MEGABYTES_OF_AN_ORDER if bot.name == MAKER.name else MEGABYTES_OF_AN_EXECUTOR
            self._gauges[bot.name].allow_more(each * orders)
        gauges = (*self._gauges.values(), self._answers)
        trends = [trend_of(series) for gauge in gauges for series in gauge.series]
        draw(trends, self._state(), self._folder / CHART)
        self.console.print(trend_table(trends))
        self.say(f"The chart is {self._folder / CHART}")
        if rising := [trend.series.name for trend in trends if trend.is_rising]:
            self.say_error(f"✗ {', '.join(rising)} rises.")
            return False
        self.say(f"✓ None of {len(trends)} series rises.", style="bold green")
        return True

    # ------------------------------------------------------------------------------------------------------- comparing

    def _await_quiet(self) -> None:
        """Until every bot knows every payment, and the next is not about to be made."""
        deadline = time.monotonic() + PATIENCE
        while not all(map(self._is_quiet, self.bots)) and time.monotonic() < deadline:
            time.sleep(0.5)

    def _is_quiet(self, bot: Bot) -> bool:
        account = self._accounts[bot.name]
        until = float(account.price().funding_time) - time.time()
        return until > QUIET_SECONDS and len(bot.records.statement().funding) == len(account.funding())

    def _reconcile(self, bot: Bot) -> bool:
        statement, valuation = self._accounts[bot.name].statement()
        lines: list[Line] = reconcile_statements(
            bot.records.statement(), statement, self._openings[bot.name], valuation
        )
        self.say(f"{bot.name}:")
        show_reconciliation(self.console, lines)
        differing = [line.name for line in lines if not line.agrees]
        if not statement.fills:
            self.say_error(f"✗ {bot.name} was never filled.")
            return False
        if differing:
            self.say_error(f"✗ {len(differing)} of {len(lines)} lines differ: {'; '.join(differing)}")
            return False
        self.say(f"✓ All {len(lines)} lines agree, to the last digit.", style="bold green")
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800, help="of trading (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="keep everything there; it must be empty")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    source = os.environ.get("HUMMINGBOT_SOURCE")
    second = controller(Path(source) if source else None)
    console.print(f"{MAKER.name} and {second.name}, {options.seconds} s")
    with ExitStack() as stack:
        address = stack.enter_context(playing(["BTC-USDT"]))
        place = prepared(options.folder or Path(tempfile.mkdtemp(prefix="acme-paper-soak-")))
        try:
            return PaperSoak(place, address, [MAKER, second], options.seconds, console).run()
        except Problem as problem:
            console.print(str(problem), style="bold red", markup=False)
            return 1


if __name__ == "__main__":
    sys.exit(main())
