"""What `make bench` says against the table that was kept."""

import math
from dataclasses import asdict, replace
from pathlib import Path

from bench.measure import Line
from bench.table import draw, load, regressions, save

SHARE = Line("book update", "updates/s", 20_000, 0.60, "of its floor", floor=33_000, rivals={"other": 15_000})
COUNT = Line("requests of a poll", "requests", 5, 5, "at most", higher_is_better=False)


def kept(*lines: Line) -> list[dict]:
    return [asdict(line) for line in lines]


def test_half_of_a_share_and_twice_of_a_cost_are_said():
    slower = [replace(SHARE, score=0.30), replace(COUNT, score=10)]

    assert regressions(slower, kept(SHARE, COUNT)) == [
        "book update: 0.30 of its floor; it was 0.60",
        "requests of a poll: 10.00 at most; it was 5.00",
    ]


def test_a_figure_that_has_halved_beside_its_rivals_is_said_though_the_score_is_about_something_else():
    flat = replace(SHARE, name="fills", score=0.97, score_says="lowest to highest", floor=None)
    latency = replace(COUNT, name="tick to trade", unit="ms", ours=2.0, score=3.0, score_says="p99 to median")

    slower = [replace(flat, ours=10_000), replace(latency, ours=4.0)]

    assert regressions(slower, kept(flat, latency)) == [
        "fills: 10,000 updates/s, the best rival 15,000; it was 20,000, the best rival 15,000",
        "tick to trade: 4.00 ms, with nothing beside it; it was 2.00, with nothing beside it",
    ]
    assert regressions([replace(flat, ours=10_000, rivals={"other": 7_500})], kept(flat)) == []


def test_what_differs_by_less_is_not():
    assert regressions([replace(SHARE, score=0.45), replace(COUNT, score=7)], kept(SHARE, COUNT)) == []


def test_another_machine_is_no_regression():
    """Twice as slow, and so is the floor."""
    assert regressions([replace(SHARE, ours=10_000, floor=16_500)], kept(SHARE)) == []


def test_what_could_not_be_measured_is_said_and_what_is_new_is_not():
    assert len(regressions([replace(SHARE, score=math.nan)], kept(SHARE))) == 1
    assert regressions([SHARE], []) == []


def test_a_kept_table_is_read_again_and_drawn(tmp_path: Path):
    save([SHARE, COUNT], tmp_path / "results.json")
    draw([SHARE, COUNT], tmp_path / "picture.png")

    assert load(tmp_path / "results.json") == kept(SHARE, COUNT)
    assert load(tmp_path / "nowhere.json") == []
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
