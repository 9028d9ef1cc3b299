"""Sends messages about what happens on a venue, a few a minute at most, and never makes the venue wait for them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from acme_exchange.engine import Event, Filled, Liquidated
from acme_exchange.engine.model.funding import MICROSECONDS
from acme_exchange.notifications.digest import Digest
from acme_exchange.notifications.receiver import Message, Receiver
from acme_exchange.notifications.silence import HEARD_MICROSECONDS, Change, SilenceWatch
from acme_exchange.store.progress import StoreFailed
from acme_exchange.store.store import is_house
from acme_exchange.venue import Venue

GATHER_SECONDS = 1.0
"""What belongs together happens within this time."""
URGENT_SECONDS = 5.0
"""Between two messages, if the second one cannot wait."""
FILLS_SECONDS = 60.0
"""Between two messages of fills alone."""
RETRY_SECONDS = (2.0, 10.0, 30.0)
LONGEST_RETRY_SECONDS = 120.0
ANSWER_SECONDS = 10.0
FAREWELL_SECONDS = 2.0
LOOK_SECONDS = 3.0
WARNING_SECONDS = 3600.0

WELCOME = "Acme is open. You will be told here of fills, of liquidations, and of a bot that falls silent."
FAREWELL = "Acme has ended."
BROKEN_FAREWELL = "Acme has ended: it could not keep any more what happens on it."

Sleep = Callable[[float], Awaitable[None]]
Streams = Callable[[int], Counter[str]]


@dataclass(frozen=True)
class Refusal:
    """Why a message was not taken.

    :ivar may_pass: whether the same message may be taken a little later.
    :ivar seconds: how long the receiver wants to be left alone.
    """

    reason: str
    may_pass: bool
    seconds: float = 0.0


class Notifier:
    """Tells a receiver what happens. Nothing that goes wrong with that reaches the venue, or shows the address."""

    def __init__(
        self,
        receiver: Receiver,
        venue: Venue,
        streams: Streams,
        say: Callable[[str], None],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """
        :param streams: by account, how many private streams of bots have sent something since a moment, given in
            microseconds.
        :param say: tells who started the venue what goes wrong.
        :param sleep: for seconds.
        """
        self._receiver = receiver
        self._venue = venue
        self._streams = streams
        self._say = say
        self._sleep = sleep
        self._digest = Digest()
        self._watch = SilenceWatch()
        self._lost = 0
        self._last_warning: tuple[str, int] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Sends a first message, so that a wrong address shows at once, and from now on whatever happens."""
        self._say(f"{self._receiver.name} is told of fills, liquidations, and bots that fall silent.")
        if self._receiver.is_readable_on_its_way:
            self._say("Warning: its address begins with http://, so that it can be read on its way; take https://.")
        self._venue.listen(self._listen)
        self._tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._look())]

    async def end(self) -> None:
        """Sends what was gathered, once, without waiting for long, and ends. Does nothing when it was not started."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        farewell = FAREWELL
        gathered = self._digest.take()
        try:
            await self._venue.progress.settle()
        except StoreFailed:
            gathered, farewell = Message(""), BROKEN_FAREWELL
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS), _session() as session:
                await self._post(session, Message(f"{gathered.text}\n{farewell}".strip(), gathered.is_urgent))

    def _listen(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Filled):
                if not is_house(event.account):
                    self._digest.add_fill(event)
            elif isinstance(event, Liquidated):
                self._digest.add_urgent(_liquidation(event))

    async def _look(self) -> None:
        while True:
            await self._sleep(LOOK_SECONDS)
            now = self._venue.clock.now()
            for change in self._watch.look(self._streams(now - HEARD_MICROSECONDS), now):
                self._digest.add_urgent(self._change(change, now))

    def _change(self, change: Change, now: int) -> str:
        """Of bots that fell silent, or are back, in words."""
        moment = datetime.fromtimestamp(now // MICROSECONDS, UTC).strftime("%H:%M:%S UTC")
        if not change.silent:
            return f"{change.account}: its bot is connected again since {moment}."
        who = f"{change.silent} of its {change.silent + change.left} bots" if change.left else "its bot"
        verb = "has" if change.silent == 1 or not change.left else "have"
        return f"{change.account}: {who} {verb} fallen silent, noticed at {moment}. {self._left_open(change.account)}"

    def _left_open(self, account: str) -> str:
        engine = self._venue.engine
        orders = len(engine.open_orders(account))
        positions = [f"{held.net_size:+,f} {held.market}" for held in engine.account(account).positions if held.size]
        if not orders and not positions:
            return "It has nothing open."
        return f"Open: {orders} order{'' if orders == 1 else 's'}; position {', '.join(positions) or 'none'}."

    async def _tell(self) -> None:
        async with _session() as session:
            await self._deliver(session, Message(WELCOME))
            while True:
                await self._digest.filled.wait()
                await self._sleep(GATHER_SECONDS)
                with suppress(StoreFailed):
                    message = self._digest.take()
                    await self._venue.progress.settle()
                    await self._deliver(session, message)
                await self._pause()

    async def _pause(self) -> None:
        """Waits until the next message may be sent."""
        await self._sleep(URGENT_SECONDS)
        waiting = [
            asyncio.ensure_future(self._sleep(FILLS_SECONDS - URGENT_SECONDS)),
            asyncio.ensure_future(self._digest.urgent.wait()),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()

    async def _deliver(self, session: aiohttp.ClientSession, message: Message) -> None:
        """Sends a message, and again if that may help; if it does not, says so, and lets it go."""
        if self._lost:
            text = f"{message.text}\n{self._lost:,} earlier message{'' if self._lost == 1 else 's'} could not be sent."
            message = Message(text, message.is_urgent)
        refusal = await self._post(session, message)
        for seconds in RETRY_SECONDS:
            if refusal is None or not refusal.may_pass:
                break
            await self._sleep(max(seconds, min(refusal.seconds, LONGEST_RETRY_SECONDS)))
            refusal = await self._post(session, message)
        if refusal is None:
            self._lost, self._last_warning = 0, None
        else:
            self._lost += 1
            self._warn(refusal.reason)

    def _warn(self, reason: str) -> None:
        """Says what goes wrong: once an hour, if it stays the same."""
        now = self._venue.clock.now()
        if self._last_warning is not None:
            last_reason, moment = self._last_warning
            if last_reason == reason and now - moment < WARNING_SECONDS * MICROSECONDS:
                return
        self._last_warning = reason, now
        self._say(f"A notification was not sent: {self._receiver.name} {reason}. The exchange goes on.")

    async def _post(self, session: aiohttp.ClientSession, message: Message) -> Refusal | None:
        """Sends a message once; None when it was taken."""
        receiver = self._receiver
        try:
            # What is posted goes nowhere else than where the owner said: no redirect is followed.
            async with session.post(
                receiver.url, data=receiver.body(message), headers=receiver.headers(message), allow_redirects=False
            ) as response:
                return _refusal(response)
        except TimeoutError:
            return Refusal(f"did not answer within {ANSWER_SECONDS:.0f} s", may_pass=True)
        except aiohttp.ClientConnectorCertificateError:
            return Refusal("has a certificate that this machine does not trust", may_pass=False)
        except (aiohttp.ClientError, OSError, ValueError):
            return Refusal("could not be reached", may_pass=True)


def _session() -> aiohttp.ClientSession:
    """Goes by the proxies of the environment, and keeps no cookies."""
    return aiohttp.ClientSession(
        trust_env=True, timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
    )


def _refusal(response: aiohttp.ClientResponse) -> Refusal | None:
    status = response.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Refusal(f"answered with a redirect ({status}); give the address that it leads to", may_pass=False)
    if status == 429 or status >= 500:
        return Refusal(f"answered with {status}", may_pass=True, seconds=_retry_after(response))
    return Refusal(f"answered with {status}; check the address", may_pass=False)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def _liquidation(event: Liquidated) -> str:
    borne = f" The exchange bore {event.absorbed:,f} USD of its loss." if event.absorbed else ""
    return (
        f"{event.account} was liquidated: it was worth less than its maintenance margin. "
        f"Its orders are cancelled and its positions closed.{borne}"
    )
