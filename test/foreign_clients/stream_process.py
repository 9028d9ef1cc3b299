"""Runs the WebSocket client of the package `ftx_python`: each line of the output is a frame that it has handed on, and
with it, if it is one of an order book, the book as the client holds it."""

import asyncio
import json
import logging
import sys

from ftx_python.stream.channel import Channel
from ftx_python.stream.client import FtxWebsocketClient
from ftx_python.stream.subscription import Subscription

url, *credentials = sys.argv[1].split()
subscriptions = [Subscription(Channel[channel], market) for channel, market in json.loads(sys.argv[2])]


def write(frame: dict, book: dict | None = None) -> None:
    print(json.dumps([frame, book and {side: sorted(book[side].items()) for side in ("bids", "asks")}]), flush=True)


class Writer(logging.Handler):
    """What is no frame of a channel, such as an error, the client does not hand on, but logs."""

    def emit(self, record: logging.LogRecord) -> None:
        write(record.msg)


logging.getLogger().addHandler(Writer())
logging.getLogger().setLevel(logging.INFO)
# The library below it logs what is not for its users.
logging.getLogger("websockets").propagate = False
FtxWebsocketClient._ENDPOINT = url
asyncio.run(FtxWebsocketClient(subscriptions, {channel.name: write for channel in Channel}, *credentials).run())
