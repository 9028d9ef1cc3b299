"""The rules of the venue once more, slow and obvious: what the engine is held against.

There are no books, balances or positions here. There is a list of resting orders in the order of their arrival, and a
log of every trade, fee, payment and deposit; everything else is added up from these whenever it is asked for. Money is
in fractions, so that nothing at all is rounded.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from acme_exchange.engine import (
    Advance,
    CancelOrder,
    CancelOrders,
    Deposit,
    ModifyOrder,
    PlaceOrder,
    Requote,
    SetIndex,
    SetLeverage,
    SetPositionMode,
)

HOUSE, QUOTES, TAKES = "@house", "@quotes", "@takes"
MAINTENANCE = Fraction(3, 100)
CAP = Fraction(75, 10000)


class No(Exception):
    """The command is refused, for the reason in its text."""


@dataclass(eq=False)
class RefOrder:
    id: int
    account: str
    market: str
    position_side: str
    side: str
    price: Fraction | None
    size: Fraction
    reducing: bool
    post_only: bool = False
    filled: Fraction = Fraction(0)
    reach: Fraction | None = None

    @property
    def remaining(self) -> Fraction:
        return self.size - self.filled

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1


@dataclass
class RefAccount:
    house: bool = False
    leverage: int = 10
    mode: str = "oneway"
    maker_fee: Fraction = Fraction(0)
    taker_fee: Fraction = Fraction(0)
    money: list[Fraction] = field(default_factory=list)
    client_ids: set[str] = field(default_factory=set)


@dataclass
class RefTrade:
    """One half: `size` is negative for a sale."""

    account: str
    market: str
    position_side: str
    size: Fraction
    price: Fraction


class Reference:
    """A venue of perpetuals; `minimum` is the smallest size that may rest, `interval` the seconds between fundings,
    `band` how far from the mark one may trade."""

    def __init__(self, minimum: str, interval: int, band: str):
        self.minimum = Fraction(minimum)
        self.band = Fraction(band)
        self.interval = interval * 1_000_000
        self.accounts = {name: RefAccount(house=True) for name in (HOUSE, QUOTES, TAKES)}
        self.index: dict[str, Fraction] = {}
        self.last: dict[str, Fraction] = {}
        self.premiums: dict[str, list[tuple[int, Fraction]]] = {}
        self.orders: list[RefOrder] = []
        self.trades: list[RefTrade] = []
        self.fills: list[tuple] = []
        self.payments: list[tuple] = []
        self.next_id = 1
        self.now = 0

    # What is known, added up

    def position(self, account: str, market: str, side: str) -> Fraction:
        return sum(
            (t.size for t in self.trades if (t.account, t.market, t.position_side) == (account, market, side)),
            Fraction(0),
        )

    def positions(self, account: str) -> dict[tuple[str, str], Fraction]:
        keys = dict.fromkeys((t.market, t.position_side) for t in self.trades if t.account == account)
        sizes = {key: self.position(account, *key) for key in keys}
        return {key: size for key, size in sizes.items() if size}

    def book(self, market: str, side: str) -> list[RefOrder]:
        """Resting orders, best price first and oldest first."""
        orders = [order for order in self.orders if (order.market, order.side) == (market, side)]
        return sorted(orders, key=lambda order: -order.sign * order.price)

    def mark(self, market: str) -> Fraction:
        index, bids, asks = self.index[market], self.book(market, "buy"), self.book(market, "sell")
        mid = (bids[0].price + asks[0].price) / 2 if bids and asks else index
        return sorted([index, mid, self.last.get(market, index)])[1]

    def prices(self, market: str) -> tuple[Fraction, Fraction]:
        return self.mark(market), self.index[market]

    def marks(self) -> dict[str, Fraction]:
        return {market: self.mark(market) for market in self.index}

    def equity(self, account: str, marks: dict[str, Fraction] | None = None) -> Fraction:
        marks = marks or self.marks()
        paid_for = sum((t.size * t.price for t in self.trades if t.account == account), Fraction(0))
        worth = sum((size * marks[market] for (market, _), size in self.positions(account).items()), Fraction(0))
        return sum(self.accounts[account].money, Fraction(0)) - paid_for + worth

    def own(self, account: str) -> list[RefOrder]:
        return [order for order in self.orders if order.account == account]

    def loss(self, orders: list[RefOrder]) -> Fraction:
        """What orders would lose against the marks, were all filled now."""
        return sum(
            (max(Fraction(0), o.sign * (o.price - self.mark(o.market))) * o.remaining for o in orders), Fraction(0)
        )

    def margin(self, account: str, orders: list[RefOrder]) -> Fraction:
        """Initial margin, were these the account's resting orders; rounded up to 12 decimals, as the venue says."""
        notional = self.open_notional(account, orders)
        return Fraction(ceil(notional / self.accounts[account].leverage * 10**12), 10**12)

    def open_notional(self, account: str, orders: list[RefOrder]) -> Fraction:
        keys = set(self.positions(account)) | {(o.market, o.position_side) for o in orders}
        notional = Fraction(0)
        for market, side in keys:
            held = self.position(account, market, side)
            opening = [o for o in orders if (o.market, o.position_side) == (market, side) and not o.reducing]
            buys = sum((o.remaining for o in opening if o.side == "buy"), Fraction(0))
            sells = sum((o.remaining for o in opening if o.side == "sell"), Fraction(0))
            notional += max(abs(held + buys), abs(held - sells)) * self.mark(market)
        return notional

    def free(self, account: str) -> Fraction:
        own = self.own(account)
        return max(Fraction(0), self.equity(account) - self.margin(account, own) - self.loss(own))

    def underwater(self, account: str) -> bool:
        if self.accounts[account].house:
            return False
        sizes = self.positions(account).items()
        needed = sum((abs(size) * self.mark(market) for (market, _), size in sizes), Fraction(0)) * MAINTENANCE
        return self.equity(account) < needed or self.equity(account, self.index) < 0

    def overcommitted(self, account: str) -> bool:
        """Whether its orders would cost it more than it is worth, by mark or by index."""
        left = self.equity(account) - self.loss(self.own(account)), self.worth_at_index(account, self.orders)
        return not self.accounts[account].house and min(left) < 0

    def relieve(self) -> bool:
        for name in self.accounts:
            if self.underwater(name):
                self.liquidate(name)
            elif self.overcommitted(name):
                lost = [o for o in self.own(name) if o.sign * o.price > min(o.sign * p for p in self.prices(o.market))]
                if not lost:
                    continue
                self.orders = [o for o in self.orders if o not in lost]
            else:
                continue
            return True
        return False

    # Commands

    def apply(self, command, now: int) -> None:
        """:raises No: refused, and nothing has changed."""
        self.now = now
        self.fills, self.payments = [], []
        {
            Deposit: self.deposit,
            SetLeverage: self.leverage,
            SetPositionMode: self.mode,
            SetIndex: self.set_index,
            PlaceOrder: self.place,
            ModifyOrder: self.modify,
            CancelOrder: self.cancel,
            CancelOrders: self.cancel_all,
            Requote: self.requote,
            Advance: self.advance,
        }[type(command)](command)
        while self.relieve():
            pass
        for market in self.index:
            premium = self.mark(market) / self.index[market] - 1
            self.premiums[market].append((now, Fraction(round(premium * 10**12), 10**12)))

    def deposit(self, command):
        self.accounts[command.account].money.append(Fraction(command.amount))

    def leverage(self, command):
        self.accounts[command.account].leverage = command.leverage

    def mode(self, command):
        account = self.accounts[command.account]
        busy = self.positions(command.account) or [o for o in self.orders if o.account == command.account]
        if command.mode != account.mode and busy:
            raise No("Cannot change position mode with open positions or orders")
        account.mode = command.mode

    def set_index(self, command):
        self.index[command.market] = Fraction(command.price)
        self.premiums.setdefault(command.market, [(self.now, Fraction(0))])

    def place(self, command):
        order = self.draft(command, without=None)
        self.trade(order, command)

    def modify(self, command):
        old = self.find(command)
        if command.price is None and command.size is None:
            raise No("Must modify either price or size")
        plain = PlaceOrder(
            old.account,
            old.market,
            old.side,
            "limit",
            command.size or old.remaining,
            command.price or old.price,
            reduce_only=old.reducing,
            post_only=old.post_only,
            client_id=command.new_client_id,
            position_side=None if old.position_side == "net" else old.position_side,
        )
        order = self.draft(plain, without=old)
        self.orders.remove(old)
        self.trade(order, plain)

    def find(self, command) -> RefOrder:
        for order in self.orders:
            if (order.id, order.account) == (command.order_id, command.account):
                return order
        raise No("Order not found")

    def cancel(self, command):
        self.orders.remove(self.find(command))

    def cancel_all(self, command):
        self.orders = [
            o
            for o in self.orders
            if o.account != command.account
            or command.market not in (None, o.market)
            or command.side not in (None, o.side)
        ]

    def requote(self, command):
        for side, levels in (("buy", dict(command.bids)), ("sell", dict(command.asks))):
            for order in self.book(command.market, side):
                if order.account == QUOTES and levels.get(order.price) != order.remaining:
                    self.orders.remove(order)
        for side, levels in (("buy", command.bids), ("sell", command.asks)):
            for price, size in sorted(levels, reverse=side == "buy"):
                if not any(o.account == QUOTES and o.price == price for o in self.book(command.market, side)):
                    plain = PlaceOrder(QUOTES, command.market, side, "limit", size, price)
                    self.trade(self.draft(plain, without=None), plain)

    # Orders

    def draft(self, command, without: RefOrder | None) -> RefOrder:
        account = self.accounts[command.account]
        if command.client_id in account.client_ids:
            raise No("Duplicate client order ID")
        position_side = self.position_side(account, command)
        closing = (position_side, command.side) in (("long", "sell"), ("short", "buy"))
        if command.reduce_only and position_side != "net" and not closing:
            raise No("Invalid reduce-only order")
        order = RefOrder(
            0,
            command.account,
            command.market,
            position_side,
            command.side,
            None if command.price is None else Fraction(command.price),
            Fraction(command.size),
            command.reduce_only or closing,
            command.post_only,
        )
        room = max(Fraction(0), -order.sign * self.position(order.account, order.market, position_side))
        if order.reducing:
            if not room:
                raise No("Invalid reduce-only order")
            order.size = min(order.size, room)
        if not account.house:
            self.bound(order, shrinks=order.size <= room)
        takeable = self.takeable(order)
        resting = command.kind == "limit" and not command.ioc
        small = command.size < self.minimum and not account.house
        if resting and small and (command.post_only or sum(size for size, _ in takeable) < order.size):
            raise No("Size too small for provide")
        if not account.house:
            self.check_margin(order, takeable, without, shrinks=order.size <= room)
        return order

    def bound(self, order: RefOrder, shrinks: bool):
        """Refuses a price beyond the band, and lets a market order go no further; one that shrinks a position goes no
        further either than until its account has nothing left, by mark or by index."""
        mark = self.mark(order.market)
        band = mark * (1 + order.sign * self.band)
        if order.price is not None:
            if order.sign * (order.price - band) > 0:
                raise No("Price is beyond the price band")
            return
        order.reach = band
        if shrinks:
            by_mark = self.bankrupt_at(order, mark, self.equity(order.account) - self.loss(self.own(order.account)))
            by_index = self.bankrupt_at(
                order, self.index[order.market], self.worth_at_index(order.account, self.orders)
            )
            order.reach = order.sign * min(order.sign * price for price in (band, by_mark, by_index))

    def bankrupt_at(self, order: RefOrder, price: Fraction, worth: Fraction) -> Fraction:
        """Where trading the order, fee included, costs an account all that it is worth at `price`."""
        return (price + order.sign * worth / order.remaining) / (
            1 + order.sign * self.accounts[order.account].taker_fee
        )

    def worth_at_index(self, account: str, orders: list[RefOrder]) -> Fraction:
        """What an account is worth at the indices, less what its orders would lose at once: against the mark, and where
        the index is worse for them than the mark, the way from one to the other."""
        own = [order for order in orders if order.account == account]
        worse = sum(
            (
                max(Fraction(0), o.sign * (self.mark(o.market) - self.index[o.market])) * o.remaining
                for o in own
                if not o.reducing
            ),
            Fraction(0),
        )
        return self.equity(account, self.index) - self.loss(own) - worse

    def position_side(self, account: RefAccount, command) -> str:
        if account.mode == "oneway":
            if command.position_side is not None:
                raise No("Position side is not allowed in one-way mode")
            return "net"
        if command.position_side is None:
            raise No("Position side is required in hedge mode")
        return command.position_side

    def check_margin(self, order: RefOrder, takeable, without: RefOrder | None, shrinks: bool):
        """Tries it out: trades what it takes at once, at the mark for want of profit where it would make one, rests
        the rest, and looks at what is left."""
        name, own = order.account, self.own(order.account)
        before = self.margin(name, own) + self.loss(own)
        mark = self.mark(order.market)
        taken = sum((size for size, _ in takeable), Fraction(0))
        paid = sum((size * price for size, price in takeable), Fraction(0))
        loss = max(Fraction(0), order.sign * (paid - taken * mark))
        fee = max(Fraction(0), paid * self.accounts[name].taker_fee)
        rest = RefOrder(
            0, name, order.market, order.position_side, order.side, order.price, order.size - taken, order.reducing
        )
        if order.price is None:
            rest.price = mark
        trial = [o for o in own if o is not without] + [rest]
        equity = self.equity(name)
        self.trades.append(RefTrade(name, order.market, order.position_side, order.sign * taken, mark))
        try:
            lost = self.loss(trial)
            required = self.margin(name, trial) + lost
            enlarges = not order.reducing and required + loss > before
            if enlarges and equity - loss < required:
                raise No("Account does not have enough margin for order.")
            if order.price is None and shrinks:
                return
            at_index = self.worth_at_index(name, trial)
            least = self.open_notional(name, trial) * MAINTENANCE if enlarges else 0
            if equity - loss - fee - lost < 0 or at_index - loss - fee < least:
                raise No("Account does not have enough margin for order.")
        finally:
            self.trades.pop()

    def takeable(self, order: RefOrder) -> list[tuple[Fraction, Fraction]]:
        parts, left, sold = [], order.size, defaultdict(Fraction)
        for maker in self.meets(order):
            if maker.account != order.account and left:
                key = maker.account, maker.market, maker.position_side
                size = min(left, maker.remaining)
                if maker.reducing:
                    size = max(Fraction(0), min(size, -maker.sign * self.position(*key) - sold[key]))
                sold[key] += size
                parts.append((size, maker.price))
                left -= size
        return parts

    def meets(self, order: RefOrder) -> list[RefOrder]:
        """The resting orders that an order would trade with, were it large enough."""
        other = self.book(order.market, "sell" if order.side == "buy" else "buy")
        reach = order.reach if order.price is None else order.price
        return [o for o in other if reach is None or order.sign * (reach - o.price) >= 0]

    def trade(self, order: RefOrder, command: PlaceOrder):
        order.id = self.next_id
        self.next_id += 1
        self.accounts[order.account].client_ids |= {command.client_id} - {None}
        if command.post_only and self.takeable(order):
            return
        self.match(order, "order")
        if order.remaining and command.kind == "limit" and not command.ioc:
            self.orders.append(order)

    def match(self, order: RefOrder, kind: str):
        while order.remaining and (makers := self.meets(order)):
            maker = makers[0]
            if maker.account == order.account:
                self.orders.remove(maker)
                continue
            size = min(order.remaining, maker.remaining)
            self.half(maker, size, maker.price, "maker", "order")
            self.half(order, size, maker.price, "taker", kind)
            self.last[order.market] = maker.price
            if not maker.remaining:
                self.orders.remove(maker)
            self.cut()

    def half(self, order: RefOrder, size: Fraction, price: Fraction, liquidity: str, kind: str):
        order.filled += size
        account = self.accounts[order.account]
        fee = size * price * (account.maker_fee if liquidity == "maker" else account.taker_fee)
        account.money.append(-fee)
        self.accounts[HOUSE].money.append(fee)
        self.trades.append(RefTrade(order.account, order.market, order.position_side, order.sign * size, price))
        self.fills.append((order.account, order.market, order.id, order.side, size, price, fee, liquidity, kind))

    def cut(self):
        for order in [o for o in self.orders if o.reducing]:
            held = self.position(order.account, order.market, order.position_side)
            room = max(Fraction(0), -order.sign * held)
            if not room:
                self.orders.remove(order)
            elif order.remaining > room:
                order.size = order.filled + room

    # Liquidation and funding

    def liquidate(self, name: str):
        marks = self.marks()
        self.orders = [order for order in self.orders if order.account != name]
        while held := self.positions(name):
            key = min(held, key=lambda key: (-abs(held[key]) * marks[key[0]], key))
            side, mark, index = "sell" if held[key] > 0 else "buy", marks[key[0]], self.index[key[0]]
            order = RefOrder(self.next_id, name, *key, side, None, abs(held[key]), True)
            ends = (
                mark * (1 + order.sign * self.band),
                self.bankrupt_at(order, mark, self.equity(name, marks)),
                self.bankrupt_at(order, index, self.equity(name, self.index)),
            )
            order.reach = order.sign * min(order.sign * price for price in ends)
            self.next_id += 1
            self.match(order, "liquidation")
            if order.remaining:
                size = order.remaining
                other = RefOrder(None, HOUSE, key[0], "net", "buy" if side == "sell" else "sell", None, size, False)
                price = order.sign * max(order.sign * p for p in (mark, index))
                self.half(other, size, price, "maker", "order")
                self.half(order, size, price, "taker", "liquidation")
        debt = max(Fraction(0), -self.equity(name))
        self.accounts[name].money.append(debt)
        self.accounts[HOUSE].money.append(-debt)

    def advance(self, command):
        for market, premiums in self.premiums.items():
            start = premiums[0][0]
            if self.now < (start // self.interval + 1) * self.interval:
                continue
            time = self.now // self.interval * self.interval
            rate = self.rate(premiums, time)
            for name, account in self.accounts.items():
                for (held_in, side), size in self.positions(name).items():
                    if held_in == market:
                        payment = size * self.mark(market) * rate
                        account.money.append(-payment)
                        self.payments.append((name, market, side, payment, time))
            self.premiums[market] = [(time, premiums[-1][1])]

    def rate(self, premiums: list[tuple[int, Fraction]], now: int) -> Fraction:
        """Of an interval that ended `now`, which nothing has happened since."""
        ends = [time for time, _ in premiums[1:]] + [now]
        area = sum(premium * (end - time) for (time, premium), end in zip(premiums, ends))
        rate = Fraction(area) / (24 * (now - premiums[0][0]))
        return max(-CAP, min(CAP, Fraction(round(rate * 10**9), 10**9)))
