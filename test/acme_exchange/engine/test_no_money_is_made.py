"""Money cannot be made: what one account is made to lose on purpose is its own, and never the house's (Acme API §8).

First the known ways of trying it, each with two accounts of one owner: a "mule", which is to lose more than it has, and
a "thief", which is to win that. Then whatever comes to mind, at random.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from random import Random

import pytest

from acme_exchange.engine import (
    CreateAccount,
    Deposit,
    Engine,
    FollowPrices,
    FundingPaid,
    Halt,
    Liquidated,
    ModifyOrder,
    Refused,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from acme_exchange.engine.rules.checks import MAX_OPEN_ORDERS
from test.acme_exchange.engine.scenario import BTC, ETH, HOUR, NOON, Scenario, specification

NO_MARGIN = (400, "Account does not have enough margin for order.")
BEYOND = (400, "Price is beyond the price band")
MARKET = {"price_band": Decimal("0.05"), "size_increment": Decimal("0.0001"), "min_provide_size": Decimal("0.001")}


def scene(*accounts: str, money: str = "10000", index: str = "70000", leverage: int = 20, **changes) -> Scenario:
    """Markets as the venue's own, where BTC is worth `index`, and accounts that go as far as they may."""
    venue = Scenario(*accounts, money=money, **MARKET | changes)
    venue.index(index)
    for account in accounts:
        venue.leverage(account, leverage)
    return venue


@pytest.fixture
def venue():
    return scene("mule", "thief")


class Following(Scenario):
    """Two markets that follow real ones, whose mark and index are 100, and accounts that go as far as they may."""

    def __init__(self, *accounts: str, money: str = "10000", **changes):
        self.engine = Engine([specification(each, source="elsewhere", **MARKET | changes) for each in (BTC, ETH)])
        self.now, self.events = NOON, []
        for market in (BTC, ETH):
            self.do(Halt(market, False))
            self.index("100", market)
        for account in accounts:
            self.do(CreateAccount(account))
            self.do(Deposit(account, Decimal(money)))
            self.leverage(account, 20)

    def index(self, price: str, market: str = BTC) -> None:
        """The source's mark is its index."""
        self.do(FollowPrices(market, Decimal(price), Decimal(price), Decimal(0), NOON + HOUR))


def worth(venue: Scenario, *accounts: str) -> Decimal:
    return sum((venue.engine.account(name).total_account_value for name in accounts), Decimal(0))


def attempt(venue: Scenario, *order, **more) -> None:
    """Places an order if it may."""
    with suppress(Refused):
        venue.place(*order, **more)


def test_bids_far_over_the_mark_are_refused(venue):
    """Twenty bids of 0.01 at 1,000,000, sold into, made 196,899 of 20,000."""
    for _ in range(20):
        assert venue.refused(venue.order("mule", "buy", "0.01", "1000000")) == BEYOND
    assert venue.refused(venue.order("mule", "sell", "0.01", "66499")) == BEYOND
    assert venue.buy("mule", "0.01", "73500").status == "open"


def test_a_market_order_trades_up_to_the_band_and_no_further():
    venue = scene("rich", "thief", money="1000000")
    for price in ("73500", "73501"):
        venue.sell("thief", "0.01", price)
    for price in ("66501", "66499"):
        venue.buy("thief", "0.01", price)
    for side, price in (("buy", "73500"), ("sell", "66501")):
        order = venue.place("rich", side, "0.02")
        assert venue.fills("rich") == [(side, "0.01", price)]
        assert (order.status, order.filled_size) == ("closed", Decimal("0.01"))


def test_what_orders_could_lose_is_counted_for_all_of_them_together(venue):
    for _ in range(200):
        attempt(venue, "mule", "buy", "0.01", "73500")
    placed = len(venue.engine.open_orders("mule"))
    # Each takes 35 of margin, and 35 that it would lose at once.
    assert (placed, venue.free("mule")) == (142, 10_000 - 142 * 70)
    attempt(venue, "thief", "sell", "1.42")
    assert worth(venue, "mule", "thief") <= 20_000
    assert venue.of(Liquidated) == []


@pytest.mark.parametrize("price", ["2", "66500"])
def test_an_order_that_raises_no_margin_may_not_lose_it_either(venue, price):
    """An unrelated bid for 2 at 1, a thief's bid at 2, and a sale at market made 140,008 of 20,000."""
    attempt(venue, "mule", "buy", "2", "1")
    attempt(venue, "thief", "buy", "2", price)
    attempt(venue, "mule", "sell", "2")
    refusal = NO_MARGIN if price == "66500" else BEYOND
    assert venue.refused(venue.order("mule", "sell", "2", price)) == refusal
    assert worth(venue, "mule", "thief") == 20_000


def test_no_sale_goes_through_the_houses_quotes_to_a_thiefs_bid():
    """Two bids of 60 at half the mark, a thief's for 70 at 1, and a sale of 120 made 5,162,052 of 2,000,000."""
    venue = scene("mule", "thief", money="1000000")
    venue.quote([(str(69950 - 7 * n), "0.5") for n in range(120)], [(str(70050 + 7 * n), "0.5") for n in range(120)])
    for _ in range(2):
        attempt(venue, "mule", "buy", "60", "35000")
    attempt(venue, "thief", "buy", "70", "1")
    attempt(venue, "mule", "sell", "120")
    assert venue.fills("thief") == []
    venue.cancel_all("mule")
    venue.cancel_all("thief")
    venue.quote([("69950", "100")], [("70050", "100")])
    assert worth(venue, "mule", "thief") <= 2_000_000


@pytest.mark.parametrize("price", ["1", "66500"])
def test_a_reduce_only_order_gives_nothing_away_either(venue, price):
    """A long of 2, closed with a partner at 1 by a reduce-only order, made 139,972 of 20,000."""
    venue.sell("thief", "2", "70000")
    venue.buy("mule", "2")
    attempt(venue, "thief", "buy", "2", price)
    attempt(venue, "mule", "sell", "2", None, reduce_only=True)
    attempt(venue, "mule", "sell", "2", price, reduce_only=True)
    assert worth(venue, "mule", "thief") <= 20_000
    assert worth(venue, *HOUSE_ACCOUNTS) >= 0


def test_a_position_near_its_end_is_closed_as_far_as_its_money_goes(venue):
    """Within the band there is room for 5 % of loss, and 3 % are left."""
    venue.sell("thief", "2.8", "70000")
    venue.buy("mule", "2.8")
    venue.index("68600")
    left = worth(venue, "mule")
    assert left < 6_000
    attempt(venue, "thief", "buy", "2.8", "65200")
    attempt(venue, "mule", "sell", "2.8", reduce_only=True)
    assert venue.fills("mule") == []
    assert venue.refused(venue.order("mule", "sell", "2.8", "65200", reduce_only=True)) == NO_MARGIN
    attempt(venue, "thief", "buy", "2.8", "67500")
    assert venue.sell("mule", "2.8", reduce_only=True).filled_size == Decimal("2.8")
    assert worth(venue, *HOUSE_ACCOUNTS) >= 0


def test_a_liquidation_sells_to_no_strangers_bid_of_a_dollar(venue):
    """It took the victim's bitcoin at the house's cost of 60,986 dollars."""
    venue.sell("thief", "2.8", "70000")
    venue.buy("mule", "2.8")
    attempt(venue, "thief", "buy", "2.8", "1")
    venue.index("68000")
    assert [event.absorbed for event in venue.of(Liquidated)] == [0]
    assert worth(venue, *HOUSE_ACCOUNTS) >= 0
    assert venue.total("mule") > 4_000


def test_orders_that_the_mark_has_left_behind_are_withdrawn_before_they_cost_more_than_there_is(venue):
    """The price moves away from orders that rest, step by step; then an accomplice takes them."""
    for _ in range(28):
        venue.sell("mule", "0.1", "70000")
    for price in range(70_000, 80_000, 250):
        venue.index(str(price))
    assert venue.engine.open_orders("mule") == []
    attempt(venue, "thief", "buy", "2.8", "80000")
    assert worth(venue, "mule", "thief") == 20_000


def test_who_can_bear_the_orders_that_the_mark_has_left_behind_keeps_them(venue):
    order = venue.sell("mule", "0.1", "70000")
    venue.index("80000")
    assert venue.engine.open_orders("mule") == [order]
    # The margin at the new mark, and 1,000 that the order would lose.
    assert venue.free("mule") == 10_000 - 400 - 1_000


def test_orders_that_the_index_has_left_behind_are_withdrawn_while_the_mark_is_held():
    """At a mark of 100 they would have lost nothing; at the index, more than their account is worth."""
    venue = scene("mule", "ann", "bob", index="100")
    for size in ("1000", "900"):
        venue.buy("mule", size, "99")
    pin(venue, "ann", "bob")
    for index in range(1000, 946, -2):
        venue.index(str(Decimal(index) / 10))
        assert venue.engine.market(BTC).mark == 100
    assert venue.engine.open_orders("mule") != []
    venue.index("94.6")
    assert venue.engine.open_orders("mule") == []


def test_a_mark_that_accounts_have_walked_away_from_the_index_makes_nobody_rich():
    """In an empty book mid and last price are what accounts make them; the mark is between those, and the index."""
    venue = scene("mule", "thief", "ann", "bob", "late", index="100")
    venue.sell("mule", "100", "100")
    venue.buy("thief", "100")
    steps = range(102, 150, 4)
    for price in steps:
        venue.sell("ann", "0.1", str(price))
    for price in steps[:-1]:
        venue.buy("bob", "0.1")
        venue.buy("bob", "0.1", str(price + 2))
        assert venue.engine.market(BTC).mark == price
    attempt(venue, "thief", "sell", "1000", "145")
    # With 10,000 and leverage 20 there is margin for 1,388; at the index, all but 222 would be debt.
    for size in ("1000", "230"):
        assert venue.refused(venue.order("late", "buy", size, "145")) == NO_MARGIN
    assert venue.buy("late", "200", "145").filled_size == 200
    for account in ("ann", "bob", "mule", "thief", "late"):
        venue.cancel_all(account)
    assert venue.engine.market(BTC).mark == 100
    assert worth(venue, *HOUSE_ACCOUNTS) >= 0


def pin(venue: Scenario, *walkers: str, price: int = 100) -> None:
    """Holds the mark of BTC where it is, whatever the index does: last price, and mid, are what two accounts make."""
    first, second = walkers
    venue.sell(first, "0.1", str(price))
    venue.buy(second, "0.1")
    venue.buy(first, "0.1", str(price - 1))
    venue.sell(first, "0.1", str(price + 1))


def test_a_mark_that_is_held_while_the_index_moves_away_hides_no_debt():
    """Pinned at 100 while the index fell to 90, a long of 2,000 owed twice what it had when the mark was let go."""
    venue = scene("mule", "thief", "ann", "bob", index="100")
    for size in ("1000", "900"):
        venue.sell("mule", size, "100")
        venue.buy("thief", size)
    pin(venue, "ann", "bob")
    for index in range(1000, 899, -2):
        venue.index(str(Decimal(index) / 10))
        if index > 960:
            assert venue.engine.market(BTC).mark == 100
            assert venue.position("thief").size == 1900
        if not venue.position("thief").size:
            break
    assert not venue.position("thief").size
    venue.cancel_all("ann")
    # A step of the index is 0.2, of 1,900.
    assert worth(venue, *HOUSE_ACCOUNTS) >= -380


def test_what_a_liquidation_leaves_is_taken_over_at_no_better_price_than_the_index():
    """While the mark was held up, the house took a long over at it, and lost what the index was below."""
    venue = scene("mule", "thief", "ann", "bob", index="100")
    venue.sell("mule", "1000", "100")
    venue.buy("thief", "1000")
    venue.sell("mule", "950", "100")
    venue.buy("thief", "950")
    pin(venue, "ann", "bob")
    venue.index("95.5")
    assert venue.of(Liquidated) == []
    venue.cancel_all("ann")
    venue.index("95.5")
    venue.sell("ann", "0.1", "97")
    venue.buy("bob", "0.1")
    assert venue.position("thief").size == 0
    venue.cancel_all("ann")
    venue.index("95.5")
    assert worth(venue, *HOUSE_ACCOUNTS) >= 0


def test_a_liquidation_gives_nothing_away_for_what_only_the_mark_of_another_market_shows():
    """While a mark was held up, all else went to a partner's low bid, for which there seemed to be money."""
    venue = scene("mule", "thief", "ann", "bob", index="100", price_band=Decimal("0.25"))
    for market, size in ((BTC, "900"), (ETH, "1000")):
        venue.sell("thief", size, "100", market=market)
        venue.buy("mule", size, market=market)
    pin(venue, "ann", "bob")
    venue.index("91")
    assert venue.of(Liquidated) == []
    venue.buy("thief", "1000", "91", market=ETH)
    venue.index("96", ETH)
    assert ("sell", "1000", "91") not in venue.fills("mule")
    assert venue.position("thief", ETH).size == 1000
    assert worth(venue, *HOUSE_ACCOUNTS) >= -1000 * 4


def test_profit_that_only_the_mark_shows_is_no_margin_for_another_market():
    """Whoever holds the mark up is rich by it, and would gamble in another market with what is not there."""
    venue = scene("mule", "thief", "ann", "bob", index="100")
    venue.sell("mule", "1000", "100")
    venue.buy("thief", "1000")
    pin(venue, "ann", "bob")
    venue.index("90.2")
    assert worth(venue, "thief") > 9_000
    assert venue.refused(venue.order("thief", "buy", "100", "100", ETH)) == NO_MARGIN
    assert venue.refused(venue.order("thief", "buy", "100", None, ETH)) == NO_MARGIN


def test_orders_that_a_partner_reduces_away_are_not_counted_on():
    """Each of ten reduce-only asks covers the partner's whole long; whoever takes the first is through to the next."""
    venue = Scenario("mule", "thief", "ann", "bob", price_band=Decimal("0.25"))
    for account in ("mule", "thief", "ann", "bob"):
        venue.leverage(account, 20)
    venue.sell("bob", "100", "100")
    venue.buy("thief", "100")
    for _ in range(10):
        venue.sell("thief", "100", "100", reduce_only=True)
    venue.sell("ann", "1000", "125")
    for price in (None, "125"):
        assert venue.refused(venue.order("mule", "buy", "1000", price)) == NO_MARGIN
    assert venue.buy("mule", "100", "100").filled_size == 100


def test_an_order_in_a_halted_market_shields_no_position_from_liquidation():
    """With one resting order there, an account owed more and more in another market, and the house in the end."""
    venue = Following("mule", "thief")
    venue.sell("thief", "100", "100", market=ETH)
    venue.buy("mule", "100", market=ETH)
    order = venue.buy("mule", "1", "96", market=ETH)
    venue.sell("thief", "900", "100")
    venue.buy("mule", "900")
    venue.sell("thief", "800", "100")
    venue.buy("mule", "800")
    venue.do(Halt(ETH, True))
    venue.index("96.5")
    assert [event.absorbed for event in venue.of(Liquidated)] == [0]
    assert (venue.position("mule").size, venue.position("mule", ETH).size) == (0, 100)
    assert order.id not in [each.id for each in venue.engine.open_orders("mule")]
    assert worth(venue, "mule") > 0
    venue.index("50")
    assert venue.of(Liquidated) == []
    venue.do(Halt(ETH, False))
    venue.index("1", ETH)
    assert venue.position("mule", ETH).size == 0


def test_an_account_has_at_most_a_thousand_orders_in_a_market():
    venue = scene("ann", money="1000000000")
    for number in range(MAX_OPEN_ORDERS):
        venue.buy("ann", "0.001", str(60_000 + number))
    assert venue.refused(venue.order("ann", "buy", "0.001", "60000")) == (400, "Too many open orders")
    assert venue.buy("ann", "0.001", "60000", ioc=True).status == "closed"
    assert venue.buy("ann", "0.001", "100", market=ETH).status == "open"
    oldest = venue.engine.open_orders("ann", BTC)[0]
    replaced = venue.modify("ann", oldest, price="59999")
    assert venue.refused(venue.order("ann", "buy", "0.001", "60000")) == (400, "Too many open orders")
    venue.cancel("ann", replaced)
    assert venue.buy("ann", "0.001", "60000").status == "open"


class Schemers:
    """Four accounts that try whatever might make one of them rich, and a ruler that measures each command.

    A command may cost the house what the marks it passed through, or the indices, moved the price of what everyone
    holds, and what funding it pays; while they stand still, nothing. Beside that, all is counted exactly, by marks and
    by indices: whoever holds a mark away from its index makes nobody rich by it.

    :ivar how: "still": the indices stand, but trades may move marks; "moving": they do not, and time passes;
        "following": the prices are a source's, which falls silent now and then.
    """

    NAMES = ("ann", "bob", "cid", "dan")

    def __init__(self, seed: int, how: str):
        self.random = Random(seed)
        self.how = how
        band = {"price_band": Decimal("0.25")} if seed % 2 else {}
        if how == "following":
            self.venue: Scenario = Following(*self.NAMES, money="1000", **band)
        else:
            self.venue = scene(*self.NAMES, money="1000", index="100", **band)
            self.venue.index("100", ETH)
        for name in self.NAMES:
            if self.random.random() < 0.3:
                self.venue.hedge(name)
        self.moved = {BTC: Decimal(0), ETH: Decimal(0)}

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Around one command: nobody below nothing, and the house no poorer than the prices explain."""
        state = self.venue.engine._state
        refresh = state.refresh_mark

        def watch(market):
            before = market.mark
            refresh(market)
            self.moved[market.name] += abs(market.mark - before)

        state.refresh_mark = watch
        self.moved = dict.fromkeys(self.moved, Decimal(0))
        house, exposure, indices = self.house(), self.exposure(), self.indices()
        yield
        state.refresh_mark = refresh
        after = self.exposure()
        jumps = {name: abs(index - indices[name]) for name, index in self.indices().items()}
        paid = sum(event.payment for event in self.venue.of(FundingPaid) if event.account in HOUSE_ACCOUNTS)
        for by, moved in enumerate((self.moved, jumps)):
            allowed = sum(each * max(exposure[name], after[name]) for name, each in moved.items())
            assert self.house()[by] >= house[by] - allowed - max(0, paid)
        if self.how != "following" and not any(self.moved.values()) and not any(jumps.values()):
            assert [event.absorbed for event in self.venue.of(Liquidated) if event.absorbed] == []
        for name in self.NAMES:
            if not self.is_held_up(name):
                assert min(self.worths(name)) >= 0

    def house(self) -> list[Decimal]:
        """What the house is worth, less what accounts owe that cannot be closed yet."""
        owed = zip(*(self.worths(name) for name in self.NAMES))
        return [own + sum(min(0, each) for each in all_) for own, all_ in zip(self.worths(*HOUSE_ACCOUNTS), owed)]

    def worths(self, *accounts: str) -> tuple[Decimal, Decimal]:
        """What accounts are worth at the marks, and at the indices."""
        by_mark = worth(self.venue, *accounts)
        gain = Decimal(0)
        for name in accounts:
            for held in self.venue.engine.account(name).positions:
                market = self.venue.engine.market(held.market)
                gain += held.net_size * (market.index - market.mark)
        return by_mark, by_mark + gain

    def indices(self) -> dict[str, Decimal]:
        return {name: self.venue.engine.market(name).index for name in (BTC, ETH)}

    def halted(self) -> frozenset[str]:
        return frozenset(name for name in (BTC, ETH) if self.venue.engine.market(name).halted)

    def is_held_up(self, name: str) -> bool:
        """Whether it has a position in a halted market, which is closed later."""
        return any(held.size and held.market in self.halted() for held in self.venue.engine.account(name).positions)

    def exposure(self) -> dict[str, Decimal]:
        """What everyone holds, by market."""
        sizes = dict.fromkeys(self.moved, Decimal(0))
        for name in (*HOUSE_ACCOUNTS, *self.NAMES):
            for held in self.venue.engine.account(name).positions:
                sizes[held.market] += held.size
        return sizes

    def act(self) -> None:
        acts = [self.rest, self.take, self.give_away, self.give_away, self.give_away, self.modify, self.cancel]
        acts += [self.set_leverage, self.hold_the_mark, self.give_away_in_parts, self.close_with_a_partner]
        acts += [self.close_with_a_partner]
        if self.how != "still":
            acts += [self.set_index, self.squeeze, self.wait if self.how == "moving" else self.silence]
        self.random.choice(acts)()

    def do(self, command) -> None:
        with self.measured():
            self.venue.events = []
            with suppress(Refused):
                self.venue.do(command)

    def set_index(self) -> None:
        step = self.random.choice(["0.9", "0.97", "0.99", "0.995", "1.005", "1.01", "1.03", "1.1"])
        self.move_index(self.random.choice([BTC, ETH]), step)

    def move_index(self, market: str, step: str) -> None:
        if market in self.halted():
            return
        with self.measured():
            self.venue.index(str(round(self.venue.engine.market(market).index * Decimal(step), 2)), market)

    def wait(self) -> None:
        """An hour, after which funding is paid."""
        with self.measured():
            self.venue.wait(HOUR)

    def silence(self) -> None:
        """The source of ETH falls silent, or is heard again: then it tells its prices first."""
        halts = ETH not in self.halted()
        with self.measured():
            self.venue.do(Halt(ETH, halts))
            if not halts:
                self.venue.index(str(self.venue.engine.market(ETH).index), ETH)

    def set_leverage(self) -> None:
        with self.measured():
            self.venue.leverage(self.random.choice(self.NAMES), self.random.choice([1, 5, 20, 20, 20]))

    def hold_the_mark(self) -> None:
        """Two make mid and last price what the mark is, so that it stays when the index goes."""
        market, (first, second) = self.random.choice([BTC, ETH]), self.random.sample(self.NAMES, 2)
        mark = round(self.venue.engine.market(market).mark)
        for name, side, price in (
            (first, "sell", mark),
            (second, "buy", mark),
            (first, "buy", mark - 1),
            (first, "sell", mark + 1),
        ):
            self.do(self.order(name, side, "0.1", str(price), market))

    def price(self, market: str) -> str:
        far = self.random.choice(
            ["0.01", "0.76", "0.8", "0.95", "0.96", "0.99", "1", "1", "1.01", "1.04", "1.05", "1.2", "1.24"]
        )
        return str(max(1, round(self.venue.engine.market(market).mark * Decimal(far))))

    def size(self) -> str:
        return self.random.choice(["1", "5", "20", "100", "180", "195", "400"])

    def order(self, name: str, side: str, size: str, price: str | None, market: str):
        hedged = self.venue.engine.account(name).position_mode == "hedge"
        hold = self.random.choice(["long", "short"]) if hedged else None
        more = {"reduce_only": self.random.random() < 0.3, "ioc": bool(price) and self.random.random() < 0.2}
        return self.venue.order(name, side, size, price, market, position_side=hold, **more)

    def rest(self) -> None:
        market = self.random.choice([BTC, ETH])
        name, side = self.random.choice(self.NAMES), self.random.choice(["buy", "sell"])
        self.do(self.order(name, side, self.size(), self.price(market), market))

    def take(self) -> None:
        market, side = self.random.choice([BTC, ETH]), self.random.choice(["buy", "sell"])
        self.do(self.order(self.random.choice(self.NAMES), side, self.size(), None, market))

    def give_away(self) -> None:
        """One offers, the other takes, at a price that makes one of them rich."""
        market, (mule, thief) = self.random.choice([BTC, ETH]), self.random.choices(self.NAMES, k=2)
        size, price, side = self.size(), self.price(market), self.random.choice(["buy", "sell"])
        if self.random.random() < 0.5:
            size, side = self.closing(mule, market) or (size, side)
        self.do(self.order(mule, side, size, price, market))
        other = "sell" if side == "buy" else "buy"
        self.do(self.order(thief, other, size, self.random.choice([None, price]), market))

    def give_away_in_parts(self) -> None:
        """Many orders, each of which one could afford, and then somebody who takes all of them."""
        market, (mule, thief) = self.random.choice([BTC, ETH]), self.random.sample(self.NAMES, 2)
        side = self.random.choice(["buy", "sell"])
        mark = self.venue.engine.market(market).mark
        far = self.random.choice(["1.04", "1.2"])
        price = str(round(mark * Decimal(far) if side == "buy" else mark / Decimal(far)))
        self.venue.cancel_all(mule)
        for _ in range(12):
            self.do(self.order(mule, side, "15", price, market))
        self.do(self.order(thief, "sell" if side == "buy" else "buy", "180", None, market))

    def close_with_a_partner(self) -> None:
        """A partner bids for all that somebody holds, at a price that ruins them, and they sell."""
        if (found := self.left_alone_with_a_partner()) is None:
            return
        (name, held), price = found
        side = "sell" if held.net_size > 0 else "buy"
        hold = None if held.position_side == "net" else held.position_side
        reduces = self.random.random() < 0.5
        self.do(
            self.venue.order(
                name,
                side,
                str(held.size),
                self.random.choice([None, price]),
                held.market,
                position_side=hold,
                reduce_only=reduces,
            )
        )

    def squeeze(self) -> None:
        """The index moves against somebody for whose position there is but a partner's bid."""
        if (found := self.left_alone_with_a_partner()) is None:
            return
        (_, held), _ = found
        self.move_index(held.market, "0.965" if held.net_size > 0 else "1.035")

    def left_alone_with_a_partner(self):
        """Somebody with a position, and the price of the one order that is there, for all of it."""
        everyone = [(name, held) for name in self.NAMES for held in self.venue.engine.account(name).positions]
        candidates = [(name, held) for name, held in everyone if held.size and held.market not in self.halted()]
        if not candidates:
            return None
        name, held = max(candidates, key=lambda each: each[1].size)
        for each in self.NAMES:
            with self.measured():
                self.venue.cancel_all(each, market=held.market)
        far = Decimal(self.random.choice(["0.81", "0.955"]))
        mark, is_long = self.venue.engine.market(held.market).mark, held.net_size > 0
        price = str(round(mark * far if is_long else mark / far))
        for partner in self.random.sample(self.NAMES, len(self.NAMES)):
            if partner != name and not any(self.venue.book(held.market)):
                hedged = self.venue.engine.account(partner).position_mode == "hedge"
                hold = ("long" if is_long else "short") if hedged else None
                side = "buy" if is_long else "sell"
                self.do(self.venue.order(partner, side, str(held.size), price, held.market, position_side=hold))
        return (name, held), price

    def closing(self, name: str, market: str) -> tuple[str, str] | None:
        """The size and side that would close what it holds."""
        for held in self.venue.engine.account(name).positions:
            if held.market == market and held.size:
                return str(held.size), "sell" if held.net_size > 0 else "buy"
        return None

    def modify(self) -> None:
        orders = [order for name in self.NAMES for order in self.venue.engine.open_orders(name)]
        if orders:
            order = self.random.choice(orders)
            self.do(ModifyOrder(order.account, order.id, Decimal(self.price(order.market)), size=Decimal(self.size())))

    def cancel(self) -> None:
        with self.measured():
            self.venue.cancel_all(self.random.choice(self.NAMES))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", ["still", "moving", "following"])
def test_no_scheme_costs_the_house_more_than_what_prices_moved(seed, how):
    schemers = Schemers(seed, how)
    for _ in range(150):
        schemers.act()
