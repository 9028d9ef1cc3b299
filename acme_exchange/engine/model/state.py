"""The engine's whole state, and what the command at hand has changed of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import Event, OrderChanged
from acme_exchange.engine.model.accounts import HOUSE, HOUSE_ACCOUNTS, Account, Holding
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.views import order_view


class ClientIds(Protocol):
    """Which client order ids were used: `RememberedIds`, or whoever knows without remembering all."""

    def has_used(self, account: str, client_id: str) -> bool:
        """Whether the account has used the id."""

    def use(self, account: str, client_id: str) -> None:
        """The account uses the id now, for an order that this command reports as new."""


class RememberedIds:
    """Remembers all client ids, in memory."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = set(pairs)

    def has_used(self, account: str, client_id: str) -> bool:
        return (account, client_id) in self.pairs

    def use(self, account: str, client_id: str) -> None:
        self.pairs.add((account, client_id))


@dataclass(slots=True)
class Changed:
    """What differs from when this was last asked for, whatever commands it took.

    :ivar since: when that was, in microseconds since the epoch.
    """

    since: int = 0
    accounts: dict[int, Account] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    holdings: dict[tuple[int, str, str], Holding] = field(default_factory=dict)


class State:
    """Markets, accounts, counters and the clock; and, during a command, its events and what it touched.

    :ivar due_at: when the clock next brings something about, in microseconds since the epoch.
    """

    def __init__(self, markets: dict[str, Market], funding_interval: int, client_ids: ClientIds):
        self.markets = markets
        self.funding_interval = funding_interval
        self.client_ids = client_ids
        self.changed = Changed()
        self.now = 0
        self.due_at: int | None = None
        self.counters = {"order": 0, "trade": 0, "fill": 0, "payment": 0}
        self.accounts: dict[str, Account] = {}
        for name in HOUSE_ACCOUNTS:
            self.open_account(name, ZERO, ZERO)
        self.begin(0)

    def begin(self, now: int) -> None:
        """Starts a command at `now`."""
        self.now = max(now, self.now)
        self.events: list[Event] = []
        self.touched_accounts: dict[int, Account] = {}
        self.touched_markets: dict[str, Market] = {}
        self.touched_holdings: dict[tuple[int, str, str], Holding] = {}

    @property
    def house(self) -> Account:
        """The account that takes fees, pays rebates and bears the losses of bankrupt accounts."""
        return self.accounts[HOUSE]

    def open_account(self, name: str, maker_fee: Decimal, taker_fee: Decimal) -> None:
        """Adds an account."""
        self.accounts[name] = Account(name, len(self.accounts), maker_fee, taker_fee)

    def account(self, name: str) -> Account:
        """:raises Refused: 404 `No such subaccount`."""
        account = self.accounts.get(name)
        if account is None:
            raise Refused(404, "No such subaccount")
        return account

    def market(self, name: str) -> Market:
        """:raises Refused: 404 `No such market: {name}`."""
        market = self.markets.get(name)
        if market is None:
            raise Refused(404, f"No such market: {name}")
        return market

    def open_market(self, name: str) -> Market:
        """A market that takes orders.

        :raises Refused: 404 as `market`; 400 `Invalid parameter market: {name} {why}`;
            `Market is halted`: it follows a real one that is silent.
        """
        market = self.market(name)
        if (reason := market.closed_because) is not None:
            raise Refused(400, f"Invalid parameter market: {name} {reason}")
        if market.halted:
            raise Refused(400, "Market is halted")
        return market

    def next_id(self, counter: str) -> int:
        """The next number of a counter; they begin with 1 and never repeat."""
        self.counters[counter] += 1
        return self.counters[counter]

    def emit(self, event: Event) -> None:
        """Adds an event to the command's."""
        self.events.append(event)

    def emit_order(self, order: LiveOrder, cancelled: bool = False) -> None:
        """Reports an order as it is now, if it is not the house's."""
        self.touch_account(order.account)
        if not order.account.house:
            self.emit(OrderChanged(order_view(order), self.now, cancelled))

    def touch_account(self, account: Account) -> None:
        """Notes that an account's margin changed, by its orders or by a mark."""
        self.touched_accounts[account.number] = account

    def change_account(self, account: Account) -> None:
        """Notes that an account's money or settings changed, and with them its margin."""
        self.touched_accounts[account.number] = account
        self.changed.accounts[account.number] = account

    def plan(self) -> None:
        """Finds out when the clock next brings something about: a funding payment, or an expiry."""
        self.due_at = min(
            (time for market in self.markets.values() if (time := market.due_at) is not None), default=None
        )

    def is_due(self, now: int) -> bool:
        """Whether the clock brings something about by `now`."""
        return self.due_at is not None and now >= self.due_at

    def touch_market(self, market: Market) -> None:
        """Notes that a market's book, last price or index changed."""
        self.touched_markets[market.name] = market
        self.changed.markets[market.name] = market

    def refresh_mark(self, market: Market) -> None:
        """Makes a market's mark current; whoever is active in the market is touched if it changed."""
        if market.refresh(self.now):
            self.touch_those_in(market)

    def touch_those_in(self, market: Market) -> None:
        """Notes that a price by which positions in a market are measured changed."""
        for holding in market.active.values():
            self.touch_account(holding.account)

    def touch_holding(self, holding: Holding) -> None:
        """Notes that a position changed."""
        key = (holding.account.number, *holding.key)
        self.touched_holdings[key] = holding
        self.changed.holdings[key] = holding

    def update_activity(self, holding: Holding) -> None:
        """Keeps account and market informed of who has a position or orders in it."""
        account, market = holding.account, holding.market
        if holding.active:
            account.holdings[holding.key] = holding
            account.active[holding.key] = holding
            market.active[account.number, holding.side] = holding
        else:
            account.active.pop(holding.key, None)
            market.active.pop((account.number, holding.side), None)
