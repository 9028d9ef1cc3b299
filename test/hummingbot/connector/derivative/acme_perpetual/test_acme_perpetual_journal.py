"""What outlives a killed process."""

import atexit
import fcntl
import stat
from decimal import Decimal

import pytest

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_journal import (
    FundingMemory,
    PlacementJournal,
    account_name,
)
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder

ACCOUNT = account_name("http://127.0.0.1:8600", "someKey")


def order(order_id: str) -> InFlightOrder:
    return InFlightOrder(
        client_order_id=order_id,
        trading_pair="BTC-USD",
        order_type=OrderType.LIMIT,
        trade_type=TradeType.BUY,
        amount=Decimal("0.001"),
        price=Decimal("65000"),
        creation_timestamp=1700000000.25,
        position=PositionAction.OPEN,
    )


@pytest.fixture
def start(data_folder):
    """Starts a process's journal; `kill` ends it as the system does when the process ends."""
    return lambda account=ACCOUNT: PlacementJournal(account, folder=data_folder)


def kill(journal: PlacementJournal):
    journal._file.close()


def test_what_was_being_placed_is_inherited_once_and_whole(start):
    killed = start()
    killed.note(order("HBOT1"))
    killed.note(order("HBOT2"))
    killed.settle("HBOT1")
    kill(killed)

    inherited = start().inherit()

    assert list(inherited) == ["HBOT2"]
    assert InFlightOrder.from_json(inherited["HBOT2"]) == order("HBOT2")


def test_what_was_inherited_is_inherited_again_until_it_is_settled(start):
    killed = start()
    killed.note(order("HBOT1"))
    killed.note(order("HBOT2"))
    kill(killed)
    heir = start()
    heir.inherit()
    heir.settle("HBOT1")
    kill(heir)

    assert list(start().inherit()) == ["HBOT2"]


def test_nothing_is_inherited_of_a_process_that_lives(start):
    living = start()
    living.note(order("HBOT1"))

    assert start().inherit() == {}
    kill(living)
    assert list(start().inherit()) == ["HBOT1"]


def test_each_account_has_its_own(start):
    killed = start()
    killed.note(order("HBOT1"))
    kill(killed)

    assert start(account_name("http://127.0.0.1:8600", "otherKey")).inherit() == {}
    assert start(account_name("https://acme.example", "someKey")).inherit() == {}


def test_a_line_that_was_not_written_to_its_end_is_left_out(start, data_folder):
    killed = start()
    killed.note(order("HBOT1"))
    killed.note(order("HBOT2"))
    kill(killed)
    (file,) = data_folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])

    assert list(start().inherit()) == ["HBOT1"]


def test_the_file_is_empty_when_all_is_settled_and_gone_when_it_was_inherited(start, data_folder):
    journal = start()
    for number in range(100):
        journal.note(order(f"HBOT{number}"))
        journal.settle(f"HBOT{number}")
    (file,) = data_folder.iterdir()
    assert file.stat().st_size == 0

    kill(journal)
    assert start().inherit() == {}
    assert list(data_folder.iterdir()) == []


def test_an_empty_file_is_gone_at_the_processs_end_also_when_it_is_closed_by_then(start, data_folder, monkeypatch):
    at_exit = []
    monkeypatch.setattr(atexit, "register", lambda *call: at_exit.append(call))
    settled, killed, living = start(), start(), start()
    for number, journal in enumerate((settled, killed, living)):
        journal.note(order(f"HBOT{number}"))
    settled.settle("HBOT0")
    killed.settle("HBOT1")
    kill(killed)

    for end, *arguments in at_exit * 2:
        end(*arguments)

    (file,) = data_folder.iterdir()
    assert b"HBOT2" in file.read_bytes()


def test_an_empty_file_of_another_account_is_removed_when_its_process_is_gone(start, data_folder):
    other = account_name("http://127.0.0.1:8600", "otherKey")
    empty, living, killed = start(other), start(other), start(other)
    for number, journal in enumerate((empty, living, killed)):
        journal.note(order(f"HBOT{number}"))
    empty.settle("HBOT0")
    living.settle("HBOT1")
    kill(empty)
    kill(killed)

    assert start().inherit() == {}

    assert sorted(file.stat().st_size > 0 for file in data_folder.iterdir()) == [False, True]
    assert list(start(other).inherit()) == ["HBOT2"]


def test_a_file_that_was_taken_over_before_it_was_locked_is_not_written_to(start, data_folder, monkeypatch):
    living, lock = start(), fcntl.flock

    def late(file, operation):
        monkeypatch.setattr(fcntl, "flock", lock)
        start().inherit()
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    living.note(order("HBOT1"))
    kill(living)

    assert list(start().inherit()) == ["HBOT1"]


def test_settling_an_order_that_is_not_in_it_does_nothing(start, data_folder):
    start().settle("HBOT1")

    assert list(data_folder.iterdir()) == []


def test_the_files_are_private_and_name_no_key(start, data_folder):
    start().note(order("HBOT1"))
    FundingMemory(ACCOUNT, folder=data_folder).keep({"BTC-USD": 1.0})

    files = list(data_folder.iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert not any("someKey" in file.name or b"someKey" in file.read_bytes() for file in files)


def test_the_funding_of_several_pairs_is_remembered(data_folder):
    memory = FundingMemory(ACCOUNT, folder=data_folder)
    memory.keep({"BTC-USD": 1700000000.5, "ETH-USD": 0})
    memory.keep({"BTC-USD": 1700003600.5})

    recalled = FundingMemory(ACCOUNT, folder=data_folder).recall()

    assert recalled == {"BTC-USD": 1700003600.5, "ETH-USD": 0}


def test_a_pair_of_another_bot_is_not_forgotten(data_folder):
    FundingMemory(ACCOUNT, folder=data_folder).keep({"ETH-USD": 1700000000.0})
    memory = FundingMemory(ACCOUNT, folder=data_folder)
    memory.recall()
    memory.keep({"BTC-USD": 1700003600.0})

    assert set(FundingMemory(ACCOUNT, folder=data_folder).recall()) == {"ETH-USD", "BTC-USD"}


@pytest.mark.parametrize(
    "content", ["", "[1]", '{"BTC-USD": "soon"}', "\udcff"], ids=["empty", "list", "text", "bytes"]
)
def test_a_memory_that_makes_no_sense_is_none(data_folder, content):
    name = f"acme_perpetual.{ACCOUNT}.funding"
    (data_folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))

    assert FundingMemory(ACCOUNT, folder=data_folder).recall() == {}
