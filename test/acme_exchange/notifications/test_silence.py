"""When a bot counts as silent."""

from collections import Counter

import pytest

from acme_exchange.notifications.silence import Change, SilenceWatch


class Days:
    """Looks once a second."""

    def __init__(self) -> None:
        self._watch = SilenceWatch()
        self._now = 1_800_000_000_000_000

    def pass_by(self, seconds: int, **streams: int) -> list[Change]:
        changes = []
        for _ in range(seconds):
            self._now += 1_000_000
            changes += self._watch.look(Counter(streams), self._now)
        return changes


@pytest.fixture
def days() -> Days:
    return Days()


def test_a_bot_that_is_gone_for_half_a_minute_is_silent_once_and_back_at_once(days):
    assert days.pass_by(1, main=1) == []
    assert days.pass_by(30) == []
    assert days.pass_by(600) == [Change("main", 1, 0)]
    assert days.pass_by(600, main=1) == [Change("main", 0, 1)]
    assert days.pass_by(31) == [Change("main", 1, 0)]


def test_a_bot_that_connects_again_was_never_silent(days):
    for _ in range(5):
        assert days.pass_by(60, main=1) + days.pass_by(29) == []


def test_a_stream_that_a_broken_network_left_behind_is_no_second_bot(days):
    assert days.pass_by(60, main=1) == []
    assert days.pass_by(29, main=2) + days.pass_by(600, main=1) == []


def test_one_of_several_bots_and_of_several_accounts(days):
    days.pass_by(60, main=1, other=1)
    assert days.pass_by(60, main=3, other=1) == []
    assert days.pass_by(60, main=2, other=1) == [Change("main", 1, 2)]
    assert days.pass_by(60, main=2) == [Change("other", 1, 0)]
    assert days.pass_by(60, main=0) == [Change("main", 2, 0)]
    assert days.pass_by(60, main=3, other=1) == [Change("main", 0, 3), Change("other", 0, 1)]
