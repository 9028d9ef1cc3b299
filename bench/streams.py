"""Trades and funding, from the frame to whoever consumes them in Hummingbot; and fills, from the frame to the event."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from decimal import Decimal
from random import Random

from bench.market import frames
from bench.measure import Line, ended, medians
from bench.subjects import ALL, RIVALS, Acme, Exhausted, Socket, Subject, assistant_on
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState
from hummingbot.core.event.event_listener import EventListener
from hummingbot.core.event.events import MarketEvent

FRAMES = 2000
IN_FLIGHT = (1, 100, 1000)
GOAL_FLAT = 0.90
PATIENCE = 60


async def frames_a_second(subject: Subject, kind: str) -> float:
    """`kind` is "trade" or "funding"."""
    source = subject.connector.order_book_tracker.data_source
    output: asyncio.Queue = asyncio.Queue()
    loop = asyncio.get_running_loop()
    listen = source.listen_for_trades(loop, output) if kind == "trade" else source.listen_for_funding_info(output)
    listening = asyncio.create_task(listen)
    await subject.subscribe(await assistant_on(subject, Socket([])))
    texts = list(frames(subject.dialect, kind, FRAMES))
    assistant = await assistant_on(subject, Socket(texts))
    began = time.perf_counter()
    with contextlib.suppress(Exhausted):
        await source._process_websocket_messages(assistant)
    async with asyncio.timeout(PATIENCE):
        for _ in texts:
            await output.get()
    seconds = time.perf_counter() - began
    await ended(listening)
    return FRAMES / seconds


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
    texts = [subject.dialect.fill(number, *random.choice(ids)) for number in range(1, FRAMES + 1)]
    listener = Fills(FRAMES)
    connector.add_listener(MarketEvent.OrderFilled, listener)
    processing = asyncio.create_task(connector._user_stream_event_listener())
    source = connector._user_stream_tracker.data_source
    if isinstance(subject, Acme):
        source._unconfirmed_channels = set()
    assistant = await assistant_on(subject, Socket(texts))
    began = time.perf_counter()
    with contextlib.suppress(Exhausted):
        await source._process_websocket_messages(assistant, connector._user_stream_tracker.user_stream)
    async with asyncio.timeout(PATIENCE):
        await listener.done.wait()
    seconds = time.perf_counter() - began
    await ended(processing)
    return FRAMES / seconds


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
    return [*lines, await _fills_line()]


async def _frames_line(kind: str) -> Line:
    figures = await medians({subject.name: lambda subject=subject: frames_a_second(subject(), kind) for subject in ALL})
    rivals = {rival.name: figures[rival.name] for rival in RIVALS}
    score = figures[Acme.name] / max(rivals.values())
    return Line(
        f"{kind} frame to consumer",
        "frames/s",
        figures[Acme.name],
        score,
        "of the best rival",
        "ahead of each rival",
        score > 1,
        rivals,
    )


async def _fills_line() -> Line:
    figures = await medians(
        {
            f"{subject.name} {count}": lambda subject=subject, count=count: fills_a_second(subject(), count)
            for subject in ALL
            for count in IN_FLIGHT
        }
    )
    ours = [figures[f"{Acme.name} {count}"] for count in IN_FLIGHT]
    rivals = {rival.name: figures[f"{rival.name} {IN_FLIGHT[-1]}"] for rival in RIVALS}
    flat = min(ours) / max(ours)
    is_ahead = all(
        figures[f"{Acme.name} {count}"] > figures[f"{rival.name} {count}"] for rival in RIVALS for count in IN_FLIGHT
    )
    shown = ", ".join(f"{each:,.0f}" for each in ours)
    return Line(
        "fill frame to event, 1, 100, 1,000 in flight",
        "fills/s",
        ours[-1],
        flat,
        f"lowest to highest ({shown}), {'ahead' if is_ahead else 'not ahead'} of each rival",
        f"≥ {GOAL_FLAT}, ahead of each rival",
        flat >= GOAL_FLAT and is_ahead,
        rivals,
    )
