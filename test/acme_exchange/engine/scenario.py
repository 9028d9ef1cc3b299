"""A venue for tests, told in a few words: two markets, accounts with money, numbers as text."""

from collections.abc import Iterable
from decimal import Decimal

from acme_exchange.engine import (
    Advance,
    CancelOrder,
    CancelOrders,
    CreateAccount,
    Deposit,
    Engine,
    Event,
    MarketSpecification,
    ModifyOrder,
    PlaceOrder,
    Refused,
    Requote,
    SetIndex,
    SetLeverage,
    SetPositionMode,
    events,
    views,
)

HOUR = 3_600_000_000
NOON = 1_790_000_000_000_000 // HOUR * HOUR + HOUR // 2
BTC = "BTC-PERP"
ETH = "ETH-PERP"
DATED = "BTC-1231"
SPOT = "BTC/USD"
EXPIRY = NOON + 24 * HOUR


def specification(name: str, kind: str = "perpetual", **changes) -> MarketSpecification:
    """A market with prices in whole dollars, as far as a quarter from the mark, and sizes in tenths."""
    fields = {
        "name": name,
        "kind": kind,
        "underlying": name[:3],
        "price_increment": Decimal("1.0"),
        "size_increment": Decimal("0.1"),
        "min_provide_size": Decimal("0.5"),
        "max_size": Decimal(1000),
        "price_band": Decimal("0.25"),
    }
    return MarketSpecification(**fields | changes)


def plain(number: Decimal) -> str:
    """A number as one says it: without trailing zeros."""
    return f"{number.normalize():f}"


def markets(**changes) -> list[MarketSpecification]:
    """Two perpetuals, a dated future, and a spot market."""
    return [
        specification(BTC, **changes),
        specification(ETH, **changes),
        specification(DATED, "future", expiry=EXPIRY, **changes),
        specification(SPOT, "spot", **changes),
    ]


class Scenario:
    """An engine, its clock, and the events of the last command. BTC and ETH begin with an index of 100."""

    def __init__(self, *accounts: str, money: str = "10000", **changes):
        self.engine = Engine(markets(**changes))
        self.now = NOON
        self.events: list[Event] = []
        for market in self.engine.market_names():
            self.do(SetIndex(market, Decimal(100)))
        for account in accounts:
            self.do(CreateAccount(account))
            self.do(Deposit(account, Decimal(money)))

    def do(self, command) -> list[Event]:
        """Applies a command now, after what is due by the clock."""
        if not isinstance(command, Advance):
            self.catch_up()
        self.events = self.engine.apply(command, self.now)
        return self.events

    def catch_up(self) -> None:
        """Lets happen what is due by the clock."""
        if self.engine.is_due(self.now):
            self.engine.apply(Advance(), self.now)

    def refused(self, command) -> tuple[int, str]:
        """What a command is refused with, after checking that it changed nothing."""
        self.catch_up()
        before = self.engine.snapshot()
        try:
            self.do(command)
        except Refused as refusal:
            assert self.engine.snapshot() == before
            return refusal.status, refusal.text
        raise AssertionError(f"{command} was not refused")

    def order(
        self, account: str, side: str, size: str, price: str | None = None, market: str = BTC, **more
    ) -> PlaceOrder:
        """A limit order, or without a price a market order."""
        kind = "market" if price is None else "limit"
        return PlaceOrder(account, market, side, kind, Decimal(size), price and Decimal(price), **more)

    def place(self, *args, **kwargs) -> views.Order:
        """Places an order; returns it as it is after the command."""
        first = self.do(self.order(*args, **kwargs))[0].order
        return [event.order for event in self.of(events.OrderChanged) if event.order.id == first.id][-1]

    def buy(self, account: str, size: str, price: str | None = None, **more) -> views.Order:
        return self.place(account, "buy", size, price, **more)

    def sell(self, account: str, size: str, price: str | None = None, **more) -> views.Order:
        return self.place(account, "sell", size, price, **more)

    def modify(
        self, account: str, order: views.Order, price: str | None = None, size: str | None = None
    ) -> views.Order:
        """Modifies an order; returns the new one as it is after the command."""
        self.do(ModifyOrder(account, order.id, price=price and Decimal(price), size=size and Decimal(size)))
        return self.of(events.OrderChanged)[-1].order

    def cancel(self, account: str, order: views.Order) -> None:
        self.do(CancelOrder(account, order.id))

    def cancel_all(self, account: str, **which) -> None:
        self.do(CancelOrders(account, **which))

    def index(self, price: str, market: str = BTC) -> None:
        self.do(SetIndex(market, Decimal(price)))

    def quote(self, bids: Iterable[tuple], asks: Iterable[tuple], market: str = BTC) -> None:
        """Quotes of the house, as pairs of price and size."""
        self.do(Requote(market, *(tuple((Decimal(p), Decimal(s)) for p, s in side) for side in (bids, asks))))

    def leverage(self, account: str, leverage: int) -> None:
        self.do(SetLeverage(account, leverage))

    def hedge(self, account: str) -> None:
        self.do(SetPositionMode(account, "hedge"))

    def wait(self, microseconds: int) -> list[Event]:
        """Lets time pass, in one go."""
        self.now += microseconds
        return self.do(Advance())

    def of(self, *kinds: type) -> list:
        """The last command's events of some kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def fills(self, account: str) -> list[tuple[str, str, str]]:
        """The account's fills in the last command, as (side, size, price)."""
        fills = [fill for fill in self.of(events.Filled) if fill.account == account]
        return [(fill.side, plain(fill.size), plain(fill.price)) for fill in fills]

    def position(self, account: str, market: str = BTC, side: str = "net") -> views.Position:
        for position in self.engine.positions(account):
            if (position.market, position.position_side) == (market, side):
                return position
        raise AssertionError(f"{account} never had a {side} position in {market}")

    def book(self, market: str = BTC) -> tuple[dict[str, str], dict[str, str]]:
        """All bids and asks, as sizes by price, best first."""
        bids, asks = self.engine.levels(market, 1000)
        return {plain(p): plain(s) for p, s in bids}, {plain(p): plain(s) for p, s in asks}

    def total(self, account: str) -> Decimal:
        return self.engine.balance(account).total

    def free(self, account: str) -> Decimal:
        return self.engine.balance(account).free
