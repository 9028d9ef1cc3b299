"""Rounds in turn, medians, and what a line of the table holds."""

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

ROUNDS = 7
TRIES = 3
"""How often a round does what takes a fraction of a second of the processor's time."""
NOISE = "; not told from noise"


@dataclass(frozen=True)
class Line:
    """One line of the table.

    :ivar unit: of every figure.
    :ivar ours: the connector's figure.
    :ivar rivals: the other connectors' figures, by name.
    :ivar floor: the same work by the least that is possible; None where there is none.
    :ivar score: what the goal is about, and what a later run is compared in: a ratio, or a count. Nothing that depends
        on the machine.
    :ivar score_says: what the score is.
    :ivar goal: in words.
    :ivar is_met: None where there is no goal.
    :ivar higher_is_better: of the score.
    :ivar part: of the bench, by which lines that are not measured again are kept.
    :ivar spread: the middle half of the score's values, one of each round; a goal within it is not told from noise.
    """

    name: str
    unit: str
    ours: float
    score: float
    score_says: str
    goal: str = "reported"
    is_met: bool | None = None
    rivals: Mapping[str, float] = field(default_factory=dict)
    floor: float | None = None
    higher_is_better: bool = True
    spread: list[float] = field(default_factory=list)
    part: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether the figures are so many a second, of which more are better; else they are costs."""
        return self.unit.endswith("/s")


Work = Callable[[], Awaitable[float]]


async def interleaved(works: Mapping[str, Work], rounds: int = ROUNDS, tries: int = 1) -> dict[str, list[float]]:
    """Does each piece of work once a round, one after the other, in an order that turns, and returns each one's figures
    in the rounds' order.

    With several tries, a round does all of the works so often, again in turn, and each one's figure is the highest:
    they are rates then, which whatever else the machine does can lower, and nothing can raise.

    What was there before a piece of work begins is kept from the garbage collector, the same for all: a search through
    all of Hummingbot takes longer than some of the works, and falls on whichever it happens to fall on.
    """
    names = list(works)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        tried: dict[str, list[float]] = {name: [] for name in names}
        for name in [*names[turn:], *names[:turn]] * tries:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            tried[name].append(await works[name]())
        for name, each in tried.items():
            figures[name].append(max(each))
    gc.unfreeze()
    return figures


async def medians(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each piece of work's figures in interleaved rounds."""
    return {name: statistics.median(each) for name, each in (await interleaved(works, rounds)).items()}


def beside_rivals(
    name: str,
    unit: str,
    figures: Mapping[str, Sequence[float]],
    ours: str,
    goal: float,
    remark: str = "",
    floor: float | None = None,
) -> Line:
    """A line whose score is how many times as good we are as the best rival of each round: its median over the rounds.

    It is met when three rounds of four are at the goal or above it. When only the median is, it cannot be told from
    noise, which counts as not met.

    :param figures: of each connector in each round; so many a second, or costs, as the unit says
    """
    rivals = {rival: each for rival, each in figures.items() if rival != ours}
    is_rate = unit.endswith("/s")
    scores = [
        mine / max(theirs) if is_rate else min(theirs) / mine for mine, *theirs in zip(figures[ours], *rivals.values())
    ]
    low, median, high = statistics.quantiles(scores, n=4)
    says = f"times as good as the best rival, {low:.2f} to {high:.2f}" + (f"; {remark}" if remark else "")
    if low < goal <= median:
        says += NOISE
    return Line(
        name,
        unit,
        statistics.median(figures[ours]),
        median,
        says,
        f"≥ {goal:g}",
        low >= goal,
        {rival: statistics.median(each) for rival, each in rivals.items()},
        floor,
        spread=[low, high],
    )


def tails(times: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """The 99th percentile of all of each connector's times, in words; of few times, the longest."""
    shown = []
    for name, rounds in times.items():
        of_all = [each for of_round in rounds for each in of_round]
        shown.append(
            f"{name.removesuffix('_perpetual')} {statistics.quantiles(of_all, n=100, method='inclusive')[98]:.1f}"
        )
    return f"p99 {', '.join(shown)} ms"


async def ended(*tasks: asyncio.Task) -> None:
    """Cancels tasks, and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
