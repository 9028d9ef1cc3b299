"""Hummingbot's checklist for testing a perpetual connector by hand, done by itself: `docs/qa.md` has its rows.

One bot lives through everything, on a venue where nobody trades but it and one other account, so that each fill is
provoked and every number is known. What was seen on the way is looked at in the tests, one for each row.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest
import yaml

from acme_bot.compare.bot_records import Records
from acme_bot.compare.reconciliation import reconcile_statements
from acme_bot.compare.statement import Funding, Order, OrderState, Statement
from acme_bot.compare.venue_account import Price, Valuation, VenueAccount
from acme_bot.compare.venue_client import Key
from acme_bot.demo.strategies import MARKET_MAKING, PAIR
from acme_bot.hbot import CONNECTOR, Hbot, HbotError
from acme_bot.venue import Venue
from acme_bot.workspace import make_workspace
from test.end_to_end.looking import cells, shown, wait_for
from test.end_to_end.terminal import Terminal

BOT = "maker.yml"
STRATEGY = MARKET_MAKING.name
FUNDING_SECONDS = 30
FOLLOWING_SECONDS = 60
SPREAD = Decimal("0.1")  # percent, of either quote from the mid price
PROFIT = Decimal("0.5")  # percent, of the exit order from the entry
AMOUNT = Decimal("0.01")
FIRST_PART = Decimal("0.004")
BY_HAND = "by-hand"
# USD from the mid price: the order that is placed by hand, and the other account's two.
FAR, NEAR = Decimal(600), Decimal(200)
GAIN = Decimal(300)  # USD by which the market has risen above the entry at the relaunch; the exit order still rests
# Orders stay where they are until they are filled, and none follows a fill but the exit order.
SETTINGS = {
    "derivative": CONNECTOR,
    "market": PAIR,
    "leverage": "5",
    "order_amount": str(AMOUNT),
    "bid_spread": str(SPREAD),
    "ask_spread": str(SPREAD),
    "order_refresh_time": "3600",
    "filled_order_delay": "1",
    "long_profit_taking_spread": str(PROFIT),
    "short_profit_taking_spread": str(PROFIT),
    "stop_loss_spread": "50",
}

# What `create` asks in the client from the trading pair on; an empty answer takes what is proposed.
CLIENT_ANSWERS = (
    ("token trading pair", PAIR),
    ("How much leverage", "5"),
    ("Which position mode", ""),
    ("first bid order", str(SPREAD)),
    ("first ask order", str(SPREAD)),
    ("cancel and replace", "3600"),
    ("amount of BTC per order", str(AMOUNT)),
    ("place a short order", ""),
    ("place a long order", ""),
    ("place stop_loss order", "50"),
    ("before refreshing a stop loss", ""),
    ("account for slippage", ""),
    ("file name", ""),
)
ESCAPE = "\x1b"


class QuietVenue(Venue):
    """A venue where nobody trades but the accounts."""

    def __init__(self, folder: Path):
        super().__init__(folder, funding_seconds=FUNDING_SECONDS, seed=7)
        self._data = folder / "venue"

    def other_account(self) -> VenueAccount:
        made = subprocess.run(
            [
                sys.executable,
                "-m",
                "acme_exchange",
                "account",
                "create",
                "other",
                "--deposit",
                "1000000",
                "--data",
                str(self._data),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = (re.search(rf"^{name} +(\S+)$", made, re.MULTILINE)[1] for name in ("key", "secret"))
        return VenueAccount(self.url, Key(*found))

    def _options(self) -> list[str]:
        return [*super()._options(), "--no-liquidity", "--data", str(self._data)]


@dataclass
class Moment:
    """What `hbot status` showed, and what the venue had just then: nothing moved meanwhile."""

    status: str
    price: Price
    orders: list[Order]
    account: Valuation


@dataclass
class Seen:
    """What a trader saw, in the order of the fields."""

    listed: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    confirmed: dict[str, str] = field(default_factory=dict)
    failed_update: str = ""
    after_failed_update: dict[str, str] = field(default_factory=dict)
    balance: tuple[Decimal, Decimal] = (Decimal(0), Decimal(1))
    configuration: dict[str, object] = field(default_factory=dict)
    quoting: Moment | None = None
    partly_filled: Moment | None = None
    filled: Moment | None = None
    paid_while_it_ran: list[Funding] = field(default_factory=list)
    orders_after_stop: list[Order] = field(default_factory=list)
    relaunched: Moment | None = None
    log: str = ""
    history: dict[str, str] = field(default_factory=dict)
    history_errors: str = ""
    records: Statement = field(default_factory=Statement)
    statement: tuple[Statement, Valuation] | None = None
    opening: Decimal = Decimal(0)


class Floor:
    """The trader's desk: the venue, the account there as its owner has it, the other account, and the bot."""

    def __init__(self, folder: Path):
        (folder / "venue-files").mkdir()
        self.venue = QuietVenue(folder / "venue-files")
        self.venue.start()
        self.owner = VenueAccount(self.venue.url, self.venue.trader)
        self.other = self.venue.other_account()
        self.hbot = Hbot(make_workspace(folder / "workspace"))
        self.records = Records(self.hbot.workspace, BOT, CONNECTOR)
        self.seen = Seen(opening=self.owner.balance())
        self._commands = ExitStack()
        self._commands.enter_context(self.hbot.together())
        self._bot: subprocess.Popen | None = None
        self._quotes = 0

    def close(self) -> None:
        if self._bot is not None:
            self._bot.kill()
        self._commands.close()
        self.venue.stop()

    def quote(self, mid_price: Decimal) -> None:
        """Has the other account offer 1 BTC below and above `mid_price`, and nothing else."""
        for order in self.other.open_orders():
            self.other.cancel(order.id)
        self._quotes += 1
        self.other.place("buy", Decimal(1), mid_price - NEAR, f"bid-{self._quotes}")
        self.other.place("sell", Decimal(1), mid_price + NEAR, f"ask-{self._quotes}")

    def trade_keys(self) -> None:
        key, url = self.venue.trader, self.venue.url
        self.seen.listed = cells(self.hbot.run("connect", "--all"), CONNECTOR)
        self.hbot.connect(url, key.key, "wrong")
        self.seen.rejected = self._tested_key()
        self.hbot.connect(url, key.key, key.secret)
        self.seen.confirmed = self._tested_key()
        with pytest.raises(HbotError) as failure:
            self.hbot.connect("http://example.com", key.key, "another")
        self.seen.failed_update = str(failure.value)
        self.seen.after_failed_update = self._tested_key()
        self.seen.balance = Decimal(cells(self.hbot.run("balance"), "USD")["total"]), self.owner.balance()

    def first_run(self) -> None:
        mid_price = self.owner.price().mark.quantize(Decimal(1))
        self.quote(mid_price)
        self.owner.place("buy", Decimal("0.0137"), mid_price - FAR, BY_HAND)
        self.hbot.create(STRATEGY, BOT, SETTINGS)
        self.seen.configuration = yaml.safe_load((self.hbot.workspace / "conf" / "strategies" / BOT).read_text())
        self._bot = self.hbot.start_bot(BOT)
        wait_for(lambda: len(self.bots_orders()) == 2)
        self.seen.quoting = self._moment()
        bid = next(order for order in self.bots_orders() if order.side == "buy")

        self.other.place("sell", FIRST_PART, bid.price, "first-part")
        wait_for(lambda: self._exit_amount() == FIRST_PART)
        self.seen.partly_filled = self._moment()
        self.other.place("sell", AMOUNT - FIRST_PART, bid.price, "second-part")
        wait_for(lambda: self._exit_amount() == AMOUNT)
        self.seen.filled = self._moment()
        self._await_funding()
        self.hbot.run("stop")
        self.seen.orders_after_stop = self.owner.open_orders()

    def second_run(self) -> None:
        self.quote(self.owner.valuation().entry + GAIN)
        self._bot = self.hbot.start_bot(BOT)
        wait_for(lambda: self._exit_amount() == AMOUNT)
        self.seen.relaunched = self._moment()
        (exit_order,) = self.bots_orders()
        self.other.place("buy", AMOUNT, exit_order.price, "the-exit")
        wait_for(lambda: len(self.records.fills()) == 3)
        self._await_records_of_funding()
        self.hbot.run("stop")
        self.seen.log = (self.hbot.workspace / "logs" / f"logs_{Path(BOT).stem}.log").read_text(encoding="utf-8")
        history = subprocess.run([self.hbot.workspace / "hbot", "history"], capture_output=True, text=True, check=True)
        self.seen.history = cells(history.stdout, CONNECTOR)
        self.seen.history_errors = history.stderr
        self.seen.records = self.records.statement()
        self.seen.statement = self.owner.statement()

    def _tested_key(self) -> dict[str, str]:
        return cells(self.hbot.run("connect"), CONNECTOR)

    def _moment(self) -> Moment:
        """A moment in which the bot has followed the venue, whose frames take a while; else the last one there was."""
        moments = []

        def has_followed() -> bool:
            status = self.hbot.run("status")
            moments.append(Moment(status, self.owner.price(), self.owner.open_orders(), self.owner.valuation()))
            return shows_the_venues(moments[-1])

        with suppress(AssertionError):
            wait_for(has_followed, FOLLOWING_SECONDS)
        return moments[-1]

    def mid_price(self) -> Decimal:
        """Of the other account's two orders."""
        return sum(order.price for order in self.other.open_orders()) / 2

    def bots_orders(self) -> list[Order]:
        return [order for order in self.owner.open_orders() if order.id != BY_HAND]

    def _exit_amount(self) -> Decimal:
        return sum((order.amount for order in self.bots_orders() if order.side == "sell"), Decimal(0))

    def _await_funding(self) -> None:
        """Waits for the first payment that finds the whole position, until the bot has it too."""
        already = len(self.owner.funding())
        wait_for(lambda: len(self.owner.funding()) > already)
        self._await_records_of_funding()
        self.seen.paid_while_it_ran = self.owner.funding()

    def _await_records_of_funding(self) -> None:
        wait_for(lambda: len(self.records.statement().funding) == len(self.owner.funding()))


@pytest.fixture(scope="module")
def floor(tmp_path_factory) -> Iterator[Floor]:
    floor = Floor(tmp_path_factory.mktemp("floor"))
    yield floor
    floor.close()


@pytest.fixture(scope="module")
def seen(floor: Floor) -> Seen:
    floor.trade_keys()
    floor.first_run()
    floor.second_run()
    return floor.seen


def rows_of(status: str, heading: str) -> list[list[str]]:
    """The cells of the rows under `heading` of a status, without the line of the columns' names."""
    lines = status.partition(f"  {heading}:\n")[2].splitlines()
    block = lines[: lines.index("")] if "" in lines else lines
    return [line.split() for line in block[1:]]


def positions(moment: Moment) -> list[tuple[str, str, Decimal, Decimal]]:
    """What a status shows of each: pair, side, entry price, amount."""
    return [(row[0], row[1], Decimal(row[2]), Decimal(row[3])) for row in rows_of(moment.status, "Positions")]


def shows_the_venues(moment: Moment) -> bool:
    try:
        assert_shows_the_venues(moment)
    except AssertionError:
        return False
    return True


def assert_shows_the_venues(moment: Moment) -> None:
    """A status shows the venue's book, the bot's orders there, and the position."""
    assert rows_of(moment.status, "Markets")[0][:4] == [
        CONNECTOR,
        PAIR,
        shown_price(moment.price.bid),
        shown_price(moment.price.ask),
    ]
    shown_orders = {(row[1], Decimal(row[2]), Decimal(row[5])) for row in rows_of(moment.status, "Orders")}
    assert shown_orders == {(order.side, order.price, order.amount) for order in moment.orders if order.id != BY_HAND}
    held = moment.account
    expected = [(PAIR, "LONG", held.entry, held.holding.position)] if held.holding.position else []
    assert positions(moment) == expected


def shown_price(price: Decimal) -> str:
    return f"{float(price):g}" if price != price.to_integral_value() else f"{price:.0f}"


def logged_payments(log: str) -> list[tuple[datetime, Decimal]]:
    """When each payment of funding was logged, and its amount, positive when it was received."""
    found = re.findall(rf"^(.{{23}}).* - INFO - Funding payment of (\S+) (paid|received) on {PAIR} ", log, re.MULTILINE)
    return [
        (
            datetime.strptime(moment, "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC),
            Decimal(amount) if done == "received" else -Decimal(amount),
        )
        for moment, amount, done in found
    ]


def test_the_connector_is_one_of_those_that_can_be_connected(seen: Seen):
    assert seen.listed["keys_added"] == "no"


def test_a_wrong_key_is_not_confirmed_and_the_venue_says_why(seen: Seen):
    assert seen.rejected["keys_confirmed"] == "no"
    assert "Not logged in: Invalid signature" in seen.rejected["error"]


def test_the_right_key_is_confirmed(seen: Seen):
    assert (seen.confirmed["keys_confirmed"], seen.confirmed["error"]) == ("yes", "")


def test_an_update_that_fails_keeps_the_key(seen: Seen):
    assert "Write its address with https://" in seen.failed_update
    assert (seen.after_failed_update["keys_confirmed"], seen.after_failed_update["error"]) == ("yes", "")


def test_the_balance_is_the_venues(seen: Seen):
    shown_total, at_the_venue = seen.balance
    assert shown_total == at_the_venue == seen.opening


def test_create_writes_what_was_asked_for(seen: Seen):
    assert {name: str(value) for name, value in seen.configuration.items() if name in SETTINGS} == SETTINGS


def test_a_started_bot_quotes_both_sides_as_configured(seen: Seen):
    assert "- state: running" in seen.quoting.status
    quotes = {order.side: order for order in seen.quoting.orders if order.id != BY_HAND}
    mid_price = (quotes["buy"].price + quotes["sell"].price) / 2
    assert {side: order.amount for side, order in quotes.items()} == {"buy": AMOUNT, "sell": AMOUNT}
    for side, order in quotes.items():
        assert abs(abs(order.price - mid_price) - mid_price * SPREAD / 100) <= 1, side
    assert_shows_the_venues(seen.quoting)


def test_a_partial_fill_shows_as_a_position_while_the_rest_goes_on_resting(seen: Seen):
    assert seen.partly_filled.account.holding.position == FIRST_PART
    buys = [order.amount for order in seen.partly_filled.orders if order.side == "buy" and order.id != BY_HAND]
    assert buys == [AMOUNT]
    assert_shows_the_venues(seen.partly_filled)


def test_the_rest_of_a_partly_filled_order_fills(seen: Seen):
    assert seen.filled.account.holding.position == AMOUNT
    assert_shows_the_venues(seen.filled)
    (filled,) = (
        order for order in seen.records.orders.values() if order.side == "buy" and order.state is OrderState.FILLED
    )
    parts = [fill.amount for fill in seen.records.fills.values() if fill.order_id == filled.id]
    assert parts == [FIRST_PART, AMOUNT - FIRST_PART]


def test_stop_cancels_the_bots_orders_and_leaves_the_one_that_was_placed_by_hand(seen: Seen):
    assert [order.id for order in seen.orders_after_stop] == [BY_HAND]


def test_the_position_is_found_again_with_an_exit_order_where_it_profits(seen: Seen):
    assert seen.relaunched.account.holding.position == AMOUNT
    assert_shows_the_venues(seen.relaunched)
    (exit_order,) = (order for order in seen.relaunched.orders if order.id != BY_HAND)
    profitable = (seen.relaunched.account.entry * (1 + PROFIT / 100)).quantize(Decimal(1), rounding=ROUND_DOWN)
    assert (exit_order.side, exit_order.amount, exit_order.price) == ("sell", AMOUNT, profitable)
    entry, exit_fill = seen.relaunched.account.entry, list(seen.records.fills.values())[-1]
    assert exit_fill.order_id == exit_order.id and exit_fill.price > entry


def test_a_funding_payment_is_logged_in_its_interval_with_its_amount(seen: Seen):
    assert seen.paid_while_it_ran
    logged = logged_payments(seen.log)
    for payment in seen.paid_while_it_ran:
        interval = range(payment.time, payment.time + FUNDING_SECONDS)
        assert [amount for moment, amount in logged if int(moment.timestamp()) in interval] == [payment.amount]


def test_the_log_has_each_fill(seen: Seen):
    for side, parts in (("BUY", (FIRST_PART, AMOUNT)), ("SELL", (AMOUNT,))):
        for amount in parts:
            line = rf"The {side} order \S+ amounting to {amount:.4f}/{AMOUNT:.4f} BTC has been filled"
            assert len(re.findall(line, seen.log)) == 1, line


def test_history_the_database_and_the_venue_agree_on_fills_and_fees(seen: Seen):
    venue, account = seen.statement
    without_by_hand = replace(venue, orders={name: order for name, order in venue.orders.items() if name != BY_HAND})
    lines = reconcile_statements(seen.records, without_by_hand, seen.opening, account)
    assert [line for line in lines if not line.agrees] == []
    fills = list(venue.fills.values())
    assert len(fills) == 3
    received = sum(fill.amount * fill.price * (1 if fill.side == "sell" else -1) for fill in fills)
    expected = {
        "pair": PAIR,
        "trades": "3",
        "buys": "2",
        "sells": "1",
        "base_vol": shown(Decimal(0)),
        "quote_vol": shown(received),
        "fees": shown(sum(fill.fee for fill in fills)),
    }
    assert {column: seen.history[column] for column in expected} == expected


def test_history_values_coins_at_the_venues_rates_and_asks_nobody_else(seen: Seen):
    errors = seen.history_errors
    assert "Traceback" not in errors and not re.search("gate|binance", errors, re.IGNORECASE), errors


def test_a_command_that_fails_says_why(floor: Floor, seen: Seen):
    with pytest.raises(HbotError, match="hbot connect: Error: unknown connector 'nowhere'"):
        floor.hbot.run("connect", "nowhere")
    with pytest.raises(HbotError, match="The bot did not start.\n.*config not found: nothing.yml"):
        floor.hbot.start_bot("nothing.yml")


# ------------------------------------------------------------------------------------------- what only the client has


class Desk:
    """The interactive client in the same workspace, logged in.

    :ivar keys: what `hbot connect` shows after an update that failed.
    :ivar empty, completed, refused: the screen when `create` asks for the market, after two letters, and after one that
        is not there.
    """

    def __init__(self, floor: Floor):
        self.terminal = Terminal([sys.executable, "-m", "acme_bot", "client", str(floor.hbot.workspace)])
        self._floor = floor
        self.keys: dict[str, str] = {}
        self.empty = self.completed = self.refused = ""

    def log_in(self) -> None:
        self.terminal.wait_for("Enter your password")
        self.terminal.type(self._floor.hbot.password)
        self.terminal.type("")
        self.terminal.wait_for(">>>")

    def update_key(self) -> None:
        """With a wrong secret."""
        self.terminal.type(f"connect {CONNECTOR}")
        self.terminal.wait_for("Would you like to replace your existing")
        self.terminal.type("Yes")
        for question, value in (
            ("API key", self._floor.venue.trader.key),
            ("API secret", "wrong"),
            ("Acme server", self._floor.venue.url),
            ("Acme subaccount", ""),
        ):
            self.terminal.wait_for(rf"{question}[^\n]*>>> *(v|\n)")
            self.terminal.type(value)
        self.terminal.wait_for("Error: Not logged in: Invalid signature")
        self.keys = cells(self._floor.hbot.run("connect"), CONNECTOR)

    def start_creating(self) -> None:
        self.terminal.type("create")
        for question, answer in (("strategy name", STRATEGY), ("derivative connector", CONNECTOR)):
            self.terminal.wait_for(rf"{question}[^>]*>>>")
            self.terminal.type(answer)
        self.empty = self.terminal.wait_for("Enter the token trading pair")
        self.terminal.press("XR")
        self.completed = self.terminal.wait_for("XRP-USD")
        self.terminal.press("\x7f\x7f")
        self.terminal.type("BTC-EUR")
        self.refused = self.terminal.wait_for("BTC-EUR is not")

    def create_and_start(self) -> None:
        for question, answer in CLIENT_ANSWERS:
            self.terminal.wait_for(rf"{question}[^>]*>>>")
            self.terminal.type(answer)
        self.terminal.wait_for('Enter "start" to start market making')
        self.terminal.type("start")
        self.terminal.wait_for(f"'{STRATEGY}' started successfully")
        wait_for(lambda: len(self._floor.bots_orders()) == 2)


@pytest.fixture(scope="module")
def desk(floor: Floor, seen: Seen) -> Iterator[Desk]:
    desk = Desk(floor)
    try:
        desk.log_in()
        desk.update_key()
        desk.start_creating()
        yield desk
    finally:
        desk.terminal.close()


def test_the_client_keeps_the_key_when_an_update_fails(desk: Desk):
    assert desk.keys["keys_confirmed"] == "yes"


def test_create_completes_the_markets_and_refuses_one_that_is_not_there(desk: Desk):
    assert "XRP-USD" not in desk.empty and "XRP-USD" in desk.completed
    assert f"BTC-EUR is not an active market on {CONNECTOR}" in desk.refused


@pytest.fixture
def started(desk: Desk) -> Terminal:
    """The client with a strategy that was created at its prompts, and quotes."""
    desk.create_and_start()
    return desk.terminal


def test_live_displays_follow_the_venue_and_stop_leaves_what_is_not_the_bots(started: Terminal, floor: Floor):
    """The book's is in a tab of its own, beside the log; the ticker's in the place of what is typed."""
    started.type("order_book --live")
    started.wait_for(book_pattern(floor))
    floor.quote(floor.mid_price() + 7)
    started.wait_for(book_pattern(floor))

    started.type("ticker --live")
    started.wait_for(ticker_pattern(floor))
    best_ask = floor.owner.price().ask
    floor.other.place("sell", Decimal(1), best_ask - 1, "better")
    started.wait_for(ticker_pattern(floor))
    started.press(ESCAPE)
    started.wait_for("Stopped live ticker display update")

    started.type("status")
    started.wait_for(rf"{CONNECTOR} +{PAIR} +{floor.owner.price().bid:.0f} +{best_ask - 1:.0f}")
    started.type("stop")
    started.wait_for("Hummingbot stopped")
    assert [order.id for order in floor.owner.open_orders()] == [BY_HAND]
    started.type("exit")
    assert started.wait_for_end() == 0


def book_pattern(floor: Floor) -> str:
    """The rows of the two best levels, as the accounts' orders make them."""
    orders = floor.owner.open_orders() + floor.other.open_orders()
    bids = sorted((one for one in orders if one.side == "buy"), key=lambda one: -one.price)
    asks = sorted((one for one in orders if one.side == "sell"), key=lambda one: one.price)
    return r"[^\n]*\n[^\n]*?".join(
        r"[ |]+".join(number(value) for value in (bid.price, bid.amount, ask.price, ask.amount))
        for bid, ask in list(zip(bids, asks))[:2]
    )


def ticker_pattern(floor: Floor) -> str:
    price = floor.owner.price()
    last = next(iter(floor.owner.statement()[0].fills.values())).price
    return r"[ |]+".join(number(value) for value in (price.bid, price.ask, (price.bid + price.ask) / 2, last))


def number(value: Decimal) -> str:
    """How a table may write it."""
    return rf"\b{re.escape(f'{float(value):g}' if value != value.to_integral_value() else f'{value:.0f}')}(?:\.?0+)?"
