"""Plans which process is killed when; the seed decides it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

VENUE_KILL_SECONDS = 60
BOT_KILL_SECONDS = 90
JITTER = 0.15
LONGEST_DARKNESS = 3.0


@dataclass(frozen=True)
class Kill:
    """At `second` of the run, a process is killed with SIGKILL: the bot of that name, or the venue when there is none.
    It is started again `darkness` seconds later."""

    second: float
    darkness: float
    bot: str | None = None


def plan_kills(seed: int, seconds: int, bots: Sequence[str]) -> list[Kill]:
    """The kills of a run, in their order. They come in the middle of each interval, more or less, so that a run of one
    minute has both."""
    random = Random(f"{seed}/kills")
    venue = [Kill(second, _darkness(random)) for second in _seconds(random, VENUE_KILL_SECONDS, seconds)]
    one_bot = [
        Kill(second, _darkness(random), random.choice(bots)) for second in _seconds(random, BOT_KILL_SECONDS, seconds)
    ]
    return sorted(venue + one_bot, key=lambda kill: kill.second)


def _seconds(random: Random, interval: int, seconds: int) -> list[float]:
    middles = (interval * (number + 0.5) for number in range(seconds // interval + 1))
    moments = (middle + random.uniform(-JITTER, JITTER) * interval for middle in middles)
    return [moment for moment in moments if moment < seconds]


def _darkness(random: Random) -> float:
    return random.uniform(0, LONGEST_DARKNESS)
