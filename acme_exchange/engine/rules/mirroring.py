"""Applies to a market what its real source does: book, trades and prices, and what holds while the source is silent.

The source's orders stand in the book as orders of the house, in segments around the orders of accounts, so that each
account's order has its place in the queue. What cancels at the source is not known: by default what stands behind is
taken to go first, so that no order here comes forward by a cancellation while anything stands behind it.

Known limits: what accounts trade here moves nothing at the source; nobody there reacts to it; hidden orders of the
source are seen only when they trade.
"""

from collections.abc import Container, Iterable
from decimal import Decimal, InvalidOperation

from acme_exchange.engine.commands import Delist, FollowFunding, FollowPrices, Halt, MirrorBook, MirrorTrade
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import Traded
from acme_exchange.engine.model.accounts import QUOTES
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.mirror import FollowedFunding, Mirror, MirrorLevel
from acme_exchange.engine.model.money import MAX_MAGNITUDE, ZERO, is_amount
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.state import State
from acme_exchange.engine.model.words import OPPOSITE, Side
from acme_exchange.engine.rules.time import expire
from acme_exchange.engine.rules.trading import trade_with


def mirror_book(state: State, command: MirrorBook) -> None:
    """Makes the displayed levels these: first what shrinks or goes, then what is new or grows, best first.

    What is new or grows and reaches accounts' orders fills them, as makers, with what was not yet taken.

    :raises Refused: 404 or 400 `Invalid parameter market`; 400 `Market is halted`, `Invalid price`, `Size too small`.
    """
    market, mirror = _followed(state, command.market)
    displayed: dict[Side, tuple[tuple[Decimal, Decimal], ...]] = {"buy": command.bids, "sell": command.asks}
    for side, rows in displayed.items():
        _check_levels(market, mirror.levels[side], rows)
    growing: dict[Side, list[MirrorLevel]] = {"buy": [], "sell": []}
    for side, rows in displayed.items():
        for price, size in _complete(mirror, side, rows) if command.whole else rows:
            level = _displayed(market, mirror, side, price, size, command)
            if level is not None:
                growing[side].append(level)
    for side, levels in growing.items():
        _arrive(state, market, side, levels)
    state.touch_market(market)


def mirror_trade(state: State, command: MirrorTrade) -> None:
    """Lets the source's trade pass: accounts' orders at better prices first, then the level's queue, front to back.

    What accounts take is taken from this trade, which is published once, whole. A trade that the level's last frame
    shows already only moves the queue on.

    :raises Refused: as `mirror_book`.
    """
    market, mirror = _followed(state, command.market)
    _check_levels(market, {}, [(command.price, command.size)])
    if not command.size:
        raise Refused(400, "Size too small")
    price, size = command.price.quantize(market.price_quantum), command.size.quantize(market.size_quantum)
    trade = _SourceTrade(state, market, command.side, price, size)
    own = OPPOSITE[command.side]
    side = market.book.own(own)
    for level in side.better_than(price):
        for order in [each for each in level.orders.values() if not each.mirrored]:
            trade.fill(order)
    mirrored = mirror.levels[own].get(price)
    at_price = side.at(price)
    for order in list(at_price.orders.values()) if at_price else ():
        if order.mirrored:
            trade.move_on(order, order.mirrored)
        else:
            trade.fill(order)
    if mirrored is not None:
        if command.time > mirrored.time:
            mirrored.displayed = max(ZERO, mirrored.displayed - size)
        _even_out(state, market, own, mirrored)
    trade.publish()


def follow_prices(state: State, command: FollowPrices) -> None:
    """Takes over the source's mark, index and funding.

    :raises Refused: 404 or 400 `Invalid parameter market`; 400 `Market is halted`, `Invalid parameter price` or
        `rate`.
    """
    market, mirror = _source(state, command.market)
    if mirror.halted:
        raise Refused(400, "Market is halted")
    for price in (command.mark, command.index):
        if not is_amount(price) or price <= 0:
            raise Refused(400, "Invalid parameter price")
    _check_rate(command.rate)
    market.index, mirror.mark = command.index, command.mark
    if isinstance(market.funding, FollowedFunding):
        market.funding.tell(command.rate, command.next_funding_time)
    else:
        market.funding = FollowedFunding(command.rate, command.next_funding_time, state.now)
    state.plan()
    state.touch_market(market)
    state.touch_those_in(market)


def follow_funding(state: State, command: FollowFunding) -> None:
    """Takes the rate that was paid at the source for the payment that is due here for the same time.

    :raises Refused: 404 or 400 `Invalid parameter market`; 400 `Invalid parameter rate`.
    """
    market, _ = _source(state, command.market)
    _check_rate(command.rate)
    if isinstance(market.funding, FollowedFunding):
        market.funding.correct(command.rate, command.time)
        state.touch_market(market)


def halt(state: State, command: Halt) -> None:
    """Withdraws the mirror and takes no orders, or ends that; the source's book has then to come anew, whole.

    Accounts' orders stay and can be cancelled; the mark stands still, and nobody with a position there is liquidated.

    :raises Refused: 404 or 400 `Invalid parameter market`.
    """
    market, mirror = _source(state, command.market)
    mirror.halted = command.halted
    state.plan()
    for side, levels in mirror.levels.items():
        for level in levels.values():
            level.displayed = ZERO
            _even_out(state, market, side, level)
    state.touch_market(market)


def delist(state: State, command: Delist) -> None:
    """Ends a market that its source has taken away: every position is closed at the last index, without a fee.

    :raises Refused: 404 or 400 `Invalid parameter market`: it follows none, has ended, or never had a price.
    """
    market, mirror = _source(state, command.market)
    if market.expired or not market.index:
        raise Refused(400, "Invalid parameter market")
    halt(state, Halt(command.market, True))
    expire(state, market)
    mirror.halted = False


# -------------------------------------------------------------------------------------------------------------- levels


def _source(state: State, name: str) -> tuple[Market, Mirror]:
    market = state.market(name)
    if market.mirror is None:
        raise Refused(400, "Invalid parameter market")
    return market, market.mirror


def _check_rate(rate: Decimal) -> None:
    if not is_amount(rate) or not -1 < rate < 1:
        raise Refused(400, "Invalid parameter rate")


def _mirror(market: Market) -> Mirror:
    """That of a market which is known to follow one."""
    assert market.mirror is not None
    return market.mirror


def _followed(state: State, name: str) -> tuple[Market, Mirror]:
    market, mirror = _source(state, name)
    if mirror.halted or not market.index:
        raise Refused(400, "Market is halted")
    return market, mirror


def _check_levels(market: Market, known: Container[Decimal], rows: Iterable[tuple[Decimal, Decimal]]) -> None:
    """A price that is known was checked when it came first. Superfluous noughts are no fault: see `_displayed`."""
    price_increment, size_increment = market.specification.price_increment, market.specification.size_increment
    try:
        for price, size in rows:
            if price not in known and (not ZERO < price < MAX_MAGNITUDE or price % price_increment):
                raise Refused(400, "Invalid price")
            if not ZERO <= size < MAX_MAGNITUDE or size % size_increment:
                raise Refused(400, "Size too small")
    except InvalidOperation:
        raise Refused(400, "Invalid price") from None  # No number, on one side or the other.


def _complete(
    mirror: Mirror, side: Side, rows: tuple[tuple[Decimal, Decimal], ...]
) -> Iterable[tuple[Decimal, Decimal]]:
    """The rows, and a size of 0 for every level that is not among them."""
    there = {price for price, _ in rows}
    gone = [(price, ZERO) for price in mirror.levels[side] if price not in there]
    return [*gone, *rows]


def _displayed(
    market: Market, mirror: Mirror, side: Side, price: Decimal, size: Decimal, command: MirrorBook
) -> MirrorLevel | None:
    """Notes what a level displays now and cuts what rests of it; the level, if more should rest than does."""
    levels = mirror.levels[side]
    level = levels.get(price)
    if level is None:
        if not size:
            return None
        level = levels[price] = MirrorLevel(price, market.book.own(side).key(price))
    level.time = command.time
    if size:
        level.displayed = size.quantize(market.size_quantum)
    else:
        del levels[price]
        level.displayed = level.taken = ZERO
    more = level.due - level.rest
    if more < 0:
        _shrink(market, level, -more, command.power)
    return level if more > 0 else None


def _arrive(state: State, market: Market, side: Side, levels: list[MirrorLevel]) -> None:
    """What levels show more than before: it trades with what accounts have against it, then rests at the end."""
    shown, opposite = _mirror(market).levels[side], market.book.opposite(side)
    best = opposite.best()
    for level in sorted(levels, key=lambda each: each.key):
        if shown.get(level.price) is not level:
            continue
        if best is not None and best.key <= -level.key:
            _cross(state, market, side, level)
            best = opposite.best()
        _even_out(state, market, side, level)


def _cross(state: State, market: Market, side: Side, level: MirrorLevel) -> None:
    opposite = market.book.opposite(side)
    taker = _order(state, market, side, level.due - level.rest, level.price)
    while taker.remaining and (best := opposite.best()) is not None and taker.reaches(best.price):
        maker = next(iter(best.orders.values()))
        if maker.mirrored:
            _leave(state, market, OPPOSITE[side], best.price)
            continue
        before = taker.filled
        trade_with(state, maker, taker)
        level.taken += taker.filled - before


def _order(state: State, market: Market, side: Side, size: Decimal, price: Decimal) -> LiveOrder:
    """An order of the house, in the source's stead."""
    mirror = _mirror(market)
    if mirror.holding is None:
        mirror.holding = state.account(QUOTES).holding(market, "net")
    return LiveOrder(mirror.holding, side, "limit", size, price)


def _leave(state: State, market: Market, side: Side, price: Decimal) -> None:
    """A level that a newer one crosses is gone, whatever was told of it."""
    level = _mirror(market).levels[side].pop(price)
    level.displayed = ZERO
    _even_out(state, market, side, level)


def _even_out(state: State, market: Market, side: Side, level: MirrorLevel) -> None:
    more = level.due - level.rest
    if more < 0:
        _shrink(market, level, -more)
    elif more > 0:
        _grow(state, market, side, level, more)


def _grow(state: State, market: Market, side: Side, level: MirrorLevel, size: Decimal) -> None:
    """Adds to the end of the queue: to the last segment, if nobody stands behind it."""
    book = market.book.own(side)
    level.rest += size
    queue = book.level(level.key)
    last = next(reversed(queue.orders.values())) if queue else None
    if last is not None and last.mirrored:
        book.shrink(last, -size)
        last.size += size
        return
    mirror = _mirror(market)
    mirror.segments_made += 1
    segment = _order(state, market, side, size, level.price)
    segment.id, segment.status, segment.mirrored = -mirror.segments_made, "open", level
    level.segments.append(segment)
    book.add(segment)


def _shrink(market: Market, level: MirrorLevel, size: Decimal, power: int | None = None) -> None:
    """Takes cancellations out of the queue: from behind, or split between the front and the back of each account's
    order."""
    if len(level.segments) == 1:
        _cancel_part(market, level, level.segments[0], size)
        return
    cancellations = _split(market, level, size, power) if power is not None else _from_behind(level, size)
    for segment, cancelled in cancellations:
        _cancel_part(market, level, segment, cancelled)


def _from_behind(level: MirrorLevel, size: Decimal) -> list[tuple[LiveOrder, Decimal]]:
    cancellations = []
    for segment in reversed(level.segments):
        cancelled = min(segment.remaining, size)
        cancellations.append((segment, cancelled))
        size -= cancelled
        if not size:
            break
    return cancellations


def _split(market: Market, level: MirrorLevel, size: Decimal, power: int) -> list[tuple[LiveOrder, Decimal]]:
    """From the front goes front^n of front^n + back^n, whole increments; the rest likewise, from what stands behind."""
    increment = market.specification.size_increment
    left = int(size // increment)
    sizes = [int(segment.remaining // increment) for segment in level.segments]
    cancellations = []
    for i, segment in enumerate(level.segments):
        front, back = sizes[i], sum(sizes[i + 1 :])
        share = left * front**power // (front**power + back**power) if front or back else 0
        cancelled = min(front, max(share, left - back))
        cancellations.append((segment, cancelled * increment))
        left -= cancelled
    return [(segment, cancelled) for segment, cancelled in cancellations if cancelled]


def _cancel_part(market: Market, level: MirrorLevel, segment: LiveOrder, size: Decimal) -> None:
    book = market.book.own(segment.side)
    level.rest -= size
    if size == segment.remaining:
        book.remove(segment)
        segment.status = "closed"
        level.segments.remove(segment)
    else:
        book.shrink(segment, size)
        segment.size -= size


# -------------------------------------------------------------------------------------------------------------- trades


class _SourceTrade:
    """A trade of the source on its way through the queue."""

    def __init__(self, state: State, market: Market, side: Side, price: Decimal, size: Decimal):
        self._state = state
        self._market = market
        self._side = side
        self._price = price
        self._size = size
        self._left = size
        self._filled = ZERO
        self._taker: LiveOrder | None = None

    def fill(self, order: LiveOrder) -> None:
        """An account's order takes its part of it."""
        if not self._left:
            return
        if self._taker is None:
            self._taker = _order(self._state, self._market, self._side, self._size, self._price)
            self._taker.filled = self._size - self._left
        before = self._taker.filled
        trade_with(self._state, order, self._taker)
        self._left -= self._taker.filled - before
        self._filled += self._taker.filled - before

    def move_on(self, segment: LiveOrder, level: MirrorLevel) -> None:
        """The source's own orders take theirs, which moves the queue on."""
        size = min(segment.remaining, self._left)
        if not size:
            return
        self._left -= size
        if self._taker is not None:
            self._taker.filled += size
        _cancel_part(self._market, level, segment, size)

    def publish(self) -> None:
        """What accounts had no part in is told as a trade of its own."""
        state, market, price = self._state, self._market, self._price
        others = self._size - self._filled
        if others:
            state.emit(Traded(state.next_id("trade"), market.name, price, others, self._side, False, state.now))
            market.statistics.record(state.now, price, price * others)
        market.last = price
        state.touch_market(market)
