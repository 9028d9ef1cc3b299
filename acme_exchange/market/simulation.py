"""The simulated market: an index per underlying, a house that quotes around it, and a house that takes."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from acme_exchange.engine.commands import Command
from acme_exchange.market.definition import MarketDefinition


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
        raise NotImplementedError

    def commands(self, now: int, closed: Collection[str] = ()) -> list[Command]:
        """What the market does up to `now` (microseconds since the epoch), to be applied in order, at `now`.

        Call it every 100 to 250 ms. The first call sets every index and all quotes; the last command is always
        `Advance`.

        :param closed: the markets that take no orders at present: `Engine.closed_markets()`.
        """
        raise NotImplementedError
