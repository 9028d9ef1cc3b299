"""Encodes WebSocket frames: each is made once and shared by all who subscribed (Acme API §6)."""

from typing import Any

from msgspec import UNSET

from acme_exchange.api.wire import codec
from acme_exchange.api.wire.answers import Frame

GOING_AWAY = 20001

PONG = codec.encode(Frame(type="pong"))


def subscribed(channel: str, market: str) -> bytes:
    return codec.encode(Frame(type="subscribed", channel=channel, market=market or UNSET))


def unsubscribed(channel: str, market: str) -> bytes:
    return codec.encode(Frame(type="unsubscribed", channel=channel, market=market or UNSET))


def partial(channel: str, market: str, data: Any) -> bytes:
    """A full state."""
    return codec.encode(Frame(type="partial", channel=channel, market=market or UNSET, data=data))


def update(channel: str, market: str, data: Any) -> bytes:
    return codec.encode(Frame(type="update", channel=channel, market=market or UNSET, data=data))


def error(code: int, text: str, channel: str, market: str) -> bytes:
    """Says which subscription it is about, where the client named one."""
    return codec.encode(Frame(type="error", code=code, msg=text, channel=channel or UNSET, market=market or UNSET))


def going_away() -> bytes:
    """The server ends: clients should reconnect now."""
    return codec.encode(Frame(type="info", code=GOING_AWAY, msg="Server is going away: please reconnect"))
