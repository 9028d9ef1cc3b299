"""What share of a core ten liquid markets take: `acme-bot paper`, which is a feed and a venue, both on one core.

`make bench-ten-markets` plays Binance's BTCUSDT on loopback under ten names, at its own pace: some 19 book frames of
58 levels and 42 trades a second each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from rich.console import Console
from rich.table import Table

COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LINK", "AVAX", "LTC", "BNB")
SETTLED_SECONDS = 20
REDIRECTED = (sys.executable, "-m", "test.acme_bot.feed.redirected", "binance_perpetual")


@contextmanager
def playing(pairs: list[str]) -> Iterator[str]:
    """The address of an exchange in a process of its own."""
    command = [sys.executable, "-m", "bench.exchange", *pairs]
    exchange = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert exchange.stdin is not None and exchange.stdout is not None
    try:
        yield exchange.stdout.readline().strip()
    finally:
        exchange.stdin.close()
        exchange.wait()


def parts(paper: int) -> dict[str, psutil.Process]:
    """The feed and the venue that `acme-bot paper` has started."""
    found = {}
    for process in psutil.Process(paper).children(recursive=True):
        words = process.cmdline()
        if "feed" in words:
            found["feed"] = process
        elif "serve" in words:
            found["venue"] = process
    return found


def measured(processes: dict[str, psutil.Process], seconds: float) -> dict[str, float]:
    """Each one's share of a core."""

    def used() -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}

    before, began = used(), time.monotonic()
    time.sleep(seconds)
    after, spent = used(), time.monotonic() - began
    return {name: (after[name] - before[name]) / spent for name in processes}


def require_followed(url: str, count: int) -> None:
    """Ends the bench unless every market follows at this moment."""
    with urllib.request.urlopen(f"{url}/api/markets") as answer:
        markets = json.load(answer)["result"]
    followed = [market["name"] for market in markets if not market["halted"] and market["bid"] is not None]
    if len(followed) != count:
        sys.exit(f"Of {count} markets {len(followed)} follow: the figures mean nothing.")


def run(count: int, seconds: float, core: int, console: Console) -> bool:
    """Prints the shares; whether they fit on a core."""
    pairs = [f"{coin}-USDT" for coin in COINS[:count]]
    with playing(pairs) as address, tempfile.TemporaryDirectory() as folder:
        command = [*REDIRECTED, address, "paper", "binance_perpetual", *pairs, "--port", "0", "--data", folder]
        paper = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert paper.stdout is not None
        try:
            url = paper.stdout.readline().split()[-1]
            processes = parts(paper.pid)
            for process in processes.values():
                process.cpu_affinity([core])
            time.sleep(SETTLED_SECONDS)
            shares = measured(processes, seconds)
            require_followed(url, count)
            megabytes = {name: process.memory_info().rss / 1e6 for name, process in processes.items()}
        finally:
            paper.terminate()
            paper.wait()
    table = Table(f"{count} markets on one core", "share of it", "a market", "memory", box=None)
    for name, share in shares.items():
        table.add_row(name, f"{share:.0%}", f"{share / count:.1%}", f"{megabytes[name]:.0f} MB")
    table.add_row("both", f"{sum(shares.values()):.0%}", f"{sum(shares.values()) / count:.1%}", "")
    console.print(table)
    return sum(shares.values()) < 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, choices=range(1, len(COINS) + 1), default=10, metavar="1-10")
    parser.add_argument("--seconds", type=float, default=60, help="default: %(default)s")
    parser.add_argument("--core", type=int, default=0, help="which (default: %(default)s)")
    options = parser.parse_args()
    sys.exit(0 if run(options.markets, options.seconds, options.core, Console(width=100)) else 1)
