"""The venue as one object: the engine, the simulated market, the history and the clock, and who listens to them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from acme_exchange.accounts import AccountEntry, ApiKey
from acme_exchange.clock import Clock
from acme_exchange.engine import CancelOrder, CancelOrders, Command, CreateAccount, Deposit, Engine, Event
from acme_exchange.market import MarketSimulation, default_markets
from acme_exchange.progress import Progress
from acme_exchange.store import MemoryStore, Store

Listener = Callable[[Sequence[Event]], None]

LOOK_MICROSECONDS = 10_000_000
"""How long a market that somebody asked about counts as looked at."""


class Venue:
    """Everything that happens on the venue happens through :meth:`execute`, in one order. Does no I/O of its own.

    :ivar engine: to be asked, never to be commanded past :meth:`execute`.
    :ivar store: to be asked, likewise.
    :ivar clock: what time it is, for whoever needs to know.
    :ivar keys: who may sign in, by the key's text.
    :ivar progress: how much of what happened is kept; nobody may be told what is not yet.
    """

    def __init__(self, engine: Engine, simulation: MarketSimulation, store: Store, clock: Clock) -> None:
        self.engine = engine
        self.store = store
        self.clock = clock
        self.keys: dict[str, ApiKey] = {}
        self.progress = Progress()
        self._simulation = simulation
        self._listeners: list[Listener] = []
        self._looked_at: dict[str, int] = {}

    def open_accounts(self, accounts: Iterable[AccountEntry]) -> None:
        """Creates the accounts with their deposits.

        :raises Refused: when one of the names is taken.
        """
        for account in accounts:
            self.execute(CreateAccount(account.name))
            if account.deposit:
                self.execute(Deposit(account.name, account.deposit))
            for key in account.keys:
                self.keys[key.key] = ApiKey(key.key, account.name, key.read_only, secret=key.secret)

    def listen(self, listener: Listener) -> None:
        """Has `listener` told the events of every command, right after they are stored."""
        self._listeners.append(listener)

    def execute(self, command: Command) -> list[Event]:
        """Carries out a command now, keeps what it caused, and tells everyone who listens.

        :raises Refused: as the engine does; then nothing has changed, and nobody is told.
        """
        events = self.engine.apply(command, self.clock.now())
        self.store.record(events, cancelled_by_client=isinstance(command, CancelOrder | CancelOrders))
        for listener in self._listeners:
            listener(events)
        return events

    def look_at(self, market: str) -> None:
        """Somebody asks about a market, or listens to it: for a while, it has no need to wait for its turn to move."""
        if market in self.engine.market_names():
            self._looked_at[market] = self.clock.now() + LOOK_MICROSECONDS

    def pulse(self) -> Iterator[Command]:
        """Lets the market do what it does by now, one command at each step, so that others get a turn in between."""
        now = self.clock.now()
        watched = {market for market, until in self._looked_at.items() if until > now} | self.engine.engaged_markets()
        for command in self._simulation.commands(now, self.engine.closed_markets(), watched):
            self.execute(command)
            yield command


def simulated_venue(
    clock: Clock,
    seed: int,
    accounts: Iterable[AccountEntry],
    funding_interval: int = 3600,
    liquidity: bool = True,
) -> Venue:
    """A venue with Acme's default markets, their prices simulated, and nothing remembered from before.

    :param seed: decides the prices' whole path.
    :param funding_interval: seconds.
    :param liquidity: False leaves the books to the accounts.
    """
    definitions = default_markets(clock.now())
    engine = Engine([definition.specification for definition in definitions], funding_interval)
    venue = Venue(engine, MarketSimulation(seed, definitions, liquidity), MemoryStore(), clock)
    venue.open_accounts(accounts)
    return venue
