"""What `hbot stop` leaves of many orders while every processor is busy: `make stopping`.

The real Hummingbot lets orders rest in several markets of the real venue; as many processes as there are processors
then do nothing but reckon; `hbot stop` ends the bot. Hummingbot gives its connectors twenty seconds to cancel, and its
recorder works within the event loop with each order that ends. It fails unless the venue has no order left when those
seconds are over, each order's end is on record, once, and nothing was logged as an error.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


class ManyMarkets(Venue):
    """A venue of `count` markets that are alike."""

    def __init__(self, folder: Path, count: int):
        super().__init__(folder, funding_seconds=3600, seed=1)
        self._folder = folder
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


class Stopping(Run[ManyMarkets]):
    """One run: so many orders on so many markets, then `hbot stop` while `busy` processes reckon."""

    def __init__(self, folder: Path, orders: int, markets: int, busy: int, console: Console):
        self._orders, self._markets, self._busy = orders, markets, busy
        pairs = ",".join(f"{coin}-USD" for coin in COINS[:markets])
        settings = {"pairs": pairs, "orders": str(orders)}
        self._bot = Bot(
            BOT, Strategy(SCRIPT.stem, settings, files=[SCRIPT]), folder / "workspace", secrets.token_urlsafe(24)
        )
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
            said_at = time.monotonic()
            try:
                self._bot.hbot.run("stop")
                said = ""
            except HbotError as error:
                said = str(error)
            took = time.monotonic() - said_at
            watch.end()
        left = len(client.get("/orders"))
        return self._judge(said, left, took, load, watch.counts)

    def _await_orders(self, client: VenueClient) -> None:
        deadline = time.monotonic() + PLACING_SECONDS
        while len(client.get("/orders")) < self._orders:
            self._bot.require_alive()
            if time.monotonic() > deadline:
                raise HbotError(f"There are not {self._orders} orders.\n{self._bot.complaints()}")
            time.sleep(0.5)

    def _judge(self, said: str, left: int, took: float, load: float, counts: list[tuple[float, int]]) -> bool:
        ends = Counter(self._ends())
        twice = sum(count > 1 for count in ends.values())
        errors = [line for line in self._log.read_text(encoding="utf-8").splitlines() if " - ERROR - " in line]
        first = next((at for at, count in counts if count < self._orders), None)
        gone = next((at for at, count in counts if not count), None)
        cancelling = None if first is None or gone is None else gone - first
        table = Table(
            "orders on markets", "load", "left on the venue", "cancelled in, s", "stopped in, s", "ends on record"
        )
        table.add_row(
            f"{self._orders} on {self._markets}",
            f"{load:.1f}",
            str(left),
            "never" if cancelling is None else f"{cancelling:.1f}",
            f"{took:.1f}",
            f"{len(ends)}, {twice} twice",
        )
        self.console.print(table)
        faults = [*errors[:10], *([said] if said else [])]
        if left or cancelling is None or cancelling > HUMMINGBOTS_SECONDS:
            faults.append(f"The venue has orders left after {HUMMINGBOTS_SECONDS:g} s.")
        if len(ends) != self._orders or twice:
            faults.append("Not every order's end is on record, once.")
        for fault in faults:
            self.complain(f"✗ {fault}")
        return not faults

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
