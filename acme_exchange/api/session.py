"""Carries out what one WebSocket client asks: to sign in, to subscribe, to be answered a ping (Acme API §6)."""

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from acme_exchange.accounts.keys import ApiKey
from acme_exchange.api import errors
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.feeds import Channel, Feeds, Topic
from acme_exchange.api.outbox import Outbox
from acme_exchange.api.rate_limits import TooManyRequests
from acme_exchange.api.wire import codec, frames
from acme_exchange.clock import Clock
from acme_exchange.engine import Refused

MOST_SUBSCRIPTIONS = 100
SILENCE_MICROSECONDS = 60_000_000

logger = logging.getLogger(__name__)


class Session:
    """What one connection has logged in to and subscribed to. Knows nothing of sockets: frames in, an outbox out.

    A frame that does not fit is answered by an error frame and changes nothing.
    """

    def __init__(
        self,
        outbox: Outbox,
        feeds: Feeds,
        authenticator: Authenticator,
        clock: Clock,
        key: ApiKey | None = None,
        count_refusal: Callable[[], None] = lambda: None,
    ) -> None:
        """
        :param key: with which the connection is logged in from its beginning.
        :param count_refusal: called before somebody who has not logged in is refused; may raise
            :class:`TooManyRequests`.
        """
        self._outbox = outbox
        self._feeds = feeds
        self._authenticator = authenticator
        self._clock = clock
        self._key = key
        self._count_refusal = count_refusal
        self._topics: set[Topic] = set()
        self._heard = clock.now()
        self._operations = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "login": self._login,
            "ping": self._ping,
        }

    @property
    def key(self) -> ApiKey | None:
        """The key that it has logged in with; None before."""
        return self._key

    @property
    def last_heard(self) -> int:
        """When the client last sent something, microseconds."""
        return self._heard

    def heard(self) -> None:
        """The client has sent something: a frame, or a ping of the WebSocket protocol."""
        self._heard = self._clock.now()

    def is_silent(self) -> bool:
        """Whether the client has sent nothing for longer than §3 allows."""
        return self._clock.now() - self._heard >= SILENCE_MICROSECONDS

    def receive(self, text: bytes | str) -> None:
        """Does what one frame of the client's asks."""
        request: Mapping[str, Any] = {}
        try:
            request = _read(text)
            operation = self._operations.get(_text(request, "op"))
            if operation is None:
                raise Refused(400, errors.INVALID_OPERATION)
            operation(request)
        except Refused as refused:
            self._refuse(refused, request)
        except Exception:
            incident = uuid.uuid4().hex
            logger.exception("incident %s: a WebSocket frame was not understood", incident)
            self._send_error(500, errors.unexpected(incident), request)

    def close(self) -> None:
        """Ends every subscription, and the log-in."""
        self._key = None
        for topic in self._topics:
            self._feeds.unsubscribe(topic, self._outbox)
        self._topics.clear()

    def _subscribe(self, request: Mapping[str, Any]) -> None:
        topic = self._topic(request)
        if topic in self._topics:
            raise Refused(400, errors.ALREADY_SUBSCRIBED)
        if len(self._topics) >= MOST_SUBSCRIPTIONS:
            raise Refused(400, errors.TOO_MANY_SUBSCRIPTIONS)
        self._outbox.put(frames.subscribed(topic.channel.value, topic.market))
        self._feeds.subscribe(topic, self._outbox)
        self._topics.add(topic)

    def _unsubscribe(self, request: Mapping[str, Any]) -> None:
        topic = self._topic(request)
        if topic not in self._topics:
            raise Refused(400, errors.NOT_SUBSCRIBED)
        self._topics.remove(topic)
        self._feeds.unsubscribe(topic, self._outbox)
        self._outbox.put(frames.unsubscribed(topic.channel.value, topic.market))

    def _login(self, request: Mapping[str, Any]) -> None:
        args = request.get("args")
        if not isinstance(args, Mapping):
            raise Refused(400, errors.INVALID_LOGIN_CREDENTIALS)
        key, sign, subaccount = (_text(args, name) for name in ("key", "sign", "subaccount"))
        try:
            known = self._authenticator.login(key, sign, str(args.get("time")), subaccount)
        except Refused:
            raise Refused(400, errors.INVALID_LOGIN_CREDENTIALS) from None
        if self._key is not None and self._key.account != known.account:
            raise Refused(400, errors.INVALID_LOGIN_CREDENTIALS)
        self._key = known

    def _ping(self, request: Mapping[str, Any]) -> None:
        self._outbox.put(frames.PONG)

    def _topic(self, request: Mapping[str, Any]) -> Topic:
        try:
            channel = Channel(str(request.get("channel")))
        except ValueError:
            raise Refused(400, errors.INVALID_CHANNEL) from None
        if channel.is_private:
            if self._key is None:
                raise Refused(400, errors.NOT_LOGGED_IN)
            return Topic(channel, account=self._key.account)
        if not channel.is_per_market:
            return Topic(channel)
        market = request.get("market")
        if market is None:
            raise Refused(400, errors.missing_parameter("market"))
        if not self._feeds.has(channel, market):
            raise Refused(404, errors.no_such_market(market))
        return Topic(channel, market=market)

    def _refuse(self, refused: Refused, request: Mapping[str, Any]) -> None:
        code, text = refused.status, refused.text
        try:
            if self._key is None:
                self._count_refusal()
        except TooManyRequests as too_many:
            if too_many.is_flood:
                self._outbox.give_up()
                return
            code, text = 429, too_many.text
        self._send_error(code, text, request)

    def _send_error(self, code: int, text: str, request: Mapping[str, Any]) -> None:
        self._outbox.put(frames.error(code, text, _text(request, "channel"), _text(request, "market")))


def _read(text: bytes | str) -> Mapping[str, Any]:
    try:
        request = codec.decode(text)
    except codec.InvalidJson:
        raise Refused(400, errors.INVALID_JSON) from None
    if not isinstance(request, Mapping):
        raise Refused(400, errors.INVALID_JSON)
    return request


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A text field, empty when it is absent or no text."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""
