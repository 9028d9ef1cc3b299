"""Price, then time; what each kind of order does with what it does not match (Acme API §8, matching)."""

from decimal import Decimal

import pytest

from acme_exchange.engine import BookChanged, Filled, OrderChanged, PositionChanged, TickerChanged, Traded
from test.acme_exchange.engine.scenario import BTC, Scenario


@pytest.fixture
def venue():
    return Scenario("ann", "bob", "cid")


def test_the_best_price_trades_first_then_the_oldest_order_and_the_maker_sets_the_price(venue):
    venue.sell("bob", "1", "103")
    venue.sell("bob", "1", "101", client_id="older")
    venue.sell("cid", "1", "101", client_id="younger")

    venue.buy("ann", "2.5", "103")

    makers = [(fill.client_id, fill.price, fill.size) for fill in venue.of(Filled) if fill.liquidity == "maker"]
    assert makers == [("older", 101, 1), ("younger", 101, 1), (None, 103, Decimal("0.5"))]
    assert venue.book() == ({}, {"103": "0.5"})


def test_a_limit_order_rests_what_it_does_not_match(venue):
    venue.sell("bob", "1", "100")
    order = venue.buy("ann", "3", "100")
    assert (order.status, order.filled_size, order.remaining_size) == ("open", 1, 2)
    assert venue.book() == ({"100": "2"}, {})


def test_a_market_order_takes_what_the_book_holds_and_cancels_the_rest(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "1", "105")
    order = venue.buy("ann", "3")
    assert venue.fills("ann") == [("buy", "1", "100"), ("buy", "1", "105")]
    assert (order.status, order.filled_size, order.remaining_size) == ("closed", 2, 0)
    assert order.average_fill_price == Decimal("102.5")
    assert venue.book() == ({}, {})


def test_a_market_order_on_an_empty_book_closes_unfilled(venue):
    order = venue.buy("ann", "1")
    assert (order.status, order.filled_size, order.average_fill_price) == ("closed", 0, None)


def test_ioc_cancels_what_it_does_not_match_within_its_price(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "1", "101")
    order = venue.buy("ann", "3", "100", ioc=True)
    assert (order.status, order.filled_size) == ("closed", 1)
    assert venue.book() == ({}, {"101": "1"})


def test_post_only_that_would_match_is_closed_unfilled(venue):
    venue.sell("bob", "1", "100")
    order = venue.buy("ann", "1", "100", post_only=True)
    assert (order.status, order.filled_size) == ("closed", 0)
    assert venue.book() == ({}, {"100": "1"})


def test_post_only_that_would_match_only_its_own_account_cancels_that_and_rests(venue):
    venue.sell("ann", "1", "100")
    assert venue.buy("ann", "1", "100", post_only=True).status == "open"
    assert venue.book() == ({"100": "1"}, {})


def test_post_only_that_would_match_behind_its_own_order_leaves_that_alone(venue):
    own = venue.sell("ann", "1", "100")
    venue.sell("bob", "1", "100")
    assert venue.buy("ann", "1", "100", post_only=True).status == "closed"
    assert venue.engine.open_orders("ann") == [own]


def test_post_only_below_the_best_ask_rests(venue):
    venue.sell("bob", "1", "100")
    assert venue.buy("ann", "1", "99", post_only=True).status == "open"


def test_an_order_cancels_the_accounts_own_order_before_it_would_match_it(venue):
    own = venue.sell("ann", "1", "100")
    venue.sell("bob", "1", "100")

    venue.buy("ann", "1", "100")

    closed = [event.order for event in venue.of(OrderChanged) if event.order.id == own.id]
    assert [(order.status, order.filled_size) for order in closed] == [("closed", 0)]
    assert venue.fills("ann") == [("buy", "1", "100")]
    assert venue.engine.open_orders("ann") == []


def test_own_orders_beyond_the_price_stay(venue):
    own = venue.sell("ann", "1", "105")
    venue.sell("bob", "1", "100")
    venue.buy("ann", "1", "104")
    assert venue.engine.open_orders("ann") == [own]


def test_a_partly_filled_order_keeps_its_place_in_the_queue(venue):
    venue.sell("bob", "2", "100")
    venue.sell("cid", "2", "100")
    venue.buy("ann", "1", "100")
    reported = [event.order for event in venue.of(OrderChanged) if event.order.account == "bob"]
    assert [(order.status, order.filled_size, order.remaining_size) for order in reported] == [("open", 1, 1)]
    venue.buy("ann", "1", "100")
    assert venue.fills("bob") == [("sell", "1", "100")]


def test_a_cancelled_order_leaves_the_queue_at_once(venue):
    first = venue.sell("bob", "1", "100")
    venue.sell("cid", "1", "100")
    venue.cancel("bob", first)
    venue.buy("ann", "1", "100")
    assert venue.fills("cid") == [("sell", "1", "100")]


def test_events_tell_the_story_in_order(venue):
    venue.sell("bob", "1", "100", client_id="ask")
    venue.sell("bob", "1", "101")
    venue.buy("ann", "1.5", "100", client_id="bid")

    story = [
        (event.order.client_id, event.order.status)
        if isinstance(event, OrderChanged)
        else (event.client_id, event.liquidity)
        if isinstance(event, Filled)
        else type(event).__name__
        for event in venue.events
    ]
    assert story == [
        ("bid", "new"),
        ("ask", "maker"),
        ("bid", "taker"),
        "Traded",
        ("ask", "closed"),
        ("bid", "open"),
        "BookChanged",
        "TickerChanged",
        "PositionChanged",
        "PositionChanged",
        "BalanceChanged",
        "BalanceChanged",
    ]


def test_a_trade_has_two_halves_that_mirror_each_other(venue):
    venue.sell("bob", "1", "100", client_id="ask")
    venue.buy("ann", "1", "100")
    maker, taker = venue.of(Filled)
    (trade,) = venue.of(Traded)
    assert maker.trade_id == taker.trade_id == trade.id
    assert (maker.account, maker.side, maker.liquidity, maker.fee) == ("bob", "sell", "maker", Decimal("0.02"))
    assert (taker.account, taker.side, taker.liquidity, taker.fee) == ("ann", "buy", "taker", Decimal("0.05"))
    assert maker.id != taker.id
    assert (trade.side, trade.price, trade.size, trade.liquidation) == ("buy", 100, 1, False)


def test_a_book_change_lists_only_levels_that_ended_differently(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "1", "102")
    venue.buy("ann", "1", "95")

    venue.buy("ann", "2", "101")

    (change,) = venue.of(BookChanged)
    assert change.market == BTC
    assert change.bids == ((Decimal(101), Decimal(1)),)
    assert change.asks == ((Decimal(100), Decimal(0)),)


def test_an_order_that_leaves_everything_as_it_was_reports_only_itself(venue):
    venue.buy("ann", "1", "100", ioc=True)
    assert [event.order.status for event in venue.of(OrderChanged)] == ["new", "closed"]
    assert len(venue.events) == 2


def test_a_level_that_ended_as_it_began_is_not_reported(venue):
    order = venue.buy("ann", "1", "95")
    venue.modify("ann", order, size="1")
    assert venue.of(BookChanged) == []


def test_the_ticker_follows_the_best_prices_and_the_last_trade(venue):
    venue.buy("bob", "2", "99")
    venue.sell("bob", "1", "101")
    venue.sell("ann", "1", "99")
    (ticker,) = venue.of(TickerChanged)
    assert (ticker.bid, ticker.bid_size, ticker.ask, ticker.ask_size, ticker.last) == (99, 1, 101, 1, 99)


def test_a_change_deep_in_the_book_leaves_the_ticker_alone(venue):
    venue.buy("bob", "2", "99")
    venue.buy("bob", "2", "90")
    assert venue.of(TickerChanged) == []


def test_the_position_is_told_once_a_command_after_all_its_fills(venue):
    venue.sell("bob", "1", "100")
    venue.sell("bob", "1", "101")
    venue.buy("ann", "2")
    sizes = {event.position.account: event.position.net_size for event in venue.of(PositionChanged)}
    assert sizes == {"ann": 2, "bob": -2}
    assert len(venue.of(PositionChanged)) == 2


def test_orders_of_different_markets_do_not_meet(venue):
    venue.sell("bob", "1", "100", market="ETH-PERP")
    assert venue.buy("ann", "1", "100").status == "open"
