"""What somebody elsewhere is told, over a socket: when, how often, and what happens when it is not taken."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest

from acme_exchange.engine import PlaceOrder, SetIndex, SetLeverage
from acme_exchange.notifications import notifier as module
from acme_exchange.notifications.notifier import FILLS_SECONDS, GATHER_SECONDS, LOOK_SECONDS, URGENT_SECONDS, Notifier
from acme_exchange.notifications.receiver import receiver
from acme_exchange.store.progress import StoreFailed
from test.acme_exchange.notifications.mailbox import Mailbox, Waits
from test.acme_exchange.venue import Client, Listener, RunningVenue, running_venue

BTC = "BTC-PERP"
TOPIC = "hush-hush"
REST_SECONDS = FILLS_SECONDS - URGENT_SECONDS


@pytest.fixture
async def running() -> AsyncIterator[RunningVenue]:
    async with running_venue() as venue:
        yield venue


@pytest.fixture
async def mailbox(monkeypatch) -> AsyncIterator[Mailbox]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    mailbox = Mailbox()
    await mailbox.open()
    yield mailbox
    await mailbox.close()


class Notified:
    """A venue's notifier, its waits, and what it says to who started the venue."""

    def __init__(self, running: RunningVenue, address: str) -> None:
        self.notices: list[str] = []
        self.waits = Waits()
        self.running = running
        self.notifier = Notifier(
            receiver(address), running.venue, running.server.bots, self.notices.append, self.waits.sleep
        )

    def trade(self, times: int = 1, size: str = "0.01", price: str = "64000") -> None:
        """Lets alice buy of bob."""
        for _ in range(times):
            for account, side in (("bob", "sell"), ("alice", "buy")):
                order = PlaceOrder(account, BTC, side, "limit", Decimal(size), Decimal(price))
                self.running.venue.execute(order)


@pytest.fixture
async def notified(running: RunningVenue, mailbox: Mailbox) -> AsyncIterator[Notified]:
    """Where the first message has been taken, and the next one may be sent at once."""
    notified = Notified(running, f"{mailbox.url}/{TOPIC}")
    notified.notifier.start()
    assert "You will be told here" in await mailbox.next()
    yield notified
    mailbox.answers = []
    mailbox.is_mute = False
    await notified.notifier.end()


async def test_fills_are_gathered_and_told_once_a_minute(notified: Notified, mailbox: Mailbox):
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    assert (await mailbox.next()).splitlines() == [
        "bob sold 0.0100 BTC-PERP at 64,000.0 (fee 0.1280 USD)",
        "alice bought 0.0100 BTC-PERP at 64,000.0 (fee 0.3200 USD)",
    ]

    notified.trade(3, price="64010")
    notified.trade(price="64018")
    await notified.waits.end(URGENT_SECONDS)
    await notified.waits.end(REST_SECONDS)
    await notified.waits.end(GATHER_SECONDS)
    assert (await mailbox.next()).splitlines() == [
        "bob sold 0.0400 BTC-PERP in 4 fills at 64,012.0 on average (fee 0.5121 USD)",
        "alice bought 0.0400 BTC-PERP in 4 fills at 64,012.0 on average (fee 1.2802 USD)",
    ]
    assert mailbox.posted.empty()


async def test_a_liquidation_does_not_wait_for_the_minute_and_rings(notified: Notified, mailbox: Mailbox):
    venue = notified.running.venue
    venue.execute(SetLeverage("alice", 20))
    notified.trade(size="2")
    await notified.waits.end(GATHER_SECONDS)
    await mailbox.next()
    venue.execute(SetIndex(BTC, Decimal(60000)))
    await notified.waits.end(URGENT_SECONDS)
    await notified.waits.end(GATHER_SECONDS)
    posted = await mailbox.next_posted()
    first, second = posted.text.splitlines()
    assert first == (
        "alice was liquidated: it was worth less than its maintenance margin. "
        "Its orders are cancelled and its positions closed."
    )
    assert second.startswith("alice sold 2.0000 BTC-PERP at 60,000 in a liquidation (fee ")
    assert "profit -8,000.0000 USD)" in second
    assert posted.headers["Priority"] == "4"


async def look(notified: Notified, seconds: int = 1) -> None:
    for _ in range(seconds):
        notified.running.advance(1)
        await notified.waits.end(LOOK_SECONDS)


async def test_a_bot_whose_stream_is_gone_is_missed(notified: Notified, mailbox: Mailbox):
    async with aiohttp.ClientSession() as http:
        alice = Client(http, notified.running, "alice-key", "alice-secret")
        async with http.ws_connect(notified.running.websocket_url) as socket:
            bot = Listener(socket, notified.running)
            await bot.login("alice-key", "alice-secret")
            assert await bot.pending() == []
            await look(notified, 2)
        while notified.running.server.bots(since=0):
            await asyncio.sleep(0)
        assert (await alice.place(BTC, "buy", "0.01", 60000)).status == 200
        await look(notified, 33)
        await notified.waits.end(GATHER_SECONDS)
        posted = await mailbox.next_posted()
        assert re.fullmatch(
            r"alice: its bot has fallen silent, noticed at 03:04:\d\d UTC. Open: 1 order; position none.", posted.text
        )
        assert posted.headers["Priority"] == "4"
        async with http.ws_connect(notified.running.websocket_url) as socket:
            bot = Listener(socket, notified.running)
            await bot.login("alice-key", "alice-secret")
            assert await bot.pending() == []
            await look(notified, 2)
            await notified.waits.end(URGENT_SECONDS)
            await notified.waits.end(GATHER_SECONDS)
            assert (await mailbox.next()).startswith("alice: its bot is connected again since 03:04:")


async def test_a_bot_that_is_connected_and_says_nothing_is_missed(notified: Notified, mailbox: Mailbox):
    async with aiohttp.ClientSession() as http, http.ws_connect(notified.running.websocket_url) as socket:
        bot = Listener(socket, notified.running)
        await bot.login("alice-key", "alice-secret")
        for _ in range(4):
            assert await bot.pending() == []
            await look(notified, 15)
        assert mailbox.posted.empty()
        await look(notified, 60)
        await notified.waits.end(GATHER_SECONDS)
        assert (await mailbox.next()).startswith("alice: its bot has fallen silent, noticed at ")


@pytest.mark.parametrize("path", ["/api/webhooks/1/hush-hush", "/services/T/B/hush-hush"])
async def test_discord_and_slack_are_told_in_their_forms(running: RunningVenue, mailbox: Mailbox, path: str):
    notified = Notified(running, mailbox.url + path)
    notified.notifier.start()
    posted = await mailbox.next_posted()
    body = json.loads(posted.text)
    assert posted.path == path and posted.headers["Content-Type"] == "application/json"
    assert (body.get("content") or body["text"]).startswith("Acme is open. ")
    await notified.notifier.end()


async def test_nothing_is_told_that_the_disk_does_not_have_yet(notified: Notified, mailbox: Mailbox):
    progress = notified.running.venue.progress
    progress.recorded += 1
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    for _ in range(20):
        await asyncio.sleep(0)
    assert mailbox.posted.empty()
    progress.keep(progress.recorded)
    assert (await mailbox.next()).startswith("bob sold 0.0100")


# What is not taken


@pytest.mark.parametrize("status, retries", [(500, module.RETRY_SECONDS), (429, module.RETRY_SECONDS), (404, ())])
async def test_what_is_not_taken_is_tried_again_while_that_may_help_and_then_said_once(
    notified: Notified, mailbox: Mailbox, status, retries
):
    for _ in range(2):
        mailbox.answers = [(status, {})] * (1 + len(retries))
        notified.trade()
        await notified.waits.end(GATHER_SECONDS)
        text = await mailbox.next()
        for seconds in retries:
            await notified.waits.end(seconds)
            assert await mailbox.next() == text
        await notified.waits.end(URGENT_SECONDS)
        await notified.waits.end(REST_SECONDS)
        (warning,) = [line for line in notified.notices if "not sent" in line]
        assert warning.startswith(f"A notification was not sent: ntfy answered with {status}")
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    assert (await mailbox.next()).splitlines()[-1] == "2 earlier messages could not be sent."
    assert mailbox.posted.empty()


async def test_it_waits_as_long_as_the_receiver_says_within_reason(notified: Notified, mailbox: Mailbox):
    mailbox.answers = [(429, {"Retry-After": "77.5"}), (429, {"Retry-After": "86400"}), (503, {"Retry-After": "soon"})]
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    for seconds in (77.5, module.LONGEST_RETRY_SECONDS, 30.0):
        await mailbox.next()
        await notified.waits.end(seconds)
    await mailbox.next()


async def test_a_receiver_that_never_answers_holds_up_nothing(notified: Notified, mailbox: Mailbox, monkeypatch):
    monkeypatch.setattr(module, "FAREWELL_SECONDS", 0.05)
    mailbox.is_mute = True
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    await mailbox.next()
    async with aiohttp.ClientSession() as http:
        bob = Client(http, notified.running, "bob-key", "bob-secret")
        for _ in range(3):
            assert (await bob.place(BTC, "sell", "0.01", 65000)).status == 200
    await notified.notifier.end()


@pytest.mark.parametrize("answer", [(302, {"Location": "/elsewhere"}), (403, {}), None])
async def test_neither_messages_nor_its_repr_show_the_address(running, mailbox, caplog, answer):
    caplog.set_level("DEBUG")
    if answer is None:
        await mailbox.close()
    mailbox.answers = [answer] * 20
    notified = Notified(running, f"{mailbox.url.replace('//', '//me:pass-word@')}/{TOPIC}")
    notified.notifier.start()
    for seconds in module.RETRY_SECONDS if answer is None else ():
        await notified.waits.end(seconds)
    notified.trade()
    await notified.waits.end(GATHER_SECONDS)
    for seconds in module.RETRY_SECONDS if answer is None else ():
        await notified.waits.end(seconds)
    await notified.waits.end(URGENT_SECONDS)
    await notified.notifier.end()
    shown = "\n".join([*notified.notices, caplog.text, repr(vars(notified.notifier))])
    assert "A notification was not sent: ntfy " in shown
    assert mailbox.url not in shown and TOPIC not in shown and "pass-word" not in shown
    assert not [record for record in caplog.records if record.exc_info]
    while not mailbox.posted.empty():
        assert mailbox.posted.get_nowait().path == f"/{TOPIC}"


# The end


async def test_at_the_end_what_was_gathered_is_told(notified: Notified, mailbox: Mailbox):
    notified.trade()
    await notified.notifier.end()
    assert (await mailbox.next()).splitlines()[1:] == [
        "alice bought 0.0100 BTC-PERP at 64,000.0 (fee 0.3200 USD)",
        "Acme has ended.",
    ]


async def test_where_nothing_can_be_kept_it_says_so_and_tells_no_fill(notified: Notified, mailbox: Mailbox):
    progress = notified.running.venue.progress
    progress.recorded += 1
    notified.trade()
    progress.fail(StoreFailed("the disk is full"))
    await notified.notifier.end()
    assert await mailbox.next() == "Acme has ended: it could not keep any more what happens on it."


async def test_however_much_happens_a_message_is_short():
    digest = module.Digest()
    for number in range(40):
        digest.add_urgent(f"line {number}")
    message = digest.take()
    assert message.text.splitlines()[-2:] == ["line 14", "... and 25 more like these"]
    assert message.is_urgent
    assert digest.take().text == ""
