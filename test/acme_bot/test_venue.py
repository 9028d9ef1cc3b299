"""The demo's venue as a process, and what the ledger asks of it."""

import stat
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from acme_bot import venue as venue_module
from acme_bot.compare import venue_account
from acme_bot.compare.statement import Order, OrderState
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key, VenueError
from acme_bot.venue import Venue, VenueStartError

# Far enough from the market that the simulation's takers never reach it.
LOW = Decimal(30_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("venue")


@pytest.fixture(scope="module")
def venue(folder):
    venue = Venue(folder, funding_seconds=3600, seed=1)
    venue.start()
    yield venue
    venue.stop()


def own_processes() -> list[psutil.Process]:
    return psutil.Process().children()


@pytest.fixture
def trader(venue) -> VenueAccount:
    return VenueAccount(venue.url, venue.trader)


def test_keys_are_in_a_private_file_and_nowhere_else(venue, folder):
    accounts = folder / "accounts.json"

    assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
    shown = [repr(vars(venue)), (folder / "venue.log").read_text(), *(str(one.cmdline()) for one in own_processes())]
    for secret in (venue.trader.secret, venue.watcher.secret):
        assert secret in accounts.read_text()
        assert not any(secret in text for text in shown)


def test_both_keys_see_one_account_and_the_watcher_cannot_trade(venue, trader):
    watcher = VenueAccount(venue.url, venue.watcher)
    trader.place("buy", Decimal("0.01"), LOW, "seen-by-both")

    assert Order("seen-by-both", "buy", LOW, Decimal("0.01"), OrderState.OPEN) in watcher.open_orders()
    with pytest.raises(VenueError, match="Not authorized"):
        watcher.cancel("seen-by-both")

    trader.cancel("seen-by-both")


def test_a_refusal_is_in_the_venues_own_words(venue):
    wrong = VenueAccount(venue.url, Key(venue.trader.key, "wrong"))

    with pytest.raises(VenueError, match="Not logged in: Invalid signature"):
        wrong.balance()


def test_a_statement_has_everything_however_many_pages_it_takes(trader, monkeypatch):
    monkeypatch.setattr(venue_account, "PAGE", 4)
    before = trader.statement()[0].orders
    names = [f"paged-{number}" for number in range(11)]
    for name in names:
        trader.place("buy", Decimal("0.01"), LOW, name)
    for name in names:
        trader.cancel(name)

    books, _ = trader.statement()

    added = {name: order for name, order in books.orders.items() if name not in before}
    assert added == {name: Order(name, "buy", LOW, Decimal("0.01"), OrderState.CANCELLED) for name in names}


def test_fills_of_one_moment_may_be_on_two_pages(trader, monkeypatch):
    for side, edge in (("buy", 1000), ("sell", -1000), ("buy", 1000)):
        trader.place(side, Decimal("0.25"), trader.price().bid + edge, f"sweep-{side}-{trader.valuation().cost}")
    whole = trader.statement()[0].fills

    for page in range(len(whole) // 2, len(whole)):
        monkeypatch.setattr(venue_account, "PAGE", page)
        assert trader.statement()[0].fills == whole


def test_being_asked_too_often_costs_time_and_nothing_else(trader):
    answers = [trader.balance() for _ in range(40)]

    assert len(set(answers)) == 1


def test_money_is_exact_after_a_trade(trader):
    before = trader.valuation()
    trader.place("buy", Decimal("0.01"), trader.price().ask + 100, "taken")

    books, account = trader.statement()

    (fill,) = (fill for fill in books.fills.values() if fill.order_id == "taken")
    assert account.holding.position - before.holding.position == fill.amount == Decimal("0.01")
    assert account.cost - before.cost == fill.amount * fill.price
    assert before.holding.balance - account.holding.balance == fill.fee
    assert account.holding.balance == trader.balance()
    assert fill.fee == fill.amount * fill.price * Decimal("0.0005")


def test_a_stopped_venue_leaves_no_listener(tmp_path):
    before = own_processes()
    venue = Venue(tmp_path, funding_seconds=3600)
    venue.start()
    assert len(own_processes()) == len(before) + 1

    venue.stop()
    venue.stop()

    assert own_processes() == before
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(venue.url, timeout=60)
    with pytest.raises(VenueError, match="no answer from"):
        VenueAccount(venue.url, venue.trader).balance()


def test_a_venue_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(venue_module, "DEPOSIT", -1)

    with pytest.raises(VenueStartError, match="deposit"):
        Venue(tmp_path, funding_seconds=3600).start()


def test_a_venue_that_takes_too_long_is_ended_and_says_so(tmp_path, monkeypatch):
    before = own_processes()
    venue = Venue(tmp_path, funding_seconds=3600)
    venue.start_seconds = 0.05
    monkeypatch.setattr(venue, "_command", lambda: ["sleep", "600"])

    with pytest.raises(VenueStartError, match=r"^The venue did not start: it did not listen within 0.05 s\.$"):
        venue.start()
    assert own_processes() == before


def test_the_two_sides_of_a_hedge_pay_one_payment_of_one_time(monkeypatch: pytest.MonkeyPatch):
    """Hummingbot records one of them: it keeps no two of one time."""
    times = ["2026-01-02T04:00:00+00:00", "2026-01-02T03:00:00+00:00"]
    payments = [
        {"future": "BTC-PERP", "rate": Decimal("0.00001"), "payment": Decimal(payment), "time": time}
        for time, payment in ((times[0], "0.3"), (times[0], "-0.1000000000000000000000000000001"), (times[1], "0.5"))
    ]
    account = VenueAccount("http://127.0.0.1:1", Key("key", "secret"))
    monkeypatch.setattr(account._client, "get", lambda path, **query: payments)

    assert [one.amount for one in account.funding()] == [Decimal("-0.5"), Decimal("-0.1999999999999999999999999999999")]
