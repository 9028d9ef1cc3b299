"""Who gets in, what they then may, and when it ends."""

import base64
import json
from http.cookies import SimpleCookie

import aiohttp
import pytest

from acme_exchange.page.codes import OWNER
from acme_exchange.page.sessions import LASTS_SECONDS, Sessions
from test.acme_exchange.page.visitor import Visitor
from test.acme_exchange.venue import Client, RunningVenue

ORDER = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": "0.01", "price": 60_000}


@pytest.fixture
def visitor(http: aiohttp.ClientSession, running: RunningVenue) -> Visitor:
    return Visitor(http, running)


async def test_a_code_opens_its_account_once(visitor: Visitor, http: aiohttp.ClientSession, running: RunningVenue):
    page = running.server.page
    address = page.address(running.url, page.grant("alice"))
    url, _, code = address.partition("/#code=")
    assert url == running.url

    opened = await visitor.ask("POST", "/session", {"code": code})
    again = await Visitor(http, running).ask("POST", "/session", {"code": code})

    assert (opened.result["account"], opened.result["readOnly"], opened.result["owner"]) == ("alice", False, False)
    assert (await visitor.get("/api/account")).result["username"] == "alice"
    assert again.status == 401 and "acme-exchange page prints" in again.error


async def test_a_code_is_worth_nothing_after_ten_minutes(visitor: Visitor, running: RunningVenue):
    code = running.server.page.codes.issue(running.server.page.grant("alice"))
    running.clock.advance(600)

    assert (await visitor.ask("POST", "/session", {"code": code})).status == 401
    assert (await visitor.get("/session")).result["account"] is None


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(visitor: Visitor):
    answer = await visitor.sign_in_with_code("alice")

    (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/page"
    assert int(cookie["max-age"]) == LASTS_SECONDS


async def test_a_key_signs_in_by_what_it_has_signed(visitor: Visitor):
    refused = await visitor.sign_in_with_key("alice-key", "a guess")
    assert (refused.status, refused.error) == (401, "Not logged in: Invalid signature")

    assert (await visitor.sign_in_with_key("alice-key", "alice-secret")).result["account"] == "alice"
    assert (await visitor.ask("POST", "/api/orders", ORDER)).result["status"] == "new"


@pytest.mark.parametrize("body", [{}, {"code": 1}, {"code": ""}, {"key": "alice-key"}, [], "text"])
async def test_what_is_no_sign_in_is_said_to_be_none(visitor: Visitor, body):
    assert (await visitor.ask("POST", "/session", body)).status in (400, 401)


async def test_a_read_only_session_sees_and_does_not_act(http: aiohttp.ClientSession, running: RunningVenue):
    by_key, by_code = Visitor(http, running), Visitor(http, running)
    assert (await by_key.sign_in_with_key("alice-eyes", "alice-eyes-secret")).result["readOnly"]
    assert (await by_code.sign_in_with_code("alice", read_only=True)).result["readOnly"]

    for visitor in (by_key, by_code):
        assert (await visitor.get("/api/account")).result["username"] == "alice"
        for method, path, body in (
            ("POST", "/api/orders", ORDER),
            ("DELETE", "/api/orders", None),
            ("POST", "/api/account/leverage", {"leverage": 3}),
        ):
            refused = await visitor.ask(method, path, body)
            assert (refused.status, refused.error) == (403, "Not authorized")


async def test_a_session_ends_with_its_key(visitor: Visitor, running: RunningVenue):
    await visitor.sign_in_with_code("alice")
    assert (await visitor.get("/api/account")).status == 200

    running.venue.store.revoke_key("alice-key")

    assert (await visitor.get("/api/account")).status == 401
    assert (await visitor.get("/session")).result["account"] is None


async def test_a_session_ends_when_it_is_signed_out_wherever_its_cookie_went(visitor: Visitor):
    await visitor.sign_in_with_code("alice")
    kept = dict(visitor.cookies)

    await visitor.ask("DELETE", "/session")

    visitor.cookies = kept
    assert (await visitor.get("/api/account")).status == 401


async def listening(visitor: Visitor, http: aiohttp.ClientSession, running: RunningVenue):
    """The page's channels, with one that is private."""
    headers = {"Origin": running.url, "Cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
    socket = await http.ws_connect(f"{running.url}/page/ws", headers=headers)
    await socket.send_json({"op": "subscribe", "channel": "orders"})
    assert (await socket.receive_json())["type"] == "subscribed"
    return socket


async def test_a_session_that_ends_takes_its_open_channels_along(http: aiohttp.ClientSession, running: RunningVenue):
    leaving, revoked = Visitor(http, running), Visitor(http, running)
    await leaving.sign_in_with_code("alice")
    await revoked.sign_in_with_code("bob")
    of_leaving, of_revoked = [await listening(visitor, http, running) for visitor in (leaving, revoked)]

    await leaving.ask("DELETE", "/session")
    running.venue.revoke_key("bob-key")

    for socket in (of_leaving, of_revoked):
        assert (await socket.receive(timeout=30)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_stranger_has_no_private_channel(http: aiohttp.ClientSession, running: RunningVenue):
    async with http.ws_connect(f"{running.url}/page/ws", headers={"Origin": running.url}) as socket:
        await socket.send_json({"op": "subscribe", "channel": "orders"})
        assert (await socket.receive_json())["msg"] == "Not logged in"


async def test_a_session_ends_after_a_week(visitor: Visitor, running: RunningVenue):
    await visitor.sign_in_with_code("alice")
    running.clock.advance(LASTS_SECONDS - 1)
    assert (await visitor.get("/api/account")).status == 200

    running.clock.advance(1)

    assert (await visitor.get("/api/account")).status == 401


@pytest.mark.parametrize("changes", [{"account": "bob"}, {"key": "bob-key"}, {"read_only": False}, {"key": None}])
async def test_a_cookie_that_was_changed_opens_nothing(visitor: Visitor, changes: dict):
    await visitor.sign_in_with_code("alice", read_only=True)
    ((name, cookie),) = visitor.cookies.items()
    payload, _, signature = cookie.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).decode().rstrip("=")

    visitor.cookies = {name: f"{forged}.{signature}"}

    assert (await visitor.get("/session")).result["account"] is None
    assert (await visitor.get("/owner")).status == 401


@pytest.mark.parametrize("cookie", ["", ".", "a.b", "%%%", "é.é", "e30.00", "bnVsbA.00"])
async def test_a_cookie_that_is_none_is_nobody(running: RunningVenue, cookie: str):
    assert Sessions(running.venue.keys, running.clock).find(cookie) is None


async def test_a_session_outlasts_a_restart_of_the_venue_and_the_owners_does_not(running: RunningVenue):
    before, after = (Sessions(running.venue.keys, running.clock) for _ in range(2))
    grant = running.server.page.grant("alice")

    assert after.find(before.open(grant)).key.account == "alice"
    assert before.find(before.open(OWNER)).is_owner and after.find(before.open(OWNER)) is None


async def test_the_owner_sees_all_accounts_and_an_account_only_itself(
    http: aiohttp.ClientSession, running: RunningVenue
):
    owner, alice = Visitor(http, running), Visitor(http, running)
    await owner.ask("POST", "/session", {"code": running.server.page.codes.issue(OWNER)})
    await alice.sign_in_with_code("alice")
    await Client(http, running, "alice-key", "alice-secret").place("BTC-PERP", "buy", "0.01", 64_000)
    await Client(http, running, "bob-key", "bob-secret").place("BTC-PERP", "sell", "0.01")
    running.advance(30)

    overview = (await owner.get("/owner")).result
    lines = {account["name"]: account for account in overview["accounts"]}

    assert lines.keys() == {"alice", "bob"}
    assert lines["bob"]["positions"][0]["size"] == -0.01 and lines["bob"]["latest"]
    account = running.venue.engine.account("bob")
    assert lines["bob"]["profit"] == float(account.total_account_value - 100_000)
    assert (await alice.get("/owner")).status == 401
    assert (await owner.get("/api/account")).status == 401
    assert "bob" not in str((await alice.get("/api/account")).body)


async def test_the_page_waits_for_nobody_and_nobody_for_it(visitor: Visitor, http: aiohttp.ClientSession, running):
    client = Client(http, running)
    while (await client.get("/markets/BTC-PERP")).status == 200:
        pass

    assert (await visitor.get("/api/markets/BTC-PERP")).status == 200
    while (await visitor.get("/api/time")).status == 200:
        pass
    running.clock.advance(1)
    assert (await client.get("/time")).status == 200
