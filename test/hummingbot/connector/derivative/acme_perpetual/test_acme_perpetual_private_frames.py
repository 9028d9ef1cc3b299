"""Private frames as no venue should send them."""

import asyncio
import copy
from decimal import Decimal
from math import inf
from test.hummingbot.connector.derivative.acme_perpetual import venue_data
from test.hummingbot.connector.derivative.acme_perpetual.derivative_test_case import ORDER_ID, DerivativeTestCase
from test.hummingbot.connector.derivative.acme_perpetual.fuzzing import HealthCheck, example, given, settings, st
from test.hummingbot.connector.derivative.acme_perpetual.loopback_venue import PATIENCE
from unittest import TestCase
from unittest.mock import AsyncMock, MagicMock, patch

import msgspec
from aiohttp import web

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_account_data as account_data,
    acme_perpetual_wire as wire,
)
from hummingbot.core.data_type.common import PositionMode
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.core.web_assistant.connections.data_types import WSResponse

NUMBERS = st.one_of(st.integers(), st.decimals(), st.floats())
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=20)),
    lambda children: st.one_of(
        st.lists(children, max_size=4), st.dictionaries(st.text(max_size=10), children, max_size=4)
    ),
    max_leaves=10,
)
# What a mutation may put in place of a field: above all, what another field or another order has there.
VALUES = st.one_of(
    JSON,
    st.sampled_from(
        [
            "closed",
            "open",
            "buy",
            "sell",
            "HBOT2",
            "BTC-PERP",
            "ETH-PERP",
            "long",
            "net",
            venue_data.TIME,
            ORDER_ID,
            ORDER_ID + 1,
            Decimal("0"),
            Decimal("-1"),
            Decimal("1e30"),
            Decimal("0.5"),
            Decimal("NaN"),
        ]
    ),
)
FRAMES = {
    "orders": venue_data.order(status="closed", filledSize=0.5),
    "fills": venue_data.fill(size=0.5),
    "positions": venue_data.position(),
    "balances": venue_data.balance(),
}


@st.composite
def mutated_frames(draw):
    channel = draw(st.sampled_from(sorted(FRAMES)))
    frame = venue_data.frame(channel, FRAMES[channel])
    for name in draw(st.lists(st.sampled_from(sorted(frame["data"])), max_size=4)):
        if draw(st.booleans()):
            frame["data"][name] = draw(VALUES)
        else:
            frame["data"].pop(name, None)
    return frame


ARBITRARY_FRAMES = st.one_of(
    JSON,
    st.fixed_dictionaries({"channel": st.one_of(st.sampled_from(sorted(FRAMES)), JSON), "type": JSON, "data": JSON}),
)


def said_of(parser, data):
    try:
        return parser(data)
    except wire.WireError as error:
        return str(error)


def text_of(frame) -> str:
    """The frame as a venue would send it, whose numbers are no texts; what is no JSON number is null."""
    return msgspec.json.Encoder(decimal_format="number").encode(without_nan(frame)).decode()


def without_nan(value):
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(without_nan, value))
    return None if isinstance(value, Decimal) and not value.is_finite() else value


class FillTests(TestCase):
    @given(mutated_frames())
    @example(venue_data.frame("fills", {**FRAMES["fills"], "price": "1.5"}))
    @example(venue_data.frame("fills", {**FRAMES["fills"], "size": True}))
    @example(venue_data.frame("fills", {**FRAMES["fills"], "fee": Decimal("1e40")}))
    @example(venue_data.frame("fills", {**FRAMES["fills"], "time": "noon"}))
    @example(venue_data.frame("fills", {**FRAMES["fills"], "id": Decimal("7.0")}))
    @example(venue_data.frame("orders", FRAMES["fills"]))
    def test_the_short_way_to_read_a_fill_reads_what_the_long_one_does(self, frame):
        text = text_of(frame)
        fill = account_data.fill_of_frame(text)

        if fill is not None:
            read = wire.private_frame(text)
            self.assertEqual(("fills", True), (wire.channel(read), wire.has_data(read)))
            self.assertEqual(said_of(account_data.fill, read["data"]), fill)

    def test_it_reads_every_fill_of_the_venues_that_names_our_order(self):
        for changes in ({}, {"price": 3}, {"fee": Decimal("-0.1")}, {"fee": 0}, {"liquidity": "maker"}):
            with self.subTest(changes):
                text = text_of(venue_data.frame("fills", venue_data.fill(**changes)))

                self.assertEqual(account_data.fill(wire.private_frame(text)["data"]), account_data.fill_of_frame(text))

    def test_numbers_are_exact_whichever_way_they_are_written(self):
        for written in (3, Decimal("3"), Decimal("3.0"), Decimal("3E0")):
            data = venue_data.fill(price=written, size=written, fee=written)
            for fill in account_data.fill(data), account_data.fill_of_frame(text_of(venue_data.frame("fills", data))):
                self.assertEqual([Decimal(3)] * 3, [fill.price, fill.size, fill.fee])
                self.assertEqual({Decimal}, {type(fill.price), type(fill.size), type(fill.fee)})


class FillsAtOnceTests(DerivativeTestCase):
    """A fill of which everything is as usual is taken over in the turn in which it is read, and never out of turn."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.open_order()
        tracker = self.exchange._user_stream_tracker
        self.source, self.queue = tracker.data_source, tracker.user_stream
        self.source._unconfirmed_channels = set()
        self.listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        self.addCleanup(self.listener.cancel)
        self.enterContext(patch.object(CONSTANTS, "LONGEST_TURN", inf))
        await self.settled()

    async def read(self, *frames):
        """Reads these frames, as if all of them had come in one piece."""
        assistant = MagicMock()
        assistant.receive = AsyncMock(side_effect=[*(WSResponse(text_of(frame)) for frame in frames), None])
        with self.assertRaisesRegex(ConnectionError, "closed"):
            await self.source._process_websocket_messages(assistant, self.queue)

    def fill(self, number, **changes):
        return venue_data.frame("fills", venue_data.fill(number, size=Decimal("0.1"), **changes))

    def filled(self):
        return [event.exchange_trade_id for event in self.recorder.events]

    async def test_it_does_not_wait_for_the_listener(self):
        await self.read(self.fill(1), self.fill(2))

        self.assertEqual(["1", "2"], self.filled())
        self.assertTrue(self.queue.empty())

    async def test_it_waits_for_what_came_before_it(self):
        await self.read(venue_data.frame("balances", venue_data.balance("FIRST")), self.fill(1))
        self.assertEqual((2, []), (self.queue.qsize(), self.filled()))

        await self.settled()

        self.assertEqual(["1"], self.filled())

    async def test_it_waits_until_what_was_missed_is_fetched(self):
        answering = asyncio.Event()

        async def answer_later(request):
            await answering.wait()
            return web.Response(text=venue_data.success([venue_data.fill(1, size=0.1)]))

        self.venue.answer("GET", "/api/fills", answer_later)
        self.venue.answer("GET", "/api/positions", [])
        self.venue.answer("GET", "/api/wallet/balances", [])
        self.queue.put_nowait(CONSTANTS.STREAM_CONNECTED_EVENT)
        await self.until(lambda: self.requests("GET", "/api/fills"))

        await self.read(self.fill(2))
        self.assertEqual((1, []), (self.queue.qsize(), self.filled()))
        answering.set()
        await self.until(self.queue.empty)
        await self.settled()

        self.assertEqual(["1", "2"], self.filled())

    async def test_it_waits_while_many_cancels_are_under_way(self):
        self.exchange._canceller._waiting = CONSTANTS.MANY_CANCELS

        await self.read(self.fill(1))
        self.assertEqual((1, []), (self.queue.qsize(), self.filled()))

    async def test_it_is_told_after_the_creation_of_its_order(self):
        self.track_order("HBOT2", None)

        await self.read(self.fill(1, order_id=ORDER_ID + 1, client_id="HBOT2"))
        await self.settled()

        self.assertEqual(["BuyOrderCreated", "OrderFilled"], self.event_names)

    async def test_one_that_contradicts_itself_makes_the_status_poll_look_and_ends_nothing(self):
        await self.read(self.fill(1, order_id=ORDER_ID + 1), self.fill(2))

        self.assertEqual(["2"], self.filled())
        self.assertTrue(self.exchange._poll_notifier.is_set())
        self.assertEqual(1, len(self.logged("ERROR")))

    async def test_others_have_their_turn_between_many(self):
        turns = []

        async def others():
            while True:
                turns.append(len(self.recorder.events))
                await asyncio.sleep(0)

        task = asyncio.ensure_future(others())
        self.addCleanup(task.cancel)
        for name, frames in (
            ("fills", [self.fill(number) for number in range(10)]),
            ("other frames", [venue_data.frame("balances", venue_data.balance())] * 10),
        ):
            with self.subTest(name), patch.object(CONSTANTS, "LONGEST_TURN", 0.0):
                turns.clear()
                await self.read(*frames)

                self.assertGreaterEqual(len(turns), 5)

    async def test_without_a_listener_it_waits_for_the_next_one(self):
        self.listener.cancel()
        await self.settled()

        await self.read(self.fill(1))
        self.assertEqual((1, []), (self.queue.qsize(), self.filled()))
        listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        self.addCleanup(listener.cancel)
        await self.settled()

        self.assertEqual(["1"], self.filled())


class PrivateFrameFuzzTests(DerivativeTestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.ours = await self.open_order("HBOT1", ORDER_ID)
        self.other = await self.open_order("HBOT2", ORDER_ID + 1)

    def feed(self, frames):
        """The listener gets these frames, and one that is well-formed after them."""
        asyncio.get_event_loop().run_until_complete(self.listen_to(frames))

    async def listen_to(self, frames):
        stream = self.exchange._user_stream_tracker.user_stream
        for frame in [*frames, venue_data.frame("balances", venue_data.balance("LAST"))]:
            stream.put_nowait(copy.deepcopy(frame))
        self.exchange._account_balances.pop("LAST", None)
        listener = asyncio.ensure_future(self.exchange._user_stream_event_listener())
        async with asyncio.timeout(PATIENCE):
            while "LAST" not in self.exchange._account_balances and not listener.done():
                await asyncio.sleep(0)
        self.assertFalse(listener.done())
        listener.cancel()
        await self.settled()

    def test_nothing_ends_the_listener_or_touches_another_order(self):
        @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.one_of(mutated_frames(), ARBITRARY_FRAMES), min_size=1, max_size=5))
        @example([venue_data.frame("orders", {**FRAMES["orders"], "id": ORDER_ID + 1})])
        @example([venue_data.frame("fills", {**FRAMES["fills"], "orderId": ORDER_ID + 1})])
        @example([venue_data.frame("orders", {**FRAMES["orders"], "clientId": "HBOT2"})])
        def check(frames):
            frames = [frame for frame in frames if not self.is_of_the_other_order(frame)]
            self.feed(frames)

        check()

        self.assertEqual(OrderState.OPEN, self.other.current_state)
        self.assertEqual(0, self.other.executed_amount_base)
        self.assertIn("HBOT2", self.exchange.in_flight_orders)

    @staticmethod
    def is_of_the_other_order(frame) -> bool:
        """Whether the frame says truly, in all it says, that it is of the other order: then it may change it."""
        data = frame.get("data") if isinstance(frame, dict) else None
        if not isinstance(data, dict):
            return False
        id = data.get("orderId", data.get("id"))
        return data.get("clientId") in ("HBOT2", None) and id == ORDER_ID + 1


class PrivateParseTests(TestCase):
    def test_what_is_malformed_is_refused_by_name(self):
        cases = [
            (account_data.order, venue_data.order(), {"id": "7"}, "'id' is not an integer"),
            (account_data.order, venue_data.order(), {"id": True}, "'id' is not an integer"),
            (account_data.order, venue_data.order(), {"side": "both"}, "'side' is neither buy nor sell"),
            (account_data.order, venue_data.order(), {"size": None}, "'size' is missing"),
            (account_data.order, venue_data.order(), {"filledSize": 2.0}, "'filledSize' is not between 0 and 'size'"),
            (account_data.order, venue_data.order(), {"clientId": 7}, "'clientId' is not a text"),
            (account_data.fill, venue_data.fill(), {"price": 0}, "'price' is not above zero"),
            (account_data.fill, venue_data.fill(), {"size": -1}, "'size' is not above zero"),
            (account_data.fill, venue_data.fill(), {"time": "noon"}, "'time' is not an ISO-8601 time"),
            (account_data.position, venue_data.position(), {"entryPrice": None}, "'entryPrice' is missing"),
            (account_data.balance, venue_data.balance(), {"free": "much"}, "'free' is not an exact number"),
            (account_data.funding_payment, venue_data.funding_payment(1, venue_data.TIME, 1.0), {"rate": []}, "'rate'"),
        ]
        for parser, data, change, message in cases:
            with self.subTest(parser=parser.__name__, change=change):
                exact = wire.exact_json(venue_data.success({**data, **change}))["result"]
                with self.assertRaisesRegex(wire.WireError, message):
                    parser(exact)

    def test_a_list_is_a_list(self):
        with self.assertRaisesRegex(wire.WireError, "'result' is not a list"):
            wire.entries({"success": True, "result": {}})

    def test_the_dialect_without_acmes_additions(self):
        data = wire.exact_json(venue_data.success([venue_data.fill(), venue_data.position(-1.0)]))["result"]
        fill, position = data
        for addition in ("clientId", "positionSide"):
            fill.pop(addition, None)
            position.pop(addition, None)

        self.assertIsNone(account_data.fill(fill).client_order_id)
        self.assertEqual(PositionMode.ONEWAY, account_data.position(position).mode)

    def test_account_settings(self):
        def read(**changes):
            return account_data.account_settings(wire.exact_json(venue_data.success(venue_data.account(**changes))))

        self.assertEqual(Decimal("-0.0001"), read(makerFee=-0.0001).maker_fee)
        with self.assertRaisesRegex(wire.WireError, "'positionMode'"):
            read(positionMode="both")
        with self.assertRaisesRegex(wire.WireError, "'leverage'"):
            read(leverage=0)
