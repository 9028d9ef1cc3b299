"""Plans which markets a venue offers, and where their prices come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from acme_exchange.engine import MarketSpecification
from acme_exchange.market.definition import MarketDefinition, default_markets
from acme_exchange.market.follow.lines import HistoryLine, MarketLine
from acme_exchange.market.markets_file import load_markets
from acme_exchange.market.replay import Recording, load_replay, start_at
from acme_exchange.market.simulation import MarketSimulation

FASTEST = 1_000.0


@dataclass(frozen=True)
class MarketPlan:
    """The markets that a venue offers, and how their prices move.

    :ivar seed: decides the simulated prices' whole path.
    :ivar liquidity: False leaves the books to the accounts.
    :ivar speed: how many times as fast prices move, simulated and recorded ones, and takers come. It touches nothing
        else: not the time of day, not timestamps, not when funding is paid.
    :ivar recordings: recorded prices, by underlying.
    :ivar followed: markets that follow a real one. :ivar histories: their candles of before.
    :ivar fees: maker's and taker's, of accounts that are opened; None: the venue's own.
    """

    markets: Sequence[MarketDefinition]
    seed: int
    liquidity: bool = True
    speed: float = 1.0
    recordings: Mapping[str, Recording] = field(default_factory=dict)
    followed: Sequence[MarketSpecification] = ()
    histories: Sequence[HistoryLine] = ()
    fees: tuple[Decimal, Decimal] | None = None

    @property
    def specifications(self) -> list[MarketSpecification]:
        """All markets, those that follow a real one last."""
        return [*(market.specification for market in self.markets), *self.followed]

    def following(
        self,
        markets: Sequence[MarketDefinition],
        followed: Sequence[MarketSpecification],
        histories: Sequence[HistoryLine],
        first: MarketLine,
    ) -> "MarketPlan":
        """The same plan with these simulated and followed markets; new accounts pay what the first one's source
        asks."""
        fees = Decimal(first.maker_fee), Decimal(first.taker_fee)
        return replace(self, markets=markets, followed=followed, histories=histories, fees=fees)

    def simulation(self, prices: Mapping[str, Decimal] | None = None) -> MarketSimulation:
        """What moves the markets.

        :param prices: where simulated prices go on, by market name, instead of at their start: for a restart. Recorded
            prices begin at their first again.
        """
        replayed = {name: recording.index(self.speed) for name, recording in self.recordings.items()}
        return MarketSimulation(self.seed, self.markets, self.liquidity, prices, replayed, self.speed)


def plan_markets(
    now: int,
    seed: int,
    liquidity: bool = True,
    speed: float = 1.0,
    markets_file: Path | None = None,
    replay_file: Path | None = None,
) -> MarketPlan:
    """The default markets, or those of a file; simulated, but for those whose prices are in another file.

    :param now: microseconds since the epoch.
    :raises MarketFileError: one of the files cannot be used.
    """
    markets = default_markets(now) if markets_file is None else load_markets(markets_file)
    recordings = {} if replay_file is None else load_replay(replay_file, markets)
    return MarketPlan(start_at(markets, recordings), seed, liquidity, speed, recordings)
