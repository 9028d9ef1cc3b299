"""An account on the page: what it shows, what can be done there, and what the venue says to that."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from acme_exchange.accounts.file import AccountEntry, KeyEntry
from acme_exchange.clock import SystemClock
from acme_exchange.page.codes import OWNER
from test.acme_exchange.venue import ALICE, BOB, Client, RunningVenue, running_venue

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=document.title='hacked'>"
SPAN = 15_000_000
"""Of the curve of a new account, in microseconds."""
MALLORY = AccountEntry(HOSTILE, ALICE.deposit, (KeyEntry("mallory-key", False, "mallory-secret"),))


@pytest_asyncio.fixture(loop_scope="session")
async def running() -> AsyncIterator[RunningVenue]:
    async with running_venue((ALICE, BOB, MALLORY), clock=SystemClock()) as venue:
        yield venue


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def alice(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    return Client(http, running, "alice-key", "alice-secret")


@pytest.fixture
def bob(http: aiohttp.ClientSession, running: RunningVenue) -> Client:
    return Client(http, running, "bob-key", "bob-secret")


def invitation(running: RunningVenue, account: str = "alice", read_only: bool = False) -> str:
    page = running.server.page
    return page.address(running.url, page.grant(account, read_only))


def open_orders(page: Page):
    return page.locator("#panel-orders tbody tr")


async def answer(page: Page, name: str) -> None:
    """Presses a button of the dialog."""
    await page.locator("dialog").get_by_role("button", name=name, exact=True).click()


async def test_what_a_bot_does_is_seen_as_it_happens(look, running, alice: Client, bob: Client):
    page = await look(invitation(running))
    await expect(page.locator("#who")).to_contain_text("alice")
    assert "code" not in page.url

    await bob.place("BTC-PERP", "sell", "0.1", 65_000)
    await alice.place("BTC-PERP", "buy", "0.05", 65_000)
    await alice.place("BTC-PERP", "buy", "0.01", 64_000)

    await expect(page.locator("#panel-positions tbody tr")).to_contain_text("BTC-PERPlong0.05")
    await expect(page.locator("#count-orders")).to_have_text("1")
    await expect(page.locator("#bids tr[data-mine] td").first).to_have_text("64,000")
    state = running.venue.engine.account("alice")
    profit = state.total_account_value - 10_000
    await expect(page.locator("#profit")).to_have_attribute("title", re.compile(f"^.{abs(profit).normalize():f} USD"))
    await page.get_by_role("tab", name="Fills").click()
    await expect(page.locator("#panel-fills tbody tr")).to_contain_text("65,0000.05taker1.625")
    await page.get_by_role("tab", name="Ledger").click()
    cells = page.locator("#panel-ledger tbody tr td:last-child")
    await expect(cells).to_have_text(["9,998.375", "10,000"])


async def test_the_fills_of_a_candle_are_told_beside_its_prices(look, http):
    async with running_venue() as still:
        alice, bob = Client(http, still, "alice-key", "alice-secret"), Client(http, still, "bob-key", "bob-secret")
        page = await look(invitation(still), always=still.clock.now())
        await expect(page.locator("#connection")).to_have_text("live")

        await bob.place("BTC-PERP", "sell", "0.1", 65_000)
        await alice.place("BTC-PERP", "buy", "0.05", 65_000)
        still.advance(0)

        await expect(page.locator("#legend-own")).to_have_text("bought 0.0500 at 65,000 (1 taker)")


async def test_a_second_is_one_point_of_the_curve(look):
    """Also the one in which a span has ended: over two points of one time the chart fails, at this number of points."""
    async with running_venue() as still:
        still.advance((8 * SPAN - still.clock.now() % SPAN) / 1_000_000 + 0.4)
        page = await look(invitation(still), always=still.clock.now())

        await expect(page.locator("#equity")).to_have_text("10,000.00")

        await page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


async def test_a_cancel_on_the_page_is_the_venues_for_the_bot(look, running, http, alice: Client):
    page = await look(invitation(running))
    order = (await alice.place("BTC-PERP", "buy", "0.01", 64_000, clientId="bots")).result
    await page.get_by_role("tab", name="Open orders").click()

    await page.get_by_role("button", name=f"Cancel order {order['id']}").click()
    await answer(page, "Cancel the order")

    await expect(open_orders(page)).to_have_count(0)
    assert (await alice.get("/orders/by_client_id/bots")).result["status"] == "closed"
    assert (await alice.delete("/orders/by_client_id/bots")).error == "Order already queued for cancellation"


async def test_an_order_by_hand_is_asked_about_and_placed(look, running):
    page = await look(invitation(running))
    await page.get_by_role("radio", name="Sell").click()
    await page.get_by_label("Price, USD").fill("66000")
    await page.get_by_label("Size").fill("0.02")
    await page.get_by_label("post-only").check()

    await page.get_by_role("button", name="Sell BTC-PERP").click()
    await expect(page.locator("dialog")).to_contain_text("post-only")
    assert running.venue.engine.open_orders("alice") == []
    await answer(page, "Sell")

    await expect(page.locator("#count-orders")).to_have_text("1")
    (order,) = running.venue.engine.open_orders("alice")
    assert (order.side, order.post_only, order.size, order.price) == ("sell", True, Decimal("0.02"), 66_000)
    await page.get_by_role("button", name="Cancel all orders").click()
    await answer(page, "Cancel all")
    await expect(page.locator("#count-orders")).to_have_text("")
    assert running.venue.engine.open_orders("alice") == []


async def test_the_venues_words_are_shown_when_it_refuses(look, running):
    page = await look(invitation(running))
    await page.get_by_label("Price, USD").fill("64000.5")
    await page.get_by_label("Size").fill("0.02")
    await page.get_by_role("button", name="Buy BTC-PERP").click()

    await answer(page, "Buy")

    await expect(page.locator("dialog [role=alert]")).to_have_text("Invalid price")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.get_by_label("Size").fill("much")
    await page.get_by_role("button", name="Buy BTC-PERP").click()
    await expect(page.locator("#notices")).to_contain_text("Write a number above 0 as the size, such as 0.001")


async def test_a_position_is_closed_at_the_market(look, running, alice: Client, bob: Client):
    page = await look(invitation(running))
    await bob.place("BTC-PERP", "sell", "0.02", 65_000)
    await alice.place("BTC-PERP", "buy", "0.02", 65_000)
    await bob.place("BTC-PERP", "buy", "0.02", 64_900)

    await page.get_by_role("button", name="Close the position in BTC-PERP").click()
    await answer(page, "Close the position")

    await expect(page.locator("#panel-positions tbody tr")).to_have_count(0)
    assert running.venue.engine.positions("alice")[0].size == 0


async def test_a_key_typed_in_signs_in_and_its_secret_is_never_sent(look, running):
    page = await look(running.url)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.headers} {request.post_data}"))
    await page.locator("#who").get_by_role("button", name="Sign in").click()
    await page.get_by_label("API key").fill("alice-key")
    await page.get_by_label("API secret").fill("wrong")
    await answer(page, "Sign in")
    await expect(page.locator("dialog [role=alert]")).to_have_text("Not logged in: Invalid signature")

    await page.get_by_label("API secret").fill("alice-secret")
    await answer(page, "Sign in")

    await expect(page.locator("#who")).to_contain_text("alice")
    assert any("alice-key" in request for request in sent)
    assert not any("alice-secret" in request for request in sent)
    assert "alice-secret" not in await page.content()


async def test_a_read_only_session_has_nothing_to_act_with(look, running, alice: Client):
    await alice.place("BTC-PERP", "buy", "0.01", 64_000)
    page = await look(invitation(running, read_only=True))

    await expect(page.locator("#who")).to_contain_text("read-only")
    await page.get_by_role("tab", name="Open orders").click()
    await expect(open_orders(page).get_by_role("button")).to_be_disabled()
    await expect(page.locator("#order-submit")).to_be_disabled()
    await expect(page.locator("#cancel-all")).to_be_disabled()


async def test_a_second_browser_sees_the_market_and_no_account(look, running, alice: Client):
    await alice.place("BTC-PERP", "buy", "0.01", 64_000)
    used = invitation(running)
    first, second = await look(used), await look(running.url)
    await expect(first.locator("#count-orders")).to_have_text("1")

    await expect(second.locator("#bids tbody tr td").first).to_have_text("64,000")
    await expect(second.locator("#holdings, .holdings")).to_be_hidden()
    assert await second.locator("[data-mine]").count() == 0


async def test_a_session_that_ends_leaves_nothing_of_the_account(look, running, alice: Client):
    await alice.place("BTC-PERP", "buy", "0.01", 64_000)
    page = await look(invitation(running))
    await expect(page.locator("#count-orders")).to_have_text("1")

    await page.get_by_role("button", name="Sign out").click()

    await expect(page.locator(".holdings")).to_be_hidden()
    await expect(page.locator("[data-mine]")).to_have_count(0)
    await expect(page.locator("#panel-orders tbody tr")).to_have_count(0)


async def test_a_page_ends_with_its_key(look, running, alice: Client):
    await alice.place("BTC-PERP", "buy", "0.01", 64_000)
    page = await look(invitation(running))
    await expect(page.locator("#count-orders")).to_have_text("1")

    running.venue.revoke_key("alice-key")

    await expect(page.locator(".holdings")).to_be_hidden()
    await expect(page.locator("#who").get_by_role("button", name="Sign in")).to_be_visible()
    await expect(page.locator("#connection")).to_have_text("live")


async def test_a_name_that_is_markup_is_text(look, running):
    page = await look(invitation(running, HOSTILE))
    await expect(page.locator("#who .name")).to_have_text(HOSTILE)
    owner = await look(f"{running.url}/#code={running.server.page.codes.issue(OWNER)}")

    await expect(owner.locator("#owner-accounts")).to_contain_text(HOSTILE)
    for seen in (page, owner):
        assert await seen.locator("img[src=x]").count() == 0
        assert await seen.title() != "hacked"
