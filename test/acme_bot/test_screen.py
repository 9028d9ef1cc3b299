import dataclasses
import io
import re
import threading
from decimal import Decimal

import pytest
from rich.console import Console

from acme_bot.compare.statement import Fill, Funding, Holding, Order, OrderState
from acme_bot.compare.venue_account import OrderBook, Price, Trade, Valuation
from acme_bot.demo.screen import LEVELS, WIDEST, Market, Screen, Trading, Watch
from acme_bot.problem import Problem

MARKET = Market(
    Price(Decimal(64_900), Decimal(64_950), Decimal(64_919), Decimal("0.00001"), Decimal(1_795_493_140)),
    OrderBook([(Decimal(64_900), Decimal("0.0512"))], [(Decimal(64_950), Decimal("0.0713"))]),
    [Trade("buy", Decimal(64_950), Decimal("0.0033"), Decimal(1_795_493_100))],
)
OF_THE_MARKET = ("64,919.00", "64,900.00", "64,950.00", "0.0033", "+0.00100%")
OF_THE_BOT = ("0.001 at 64,900.00", "-0.001 BTC", "-1.42", "-0.002800", "1 buy", "2 sell")


def trading(second: int, seconds: int = 90) -> Trading:
    fills = [
        Fill(str(number), "b", side, Decimal(64_900), Decimal("0.001"), Decimal("0.013"), time=1_795_493_100)
        for number, side in enumerate(("buy", "sell", "sell"))
    ]
    return Trading(
        second=second,
        seconds=seconds,
        opening=Decimal(10_000),
        fills=fills,
        valuation=Valuation(
            Holding(Decimal("-0.001"), Decimal(9_999)),
            entry=Decimal(64_910),
            cost=Decimal("-64.91"),
            value=Decimal("9998.58"),
        ),
        quotes=[Order("b", "buy", Decimal(64_900), Decimal("0.001"), OrderState.OPEN)],
        funding=[Funding(1_795_493_110, Decimal("0.00001"), Decimal("-0.0028"))],
    )


def shown(seconds: list[int], is_terminal: bool, seconds_of_all: int = 90) -> str:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=200)
    with Screen(console, "Acme") as screen:
        for second in seconds:
            screen.show(MARKET, trading(second, seconds_of_all), now=second)
    return console.file.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_before_the_bot_the_market_is_shown_and_what_is_going_on(is_terminal):
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=200)
    with Screen(console, "Acme") as screen:
        screen.tell("module 23 of 60")
        screen.show(MARKET, None, now=0)
    text = console.file.getvalue()

    assert [fact for fact in (*OF_THE_MARKET, "module 23 of 60") if fact not in text] == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_all_that_matters_of_the_bot_is_shown(is_terminal):
    text = shown([12], is_terminal)

    assert [fact for fact in OF_THE_BOT if fact not in text] == []
    assert "12 of 90 s" in text


def test_a_terminal_shows_which_level_is_the_bots_and_is_not_filled_from_edge_to_edge():
    screen = shown([12], is_terminal=True)

    assert "bot" in next(line for line in screen.splitlines() if "0.0512" in line)
    assert max(len(line) for line in re.findall("╭.*╮", screen)) == WIDEST
    assert "1 buy," in screen and "1 payment" in screen


def test_without_a_terminal_there_is_a_line_every_five_seconds():
    lines = shown(list(range(13)), is_terminal=False).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["0", "5", "10"]


def test_without_a_terminal_nothing_is_said_twice():
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with Screen(console, "Acme") as screen:
        for text in ("compiling", "compiling", "ready"):
            screen.tell(text)

    assert console.file.getvalue().splitlines() == ["compiling", "ready"]


def test_where_there_is_nothing_it_says_so_and_no_nought_has_a_sign():
    quiet = dataclasses.replace(
        trading(3),
        fills=[],
        quotes=[],
        funding=[],
        valuation=Valuation(Holding(Decimal("0.0000"), Decimal(1)), None, 0, 1),
    )
    price = dataclasses.replace(MARKET.price, funding_rate=Decimal("-0.00000001"))
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with Screen(console, "Acme") as screen:
        screen.show(dataclasses.replace(MARKET, price=price), None, now=0)
        screen.show(MARKET, quiet, now=10)
    before, after = console.file.getvalue().splitlines()

    assert "funding +0.00000% at" in before
    assert "quotes none  fills 0 buy 0 sell  position none  profit" in after and after.endswith("funding none yet")


def test_a_terminal_of_eighty_columns_and_twenty_four_lines_shows_all_of_it():
    levels = [(Decimal(64_900 + level), Decimal("0.0512")) for level in range(LEVELS)]
    many = dataclasses.replace(MARKET, order_book=OrderBook(levels, levels), trades=MARKET.trades * LEVELS)
    console = Console(file=io.StringIO(), force_terminal=True, no_color=True, width=80, height=24)
    console.print(Screen(console, "Acme, BTC-USD, http://127.0.0.1:36379")._layout(many, trading(12)))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()

    assert len(lines) < 24 and max(map(len, lines)) == 80
    assert re.search(r"mark 64,919.00 .* funding \+0.00100% at \d\d:\d\d:\d\d", lines[1])
    assert re.search(r"bot +0.0512 +64,900.00 +64,900.00 +0.0512 +64,950.00 +0.0033 +\d\d:\d\d:\d\d", lines[4])
    assert sum("sell  0.001  64,900.00  0.0130" in line for line in lines) == 2


def test_without_an_end_only_the_time_so_far_is_shown():
    assert shown([7], is_terminal=False, seconds_of_all=0).startswith("7 s ")


def test_what_kept_the_watch_from_looking_is_raised_where_it_is_asked_for():
    looked = threading.Event()

    def look(screen: Screen) -> None:
        looked.set()
        raise Problem("no answer")

    with Watch(Screen(Console(file=io.StringIO()), "Acme"), look) as watch:
        assert looked.wait(60)
        watch._thread.join()
        with pytest.raises(Problem, match="no answer"):
            watch.require_market()
