"""Computes how the mid price moved after each fill: whether the maker was met by those who knew more.

The venue keeps the mid price at these moments. Where it has not, because it was another version or ended, the mid price
is taken to be half way between the latest trade in which somebody bought and the latest in which somebody sold.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acme_bot.report.session import MICROSECONDS, ROLES, Session
from acme_exchange.engine.events import Filled, Traded
from acme_exchange.mid_prices import HORIZONS

OLDEST_SECONDS = 10
"""A trade from before that says nothing of the moment any more."""
BASIS_POINTS = 10_000


@dataclass(frozen=True)
class Markout:
    """How the mid price moved after the fills of one role, maker or taker.

    :ivar seconds: after the fill.
    :ivar known: of how many fills the price of then is known.
    :ivar basis_points: by how much the mid price was better than the fill's price then, by volume; negative: worse.
        None where nothing is known.
    """

    role: str
    seconds: int
    fills: int
    known: int
    basis_points: float | None


class _MidPrices:
    """The mid prices of a market, as its trades tell."""

    def __init__(self, trades: Sequence[Traded], now: int):
        """:param now: nothing is known of what comes later; microseconds since the epoch."""
        self._sides = [
            ([trade.time for trade in chosen], [float(trade.price) for trade in chosen])
            for chosen in ([trade for trade in trades if trade.side == side] for side in ("buy", "sell"))
        ]
        self._now = now

    def at(self, time: int) -> float | None:
        """None when that is yet to come, or a side has no trade of shortly before."""
        if time > self._now:
            return None
        prices = []
        for times, side in self._sides:
            at = bisect_right(times, time) - 1
            if at < 0 or time - times[at] > OLDEST_SECONDS * MICROSECONDS:
                return None
            prices.append(side[at])
        return sum(prices) / len(prices)


def markouts(session: Session) -> list[Markout]:
    """The markouts of makers' and of takers' fills, at each horizon."""
    mid_prices = {market: _MidPrices(trades, session.now) for market, trades in session.trades.items()}

    def later(fill: Filled, seconds: int) -> float | None:
        recorded = session.mid_prices.get((fill.time, fill.id, seconds))
        return mid_prices[fill.market].at(fill.time + seconds * MICROSECONDS) if recorded is None else recorded

    return [
        _markout(role, seconds, [fill for fill in session.fills if fill.liquidity == role], later)
        for role in ROLES
        for seconds in HORIZONS
    ]


def _markout(role: str, seconds: int, fills: Sequence[Filled], later: Callable[[Filled, int], float | None]) -> Markout:
    gained, volume, known = 0.0, 0.0, 0
    for fill in fills:
        mid_price = later(fill, seconds)
        if mid_price is None:
            continue
        price, size = float(fill.price), float(fill.size)
        gained += (mid_price - price) * size * (1 if fill.side == "buy" else -1)
        volume += price * size
        known += 1
    return Markout(role, seconds, len(fills), known, BASIS_POINTS * gained / volume if known else None)
