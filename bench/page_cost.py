"""What a page that is open costs the venue: processor time and memory, with it and without it, in one run."""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.async_api import async_playwright
from rich.console import Console
from rich.table import Table

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
ACCOUNT = {"name": "main", "key": "bench-key", "secret": "bench-secret", "deposit": 10_000}
SETTLED_SECONDS = 5
ADDRESS = "#code="


@dataclass(frozen=True)
class Cost:
    """Of the venue's process: the share of a core, and megabytes."""

    what: str
    core: float
    memory: float


async def measured(process: psutil.Process, what: str, seconds: int) -> Cost:
    await asyncio.sleep(SETTLED_SECONDS)
    before = process.cpu_times()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return Cost(what, used / seconds, process.memory_info().rss / 1e6)


async def measure(seconds: int) -> list[Cost]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium; install it, such as by apt-get install chromium.")
    with tempfile.TemporaryDirectory() as folder:
        accounts, log = Path(folder, "accounts.json"), Path(folder, "log.txt")
        accounts.write_text(json.dumps([ACCOUNT]), encoding="utf-8")
        command = [sys.executable, "-m", "acme_exchange", "serve", "--port", "0", "--seed", "7", "--accounts", accounts]
        with log.open("w") as errors:
            venue = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            url = venue.stdout.readline().split()[-1]
            address = next(word for word in log.read_text(encoding="utf-8").split() if ADDRESS in word)
            process = psutil.Process(venue.pid)
            costs = [await measured(process, "no page", seconds)]
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
                for what, where in (("the market", url), ("and an account", address)):
                    page = await (await browser.new_context()).new_page()
                    await page.goto(where)
                    costs.append(await measured(process, what, seconds))
                await browser.close()
            return costs
        finally:
            venue.terminate()
            venue.communicate()


def show(costs: list[Cost]) -> None:
    table = Table("open", "core", "more", "memory (MB)", "more", box=None)
    before = costs[0]
    for cost in costs:
        table.add_row(
            cost.what,
            f"{cost.core:.2%}",
            f"{cost.core - before.core:+.2%}",
            f"{cost.memory:.1f}",
            f"{cost.memory - before.memory:+.1f}",
        )
        before = cost
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of each measurement (default: %(default)s)")
    show(asyncio.run(measure(parser.parse_args().seconds)))
