"""One of fifty bots: a process that trades through the real connector, without Hummingbot's client around it."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

import hummingbot
from acme_bot.compare.statement import Fill, Funding, Order, OrderState, Statement
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_derivative import AcmePerpetualDerivative
from hummingbot.core.data_type.common import OrderType, PositionAction, PriceType, TradeType
from hummingbot.core.event import events
from hummingbot.core.event.event_listener import EventListener

PAIR = "BTC-USD"
AMOUNT = Decimal("0.002")
SPREAD = Decimal("0.0004")
CROSSING = Decimal("0.002")
TICK_SECONDS = 0.1
ROUND_SECONDS = 1.0
TAKES_EVERY = 10
READY_SECONDS = 300
SETTLE_SECONDS = 60
ENDS = {
    events.OrderCancelledEvent: OrderState.CANCELLED,
    events.BuyOrderCompletedEvent: OrderState.FILLED,
    events.SellOrderCompletedEvent: OrderState.FILLED,
    events.MarketOrderFailureEvent: OrderState.FAILED,
}


@dataclass
class Result:
    """What a bot measured. Times in seconds.

    :ivar acknowledged: from each `buy()` and `sell()` to the event that the order was created
    :ivar late: by how much the event loop was late, a sample a round
    :ivar queued: frames of the account that waited for the connector, a sample a round; a market's are handled as read
    :ivar failed: orders that were never acknowledged
    :ivar core: what share of a core the process took while it traded
    :ivar differences: where its records and the venue's ledger differ
    """

    acknowledged: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    queued: list[int] = field(default_factory=list)
    fills: int = 0
    failed: int = 0
    core: float = 0
    differences: list[str] = field(default_factory=list)


class Records(EventListener):
    """What the connector reported, as a statement of the account."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, float] = {}
        self.acknowledged: list[float] = []
        self.statement = Statement()

    def __call__(self, event: object) -> None:
        if isinstance(event, events.BuyOrderCreatedEvent | events.SellOrderCreatedEvent):
            self._note_order(event)
        elif isinstance(event, events.OrderFilledEvent):
            side = "buy" if event.trade_type is TradeType.BUY else "sell"
            (fee,) = event.trade_fee.flat_fees
            fill = Fill(event.exchange_trade_id, event.order_id, side, event.price, event.amount, fee.amount)
            self.statement.fills[fill.id] = fill
        elif isinstance(event, events.FundingPaymentCompletedEvent):
            self.statement.funding.append(Funding(int(event.timestamp), event.funding_rate, event.amount))
        elif type(event) in ENDS and event.order_id in self.statement.orders:
            order = self.statement.orders[event.order_id]
            self.statement.orders[order.id] = Order(order.id, order.side, order.price, order.amount, ENDS[type(event)])

    def _note_order(self, event: events.BuyOrderCreatedEvent | events.SellOrderCreatedEvent) -> None:
        self.acknowledged.append(time.monotonic() - self.sent[event.order_id])
        side = "buy" if isinstance(event, events.BuyOrderCreatedEvent) else "sell"
        self.statement.orders[event.order_id] = Order(event.order_id, side, event.price, event.amount, OrderState.OPEN)


class Bot:
    """Quotes both sides anew every second, and takes what others quote now and then, first on one side, then on the
    other."""

    def __init__(self, number: int, url: str, key: Key):
        self._random = random.Random(number)
        self._connector = AcmePerpetualDerivative(
            acme_perpetual_api_key=key.key,
            acme_perpetual_api_secret=key.secret,
            acme_perpetual_server=url,
            trading_pairs=[PAIR],
        )
        self._records = Records()
        for tag in (*events.MarketEvent, *events.AccountEvent):
            self._connector.add_listener(tag, self._records)
        self._account = VenueAccount(url, key)
        self._rounds = number
        self.result = Result()

    async def start(self) -> None:
        await self._connector.start_network()
        self._clock = asyncio.create_task(self._tick())
        await self._until(lambda: self._connector.ready, READY_SECONDS)

    async def trade(self, seconds: float) -> None:
        """Trades for so long, from a moment within the first second that is the bot's own."""
        await asyncio.sleep(self._random.random() * ROUND_SECONDS)
        began, used = time.monotonic(), time.process_time()
        while time.monotonic() - began < seconds:
            self._quote()
            slept = time.monotonic()
            await asyncio.sleep(ROUND_SECONDS)
            self.result.late.append(time.monotonic() - slept - ROUND_SECONDS)
            self.result.queued.append(self._queued())
        self.result.core = (time.process_time() - used) / (time.monotonic() - began)

    async def end(self) -> None:
        """Cancels what is open, and compares its records with the venue's ledger."""
        await self._connector.cancel_all(SETTLE_SECONDS)
        try:
            await self._until(lambda: not self._connector.in_flight_orders, SETTLE_SECONDS)
            await self._compare()
        finally:
            self._clock.cancel()
            await self._connector.stop_network()

    def _quote(self) -> None:
        for order_id in list(self._connector.in_flight_orders):
            self._connector.cancel(PAIR, order_id)
        mid_price = self._connector.get_price_by_type(PAIR, PriceType.MidPrice)
        self._place(TradeType.BUY, mid_price * (1 - SPREAD))
        self._place(TradeType.SELL, mid_price * (1 + SPREAD))
        self._rounds += 1
        if self._rounds % TAKES_EVERY == 0:
            side, further = (
                (TradeType.BUY, 1 + CROSSING) if self._rounds // TAKES_EVERY % 2 else (TradeType.SELL, 1 - CROSSING)
            )
            self._place(side, mid_price * further)

    def _place(self, side: TradeType, price: Decimal) -> None:
        place = self._connector.buy if side is TradeType.BUY else self._connector.sell
        at = time.monotonic()
        order_id = place(PAIR, AMOUNT, OrderType.LIMIT, price, position_action=PositionAction.OPEN)
        self._records.sent[order_id] = at

    def _queued(self) -> int:
        return self._connector._user_stream_tracker.user_stream.qsize()

    async def _compare(self) -> None:
        """Until both agree, since a payment of funding is reported a little later than it is made."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            ledger, valuation = await asyncio.to_thread(self._account.statement)
            connector = self._connector
            held = sum((each.amount for each in connector.account_positions.values()), Decimal(0))
            ours = self._records.statement
            pairs = {
                "orders": (ours.orders, ledger.orders),
                "fills": (ours.fills, ledger.fills),
                "funding": (sorted(ours.funding, key=lambda each: each.time), ledger.funding),
                "position": (held, valuation.holding.position),
                "balance": (connector.get_balance("USD"), await asyncio.to_thread(self._account.balance)),
            }
            self.result.differences = [
                f"{name}: {mine} / {theirs}" for name, (mine, theirs) in pairs.items() if mine != theirs
            ]
            if not self.result.differences or time.monotonic() > deadline:
                break
            await asyncio.sleep(1)
        self.result.acknowledged = self._records.acknowledged
        self.result.fills = len(ours.fills)
        self.result.failed = len(self._records.sent) - len(ours.orders)

    async def _tick(self) -> None:
        while True:
            now = time.time()
            self._connector._set_current_timestamp(now)
            self._connector.tick(now)
            await asyncio.sleep(TICK_SECONDS)

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(TICK_SECONDS)


def run(number: int, url: str, key: Key, folder: Path, seconds: float, pipe: Connection) -> None:
    """The process of one bot: says that it is ready, trades when it is told to, and sends its result."""
    hummingbot._data_path = str(folder)
    asyncio.run(_run(Bot(number, url, key), seconds, pipe))


async def _run(bot: Bot, seconds: float, pipe: Connection) -> None:
    await bot.start()
    pipe.send("ready")
    await asyncio.to_thread(pipe.recv)
    await bot.trade(seconds)
    await bot.end()
    pipe.send(bot.result)
