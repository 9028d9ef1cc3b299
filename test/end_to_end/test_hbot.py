"""Hummingbot's own command line, `hbot`, in a workspace and against a running venue."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from acme_bot.compare.bot_records import Records
from acme_bot.compare.reconciliation import both_sides_filled
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.demo.run import BOT
from acme_bot.demo.strategies import MARKET_MAKING, PAIR
from acme_bot.hbot import CONNECTOR, Hbot, HbotError
from acme_bot.venue import Venue

FAR = Decimal(40_000)


def cells(table: str, row_starts_with: str) -> dict[str, str]:
    """The first matching row of a Markdown table, by its column."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    row = next(row for row in rows if row[0] == row_starts_with)
    return dict(zip(rows[0], row))


def shown(amount: Decimal) -> str:
    """How `hbot` prints an amount."""
    return f"{float(amount):g}"


def wait_for(condition: Callable[[], bool], seconds: int = 120) -> None:
    """Waits for what only shows by asking."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)


@pytest.fixture
def connected(hbot, venue) -> Hbot:
    hbot.connect(venue.url, venue.trader.key, venue.trader.secret)
    return hbot


@pytest.fixture
def running(connected, venue) -> Iterator[Hbot]:
    connected.create(MARKET_MAKING.name, BOT, MARKET_MAKING.settings)
    bot = connected.start_bot(BOT)
    yield connected
    bot.kill()
    bot.wait()


def test_the_connector_is_one_of_those_that_can_be_connected(hbot):
    assert cells(hbot.run("connect", "--all"), CONNECTOR)["keys_added"] == "no"


def test_a_command_that_fails_says_why(hbot):
    with pytest.raises(HbotError, match="hbot connect: Error: unknown connector 'nowhere'"):
        hbot.run("connect", "nowhere")
    with pytest.raises(HbotError, match="The bot did not start.\n.*config not found: nothing.yml"):
        hbot.start_bot("nothing.yml")


def test_a_wrong_secret_is_answered_in_the_venues_words_and_the_right_one_confirmed(
    hbot, venue: Venue, ledger: VenueAccount
):
    hbot.connect(venue.url, venue.trader.key, "wrong")
    tested = cells(hbot.run("connect"), CONNECTOR)
    assert tested["keys_confirmed"] == "no"
    assert "Not logged in: Invalid signature" in tested["error"]

    hbot.connect(venue.url, venue.trader.key, venue.trader.secret)
    tested = cells(hbot.run("connect"), CONNECTOR)
    assert (tested["keys_confirmed"], tested["error"]) == ("yes", "")

    assert Decimal(cells(hbot.run("balance"), "USD")["total"]) == ledger.balance()


@pytest.mark.timeout(300)
def test_a_running_bot_shows_what_the_venue_has_and_stop_leaves_only_what_is_not_the_bots(
    running: Hbot, ledger: VenueAccount
):
    records = Records(running.workspace, BOT, CONNECTOR)
    ledger.place("buy", Decimal("0.01"), FAR, "by-hand")
    wait_for(lambda: both_sides_filled(records.statement()))

    status = running.run("status")
    assert re.search(rf"{CONNECTOR}\s+{PAIR}\s+[\d.]+\s+[\d.]+", status, re.IGNORECASE), status
    assert "Orders:" in status or "No active maker orders." in status
    assert "Positions:" in status or "No active positions." in status

    running.stop_bot()

    assert [order.id for order in ledger.open_orders()] == ["by-hand"]
    fills = list(ledger.statement()[0].fills.values())
    coins = {side: sum(fill.amount for fill in fills if fill.side == side) for side in ("buy", "sell")}
    dollars = {side: sum(fill.amount * fill.price for fill in fills if fill.side == side) for side in ("buy", "sell")}
    asked = subprocess.run([running.workspace / "hbot", "history"], capture_output=True, text=True, check=True)
    # Coins are valued at the venue's rates: nobody else is asked.
    assert "Traceback" not in asked.stderr and not re.search("gate|binance", asked.stderr, re.IGNORECASE), asked.stderr
    history = cells(asked.stdout, CONNECTOR)
    expected = {
        "pair": PAIR,
        "trades": str(len(fills)),
        "buys": str(sum(fill.side == "buy" for fill in fills)),
        "sells": str(sum(fill.side == "sell" for fill in fills)),
        "base_vol": shown(coins["buy"] - coins["sell"]),
        "quote_vol": shown(dollars["sell"] - dollars["buy"]),
        "fees": shown(sum(fill.fee for fill in fills)),
    }
    assert {column: history[column] for column in expected} == expected
    ledger.cancel("by-hand")
