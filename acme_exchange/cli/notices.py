"""Prints notices for whoever started the venue: what to do next, a line of activity a minute, and at the end where
everything is kept."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

from acme_exchange.engine import Event, Filled, OrderChanged
from acme_exchange.store.store import is_house

MINUTE_SECONDS = 60.0
WORTH_A_WARNING_MICROSECONDS = 2_000_000


def notice(text: str) -> None:
    """Everything but the URL goes to standard error, so that a program can read the URL as the one line there is."""
    print(text, file=sys.stderr, flush=True)


class Activity:
    """Counts what accounts do, since the last line and since the start."""

    def __init__(self, clients: Callable[[], int]) -> None:
        """:param clients: how many connections there are now."""
        self._clients = clients
        self.orders = self.fills = 0
        self._printed = 0, 0

    def listen(self, events: Sequence[Event]) -> None:
        """Takes in what one command has caused."""
        for event in events:
            if type(event) is OrderChanged:
                self.orders += event.order.status == "new"
            elif type(event) is Filled:
                self.fills += not is_house(event.account)

    def line(self) -> str | None:
        """What happened since the last line; None when nothing did, and nobody is there."""
        orders, fills = self.orders - self._printed[0], self.fills - self._printed[1]
        self._printed = self.orders, self.fills
        clients = self._clients()
        if not (orders or fills or clients):
            return None
        return (
            f"{counted(clients, 'connection')}; in the last minute {counted(orders, 'order')}, {counted(fills, 'fill')}"
        )

    async def tell(self) -> None:
        """Prints the line every minute, for ever."""
        for _ in count():
            await asyncio.sleep(MINUTE_SECONDS)
            if line := self.line():
                notice(f"{time.strftime('%H:%M')}  {line}")


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def say_what_next(url: str, keys: Path | None, invitation: str | None) -> None:
    """
    :param keys: the file with the first account's key; None when the accounts came in a file.
    :param invitation: to its page in a browser, if there is one.
    """
    notice(f"The market is at {url}, in a browser; {url}/api/docs describes the API.")
    if invitation is not None:
        notice(invitation)
    if keys is not None:
        notice(f'The key and secret of your account "main" are in {keys}')
    notice("Open accounts and add money: acme-exchange account --help. Ctrl-C ends the exchange.")


def warn_of_time(ahead: int) -> None:
    """
    :param ahead: microseconds by which the venue's time is ahead of the machine's.
    """
    if ahead >= WORTH_A_WARNING_MICROSECONDS:
        notice(
            f"Warning: the exchange's time is {timedelta(seconds=ahead // 1_000_000)} ahead of this machine's "
            "clock, which was ahead when the exchange last ran. It goes on from there until the clock has caught up; "
            "clients may sign by either."
        )


def say_farewell(activity: Activity, database: str | None) -> None:
    """
    :param database: in which everything is kept; None when nothing is.
    """
    done = f"The exchange has ended, after {counted(activity.orders, 'order')} and {counted(activity.fills, 'fill')}. "
    if database is None:
        notice(done + "Nothing of it is kept.")
    else:
        notice(f"{done}All of it is kept in {database}; started again in the same way, it goes on from there.")
