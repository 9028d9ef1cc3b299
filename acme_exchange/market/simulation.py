"""The simulated market: an index per underlying, a house that quotes around it, and a house that takes."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from acme_exchange.engine.commands import Advance, Command, SetIndex
from acme_exchange.engine.money import exactly
from acme_exchange.market.definition import MarketDefinition
from acme_exchange.market.index import STEP, IndexWalk
from acme_exchange.market.liquidity import Quotes, Taker

_MAX_STEPS = 3_600_000_000 // STEP
_STEPS_OF_TAKES = 4
_INDEX_FINENESS = Decimal("0.01")


class MarketSimulation:
    """Makes the commands that keep the markets alive; applies none of them itself, and reads no clock.

    The same seed, markets and sequence of times give the same commands.

    :param seed: decides the whole path.
    :param markets: what to simulate; their names are unique.
    :param liquidity: False: the index alone, no quotes and no takes (`--no-liquidity`).
    :param prices: where the index goes on, by market name, instead of at the start price: for a restart.
    """

    def __init__(
        self,
        seed: int | str,
        markets: Iterable[MarketDefinition],
        liquidity: bool = True,
        prices: Mapping[str, Decimal] | None = None,
    ):
        self._walks: dict[str, IndexWalk] = {}
        self._markets: list[_SimulatedMarket] = []
        for market in markets:
            name, underlying = market.specification.name, market.specification.underlying
            if underlying not in self._walks:
                start = (prices or {}).get(name, market.start_price)
                self._walks[underlying] = IndexWalk(
                    f"{seed}/{underlying}", float(start), float(market.start_price), market.volatility
                )
            self._markets.append(_SimulatedMarket(seed, market, self._walks[underlying]))
        self._liquidity = liquidity
        self._last_step: int | None = None

    @exactly
    def commands(self, now: int, closed: Collection[str] = ()) -> list[Command]:
        """What the market does up to `now` (microseconds since the epoch), to be applied in order, at `now`.

        Call it every 100 to 250 ms. The first call sets every index and all quotes; the last command is always
        `Advance`. Of a pause, at most the last hour of the index and the last second of takes are made up for.

        :param closed: the markets that take no orders at present: `Engine.closed_markets()`.
        """
        step = now // STEP
        steps = 1 if self._last_step is None else step - self._last_step
        if steps <= 0:
            return [Advance()]
        if self._last_step is not None:
            self._walk(min(steps, _MAX_STEPS))
        self._last_step = step
        commands: list[Command] = [market.index_command() for market in self._markets]
        if self._liquidity:
            for market in self._markets:
                commands += market.trading_commands(open_=market.name not in closed)
        return [*commands, Advance()]

    def _walk(self, steps: int) -> None:
        for left in range(steps - 1, -1, -1):
            for walk in self._walks.values():
                walk.step()
            if self._liquidity:
                for market in self._markets:
                    market.draw_take(keep=left < _STEPS_OF_TAKES)


class _SimulatedMarket:
    def __init__(self, seed: int | str, market: MarketDefinition, walk: IndexWalk):
        self.name = market.specification.name
        self._fineness = market.specification.price_increment * _INDEX_FINENESS
        self._walk = walk
        self._quotes = Quotes(f"{seed}/{self.name}/quotes", market)
        self._taker = Taker(f"{seed}/{self.name}/takes", market)
        self._takes: list[tuple[str, Decimal]] = []
        self._index = market.start_price

    def draw_take(self, keep: bool) -> None:
        """One step's take; drawn also when it is not kept, so that the path does not depend on how often one asks."""
        take = self._taker.draw(self._walk.price, self._walk.last_return)
        if take is not None and keep:
            self._takes.append(take)

    def index_command(self) -> SetIndex:
        """The index now, to a hundredth of the price increment."""
        self._index = max(1, round(self._walk.price / float(self._fineness))) * self._fineness
        return SetIndex(self.name, self._index)

    def trading_commands(self, open_: bool) -> list[Command]:
        """Takes first, from the quotes as they were; then the quotes as they are now."""
        takes, self._takes = self._takes, []
        if not open_:
            return []
        orders = [self._taker.order(side, size, self._index) for side, size in takes]
        return [*orders, self._quotes.requote(self._index)]
