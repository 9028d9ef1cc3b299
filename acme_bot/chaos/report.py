"""Prints the lines of a chaos run while it goes on, and its result."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from acme_bot.compare.reconciliation import Line
from acme_bot.compare.view import SHOWN_DIFFERENCES, comparison


@dataclass
class Score:
    """What happened so far. `recoveries` in seconds each."""

    orders: int = 0
    fills: int = 0
    venue_kills: int = 0
    bot_kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: Sequence[float] = ()

    @property
    def longest_recovery(self) -> float:
        return max(self.recoveries, default=0.0)


def progress_line(moment: str, score: Score, waited_for: Sequence[str]) -> str:
    """:param waited_for: the bots that have not recovered yet"""
    waiting = f"  waiting for {', '.join(waited_for)}" if waited_for else ""
    return (
        f"{moment}  orders {score.orders}  fills {score.fills}  faults {score.faults.total()}  "
        f"venue killed {score.venue_kills}  bots killed {score.bot_kills}  "
        f"recoveries {len(score.recoveries)}, longest {score.longest_recovery:.1f} s{waiting}"
    )


def show_score(console: Console, score: Score) -> None:
    table = Table("", "", title="What happened", show_header=False)
    table.columns[1].justify = "right"
    rows = {
        "orders": score.orders,
        "fills": score.fills,
        "the venue was killed": score.venue_kills,
        "a bot was killed": score.bot_kills,
        "recoveries": len(score.recoveries),
        "the longest took, s": f"{score.longest_recovery:.1f}",
        "faults": score.faults.total(),
    }
    for name, value in [*rows.items(), *((f"  {name}", count) for name, count in sorted(score.faults.items()))]:
        table.add_row(name, str(value))
    console.print(table)


def show_verdict(console: Console, verdicts: Mapping[str, Sequence[Line]]) -> bool:
    """Shows each bot's lines beside the venue's. Returns whether all agree; what does not is named."""
    for bot, lines in verdicts.items():
        console.print(comparison(bot, lines))
    differing = [(bot, line) for bot, lines in verdicts.items() for line in lines if not line.agrees]
    for bot, line in differing:
        console.print(
            f"✗ {bot}: {line.name}: {line.hummingbot}, venue {line.venue}",
            style="bold red",
            markup=False,
            soft_wrap=True,
        )
        for difference in line.differences[:SHOWN_DIFFERENCES]:
            console.print(f"    {difference}", markup=False, soft_wrap=True)
    return not differing
