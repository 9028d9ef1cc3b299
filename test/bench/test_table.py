"""What `make bench` says against the table that was kept."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.measure import Line, tails
from bench.table import PAGE, RESULTS, draw, in_page, load, put_into_page, regressions, save

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


def test_the_page_on_performance_has_the_table_that_was_kept():
    lines = [Line(**line) for line in load(RESULTS)]

    assert in_page(lines) in PAGE.read_text(encoding="utf-8")


def test_a_table_takes_the_place_of_the_one_before_it_and_of_nothing_else(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- table -->\n\nold\n\n<!-- end of table -->\n\nAfter.\n", encoding="utf-8")

    put_into_page([COUNT], page)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("Before.") and text.endswith("After.\n") and "old" not in text
    assert "| requests of a poll | requests | 5.00 |  | 5.00 at most | reported |  |" in text


def test_a_page_without_a_place_for_the_table_is_left_as_it_is_and_said(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("Nothing.\n", encoding="utf-8")

    with pytest.raises(ValueError, match="page.md has no <!-- table -->"):
        put_into_page([COUNT], page)
    assert page.read_text(encoding="utf-8") == "Nothing.\n"


def test_tails_are_of_all_of_a_connectors_rounds_together():
    assert tails({"a_perpetual": [[1.0] * 50, [1.0] * 49 + [9.0]], "b": [[2.0, 2.0]]}) == "p99 a 1.1, b 2.0 ms"
