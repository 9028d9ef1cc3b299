"""Many bots on one venue: how soon each order is acknowledged, what waits, what it costs, and whether it is fair.

    python -m bench.fifty --bots 50 --seconds 600

Every bot is a process of its own that trades through the real connector, on an account of its own: subaccounts of one.
They are forked from one process that has loaded Hummingbot, so that what all have in common is in memory once; memory
is what each adds (Linux's proportional set size). At the end each compares its records with the venue's ledger.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from acme_bot.compare.venue_client import Key
from acme_bot.soak.gauges import VenueGauge
from acme_bot.venue import DEPOSIT, Venue, new_key
from bench.fifty_bot import Result, run

ACCOUNT = "fleet"
FUNDING_SECONDS = 60
MEGABYTE = 2**20
SAMPLE_SECONDS = 1
ANSWER_SECONDS = 600


class FleetVenue(Venue):
    """A venue with one account and so many subaccounts of it, each with money and a key of its own, kept on disk."""

    def __init__(self, folder: Path, bots: int):
        super().__init__(folder, funding_seconds=FUNDING_SECONDS, seed=7)
        self.keys = [new_key() for _ in range(bots)]

    def _accounts(self) -> list[dict[str, Any]]:
        subaccounts = [
            {"name": f"{ACCOUNT}/bot-{number}", "key": key.key, "secret": key.secret, "deposit": DEPOSIT}
            for number, key in enumerate(self.keys)
        ]
        owner = {"name": ACCOUNT, "key": self.trader.key, "secret": self.trader.secret, "deposit": DEPOSIT}
        return [owner, *subaccounts]

    def _options(self) -> list[str]:
        return [*super()._options(), "--data", str(self._folder / "data")]


class Watched:
    """The venue and the bots while they trade: processor time, memory, and what waits."""

    def __init__(self, venue: Venue, bots: Sequence[int]):
        self._gauge = VenueGauge(venue.url, milliseconds=0, kilobytes=0)
        self._venue = psutil.Process(venue.pid)
        self._bots = [psutil.Process(bot) for bot in bots]

    def watch(self, seconds: float) -> None:
        began, used = time.monotonic(), _processor_seconds(self._venue)
        while (second := time.monotonic() - began) < seconds:
            self._gauge.sample(second)
            time.sleep(SAMPLE_SECONDS)
        self.venue_core = (_processor_seconds(self._venue) - used) / (time.monotonic() - began)
        self.venue_megabytes = self._venue.memory_full_info().pss / MEGABYTE
        self.bot_megabytes = statistics.mean(bot.memory_full_info().pss / MEGABYTE for bot in self._bots)

    def lines(self) -> list[str]:
        lag, waiting = (series.values for series in self._gauge.series)
        return [
            f"venue: {self.venue_core:.1%} of a core, {self.venue_megabytes:.0f} MB",
            f"venue answers a ping in {statistics.median(lag):.1f} ms, p99 {percentile(lag, 99):.1f} ms",
            f"bytes that wait in connections: median {statistics.median(waiting):.1f} kB, most {max(waiting):.1f} kB",
            f"bot: {self.bot_megabytes:.0f} MB",
        ]


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="acme-fifty-") as folder:
        venue = FleetVenue(Path(folder), options.bots)
        venue.start()
        bots: list[tuple[BaseProcess, Connection]] = []
        try:
            bots += [_start(Path(folder), venue.url, *each, options.seconds) for each in enumerate(venue.keys)]
            results = _trade(venue, bots, options.seconds)
        finally:
            for process, _ in bots:
                process.kill()
            venue.stop()
    return _say(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Many bots on one venue.")
    parser.add_argument("--bots", type=int, default=50, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=600, help="of trading (default: %(default)s)")
    return parser.parse_args()


def _start(folder: Path, url: str, number: int, key: Key, seconds: float) -> tuple[BaseProcess, Connection]:
    """Starts a bot; the next one starts when it is ready."""
    fork = multiprocessing.get_context("fork")
    ours, its = fork.Pipe()
    data = folder / f"bot-{number}"
    data.mkdir(mode=0o700)
    process = fork.Process(target=run, args=(number, url, key, data, seconds, its), daemon=True)
    process.start()
    its.close()
    _receive(ours)
    return process, ours


def _receive(pipe: Connection) -> Any:
    if not pipe.poll(ANSWER_SECONDS):
        raise TimeoutError(f"A bot said nothing for {ANSWER_SECONDS} s.")
    return pipe.recv()


def _trade(venue: Venue, bots: Sequence[tuple[BaseProcess, Connection]], seconds: float) -> list[Result]:
    print(f"{len(bots)} bots are ready, and trade for {seconds} s ...", flush=True)
    watched = Watched(venue, [process.pid or 0 for process, _ in bots])
    for _, pipe in bots:
        pipe.send("go")
    watched.watch(seconds)
    results = [_receive(pipe) for _, pipe in bots]
    print(f"{os.cpu_count()} cores, {len(bots)} bots, {seconds} s")
    for line in watched.lines():
        print(line)
    return results


def _say(results: Sequence[Result]) -> int:
    waits = [_milliseconds(each.acknowledged) for each in results]
    every = [each for of_one in waits for each in of_one]
    late = _milliseconds([seconds for each in results for seconds in each.late])
    queued = [count for each in results for count in each.queued]
    medians, tails = [statistics.median(each) for each in waits], [percentile(each, 99) for each in waits]
    print(f"bot: {statistics.mean(each.core for each in results):.2%} of a core")
    fills, failed = sum(each.fills for each in results), sum(each.failed for each in results)
    print(f"orders: {len(every)}, fills: {fills}, orders without an acknowledgement: {failed}")
    print(f"acknowledged: {_spread(every)}")
    print(f"a bot's loop is late: {_spread(late)}")
    print(f"frames behind in a bot: p99 {percentile(queued, 99):g}, most {max(queued)}")
    print(f"fairness: a bot's median {min(medians):.1f} to {max(medians):.1f} ms")
    print(f"fairness: a bot's p99 {min(tails):.1f} to {max(tails):.1f} ms")
    print(f"fairness: a bot's orders {min(map(len, waits))} to {max(map(len, waits))}")
    wrong = {number: each.differences for number, each in enumerate(results) if each.differences}
    for number, differences in wrong.items():
        print(f"bot {number} differs from the ledger: {'; '.join(differences)[:2000]}")
    print(f"{len(results) - len(wrong)} of {len(results)} bots' records agree with the venue's ledger")
    return 1 if wrong else 0


def _milliseconds(seconds: Sequence[float]) -> list[float]:
    return [each * 1e3 for each in seconds]


def _spread(milliseconds: Sequence[float]) -> str:
    median, tail = statistics.median(milliseconds), percentile(milliseconds, 99)
    return f"median {median:.1f} ms, p99 {tail:.1f} ms, most {max(milliseconds):.0f} ms"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    raise SystemExit(main())
