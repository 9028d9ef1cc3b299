"""What clients without a key can cost the venue and those who trade on it: `make attack`.

Each attack runs four times at once against a venue process of its own, for some seconds, while one trader places
orders at a steady pace over a connection that was there before. What is measured: the median time until an order is
acknowledged, beside the same trader's alone on the same venue just before; the venue's largest resident memory; how
much it has written to its log; and whether somebody who comes new during the attack gets an answer. The attackers run
niced, as they would be on other machines: what they take of this one's processors is not the venue's to answer for.

    python -m bench.attacks --seconds 10 --only unread-answers
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import aiohttp
import psutil

from bench.attackers import ATTACKS
from bench.venue_throughput import Trader

ATTACKERS = 4
ORDERS_A_SECOND = 15
MOST_MEGABYTES = 150
MOST_LOG_MEGABYTES = 1.0
ALLOWED_FACTOR = 2
ALLOWED_MILLISECONDS = 20
FEW_DESCRIPTORS = 256
BEFORE = Path(__file__).with_name("attacks_before.json")
"""What was measured when the venue had no defence, on two cores that others used as well."""


@dataclass
class Outcome:
    """What one attack cost.

    :ivar alone_ms: the trader's median without the attack.
    :ivar under_attack_ms: the same during the attack; None when no order was answered any more.
    :ivar newcomer: whether a new client got an answer within two seconds.
    """

    attack: str
    alone_ms: float
    under_attack_ms: float | None
    megabytes: float
    log_megabytes: float
    newcomer: bool

    @property
    def allowed_ms(self) -> float:
        return self.alone_ms * ALLOWED_FACTOR + ALLOWED_MILLISECONDS

    @property
    def is_met(self) -> bool:
        return (
            self.under_attack_ms is not None
            and self.under_attack_ms <= self.allowed_ms
            and self.megabytes <= MOST_MEGABYTES
            and self.log_megabytes <= MOST_LOG_MEGABYTES
            and self.newcomer
        )


class Venue:
    """A venue process with one account, and what it takes of the machine."""

    def __init__(self, folder: Path, descriptors: int | None) -> None:
        accounts = folder / "accounts.json"
        accounts.write_text(
            json.dumps([{"name": "trader-1", "key": "trader-1", "secret": "trader-1", "deposit": 10**9}])
        )
        accounts.chmod(0o600)
        self._log = folder / "log"
        arguments = ["serve", "--port", "0", "--memory", "--accounts", str(accounts)]

        def limit() -> None:
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self._process = subprocess.Popen(
            [sys.executable, "-m", "acme_exchange", *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log.open("w"),
            text=True,
            preexec_fn=limit,
        )
        line = self._process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])

    def megabytes(self) -> float:
        with suppress(psutil.Error):
            return psutil.Process(self._process.pid).memory_info().rss / 1e6
        return 0.0

    def log_megabytes(self) -> float:
        return self._log.stat().st_size / 1e6

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


async def _latencies(trader: Trader, seconds: float) -> list[float]:
    """Places an order each time one is due; seconds from when it was due, an unanswered last one included."""
    taken = []
    began = time.monotonic()
    for turn in range(int(seconds * ORDERS_A_SECOND)):
        due = began + turn / ORDERS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if time.monotonic() > began + seconds * 2:
            break
        try:
            async with asyncio.timeout(seconds * 2):
                await trader.place()
                if turn % 10 == 9:
                    await trader.cancel_all()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            taken.append(time.monotonic() - due)
            break
        taken.append(time.monotonic() - due)
    return taken


async def _is_let_in(port: int) -> bool:
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{port}/api/account") as answer,
        ):
            return answer.status in (401, 429)
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _largest(venue: Venue, ended: asyncio.Event) -> float:
    largest = 0.0
    while not ended.is_set():
        largest = max(largest, venue.megabytes())
        await asyncio.sleep(0.1)
    return largest


def _attackers(attack: str, port: int) -> list[subprocess.Popen]:
    command = [sys.executable, "-m", "bench.attackers", attack, str(port)]
    return [subprocess.Popen(command, preexec_fn=lambda: os.nice(10)) for _ in range(ATTACKERS)]


async def _attacked(attack: str, seconds: float) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        venue = Venue(Path(folder), FEW_DESCRIPTORS if attack.startswith("half-sent") else None)
        trader = Trader(1)
        try:
            await trader.connect(venue.port)
            await _latencies(trader, 1)
            alone = await _latencies(trader, seconds / 2)
            attackers, ended = _attackers(attack, venue.port), asyncio.Event()
            watching = asyncio.create_task(_largest(venue, ended))
            await asyncio.sleep(1)
            during = await _latencies(trader, seconds)
            let_in = await _is_let_in(venue.port)
            ended.set()
            largest = await watching
            for attacker in attackers:
                attacker.kill()
                attacker.wait()
        finally:
            trader.close()
            venue.end()
        return Outcome(
            attack,
            round(median(alone) * 1000, 1),
            round(median(during) * 1000, 1) if during else None,
            round(largest, 1),
            round(venue.log_megabytes(), 2),
            let_in,
        )


def _row(outcome: Outcome, before: dict) -> str:
    then = before.get(outcome.attack)
    earlier = f"{then['under_attack_ms']} ms, {then['megabytes']:.0f} MB" if then else "?"
    now = f"{outcome.under_attack_ms} ms, {outcome.megabytes:.0f} MB, log {outcome.log_megabytes} MB"
    now += "" if outcome.newcomer else ", nobody new gets in"
    allowed = f"{outcome.allowed_ms:.1f} ms, {MOST_MEGABYTES} MB"
    verdict = "met" if outcome.is_met else "NOT MET"
    return f"| {outcome.attack:<16} | {earlier:<22} | {now:<40} | {allowed:<16} | {verdict} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=ATTACKS, action="append")
    parser.add_argument("--keep", action="store_true", help="keep what is measured as what was before a defence")
    options = parser.parse_args()
    before = json.loads(BEFORE.read_text()) if BEFORE.exists() else {}
    print("| attack | before the defence | now | allowed | |\n| --- | --- | --- | --- | --- |", flush=True)
    outcomes = []
    for attack in options.only or ATTACKS:
        outcomes.append(asyncio.run(_attacked(attack, options.seconds)))
        print(_row(outcomes[-1], before), flush=True)
    if options.keep:
        results = before | {outcome.attack: asdict(outcome) for outcome in outcomes}
        BEFORE.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(outcome.is_met for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
