"""Hummingbot's interactive client, opened with `acme-bot client` and used at its prompt."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import VenueError
from acme_bot.demo.strategies import MARKET_MAKING, PAIR
from acme_bot.hbot import CONNECTOR, Hbot
from acme_bot.venue import Venue
from hummingbot.client.performance import PerformanceMetrics
from test.end_to_end.terminal import Terminal

PASSWORD = "open sesame"
TRADING_PAGE = (Path(__file__).parents[2] / "docs" / "trading.md").read_text(encoding="utf-8")
QUESTION = re.compile(r"^\| ([A-Z].+?) \| `(.+?)` \|", re.MULTILINE)
LONGEST_ANSWER = 40
BY_HAND = "by-hand"
NUMBERS = count(1)
ATTEMPTS = 30


@pytest.fixture
def client(hbot: Hbot) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-m", "acme_bot", "client", str(hbot.workspace)])
    yield terminal
    terminal.close()


def set_password(client: Terminal) -> None:
    """The first start greets, warns twice, and asks for a new password twice."""
    for page in ("Welcome to Hummingbot", "READ THIS CAREFULLY", "SET A SECURE PASSWORD"):
        client.wait_for(page)
        client.type("")
    for question in ("Enter your new password", "re-enter your password"):
        client.wait_for(question)
        client.type(PASSWORD)
        client.type("")
    client.wait_for(">>>")


def connect(client: Terminal, venue: Venue, secret: str, answer: str) -> None:
    client.type(f"connect {CONNECTOR}")
    for question, value in (
        ("API key", venue.trader.key),
        ("API secret", secret),
        ("Acme server", venue.url),
        ("Acme subaccount", ""),
    ):
        client.wait_for(rf"{question}[^\n]*>>> *(v|\n)")
        client.type(value)
    client.wait_for(answer)


def create_as_the_page_says(client: Terminal) -> None:
    """Each question of `create` comes, none besides, and takes the page's answer."""
    client.type("create")
    rows = QUESTION.findall(TRADING_PAGE)
    assert rows[0][1] == MARKET_MAKING.name and len(rows) >= 15
    for question, answer in rows:
        client.wait_for(re.escape(question))
        client.type("\x7f" * LONGEST_ANSWER + answer)
    client.wait_for('A new config file has been created|Enter "start"')


def comes_to_show(client: Terminal, command: str, expected: Callable[[], str]) -> None:
    """Types `command` until the screen shows what the venue had just before, which the next fill may change meanwhile.

    `expected` asks the venue, and returns the pattern of what the client should show.
    """
    for _ in range(ATTEMPTS):
        pattern = expected()
        client.type(command)
        try:
            client.wait_for(pattern, seconds=3)
            return
        except AssertionError:
            continue
    pytest.fail(f"`{command}` never showed what the venue had, such as {pattern!r}:\n{client.text()}")


def row_of_an_order_placed_by_hand(ledger: VenueAccount) -> str:
    """Of an odd size, near the top of the book, in the place of the one before."""
    for order in ledger.open_orders():
        if order.id.startswith(BY_HAND):
            with suppress(VenueError):  # it was filled meanwhile
                ledger.cancel(order.id)
    price = ledger.price().bid - 3
    ledger.place("buy", Decimal("0.0137"), price, f"{BY_HAND}-{next(NUMBERS)}")
    return rf"\s{price:.0f} +0\.0137"


def row_of_the_balance(ledger: VenueAccount) -> str:
    return rf"Total Balance +{re.escape(f'{float(round(ledger.balance(), 4)):.10g}')}\b"


def rows_of_the_fills(ledger: VenueAccount) -> str:
    fills = [fill for fill in ledger.statement()[0].fills.values() if not fill.order_id.startswith(BY_HAND)]
    buys = sum(fill.side == "buy" for fill in fills)
    fees = PerformanceMetrics.smart_round(sum(fill.fee for fill in fills))
    return rf"Number of trades +{buys} +{len(fills) - buys} +{len(fills)}\b(.|\n)*Fees paid +{fees} USD"


def test_a_trader_connects_trades_and_looks(client: Terminal, venue: Venue, ledger: VenueAccount):
    set_password(client)

    connect(client, venue, "wrong", answer="Error: Not logged in: Invalid signature")
    connect(client, venue, venue.trader.secret, answer=f"You are now connected to {CONNECTOR}")
    client.type("balance")
    client.wait_for(rf"USD +{ledger.balance():.4f} ")

    create_as_the_page_says(client)
    client.type("start")
    client.wait_for(f"'{MARKET_MAKING.name}' started successfully")
    client.wait_for("(BUY|SELL) order .* is filled")

    comes_to_show(client, "order_book --lines 10", lambda: row_of_an_order_placed_by_hand(ledger))
    comes_to_show(client, "status", lambda: row_of_the_balance(ledger))
    client.wait_for(rf"Best Bid +Best Ask[^\n]*\n +{CONNECTOR} {PAIR} +\d+ +\d+ ")
    comes_to_show(client, "history", lambda: rows_of_the_fills(ledger))

    client.type("stop")
    client.wait_for("Hummingbot stopped")
    assert all(order.id.startswith(BY_HAND) for order in ledger.open_orders())
    client.type("exit")
    assert client.wait_for_end() == 0
