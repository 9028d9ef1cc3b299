import time

import pytest

from acme_exchange.clock import SystemClock
from test.acme_exchange.venue import ManualClock


class Machine:
    """The machine's two clocks, moved by hand."""

    def __init__(self, monkeypatch) -> None:
        self.wall = 1_000_000_000_000_000_000
        self.monotonic = 5_000
        monkeypatch.setattr(time, "time_ns", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.monotonic)

    def passes(self, seconds: int, wall: int | None = None) -> None:
        self.monotonic += seconds * 10**9
        self.wall += (seconds if wall is None else wall) * 10**9


def test_the_clock_follows_the_machines(monkeypatch):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    assert clock.now() == 1_000_000_000_000_000
    machine.passes(3)
    assert clock.now() == 1_000_000_003_000_000


def test_after_a_sleep_it_is_as_late_as_the_machine_says(monkeypatch):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    machine.passes(1, wall=3600)
    assert clock.now() == 1_000_003_600_000_000


def test_when_the_machine_is_set_back_time_goes_on_at_its_pace(monkeypatch):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    machine.passes(1, wall=-3600)
    assert clock.now() == 1_000_000_001_000_000
    machine.passes(2)
    assert clock.now() == 1_000_000_003_000_000


def test_it_goes_on_from_the_latest_time_that_was_kept_and_says_how_far_it_is_ahead(monkeypatch):
    machine = Machine(monkeypatch)
    clock = SystemClock()
    clock.go_on_from(1_000_007_200_000_000)
    assert (clock.now(), clock.ahead()) == (1_000_007_200_000_000, 7_200_000_000)
    machine.passes(2)
    assert (clock.now(), clock.ahead()) == (1_000_007_202_000_000, 7_200_000_000)
    machine.passes(2, wall=7202)
    assert (clock.now(), clock.ahead()) == (1_000_007_204_000_000, 0)
    clock.go_on_from(0)
    assert clock.now() == 1_000_007_204_000_000


def test_a_manual_clock_stands_still_until_it_is_moved():
    clock = ManualClock(7)
    assert (clock.now(), clock.now()) == (7, 7)
    clock.advance(0.000001)
    assert clock.now() == 8
    with pytest.raises(ValueError):
        clock.advance(-1)
