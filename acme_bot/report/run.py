"""Runs `acme-bot report`: prints what a paper session has earned, and draws it."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acme_bot.compare.bot_records import reading
from acme_bot.password import ask_password
from acme_bot.positions import stored_key
from acme_bot.problem import Problem
from acme_bot.report.chart import draw
from acme_bot.report.page import page
from acme_bot.report.report import Report, report_of
from acme_bot.report.session import account_of_key, read_session
from acme_bot.server import venue_data
from acme_bot.workspace import MARKER
from acme_exchange.market.follow.rules import read_rules

CANCELLED = """
    SELECT last_update_timestamp - creation_timestamp FROM "Order"
    WHERE last_status = 'OrderCancelled' AND market LIKE 'acme_perpetual%'"""
MILLISECONDS = 1000


def run_report(what: str, data: Path | None, folder: Path, is_text: bool, console: Console) -> int:
    """Prints the report of an account, and leaves it in `folder` as a chart and as a page.

    :param what: the folder of a workspace, or the name of an account.
    :param is_text: draws nothing.
    :raises Problem: there is nothing to report, or no matplotlib to draw with.
    """
    if not is_text and find_spec("matplotlib") is None:
        raise Problem("The chart needs matplotlib: pip install matplotlib, or print the report alone with --text.")
    place, workspace = venue_data(data), Path(what)
    is_workspace = (workspace / MARKER).exists()
    account = account_of_key(place, stored_key(workspace, ask_password(is_new=False)).key) if is_workspace else what
    session = read_session(place, account)
    cancelled = sorted(_cancelled(workspace)) if is_workspace else None
    report = report_of(session, read_rules(place, session.entries[0].time), cancelled)
    show(report, console)
    if not is_text:
        for path in _written(report, folder, account):
            console.print(Text(f"{path}"), soft_wrap=True)
    return 0


def show(report: Report, console: Console) -> None:
    """Prints it. Names are text, whatever is in them."""
    facts = Table(title=Text(report.title), title_justify="left", box=None, show_header=False)
    for fact in report.facts:
        facts.add_row(*map(Text, fact))
    console.print(facts)
    for part in report.parts:
        table = Table(title=Text(f"\n{part.title}"), title_justify="left", box=None)
        for number, column in enumerate(part.columns):
            table.add_column(Text(column), justify="right" if number else "left")
        for row in part.rows:
            table.add_row(*map(Text, row))
        console.print(table)
        if part.note:
            console.print(Text(part.note))


def _written(report: Report, folder: Path, account: str) -> Iterator[Path]:
    # An account may be called anything.
    name = re.sub(r"[^\w-]+", "_", account)
    folder.mkdir(parents=True, exist_ok=True)
    chart = draw(report)
    for path, content in (
        (folder / f"report-{name}.png", chart),
        (folder / f"report-{name}.html", page(report, chart).encode()),
    ):
        path.write_bytes(content)
        yield path


def _cancelled(workspace: Path) -> Iterator[float]:
    """How long each order that was cancelled had waited, in seconds, as the workspace's bots have it on record."""
    for path in sorted((workspace / "data").glob("*.sqlite")):
        with reading(path) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'Order'").fetchone():
                yield from (waited / MILLISECONDS for (waited,) in connection.execute(CANCELLED))
