"""What the demo's settings earn with the real Hummingbot on the real venue, seed by seed: `make earnings`.

It fails unless both strategies end above zero on at least eight of ten seeds.
"""

import argparse
import io
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from acme_bot.demo.earnings import Earnings
from acme_bot.demo.run import Demo
from acme_bot.demo.strategies import STRATEGIES

SHARE_ABOVE_ZERO = Decimal("0.8")


def run(strategy: str, seed: int, seconds: int) -> tuple[Earnings | None, str]:
    """One demo: what it earned, None when it did not end well, and what it printed."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="acme-earnings-") as folder:
        demo = Demo(STRATEGIES[strategy], Path(folder), seconds, seed, Console(file=printed, width=120))
        status = demo.run()
    return (demo.earned if status == 0 else None), printed.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=120, help="of trading each (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=1, help="demos at the same time (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--strategy", choices=STRATEGIES, action="append", help="may be given twice (default: both)")
    options = parser.parse_args()
    strategies = options.strategy or list(STRATEGIES)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    jobs = [(strategy, seed, options.seconds) for strategy in strategies for seed in seeds]
    table = Table("strategy", "seed", "earned, USD", "trading", "fees", "funding")
    above_zero = dict.fromkeys(strategies, 0)
    with ProcessPoolExecutor(options.at_once) as pool:
        for (strategy, seed, _), (earned, printed) in zip(jobs, pool.map(run, *zip(*jobs))):
            if earned is None:
                print(printed)
                figures = ["did not end well"]
            else:
                above_zero[strategy] += earned.total > 0
                parts = (earned.total, earned.trading, earned.fees, earned.funding)
                figures = [f"{part:+.4f}" for part in parts]
            print(strategy, seed, *figures, flush=True)
            table.add_row(strategy, str(seed), *figures)
    Console(width=100).print(table)
    for strategy, count in above_zero.items():
        print(f"{strategy}: {count} of {options.seeds} seeds end above zero")
    return 0 if min(above_zero.values()) >= SHARE_ABOVE_ZERO * options.seeds else 1


if __name__ == "__main__":
    sys.exit(main())
