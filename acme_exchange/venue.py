"""The venue as one object: engine, simulated market, history and clock, and who listens to them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from acme_exchange.accounts.file import AccountsError
from acme_exchange.accounts.keys import AccountEntry, ApiKey
from acme_exchange.clock import Clock
from acme_exchange.engine import (
    Advance,
    Command,
    CreateAccount,
    Deposit,
    Engine,
    Event,
    FundingSettled,
    MarketSpecification,
)
from acme_exchange.engine.resumption import MarketsChanged, resumed
from acme_exchange.known_past import KnownPast
from acme_exchange.latency import Latency
from acme_exchange.market import MarketPlan, MarketSimulation
from acme_exchange.past import Past
from acme_exchange.store import Candle, FirstStart, MemoryStore, Period, Store, StoreUnusable
from acme_exchange.store.progress import Progress

Listener = Callable[[Sequence[Event]], None]

LOOK_MICROSECONDS = 10_000_000
"""How long a market that somebody asked about counts as looked at."""


class Venue:
    """Everything that happens on the venue happens through :meth:`execute`, in one order. Does no I/O of its own.

    :ivar engine: to be asked, never to be commanded past :meth:`execute`.
    :ivar store: to be asked, likewise.
    :ivar clock: what time it is, for whoever needs to know.
    :ivar origins: says in words whose prices a market's are, and of when; by market, of those whose are not simulated.
    :ivar latency: how long orders and cancellations are under way.
    """

    def __init__(
        self,
        engine: Engine,
        simulation: MarketSimulation,
        store: Store,
        clock: Clock,
        past: Past | KnownPast | None = None,
    ) -> None:
        self.engine = engine
        self.store = store
        self.clock = clock
        store.keep_state_of(engine)
        self.latency = Latency(0, 0)
        self._simulation = simulation
        self._past = past
        self._listeners: list[Listener] = []
        self._revocation_listeners: list[Callable[[str], None]] = []
        self._looked_at: dict[str, int] = {}
        self.origins: dict[str, Callable[[], str]] = {}

    @property
    def keys(self) -> Mapping[str, ApiKey]:
        """Who may sign in, by the key's text."""
        return self.store.keyring.accepted

    def is_open_to(self, account: str) -> bool:
        """Whether there is the account, and it is not disabled."""
        return self.engine.has_account(account) and not self.store.keyring.is_disabled(account)

    @property
    def progress(self) -> Progress:
        """How much of what happened is kept; nobody may be told what is not yet."""
        return self.store.progress

    async def delay(self) -> None:
        """Waits as long as an order or a cancellation is under way."""
        await self.latency.wait()

    def open_accounts(self, accounts: Iterable[AccountEntry], fees: tuple[Decimal, Decimal] | None = None) -> None:
        """Sees to it that there are these accounts with these keys.

        An account that is there already keeps its money: a deposit is made once. A key that was revoked stays so.

        :raises AccountsError: a key is another account's already, or has another secret.
        """
        for account in accounts:
            if not self.engine.has_account(account.name):
                self.execute(CreateAccount(account.name) if fees is None else CreateAccount(account.name, *fees))
                if account.deposit:
                    self.execute(Deposit(account.name, account.deposit))
            for entry in account.keys:
                self._accept(ApiKey(entry.key, account.name, entry.read_only, secret=entry.secret))

    def _accept(self, key: ApiKey) -> None:
        known = self.store.keyring.find(key.key)
        if known is not None and known != key:
            raise AccountsError(
                f'field "key": the venue knows {key.key} already, of account "{known.account}" or with another secret; '
                "write a different key"
            )
        if known is None and key.key not in self.store.keyring.revoked:
            self.store.add_key(key)

    def revoke_key(self, key: str) -> None:
        """Accepts a key no more, and tells who listens for that."""
        self.store.revoke_key(key)
        for listener in self._revocation_listeners:
            listener(key)

    def listen_for_revocations(self, listener: Callable[[str], None]) -> None:
        """Has `listener` told the text of every key that is revoked from now on."""
        self._revocation_listeners.append(listener)

    def listen(self, listener: Listener) -> None:
        """Has `listener` told the events of every command, right after they are stored."""
        self._listeners.append(listener)

    def execute(self, command: Command) -> list[Event]:
        """Carries out a command now, keeps what it caused, and tells everyone who listens.

        What is due by the clock comes first.

        :raises Refused: as the engine does; then nothing has changed, and nobody is told.
        """
        now = self.clock.now()
        if self.engine.is_due(now) and not isinstance(command, Advance):
            self._carry_out(Advance(), now)
        return self._carry_out(command, now)

    def _carry_out(self, command: Command, now: int) -> list[Event]:
        events = self.engine.apply(command, now)
        self.store.record(events)
        for listener in self._listeners:
            listener(events)
        return events

    async def candles(self, market: str, resolution: int, period: Period, limit: int) -> list[Candle]:
        """The latest candles that start within the period, oldest first, without gaps up to now.

        :param resolution: seconds, one of `CANDLE_RESOLUTIONS`.
        """
        now = self.clock.now()
        stored = await self.store.candles(market, resolution, period, now, limit)
        return await self._past.before(stored, market, resolution, period, now, limit) if self._past else stored

    async def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        """Newest first; all those of the oldest moment, even past the limit."""
        stored = await self.store.funding_rates(market, period, limit)
        return await self._past.rates_before(stored, market, period, limit) if self._past else stored

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


def planned_venue(
    clock: Clock,
    plan: MarketPlan,
    accounts: Iterable[AccountEntry],
    funding_interval: int = 3600,
    store: Store | None = None,
) -> Venue:
    """A venue with the markets of a plan, which goes on with what its store has kept.

    :param funding_interval: seconds.
    :param store: nothing lasts longer than the process without one.
    :raises StoreUnusable: the markets do not fit what the store has kept.
    :raises AccountsError: the accounts do not.
    """
    store = MemoryStore() if store is None else store
    if store.state is not None:
        clock.go_on_from(store.state["now"])
    else:
        store.begin(FirstStart(clock.now(), str(plan.seed)))
    engine = _engine(store, plan.specifications, funding_interval)
    prices = {row["name"]: Decimal(row["index"]) for row in (store.state or {"markets": []})["markets"] if row["index"]}
    venue = Venue(engine, plan.simulation(prices), store, clock, _past(plan, store.first_start, funding_interval))
    venue.open_accounts(accounts, plan.fees)
    for market in plan.markets:
        if recording := plan.recordings.get(market.specification.underlying):
            venue.origins[market.specification.name] = recording.origin
    return venue


def _engine(store: Store, markets: Sequence[MarketSpecification], funding_interval: int) -> Engine:
    if store.state is None:
        return Engine(markets, funding_interval, store)
    try:
        return Engine.restore(resumed(store.state, markets, funding_interval), store)
    except MarketsChanged as error:
        raise StoreUnusable(f"{error}, or take another directory with --data") from None


def _past(plan: MarketPlan, first_start: FirstStart | None, funding_interval: int) -> Past | KnownPast | None:
    """Where nobody but the accounts trades, nobody did before."""
    if plan.histories:
        return KnownPast(plan.histories)
    if first_start is None or not plan.liquidity:
        return None
    markets = [market for market in plan.markets if market.specification.enabled]
    return Past(first_start.seed, first_start.time, markets, funding_interval, plan.speed)
