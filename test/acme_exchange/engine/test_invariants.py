"""Anything accounts might do, in any order: the engine must agree with the reference model, and no rule may break."""

import json
from collections import Counter
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acme_exchange.engine import (
    Advance,
    CancelOrder,
    CancelOrders,
    CreateAccount,
    Deposit,
    Engine,
    Filled,
    FundingPaid,
    ModifyOrder,
    OrderChanged,
    PlaceOrder,
    Refused,
    Requote,
    SetIndex,
    SetLeverage,
    SetPositionMode,
    Traded,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS, TAKES
from test.acme_exchange.engine.mirror import Mirror
from test.acme_exchange.engine.reference import No, RefAccount, Reference
from test.acme_exchange.engine.scenario import NOON, specification
from test.thoroughness import examples

MARKETS = ["AAA-PERP", "BBB-PERP"]
USERS = ["ann", "bob", "cid"]
INTERVAL = 60
BAND = "0.05"
FEES = {"ann": ("0.0002", "0.0005"), "bob": ("-0.0001", "0.0003"), "cid": ("0", "0")}

users = st.sampled_from(USERS)
markets = st.sampled_from(MARKETS)
sides = st.sampled_from(["buy", "sell"])
steps = st.integers(-4, 4) | st.integers(-12, 12)
sizes = st.sampled_from(["0.1", "0.5", "0.7", "1", "1.0", "2", "3.3", "10", "15", "30"]).map(Decimal)
waits = st.sampled_from([1, 1_000, 777_777, 20_000_000, 61_000_000])


class Venue(RuleBasedStateMachine):
    """Applies each command to both, and to nothing else."""

    @initialize(
        leverages=st.lists(st.sampled_from([3, 20, 20]), min_size=3, max_size=3),
        modes=st.lists(st.sampled_from(["oneway", "oneway", "hedge"]), min_size=3, max_size=3),
        trades=st.lists(st.tuples(users, markets, sides), min_size=1, max_size=5),
    )
    def open(self, leverages, modes, trades):
        """Accounts with 200 dollars in both modes, some with positions already, so that there is much to go wrong."""
        specifications = [specification(market, price_band=Decimal(BAND)) for market in MARKETS]
        self.specifications = specifications
        self.engine = Engine(specifications, INTERVAL)
        self.reference = Reference("0.5", INTERVAL, BAND)
        self.mirror = Mirror()
        self.now = NOON
        self.done = []
        self.outcomes = []
        self.filled = Counter()
        self.client_ids = 0
        self.deposits = Fraction(0)
        for market in MARKETS:
            self.market_moves(market, 100, 1, Decimal(30))
        for name, leverage, mode in zip(USERS, leverages, modes):
            self.create(name)
            self.both(Deposit(name, Decimal(200)))
            self.both(SetLeverage(name, leverage))
            self.both(SetPositionMode(name, mode))
            self.deposits += 200
        for name, market, side in trades:
            self.take(name, market, side, Decimal(15))

    def create(self, name):
        maker, taker = FEES[name]
        self.engine.apply(CreateAccount(name, Decimal(maker), Decimal(taker)), self.now)
        self.done.append((CreateAccount(name, Decimal(maker), Decimal(taker)), self.now))
        self.reference.accounts[name] = RefAccount(maker_fee=Fraction(maker), taker_fee=Fraction(taker))

    def both(self, command):
        """Does it, after what is due by the clock, and compares refusals, fills and payments."""
        if not isinstance(command, Advance) and self.engine.is_due(self.now):
            self.both(Advance())
        self.done.append((command, self.now))
        before = self.engine.snapshot()
        try:
            events = self.engine.apply(command, self.now)
        except Refused as refusal:
            assert self.engine.snapshot() == before
            self.outcomes.append(repr(refusal.text))
            self.expect_refusal(command, refusal.text)
            return
        self.outcomes.append(repr(events))
        self.mirror.hear(events)
        self.every_fill_has_its_twin(events)
        self.no_order_fills_over_its_size(events)
        self.reference.apply(command, self.now)
        assert [
            (e.account, e.market, e.order_id, e.side, e.size, e.price, e.fee, e.liquidity, e.kind)
            for e in events
            if isinstance(e, Filled)
        ] == self.reference.fills
        assert Counter(
            (e.account, e.market, e.position_side, Fraction(e.payment), e.time)
            for e in events
            if isinstance(e, FundingPaid)
        ) == Counter(self.reference.payments)

    def every_fill_has_its_twin(self, events):
        halves = {}
        for event in events:
            if isinstance(event, Filled):
                halves.setdefault(event.trade_id, []).append(event)
        for maker, taker in halves.values():
            assert (maker.liquidity, taker.liquidity) == ("maker", "taker")
            assert {maker.side, taker.side} == {"buy", "sell"}
            assert (maker.market, maker.price, maker.size) == (taker.market, taker.price, taker.size)
        for trade in (event for event in events if isinstance(event, Traded)):
            maker, taker = halves[trade.id]
            assert (trade.side, trade.price, trade.size) == (taker.side, taker.price, taker.size)

    def no_order_fills_over_its_size(self, events):
        for event in events:
            if isinstance(event, Filled) and event.order_id is not None:
                self.filled[event.order_id] += event.size
            elif isinstance(event, OrderChanged):
                assert self.filled[event.order.id] == event.order.filled_size <= event.order.size

    def expect_refusal(self, command, text):
        try:
            self.reference.apply(command, self.now)
        except No as no:
            assert str(no) == text
        else:
            raise AssertionError(f"{text!r} for what the reference model allows: {command}")

    def price(self, market, step):
        """A price some steps from the mark."""
        return Decimal(round(self.reference.mark(market)) + step)

    def hold(self, account, side):
        """The position side that goes with an order that opens."""
        return None if self.reference.accounts[account].mode == "oneway" else {"buy": "long", "sell": "short"}[side]

    # What anyone might do

    @rule(
        account=users,
        market=markets,
        side=sides,
        size=sizes,
        step=steps,
        ioc=st.booleans(),
        post_only=st.booleans(),
        numbered=st.integers(0, 9),
    )
    def place(self, account, market, side, size, step, ioc, post_only, numbered):
        self.client_ids += numbered > 1
        self.both(
            PlaceOrder(
                account,
                market,
                side,
                "limit",
                size,
                self.price(market, step),
                ioc=ioc and not post_only,
                post_only=post_only,
                client_id=f"id {self.client_ids}" if numbered else None,
                position_side=self.hold(account, side),
            )
        )

    @rule(account=users, market=markets, side=sides, size=sizes)
    def take(self, account, market, side, size):
        self.both(PlaceOrder(account, market, side, "market", size, position_side=self.hold(account, side)))

    @rule(market=markets, side=sides, size=sizes, step=steps)
    def house_takes(self, market, side, size, step):
        self.both(PlaceOrder(TAKES, market, side, "limit", size, self.price(market, step), ioc=True))

    @rule(account=users, size=sizes, step=steps | st.none(), reduce_only=st.booleans(), which=st.integers(0, 3))
    def reduce(self, account, size, step, reduce_only, which):
        """Orders against a position, in hedge mode closing it; also several at once."""
        held = sorted(self.reference.positions(account).items())
        if held:
            (market, hold), position = held[which % len(held)]
            self.both(
                PlaceOrder(
                    account,
                    market,
                    "sell" if position > 0 else "buy",
                    "market" if step is None else "limit",
                    size,
                    None if step is None else self.price(market, step),
                    reduce_only,
                    position_side=None if hold == "net" else hold,
                )
            )

    @rule(
        account=users,
        market=markets,
        side=sides,
        reduce_only=st.booleans(),
        hold=st.sampled_from([None, "long", "short"]),
    )
    def misuse_sides(self, account, market, side, reduce_only, hold):
        self.both(PlaceOrder(account, market, side, "market", Decimal(1), None, reduce_only, position_side=hold))

    @rule(which=st.integers(0, 50), step=steps, size=st.none() | sizes)
    def modify(self, which, step, size):
        orders = [order for order in self.reference.orders if order.account in USERS]
        if orders:
            order = orders[which % len(orders)]
            price = None if step == 4 else self.price(order.market, step)
            self.both(ModifyOrder(order.account, order.id, price=price, size=size))

    @rule(account=users, which=st.integers(1, 60))
    def cancel(self, account, which):
        orders = [order.id for order in self.reference.orders if order.account == account]
        self.both(CancelOrder(account, orders[which % len(orders)] if orders else which))

    @rule(account=users, market=st.none() | markets, side=st.none() | sides)
    def cancel_all(self, account, market, side):
        self.both(CancelOrders(account, market, side))

    @rule(market=markets, mid_price=st.integers(90, 110), spread=st.integers(1, 3), size=sizes)
    def market_moves(self, market, mid_price, spread, size):
        self.both(SetIndex(market, Decimal(mid_price)))
        bids = tuple((Decimal(mid_price - spread - level), size + level) for level in range(5))
        asks = tuple((Decimal(mid_price + spread + level), size + level) for level in range(5))
        self.both(Requote(market, bids, asks))

    @rule(market=markets, price=st.decimals(70, 130, places=2))
    def index_jumps(self, market, price):
        self.both(SetIndex(market, price))
        self.both(Requote(market, (), ()))

    @rule(wait=waits, look=st.booleans())
    def wait(self, wait, look):
        """Time passes, whether or not somebody looks at the clock before the next command."""
        self.now += wait
        if look:
            self.both(Advance())

    @rule(account=users, leverage=st.integers(1, 20))
    def leverage(self, account, leverage):
        self.both(SetLeverage(account, leverage))

    @rule(account=users, mode=st.sampled_from(["oneway", "hedge"]))
    def mode(self, account, mode):
        self.both(SetPositionMode(account, mode))

    @rule(account=users, amount=st.decimals("0.01", 100, places=2))
    def deposit(self, account, amount):
        self.deposits += Fraction(amount)
        self.both(Deposit(account, amount))

    @rule()
    def restart(self):
        self.engine = Engine.restore(json.loads(json.dumps(self.engine.snapshot())))

    # What must always hold

    @invariant()
    def agrees_with_the_reference_model(self):
        for name in [*HOUSE_ACCOUNTS, *USERS]:
            account = self.engine.account(name)
            held = {(p.market, p.position_side): p.net_size for p in account.positions if p.net_size}
            assert held == self.reference.positions(name)
            assert account.total_account_value == self.reference.equity(name)
            if name in USERS:
                assert self.engine.balance(name).free == self.reference.free(name)
            resting = [(o.id, o.side, o.price, o.size, o.remaining_size) for o in self.engine.open_orders(name)]
            expected = [o for o in self.reference.orders if o.account == name]
            assert resting == [(o.id, o.side, o.price, o.size, o.remaining) for o in expected]

    @invariant()
    def events_tell_everything(self):
        for name in USERS:
            open_orders = [order for order in self.mirror.orders.values() if order.account == name]
            assert self.engine.open_orders(name) == open_orders
            assert self.engine.balance(name) == self.mirror.balances[name]
            for position in self.engine.positions(name):
                assert self.mirror.positions[name, position.market, position.position_side] == position.net_size
        for market in MARKETS:
            bids, asks = self.engine.levels(market, 1000)
            assert (dict(bids), dict(asks)) == self.mirror.books[market]
            now, ticker = self.engine.market(market), self.mirror.tickers[market]
            assert (ticker.bid, ticker.ask, ticker.last) == (now.bid, now.ask, now.last)
            assert (ticker.bid_size, ticker.ask_size) == (bids[0][1] if bids else None, asks[0][1] if asks else None)

    @invariant()
    def no_book_is_crossed_and_levels_add_up(self):
        for market in MARKETS:
            bids, asks = self.engine.levels(market, 1000)
            assert not bids or not asks or bids[0][0] < asks[0][0]
            assert [price for price, _ in bids] == sorted((price for price, _ in bids), reverse=True)
            assert [price for price, _ in asks] == sorted(price for price, _ in asks)
            for side, levels in (("buy", bids), ("sell", asks)):
                sizes = Counter()
                for order in self.reference.book(market, side):
                    sizes[order.price] += order.remaining
                assert dict(levels) == dict(sizes)

    @invariant()
    def every_contract_has_two_sides(self):
        names = [*HOUSE_ACCOUNTS, *USERS]
        for market in MARKETS:
            sizes = [p.net_size for name in names for p in self.engine.positions(name) if p.market == market]
            assert sum(sizes) == 0
            assert self.engine.market(market).open_interest == sum(size for size in sizes if size > 0)

    @invariant()
    def no_money_appears_or_vanishes(self):
        names = [*HOUSE_ACCOUNTS, *USERS]
        assert sum(Fraction(self.engine.account(name).total_account_value) for name in names) == self.deposits

    @invariant()
    def nobody_owes(self):
        for name in USERS:
            account, balance = self.engine.account(name), self.engine.balance(name)
            assert balance.free >= 0
            assert account.total_account_value >= account.total_position_size * Decimal("0.03")
            for order in self.engine.open_orders(name):
                assert 0 <= order.filled_size < order.size

    def teardown(self):
        """Once more from the start, without the restarts: word for word the same."""
        if not hasattr(self, "engine"):
            return
        engine, outcomes = Engine(self.specifications, INTERVAL), []
        for command, now in self.done:
            try:
                events = engine.apply(command, now)
            except Refused as refusal:
                outcomes.append(repr(refusal.text))
            else:
                if not isinstance(command, CreateAccount):
                    outcomes.append(repr(events))
        assert outcomes == self.outcomes
        assert engine.snapshot() == self.engine.snapshot()


TestVenue = Venue.TestCase
TestVenue.settings = settings(
    max_examples=examples(8),
    stateful_step_count=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
