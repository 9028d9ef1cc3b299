"""The receivers of messages, and the form in which Discord, Slack and ntfy each take one. Their addresses are secrets:
whoever knows one can write there."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from yarl import URL

from acme_exchange.input.addresses import is_loopback
from acme_exchange.input.errors import UserError

NOTIFY_VARIABLE = "ACME_NOTIFY_URL"
WHAT_TO_WRITE = (
    "write the whole address of a Discord or Slack webhook, or of an ntfy topic, such as https://ntfy.sh/your-topic"
)
MOST_AT_DISCORD = 2_000
"""Characters of a message. ntfy takes 4,096 bytes, Slack more than either."""

_DISCORD = re.compile(r"/api/(v\d+/)?webhooks/\d+/[^/]+")
_SLACK = re.compile(r"/services/.+|/hooks/[^/]+|/api/(v\d+/)?webhooks/\d+/[^/]+/slack")
_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_DISCORD_MARKS = re.compile(r"([\\*_~`|>#\[\]])")
_URGENT_AT_NTFY = "4"


class NoReceiver(UserError):
    """An address that no message can be sent to; the text does not repeat it."""


@dataclass(frozen=True)
class Message:
    """A message, as it is sent to a receiver.

    :ivar text: a few lines.
    :ivar is_urgent: it tells of more than fills.
    """

    text: str
    is_urgent: bool = False


@dataclass(frozen=True)
class Receiver:
    """A service that takes messages, at an address of the user's.

    :ivar name: of the service, to speak of it without its address.
    :ivar url: in no text that anybody sees.
    :ivar headers: that a message is sent with.
    """

    name: str
    url: URL = field(repr=False)
    _body: Callable[[Message], bytes] = field(repr=False)
    _headers: Callable[[Message], dict[str, str]] = field(repr=False)

    @property
    def is_readable_on_its_way(self) -> bool:
        """Whether the address goes over a network as it is."""
        return self.url.scheme == "http" and not is_loopback(self.url.host or "")

    def body(self, message: Message) -> bytes:
        return self._body(message)

    def headers(self, message: Message) -> dict[str, str]:
        return self._headers(message)


def receiver(text: str) -> Receiver:
    """The receiver at an address, told apart by it: by its path, and for Slack also by its host.

    :raises NoReceiver: it is no address of http or https, or names no topic.
    """
    try:
        url = URL(text.strip())
        fits = url.scheme in ("http", "https") and bool(url.host) and url.path.strip("/") != ""
    except ValueError:
        fits = False
    if not fits:
        raise NoReceiver(WHAT_TO_WRITE)
    if url.host in _SLACK_HOSTS or _SLACK.fullmatch(url.path):
        return Receiver("Slack", url, _slack_body, _json_headers)
    if _DISCORD.fullmatch(url.path):
        return Receiver("Discord", url, _discord_body, _json_headers)
    return Receiver("ntfy", url, _ntfy_body, _ntfy_headers)


def receiver_of_environment() -> Receiver | None:
    """The receiver that `ACME_NOTIFY_URL` names.

    :raises NoReceiver: it holds something else.
    """
    text = os.environ.get(NOTIFY_VARIABLE, "")
    if not text.strip():
        return None
    try:
        return receiver(text)
    except NoReceiver as error:
        raise NoReceiver(f"{NOTIFY_VARIABLE}: {error}.") from None


def _discord_body(message: Message) -> bytes:
    """The text shows as it is: nothing in it is formatting, and nobody is pinged by it."""
    content = _DISCORD_MARKS.sub(r"\\\1", message.text)[:MOST_AT_DISCORD]
    return msgspec.json.encode({"username": "Acme", "content": content, "allowed_mentions": {"parse": []}})


def _slack_body(message: Message) -> bytes:
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return msgspec.json.encode({"text": text, "mrkdwn": False})


def _ntfy_body(message: Message) -> bytes:
    return message.text.encode()


def _json_headers(message: Message) -> dict[str, str]:
    return {"Content-Type": "application/json"}


def _ntfy_headers(message: Message) -> dict[str, str]:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Title": "Acme"}
    return headers | {"Priority": _URGENT_AT_NTFY} if message.is_urgent else headers
