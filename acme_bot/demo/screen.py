"""Shows the market and the bot during the demo: in a terminal as a moving picture, elsewhere as a line now and then."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from acme_bot.compare.statement import Fill, Funding, Order
from acme_bot.compare.venue_account import OrderBook, Price, Trade, Valuation
from acme_bot.problem import Problem

LINE_SECONDS = 5
LOOK_SECONDS = 1
WIDEST = 100
LEVELS = 7
LINES_AROUND = 14
"""Of the picture: all but the rows of the book, and as many fills."""
FEWEST_ROWS = 2
COLOURS = {"buy": "green", "sell": "red"}


@dataclass(frozen=True)
class Market:
    """What everybody sees of a market at one moment; `trades` are the latest first."""

    price: Price
    order_book: OrderBook
    trades: Sequence[Trade]


@dataclass(frozen=True)
class Trading:
    """What the bot does. `second` counts from its first order; `seconds` is 0 for no end; `opening` is what the account
    had, in USD."""

    second: int
    seconds: int
    opening: Decimal
    valuation: Valuation
    quotes: Sequence[Order]
    fills: Sequence[Fill]
    funding: Sequence[Funding]

    @property
    def profit(self) -> Decimal:
        return self.valuation.value - self.opening

    @property
    def received(self) -> Decimal:
        return sum((payment.amount for payment in self.funding), Decimal(0))


class Screen:
    """Shows what it is given, one after the other. Text that it is told stands beneath the picture, or is a line."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._status = ""
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, text: str) -> None:
        """Says what is going on, until the next text."""
        if self._live is None and text != self._status:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._status = text

    def show(self, market: Market, trading: Trading | None, now: float) -> None:
        """`now` is in seconds of any clock: by it, lines keep their distance."""
        if self._live is not None:
            self._live.update(self._layout(market, trading), refresh=True)
        elif now >= self._next_line:
            self._next_line = now + LINE_SECONDS
            self._console.print(_line(market, trading), markup=False, highlight=False, soft_wrap=True)

    def _layout(self, market: Market, trading: Trading | None) -> RenderableType:
        """As high as the terminal at most: what does not fit would be cut off below, where it is most interesting."""
        rows = min(LEVELS, max(FEWEST_ROWS, (self._console.height - LINES_AROUND) // 2))
        below = _bot(trading, rows) if trading is not None else Text(self._status, overflow="ellipsis", no_wrap=True)
        width = min(WIDEST, self._console.width)
        return Panel(
            Group(_prices(market.price), "", _book_and_trades(market, trading, rows), "", below),
            title=self._title,
            subtitle="Ctrl-C ends it",
            width=width,
        )


class Watch:
    """Looks at the market once a second, beside whatever else is done, and shows it, from `with` to its end."""

    def __init__(self, screen: Screen, look: Callable[[Screen], None]) -> None:
        """`look` shows one moment on the screen; it may raise `Problem`."""
        self.screen = screen
        self._look = look
        self._ended = threading.Event()
        self._problem: Problem | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.screen.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.screen.__exit__(kind, error, traceback)

    def require_market(self) -> None:
        """Raises the `Problem` that kept it from looking."""
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        while True:
            try:
                self._look(self.screen)
            except Problem as problem:
                self._problem = problem
                return
            if self._ended.wait(LOOK_SECONDS):
                return


def _line(market: Market, trading: Trading | None) -> str:
    price = market.price
    if trading is None:
        last = next((f"  last {trade.side} {trade.size:f} at {_usd(trade.price)}" for trade in market.trades), "")
        return f"mark {_usd(price.mark)}  bid {_usd(price.bid)}  ask {_usd(price.ask)}{last}  funding {_rate(price)}"
    return (
        f"{_clock(trading)}  mark {_usd(price.mark)}  quotes {_quotes(trading.quotes)}  "
        f"fills {_count(trading.fills, 'buy')} buy {_count(trading.fills, 'sell')} sell  "
        f"position {_position(trading)}  profit {trading.profit:+,.2f}  funding {_funding(trading)}"
    )


def _prices(price: Price) -> RenderableType:
    return f"[bold]mark {_usd(price.mark)}[/]  bid {_usd(price.bid)}  ask {_usd(price.ask)}  funding {_rate(price)}"


def _book_and_trades(market: Market, trading: Trading | None, rows: int) -> RenderableType:
    own = {(quote.side, quote.price) for quote in trading.quotes} if trading is not None else set()
    book = Table("", "BTC", "bid", "ask", "BTC", "", box=None, pad_edge=False, header_style="dim")
    for number in (1, 2, 3):
        book.columns[number].justify = "right"
    for level in range(rows):
        bid, ask = (side[level] if level < len(side) else None for side in market.order_book.sides)
        book.add_row(
            _mark("buy", bid, own),
            f"{bid[1]:f}" if bid else "",
            f"[green]{_usd(bid[0])}[/]" if bid else "",
            f"[red]{_usd(ask[0])}[/]" if ask else "",
            f"{ask[1]:f}" if ask else "",
            _mark("sell", ask, own),
        )
    trades = Table("last trades", "BTC", "", box=None, pad_edge=False, header_style="dim")
    for trade in market.trades[:rows]:
        trades.add_row(f"[{COLOURS[trade.side]}]{_usd(trade.price)}[/]", f"{trade.size:f}", _time(trade.time))
    both = Table.grid(padding=(0, 1))
    both.add_row(book, trades)
    return both


def _mark(side: str, level: tuple[Decimal, Decimal] | None, own: set[tuple[str, Decimal]]) -> str:
    return "[bold cyan]bot[/]" if level is not None and (side, level[0]) in own else "   "


def _bot(trading: Trading, rows: int) -> RenderableType:
    facts = Table.grid(padding=(0, 3))
    for name, value in _facts(trading):
        facts.add_row(f"[dim]{name}[/]", value)
    fills = Table("fills", "", "BTC", "at", "fee", box=None, padding=(0, 1), header_style="dim")
    for fill in list(trading.fills)[: -rows - 1 : -1]:
        fills.add_row(
            _time(fill.time),
            f"[{COLOURS[fill.side]}]{fill.side}[/]",
            f"{fill.amount.normalize():f}",
            _usd(fill.price),
            f"{fill.fee:.4f}",
        )
    return Group(facts, "", fills)


def _facts(trading: Trading) -> list[tuple[str, str]]:
    valuation = trading.valuation
    entry = f" at {_usd(valuation.entry)}" if valuation.entry is not None else ""
    colour = "green" if trading.profit > 0 else "red" if trading.profit < 0 else "default"
    buys, sells = (_count(trading.fills, side) for side in ("buy", "sell"))
    return [
        ("Hummingbot trades for", _clock(trading)),
        ("its quotes", _quotes(trading.quotes)),
        ("its position", f"{_position(trading)}{entry}"),
        ("its profit", f"[{colour}]{trading.profit:+,.2f} USD[/], with fees and funding"),
        ("its funding", _funding(trading)),
        ("its fills", f"{_counted(buys, 'buy')}, {_counted(sells, 'sell')}"),
    ]


def _position(trading: Trading) -> str:
    position = trading.valuation.holding.position
    return f"{position:+f} BTC" if position else "none"


def _funding(trading: Trading) -> str:
    if not trading.funding:
        return "none yet"
    return f"{trading.received:+.6f} in {_counted(len(trading.funding), 'payment')}"


def _clock(trading: Trading) -> str:
    return f"{trading.second} of {trading.seconds} s" if trading.seconds else f"{trading.second} s"


def _quotes(quotes: Sequence[Order]) -> str:
    return ", ".join(f"{quote.side} {quote.amount:f} at {_usd(quote.price)}" for quote in quotes) or "none"


def _count(fills: Sequence[Fill], side: str) -> int:
    return sum(fill.side == side for fill in fills)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _rate(price: Price) -> str:
    return f"{price.funding_rate:+z.5%} at {_time(price.funding_time)}"


def _time(seconds: Decimal | float) -> str:
    return datetime.fromtimestamp(float(seconds)).strftime("%H:%M:%S")


def _usd(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
