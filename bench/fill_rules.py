"""What the fill rule decides: the same orders that join the touch, under each rule, on the same recorded market.

`make fill-rules` prints the table. An order every half second, buying and selling in turn, joins the best price of its
side for 5 s. Each stands in a market of its own, so that no two share a trade. There is no truth in a recording: the
first rule and the last are bounds, and a rule is good when what it fills is neither all that one could wish for nor
only what went through the price.
"""

import argparse
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from acme_exchange.engine import CancelOrders, Command, CreateAccount, Deposit, Engine, Filled, PlaceOrder, Refused
from acme_exchange.market.follow.follower import specification
from acme_exchange.market.follow.lines import Line, LineError, MarketLine, TradeLine
from bench.recorded import MARKET, RECORDING, SECOND, carry_out, commands, recorded_lines

EVERY = SECOND // 2
LIFE = 5 * SECOND
AFTER = SECOND
LANES = LIFE // EVERY
SIZE = Decimal("0.001")
ACCOUNT = "joiner"
BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True)
class Joining:
    """An order that joins the touch. `time` in microseconds since the epoch, as everywhere here."""

    time: int
    side: str
    price: Decimal


@dataclass(frozen=True)
class Market:
    """A recorded market: its lines, and its mid after each of them that told of the book."""

    lines: list[Line]
    times: list[int]
    touches: list[tuple[Decimal, Decimal]]

    def touch(self, time: int) -> tuple[Decimal, Decimal]:
        """The best bid and ask at a time."""
        return self.touches[max(0, bisect_right(self.times, time) - 1)]


@dataclass(frozen=True)
class Outcome:
    """What became of the orders under one rule.

    :ivar filled: a fraction of the orders.
    :ivar after: the mid against the fill a second later, in basis points, on average: below nought, the price has gone
        on through the order.
    """

    rule: str
    filled: float
    after: float


def watched(lines: list[Line]) -> Market:
    """The market that these lines make where nobody else trades."""
    engine, times, touches = _engine(lines), [], []
    for time, command in commands(lines):
        carry_out(engine, command, time)
        bids, asks = engine.levels(MARKET, 1)
        if bids and asks:
            times.append(time)
            touches.append((bids[0][0], asks[0][0]))
    return Market(lines, times, touches)


def joinings(market: Market) -> list[Joining]:
    """One order every half second, as long as it and what comes after it are in the recording."""
    found = []
    for number, time in enumerate(range(market.times[0], market.times[-1] - LIFE - AFTER, EVERY)):
        bid, ask = market.touch(time)
        found.append(Joining(time, "buy", bid) if number % 2 == 0 else Joining(time, "sell", ask))
    return found


# ---------------------------------------------------------------------------------------------------------------- rules

Fills = list[tuple[Joining, int]]
"""Orders that were filled, and when."""


def by_queue(market: Market, orders: Sequence[Joining], power: int | None) -> Fills:
    """As the venue does it: each order waits behind what was displayed."""
    found: Fills = []
    steps = commands(market.lines, power)
    for lane in range(LANES):
        found += _in_lane(market, orders[lane::LANES], steps)
    return found


def _in_lane(market: Market, orders: Sequence[Joining], steps: list[tuple[int, Command]]) -> Fills:
    """Orders of which each has ended before the next begins."""
    engine, waiting, begun, found = _engine(market.lines), list(reversed(orders)), 0, []
    for time, command in steps:
        while waiting and waiting[-1].time < time:
            current = waiting.pop()
            begun = current.time
            _replace(engine, current)
        events = carry_out(engine, command, time)
        if any(isinstance(event, Filled) and event.account == ACCOUNT for event in events) and time - begun < LIFE:
            found.append((current, time))
    return found


def _replace(engine: Engine, order: Joining) -> None:
    carry_out(engine, CancelOrders(ACCOUNT), order.time)
    try:
        placed = PlaceOrder(ACCOUNT, MARKET, order.side, "limit", SIZE, order.price, post_only=True)
        carry_out(engine, placed, order.time)
    except Refused as refusal:
        sys.exit(f"An order was refused: {refusal.text}")


def by_any_trade(market: Market, orders: Sequence[Joining], beyond: bool) -> Fills:
    """As simple paper traders do it: the first trade at the price, or only one beyond it, fills the order whole."""
    trades = [line for line in market.lines if isinstance(line, TradeLine)]
    times = [trade.received for trade in trades]
    found = []
    for order in orders:
        for trade in trades[bisect_left(times, order.time) :]:
            if trade.received >= order.time + LIFE:
                break
            if _passes(order, trade, beyond):
                found.append((order, trade.received))
                break
    return found


def _passes(order: Joining, trade: TradeLine, beyond: bool) -> bool:
    price = Decimal(trade.price)
    if price == order.price:
        return not beyond and trade.side != order.side
    return price < order.price if order.side == "buy" else price > order.price


RULES: dict[str, Callable[[Market, Sequence[Joining]], Fills]] = {
    "a trade at the price fills": lambda market, orders: by_any_trade(market, orders, beyond=False),
    "queue, --queue prob1": lambda market, orders: by_queue(market, orders, 1),
    "queue, --queue prob3": lambda market, orders: by_queue(market, orders, 3),
    "queue, --queue behind": lambda market, orders: by_queue(market, orders, None),
    "whole, on a trade beyond the price": lambda market, orders: by_any_trade(market, orders, beyond=True),
}


def outcome(rule: str, market: Market, orders: Sequence[Joining]) -> Outcome:
    """What a rule makes of the orders."""
    fills = RULES[rule](market, orders)
    gains = []
    for order, time in fills:
        bid, ask = market.touch(time + AFTER)
        gain = ((bid + ask) / 2 - order.price) / order.price * BASIS_POINTS
        gains.append(gain if order.side == "buy" else -gain)
    return Outcome(rule, len(fills) / len(orders), float(sum(gains) / len(gains)) if gains else 0.0)


def _engine(lines: list[Line]) -> Engine:
    first = next(line for line in lines if isinstance(line, MarketLine))
    engine = Engine([specification(first)])
    for command in (CreateAccount(ACCOUNT), Deposit(ACCOUNT, Decimal(1_000_000))):
        engine.apply(command, first.received)
    return engine


def show(market: Market, console: Console) -> None:
    """Prints the table."""
    orders = joinings(market)
    seconds = (market.times[-1] - market.times[0]) / SECOND
    console.print(f"{len(orders)} orders that joined the touch for 5 s each, over {seconds:.0f} s:")
    table = Table("rule", "filled", "mid against the fill after 1 s", box=None)
    for rule in RULES:
        each = outcome(rule, market, orders)
        table.add_row(rule, f"{each.filled:.1%}", f"{each.after:+.2f} bp")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "recording",
        nargs="?",
        type=Path,
        default=RECORDING,
        help="of acme-bot feed (default: 60 s of Binance's BTCUSDT)",
    )
    try:
        show(watched(recorded_lines(parser.parse_args().recording)), Console(width=100))
    except (LineError, OSError) as error:
        sys.exit(str(error))
