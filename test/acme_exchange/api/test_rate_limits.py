import pytest

from acme_exchange.api.rate_limits import ORDERS, REQUESTS, STRANGERS, Charge, RateLimits, TooManyRequests

SECOND = 1_000_000


def fill_up(limits: RateLimits, bucket, owner: str, start: int = 0) -> None:
    """One each millisecond, as many as are allowed."""
    for count in range(bucket.limit):
        limits.admit([Charge(bucket, owner)], start + count * 1000)


@pytest.mark.parametrize(
    ("bucket", "text"),
    [
        (REQUESTS, "Do not send more than 30 requests per second"),
        (ORDERS, "Do not send more than 20 orders per second"),
    ],
)
def test_past_the_limit_the_answer_says_which_and_when_to_come_back(bucket, text):
    limits = RateLimits()
    fill_up(limits, bucket, "alice")
    with pytest.raises(TooManyRequests) as refused:
        limits.admit([Charge(bucket, "alice")], 400_000)
    assert (refused.value.text, refused.value.retry_after) == (text, 0.6)


def test_whoever_comes_back_when_told_to_is_admitted_and_not_a_moment_earlier():
    limits = RateLimits()
    fill_up(limits, REQUESTS, "alice")
    with pytest.raises(TooManyRequests):
        limits.admit([Charge(REQUESTS, "alice")], SECOND - 1)
    limits.admit([Charge(REQUESTS, "alice")], SECOND)


def test_no_second_ever_holds_more_than_the_limit():
    limits = RateLimits()
    fill_up(limits, REQUESTS, "alice", start=SECOND // 2)
    with pytest.raises(TooManyRequests):
        limits.admit([Charge(REQUESTS, "alice")], SECOND + SECOND // 4)


def test_each_owner_has_a_limit_of_its_own():
    limits = RateLimits()
    fill_up(limits, REQUESTS, "alice")
    limits.admit([Charge(REQUESTS, "bob")], 30_000)


def test_a_request_that_one_limit_refuses_counts_in_none():
    limits = RateLimits()
    fill_up(limits, ORDERS, "alice")
    for _ in range(100):
        with pytest.raises(TooManyRequests):
            limits.admit([Charge(REQUESTS, "key"), Charge(ORDERS, "alice")], 50_000)
    fill_up(limits, REQUESTS, "key", start=50_000)


def test_who_falls_silent_is_forgotten_and_who_does_not_stays_limited():
    limits = RateLimits()
    limits.admit([Charge(REQUESTS, "silent")], 0)
    fill_up(limits, REQUESTS, "busy", start=SECOND)
    limits.forget_silent(SECOND + 500_000)
    assert len(limits) == 1
    with pytest.raises(TooManyRequests):
        limits.admit([Charge(REQUESTS, "busy")], SECOND + 500_000)


def test_past_ten_times_the_limit_it_is_a_flood_until_a_second_is_quiet():
    limits = RateLimits()
    fill_up(limits, REQUESTS, "alice")
    floods = []
    for _ in range(REQUESTS.limit * 9 + 1):
        with pytest.raises(TooManyRequests) as refused:
            limits.admit([Charge(REQUESTS, "alice")], 500_000)
        floods.append(refused.value.is_flood)
    assert floods == [False] * REQUESTS.limit * 9 + [True]
    fill_up(limits, REQUESTS, "alice", start=2 * SECOND)
    with pytest.raises(TooManyRequests) as refused:
        limits.admit([Charge(REQUESTS, "alice")], 2 * SECOND + 100_000)
    assert not refused.value.is_flood


def test_what_strangers_are_refused_does_not_use_up_what_the_public_may_ask():
    limits = RateLimits()
    fill_up(limits, STRANGERS, "127.0.0.1")
    limits.admit([Charge(REQUESTS, "127.0.0.1")], 30_000)


def test_an_account_that_is_allowed_another_number_is_held_to_that_one():
    limits = RateLimits()
    for count in range(50):
        limits.admit([Charge(ORDERS, "alice", 50)], count)
    with pytest.raises(TooManyRequests) as refused:
        limits.admit([Charge(ORDERS, "alice", 50)], 100)
    assert refused.value.text == "Do not send more than 50 orders per second"


def test_a_limit_that_is_lowered_holds_at_once_and_says_when_there_is_room_again():
    limits = RateLimits()
    for count in range(20):
        limits.admit([Charge(ORDERS, "alice")], count * 1000)
    with pytest.raises(TooManyRequests) as refused:
        limits.admit([Charge(ORDERS, "alice", 5)], 20_000)
    again = 20_000 + round(refused.value.retry_after * 1_000_000)
    with pytest.raises(TooManyRequests):
        limits.admit([Charge(ORDERS, "alice", 5)], again - 1)
    limits.admit([Charge(ORDERS, "alice", 5)], again)
