"""What a whole bot costs to run: `perpetual_market_making` on each connector, side by side, on one market.

Every bot is a process of its own, and all of them trade at the same time, so that what else runs befalls all alike. One
more has no connector: what it takes is what all bots have in common.
"""

import asyncio
import compileall
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path
from select import select

import psutil

import hummingbot
from bench.measure import Line, beside_rivals
from bench.whole_bot_exchange import done_on, exchanges
from bench.whole_bot_process import NONE, PAIRS, STRATEGY

OURS = "acme_perpetual"
SECONDS = 600.0
PACE = "recorded"
SHARES = 10
"""Into so many parts the time is cut, each of which is a round."""
GOAL = 1.1
READY_SECONDS = 300
SETTLE_SECONDS = 10
TOLERANCE = 0.05
"""By what share of the most the bots' orders may differ, beside one quote of each side: no two begin at the same
moment, and a bot that is answered later quotes later."""
MEGABYTE = 2**20
PROCESS_CLOCK = 2
"""Of a process's number and this, Linux makes the clock of its processor time (clock_getcpuclockid)."""


@dataclass
class Measured:
    """What each bot took.

    :ivar seconds: of each round
    :ivar processor: processor seconds of each round, by name
    :ivar megabytes: resident memory at the end of each round, by name
    :ivar done: what each did on its exchange meanwhile: orders placed, cancelled, filled, and its requests
    """

    seconds: float
    processor: dict[str, list[float]] = field(default_factory=dict)
    megabytes: dict[str, list[float]] = field(default_factory=dict)
    done: dict[str, Counter[str]] = field(default_factory=dict)


async def bot_lines(seconds: float = SECONDS, pace: str = PACE) -> list[Line]:
    """
    :param seconds: for which the bots trade
    :param pace: of the market, a name of `PACES`
    :raises RuntimeError: when a bot does not come to trade
    """
    return lines_of(await asyncio.to_thread(_measure, seconds, pace, list(PAIRS)))


def lines_of(measured: Measured) -> list[Line]:
    """The lines of the table; none of them is met when the bots did not do the same work."""
    per_ten_minutes = 600 / measured.seconds
    used = {name: [each * per_ten_minutes for each in rounds] for name, rounds in measured.processor.items()}
    common = {"processor": used.pop(NONE), "memory": measured.megabytes[NONE]}
    whole = {name: each for name, each in measured.megabytes.items() if name != NONE}
    added = {
        name: [all_of_it - base for all_of_it, base in zip(each, common["memory"])] for name, each in whole.items()
    }
    work = f"{measured.done[OURS]['placed']} orders each, {measured.done[OURS]['filled']} fills; {STRATEGY}"
    requests = ", ".join(f"{_short(name)} {done['requests']}" for name, done in measured.done.items())
    lines = [
        beside_rivals(
            "a whole bot, processor time",
            "s in 10 min",
            used,
            OURS,
            GOAL,
            f"{work}; without a connector {_median(common['processor']):.1f}; requests {requests}",
        ),
        beside_rivals(
            "a whole bot, memory", "MB", whole, OURS, GOAL, f"without a connector {_median(common['memory']):.0f}"
        ),
        beside_rivals("a whole bot, memory of its connector", "MB", added, OURS, GOAL, "above a bot without one"),
    ]
    difference = unequal_work(measured.done)
    return [_not_counted(line, difference) for line in lines] if difference else lines


def unequal_work(done: Mapping[str, Mapping[str, int]]) -> str:
    """In what the bots' work differs by more than it may; empty when it does not, and each of them traded."""
    for what in ("placed", "cancelled", "filled"):
        counts = {name: each.get(what, 0) for name, each in done.items()}
        most, least = max(counts.values()), min(counts.values())
        if least == 0 or most - least > 2 + TOLERANCE * most:
            shown = ", ".join(f"{_short(name)} {number}" for name, number in counts.items())
            return f"orders {what}: {shown}"
    return ""


def _not_counted(line: Line, difference: str) -> Line:
    return replace(
        line, score=nan, score_says=f"not counted, for the work was not the same ({difference})", is_met=False
    )


def _short(name: str) -> str:
    return name.removesuffix("_perpetual")


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _measure(seconds: float, pace: str, names: Sequence[str]) -> Measured:
    # What an installer compiles is compiled: a process that compiles takes megabytes more for as long as it lives.
    compileall.compile_dir(Path(hummingbot.__file__).parent / "connector" / "derivative" / OURS, quiet=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = stack.enter_context(exchanges(names, pace))
        started = {name: stack.enter_context(_bot(name, urls.get(name, ""), folder / name)) for name in [*names, NONE]}
        for name, bot in started.items():
            _await_ready(name, bot, folder / name)
        time.sleep(SETTLE_SECONDS)
        return _watch({name: psutil.Process(bot.pid) for name, bot in started.items()}, urls, seconds)


@contextmanager
def _bot(name: str, url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir()
    command = [sys.executable, "-m", "bench.whole_bot_process", name, url, str(folder)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    bot = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # it trades until that ends
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield bot
    finally:
        bot.kill()
        bot.wait()


def _await_ready(name: str, bot: subprocess.Popen[str], folder: Path) -> None:
    waiting, _, _ = select([bot.stdout], [], [], READY_SECONDS)
    if not waiting or not bot.stdout.readline():
        log = folder / "bot.log"
        last = log.read_text(encoding="utf-8").splitlines()[-1:] if log.exists() else []
        raise RuntimeError(f"The bot on {name} does not quote. Its log ends with: {' '.join(last)}")


def _watch(bots: Mapping[str, psutil.Process], urls: Mapping[str, str], seconds: float) -> Measured:
    measured = Measured(seconds / SHARES)
    before = {name: done_on(url) for name, url in urls.items()}
    used = {name: _processor_seconds(bot) for name, bot in bots.items()}
    began = time.monotonic()
    for number in range(1, SHARES + 1):
        time.sleep(max(0.0, began + number * seconds / SHARES - time.monotonic()))
        for name, bot in bots.items():
            if bot.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"The bot on {name} ended while it was measured.")
            now = _processor_seconds(bot)
            measured.processor.setdefault(name, []).append(now - used[name])
            measured.megabytes.setdefault(name, []).append(bot.memory_info().rss / MEGABYTE)
            used[name] = now
    measured.done = {name: done_on(url) - before[name] for name, url in urls.items()}
    return measured


def _processor_seconds(process: psutil.Process) -> float:
    """User and system time; where there is Linux's clock of a process, to the microsecond."""
    if sys.platform == "linux":
        return time.clock_gettime((~process.pid << 3) | PROCESS_CLOCK)
    times = process.cpu_times()
    return times.user + times.system
