"""A market that follows a real one: queue, trades, taken liquidity, prices, and silence."""

import gzip
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from acme_exchange.engine import (
    Advance,
    CreateAccount,
    Delist,
    Deposit,
    Engine,
    FollowFunding,
    FollowPrices,
    Halt,
    MirrorBook,
    MirrorTrade,
    Refused,
    events,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS
from acme_exchange.engine.model.money import EXACT
from test.acme_exchange.engine.scenario import BTC, HOUR, NOON, Scenario, plain, specification
from test.thoroughness import examples

RECORDING = Path(__file__).parents[2] / "recordings" / "binance-usdm-2024-08-08" / "btcusdt-first-8-s.jsonl.gz"
DUE = NOON + HOUR // 2


class Followed(Scenario):
    """One market that follows `binance_perpetual`, mark and index 100, and accounts."""

    def __init__(self, *accounts: str, money: str = "10000", power: int | None = None, **changes):
        self.engine = Engine([specification(BTC, source="binance_perpetual", **changes)])
        self.now, self.events, self.power, self.frame = NOON, [], power, NOON
        self.do(Halt(BTC, False))
        self.prices("100")
        self._open(accounts, money)

    def _open(self, accounts, money):
        for account in accounts:
            self.do(CreateAccount(account))
            self.do(Deposit(account, Decimal(money)))

    def prices(self, mark: str, index: str | None = None, rate: str = "0.0001", due: int = DUE) -> None:
        self.do(FollowPrices(BTC, Decimal(mark), Decimal(index or mark), Decimal(rate), due))

    def mirror(self, bids=(), asks=(), whole=False) -> None:
        self.frame += 1000
        rows = [tuple((Decimal(p), Decimal(s)) for p, s in side) for side in (bids, asks)]
        self.do(MirrorBook(BTC, *rows, self.frame, whole, self.power))

    def trade(self, side: str, price: str, size: str, later: int = 500) -> None:
        self.do(MirrorTrade(BTC, side, Decimal(price), Decimal(size), self.frame + later))

    def published(self) -> list[tuple[str, str, str]]:
        return [(each.side, plain(each.size), plain(each.price)) for each in self.of(events.Traded)]


@pytest.fixture
def venue() -> Followed:
    return Followed("alice", "bob")


# ------------------------------------------------------------------------------------------------------------ the queue


def test_the_worked_example(venue):
    """100 ahead, sells of 80, 30, 50: fills of 0, 10, 40."""
    venue.mirror(bids=[("99", "100")])
    venue.buy("alice", "50", "99")
    filled = []
    for size in ("80", "30", "50"):
        venue.trade("sell", "99", size)
        filled.append(venue.fills("alice"))
    assert filled == [[], [("buy", "10", "99")], [("buy", "40", "99")]]


def test_what_is_added_queues_behind_and_what_cancels_goes_from_behind_first(venue):
    venue.mirror(bids=[("99", "10")])
    venue.buy("alice", "5", "99")
    venue.mirror(bids=[("99", "30")])
    assert venue.book()[0] == {"99": "35"}
    venue.mirror(bids=[("99", "10")])
    venue.trade("sell", "99", "10")
    assert venue.fills("alice") == []
    venue.trade("sell", "99", "1")
    assert venue.fills("alice") == [("buy", "1", "99")]


def test_a_cancellation_reaches_what_stands_before_only_when_nothing_is_left_behind(venue):
    venue.mirror(bids=[("99", "10")])
    venue.buy("alice", "5", "99")
    venue.mirror(bids=[("99", "4")])
    venue.trade("sell", "99", "5")
    assert venue.fills("alice") == [("buy", "1", "99")]


def test_by_probability_a_cancellation_is_split_before_and_behind():
    venue = Followed("alice", power=1)
    venue.mirror(bids=[("99", "30")])
    venue.buy("alice", "5", "99")
    venue.mirror(bids=[("99", "40")])
    # 30 before, 10 behind: of 8 cancellations 30/40 before.
    venue.mirror(bids=[("99", "32")])
    venue.trade("sell", "99", "25")
    assert venue.fills("alice") == [("buy", "1", "99")]


def test_a_level_that_grows_by_one_does_not_bring_an_order_to_the_front(venue):
    venue.mirror(bids=[("99", "100")])
    venue.buy("alice", "1", "99")
    venue.mirror(bids=[("99", "101")])
    venue.trade("sell", "99", "1")
    assert venue.fills("alice") == []


# --------------------------------------------------------------------------------------------------------------- trades


def test_orders_at_better_prices_come_first_and_never_more_is_filled_than_was_traded(venue):
    venue.mirror(bids=[("98", "3")], asks=[("101", "9")])
    venue.buy("alice", "2", "99")
    venue.buy("bob", "4", "98")
    venue.trade("sell", "98", "6")
    assert venue.fills("alice") == [("buy", "2", "99")]
    assert venue.fills("bob") == [("buy", "1", "98")]
    assert venue.published() == [("sell", "2", "99"), ("sell", "1", "98"), ("sell", "3", "98")]


def test_a_trade_without_accounts_moves_no_position_and_is_published_once(venue):
    venue.mirror(bids=[("99", "10")])
    venue.trade("sell", "99", "4")
    assert venue.published() == [("sell", "4", "99")]
    assert venue.of(events.Filled) == []
    assert venue.book()[0] == {"99": "6"}
    assert venue.engine.market(BTC).last == 99


def test_a_trade_that_the_last_frame_shows_already_only_moves_the_queue_on(venue):
    venue.mirror(bids=[("99", "10")])
    venue.buy("alice", "5", "99")
    venue.mirror(bids=[("99", "6")])
    venue.trade("sell", "99", "4", later=0)
    assert venue.fills("alice") == [] and venue.book()[0] == {"99": "11"}
    venue.trade("sell", "99", "3")
    assert venue.fills("alice") == [("buy", "1", "99")]


def test_what_accounts_take_stays_taken_until_the_level_leaves(venue):
    venue.mirror(asks=[("101", "10")])
    assert venue.buy("alice", "8", "101").status == "closed"
    assert venue.book()[1] == {"101": "2"}
    venue.mirror(asks=[("101", "10")])
    assert venue.book()[1] == {"101": "2"}
    venue.mirror(asks=[("101", "12")])
    assert venue.book()[1] == {"101": "4"}
    venue.mirror(asks=[("101", "0")])
    venue.mirror(asks=[("101", "10")])
    assert venue.book()[1] == {"101": "10"}


def test_a_new_level_that_meets_an_order_fills_it_as_a_maker_as_far_as_displayed(venue):
    venue.mirror(bids=[("98", "1")], asks=[("103", "5")])
    venue.buy("alice", "7", "100")
    venue.mirror(asks=[("99", "3")])
    assert venue.fills("alice") == [("buy", "3", "100")]
    assert venue.of(events.Filled)[0].liquidity == "maker"
    assert venue.book() == ({"100": "4", "98": "1"}, {"103": "5"})
    venue.mirror(asks=[("99", "3")])
    assert venue.fills("alice") == []
    venue.mirror(asks=[("99", "5")])
    assert venue.fills("alice") == [("buy", "2", "100")]


def test_a_level_that_a_newer_one_crosses_is_gone(venue):
    venue.mirror(bids=[("99", "5"), ("98", "2")])
    venue.mirror(asks=[("99", "4")])
    assert venue.book() == ({"98": "2"}, {"99": "4"})


def test_an_account_s_taker_walks_what_rests(venue):
    venue.mirror(asks=[("101", "2"), ("102", "3")])
    venue.buy("alice", "4")
    assert venue.fills("alice") == [("buy", "2", "101"), ("buy", "2", "102")]


# --------------------------------------------------------------------------------------------------- prices and silence


def test_mark_index_and_funding_are_the_source_s(venue):
    venue.mirror(bids=[("90", "50")], asks=[("110", "50")])
    venue.prices("104", "103", "0.001")
    market, future = venue.engine.market(BTC), venue.engine.future(BTC)
    assert (market.mark, market.index) == (104, 103)
    assert (future.next_funding_rate, future.next_funding_time) == (Decimal("0.001"), DUE)
    venue.buy("alice", "2")
    assert venue.engine.market(BTC).mark == 104
    venue.now = DUE
    venue.catch_up()
    fee, funding = 220 * Decimal("0.0005"), 2 * 104 * Decimal("0.001")
    assert venue.total("alice") == 10_000 - fee - funding
    venue.prices("104", "103", "0.002")
    assert venue.engine.future(BTC).next_funding_time == DUE + 8 * HOUR
    venue.prices("104", "103", "0.002", DUE + HOUR)
    assert venue.engine.future(BTC).next_funding_time == DUE + HOUR


def test_a_halted_market_keeps_orders_takes_none_cancels_them_and_freezes_the_mark(venue):
    venue.mirror(bids=[("99", "5")], asks=[("101", "5")])
    order = venue.buy("alice", "1", "98")
    venue.do(Halt(BTC, True))
    assert venue.book() == ({"98": "1"}, {})
    assert venue.refused(venue.order("bob", "buy", "1", "98")) == (400, "Market is halted")
    assert venue.refused(FollowPrices(BTC, Decimal(50), Decimal(50), Decimal(0), DUE)) == (400, "Market is halted")
    assert venue.refused(MirrorTrade(BTC, "sell", Decimal(98), Decimal(1), NOON)) == (400, "Market is halted")
    assert venue.engine.market(BTC).mark == 100
    venue.cancel("alice", order)
    assert venue.book() == ({}, {})


def test_back_again_the_book_comes_first_and_what_was_passed_fills_at_its_price(venue):
    venue.mirror(bids=[("99", "5")], asks=[("101", "5")])
    venue.buy("bob", "2", "101")
    venue.buy("alice", "4", "98")
    venue.do(Halt(BTC, True))
    venue.do(Halt(BTC, False))
    venue.prices("97")
    venue.mirror(bids=[("95", "5")], asks=[("96", "3"), ("101", "5")], whole=True)
    assert venue.fills("alice") == [("buy", "3", "98")]
    # What bob had taken of 101 is still taken.
    assert venue.book() == ({"98": "1", "95": "5"}, {"101": "3"})


def test_funding_that_was_due_meanwhile_is_paid_on_return_at_the_last_known_rate(venue):
    venue.mirror(asks=[("100", "5")])
    venue.buy("alice", "5", "100")
    before = venue.total("alice")
    venue.prices("100", rate="0.002")
    venue.do(Halt(BTC, True))
    venue.now = DUE + 60_000_000
    venue.catch_up()
    assert venue.total("alice") == before
    venue.do(Halt(BTC, False))
    venue.prices("100", rate="0.009", due=DUE + 8 * HOUR)
    assert venue.total("alice") == before - 5 * 100 * Decimal("0.002")


def test_what_the_source_has_paid_meanwhile_is_paid_on_return(venue):
    venue.mirror([("99", "5")], [("100", "5")])
    venue.place("alice", "buy", "1")
    venue.do(Halt(BTC, True))
    venue.now = DUE + HOUR
    venue.do(FollowFunding(BTC, Decimal("0.003"), DUE - HOUR // 2))
    venue.do(FollowFunding(BTC, Decimal("0.002"), DUE + 40_000))
    venue.do(Halt(BTC, False))
    venue.do(Advance())
    assert [(each.rate, each.time) for each in venue.of(events.FundingSettled)] == [(Decimal("0.002"), DUE)]
    for command in (FollowFunding(BTC, Decimal(1), DUE), FollowFunding(BTC, Decimal("NaN"), DUE)):
        assert venue.refused(command) == (400, "Invalid parameter rate")


def test_nobody_is_liquidated_while_the_source_is_silent():
    venue = Followed("alice", money="60")
    venue.mirror(bids=[("99", "50")], asks=[("100", "50")])
    venue.leverage("alice", 20)
    venue.buy("alice", "10")
    venue.do(Halt(BTC, True))
    venue.do(Halt(BTC, False))
    venue.prices("94")
    assert venue.of(events.Liquidated)


def test_a_market_that_is_taken_away_closes_positions_at_the_last_index(venue):
    venue.mirror(asks=[("100", "5")])
    venue.buy("alice", "5", "100")
    venue.prices("108", "107")
    venue.do(Delist(BTC))
    settled = venue.of(events.Settled)
    assert ("alice", Decimal(35)) in [(each.account, each.profit) for each in settled]
    assert venue.refused(venue.order("bob", "buy", "1", "98"))[0] == 400


def test_after_a_restart_it_is_halted_and_orders_and_funding_are_as_they_were(venue):
    venue.mirror(bids=[("99", "5")], asks=[("101", "5")])
    venue.buy("alice", "1", "98")
    restored = Engine.restore(venue.engine.snapshot())
    assert restored.market(BTC).halted
    assert restored.levels(BTC, 9) == ([(Decimal(98), Decimal(1))], [])
    assert restored.future(BTC) is not None and restored.market(BTC).mark == 100
    assert restored.future(BTC).next_funding_time == DUE


@pytest.mark.parametrize(
    "price, size",
    [("100.05", "1"), ("-100", "1"), ("0", "1"), ("NaN", "1"), ("Infinity", "1"), ("1e15", "1"), ("1e-400", "1"),
     ("100", "-1"), ("100", "NaN"), ("100", "sNaN"), ("100", "Infinity"), ("100", "1e15"), ("100", "0.0000001")],
)  # fmt: skip
def test_what_is_no_level_is_refused_whole(venue, price, size):
    venue.mirror([("99", "5")], [("101", "5")])
    before = venue.engine.snapshot(), venue.engine.levels(BTC, 9)
    row = Decimal(price), Decimal(size)
    good = Decimal("98.5"), Decimal(1)
    for command in (
        MirrorBook(BTC, (good, row), (), NOON + 1), MirrorBook(BTC, (good,), (row,), NOON + 1),
        MirrorTrade(BTC, "buy", *row, NOON + 1),
    ):  # fmt: skip
        assert venue.refused(command)[0] == 400
    assert (venue.engine.snapshot(), venue.engine.levels(BTC, 9)) == before


def test_superfluous_noughts_change_nothing(venue):
    noughts = "0" * 50
    venue.mirror([(f"99.0{noughts}", f"5.{noughts}")], [("101", "5")])
    venue.place("alice", "buy", "1", "99")
    venue.mirror([("99", "7.000")])
    venue.trade("sell", f"99.0{noughts}", f"6.{noughts}")
    assert [(str(trade.price), str(trade.size)) for trade in venue.of(events.Traded)] == [
        ("99.0", "1.0"),
        ("99.0", "5.0"),
    ]
    assert str(venue.engine.levels(BTC, 1)[0][0][1]) == "1.0"
    venue.mirror([("99", f"0.{noughts}")])
    assert venue.engine.levels(BTC, 1)[0] == []


def test_of_a_price_that_a_frame_names_twice_the_last_counts(venue):
    venue.mirror([("99", "5"), ("99.0", "0"), ("98", "1"), ("98", "4")], [("101", "0"), ("101", "3")])
    assert venue.engine.levels(BTC, 9) == ([(98, 4)], [(101, 3)])


def test_a_market_of_the_venue_s_own_follows_nothing():
    scenario = Scenario("alice")
    for command in (Halt(BTC, True), MirrorBook(BTC, (), (), 0), Delist(BTC)):
        assert scenario.refused(command) == (400, "Invalid parameter market")


# ----------------------------------------------------------------------------------------------------------- properties

PRICE, SIZE = st.integers(95, 105), st.integers(0, 12)
STEP = st.one_of(
    st.tuples(st.just("book"), st.lists(st.tuples(st.sampled_from(["bid", "ask"]), PRICE, SIZE), max_size=4)),
    st.tuples(st.just("trade"), st.sampled_from(["buy", "sell"]), PRICE, st.integers(1, 15), st.booleans()),
    st.tuples(st.just("order"), st.sampled_from(["alice", "bob"]), st.sampled_from(["buy", "sell"]), PRICE, SIZE),
    st.tuples(st.just("cancel"), st.sampled_from(["alice", "bob"])),
    st.tuples(st.just("halt")),
)


def do(venue: Followed, step: tuple) -> None:
    kind, *rest = step
    if kind == "book":
        rows = {side: {p: s for which, p, s in rest[0] if which == side} for side in ("bid", "ask")}
        venue.mirror(*([(str(p), str(s)) for p, s in rows[side].items()] for side in ("bid", "ask")))
    elif kind == "trade":
        side, price, size, is_late = rest
        venue.trade(side, str(price), str(size), later=0 if is_late else 500)
    elif kind == "order":
        account, side, price, size = rest
        venue.place(account, side, str(max(1, size)), str(price))
    elif kind == "cancel":
        venue.cancel_all(rest[0])
    else:
        venue.do(Halt(BTC, True))
        venue.do(Halt(BTC, False))


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=30), st.sampled_from([None, 1, 3]))
def test_what_rests_is_what_is_displayed_and_not_taken_and_all_money_is_the_deposits(steps, power):
    venue = Followed("alice", "bob", money="100000", power=power)
    for step in steps:
        before = _ahead(venue)
        try:
            do(venue, step)
        except Refused:
            continue
        _check_levels(venue)
        if step[0] == "trade":
            _check_trade(venue, step)
        if step[0] == "book":
            _check_crossing(venue, step)
        _check_ahead(before, _ahead(venue))
        bid, ask = venue.engine.market(BTC).bid, venue.engine.market(BTC).ask
        assert bid is None or ask is None or bid < ask
    worth = sum((account.cash for account in venue.engine._state.accounts.values()), Decimal(0))
    held = [h for account in venue.engine._state.accounts.values() for h in account.holdings.values()]
    assert sum(h.size for h in held) == 0
    assert EXACT.subtract(worth, sum((h.cost for h in held), Decimal(0))) == 200_000


def _levels(venue: Followed):
    return [
        (side, level)
        for side, levels in venue.engine._state.markets[BTC].mirror.levels.items()
        for level in levels.values()
    ]


def _check_levels(venue: Followed) -> None:
    resting = defaultdict(Decimal)
    for side in (venue.engine._state.markets[BTC].book.bids, venue.engine._state.markets[BTC].book.asks):
        for order in side.orders():
            if order.mirrored:
                resting[order.side, order.price] += order.remaining
    for side, level in _levels(venue):
        assert level.rest == sum(segment.remaining for segment in level.segments)
        assert level.rest == max(0, level.displayed - level.taken) == resting.pop((side, level.price), 0)
    assert not resting


def _ahead(venue: Followed) -> dict[int, Decimal]:
    """What of the source's stands before each account's order."""
    ahead = {}
    book = venue.engine._state.markets[BTC].book
    for side in (book.bids, book.asks):
        for level in side._levels.values():
            before = Decimal(0)
            for order in level.orders.values():
                if order.mirrored:
                    before += order.remaining
                else:
                    ahead[order.id] = before
    return ahead


def _check_ahead(before: dict[int, Decimal], after: dict[int, Decimal]) -> None:
    for order, ahead in after.items():
        assert ahead <= before.get(order, ahead)


def _check_trade(venue: Followed, step: tuple) -> None:
    _, _, price, size, _ = step
    fills = [fill for fill in venue.of(events.Filled) if fill.account not in HOUSE_ACCOUNTS]
    assert sum(fill.size for fill in fills) <= size
    assert all(fill.price >= price if fill.side == "buy" else fill.price <= price for fill in fills)
    assert sum(trade.size for trade in venue.of(events.Traded)) == size


def _check_crossing(venue: Followed, step: tuple) -> None:
    """What a frame fills is at most what it displays across the orders, and they are its makers."""
    displayed = {(side, price): size for side, price, size in step[1]}
    for side, against in (("buy", "ask"), ("sell", "bid")):
        fills = [fill for fill in venue.of(events.Filled) if fill.side == side and fill.account not in HOUSE_ACCOUNTS]
        reached = max((fill.price if side == "buy" else -fill.price for fill in fills), default=None)
        crossing = [
            size for (which, price), size in displayed.items()
            if which == against and reached is not None and (price if side == "buy" else -price) <= reached
        ]  # fmt: skip
        assert sum(fill.size for fill in fills) <= sum(crossing)
        assert all(fill.liquidity == "maker" for fill in fills)


# ---------------------------------------------------------------------------------------------------------- a recording


def test_after_all_recorded_frames_the_book_is_the_source_s_and_a_second_run_gives_the_same_events():
    first, second = _recorded_run(), _recorded_run()
    assert repr(first[0]) == repr(second[0]) and len(first[0]) > 1_000
    engine, reference = first[1], first[2]
    for side, levels in zip(("b", "a"), engine.levels(BTC, 10_000), strict=True):
        assert dict(levels) == {p: s for p, s in reference[side].items() if s}
        assert len(levels) > 500


def _recorded_run():
    engine = Engine([
        specification(
            BTC, source="binance_perpetual", price_increment=Decimal("0.1"), size_increment=Decimal("0.001"),
            min_provide_size=Decimal("0.001"),
        )
    ])  # fmt: skip
    found = [
        *engine.apply(Halt(BTC, False), NOON),
        *engine.apply(FollowPrices(BTC, Decimal("61800.2"), Decimal("61800.2"), Decimal("0.0001"), DUE), NOON),
    ]
    reference, begun = {"b": {}, "a": {}}, 0
    with gzip.open(RECORDING, "rt") as file:
        frames = [json.loads(line.partition(" ")[2]) for line in file]
    for frame in frames:
        data = frame.get("data", frame)
        if "lastUpdateId" in data:
            begun = data["lastUpdateId"]
            rows = [tuple((Decimal(p), Decimal(s)) for p, s in data[name]) for name in ("bids", "asks")]
            found += engine.apply(MirrorBook(BTC, *rows, data["T"], whole=True), NOON)
            reference["b"], reference["a"] = map(dict, rows)
        elif begun and data["e"] == "depthUpdate" and data["u"] > begun:
            rows = [tuple((Decimal(p), Decimal(s)) for p, s in data[name]) for name in ("b", "a")]
            found += engine.apply(MirrorBook(BTC, *rows, data["T"]), NOON)
            for side, changed in zip("ba", rows, strict=True):
                reference[side].update(changed)
        elif begun and data["e"] == "trade":
            side = "sell" if data["m"] else "buy"
            trade = MirrorTrade(BTC, side, Decimal(data["p"]), Decimal(data["q"]), data["T"])
            found += engine.apply(trade, NOON)
    # The last trades are of after the last frame: what they took is not in it.
    last = max(frame["data"]["T"] for frame in frames if frame.get("data", {}).get("e") == "depthUpdate")
    for frame in frames:
        data = frame.get("data", {})
        if data.get("e") == "trade" and data["T"] > last:
            side = reference["b" if data["m"] else "a"]
            side[Decimal(data["p"])] = max(Decimal(0), side.get(Decimal(data["p"]), Decimal(0)) - Decimal(data["q"]))
    return found, engine, reference
