"""What `hbot stop` leaves of many orders while every processor is busy: `make stopping`.

The real Hummingbot lets orders rest in several markets of the real venue; as many processes as there are processors
then do nothing but reckon; `hbot stop` ends the bot. Hummingbot gives its connectors twenty seconds to cancel, and its
recorder works within the event loop with each order that ends. It fails unless the venue has no order left when those
seconds are over, each order's end is on record, once, and nothing was logged as an error.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from acme_bot.bot import Bot, Strategy
from acme_bot.compare.bot_records import reading
from acme_bot.compare.venue_client import VenueClient, VenueError
from acme_bot.hbot import HbotError
from acme_bot.run import Run, in_folder
from acme_bot.venue import Venue

SCRIPT = Path(__file__).with_name("many_orders.py")
BOT = "stopping"
COINS = ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL", "INDIA", "JULIETT")
PLACING_SECONDS = 300
HUMMINGBOTS_SECONDS = 20.0
"""How long Hummingbot waits for its connectors to cancel, `TradingCore.KILL_TIMEOUT`."""
BUSY = "while True: pass"
MOST_ERRORS = 10
"""Lines of the log that are shown."""


class ManyMarkets(Venue):
    """A venue of `count` markets that are alike."""

    def __init__(self, folder: Path, count: int):
        super().__init__(folder, funding_seconds=3600, seed=1)
        self._coins = COINS[:count]

    def _options(self) -> list[str]:
        markets = self._folder / "markets.json"
        markets.write_text(
            json.dumps(
                [
                    {
                        "name": f"{coin}-PERP",
                        "priceIncrement": 0.01,
                        "sizeIncrement": 0.01,
                        "minProvideSize": 0.01,
                        "maxSize": 10_000,
                        "startPrice": 100,
                        "volatility": 1.0,
                    }
                    for coin in self._coins
                ]
            )
        )
        return [*super()._options(), "--markets", str(markets), "--data", str(self._folder / "venue")]


@contextmanager
def busy_processors(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Watch:
    """Asks the venue for the account's open orders, again and again, from when it is made until `end`."""

    def __init__(self, client: VenueClient):
        self._client = client
        self.counts: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            with suppress(VenueError):
                self.counts.append((time.monotonic(), len(self._client.get("/orders"))))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@dataclass(frozen=True)
class Outcome:
    """What `hbot stop` has come to.

    :ivar error: with which it failed; empty when all went well.
    :ivar left: orders that are still on the venue.
    :ivar took: seconds until it had ended.
    :ivar load: the machine's, when it began.
    :ivar cancelling: seconds from the first order that was gone to the last; None when some never was.
    :ivar ends: how often each order's end is on record.
    """

    error: str
    left: int
    took: float
    load: float
    cancelling: float | None
    ends: Counter[str]

    @property
    def twice(self) -> int:
        return sum(count > 1 for count in self.ends.values())


class Stopping(Run[ManyMarkets]):
    """One run: so many orders on so many markets, then `hbot stop` while `busy` processes reckon."""

    def __init__(self, folder: Path, orders: int, markets: int, busy: int, console: Console):
        self._orders, self._markets, self._busy = orders, markets, busy
        pairs = ",".join(f"{coin}-USD" for coin in COINS[:markets])
        settings = {"pairs": pairs, "orders": str(orders)}
        self._bot = Bot(BOT, Strategy(SCRIPT.stem, settings, files=[SCRIPT]), folder / "workspace")
        self._log = folder / "workspace" / "logs" / f"logs_{BOT}.log"
        super().__init__(ManyMarkets(folder, markets), [self._bot], console)

    def carry_out(self) -> bool:
        self.venue.start()
        client = VenueClient(self.venue.url, self.venue.watcher)
        self._bot.set_up(self.venue.url, self.venue.trader)
        self._bot.launch()
        self._await_orders(client)
        with busy_processors(self._busy):
            time.sleep(2)
            load = os.getloadavg()[0]
            watch = Watch(client)
            stopped_at = time.monotonic()
            try:
                self._bot.hbot.run("stop")
                error = ""
            except HbotError as failure:
                error = str(failure)
            took = time.monotonic() - stopped_at
            watch.end()
        outcome = Outcome(error, len(client.get("/orders")), took, load, self._cancelling(watch), Counter(self._ends()))
        self._show(outcome)
        faults = list(self._faults(outcome))
        for fault in faults:
            self.say_error(f"✗ {fault}")
        return not faults

    def _await_orders(self, client: VenueClient) -> None:
        deadline = time.monotonic() + PLACING_SECONDS
        while len(client.get("/orders")) < self._orders:
            self._bot.require_alive()
            if time.monotonic() > deadline:
                raise HbotError(f"There are not {self._orders} orders.\n{self._bot.errors()}")
            time.sleep(0.5)

    def _cancelling(self, watch: Watch) -> float | None:
        """From when the first order was gone until the last one was; None when some never was."""
        first = next((at for at, count in watch.counts if count < self._orders), None)
        gone = next((at for at, count in watch.counts if not count), None)
        return None if first is None or gone is None else gone - first

    def _show(self, outcome: Outcome) -> None:
        table = Table(
            "orders on markets", "load", "left on the venue", "cancelled in, s", "stopped in, s", "ends on record"
        )
        table.add_row(
            f"{self._orders} on {self._markets}",
            f"{outcome.load:.1f}",
            str(outcome.left),
            "never" if outcome.cancelling is None else f"{outcome.cancelling:.1f}",
            f"{outcome.took:.1f}",
            f"{len(outcome.ends)}, {outcome.twice} twice",
        )
        self.console.print(table)

    def _faults(self, outcome: Outcome) -> Iterator[str]:
        logged = self._log.read_text(encoding="utf-8").splitlines()
        yield from [line for line in logged if " - ERROR - " in line][:MOST_ERRORS]
        if outcome.error:
            yield outcome.error
        if outcome.left or outcome.cancelling is None or outcome.cancelling > HUMMINGBOTS_SECONDS:
            yield f"The venue has orders left after {HUMMINGBOTS_SECONDS:g} s."
        if len(outcome.ends) != self._orders or outcome.twice:
            yield "Not every order's end is on record, once."

    def _ends(self) -> list[str]:
        file = self._bot.hbot.workspace / "data" / f"{BOT}.sqlite"
        with reading(file) as records:
            return [
                row[0] for row in records.execute("SELECT order_id FROM OrderStatus WHERE status = 'OrderCancelled'")
            ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=600, help="how many rest (default: %(default)s)")
    parser.add_argument("--markets", type=int, default=6, help=f"how many, up to {len(COINS)} (default: %(default)s)")
    parser.add_argument(
        "--busy", type=int, default=os.cpu_count(), help="processes that reckon meanwhile (default: one a processor)"
    )
    parser.add_argument("--folder", type=Path, help="where its files are kept")
    options = parser.parse_args()
    console = Console(width=120)
    return in_folder(
        options.folder,
        "acme-stopping-",
        console,
        lambda folder: Stopping(folder, options.orders, options.markets, options.busy, console).run(),
    )


if __name__ == "__main__":
    sys.exit(main())
