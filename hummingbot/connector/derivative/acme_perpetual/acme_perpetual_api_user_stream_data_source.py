"""Reads the account's private stream: orders, fills, positions, balances (Acme API §6)."""

import asyncio
from typing import Any, Callable, Dict, List, Optional, Set

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_stream as stream,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_auth import AcmePerpetualAuth
from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant


class AcmePerpetualAPIUserStreamDataSource(UserStreamTrackerDataSource):
    """Brings the frames of the private channels, exact numbers in them, in the order in which they came.

    What is in the queue is a frame, or a fill that was read already (`VenueFill`). A fill of which everything is as
    usual, and before which nothing waits, does not go into the queue, where there is somebody who takes it at once.

    Each connection begins, in the queue, with `STREAM_CONNECTED_EVENT`: put there when the venue has confirmed every
    subscription, before the first frame. Whoever reads the queue fetches then what was missed, and cannot process a
    frame of the new connection too early.
    """

    def __init__(
        self, auth: AcmePerpetualAuth, api_factory: WebAssistantsFactory, domain: str = CONSTANTS.DEFAULT_DOMAIN
    ):
        super().__init__()
        self._auth = auth
        self._api_factory = api_factory
        self._domain = domain
        self._warnings = stream.WarningLimiter(self.logger())
        self._take_fill: Callable[[account_data.VenueFill], bool] = _takes_none
        # Of the present connection:
        self._unconfirmed_channels: Set[str] = set(CONSTANTS.PRIVATE_CHANNELS)
        self._early_frames: List[Dict[str, Any]] = []

    @property
    def last_recv_time(self) -> float:
        """When the venue was last heard of, in seconds since the epoch; 0 while there is no subscription, so that the
        connector is not ready, and polls often, for as long as it would not hear of its orders."""
        return 0 if self._unconfirmed_channels else super().last_recv_time

    def bring_fills_to(self, take_fill: Optional[Callable[[account_data.VenueFill], bool]]):
        """Has fills taken over in the turn of the event loop in which they were read.

        :param take_fill: says whether it took a fill over, which otherwise goes into the queue; None: all of them do
        """
        self._take_fill = take_fill or _takes_none

    async def listen_for_user_stream(self, output: asyncio.Queue):
        """Listens to the private channels for ever. A refused login is logged in the venue's words, and tried again."""
        await stream.keep_connected(
            name="user stream",
            open_stream=self._open_stream,
            listen=lambda: self._process_websocket_messages(self._ws_assistant, output),
            close_stream=self._close_stream,
            sleep=self._sleep,
            logger=self.logger(),
        )

    async def _open_stream(self):
        self._ws_assistant = await self._connected_websocket_assistant()
        await self._subscribe_channels(self._ws_assistant)

    async def _close_stream(self):
        assistant, self._ws_assistant = self._ws_assistant, None
        self._unconfirmed_channels = set(CONSTANTS.PRIVATE_CHANNELS)
        self._early_frames = []
        await self._on_user_stream_interruption(assistant)

    async def _connected_websocket_assistant(self) -> WSAssistant:
        assistant = await self._get_ws_assistant()
        await stream.connect(assistant, self._domain)
        return assistant

    async def _get_ws_assistant(self) -> WSAssistant:
        return await self._api_factory.get_ws_assistant()

    async def _subscribe_channels(self, websocket_assistant: WSAssistant):
        """Logs in and subscribes. The venue answers a login only when it fails (Acme API §2)."""
        await websocket_assistant.send(WSJSONRequest(payload={}, is_auth_required=True))
        for channel in CONSTANTS.PRIVATE_CHANNELS:
            await websocket_assistant.send(WSJSONRequest(payload=wire.subscribe_request(channel)))

    async def _process_websocket_messages(self, websocket_assistant: WSAssistant, queue: asyncio.Queue):
        loop, reader, turn = asyncio.get_running_loop(), stream.Reader(websocket_assistant), stream.Turn()
        confirm_by = loop.time() + CONSTANTS.SUBSCRIPTION_DEADLINE
        try:
            while True:
                message = await reader.next_message()
                if message is None:
                    await reader.keep_alive()
                elif self._unconfirmed_channels or not self._deliver_fill(message, queue):
                    await self._take_message(message, queue)
                if turn.is_over():
                    await asyncio.sleep(0)
                if self._unconfirmed_channels and loop.time() >= confirm_by:
                    raise stream.StreamClosedError("the venue did not confirm the subscriptions")
        finally:
            reader.stop()

    async def _take_message(self, message: Any, queue: asyncio.Queue):
        frame = stream.frame_of(message, wire.private_frame, self._warnings)
        if frame is None:
            return
        if wire.says_goodbye(frame):
            raise stream.StreamClosedError("the server is going away")
        if not wire.is_pong(frame):
            await self._process_event_message(frame, queue)

    async def _process_event_message(self, event_message: Dict[str, Any], queue: asyncio.Queue):
        if wire.has_data(event_message):
            if wire.channel(event_message) in CONSTANTS.PRIVATE_CHANNELS:
                self._deliver(event_message, queue)
            return
        error = wire.error_text(event_message)
        if error is not None:
            # A wrong clock makes a wrong login: the next one asks for the time again.
            self._auth.time_provider.clear_time_offset_ms_samples()
            raise stream.StreamClosedError(error)
        if wire.is_subscribed(event_message):
            self._confirm(wire.channel(event_message), queue)

    def _confirm(self, channel: str, queue: asyncio.Queue):
        if channel not in self._unconfirmed_channels:
            return
        self._unconfirmed_channels.remove(channel)
        if not self._unconfirmed_channels:
            self.logger().info("Subscribed to private order, fill, position and balance channels...")
            queue.put_nowait(dict(CONSTANTS.STREAM_CONNECTED_EVENT))
            for frame in self._early_frames:
                queue.put_nowait(frame)
            self._early_frames = []

    def _deliver_fill(self, message: Any, queue: asyncio.Queue) -> bool:
        """Passes a message on, where it is a fill of which everything is as usual."""
        fill = account_data.fill_of_frame(message)
        if fill is None:
            return False
        if not queue.empty() or not self._take_fill(fill):
            queue.put_nowait(fill)
        return True

    def _deliver(self, frame: Dict[str, Any], queue: asyncio.Queue):
        if self._unconfirmed_channels:
            self._early_frames.append(frame)
        else:
            queue.put_nowait(frame)


def _takes_none(_: account_data.VenueFill) -> bool:
    return False
