"""The engine: commands and a clock in, events out."""

from collections.abc import Iterable
from decimal import Decimal

from acme_exchange.engine import views
from acme_exchange.engine.commands import Command
from acme_exchange.engine.events import Event
from acme_exchange.engine.specification import MarketSpecification


class Engine:
    """The deterministic core of the venue (Acme API §8).

    It does no I/O, reads no clock and draws no random numbers: the same markets, commands and times give the same
    events, byte for byte. It is not safe to use from several threads at once.

    :param markets: the markets, whose names must differ.
    :param funding_interval: seconds between funding payments, which fall on whole multiples of it since the epoch.
    :raises ValueError: two markets of one name, or an interval that is no positive integer.
    """

    def __init__(self, markets: Iterable[MarketSpecification], funding_interval: int = 3600):
        raise NotImplementedError

    def apply(self, command: Command, now: int) -> list[Event]:
        """Carries out a command and returns what has happened, in order.

        For `PlaceOrder` the first event is the `OrderChanged` with the accepted order, status "new"; for `ModifyOrder`
        it is the one with the old order, closed, and the second the new order, status "new". Every private event of
        one order comes in the order new, fills, open or closed.

        :param now: microseconds since the epoch. A clock that went back is taken to stand still.
        :raises Refused: the rules forbid it, in the words of Acme API §7; nothing has changed.
        """
        raise NotImplementedError

    def account(self, name: str) -> views.Account:
        """:raises Refused: 404 `No such subaccount`."""
        raise NotImplementedError

    def balance(self, account: str) -> views.Balance:
        """:raises Refused: 404 `No such subaccount`."""
        raise NotImplementedError

    def positions(self, account: str) -> list[views.Position]:
        """All positions that ever were open, flat ones with size 0, in the order of their first opening.

        :raises Refused: 404 `No such subaccount`.
        """
        raise NotImplementedError

    def open_orders(self, account: str, market: str | None = None) -> list[views.Order]:
        """The resting orders, oldest first.

        :raises Refused: 404 `No such subaccount`, `No such market: {name}`.
        """
        raise NotImplementedError

    def order(self, account: str, order_id: int) -> views.Order:
        """A resting order. The engine forgets closed ones: those are the store's.

        :raises Refused: 404 `Order not found`, also for a closed order or another account's.
        """
        raise NotImplementedError

    def order_by_client_id(self, account: str, client_id: str) -> views.Order:
        """A resting order. The engine forgets closed ones: those are the store's.

        :raises Refused: 404 `Order not found`, also for a closed order.
        """
        raise NotImplementedError

    def levels(self, market: str, depth: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """The best `depth` bids and asks as (price, size), best first.

        :raises Refused: 404 `No such market: {name}`.
        """
        raise NotImplementedError

    def market_names(self) -> list[str]:
        """All markets, in the order given."""
        raise NotImplementedError

    def closed_markets(self) -> frozenset[str]:
        """The markets that take no orders now: disabled, expired and spot ones."""
        raise NotImplementedError

    def market(self, name: str) -> views.Market:
        """:raises Refused: 404 `No such market: {name}`."""
        raise NotImplementedError

    def future(self, name: str) -> views.Future:
        """:raises Refused: 404 `No such future: {name}`, also for a spot market."""
        raise NotImplementedError

    def snapshot(self) -> dict:
        """The whole state as plain data (dictionaries, lists, strings, integers, booleans, None), fit for JSON."""
        raise NotImplementedError

    @classmethod
    def restore(cls, state: dict) -> "Engine":
        """An engine that goes on exactly where the one that made the snapshot was.

        :raises ValueError: the snapshot is of another version.
        """
        raise NotImplementedError
