"""The simulated market: reproducible, alive, deep, and a place where a quoting strategy gets its fills."""

import itertools
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from math import log, sqrt
from statistics import fmean, pstdev

import pytest

from acme_exchange.engine import (
    Advance,
    BookChanged,
    CancelOrders,
    CreateAccount,
    Deposit,
    Engine,
    Filled,
    PlaceOrder,
    Requote,
    SetIndex,
    Traded,
)
from acme_exchange.engine.model.accounts import QUOTES, TAKES
from acme_exchange.market import MarketSimulation, default_markets
from acme_exchange.market.index import STEP, IndexWalk
from acme_exchange.market.liquidity import Quotes, Taker
from acme_exchange.market.simulation import LARGEST_TURN

SECOND = 1_000_000
NOW = 1_790_000_000 * SECOND
MARKETS = default_markets(NOW)
QUOTED = ["BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP", "BTC-1231"]


class Run:
    """A simulation that drives an engine."""

    def __init__(self, seed=7, markets=MARKETS, **more):
        self.engine = Engine([market.specification for market in markets])
        self.simulation = MarketSimulation(seed, markets, **more)
        self.now = NOW
        self.events = []
        self.tick(0)

    def tick(self, microseconds=STEP):
        """Lets the market do what it does, some time later."""
        self.now += microseconds
        for command in self.simulation.commands(self.now, self.engine.closed_markets()):
            self.do(command)

    def do(self, command):
        if self.engine.is_due(self.now):
            self.events += self.engine.apply(Advance(), self.now)
        self.events += self.engine.apply(command, self.now)

    def mid(self, market):
        view = self.engine.market(market)
        return (view.bid + view.ask) / 2


def commands(seed, steps, **more):
    simulation = MarketSimulation(seed, MARKETS, **more)
    return [list(simulation.commands(NOW + step * STEP)) for step in range(steps)]


def test_the_same_seed_gives_the_same_market():
    assert commands(7, 40) == commands(7, 40)


def test_another_seed_gives_another():
    assert commands(7, 10) != commands(8, 10)


def test_the_path_does_not_depend_on_how_often_one_asks():
    often, seldom = MarketSimulation(7, MARKETS), MarketSimulation(7, MARKETS)
    for time in range(0, 40 * STEP + 1, STEP // 5):
        last_often = list(often.commands(NOW + time))
    for time in range(0, 40 * STEP + 1, 4 * STEP):
        last_seldom = list(seldom.commands(NOW + time))

    def index(batch):
        return [command for command in batch if isinstance(command, SetIndex)]

    assert index(last_often) == index(last_seldom) != []


def test_each_batch_ends_by_letting_time_pass():
    simulation = MarketSimulation(7, MARKETS)
    assert list(simulation.commands(NOW))[-1] == Advance()
    assert list(simulation.commands(NOW + 1)) == [Advance()], "within one step nothing moves"
    assert list(simulation.commands(NOW - SECOND)) == [Advance()], "nor when the clock goes back"


def test_at_once_every_market_has_an_index_and_every_open_one_a_book():
    run = Run()
    for name in run.engine.market_names():
        assert run.engine.market(name).index is not None
    for name in QUOTED:
        bids, asks = run.engine.levels(name, 200)
        assert min(len(bids), len(asks)) >= 100


def test_books_stay_deep_tight_and_around_the_index():
    run = Run()
    for _ in range(240):
        run.tick()
        for name in QUOTED:
            bids, asks = run.engine.levels(name, 200)
            assert min(len(bids), len(asks)) >= 100
            index = run.engine.market(name).index
            assert bids[0][0] < index < asks[0][0]
            assert (asks[0][0] - bids[0][0]) / index < Decimal("0.002")


def test_a_large_order_leaves_a_hundred_levels_and_is_filled_up_again():
    run = Run()
    run.do(CreateAccount("whale"))
    run.do(Deposit("whale", Decimal(10_000_000)))
    run.do(PlaceOrder("whale", "BTC-PERP", "buy", "market", Decimal(3)))
    assert len(run.engine.levels("BTC-PERP", 200)[1]) >= 100
    run.tick()
    assert len(run.engine.levels("BTC-PERP", 200)[1]) == 120


def test_sizes_grow_with_the_distance_and_differ():
    run = Run()
    bids, _ = run.engine.levels("BTC-PERP", 120)
    sizes = [float(size) for _, size in bids]
    assert fmean(sizes[:10]) < fmean(sizes[30:60]) < fmean(sizes[60:])
    assert len(set(sizes)) > 60


def test_a_move_of_the_price_moves_few_levels():
    run = Run()
    run.events.clear()
    for _ in range(40):
        run.tick()
    changes = [len(e.bids) + len(e.asks) for e in run.events if isinstance(e, BookChanged) and e.market == "BTC-PERP"]
    assert changes and fmean(changes) < 40


def test_unchanged_quotes_are_the_very_same_command():
    quotes = [c for batch in commands(7, 40) for c in batch if isinstance(c, Requote) and c.market == "BTC-PERP"]
    assert any(one is other for one, other in itertools.pairwise(quotes))


def test_takers_take_small_amounts_on_both_sides_regularly():
    run = Run()
    run.events.clear()
    for _ in range(4 * 120):
        run.tick()
    for name in QUOTED:
        takes = {e.id: e for e in run.events if isinstance(e, Traded) and e.market == name}
        times = {e.time for e in takes.values()}
        sides = Counter(e.side for e in takes.values())
        assert 40 <= len(times) <= 130, "one each 1 to 3 seconds"
        assert min(sides.values()) > 0.25 * sum(sides.values())
        assert max(e.price * e.size for e in takes.values()) < 25_000


def test_the_house_trades_from_two_accounts():
    run = Run()
    for _ in range(40):
        run.tick()
    fills = [e for e in run.events if isinstance(e, Filled)]
    assert {(e.account, e.liquidity) for e in fills} == {(QUOTES, "maker"), (TAKES, "taker")}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("market", ["BTC-PERP", "XRP-PERP"])
def test_a_strategy_that_quotes_inside_the_spread_is_filled_on_both_sides(seed, market):
    """0.05 % off the mid on both sides, renewed every 3 s: over 5 minutes, a fill a side in nearly every 30 s."""
    run = Run(seed, [definition for definition in MARKETS if definition.specification.name == market])
    run.do(CreateAccount("bot"))
    run.do(Deposit("bot", Decimal(100_000)))
    increment = run.engine.market(market).price_increment
    size = Decimal("0.01") if market == "BTC-PERP" else Decimal(500)
    run.events.clear()
    for step in range(4 * 300):
        run.tick()
        if step % 12 == 0:
            run.do(CancelOrders("bot"))
            for side, factor in (("buy", Decimal("0.9995")), ("sell", Decimal("1.0005"))):
                price = run.mid(market) * factor // increment * increment
                run.do(PlaceOrder("bot", market, side, "limit", size, price, post_only=True))
    fills = [e for e in run.events if isinstance(e, Filled) and e.account == "bot"]
    for side in ("buy", "sell"):
        windows = {(e.time - NOW) // (30 * SECOND) for e in fills if e.side == side}
        assert len(windows) >= 9
    assert {e.liquidity for e in fills} == {"maker"}


def test_no_fill_leaves_less_of_an_order_than_may_rest():
    """A position of less could be closed by no order that waits, and `perpetual_market_making` would wait for ever."""
    run = Run()
    run.do(CreateAccount("bot"))
    run.do(Deposit("bot", Decimal(100_000)))
    run.events.clear()
    for step in range(4 * 60):
        run.tick()
        if step % 4 == 0:
            run.do(CancelOrders("bot"))
            for name in QUOTED:
                market = run.engine.market(name)
                price = run.mid(name) // market.price_increment * market.price_increment
                run.do(PlaceOrder("bot", name, "sell", "limit", 97 * market.min_provide_size, price))
    fills = [e for e in run.events if isinstance(e, Filled)]
    assert {e.account for e in fills} == {"bot", QUOTES, TAKES}
    for fill in fills:
        assert fill.size % run.engine.market(fill.market).min_provide_size == 0


def test_a_take_of_the_largest_size_is_whole_minimum_sizes_too():
    (market,) = (each for each in MARKETS if each.specification.name == "BTC-PERP")
    small = replace(market.specification, min_provide_size=Decimal("0.002"), max_size=Decimal("0.005"))
    taker = Taker(7, replace(market, specification=small), speed=1000.0)
    assert {taker.draw(65_000.0, 0.0)[1] for _ in range(200)} == {Decimal("0.002"), Decimal("0.004")}


def test_a_price_that_is_too_good_is_taken_wherever_it_rests():
    run = Run()
    run.do(CreateAccount("bot"))
    run.do(Deposit("bot", Decimal(100_000)))
    run.do(PlaceOrder("bot", "ETH-PERP", "sell", "limit", Decimal("0.5"), run.mid("ETH-PERP") // 1 + 1))
    for _ in range(4 * 30):
        run.tick()
    assert run.engine.open_orders("bot") == []


def test_without_liquidity_there_is_an_index_and_nothing_else():
    run = Run(liquidity=False)
    for _ in range(40):
        run.tick()
    assert run.engine.levels("BTC-PERP", 10) == ([], [])
    assert run.engine.market("BTC-PERP").last is None
    assert run.engine.market("BTC-PERP").mark == run.engine.market("BTC-PERP").index != 65000


def test_the_index_is_the_same_with_and_without_liquidity():
    def index(**more):
        return [c for batch in commands(7, 40, **more) for c in batch if isinstance(c, SetIndex)]

    assert index() == index(liquidity=False)


def test_markets_of_one_underlying_share_their_index():
    run = Run()
    for _ in range(10):
        run.tick()
    assert len({run.engine.market(name).index for name in ("BTC-PERP", "BTC-1231", "BTC/USD")}) == 1


def test_closed_markets_are_left_alone_but_for_their_index():
    simulation = MarketSimulation(7, MARKETS)
    batches = [list(simulation.commands(NOW + step * STEP, {"BTC-PERP"})) for step in range(40)]
    kinds = {type(c) for batch in batches for c in batch if not isinstance(c, Advance) and c.market == "BTC-PERP"}
    assert kinds == {SetIndex}


def test_a_pause_is_made_up_for_within_reason():
    run = Run()
    run.events.clear()
    run.tick(24 * 3600 * SECOND)
    assert len([e for e in run.events if isinstance(e, Traded) and e.market == "BTC-PERP"]) < 20
    assert min(map(len, run.engine.levels("BTC-PERP", 200))) >= 100


def test_it_goes_on_from_given_prices():
    run = Run(prices={"BTC-PERP": Decimal("12345.67"), "ETH-PERP": Decimal("1111.1")})
    assert run.engine.market("BTC-PERP").index == Decimal("12345.67")
    assert run.engine.market("BTC/USD").index == Decimal("12345.67")
    assert run.engine.market("ETH-PERP").index == Decimal("1111.1")
    assert run.engine.market("SOL-PERP").index == 150


def returns(walk, steps):
    prices = []
    for _ in range(steps):
        walk.step()
        prices.append(walk.price)
    return [log(after / before) for before, after in itertools.pairwise(prices)]


def test_the_walk_has_the_volatility_that_it_was_given():
    moves = returns(IndexWalk("any", 100.0, 100.0, 0.8), 100_000)
    a_year = sqrt(365.25 * 86_400 * SECOND / STEP)
    assert 0.7 < pstdev(moves) * a_year < 0.9


def test_large_moves_come_together():
    sizes = [abs(move) for move in returns(IndexWalk("any", 100.0, 100.0, 0.8), 100_000)]
    mean, variance = fmean(sizes), pstdev(sizes) ** 2
    together = fmean((one - mean) * (other - mean) for one, other in itertools.pairwise(sizes)) / variance
    assert together > 0.03, "a walk without clusters has 0 ± 0.006 here"


def test_the_price_comes_back_to_its_anchor():
    walk = IndexWalk("any", 200.0, 100.0, 0.01)
    for _ in range(2 * 86_400 * SECOND // STEP):
        walk.step()
    assert 139 < walk.price < 144, "half of the logarithmic distance in two days"


def many_markets(count):
    bitcoin = MARKETS[0]
    return [
        replace(bitcoin, specification=replace(bitcoin.specification, name=f"C{number}-PERP", underlying=f"C{number}"))
        for number in range(count)
    ]


def moved(batch):
    return {command.market for command in batch if isinstance(command, SetIndex)}


def test_of_many_markets_each_has_its_turn_and_those_that_are_watched_have_every_one():
    markets = many_markets(50)
    simulation = MarketSimulation(7, markets)
    assert len(moved(simulation.commands(NOW))) == 50, "at once, every market has an index"
    steps = [moved(simulation.commands(NOW + step * STEP, watched={"C49-PERP"})) for step in range(1, 5)]
    assert all("C49-PERP" in step and len(step) <= LARGEST_TURN + 1 for step in steps)
    assert len(set().union(*steps)) == 50


def test_a_market_that_waited_for_its_turn_is_where_it_would_have_been():
    def last_index(count):
        simulation = MarketSimulation(7, many_markets(count))
        batches = [list(simulation.commands(NOW + step * STEP, watched={"C0-PERP"})) for step in range(41)]
        return [c.price for batch in batches for c in batch if isinstance(c, SetIndex) and c.market == "C30-PERP"][-1]

    assert last_index(31) in index_path("C30-PERP", 41)


def index_path(market, steps):
    simulation = MarketSimulation(7, many_markets(50))
    batches = [list(simulation.commands(NOW + step * STEP, watched={market})) for step in range(steps)]
    return [c.price for batch in batches for c in batch if isinstance(c, SetIndex) and c.market == market]


def test_a_faster_market_is_the_more_volatile_and_its_takers_come_more_often():
    assert (
        7
        < pstdev(returns(IndexWalk("any", 100.0, 100.0, 0.8, 100.0), 20_000))
        / pstdev(returns(IndexWalk("any", 100.0, 100.0, 0.8), 20_000))
        < 13
    )

    def takes(speed):
        batches = commands(7, 80, speed=speed)
        return len([c for batch in batches for c in batch if isinstance(c, PlaceOrder)])

    assert 2 < takes(4.0) / takes(1.0) < 6
    assert takes(1000.0) < 80 * len(MARKETS)


def test_quotes_that_have_followed_a_price_far_are_those_of_a_market_that_begins_there():
    market = default_markets(0)[0]
    followed = Quotes("seed", market)
    for step in range(40):
        index = market.start_price * (Decimal("0.6") + step * Decimal("0.02"))
        assert followed.requote(index) == Quotes("seed", market).requote(index)
