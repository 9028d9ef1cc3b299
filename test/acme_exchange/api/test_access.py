"""Who is let in, and how often (Acme API §2 and §3)."""

import asyncio
import hmac
import json
import logging
from decimal import Decimal

import aiohttp
import pytest

from acme_exchange.accounts.keys import AccountEntry, ApiKey, KeyEntry
from acme_exchange.api.routes import ROUTES
from test.acme_exchange.venue import ALICE, BOB, Client, RunningVenue, running_venue, sign

PRIVATE = [route for route in ROUTES if route.private]


def milliseconds(running: RunningVenue, offset: float = 0) -> str:
    return str(running.clock.now() // 1000 + round(offset * 1000))


def path_of(route) -> str:
    return route.path.format(order_id="1", client_id="x", market="BTC-PERP", future="BTC-PERP")


@pytest.mark.parametrize("clock", ["the venue's", "the machine's"])
async def test_where_the_venues_clock_is_ahead_its_clients_may_go_by_either(
    alice: Client, running: RunningVenue, clock
):
    running.clock.is_ahead = 2 * 3600 * 1_000_000
    behind = 0 if clock == "the venue's" else 2 * 3600

    async def place(seconds: float) -> tuple[int, str | None]:
        body = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": "0.01", "price": 60000}
        text = json.dumps(body | {"rejectAfterTs": int(milliseconds(running, seconds - behind))})
        stamp = milliseconds(running, -behind)
        signed = sign("alice-secret", f"{stamp}POST/api/orders{text}")
        answer = await alice.post("/orders", text, TS=stamp, SIGN=signed)
        return answer.status, answer.body.get("error")

    assert await place(seconds=5) == (200, None)
    assert await place(seconds=-1) == (400, "Invalid parameter rejectAfterTs")


async def test_where_it_is_ahead_a_third_clock_is_refused(alice: Client, running: RunningVenue):
    running.clock.is_ahead = 2 * 3600 * 1_000_000
    stamp = milliseconds(running, -3600)
    answer = await alice.request("GET", "/account", TS=stamp, SIGN=sign("alice-secret", f"{stamp}GET/api/account"))
    assert (answer.status, answer.error) == (401, "Timestamp too far from current time")


@pytest.mark.parametrize("route", PRIVATE, ids=lambda route: f"{route.method} {route.path}")
async def test_no_private_request_is_answered_without_a_key(public: Client, route):
    answer = await public.request(route.method, path_of(route))
    assert (answer.status, answer.error) == (401, "Not logged in")


@pytest.mark.parametrize("route", [route for route in PRIVATE if route.method != "GET"], ids=lambda route: route.path)
async def test_a_read_only_key_is_refused_on_every_write(alice_eyes: Client, alice: Client, route):
    await alice.place("BTC-PERP", "buy", "0.01", 60000, clientId="x")
    answer = await alice_eyes.request(route.method, path_of(route), {"leverage": 3, "mode": "hedge", "price": 60001})
    assert (answer.status, answer.error) == (403, "Not authorized")
    assert [order["price"] for order in (await alice.get("/orders")).result] == [60000]


@pytest.mark.parametrize(
    "path", ["/account", "/wallet/balances", "/positions", "/orders", "/orders/history", "/fills", "/funding_payments"]
)
async def test_a_read_only_key_reads_everything(alice_eyes: Client, path: str):
    assert (await alice_eyes.get(path)).status == 200


@pytest.mark.parametrize("missing", ["KEY", "TS", "SIGN"])
async def test_all_three_headers_are_needed(http, running: RunningVenue, alice: Client, missing: str):
    headers = alice.signature_headers("GET", "/api/account", "")
    del headers[f"ACME-{missing}"]
    async with http.get(f"{running.url}/api/account", headers=headers) as response:
        assert (response.status, (await response.json())["error"]) == (401, "Not logged in")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"KEY": "nobody"}, "Not logged in: Invalid API key"),
        ({"KEY": "bob-key"}, "Not logged in: Invalid signature"),
        ({"SIGN": "0" * 64}, "Not logged in: Invalid signature"),
        ({"SIGN": "ü"}, "Not logged in: Invalid signature"),
        ({"TS": "soon"}, "Timestamp too far from current time"),
        ({"TS": "-1"}, "Timestamp too far from current time"),
        ({"TS": "9" * 400}, "Timestamp too far from current time"),
    ],
)
async def test_what_is_wrong_with_a_signature_is_said(alice: Client, headers: dict[str, str], error: str):
    answer = await alice.get("/account", **headers)
    assert (answer.status, answer.error) == (401, error)


async def test_an_upper_case_signature_is_none(running: RunningVenue, alice: Client):
    signature = sign("alice-secret", f"{milliseconds(running)}GET/api/account")
    assert (await alice.get("/account", SIGN=signature)).status == 200
    assert (await alice.get("/account", SIGN=signature.upper())).error == "Not logged in: Invalid signature"


@pytest.mark.parametrize(("offset", "status"), [(-5.0, 200), (5.0, 200), (-5.001, 401), (5.001, 401)])
async def test_a_timestamp_may_be_five_seconds_off(running: RunningVenue, alice: Client, offset: float, status: int):
    timestamp = milliseconds(running, offset)
    headers = {"TS": timestamp, "SIGN": sign("alice-secret", f"{timestamp}GET/api/account")}
    answer = await alice.get("/account", **headers)
    assert answer.status == status
    if status == 401:
        assert answer.error == "Timestamp too far from current time"


@pytest.mark.parametrize("tampered", ["method", "path", "query", "body"])
async def test_a_signature_covers_method_path_query_and_body(http, running: RunningVenue, alice: Client, tampered: str):
    target, body = "/api/orders?market=BTC-PERP", '{"side":"buy"}'
    headers = alice.signature_headers("DELETE", target, body)
    changed = {
        "method": ("POST", target, body),
        "path": ("DELETE", target.replace("orders", "orders/1"), body),
        "query": ("DELETE", target.replace("BTC", "ETH"), body),
        "body": ("DELETE", target, body.replace("buy", "sell")),
    }
    async with http.delete(running.url + target, data=body, headers=headers) as response:
        assert response.status == 200
    method, target, body = changed[tampered]
    async with http.request(method, running.url + target, data=body, headers=headers) as response:
        assert (await response.json())["error"] == "Not logged in: Invalid signature"


@pytest.mark.parametrize(("client_id", "statuses"), [("", [200, 200]), ("once", [200, 400])])
async def test_a_signed_order_can_be_sent_again_for_five_seconds_unless_it_has_a_client_id(
    http, running: RunningVenue, alice: Client, client_id: str, statuses: list[int]
):
    """As the API's page says of what is not protected."""
    order = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": 0.001, "price": 60000}
    body = json.dumps(order | ({"clientId": client_id} if client_id else {}))
    headers = alice.signature_headers("POST", "/api/orders", body)
    answered = []
    for _ in statuses:
        async with http.post(f"{running.url}/api/orders", data=body, headers=headers) as response:
            answered.append(response.status)
    running.advance(5.1)
    async with http.post(f"{running.url}/api/orders", data=body, headers=headers) as response:
        assert (answered, response.status) == (statuses, 401)


async def test_other_header_prefixes_are_accepted_when_the_venue_is_told_to(http, running: RunningVenue):
    ftx = Client(http, running, "alice-key", "alice-secret", prefix="FTX")
    assert (await ftx.get("/account")).error == "Not logged in"
    async with running_venue(header_prefixes=["FTX", "ftxus"]) as other:
        for prefix in ("ACME", "FTX", "FTXUS"):
            client = Client(http, other, "alice-key", "alice-secret", prefix=prefix)
            assert (await client.get("/account")).status == 200


async def test_headers_of_two_prefixes_do_not_mix(http: aiohttp.ClientSession):
    accounts = [ALICE, AccountEntry("alice/grid", Decimal(500), (KeyEntry("grid", False, "grid-secret"),))]
    async with running_venue(accounts, header_prefixes=["FTX", "FTXUS"]) as running:
        client = Client(http, running, "alice-key", "alice-secret", prefix="FTX")
        for headers in ({"FTXUS-SUBACCOUNT": "grid"}, {"ACME-TS": "1"}):
            sent = client.signature_headers("GET", "/api/account", "") | headers
            async with http.get(running.url + "/api/account", headers=sent) as response:
                assert (response.status, (await response.json())["error"]) == (401, "Not logged in")
        assert (await client.get("/account", SUBACCOUNT="grid")).result["username"] == "alice/grid"


async def test_an_empty_query_is_signed_without_its_question_mark(alice: Client, running: RunningVenue):
    headers = alice.signature_headers("GET", "/api/positions", "")
    # A client library may leave the question mark out when it sends, so that the request is written by hand.
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = ["GET /api/positions? HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()


@pytest.mark.parametrize("name", ["spare", "my%20other%2Faccount"])
async def test_a_subaccount_that_is_not_there_is_said_to_be_none(alice: Client, name: str):
    answer = await alice.get("/account", SUBACCOUNT=name)
    assert (answer.status, answer.error) == (404, "No such subaccount")
    assert (await alice.get("/account", SUBACCOUNT="")).status == 200


async def test_a_subaccount_is_traded_on_with_the_keys_of_its_account(http: aiohttp.ClientSession):
    eyes = KeyEntry("grid-eyes", True, "grid-eyes-secret")
    accounts = [ALICE, BOB, AccountEntry("alice/my grid", Decimal(500), (eyes,))]
    async with running_venue(accounts) as running:
        alice, bob, own = (
            Client(http, running, key, f"{key.removesuffix('-key')}-secret")
            for key in ("alice-key", "bob-key", "grid-eyes")
        )
        named = {"SUBACCOUNT": "my%20grid"}
        assert (await alice.get("/account", **named)).result["username"] == "alice/my grid"
        order = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": "0.01", "price": 64000}
        placed = (await alice.post("/orders", order, **named)).result
        assert [each["id"] for each in (await own.get("/orders")).result] == [placed["id"]]
        assert (await alice.get("/orders")).result == []
        assert (await alice.get("/wallet/balances")).result[0]["free"] == 10_000
        assert (await alice.delete(f"/orders/{placed['id']}")).status == 404
        assert (await alice.delete(f"/orders/{placed['id']}", **named)).status == 200
        assert (await bob.get("/account", **named)).error == "No such subaccount"
        assert (await own.get("/account", **named)).result["username"] == "alice/my grid"
        assert (await own.get("/account", SUBACCOUNT="other")).error == "No such subaccount"


def test_a_secret_shows_in_no_representation():
    key = ApiKey("key", "alice", secret="very-secret")
    assert "very-secret" not in f"{key!r} {key} {ALICE!r}" and "alice-secret" not in repr(ALICE)


async def test_a_failure_is_logged_with_its_id_and_without_secrets(
    running: RunningVenue, alice: Client, monkeypatch, caplog
):
    def broken(name: str):
        raise RuntimeError("the engine has a fault")

    monkeypatch.setattr(running.venue.engine, "account", broken)
    caplog.set_level(logging.DEBUG)
    answer = await alice.get("/account")
    assert answer.status == 500
    text, incident = answer.error[:-1].split(" (")
    assert text == "An unexpected error occurred, please try again later"
    assert incident in caplog.text and "the engine has a fault" in caplog.text
    assert "alice-secret" not in caplog.text and "alice-key" not in caplog.text


async def test_signatures_are_compared_in_constant_time(alice: Client, monkeypatch):
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((one, other)))
    await alice.get("/account", SIGN="guess")
    assert [other for _, other in compared] == [b"guess"]


async def test_thirty_requests_a_second_for_each_key(alice: Client, alice_eyes: Client, running: RunningVenue):
    for _ in range(30):
        assert (await alice.get("/account")).status == 200
    running.clock.advance(0.4)
    answer = await alice.get("/account")
    assert (answer.status, answer.error) == (429, "Do not send more than 30 requests per second")
    assert answer.headers["Retry-After"] == "0.600"
    assert (await alice_eyes.get("/account")).status == 200
    running.clock.advance(0.6)
    assert (await alice.get("/account")).status == 200


async def test_thirty_public_requests_a_second_for_each_address(public: Client, alice: Client):
    for _ in range(30):
        assert (await public.get("/time")).status == 200
    answer = await public.get("/markets")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1.000")
    assert (await alice.get("/account")).status == 200


async def test_guessing_keys_uses_up_the_address_and_nobodys_key(alice: Client):
    for _ in range(30):
        assert (await alice.get("/account", SIGN="guess")).status == 401
    assert (await alice.get("/account", SIGN="guess")).status == 429
    assert (await alice.get("/account")).status == 200


async def test_twenty_orders_a_second_for_an_account_whatever_its_keys(http):
    account = AccountEntry("alice", ALICE.deposit, (ALICE.keys[0], KeyEntry("other-key", False, "other-secret")))
    async with running_venue([account, BOB]) as running:
        clients = [Client(http, running, f"{name}-key", f"{name}-secret") for name in ("alice", "other")]
        for count in range(10):
            placed = await clients[0].place("BTC-PERP", "buy", "0.001", 60000 + count)
            assert placed.status == 200
            assert (await clients[1].post(f"/orders/{placed.result['id']}/modify", {"size": "0.002"})).status == 200
        for client in clients:
            answer = await client.place("BTC-PERP", "buy", "0.001", 60000, clientId="late")
            assert (answer.status, answer.error) == (429, "Do not send more than 20 orders per second")
            assert 0 < float(answer.headers["Retry-After"]) <= 1
            assert (await client.get("/orders/by_client_id/late")).error == "Order not found"
        bob = Client(http, running, "bob-key", "bob-secret")
        assert (await bob.place("BTC-PERP", "buy", "0.001", 60000)).status == 200
        running.clock.advance(1)
        assert (await clients[0].place("BTC-PERP", "buy", "0.001", 60000, clientId="late")).status == 200


async def test_a_key_that_may_not_trade_leaves_the_orders_to_those_that_may(alice: Client, alice_eyes: Client):
    for _ in range(20):
        assert (await alice_eyes.place("BTC-PERP", "buy", "0.001", 60000)).status == 403
    assert (await alice.place("BTC-PERP", "buy", "0.001", 60000)).status == 200


async def test_a_cancel_is_never_refused_for_its_rate_and_counts_for_nothing(alice: Client, running: RunningVenue):
    ids = [(await alice.place("BTC-PERP", "buy", "0.001", 60000 + count)).result["id"] for count in range(20)]
    for _ in range(10):
        assert (await alice.get("/account")).status == 200
    assert (await alice.get("/account")).status == 429
    for order_id in ids:
        assert (await alice.delete(f"/orders/{order_id}")).status == 200
    for _ in range(100):
        assert (await alice.delete("/orders")).status == 200
    running.clock.advance(1)
    for _ in range(30):
        assert (await alice.delete("/orders")).status == 200
        assert (await alice.get("/orders")).result == []
