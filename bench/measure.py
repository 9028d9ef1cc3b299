"""Rounds in turn, medians, and what a line of the table holds."""

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

ROUNDS = 5


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

    @property
    def is_rate(self) -> bool:
        """Whether the figures are so many a second, of which more are better; else they are costs."""
        return self.unit.endswith("/s")


Work = Callable[[], Awaitable[float]]


async def medians(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, float]:
    """Does each piece of work once a round, one after the other, and returns the median of each one's figures."""
    figures: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            figures[name].append(await work())
    return {name: statistics.median(each) for name, each in figures.items()}


async def ended(*tasks: asyncio.Task) -> None:
    """Cancels tasks, and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
