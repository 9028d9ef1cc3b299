"""Measures how long a bot hears nothing of its orders after it, or the venue, was killed."""

from dataclasses import dataclass, field


@dataclass
class _Awaited:
    since: float
    news: int


@dataclass
class Recoveries:
    """A bot has recovered when it records something new of an order. Times are seconds of one clock.

    :ivar seconds: how long each recovery took so far.
    """

    seconds: list[float] = field(default_factory=list)
    _awaited: dict[str, _Awaited] = field(default_factory=dict)

    def await_recovery(self, bot: str, since: float, news: int) -> None:
        """To be called when the venue is back, or the bot was killed. What this bot is awaited for already goes on.

        :param since: when something was killed
        :param news: how many the bot has recorded by now
        """
        earlier = self._awaited.get(bot)
        self._awaited[bot] = _Awaited(earlier.since if earlier else since, news)

    def note(self, bot: str, now: float, news: int) -> None:
        """To be called with how many news of orders the bot has recorded by now."""
        awaited = self._awaited.get(bot)
        if awaited is not None and news > awaited.news:
            self.seconds.append(now - awaited.since)
            del self._awaited[bot]

    @property
    def outstanding(self) -> list[str]:
        return sorted(self._awaited)
