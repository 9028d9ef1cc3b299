"""The soak's verdict on series whose trend is known, and what it says at the end."""

import itertools
import random
import socket
from pathlib import Path

import pytest

from acme_bot.soak import gauges
from acme_bot.soak.chart import draw
from acme_bot.soak.gauges import BotGauge, VenueGauge
from acme_bot.soak.trend import Series, trend_of

HOUR = 3600
PNG = b"\x89PNG\r\n\x1a\n"


def series(values, tolerance: float = 8.0) -> Series:
    made = Series("memory of nothing", "MB", tolerance)
    for second, value in enumerate(values):
        made.add(float(second), value)
    return made


def noise(seed: int = 1, spread: float = 2.0):
    chance = random.Random(seed)
    return (chance.gauss(0, spread) for _ in itertools.count())


def leak(per_hour: float, seconds: int = HOUR):
    return [250 + per_hour * second / HOUR for second in range(seconds)]


@pytest.mark.parametrize("per_hour, rises", [(0, False), (-60, False), (6, False), (18, True), (60, True)])
def test_a_leak_is_found_in_the_noise_and_noise_is_no_leak(per_hour: float, rises: bool):
    trend = trend_of(series(value + each for value, each in zip(leak(per_hour), noise())))

    assert trend.is_rising is rises
    assert trend.per_hour == pytest.approx(per_hour, abs=1)


def test_what_rises_while_it_warms_up_only_does_not_count():
    warming = [min(second, HOUR / 3) / 10 for second in range(HOUR)]

    assert not trend_of(series(warming)).is_rising


def test_what_rises_in_steps_counts():
    """A cache that doubles now and then, or an arena of memory that is asked for in one piece."""
    assert trend_of(series(second // 300 * 4.0 for second in range(HOUR))).is_rising


def test_a_few_outliers_do_not_make_a_trend():
    values = [1.0] * HOUR
    for second in range(HOUR // 2, HOUR, 9):
        values[second] = 5000.0

    assert not trend_of(series(values)).is_rising


def test_ups_and_downs_are_no_trend():
    assert not trend_of(series(second % 300 / 10 for second in range(HOUR))).is_rising


def test_the_longer_a_run_the_slower_the_rise_that_it_finds():
    assert not trend_of(series(leak(9))).is_rising
    assert trend_of(series(leak(9, seconds=2 * HOUR))).is_rising


def test_too_few_samples_are_not_judged():
    with pytest.raises(ValueError, match="memory of nothing: too few samples to judge"):
        trend_of(series([1.0] * 9))


def test_the_chart_is_a_png(tmp_path):
    trends = [trend_of(series(leak(per_hour))) for per_hour in (0, 60)] * 2

    draw(trends, "4 orders", tmp_path / "soak.png")

    assert (tmp_path / "soak.png").read_bytes().startswith(PNG)


def test_the_bots_samples_are_taken_up_once_each_and_whole(tmp_path):
    file = Path(tmp_path, "samples")
    line = '{"time": %d, "lag": 0.002, "queued": 3, "tasks": 30, "orders": {"BTC-USD": 4}, "fills": {}}\n'
    gauge = BotGauge(file, milliseconds=1, messages=1, tasks=1)

    file.write_text(line % 99 + line % 101 + (line % 102)[:20])
    gauge.sample(started=100)
    file.write_text(line % 99 + line % 101 + line % 102)
    gauge.sample(started=100)
    gauge.sample(started=100)

    lag, queued, tasks = gauge.series
    assert lag.times == [1.0, 2.0] and lag.values == [2.0, 2.0]
    assert (queued.values, tasks.values) == ([3, 3], [30, 30])
    assert gauge.orders == [{"BTC-USD": 4}] * 2


def test_what_waits_in_a_listeners_connections_is_counted_and_nobody_elses():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as another:
        ports = [each.getsockname()[1] for each in (listener, another)]
        with (
            socket.create_connection(("127.0.0.1", ports[0])) as client,
            socket.create_connection(("127.0.0.1", ports[1])),
        ):
            client.sendall(bytes(1000))
            assert [sum(gauges._waiting_bytes(port)) for port in ports] == [1000, 0]


def test_a_venue_that_does_not_answer_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(OSError):
        VenueGauge(f"http://127.0.0.1:{port}", milliseconds=1, kilobytes=1).sample(0)
