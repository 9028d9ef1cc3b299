"""Sums up all accounts for the owner: what they are worth, what they do, and which bots are connected."""

from collections import Counter
from decimal import Decimal

from acme_exchange.api.faults import FaultAnswer, Faults, present
from acme_exchange.api.turns import in_turns
from acme_exchange.api.websocket import WebSocketInterface
from acme_exchange.api.wire.answers import Answer, Time, iso, iso_or_none
from acme_exchange.engine.model.money import EXACT
from acme_exchange.store import FillFilter, OrderFilter, Period
from acme_exchange.venue import Venue

EVER = Period()


class HeldPosition(Answer, frozen=True):
    """A position that is not flat; `size` is negative for a short."""

    market: str
    size: Decimal
    unrealized: Decimal


class AccountOverview(Answer, frozen=True):
    """An account, US dollars.

    :ivar profit: the equity less what was deposited.
    :ivar latest: when it last placed an order, or was filled.
    :ivar bots: how many connections are logged in to it, apart from browsers.
    :ivar browsers: how many pages are.
    """

    name: str
    equity: Decimal
    profit: Decimal
    positions: list[HeldPosition]
    orders: int
    latest: Time | None
    bots: int
    browsers: int


class Overview(Answer, frozen=True):
    """The venue as its owner sees it."""

    time: Time
    accounts: list[AccountOverview]
    faults: list[FaultAnswer]


async def owners_view(venue: Venue, sockets: WebSocketInterface, faults: Faults) -> Overview:
    deposits = await venue.store.deposits()
    bots, browsers = _connections(sockets, is_page=False), _connections(sockets, is_page=True)
    names = venue.engine.account_names()
    latest = {name: await _latest(venue, name) for name in names}

    def made(name: str) -> AccountOverview:
        state = venue.engine.account(name)
        deposited = deposits[name].total if name in deposits else Decimal(0)
        held = [
            HeldPosition(position.market, position.net_size, position.unrealized_profit)
            for position in state.positions
            if position.size
        ]
        return AccountOverview(
            name=name,
            equity=state.total_account_value,
            profit=EXACT.subtract(state.total_account_value, deposited),
            positions=held,
            orders=len(venue.engine.open_orders(name)),
            latest=iso_or_none(latest[name]),
            bots=bots[name],
            browsers=browsers[name],
        )

    accounts = await in_turns(map(made, names))
    return Overview(iso(venue.clock.now()), accounts, [present(fault) for fault in faults.all()])


def _connections(sockets: WebSocketInterface, is_page: bool) -> Counter[str]:
    return Counter(key.account for key, of_page in sockets.logged_in() if of_page is is_page)


async def _latest(venue: Venue, account: str) -> int | None:
    """When the account last did, or met with, anything."""
    orders = await venue.store.orders(account, OrderFilter(), EVER, 1)
    fills = await venue.store.fills(account, FillFilter(), EVER, 1)
    moments = [order.created_at for order in orders.records] + [fill.time for fill in fills.records]
    return max(moments, default=None)
