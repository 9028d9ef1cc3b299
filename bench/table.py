"""The table, its file, its picture, and what has become slower since it was last kept."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from bench.measure import Line

RESULTS = Path(__file__).with_name("results.json")
PICTURE = Path(__file__).parents[1] / "docs" / "performance.png"
PAGE = PICTURE.with_suffix(".md")
WIDTH = 170
BEGIN, END = "<!-- table -->\n\n", "\n\n<!-- end of table -->"
HALF = 0.55
"""A score that has fallen to this share of what it was counts as halved: what is measured twice is never quite the
same."""


def show(lines: Sequence[Line], console: Console) -> None:
    table = Table("work", "unit", "acme", "rivals", "floor", "score", "goal", "", title="The connector, measured")
    for column in (table.columns[2], table.columns[4]):
        column.justify = "right"
    for line in lines:
        rivals = "\n".join(f"{name.removesuffix('_perpetual')} {_short(value)}" for name, value in line.rivals.items())
        mark = {None: "", True: "✓", False: "✗"}[line.is_met]
        table.add_row(
            line.name,
            line.unit,
            _short(line.ours),
            rivals,
            "" if line.floor is None else _short(line.floor),
            f"{line.score:.2f} {line.score_says}",
            line.goal,
            mark,
            style="red" if line.is_met is False else None,
        )
    console.print(table)


def regressions(lines: Sequence[Line], earlier: Sequence[dict]) -> list[str]:
    """What of `lines` is half as good, or worse, as it was in the table that was kept; a sentence each.

    A figure is taken as a share of the floor, or else of the best rival, of its own run, so that another machine is no
    regression; where there is neither, as it is.
    """
    before = {line["name"]: Line(**line) for line in earlier}
    found = []
    for line in lines:
        was = before.get(line.name)
        if was is None:
            continue
        if _share(line.score, was.score, line.higher_is_better) <= HALF:
            found.append(f"{line.name}: {line.score:.2f} {line.score_says}; it was {was.score:.2f}")
        elif _share(_relative(line), _relative(was), line.is_rate) <= HALF:
            found.append(
                f"{line.name}: {_short(line.ours)} {line.unit}, {_beside(line)}; "
                f"it was {_short(was.ours)}, {_beside(was)}"
            )
    return found


def _share(now: float, was: float, higher_is_better: bool) -> float:
    """How good something is beside what it was; 1 for the same."""
    if math.isnan(now):
        return 0.0
    better, worse = (now, was) if higher_is_better else (was, now)
    return better / worse if worse > 0 else 1.0


def _relative(line: Line) -> float:
    return line.ours / (_reference(line) or 1.0)


def _reference(line: Line) -> float | None:
    if line.floor is not None or not line.rivals:
        return line.floor
    return (max if line.is_rate else min)(line.rivals.values())


def _beside(line: Line) -> str:
    reference = _reference(line)
    what = "the floor" if line.floor is not None else "the best rival"
    return "with nothing beside it" if reference is None else f"{what} {_short(reference)}"


def with_other_parts(lines: Sequence[Line], earlier: Sequence[dict], parts: Sequence[str]) -> list[Line]:
    """The lines that were measured, and those that were kept of parts that were not, in the order of the parts.

    :param lines: each with its part
    :param earlier: what `load` gives
    """
    measured = {line.part for line in lines}
    others = [line for each in earlier if (line := Line(**each)).part not in measured]
    return sorted([*lines, *others], key=lambda line: parts.index(line.part))


def save(lines: Sequence[Line], path: Path) -> None:
    path.write_text(json.dumps([asdict(line) for line in lines], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: Path) -> list[dict]:
    """The table that was kept; nothing when there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def in_page(lines: Sequence[Line]) -> str:
    """The table as the page on performance has it (Markdown)."""
    rows = ["| line | unit | acme | rivals | times as good, and what else is to be said | goal | met |"]
    rows.append("| --- | --- | ---: | --- | --- | --- | --- |")
    for line in lines:
        rivals = ", ".join(f"{name.removesuffix('_perpetual')} {_short(value)}" for name, value in line.rivals.items())
        met = {None: "", True: "yes", False: "no"}[line.is_met]
        says = f"{line.score:.2f} {line.score_says}"
        rows.append(f"| {line.name} | {line.unit} | {_short(line.ours)} | {rivals} | {says} | {line.goal} | {met} |")
    return "\n".join(rows)


def put_into_page(lines: Sequence[Line], page: Path) -> None:
    """Puts the table where the page has one, between its two marks.

    :raises ValueError: when the page has no such marks
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _table, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page.name} has no {BEGIN.strip()} and {END.strip()} for the table to be between")
    page.write_text(f"{before}{BEGIN}{in_page(lines)}{END}{after}", encoding="utf-8")


def draw(lines: Sequence[Line], path: Path) -> None:
    """A PNG: of each line that has rivals or a floor, the figures as bars, the connector's first."""
    drawn = [line for line in lines if line.rivals or line.floor]
    figure = Figure((13, 2.1 * -(-len(drawn) // 2)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, line in enumerate(drawn, start=1):
        axes = figure.add_subplot(-(-len(drawn) // 2), 2, number)
        bars = {"acme_perpetual": line.ours, **line.rivals} | ({"floor": line.floor} if line.floor else {})
        colours = ["tab:green" if line.is_met else "tab:orange", *["tab:gray"] * len(line.rivals), "tab:blue"]
        axes.barh(list(bars), list(bars.values()), color=colours[: len(bars)])
        axes.invert_yaxis()
        axes.set_title(f"{line.name}, {line.unit}", fontsize=9)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=80)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
