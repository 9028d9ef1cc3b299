"""Turns a feed's lines into the engine's commands, market by market, also while the source is silent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import Enum

from acme_exchange.engine import Delist, FollowCommand, FollowFunding, FollowPrices, Halt, MirrorBook, MirrorTrade
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.market.follow.lines import (
    BookLine,
    FundingLine,
    GapLine,
    Level,
    Line,
    MarketLine,
    PriceLine,
    SilenceLine,
    SnapshotLine,
    TradeLine,
)

SILENT_AFTER = 5_000_000
"""Microseconds without any line of a market, after which it is halted."""
MOST_PENDING = 10_000
INCREMENTS = ("price_increment", "size_increment")
DECIMALS = Decimal("1e-12")
"""As many as the engine counts in; OKX tells of its funding rates with 16."""
LARGEST_SIZE = 10_000_000
"""No order may have more increments: the sources' own limits are not read."""


ROUNDING = Context(prec=60)


class Phase(Enum):
    """How far a market's source is known."""

    SILENT = "silent"
    INCOMPLETE = "incomplete"
    LIVE = "live"


@dataclass
class Source:
    """One market's source, as the venue knows it.

    :ivar line: its name and rules.
    :ivar heard: when its last line came, microseconds since the epoch; None: never.
    """

    line: MarketLine
    phase: Phase = Phase.SILENT
    heard: int | None = None
    price: FollowPrices | None = None
    pending: list[SnapshotLine | BookLine] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Whose prices these are."""
        return f"{self.line.pair} of {self.line.source}"


def specification(line: MarketLine) -> MarketSpecification:
    """The market that a feed announces.

    :raises ValueError: a field is impossible; the message begins with its name.
    """
    increment, minimum = Decimal(line.size_increment), Decimal(line.minimum)
    if not 0 < increment < 1_000_000 or minimum > increment * LARGEST_SIZE:
        raise ValueError(f"size_increment: {increment} cannot be, with a minimum of {minimum}")
    return MarketSpecification(
        name=line.market,
        kind="perpetual",
        underlying=line.market.removesuffix("-PERP"),
        price_increment=Decimal(line.price_increment),
        size_increment=increment,
        min_provide_size=-(-minimum // increment) * increment,
        max_size=increment * LARGEST_SIZE,
        source=line.source,
    )


class Follower:
    """Makes the commands that have markets follow their sources; applies none itself, and reads no clock.

    :param lines: one for each market.
    :param power: how cancellations are split, as in `MirrorBook`.
    """

    def __init__(self, lines: Sequence[MarketLine], power: int | None = None):
        self.sources = {line.market: Source(line) for line in lines}
        self._power = power

    def commands(self, line: Line, now: int, due: int | None = None) -> Iterator[FollowCommand]:
        """What follows from a line that comes `now` (microseconds since the epoch), to be applied in order.

        :param due: when the line's funding is due by the venue's clock, if not at the line's own time.
        """
        source = self.sources.get(line.market)
        if source is None:
            return
        source.heard = now
        match line:
            case MarketLine():
                yield from self._announced(source, line)
            case PriceLine():
                source.price = _prices(line, due)
                yield from self._priced(source)
            case SnapshotLine():
                source.pending = [line]
                yield from self._complete(source)
            case BookLine():
                yield from self._changed(source, line)
            case FundingLine():
                yield FollowFunding(line.market, _rounded(line.rate), line.time if due is None else due)
            case TradeLine() if source.phase is Phase.LIVE:
                price, size = Decimal(line.price), Decimal(line.size)
                yield MirrorTrade(line.market, line.side, price, size, line.time)
            case GapLine():
                yield from self._missed(source)
            case SilenceLine():
                yield from self._silenced(source)

    def silences(self, now: int, after: int = SILENT_AFTER) -> Iterator[FollowCommand]:
        """Halts the markets of which nothing has come for longer than `after`, in microseconds."""
        for source in self.sources.values():
            if source.heard is not None and now - source.heard > after:
                yield from self._silenced(source)

    def distrust(self, market: str) -> Iterator[FollowCommand]:
        """A frame of the market's book could not be applied: as after a gap, the whole book has to come."""
        yield from self._missed(self.sources[market])

    def has_other_rules(self, line: MarketLine) -> bool:
        """Whether a market that is followed is announced with other increments than it has here."""
        source = self.sources.get(line.market)
        return source is not None and any(getattr(line, name) != getattr(source.line, name) for name in INCREMENTS)

    def end(self) -> Iterator[FollowCommand]:
        """Halts all markets: no line will come any more."""
        for source in self.sources.values():
            yield from self._silenced(source)

    # ---------------------------------------------------------------------------------------------------------- phases

    def _announced(self, source: Source, line: MarketLine) -> Iterator[FollowCommand]:
        if line.status == "closed" and source.line.status != "closed":
            source.line = line
            source.phase = Phase.SILENT
            yield Delist(line.market)

    def _priced(self, source: Source) -> Iterator[FollowCommand]:
        if source.phase is Phase.SILENT:
            yield from self._complete(source)
        elif source.price is not None:
            yield source.price

    def _complete(self, source: Source) -> Iterator[FollowCommand]:
        """Prices and the whole book are there: the market opens, prices first."""
        if source.price is None or not source.pending or source.line.status == "closed":
            return
        if source.phase is Phase.SILENT:
            yield Halt(source.line.market, False)
            yield source.price
        source.phase = Phase.LIVE
        pending, source.pending = source.pending, []
        for line in pending:
            if source.phase is Phase.LIVE:
                yield self._book(line)

    def _changed(self, source: Source, line: BookLine) -> Iterator[FollowCommand]:
        if source.phase is Phase.LIVE:
            yield self._book(line)
        elif source.pending and len(source.pending) < MOST_PENDING:
            source.pending.append(line)

    def _missed(self, source: Source) -> Iterator[FollowCommand]:
        """The book is not known, the prices are: the mirror is withdrawn, and orders are still taken."""
        source.pending = []
        if source.phase is Phase.LIVE:
            source.phase = Phase.INCOMPLETE
            yield Halt(source.line.market, False)

    def _silenced(self, source: Source) -> Iterator[FollowCommand]:
        source.pending, source.price = [], None
        if source.phase is not Phase.SILENT:
            source.phase = Phase.SILENT
            yield Halt(source.line.market, True)

    def _book(self, line: SnapshotLine | BookLine) -> MirrorBook:
        is_whole = isinstance(line, SnapshotLine)
        return MirrorBook(line.market, _levels(line.bids), _levels(line.asks), line.time, is_whole, self._power)


def _prices(line: PriceLine, due: int | None) -> FollowPrices:
    mark, index, rate = (_rounded(text) for text in (line.mark, line.index, line.rate))
    return FollowPrices(line.market, mark, index, rate, line.next_funding_time if due is None else due)


def _rounded(text: str) -> Decimal:
    number = Decimal(text)
    return number if int(number.as_tuple().exponent) >= -12 else number.quantize(DECIMALS, context=ROUNDING)


def _levels(levels: list[Level]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in levels)
