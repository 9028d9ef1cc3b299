"""`make bench`: measures, prints the table, keeps it, and says what became slower than the table that was kept."""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from rich.console import Console

import hummingbot
from bench import table
from bench.books import book_lines
from bench.measure import Line
from bench.orders import order_lines
from bench.running import running_lines
from bench.streams import stream_lines
from bench.whole_bot import PACE, SECONDS, bot_lines
from bench.whole_bot_exchange import PACES

PARTS: dict[str, Callable[[], Awaitable[list[Line]]]] = {
    "books": book_lines,
    "streams": stream_lines,
    "orders": order_lines,
    "running": running_lines,
    "bot": bot_lines,
}
ASKED_FOR = ["bot"]
"""Parts that run when they are named: they take minutes, and both processors, in which nothing else can be measured."""


async def _measure(parts: list[str], console: Console) -> list[Line]:
    lines = []
    for number, part in enumerate(parts, start=1):
        console.print(f"{number} of {len(parts)}: {part} ...")
        lines += [replace(line, part=part) for line in await PARTS[part]()]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all but {', '.join(ASKED_FOR)})"
    )
    parser.add_argument("--keep", action="store_true", help="keep these lines, in place of those parts' that there are")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="for which whole bots trade (default: %(default)g)"
    )
    parser.add_argument("--pace", choices=PACES, default=PACE, help="of whole bots' market (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; write some of {', '.join(PARTS)}")
    parts = options.parts or [part for part in PARTS if part not in ASKED_FOR]
    PARTS["bot"] = partial(bot_lines, options.seconds, options.pace)
    console = Console(width=table.WIDTH)
    # Whatever a connector logs costs time, and no two log alike.
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        hummingbot.set_data_path(folder)
        lines = asyncio.run(_measure(parts, console))
    table.show(lines, console)
    slower = table.regressions(lines, table.load(table.RESULTS))
    if options.keep:
        lines = table.with_other_parts(lines, table.load(table.RESULTS), list(PARTS))
        table.save(lines, table.RESULTS)
        table.draw(lines, table.PICTURE)
        table.put_into_page(lines, table.PAGE)
        files = ", ".join(
            str(path.relative_to(table.PICTURE.parents[1])) for path in (table.RESULTS, table.PICTURE, table.PAGE)
        )
        console.print(f"Kept in {files}.")
        return 0
    for each in slower:
        console.print(f"✗ {each}", style="bold red", markup=False, soft_wrap=True)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
