"""Computes the figures of a session. Sums of money are exact, and add up to the ledger's; averages and curves are
not."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles

from acme_bot.report.session import MICROSECONDS, ROLES, Session
from acme_exchange.engine.model.money import exactly

ZERO = Decimal(0)


@dataclass(frozen=True)
class MarketProfit:
    """US dollars. `market` is None for what belongs to none: losses that the house bore in a liquidation.

    :ivar realized: by closing positions, before fees.
    :ivar unrealized: what closing the rest at the mark would bring.
    :ivar fees: paid; negative for a rebate.
    :ivar funding: received; negative when more was paid.
    """

    market: str | None
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    funding: Decimal

    @property
    @exactly
    def total(self) -> Decimal:
        return self.realized + self.unrealized - self.fees + self.funding


@dataclass(frozen=True)
class Share:
    """Of the fills in one role, maker or taker; amounts in US dollars.

    :ivar fraction: of the volume.
    """

    role: str
    fills: int
    volume: Decimal
    fraction: float
    fees: Decimal


@dataclass(frozen=True)
class Wait:
    """How long orders waited, in seconds. `what` says which."""

    what: str
    orders: int
    median: float
    slowest_tenth: float


@dataclass(frozen=True)
class Curve:
    """The account's worth over time: its equity less what was deposited, in US dollars.

    :ivar times: seconds since the epoch.
    """

    times: Sequence[float]
    profits: Sequence[float]

    @property
    def drawdown(self) -> float:
        """How far it fell below what it had been before, at the most."""
        highest, deepest = float("-inf"), 0.0
        for profit in self.profits:
            highest = max(highest, profit)
            deepest = max(deepest, highest - profit)
        return deepest


@exactly
def profits(session: Session) -> list[MarketProfit]:
    """By market, by name; they add up to the account's profit."""
    realized, fees, funding = (_summed(session, part) for part in ("profit", "fee", "funding"))
    for entry in session.entries:
        if entry.kind == "absorbed loss":
            realized[entry.market] += entry.amount
    found = [
        MarketProfit(
            market, realized[market], session.unrealized.get(market or "", ZERO), fees[market], funding[market]
        )
        for market in realized.keys() | session.unrealized.keys()
    ]
    moved = [one for one in found if any((one.realized, one.unrealized, one.fees, one.funding))]
    return sorted(moved, key=lambda one: one.market or "")


def _summed(session: Session, part: str) -> defaultdict[str | None, Decimal]:
    sums: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for entry in session.entries:
        if entry.kind != "deposit":
            sums[entry.market] += getattr(entry, part)
    return sums


@exactly
def shares(session: Session) -> list[Share]:
    """The part that makers' and takers' fills have in the session's volume and fees."""
    whole = sum((fill.price * fill.size for fill in session.fills), ZERO)
    found = []
    for role in ROLES:
        fills = [fill for fill in session.fills if fill.liquidity == role]
        volume = sum((fill.price * fill.size for fill in fills), ZERO)
        fees = sum((fill.fee for fill in fills), ZERO)
        found.append(Share(role, len(fills), volume, float(volume) / float(whole), fees))
    return found


def waits(session: Session, cancelled: Sequence[float] | None) -> list[Wait]:
    """From an order's acceptance to its last fill as a maker; and to its cancellation.

    :param cancelled: of each cancelled order in seconds, where somebody has kept it; the venue does not.
    """
    last: dict[int, int] = {}
    for fill in session.fills:
        if fill.order_id is not None and fill.liquidity == "maker":
            last[fill.order_id] = fill.time
    filled = [
        (last[order.id] - order.created_at) / MICROSECONDS
        for order in session.orders
        if order.id in last and order.filled_size == order.size
    ]
    found = [_wait("filled as a maker", filled)]
    return [*found, _wait("cancelled", cancelled)] if cancelled is not None else found


def _wait(what: str, seconds: Sequence[float]) -> Wait:
    if not seconds:
        return Wait(what, 0, 0.0, 0.0)
    slowest = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
    return Wait(what, len(seconds), median(seconds), slowest)


def curve(session: Session) -> Curve:
    """Reckoned from the ledger, with what was held valued at the last price of each span; the last point is of now."""
    span = session.resolution * MICROSECONDS
    prices = {
        name: {candle.start: float(candle.close) for candle in candles} for name, candles in session.candles.items()
    }
    moved = sorted(_movements(session), key=lambda one: one[0])
    cash, held, latest = 0.0, defaultdict[str, float](float), dict[str, float]()
    first = moved[0][0] - moved[0][0] % span
    times, worths, next_one = [first / MICROSECONDS], [0.0], 0
    for start in range(first, session.now - session.now % span + 1, span):
        while next_one < len(moved) and moved[next_one][0] < start + span:
            _, market, size, amount = moved[next_one]
            cash += amount
            if market is not None:
                held[market] += size
            next_one += 1
        latest.update({name: closes[start] for name, closes in prices.items() if start in closes})
        times.append(min(start + span, session.now) / MICROSECONDS)
        worths.append(cash + sum(size * latest.get(name, 0.0) for name, size in held.items()))
    worths[-1] = float(session.line.profit)
    return Curve(times, worths)


def _movements(session: Session) -> Iterable[tuple[int, str | None, float, float]]:
    """When, of which market, by how many coins and by how many US dollars the account moved, deposits left out."""
    for entry in session.entries:
        if entry.kind == "deposit":
            continue
        if entry.size is None or entry.price is None:
            yield entry.time, None, 0.0, float(entry.amount)
            continue
        size = float(entry.size) if entry.side == "buy" else -float(entry.size)
        yield entry.time, entry.market, size, -size * float(entry.price) - float(entry.fee)
