"""Sends subscribers of the WebSocket channels what has happened, each channel at its own times (Acme API §6).

Private frames and trades go out with the command that caused them. Books, tickers and the list of markets are gathered
and sent at most twenty times a second: a simulated market moves many levels at once, ten times a second, and a
client gains nothing from the states in between. What nobody has subscribed to is not computed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from acme_exchange.api.published_book import DEPTH, BookChange, PublishedBook
from acme_exchange.api.wire import account_data, answers, frames, market_data
from acme_exchange.engine import (
    BalanceChanged,
    BookChanged,
    Event,
    Filled,
    OrderChanged,
    PositionChanged,
    TickerChanged,
    Traded,
)
from acme_exchange.venue import Venue


class Channel(StrEnum):
    """A channel's name on the wire."""

    ORDER_BOOK = "orderbook"
    TRADES = "trades"
    TICKER = "ticker"
    MARKETS = "markets"
    FUNDING = "funding"
    ORDERS = "orders"
    FILLS = "fills"
    POSITIONS = "positions"
    BALANCES = "balances"

    @property
    def is_private(self) -> bool:
        return self in (Channel.ORDERS, Channel.FILLS, Channel.POSITIONS, Channel.BALANCES)

    @property
    def is_per_market(self) -> bool:
        return self is not Channel.MARKETS and not self.is_private


class Topic(NamedTuple):
    """What one subscription is about: a channel, and the market or account it is of; empty where it is of none."""

    channel: Channel
    market: str = ""
    account: str = ""


class Subscriber(Protocol):
    """Somebody who takes encoded frames, and never fails to."""

    def put(self, frame: bytes) -> None:
        """Takes a frame to deliver, after those before."""

    def put_private(self, channel: str, frame: bytes) -> None:
        """Takes a frame of a private channel, likewise."""


@dataclass(frozen=True)
class PrivateFeed:
    """How one kind of event becomes a frame of a private channel."""

    channel: Channel
    account: Callable[[Any], str]
    data: Callable[[Any], answers.Answer]


PRIVATE_FEEDS: dict[type, PrivateFeed] = {
    OrderChanged: PrivateFeed(
        Channel.ORDERS, lambda event: event.order.account, lambda event: account_data.order(event.order)
    ),
    Filled: PrivateFeed(Channel.FILLS, lambda event: event.account, account_data.fill),
    PositionChanged: PrivateFeed(
        Channel.POSITIONS, lambda event: event.position.account, lambda event: account_data.position(event.position)
    ),
    BalanceChanged: PrivateFeed(
        Channel.BALANCES, lambda event: event.account, lambda event: account_data.balance(event.balance)
    ),
}


class Feeds:
    """Turns the venue's events into frames, each encoded once for all who have subscribed."""

    def __init__(self, venue: Venue, corrupted: Callable[[BookChange], BookChange]) -> None:
        """
        :param corrupted: what may happen to the change of a book on its way.
        """
        self._venue = venue
        self._corrupted = corrupted
        self._subscribers: dict[Topic, dict[Subscriber, None]] = {}
        self._private_topics: Counter[str] = Counter()
        self._books: dict[str, PublishedBook] = {}
        self._markets: dict[str, market_data.Market] = {}
        self._changed_books: set[str] = set()
        self._changed_tickers: set[str] = set()
        self._starts = {
            Channel.ORDER_BOOK: self._start_book,
            Channel.TICKER: self._start_ticker,
            Channel.MARKETS: self._start_markets,
            Channel.FUNDING: self._start_funding,
        }
        venue.listen(self.publish)

    def has(self, channel: Channel, market: object) -> bool:
        """Whether the channel exists for the market: funding does for futures alone."""
        engine = self._venue.engine
        if market not in engine.market_names():
            return False
        return channel is not Channel.FUNDING or engine.market(market).kind != "spot"

    def subscribe(self, topic: Topic, subscriber: Subscriber) -> None:
        """Sends the channel's first state, if it has one, and from then on whatever changes."""
        if start := self._starts.get(topic.channel):
            subscriber.put(start(topic))
        if topic not in self._subscribers:
            self._subscribers[topic] = {}
            self._private_topics[topic.account] += 1
        self._subscribers[topic][subscriber] = None

    def unsubscribe(self, topic: Topic, subscriber: Subscriber) -> None:
        """Sends nothing more of the topic to the subscriber; forgets what nobody else needs."""
        subscribers = self._subscribers[topic]
        del subscribers[subscriber]
        if subscribers:
            return
        del self._subscribers[topic]
        self._private_topics -= Counter([topic.account])
        if topic.channel is Channel.ORDER_BOOK:
            del self._books[topic.market]
        elif topic.channel is Channel.MARKETS:
            self._markets = {}

    def publish(self, events: Sequence[Event]) -> None:
        """Sends what is not to be delayed, and notes what is to be gathered."""
        trades: dict[str, list[Traded]] = {}
        for event in events:
            if feed := PRIVATE_FEEDS.get(type(event)):
                self._send_private(feed, event)
            elif isinstance(event, BookChanged):
                self._changed_books.add(event.market)
            elif isinstance(event, TickerChanged):
                self._changed_tickers.add(event.market)
            elif isinstance(event, Traded):
                trades.setdefault(event.market, []).append(event)
        for market, traded in trades.items():
            topic = Topic(Channel.TRADES, market=market)
            if topic in self._subscribers:
                self._send(topic, [market_data.trade(trade) for trade in traded])

    def send_gathered(self) -> Iterator[None]:
        """Sends the books and tickers that have changed, one at each step, so that others get a turn in between."""
        books, self._changed_books = self._changed_books, set()
        tickers, self._changed_tickers = self._changed_tickers, set()
        for market in books:
            self._send_book(market)
            yield
        for market in tickers:
            self._send_ticker(market)
            yield

    def send_repeated(self) -> Iterator[None]:
        """Sends what subscribers are told at least once a second, one at each step: tickers, funding, and the markets
        that changed."""
        for topic in list(self._subscribers):
            if topic.market:
                self._venue.look_at(topic.market)
            if topic.channel is Channel.TICKER:
                self._send_ticker(topic.market)
            elif topic.channel is Channel.FUNDING:
                self._send(topic, self._funding(topic.market))
            elif topic.channel is Channel.MARKETS:
                yield from self._send_markets()
            yield

    def _send(self, topic: Topic, data: Any) -> None:
        subscribers = self._subscribers.get(topic)
        if not subscribers:
            return
        frame = frames.update(topic.channel.value, topic.market, data)
        for subscriber in subscribers:
            subscriber.put(frame)

    def _send_private(self, feed: PrivateFeed, event: Event) -> None:
        account = feed.account(event)
        if account not in self._private_topics:
            return
        subscribers = self._subscribers.get(Topic(feed.channel, account=account))
        if not subscribers:
            return
        channel = feed.channel.value
        frame = frames.update(channel, "", feed.data(event))
        for subscriber in subscribers:
            subscriber.put_private(channel, frame)

    def _start_book(self, topic: Topic) -> bytes:
        """What the others have been told, so that the next update follows on for everybody."""
        if topic.market not in self._books:
            self._books[topic.market] = PublishedBook(*self._venue.engine.levels(topic.market, DEPTH))
        book = market_data.book_frame(self._books[topic.market].partial(self._seconds()))
        return frames.partial(topic.channel.value, topic.market, book)

    def _send_book(self, market: str) -> None:
        book = self._books.get(market)
        if book is None:
            return
        change = book.update(*self._venue.engine.levels(market, DEPTH), self._seconds())
        if change is not None:
            self._send(Topic(Channel.ORDER_BOOK, market=market), market_data.book_frame(self._corrupted(change)))

    def _start_ticker(self, topic: Topic) -> bytes:
        return frames.update(topic.channel.value, topic.market, self._ticker(topic.market))

    def _send_ticker(self, market: str) -> None:
        topic = Topic(Channel.TICKER, market=market)
        if topic in self._subscribers:
            self._send(topic, self._ticker(market))

    def _ticker(self, market: str) -> market_data.Ticker:
        engine = self._venue.engine
        return market_data.ticker(*engine.levels(market, depth=1), engine.last_price(market), self._venue.clock.now())

    def _start_funding(self, topic: Topic) -> bytes:
        return frames.update(topic.channel.value, topic.market, self._funding(topic.market))

    def _funding(self, market: str) -> market_data.Funding:
        return market_data.funding(self._venue.engine.future(market), self._venue.clock.now())

    def _start_markets(self, topic: Topic) -> bytes:
        for _ in self._send_markets():
            pass
        return frames.partial(topic.channel.value, "", market_data.MarketsFrame(action="partial", data=self._markets))

    def _send_markets(self) -> Iterator[None]:
        """Sends the markets that have changed, having looked at one at each step."""
        engine = self._venue.engine
        changed = {}
        for name in engine.market_names():
            market = market_data.market(engine.market(name))
            if market != self._markets.get(name):
                changed[name] = market
            yield
        self._markets |= changed
        if changed:
            self._send(Topic(Channel.MARKETS), market_data.MarketsFrame(action="update", data=changed))

    def _seconds(self) -> float:
        return answers.epoch_seconds(self._venue.clock.now())
