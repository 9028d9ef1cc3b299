"""What one bot costs: several on one machine, each in a workspace of its own, sharing one account's rate limits.

    python bench/fleet.py --bots 4 --seconds 60

Every bot is `hbot start` of the V2 controller `inventory_maker`, which looks at its market once a second and keeps two
quotes. Processor time is of the bots' processes alone; memory is what each adds (Linux's proportional set size).
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil
import yaml

from acme_bot.compare.venue_account import VenueAccount
from acme_bot.demo.run import BOT
from acme_bot.demo.strategies import INVENTORY_MAKER
from acme_bot.hbot import Hbot
from acme_bot.venue import Venue
from acme_bot.workspace import make_workspace

WARM_UP_SECONDS = 20
MEGABYTE = 2**20


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="acme-fleet-") as folder:
        place = Path(folder)
        venue = Venue(place, funding_seconds=3600, seed=7)
        venue.start()
        try:
            _measure(place, venue, options.bots, options.seconds)
        finally:
            venue.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What one bot costs.")
    parser.add_argument("--bots", type=int, default=4, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="of measuring (default: %(default)s)")
    return parser.parse_args()


def _measure(place: Path, venue: Venue, bots: int, seconds: int) -> None:
    processes = []
    for number in range(bots):
        print(f"Starting bot {number + 1} of {bots} ...", flush=True)
        processes.append(psutil.Process(_start(place / f"bot-{number}", venue, 100 / bots)))
    print(f"Warming up for {WARM_UP_SECONDS} s, then measuring for {seconds} s ...", flush=True)
    time.sleep(WARM_UP_SECONDS)
    ledger = VenueAccount(venue.url, venue.watcher)
    before = [_processor_seconds(process) for process in processes]
    orders = len(ledger.statement()[0].orders)
    began = time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    used = [_processor_seconds(process) - earlier for process, earlier in zip(processes, before)]
    memory = [process.memory_full_info().pss / MEGABYTE for process in processes]
    placed = len(ledger.statement()[0].orders) - orders
    print(
        f"{bots} bots for {lasted:.0f} s: {sum(used) / bots / lasted:.1%} of a core and "
        f"{sum(memory) / bots:.0f} MB each; {placed} orders in all"
    )


def _start(folder: Path, venue: Venue, share: float) -> int:
    hbot = Hbot(make_workspace(folder))
    path = hbot.workspace / "conf" / "conf_client.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | {"rate_limits_share_pct": share}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    hbot.connect(venue.url, venue.trader.key, venue.trader.secret)
    hbot.create(INVENTORY_MAKER.name, BOT, INVENTORY_MAKER.settings)
    return hbot.start_bot(BOT).pid


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
