"""Keeps a WebSocket connected: what the public and the private stream have in common (Acme API §6)."""

import asyncio
import logging
import random
import time
from typing import Any, Awaitable, Callable, Dict, Optional

import aiohttp

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_web_utils as web_utils,
    acme_perpetual_wire as wire,
)
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

# How often to look at what has to be done beside reading frames, in seconds.
TICK = 1.0


class StreamClosedError(ConnectionError):
    """A connection that ended, or has to: the text says why."""


class Backoff:
    """The delays between attempts to connect: jittered, doubling, and short again after a connection that lasted."""

    def __init__(self):
        self._ceiling = CONSTANTS.RECONNECT_DELAY_MIN

    def next_delay(self, lasted: float) -> float:
        """Seconds to wait after a connection that lasted this many. Never below half of what doubling makes of it, so
        that a venue that is down is not hammered; never all of it for everyone, so that not all come back at once."""
        if lasted >= CONSTANTS.STABLE_CONNECTION_SECONDS:
            self._ceiling = CONSTANTS.RECONNECT_DELAY_MIN
        delay = random.uniform(self._ceiling / 2, self._ceiling)
        self._ceiling = min(2 * self._ceiling, CONSTANTS.RECONNECT_DELAY_MAX)
        return delay


class WarningLimiter:
    """Warnings of which each kind is logged once in `WARNING_INTERVAL`, and of not too many kinds: a venue gone wrong
    must not fill the log."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic):
        self._logger = logger
        self._clock = clock
        self._logged_at: Dict[str, float] = {}

    def log(self, kind: str, text: str):
        earliest = self._clock() - CONSTANTS.WARNING_INTERVAL
        self._logged_at = {known: time for known, time in self._logged_at.items() if time > earliest}
        if kind not in self._logged_at and len(self._logged_at) < CONSTANTS.MOST_WARNINGS:
            self._logged_at[kind] = self._clock()
            self._logger.warning(text)

    def forget(self):
        """Logs every kind again when it next occurs."""
        self._logged_at.clear()


async def connect(assistant: WSAssistant, domain: str):
    """Connects to the venue.

    :raises Exception: whatever keeps it from connecting; TimeoutError when that takes longer than a request may
    """
    async with asyncio.timeout(CONSTANTS.REQUEST_DEADLINE):
        # Silence is measured by the application's own pings, which also need the venue's application to be alive.
        await assistant.connect(ws_url=web_utils.wss_url(domain), ping_timeout=None)


async def keep_connected(
    name: str,
    open_stream: Callable[[], Awaitable[None]],
    listen: Callable[[], Awaitable[None]],
    close_stream: Callable[[], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]],
    logger: logging.Logger,
):
    """Opens a stream, listens until that ends, closes it, and begins again after the delay that `Backoff` gives; for
    ever.

    What goes wrong on the network is a line in the log, once until a connection was stable again; anything else is
    logged with its traceback.
    """
    loop = asyncio.get_running_loop()
    backoff, warnings = Backoff(), WarningLimiter(logger)
    while True:
        opened_at = None
        try:
            await open_stream()
            opened_at = loop.time()
            await listen()
        except (ConnectionError, TimeoutError, aiohttp.ClientError) as error:
            text = str(error) or type(error).__name__
            warnings.log(text, f"The {name} was interrupted ({text}). Connecting again.")
        except Exception:
            logger.exception(f"Unexpected error in the {name}. Connecting again.")
        finally:
            await close_stream()
        lasted = 0.0 if opened_at is None else loop.time() - opened_at
        if lasted >= CONSTANTS.STABLE_CONNECTION_SECONDS:
            warnings.forget()
        await sleep(backoff.next_delay(lasted))


def frame_of(
    message: Any, decode: Callable[[Any], Dict[str, Any]], warnings: WarningLimiter
) -> Optional[Dict[str, Any]]:
    """The frame of a message; None, which is logged, when it is none.

    :param decode: raises WireError when it is none
    """
    try:
        return decode(message)
    except wire.WireError as error:
        warnings.log("no frame", f"Ignored a message that is no frame of the venue's ({error}).")
        return None


class Turn:
    """How long the event loop has been in its present turn, for those who do many things in one of them."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._ends: Optional[float] = None

    def is_over(self) -> bool:
        """Whether what was done since it was first asked in this turn has taken `LONGEST_TURN`."""
        now = self._loop.time()
        if self._ends is None:
            self._ends = now + CONSTANTS.LONGEST_TURN
            self._loop.call_soon(self._end)
            return False
        return now > self._ends

    def _end(self):
        self._ends = None


class Reader:
    """Reads a connection's messages, and does not wait for one for longer than a tick.

    One timer serves all messages: a timeout for each of them costs more than reading it.
    """

    def __init__(self, assistant: WSAssistant):
        self._assistant = assistant
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a task is what reads"
        self._task = task
        self._last_heard = self._last_ping = self._loop.time()
        self._has_heard = False
        self._is_waiting = False
        self._cancellations = self._task.cancelling()
        self._has_ticked = False
        self._timer = self._loop.call_later(TICK, self._tick)

    def stop(self):
        self._timer.cancel()

    def wake(self):
        """Ends the waiting, or the next one, at once, as if a tick had passed."""
        # Cancelled twice, it would take the second for somebody else's, who means it.
        if self._is_waiting and not self._has_ticked:
            self._task.cancel()
        self._has_ticked = True

    async def next_message(self) -> Optional[Any]:
        """The next message's content, or None when a tick has passed.

        :raises ConnectionError: when the connection ends
        """
        if self._has_ticked:
            self._has_ticked = False
            return None
        self._is_waiting = True
        try:
            response = await self._assistant.receive()
        except asyncio.CancelledError:
            if self._has_ticked and self._task.uncancel() <= self._cancellations:
                self._has_ticked = False
                return None
            raise
        finally:
            self._is_waiting = False
        if response is None:
            raise StreamClosedError("closed")
        self._has_heard = True
        return response.data

    async def keep_alive(self):
        """Pings when it is time to.

        :raises StreamClosedError: when the venue was silent for too long
        """
        now = self._loop.time()
        if self._has_heard:
            self._last_heard, self._has_heard = now, False
        if now - self._last_heard >= CONSTANTS.STREAM_SILENCE_LIMIT:
            raise StreamClosedError(f"silent for {CONSTANTS.STREAM_SILENCE_LIMIT:g} s")
        if now - self._last_ping >= CONSTANTS.HEARTBEAT_TIME_INTERVAL:
            self._last_ping = now
            await self._assistant.send(WSJSONRequest(payload=wire.ping_request()))

    def _tick(self):
        self._timer = self._loop.call_later(TICK, self._tick)
        self.wake()
