"""The engine: applies a command at a time that it is given, and returns the events that this caused."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from acme_exchange.engine import commands, snapshot, views
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import Event
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import exactly
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.engine.model.standing import balance, standing
from acme_exchange.engine.model.state import ClientIds, RememberedIds, State
from acme_exchange.engine.rules import accounts
from acme_exchange.engine.rules.conclusion import conclude
from acme_exchange.engine.rules.mirroring import delist, follow_funding, follow_prices, halt, mirror_book, mirror_trade
from acme_exchange.engine.rules.quoting import requote
from acme_exchange.engine.rules.time import advance
from acme_exchange.engine.rules.trading import cancel, cancel_orders, modify, place

_HANDLERS: dict[type[commands.Command], Callable[[State, Any], None]] = {
    commands.CreateAccount: accounts.create_account,
    commands.Deposit: accounts.deposit,
    commands.SetLeverage: accounts.set_leverage,
    commands.SetPositionMode: accounts.set_position_mode,
    commands.SetIndex: accounts.set_index,
    commands.PlaceOrder: place,
    commands.ModifyOrder: modify,
    commands.CancelOrder: cancel,
    commands.CancelOrders: cancel_orders,
    commands.Requote: requote,
    commands.MirrorBook: mirror_book,
    commands.MirrorTrade: mirror_trade,
    commands.FollowPrices: follow_prices,
    commands.FollowFunding: follow_funding,
    commands.Halt: halt,
    commands.Delist: delist,
    commands.Advance: advance,
}


class Engine:
    """The deterministic core of the venue (Acme API §8).

    It does no I/O, reads no clock and draws no random numbers: the same markets, commands and times give the same
    events, byte for byte. It is not safe to use from several threads at once.

    :param markets: the markets, whose names must differ.
    :param funding_interval: seconds between funding payments, which fall on whole multiples of it since the epoch.
    :param client_ids: who keeps the client order ids that were used; the engine does, without end, when absent.
    :raises ValueError: two markets of one name, or an interval that is no positive integer.
    """

    def __init__(
        self, markets: Iterable[MarketSpecification], funding_interval: int = 3600, client_ids: ClientIds | None = None
    ):
        if type(funding_interval) is not int or funding_interval < 1:
            raise ValueError(f"funding_interval: write whole seconds, at least 1, not {funding_interval!r}")
        by_name: dict[str, Market] = {}
        for specification in markets:
            if specification.name in by_name:
                raise ValueError(f"name: there are two markets {specification.name!r}")
            by_name[specification.name] = Market(specification)
        self._state = State(by_name, funding_interval, RememberedIds() if client_ids is None else client_ids)

    @exactly
    def apply(self, command: commands.Command, now: int) -> list[Event]:
        """Carries out a command and returns what has happened, in order.

        For `PlaceOrder` the first event is the `OrderChanged` with the accepted order, status "new"; for `ModifyOrder`
        it is the one with the old order, closed, and the second the new order, status "new". Every private event of
        one order comes in the order new, fills, open or closed.

        :param now: microseconds since the epoch. A clock that went back is taken to stand still.
        :raises Refused: the rules forbid it, in the words of Acme API §7; nothing has changed.
        :raises ValueError: something is due by the clock, and happens first: `Advance` is the command to apply.
        """
        state = self._state
        if type(command) is not commands.Advance and state.is_due(now):
            raise ValueError(f"{command}: what is due by {now} comes first; apply Advance, as Engine.is_due says")
        before = state.now
        state.begin(now)
        try:
            _HANDLERS[type(command)](state, command)
        except Refused:
            state.now = before
            raise
        conclude(state)
        return state.events

    def is_due(self, now: int) -> bool:
        """Whether funding or an expiry is due by `now`: then nothing but `Advance` may be applied.

        So who holds a position *at* the hour pays, and nobody trades in a market that has expired, however long after
        the hour a command comes, and however late the clock is looked at.
        """
        return self._state.is_due(now)

    def has_account(self, name: str) -> bool:
        """Whether there is an account of that name."""
        return name in self._state.accounts

    @exactly
    def account_names(self) -> list[str]:
        """Every account but the house's, the oldest first."""
        return [name for name in self._state.accounts if name not in HOUSE_ACCOUNTS]

    def account(self, name: str) -> views.Account:
        """:raises Refused: 404 `No such subaccount`."""
        return views.account_view(self._state.account(name))

    @exactly
    def balance(self, account: str) -> views.Balance:
        """:raises Refused: 404 `No such subaccount`."""
        found = self._state.account(account)
        return balance(found, standing(found))

    @exactly
    def positions(self, account: str) -> list[views.Position]:
        """All positions that ever were open, flat ones with size 0.

        :raises Refused: 404 `No such subaccount`.
        """
        return views.positions_view(self._state.account(account))

    @exactly
    def open_orders(self, account: str, market: str | None = None) -> list[views.Order]:
        """The resting orders, oldest first.

        :raises Refused: 404 `No such subaccount`, `No such market: {name}`.
        """
        orders = self._state.account(account).orders.values()
        if market is not None:
            self._state.market(market)
        return [views.order_view(order) for order in orders if market in (None, order.market.name)]

    def levels(self, market: str, depth: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """The best `depth` bids and asks as (price, size), best first.

        :raises Refused: 404 `No such market: {name}`.
        """
        book = self._state.market(market).book
        return book.bids.top(depth), book.asks.top(depth)

    def last_price(self, market: str) -> Decimal | None:
        """The price of the latest trade; None before the first.

        :raises Refused: 404 `No such market: {name}`.
        """
        return self._state.market(market).last

    def market_names(self) -> list[str]:
        """All markets, in the order given."""
        return list(self._state.markets)

    def future_names(self) -> list[str]:
        """All perpetuals and dated futures, in the order given."""
        return [name for name, market in self._state.markets.items() if market.specification.kind != "spot"]

    def source(self, market: str) -> str | None:
        """The real exchange that a market follows; None for one of the venue's own, or none."""
        found = self._state.markets.get(market)
        return None if found is None else found.specification.source

    def closed_markets(self) -> frozenset[str]:
        """The markets that take no orders now: disabled, expired and spot ones."""
        return frozenset(name for name, market in self._state.markets.items() if not market.takes_orders)

    def engaged_markets(self) -> frozenset[str]:
        """The markets in which an account, other than the house's, has a position or a resting order."""
        return frozenset(
            name
            for name, market in self._state.markets.items()
            if any(not holding.account.house for holding in market.active.values())
        )

    @exactly
    def market(self, name: str) -> views.Market:
        """:raises Refused: 404 `No such market: {name}`."""
        return views.market_view(self._state.market(name), self._state.now)

    @exactly
    def future(self, name: str) -> views.Future:
        """:raises Refused: 404 `No such future: {name}`, also for a spot market."""
        market = self._state.markets.get(name)
        if market is None or market.specification.kind == "spot":
            raise Refused(404, f"No such future: {name}")
        return views.future_view(market, self._state.now)

    def snapshot(self) -> dict[str, Any]:
        """The whole state as plain data (dictionaries, lists, strings, integers, booleans, None), fit for JSON."""
        return snapshot.dump(self._state)

    def take_changes(self) -> dict[str, Any]:
        """The rows of `snapshot` that are new or differ since this was last called, but for orders and client ids."""
        return snapshot.take_changes(self._state)

    @classmethod
    @exactly
    def restore(cls, state: dict[str, Any], client_ids: ClientIds | None = None) -> "Engine":
        """An engine that goes on exactly where the one that made the snapshot was.

        :param client_ids: who keeps the client order ids that were used, if the snapshot does not hold them.
        :raises ValueError: the snapshot is of another version.
        """
        engine = cls(())
        engine._state = snapshot.load(state, client_ids)
        return engine
