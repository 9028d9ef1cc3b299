"""The rules of the venue once more, slow and obvious: what the engine is held against.

There are no books, balances or positions here. There is a list of resting orders in the order of their arrival, and a
log of every trade, fee, payment and deposit; everything else is added up from these whenever it is asked for. Money is
in fractions, so that nothing at all is rounded.
"""

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
    """A venue of perpetuals; `minimum` is the smallest size that may rest, `interval` the seconds between fundings."""

    def __init__(self, minimum: str, interval: int):
        self.minimum = Fraction(minimum)
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

    def equity(self, account: str) -> Fraction:
        paid_for = sum((t.size * t.price for t in self.trades if t.account == account), Fraction(0))
        worth = sum((size * self.mark(market) for (market, _), size in self.positions(account).items()), Fraction(0))
        return sum(self.accounts[account].money, Fraction(0)) - paid_for + worth

    def margin(self, account: str, orders: list[RefOrder]) -> Fraction:
        """Initial margin, were these the account's resting orders; rounded up to 12 decimals, as the venue says."""
        keys = set(self.positions(account)) | {(o.market, o.position_side) for o in orders}
        notional = Fraction(0)
        for market, side in keys:
            held = self.position(account, market, side)
            opening = [o for o in orders if (o.market, o.position_side) == (market, side) and not o.reducing]
            buys = sum((o.remaining for o in opening if o.side == "buy"), Fraction(0))
            sells = sum((o.remaining for o in opening if o.side == "sell"), Fraction(0))
            notional += max(abs(held + buys), abs(held - sells)) * self.mark(market)
        return Fraction(ceil(notional / self.accounts[account].leverage * 10**12), 10**12)

    def free(self, account: str) -> Fraction:
        own = [order for order in self.orders if order.account == account]
        return max(Fraction(0), self.equity(account) - self.margin(account, own))

    def underwater(self, account: str) -> bool:
        if self.accounts[account].house:
            return False
        sizes = self.positions(account).items()
        needed = sum((abs(size) * self.mark(market) for (market, _), size in sizes), Fraction(0)) * MAINTENANCE
        return self.equity(account) < needed

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
        while poor := [name for name in self.accounts if self.underwater(name)]:
            self.liquidate(poor[0])
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
        takeable = self.takeable(order)
        resting = command.kind == "limit" and not command.ioc
        small = order.size < self.minimum and not account.house
        if resting and small and (command.post_only or sum(size for size, _ in takeable) < order.size):
            raise No("Size too small for provide")
        if order.reducing:
            held = self.position(order.account, order.market, position_side)
            if held * order.sign >= 0:
                raise No("Invalid reduce-only order")
            order.size = min(order.size, abs(held))
        elif not account.house:
            self.check_margin(order, takeable, without)
        return order

    def position_side(self, account: RefAccount, command) -> str:
        if account.mode == "oneway":
            if command.position_side is not None:
                raise No("Position side is not allowed in one-way mode")
            return "net"
        if command.position_side is None:
            raise No("Position side is required in hedge mode")
        return command.position_side

    def check_margin(self, order: RefOrder, takeable, without: RefOrder | None):
        own = [o for o in self.orders if o.account == order.account]
        before = self.margin(order.account, own)
        after = self.margin(order.account, [o for o in own if o is not without] + [order])
        mark = self.mark(order.market)
        taken = sum((size for size, _ in takeable), Fraction(0))
        loss = max(Fraction(0), order.sign * (sum(size * price for size, price in takeable) - taken * mark))
        if order.price is not None:
            loss += max(Fraction(0), order.sign * (order.price - mark) * (order.size - taken))
        if after > before and self.equity(order.account) - loss < after:
            raise No("Account does not have enough margin for order.")

    def takeable(self, order: RefOrder) -> list[tuple[Fraction, Fraction]]:
        parts, left = [], order.size
        for maker in self.meets(order):
            if maker.account != order.account and left:
                parts.append((min(left, maker.remaining), maker.price))
                left -= parts[-1][0]
        return parts

    def meets(self, order: RefOrder) -> list[RefOrder]:
        """The resting orders that an order would trade with, were it large enough."""
        other = self.book(order.market, "sell" if order.side == "buy" else "buy")
        return [o for o in other if order.price is None or order.sign * (order.price - o.price) >= 0]

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
        self.orders = [order for order in self.orders if order.account != name]
        while held := self.positions(name):
            key = min(held, key=lambda key: (-abs(held[key]) * self.mark(key[0]), key))
            side = "sell" if held[key] > 0 else "buy"
            order = RefOrder(self.next_id, name, *key, side, None, abs(held[key]), True)
            self.next_id += 1
            self.match(order, "liquidation")
            if order.remaining:
                mark, size = self.mark(key[0]), order.remaining
                other = RefOrder(None, HOUSE, key[0], "net", "buy" if side == "sell" else "sell", None, size, False)
                self.half(other, size, mark, "maker", "order")
                self.half(order, size, mark, "taker", "liquidation")
        debt = max(Fraction(0), -self.equity(name))
        self.accounts[name].money.append(debt)
        self.accounts[HOUSE].money.append(-debt)

    def advance(self, command):
        for market, premiums in self.premiums.items():
            start = premiums[0][0]
            if self.now < (start // self.interval + 1) * self.interval:
                continue
            rate = self.rate(premiums)
            for name, account in self.accounts.items():
                for (held_in, side), size in self.positions(name).items():
                    if held_in == market:
                        payment = size * self.mark(market) * rate
                        account.money.append(-payment)
                        self.payments.append((name, market, side, payment, self.now // self.interval * self.interval))
            self.premiums[market] = [(self.now, premiums[-1][1])]

    def rate(self, premiums: list[tuple[int, Fraction]]) -> Fraction:
        ends = [time for time, _ in premiums[1:]] + [self.now]
        area = sum(premium * (end - time) for (time, premium), end in zip(premiums, ends))
        rate = Fraction(area) / (24 * (self.now - premiums[0][0]))
        return max(-CAP, min(CAP, Fraction(round(rate * 10**9), 10**9)))
