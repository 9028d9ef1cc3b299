"""The WebSocket client of the package `ftx_python`, as its users use it: over TLS, which it insists on.

It computes the checksum of every frame of an order book itself, and subscribes again where its book does not match.
"""

import json
import ssl

import aiohttp
import pytest
import trustme

from test.acme_exchange.processes import ProcessVenue
from test.acme_exchange.venue import Client
from test.foreign_clients.conftest import ClientProcess

ALICE = {"name": "alice", "key": "alice-key", "secret": "alice-secret", "deposit": 100_000}
BOB = {"name": "bob", "key": "bob-key", "secret": "bob-secret", "deposit": 100_000}
FRAMES = 50


class Stream:
    """What the client hands on, frame by frame."""

    def __init__(self, process):
        self._process = process

    def frame(self, channel, kind):
        """The next such frame; others are passed over."""
        while True:
            frame, _ = self.next()
            if (frame.get("channel"), frame["type"]) == (channel, kind):
                return frame

    def next(self):
        """The next frame, and with one of an order book the book as the client holds it."""
        return self._process.read()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def serve_tls(serve, authority, tmp_path_factory):
    """Starts a venue with a certificate of that authority's."""
    folder = tmp_path_factory.mktemp("venue")
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    (folder / "key.pem").touch(mode=0o600)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    options = ("--tls-cert", folder / "certificate.pem", "--tls-key", folder / "key.pem")
    return lambda *more: serve([ALICE, BOB], *options, *more)


@pytest.fixture(scope="module")
def listen(processes, authority, tmp_path_factory):
    """Points the client at a venue; it logs in when it is given a key."""
    path = tmp_path_factory.mktemp("trust") / "authority.pem"
    authority.cert_pem.write_to_path(path)

    def start(url, subscriptions, entry=None):
        credentials = [entry["key"], entry["secret"]] if entry else []
        process = ClientProcess(
            "stream_process.py",
            " ".join([url.replace("https", "wss", 1) + "/ws/", *credentials]),
            json.dumps(subscriptions),
            SSL_CERT_FILE=str(path),
        )
        processes.callback(process.end)
        return Stream(process)

    return start


def test_a_live_book_matches_its_checksums(serve_tls, listen):
    stream = listen(serve_tls("--speed", 20), [["orderbook", "BTC-PERP"], ["orderbook", "SOL-PERP"]])
    frames = [stream.next() for _ in range(FRAMES)]
    kinds = [frame["type"] for frame, _ in frames]
    assert sorted(kinds[:4]) == ["partial", "partial", "subscribed", "subscribed"]
    assert set(kinds[4:]) == {"update"}, "the client has found its book wrong, and subscribed again"
    assert {frame["market"] for frame, _ in frames[4:]} == {"BTC-PERP", "SOL-PERP"}
    book = frames[-1][1]
    assert len(book["bids"]) >= 90 and book["bids"][-1][0] < book["asks"][0][0]


def test_a_corrupt_frame_is_noticed_and_a_fresh_book_follows(serve_tls, listen):
    stream = listen(serve_tls("--speed", 20, "--fault", "corrupt-book=0.2"), [["orderbook", "BTC-PERP"]])
    for kind in ("partial", "update", "unsubscribed", "subscribed", "partial", "update"):
        stream.frame("orderbook", kind)


def test_trades_and_the_ticker(serve_tls, listen):
    stream = listen(serve_tls("--speed", 20), [["trades", "BTC-PERP"], ["ticker", "BTC-PERP"]])
    ticker = stream.frame("ticker", "update")["data"]
    assert ticker["bid"] < ticker["ask"] and ticker["bidSize"] > 0
    trade = stream.frame("trades", "update")["data"][0]
    assert trade.keys() == {"id", "price", "size", "side", "liquidation", "time"}


async def test_orders_and_fills_of_who_has_logged_in(serve_tls, listen, authority):
    url = serve_tls("--no-liquidity")
    stream = listen(url, [["orders", None], ["fills", None], ["orderbook", "BTC-PERP"]], ALICE)
    stream.frame("orderbook", "partial")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
        alice, bob = (Client(session, ProcessVenue(url), entry["key"], entry["secret"]) for entry in (ALICE, BOB))
        first = (await alice.place("BTC-PERP", "buy", "0.002", 65_000, clientId="mine")).result["id"]
        assert (await bob.place("BTC-PERP", "sell", "0.001", 65_000)).status == 200
        assert (await alice.delete(f"/orders/{first}")).status == 200
        second = (await alice.place("BTC-PERP", "buy", "0.003", 64_990)).result["id"]
    states, fills, bids = [], [], []
    # Between the channels there is no order, and of a book the changes of a moment come together.
    while len(states) < 6 or not fills or bids != [[64_990, 0.003]]:
        frame, book = stream.next()
        bids = book["bids"] if book else bids
        {"orders": states, "fills": fills, "orderbook": []}[frame["channel"]].append(frame["data"])
    assert [(state["id"], state["clientId"], state["status"], state["filledSize"]) for state in states] == [
        (first, "mine", "new", 0),
        (first, "mine", "open", 0),
        (first, "mine", "open", 0.001),
        (first, "mine", "closed", 0.001),
        (second, None, "new", 0),
        (second, None, "open", 0),
    ]
    (fill,) = fills
    assert (fill["orderId"], fill["size"], fill["liquidity"], fill["future"]) == (first, 0.001, "maker", "BTC-PERP")


def test_a_wrong_secret_is_no_login(serve_tls, listen):
    stream = listen(
        serve_tls("--no-liquidity"), [["orderbook", "BTC-PERP"], ["orders", None]], ALICE | {"secret": "no"}
    )
    answers = [stream.next()[0] for _ in range(4)]
    assert [answer["type"] for answer in answers] == ["error", "subscribed", "partial", "error"]
    assert (answers[0]["msg"], answers[3]["msg"]) == ("Invalid login credentials", "Not logged in")
