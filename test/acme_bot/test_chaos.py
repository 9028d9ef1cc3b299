"""The parts of the chaos that need no bot."""

import socket
from contextlib import suppress
from decimal import Decimal

import pytest
from rich.console import Console

from acme_bot.chaos.faults import FAULTS, FaultCounts
from acme_bot.chaos.recoveries import Recoveries
from acme_bot.chaos.report import Score, progress_line, show_score, show_verdict
from acme_bot.chaos.schedule import plan_kills
from acme_bot.chaos.venue import PORTS, LastingVenue
from acme_bot.compare.reconciliation import Line
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import VenueError
from acme_exchange.api.faults import FaultName

BOTS = ["near", "far", "turns"]


@pytest.mark.parametrize("seed", range(20))
def test_every_minute_has_a_kill_of_the_venue_and_the_first_has_one_of_a_bot(seed):
    kills = plan_kills(seed, 600, BOTS)

    of_venue = [kill.second for kill in kills if kill.bot is None]
    of_bots = [kill.second for kill in kills if kill.bot is not None]
    assert [int(second // 60) for second in of_venue] == list(range(10))
    assert [int(second // 90) for second in of_bots] in (list(range(6)), list(range(7)))
    assert of_bots[0] < 60
    assert kills == sorted(kills, key=lambda kill: kill.second)


def test_the_seed_decides_the_kills():
    assert plan_kills(1, 600, BOTS) == plan_kills(1, 600, BOTS) != plan_kills(2, 600, BOTS)
    assert {kill.bot for seed in range(9) for kill in plan_kills(seed, 600, BOTS)} == {None, *BOTS}


def test_every_fault_that_the_venue_has_strikes_but_delays():
    assert {fault.partition("=")[0] for fault in FAULTS} == set(FaultName) - {"delay"}


def test_a_bot_has_recovered_when_it_hears_of_an_order_again():
    recoveries = Recoveries()
    recoveries.await_recovery("near", since=100.0, news=7)
    recoveries.note("near", now=102.0, news=7)
    recoveries.note("far", now=102.0, news=9)
    assert (recoveries.seconds, recoveries.outstanding) == ([], ["near"])

    recoveries.note("near", now=103.5, news=8)
    recoveries.note("near", now=110.0, news=9)

    assert (recoveries.seconds, recoveries.outstanding) == ([3.5], [])


def test_a_second_kill_before_a_recovery_makes_it_longer():
    recoveries = Recoveries()
    recoveries.await_recovery("near", since=100.0, news=7)
    recoveries.await_recovery("near", since=104.0, news=8)
    recoveries.note("near", now=105.0, news=8)
    recoveries.note("near", now=106.0, news=9)

    assert recoveries.seconds == [6.0]


def test_the_score_is_told_in_a_line_and_in_a_table(capsys):
    score = Score(orders=12, fills=3, venue_kills=1, recoveries=[2.0, 14.25])
    score.faults.update({"lose-answer": 5, "cut-socket": 2})

    show_score(Console(width=80), score)

    assert progress_line("61 of 600 s", score, ["near"]) == (
        "61 of 600 s  orders 12  fills 3  faults 7  venue killed 1  bots killed 0  "
        "recoveries 2, longest 14.2 s  waiting for near"
    )
    table = capsys.readouterr().out
    assert [line.split("│")[2].strip() for line in table.splitlines() if "│" in line] == [
        "12",
        "3",
        "1",
        "0",
        "2",
        "14.2",
        "7",
        "2",
        "5",
    ]


def test_a_difference_is_named_with_its_bot(capsys):
    lines = [Line("orders", "1", "1", agrees=True)]
    assert show_verdict(Console(width=80), {"near": lines, "far": lines})

    differing = Line("each order", "1 of 1", "1 of 2", agrees=False, differences=("HBOT1: Hummingbot None",))
    assert not show_verdict(Console(width=80), {"near": lines, "far": [differing]})

    assert "✗ far: each order: 1 of 1, venue 1 of 2\n    HBOT1: Hummingbot None" in capsys.readouterr().out


@pytest.fixture
def venue(tmp_path):
    venue = LastingVenue(tmp_path, BOTS, seed=5)
    yield venue
    venue.stop()


def test_a_killed_venue_goes_on_where_it_was_at_the_same_port(venue):
    venue.start()
    url = venue.url
    ledger = VenueAccount(url, venue.traders["near"], "ETH-PERP")
    price = ledger.price().bid - 100
    ledger.place("buy", Decimal("0.01"), price, "kept")

    venue.kill()
    with pytest.raises(VenueError, match="no answer from"):
        ledger.balance()
    venue.start()

    assert venue.url == url
    assert [order.id for order in ledger.open_orders()] == ["kept"]
    assert VenueAccount(url, venue.watchers["far"], "ETH-PERP").open_orders() == []


def test_what_struck_is_counted_over_all_lives_of_a_venue(venue):
    counts = FaultCounts(venue.data)
    assert counts.look().total() == 0
    venue.is_faulty = True
    venue.start()
    first = _knock_until_more(venue, counts, than=0)
    counts.next_life()
    venue.kill()
    assert counts.look().total() == first

    venue.start()
    second = _knock_until_more(venue, counts, than=first)

    counts.clear()
    for _ in range(100):
        _knock(venue)
    assert counts.look().total() >= second
    assert counts._ask("GET") == []


def _knock_until_more(venue: LastingVenue, counts: FaultCounts, than: int) -> int:
    for _ in range(500):
        _knock(venue)
        if (total := counts.look().total()) > than:
            return total
    pytest.fail("no fault struck in 500 requests")


def _knock(venue: LastingVenue) -> None:
    with suppress(VenueError):
        VenueAccount(venue.url, venue.watchers["near"], "ETH-PERP").price()


def test_the_port_is_none_that_the_system_gives_to_clients(venue):
    venue.start()
    with socket.socket() as client:
        client.connect(("127.0.0.1", venue._port))
        assert venue._port in PORTS and client.getsockname()[1] not in PORTS
