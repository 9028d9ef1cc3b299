"""Has the venue follow a real market: carries out a feed's lines as they come, and a recording's at the pace at which
it was made."""

import asyncio
import logging
from collections.abc import Iterable

from acme_exchange.engine import FollowCommand, FollowFunding, Halt, MirrorBook, Refused
from acme_exchange.market.follow.follower import SILENT_AFTER, Follower
from acme_exchange.market.follow.lines import FundingLine, Line, MarketLine, PriceLine
from acme_exchange.market.follow.source import LineSource
from acme_exchange.venue import Venue

LOOK_SECONDS = 0.5
TURN = 20
"""Lines, after which others get a turn."""
MICROSECONDS = 1_000_000

logger = logging.getLogger(__name__)


class Following:
    """Has a venue's markets follow their sources.

    :param speed: how many times as fast a recording is played; nothing but its pace changes.
    :param repeats: a recording that ends begins again; the markets are halted in between.
    """

    def __init__(self, venue: Venue, source: LineSource, follower: Follower, speed: float = 1.0, repeats: bool = False):
        self._venue = venue
        self._source = source
        self._follower = follower
        self._speed = speed
        self._repeats = repeats
        # A recording that is played slowly is not silent for that.
        self._silent_after = int(SILENT_AFTER / min(1.0, speed))
        self._warned: set[tuple[str, str]] = set()
        self._corrected: set[str] = set()

    async def run(self) -> None:
        """Follows until the lines end; then every market is halted."""
        looking = asyncio.create_task(self._watch())
        try:
            await (self._play() if self._source.is_recording else self._follow())
            while self._repeats and self._source.is_recording:
                self.carry_out(self._follower.end())
                await self._play()
            logger.warning("The lines to follow have ended; the markets that followed them are halted.")
        except Exception:
            logger.exception("Nothing is followed any more; the markets are halted. Start the exchange again.")
        finally:
            looking.cancel()
            self.carry_out(self._follower.end())

    async def _follow(self) -> None:
        done = 0
        async for line in self._source.live():
            self.take(line)
            done += 1
            if done % TURN == 0:
                await asyncio.sleep(0)

    async def _play(self) -> None:
        pace: Pace | None = None
        for done, line in enumerate(self._source.recorded()):
            pace = pace or Pace(line.received, self._venue.clock.now(), self._speed)
            if (wait := pace.here(line.received) - self._venue.clock.now()) > 0:
                await asyncio.sleep(wait / MICROSECONDS)
            elif done % TURN == 0:
                await asyncio.sleep(0)
            self.take(line, pace)

    def take(self, line: Line, pace: "Pace | None" = None) -> None:
        """Carries out what follows from a line, now."""
        if isinstance(line, MarketLine) and self._follower.has_other_rules(line):
            self._warn_once(line.market, "its increments are others now; start the exchange again to trade by them")
        due = pace.here(_due(line)) if pace and isinstance(line, PriceLine | FundingLine) else None
        self.carry_out(self._follower.commands(line, self._venue.clock.now(), due))

    def carry_out(self, commands: Iterable[FollowCommand]) -> None:
        """Applies commands; what the engine refuses is said once for each market and reason, and left out."""
        for command in commands:
            try:
                self._venue.execute(command)
                self._say_late_funding(command)
            except Refused as refusal:
                if isinstance(command, MirrorBook):
                    self._warn_once(
                        command.market,
                        f"a frame of the book does not fit its rules ({refusal.text}), as after other increments at "
                        "the source; the book is withdrawn until it comes anew",
                    )
                    self.carry_out(self._follower.distrust(command.market))
                else:
                    self._warn_once(command.market, f"a line was left out: {refusal.text}")

    def _say_late_funding(self, command: FollowCommand) -> None:
        """When a market is no longer halted, what was due meanwhile is about to be paid."""
        if isinstance(command, FollowFunding):
            self._corrected.add(command.market)
        if not isinstance(command, Halt) or command.halted:
            return
        future = self._venue.engine.future(command.market)
        if future.next_funding_time is not None and future.next_funding_time <= self._venue.clock.now():
            which = "that it paid then" if command.market in self._corrected else "that was known last"
            logger.warning(
                "%s: funding was due while its source was silent; it is paid now, at the rate %s, %s.",
                command.market,
                which,
                f"{future.next_funding_rate:f}",
            )
        self._corrected.discard(command.market)

    def _warn_once(self, market: str, text: str) -> None:
        if (market, text) not in self._warned:
            self._warned.add((market, text))
            logger.warning("%s: %s.", market, text)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Halts what has been silent for a while."""
        self.carry_out(self._follower.silences(self._venue.clock.now(), self._silent_after))


def _due(line: PriceLine | FundingLine) -> int:
    return line.time if isinstance(line, FundingLine) else line.next_funding_time


class Pace:
    """When what happened in a recording happens here.

    :param first: the recording's time at its beginning, microseconds since the epoch.
    :param begun: the venue's time then.
    """

    def __init__(self, first: int, begun: int, speed: float):
        self._first = first
        self._begun = begun
        self._speed = speed

    def here(self, time: int) -> int:
        """The venue's time for one of the recording's."""
        return self._begun + int((time - self._first) / self._speed)
