"""Does long work in short turns, so that nobody waits long for the event loop."""

import asyncio
from collections.abc import Iterable
from time import monotonic

LONGEST_TURN_SECONDS = 0.001
GIVEN_WAY_SECONDS = 0.002


async def in_turns[Item](steps: Iterable[Item]) -> list[Item]:
    """Takes all steps, giving way to others every few milliseconds."""
    taken = []
    turn_began = monotonic()
    for step in steps:
        taken.append(step)
        if monotonic() - turn_began > LONGEST_TURN_SECONDS:
            await asyncio.sleep(GIVEN_WAY_SECONDS)
            turn_began = monotonic()
    return taken
