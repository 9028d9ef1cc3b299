"""Notices when a bot falls silent: its private stream is gone, or says nothing any more."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from acme_exchange.engine.model.funding import MICROSECONDS

HEARD_MICROSECONDS = 30 * MICROSECONDS
"""A stream that has sent nothing for so long is as good as gone: clients ping every 15 s (Acme API §3)."""
PATIENCE_MICROSECONDS = 30 * MICROSECONDS
"""A bot that connects again within this was never silent."""


@dataclass
class Bots:
    """An account's streams.

    :ivar expected: how many bots there are, as last found out.
    :ivar differs_since: when there began to be more, or fewer, streams than that; None while there are as many.
    :ivar silent: how many have fallen silent and are not back.
    """

    expected: int = 0
    differs_since: int | None = None
    silent: int = 0


@dataclass(frozen=True)
class Change:
    """Bots of an account fell silent, or are back.

    :ivar silent: how many now have fallen silent; 0 when one is back.
    :ivar left: how many are connected.
    """

    account: str
    silent: int
    left: int


@dataclass
class SilenceWatch:
    """Knows which bots were there. A change counts once it has lasted, but that an account's first bot comes, or its
    only one is back, counts at once: a stream that a broken network has left behind is no second bot."""

    _accounts: dict[str, Bots] = field(default_factory=dict)

    def look(self, streams: Counter[str], now: int) -> Iterator[Change]:
        """Looks at what is connected.

        :param streams: by account, those that were heard within `HEARD_MICROSECONDS`.
        :param now: microseconds.
        """
        for account in sorted(self._accounts.keys() | streams.keys()):
            bots = self._accounts.setdefault(account, Bots())
            if change := _look(account, bots, streams[account], now):
                yield change


def _look(account: str, bots: Bots, connected: int, now: int) -> Change | None:
    if connected == bots.expected:
        bots.differs_since = None
        return None
    if bots.differs_since is None:
        bots.differs_since = now
    if bots.expected and now - bots.differs_since < PATIENCE_MICROSECONDS:
        return None
    fewer, is_back = bots.expected - connected, bots.silent > 0
    bots.expected, bots.differs_since = connected, None
    bots.silent = max(0, bots.silent + fewer)
    if fewer > 0:
        return Change(account, fewer, connected)
    return Change(account, 0, connected) if is_back else None
