"""Simulates the venue's market: an index per underlying, a house that quotes around it, and a house that takes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from acme_exchange.engine.commands import Advance, Command, SetIndex
from acme_exchange.engine.model.money import exactly
from acme_exchange.engine.model.words import Side
from acme_exchange.market.definition import MarketDefinition
from acme_exchange.market.index import STEP, Index, IndexWalk
from acme_exchange.market.liquidity import Quotes, Taker

LARGEST_TURN = 16
"""How many underlyings that nobody looks at move in one step, so that several hundred cost little more than a few."""

_MAX_STEPS = 240_000_000 // STEP
_STEPS_OF_TAKES = 4
_INCREMENTS_OF_INDEX = Decimal("0.01")


class MarketSimulation:
    """Makes the commands that keep the markets alive; applies none of them itself, and reads no clock.

    The same seed, markets, recorded prices and sequence of times give the same commands.

    :param seed: decides the whole path.
    :param markets: what to simulate; their names are unique.
    :param liquidity: False: the index alone, no quotes and no takes (`--no-liquidity`).
    :param prices: where the simulated index goes on, by market name, instead of at the start price: for a restart.
    :param replayed: the index of each underlying whose prices were recorded; the others are simulated.
    :param speed: how many times as fast the simulated prices move, and takers come.
    """

    def __init__(
        self,
        seed: int | str,
        markets: Iterable[MarketDefinition],
        liquidity: bool = True,
        prices: Mapping[str, Decimal] | None = None,
        replayed: Mapping[str, Index] | None = None,
        speed: float = 1.0,
    ):
        by_underlying: dict[str, list[MarketDefinition]] = {}
        for market in markets:
            by_underlying.setdefault(market.specification.underlying, []).append(market)
        self._underlyings = []
        for name, group in by_underlying.items():
            index = (replayed or {}).get(name) or _walk(seed, group[0], prices or {}, speed)
            simulated = [_SimulatedMarket(seed, market, index, speed) for market in group]
            self._underlyings.append(_Underlying(index, simulated, liquidity))
        self._last_step: int | None = None
        self._next = 0

    def commands(self, now: int, closed: Collection[str] = (), watched: Collection[str] = ()) -> Iterator[Command]:
        """What the market does up to `now` (microseconds since the epoch), to be applied in order, at `now`.

        Call it every 100 to 250 ms, and use up one answer before asking for the next: each command is made when it is
        taken, so that others get a turn in between. The first answer sets every index and all quotes; of more than
        `LARGEST_TURN` underlyings, later ones move those that are watched and as many of the others, in turn. The last
        command is always `Advance`. Of a pause, at most four minutes of the index and the last second of takes are made
        up for.

        :param closed: the markets that take no orders at present: `Engine.closed_markets()`.
        :param watched: the markets that somebody looks at.
        """
        step = now // STEP
        if self._last_step is None or step > self._last_step:
            moving = self._underlyings if self._last_step is None else self._turn(watched)
            self._last_step = step
            for underlying in moving:
                yield from underlying.commands(step, closed)
        yield Advance()

    def _turn(self, watched: Collection[str]) -> list["_Underlying"]:
        count = len(self._underlyings)
        in_turn = [self._underlyings[(self._next + each) % count] for each in range(min(LARGEST_TURN, count))]
        self._next = (self._next + LARGEST_TURN) % count if count else 0
        looked_at = [each for each in self._underlyings if each not in in_turn and each.is_among(watched)]
        return looked_at + in_turn


def _walk(seed: int | str, market: MarketDefinition, prices: Mapping[str, Decimal], speed: float) -> IndexWalk:
    start = prices.get(market.specification.name, market.start_price)
    name = f"{seed}/{market.specification.underlying}"
    return IndexWalk(name, float(start), float(market.start_price), market.volatility, speed)


class _Underlying:
    """An index and the markets that follow it."""

    def __init__(self, index: Index, markets: list["_SimulatedMarket"], liquidity: bool):
        self._index = index
        self._markets = markets
        self._liquidity = liquidity
        self._last_step: int | None = None

    def is_among(self, names: Collection[str]) -> bool:
        return any(market.name in names for market in self._markets)

    def commands(self, step: int, closed: Collection[str]) -> Iterator[Command]:
        if self._last_step is not None:
            self._move(min(step - self._last_step, _MAX_STEPS))
        self._last_step = step
        for market in self._markets:
            yield market.index_command()
        if self._liquidity:
            for market in self._markets:
                yield from market.trading_commands(open_=market.name not in closed)

    def _move(self, steps: int) -> None:
        for left in range(steps - 1, -1, -1):
            self._index.step()
            if self._liquidity:
                for market in self._markets:
                    market.draw_take(keep=left < _STEPS_OF_TAKES)


class _SimulatedMarket:
    def __init__(self, seed: int | str, market: MarketDefinition, source: Index, speed: float):
        self.name = market.specification.name
        self._index_increment = market.specification.price_increment * _INCREMENTS_OF_INDEX
        self._source = source
        self._quotes = Quotes(f"{seed}/{self.name}/quotes", market)
        self._taker = Taker(f"{seed}/{self.name}/takes", market, speed)
        self._takes: list[tuple[Side, Decimal]] = []
        self._index = market.start_price

    def draw_take(self, keep: bool) -> None:
        """One step's take; drawn also when it is not kept, so that the path does not depend on how often one asks."""
        take = self._taker.draw(self._source.price, self._source.last_return)
        if take is not None and keep:
            self._takes.append(take)

    @exactly
    def index_command(self) -> SetIndex:
        """The index now, to a hundredth of the price increment."""
        self._index = max(1, round(self._source.price / float(self._index_increment))) * self._index_increment
        return SetIndex(self.name, self._index)

    @exactly
    def trading_commands(self, open_: bool) -> list[Command]:
        """Takes first, from the quotes as they were; then the quotes as they are now."""
        takes, self._takes = self._takes, []
        if not open_:
            return []
        orders = [self._taker.order(side, size, self._index) for side, size in takes]
        return [*orders, self._quotes.requote(self._index)]
