"""What the demo shows: a live table in a terminal, a line now and then anywhere else, and the reconciliation."""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from acme_bot.compare.reconciliation import Line
from acme_bot.compare.statement import Fill, Funding, Order
from acme_bot.compare.venue_account import Account, Price

LINE_SECONDS = 5
SHOWN_FILLS = 8
SHOWN_DIFFERENCES = 5


@dataclass(frozen=True)
class Glance:
    """All there is to see at one moment. `second` counts from the bot's first order; `seconds` is 0 for no end."""

    second: int
    seconds: int
    price: Price
    account: Account
    opening: Decimal
    quotes: Sequence[Order]
    fills: Sequence[Fill]
    funding: Sequence[Funding]

    @property
    def profit(self) -> Decimal:
        return self.account.value - self.opening

    @property
    def received(self) -> Decimal:
        return sum((payment.amount for payment in self.funding), Decimal(0))


class View:
    """Shows glances, one after the other."""

    def __init__(self, console: Console, live: Live | None):
        self._console = console
        self._live = live
        self._next_line = 0

    def show(self, glance: Glance) -> None:
        if self._live is not None:
            self._live.update(_table(glance), refresh=True)
        elif glance.second >= self._next_line:
            self._next_line = glance.second + LINE_SECONDS
            self._console.print(_line(glance), soft_wrap=True)


@contextmanager
def open_view(console: Console) -> Iterator[View]:
    """A live view when `console` is a terminal, lines when it is not."""
    if not console.is_terminal:
        yield View(console, None)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield View(console, live)


def show_reconciliation(console: Console, lines: Sequence[Line]) -> None:
    title = "Reconciliation: Hummingbot's records and the venue's ledger"
    console.print(comparison("Hummingbot", lines, title))
    for line in lines:
        for difference in line.differences[:SHOWN_DIFFERENCES]:
            console.print(f"✗ {line.name}: {difference}", soft_wrap=True, markup=False)
        if len(line.differences) > SHOWN_DIFFERENCES:
            console.print(f"✗ {line.name}: and {len(line.differences) - SHOWN_DIFFERENCES} more")


def comparison(bot: str, lines: Sequence[Line], title: str | None = None) -> Table:
    """What `bot` has beside what the venue has, with a mark for each line."""
    table = Table("", bot, "venue", "", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for line in lines:
        table.add_row(
            line.name,
            line.hummingbot,
            line.venue,
            "✓" if line.agrees else "✗",
            style=None if line.agrees else "bold red",
        )
    return table


def _line(glance: Glance) -> str:
    return (
        f"{_clock(glance)}  mark {_usd(glance.price.mark)}  quotes {_quotes(glance.quotes)}  "
        f"fills {_count(glance.fills, 'buy')} buy {_count(glance.fills, 'sell')} sell  "
        f"position {glance.account.holding.position:+f} BTC  profit {_usd(glance.profit)}  "
        f"funding {glance.received:+.6f} ({len(glance.funding)})"
    )


def _table(glance: Glance) -> RenderableType:
    facts = Table.grid(padding=(0, 3))
    for name, value in _facts(glance):
        facts.add_row(f"[dim]{name}[/]", value)
    fills = Table("fills", "price", "BTC", "fee", box=None, padding=(0, 2))
    for fill in list(glance.fills)[: -SHOWN_FILLS - 1 : -1]:
        colour = "green" if fill.side == "buy" else "red"
        fills.add_row(f"[{colour}]{fill.side}[/]", _usd(fill.price), f"{fill.amount:f}", f"{fill.fee:.4f}")
    return Panel(
        Group(facts, "", fills),
        title=f"Hummingbot on Acme, BTC-USD, {_clock(glance)}",
        subtitle="Ctrl-C ends it and reconciles",
    )


def _facts(glance: Glance) -> list[tuple[str, str]]:
    price, account = glance.price, glance.account
    entry = f" at {_usd(account.entry)}" if account.entry is not None else ""
    return [
        ("price", f"bid {_usd(price.bid)}  ask {_usd(price.ask)}  mark {_usd(price.mark)}"),
        ("the bot's quotes", _quotes(glance.quotes)),
        ("position", f"{account.holding.position:+f} BTC{entry}"),
        ("profit", f"{_usd(glance.profit)} USD after fees and funding"),
        ("funding", f"{glance.received:+.6f} USD in {len(glance.funding)} payments, next at {price.funding_rate:.6%}"),
        ("fills", f"{_count(glance.fills, 'buy')} buys, {_count(glance.fills, 'sell')} sells"),
    ]


def _clock(glance: Glance) -> str:
    return f"{glance.second} of {glance.seconds} s" if glance.seconds else f"{glance.second} s"


def _quotes(quotes: Sequence[Order]) -> str:
    return ", ".join(f"{quote.side} {quote.amount:f} at {_usd(quote.price)}" for quote in quotes) or "none"


def _count(fills: Sequence[Fill], side: str) -> int:
    return sum(fill.side == side for fill in fills)


def _usd(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
