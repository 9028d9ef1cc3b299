"""Every text of Acme API §7 over REST, and the envelope around whatever goes wrong."""

import asyncio
import gzip
import hashlib
import hmac
import json
from contextlib import suppress

import pytest

from test.acme_exchange.venue import Client, RunningVenue

GOOD = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": "0.01", "price": 64000}


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"market": None}, 400, "Missing parameter market"),
        ({"side": None}, 400, "Missing parameter side"),
        ({"type": None}, 400, "Missing parameter type"),
        ({"size": None}, 400, "Missing parameter size"),
        ({"price": None}, 400, "Missing parameter price"),
        ({"side": "long"}, 400, "Invalid parameter side"),
        ({"size": "NaN"}, 400, "Invalid parameter size"),
        ({"size": "1e400"}, 400, "Invalid parameter size"),
        ({"price": "Infinity"}, 400, "Invalid parameter price"),
        ({"clientId": "x" * 65}, 400, "Invalid parameter clientId"),
        ({"price": "60000.5"}, 400, "Invalid price"),
        ({"price": "60000.00000000000000000001"}, 400, "Invalid price"),
        ({"price": 0}, 400, "Invalid price"),
        ({"price": -5}, 400, "Invalid price"),
        ({"size": 0}, 400, "Size too small"),
        ({"size": -1}, 400, "Size too small"),
        ({"size": "0.00005"}, 400, "Size too small"),
        ({"size": "0.00105"}, 400, "Size too small"),
        ({"size": "0.0005"}, 400, "Size too small for provide"),
        ({"size": "99999999"}, 400, "Size too large"),
        ({"size": 10}, 400, "Account does not have enough margin for order."),
        ({"reduceOnly": True}, 400, "Invalid reduce-only order"),
        ({"positionSide": "long"}, 400, "Position side is not allowed in one-way mode"),
        ({"rejectAfterTs": 1767323045677}, 400, "Invalid parameter rejectAfterTs"),
        ({"market": "NIX-PERP"}, 404, "No such market: NIX-PERP"),
    ],
)
async def test_a_refused_order_is_refused_in_the_contracts_words_and_changes_nothing(
    alice: Client, changed: dict, status: int, error: str
):
    answer = await alice.post("/orders", GOOD | {"clientId": "mine"} | changed)
    assert (answer.status, answer.error) == (status, error)
    assert (await alice.get("/orders/history")).result == []
    assert (await alice.get("/wallet/balances")).result[0]["free"] == 10000
    assert (await alice.post("/orders", GOOD | {"clientId": "mine"})).status == 200


async def test_an_order_that_arrives_in_time_is_accepted(alice: Client):
    assert (await alice.post("/orders", GOOD | {"rejectAfterTs": 1767323045679})).status == 200


async def test_hedge_mode_wants_the_side(alice: Client):
    await alice.post("/account/position_mode", {"mode": "hedge"})
    answer = await alice.post("/orders", GOOD)
    assert (answer.status, answer.error) == (400, "Position side is required in hedge mode")


async def test_a_client_id_is_good_for_one_order_for_ever(alice: Client):
    order_id = (await alice.post("/orders", GOOD | {"clientId": "mine"})).result["id"]
    for _ in range(2):
        answer = await alice.post("/orders", GOOD | {"clientId": "mine"})
        assert (answer.status, answer.error) == (400, "Duplicate client order ID")
        await alice.delete(f"/orders/{order_id}")


@pytest.mark.parametrize("path", ["/orders/{id}", "/orders/by_client_id/mine"])
async def test_cancelling_twice_and_cancelling_too_late_are_told_apart(alice: Client, bob: Client, path: str):
    order_id = (await alice.post("/orders", GOOD | {"clientId": "mine"})).result["id"]
    await alice.delete(path.format(id=order_id))
    twice = await alice.delete(path.format(id=order_id))
    assert (twice.status, twice.error) == (400, "Order already queued for cancellation")

    order_id = (await bob.post("/orders", GOOD | {"clientId": "mine"})).result["id"]
    await alice.place("BTC-PERP", "sell", "0.01")
    late = await bob.delete(path.format(id=order_id))
    assert (late.status, late.error) == (400, "Order already closed")
    late = await bob.post(path.format(id=order_id) + "/modify", {"price": 60001})
    assert (late.status, late.error) == (400, "Order already closed")


@pytest.mark.parametrize(
    "path", ["/orders/1", "/orders/-1", "/orders/x", "/orders/99999999999999999999999", "/orders/by_client_id/none"]
)
async def test_an_order_that_never_was_is_not_found(alice: Client, path: str):
    for answer in (await alice.get(path), await alice.delete(path), await alice.post(f"{path}/modify", {"size": 1})):
        assert (answer.status, answer.error) == (404, "Order not found")


@pytest.mark.parametrize("body", ["", "{", "[]", "nonsense", "5", "null", '{"market": NaN}', '"\\ud800"', "[" * 30000])
async def test_a_body_that_is_no_json_object_is_refused(alice: Client, body: str):
    answer = await alice.post("/orders", body)
    expected = "Missing parameter market" if body == "" else "Invalid parameter body"
    assert (answer.status, answer.error) == (400, expected)


async def test_a_number_of_thousands_of_digits_is_refused_and_not_computed_with(alice: Client):
    for digits in ("9" * 60_000, "0." + "1" * 60_000, "1e" + "9" * 1000):
        answer = await alice.post("/orders", f'{{"market":"BTC-PERP","side":"buy","type":"market","size":{digits}}}')
        assert (answer.status, answer.body["success"]) == (400, False)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/markets/BTC-PERP/orderbook?depth=101", "Invalid parameter depth"),
        ("/markets/BTC-PERP/candles", "Missing parameter resolution"),
        ("/markets/BTC-PERP/candles?resolution=7", "Invalid parameter resolution"),
        ("/markets/BTC-PERP/trades?limit=0", "Invalid parameter limit"),
        ("/funding_rates?start_time=then", "Invalid parameter start_time"),
    ],
)
async def test_a_query_that_does_not_fit_is_refused(public: Client, path: str, error: str):
    answer = await public.get(path)
    assert (answer.status, answer.error) == (400, error)


async def test_unknown_parameters_are_ignored(public: Client, alice: Client):
    assert (await public.get("/markets?colour=green&limit=none")).status == 200
    assert (await alice.get("/fills?colour=green")).status == 200
    assert (await alice.post("/orders", GOOD | {"colour": "green"})).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/orders/1/2/3", "/account/leverage/now"])
async def test_an_unknown_path_is_answered_in_the_envelope(public: Client, path: str):
    answer = await public.get(path)
    assert (answer.status, answer.body) == (404, {"success": False, "error": "Not found"})


async def test_so_is_one_outside_of_the_interface(http, running: RunningVenue):
    async with http.get(f"{running.url}/elsewhere") as response:
        assert (response.status, await response.json()) == (404, {"success": False, "error": "Not found"})


async def test_a_wrong_method_is_answered_in_the_envelope(public: Client):
    answer = await public.request("PUT", "/orders")
    assert (answer.status, answer.body) == (405, {"success": False, "error": "Method not allowed"})
    assert set(answer.headers["Allow"].split(",")) == {"GET", "POST", "DELETE"}


async def test_a_body_beyond_the_limit_is_answered_in_the_envelope(alice: Client):
    answer = await alice.post("/orders", GOOD | {"padding": "x" * 100_000})
    assert (answer.status, answer.body) == (413, {"success": False, "error": "Request too large"})
    assert (await alice.get("/account")).status == 200


async def test_a_compressed_body_is_not_read(http, alice: Client, running: RunningVenue, caplog):
    body = gzip.compress(b"{}" + b" " * 10_000_000)
    async with http.post(f"{running.url}/api/orders", data=body, headers={"Content-Encoding": "gzip"}) as response:
        assert (response.status, (await response.json())["error"]) == (401, "Not logged in")
    target = "/api/orders"
    timestamp = str(running.clock.now() // 1000)
    signed = f"{timestamp}POST{target}".encode() + body
    headers = {
        "ACME-KEY": "alice-key",
        "ACME-TS": timestamp,
        "ACME-SIGN": hmac.new(b"alice-secret", signed, hashlib.sha256).hexdigest(),
        "Content-Encoding": "gzip",
    }
    async with http.post(running.url + target, data=body, headers=headers) as response:
        assert (response.status, (await response.json())["error"]) == (400, "Invalid parameter body")
    assert caplog.text == ""


@pytest.mark.parametrize(
    "lines", [["X-Long: " + 20_000 * "a"], [f"X-{number}: {1000 * 'a'}" for number in range(10_000)]]
)
async def test_headers_beyond_the_limit_are_not_read_to_their_end(
    public: Client, running: RunningVenue, caplog, lines: list[str]
):
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join(["GET /api/time HTTP/1.1", "Host: acme", *lines]).encode())
    # It may have been answered, and closed, with much still to come.
    with suppress(ConnectionError):
        assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    assert (await public.get("/time")).status == 200
    assert caplog.text == ""


@pytest.mark.parametrize(
    "sent, error",
    [
        ("GET /api/time HTTP/1.1\r\nX-Long: " + 10_000 * "s3cret", "Request too large"),
        ("GET /api/" + 10_000 * "s3cret" + " HTTP/1.1", "Request too large"),
        ("GET /api/time HTTP/1.1\r\nX s3cret: 1", "Malformed request"),
        ("GET /api/time HTTP/1.1\r\nContent-Length: s3cret", "Malformed request"),
        ("s3cret", "Malformed request"),
    ],
)
async def test_what_is_no_http_is_answered_in_the_envelope_and_the_connection_closed(
    public: Client, running: RunningVenue, caplog, sent: str, error: str
):
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{sent}\r\n\r\n".encode())
    head, body = (await reader.read()).decode().split("\r\n\r\n")
    writer.close()
    assert head.split()[1] == "400" and "Content-Type: application/json" in head
    assert json.loads(body) == {"success": False, "error": error}
    assert (await public.get("/time")).status == 200
    assert caplog.text == ""


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_incident(
    public: Client, running: RunningVenue, caplog
):
    host, port = running.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /api/orders HTTP/1.1\r\nHost: acme\r\nContent-Length: 50\r\n\r\nhalf")
    writer.write_eof()
    await reader.read()
    writer.close()
    assert (await public.get("/time")).status == 200
    assert caplog.text == ""
