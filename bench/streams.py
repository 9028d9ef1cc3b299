"""Trades and funding, from the frame to whoever consumes them in Hummingbot; and fills, from the frame to the event."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from random import Random
from unittest.mock import AsyncMock

from bench.market import MID_PRICE, frames
from bench.measure import TRIES, Line, beside_rivals, ended, interleaved
from bench.subjects import ALL, WITH_TRADES, Acme, Exhausted, Socket, Subject, Tracking, YieldingSocket, assistant_on
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.funding_info import FundingInfo
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState
from hummingbot.core.event.event_listener import EventListener
from hummingbot.core.event.events import MarketEvent, OrderBookEvent

FRAMES = 2000
FILLS = 6000
IN_FLIGHT = (1, 100, 1000)
GOAL_FRAMES = 1.1
PATIENCE = 60


async def frames_a_second(subject: Subject, kind: str) -> float:
    """Frames in a second of the processor's time, until a strategy sees what they say: a trade as the event of its
    book, funding in the connector's funding info.

    :param kind: "trade" or "funding"
    """
    texts = list(frames(subject.dialect, kind, FRAMES))
    perpetual = subject.connector._perpetual_trading
    for pair in subject.pairs:
        perpetual.initialize_funding_info(FundingInfo(pair, Decimal(1), Decimal(1), 0, Decimal(0)))
    async with Tracking(subject) as tracking:
        seen = Seen()
        tracking.tracker.order_books[subject.pairs[0]].add_listener(OrderBookEvent.TradeEvent, seen)
        subject.connector._init_funding_info = AsyncMock()
        works = [subject.connector._listen_for_funding_info(), perpetual._funding_info_updater()]
        listening = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        began = time.process_time()
        await tracking.read(YieldingSocket(texts))
        while not perpetual.funding_info_stream.empty():
            await asyncio.sleep(0)
        seconds = time.process_time() - began
        await ended(*listening)
    assert seen.count == (FRAMES if kind == "trade" else 0)
    assert kind == "trade" or perpetual.get_funding_info(subject.pairs[0]).mark_price == MID_PRICE + FRAMES % 7
    return FRAMES / seconds


class Seen(EventListener):
    """Counts events."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __call__(self, event: object) -> None:
        self.count += 1


class Fills(EventListener):
    """Says when as many fills were reported as are expected."""

    def __init__(self, expected: int):
        super().__init__()
        self.done = asyncio.Event()
        self._expected = expected

    def __call__(self, event: object) -> None:
        self._expected -= 1
        if self._expected == 0:
            self.done.set()


async def fills_a_second(subject: Subject, in_flight: int) -> float:
    """From the text of a private frame to `OrderFilled`, with so many open orders."""
    connector = subject.connector
    ids = track_orders(subject, in_flight)
    random = Random(7)
    texts = [subject.dialect.fill(number, *random.choice(ids)) for number in range(1, FILLS + 1)]
    listener = Fills(FILLS)
    connector.add_listener(MarketEvent.OrderFilled, listener)
    processing = asyncio.create_task(connector._user_stream_event_listener())
    source = connector._user_stream_tracker.data_source
    if isinstance(subject, Acme):
        source._unconfirmed_channels = set()
    assistant = await assistant_on(subject, Socket(texts))
    await asyncio.sleep(0)  # whoever reads the queue waits at it already, as in a bot that runs
    began = time.process_time()
    with suppress(Exhausted):
        await source._process_websocket_messages(assistant, connector._user_stream_tracker.user_stream)
    async with asyncio.timeout(PATIENCE):
        await listener.done.wait()
    seconds = time.process_time() - began
    await ended(processing)
    return FILLS / seconds


def track_orders(subject: Subject, count: int) -> Sequence[tuple[str, str]]:
    """Open orders; their client ids and exchange ids."""
    ids = [(f"HBOT-{number}", str(7_000_000 + number)) for number in range(count)]
    for client_id, exchange_id in ids:
        subject.connector._order_tracker.start_tracking_order(
            InFlightOrder(
                client_order_id=client_id,
                exchange_order_id=exchange_id,
                trading_pair=subject.pairs[0],
                order_type=OrderType.LIMIT,
                trade_type=TradeType.BUY,
                amount=Decimal(1000),
                price=Decimal(60_000),
                creation_timestamp=1_767_323_045.0,
                position=PositionAction.OPEN,
                initial_state=OrderState.OPEN,
            )
        )
    return ids


async def stream_lines() -> list[Line]:
    lines = [await _frames_line(kind) for kind in ("trade", "funding")]
    return [*lines, *await _fills_lines()]


async def _frames_line(kind: str) -> Line:
    kinds = WITH_TRADES if kind == "trade" else ALL
    works = {each.name: lambda each=each: frames_a_second(each(), kind) for each in kinds}
    figures = await interleaved(works, tries=TRIES)
    return beside_rivals(f"{kind} frame to strategy", "frames/s", figures, Acme.name, GOAL_FRAMES, "one by one")


async def _fills_lines() -> list[Line]:
    lines = []
    for count in IN_FLIGHT:
        works = {each.name: lambda each=each, count=count: fills_a_second(each(), count) for each in ALL}
        figures = await interleaved(works, tries=TRIES)
        name = f"fill frame to event, {count:,} in flight"
        lines.append(beside_rivals(name, "fills/s", figures, Acme.name, GOAL_FRAMES))
    return lines
