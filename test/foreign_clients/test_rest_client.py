"""The client of the package `ftx`, as its users use it."""

import itertools
from datetime import datetime

import pytest

from test.foreign_clients.conftest import ClientProcess, ClientRaised, RestClient

names = (f"order-{number}" for number in itertools.count())
ACCOUNTS = [
    {"name": f"trader-{number}", "key": f"key-{number}", "secret": f"secret-{number}", "deposit": 100_000}
    for number in range(50)
]
EYES = {"name": "trader-0", "key": "eyes", "secret": "eyes-secret", "readOnly": True}
GRID = {"name": "trader-0/my grid", "key": "grid", "secret": "grid-secret", "deposit": 50}
unused = iter(ACCOUNTS[1:])


@pytest.fixture(scope="module")
def client(serve, processes):
    """Points the client at a venue on which nobody but the tests trades; signs in with the key of an account."""
    url = serve([*ACCOUNTS, EYES, GRID], "--no-liquidity")
    process = ClientProcess("rest_process.py")
    processes.callback(process.end)

    def pointed(entry=None, **settings):
        credentials = {"api_key": entry["key"], "api_secret": entry["secret"]} if entry else {}
        return RestClient(process, base_url=f"{url}/api/", **credentials, **settings)

    return pointed


@pytest.fixture(scope="module")
def stranger(client):
    return client()


@pytest.fixture
def alice(client):
    """A trader who has done nothing yet, nor used up a part of their rate limits."""
    trader = client(next(unused))
    yield trader
    trader.cancel_orders()


@pytest.fixture
def bob(client):
    """Another one."""
    trader = client(next(unused))
    yield trader
    trader.cancel_orders()


@pytest.fixture(scope="module")
def price(stranger):
    """A price near the index, so that orders at it are within everyone's margin."""
    return float(round(stranger.get_future(future_name="BTC-PERP")["index"]))


def buy(client, price, size=0.001, market="BTC-PERP", **changed):
    return client.place_order(market=market, side="buy", price=price, size=size, **changed)


def sell(client, price, size=0.001, market="BTC-PERP", **changed):
    return client.place_order(market=market, side="sell", price=price, size=size, **changed)


# What anybody may see


def test_markets(stranger):
    listed = {market["name"]: market for market in stranger.get_markets()}
    assert {"BTC-PERP", "ETH-PERP", "BTC-1231", "BTC/USD"} <= set(listed)
    one = stranger.get_market(market="BTC/USD")
    assert (one["type"], one["baseCurrency"], one["quoteCurrency"]) == ("spot", "BTC", "USD")
    assert stranger.get_market(market="BTC-PERP")["sizeIncrement"] == 0.0001


def test_futures(stranger):
    listed = {future["name"] for future in stranger.get_futures()}
    assert {"BTC-PERP", "BTC-1231"} <= listed and "BTC/USD" not in listed
    assert stranger.get_future(future_name="BTC-PERP")["perpetual"] is True
    statistics = stranger.get_future_stats(future_name="BTC-PERP")
    assert datetime.fromisoformat(statistics["nextFundingTime"]).minute == 0
    assert stranger.get_funding_rates(future="BTC-PERP", end_time=1.5) == []


def test_the_order_book(stranger, alice, price):
    buy(alice, price - 10, 0.002)
    buy(alice, price - 11, 0.003)
    sell(alice, price + 10, 0.004)
    book = stranger.get_orderbook(market="BTC-PERP", depth=1)
    assert (book["bids"], book["asks"]) == ([[price - 10, 0.002]], [[price + 10, 0.004]])
    assert len(stranger.get_orderbook(market="BTC-PERP")["bids"]) == 2


def test_trades_and_candles(stranger, alice, bob, price):
    buy(alice, price, 0.002)
    sell(bob, price, 0.002)
    trade = stranger.get_trades(market="BTC-PERP", limit=1)[0]
    assert (trade["price"], trade["size"], trade["side"], trade["liquidation"]) == (price, 0.002, "sell", False)
    trades = stranger.get_all_trades(market="BTC-PERP")
    assert trades[0] == trade and len({trade["id"] for trade in trades}) == len(trades)
    candle = stranger.get_historical_data(market_name="BTC-PERP", resolution=15, limit=10)[-1]
    assert candle["low"] <= price <= candle["high"]


def test_a_market_that_there_is_not(stranger):
    with pytest.raises(ClientRaised, match="^No such market: X-PERP$"):
        stranger.get_orderbook(market="X-PERP")


# Orders


def test_a_limit_order_rests_until_it_is_cancelled(alice, price):
    placed = buy(alice, price - 100)
    assert (placed["status"], placed["clientId"]) == ("new", None)
    (listed,) = alice.get_open_orders(market="BTC-PERP")
    assert listed == placed | {"status": "open"}
    assert alice.get_order_status(existing_order_id=placed["id"]) == listed
    assert alice.cancel_order(order_id=placed["id"]) == "Order queued for cancellation"
    assert alice.get_open_orders() == []
    assert alice.get_order_status(existing_order_id=placed["id"])["status"] == "closed"
    with pytest.raises(ClientRaised, match="^Order already queued for cancellation$"):
        alice.cancel_order(order_id=placed["id"])


def test_an_order_goes_by_the_name_that_its_client_gave_it(alice, price):
    name, later = next(names), next(names)
    placed = buy(alice, price - 100, client_id=name)
    assert alice.get_order_status(existing_order_id=f"by_client_id/{name}")["id"] == placed["id"]
    with pytest.raises(ClientRaised, match="^Duplicate client order ID$"):
        buy(alice, price - 100, client_id=name)
    changed = alice.modify_order(existing_client_order_id=name, price=price - 101, client_order_id=later)
    assert (changed["clientId"], changed["price"], changed["size"]) == (later, price - 101, 0.001)
    assert alice.cancel_order(order_id=f"by_client_id/{later}") == "Order queued for cancellation"
    assert alice.get_open_orders() == []


def test_a_changed_order_is_another(alice, price):
    placed = buy(alice, price - 100)
    changed = alice.modify_order(existing_order_id=placed["id"], size=0.002)
    assert changed["id"] != placed["id"]
    assert [(order["id"], order["size"]) for order in alice.get_open_orders()] == [(changed["id"], 0.002)]


def test_what_may_not_wait_and_what_may_not_match(alice, bob, price):
    buy(alice, price)
    ioc = sell(bob, price, 0.003, ioc=True)
    closed = bob.get_order_status(existing_order_id=ioc["id"])
    assert (closed["status"], closed["filledSize"], closed["remainingSize"]) == ("closed", 0.001, 0)
    buy(alice, price)
    post_only = sell(bob, price, post_only=True)
    closed = bob.get_order_status(existing_order_id=post_only["id"])
    assert (closed["status"], closed["filledSize"], closed["avgFillPrice"]) == ("closed", 0, None)


def test_a_market_order_and_what_is_left_of_it(alice, bob, price):
    buy(alice, price, 0.002)
    name = next(names)
    order = sell(bob, None, 0.001, type="market", client_id=name)
    assert (order["type"], order["price"]) == ("market", None)
    fill = bob.get_fills()[0]
    assert (fill["orderId"], fill["liquidity"], fill["side"], fill["future"]) == (
        order["id"],
        "taker",
        "sell",
        "BTC-PERP",
    )
    assert fill["fee"] == pytest.approx(price * 0.001 * 0.0005)
    twin = alice.get_fills()[0]
    assert (twin["tradeId"], twin["liquidity"], twin["size"]) == (fill["tradeId"], "maker", 0.001)
    newest = bob.get_order_history(market="BTC-PERP", side="sell", order_type="market")[0]
    assert (newest["id"], newest["clientId"], newest["avgFillPrice"]) == (order["id"], name, price)
    since = datetime.fromisoformat(fill["time"]).timestamp()
    assert fill in bob.get_fills(start_time=since - 1, end_time=since + 1)
    assert bob.get_fills(start_time=1, end_time=2) == []


def test_all_orders_of_a_market_are_cancelled_at_once(alice, price):
    for distance in (100, 101):
        buy(alice, price - distance)
    other = buy(alice, 100.0, 0.01, market="ETH-PERP")
    assert alice.cancel_orders(market_name="BTC-PERP", limit_orders=True) == "Orders queued for cancellation"
    assert [order["id"] for order in alice.get_open_orders()] == [other["id"]]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"size": 0.00001}, "Size too small"),
        ({"size": 0.0001}, "Size too small for provide"),
        ({"size": 100}, "Account does not have enough margin for order."),
        ({"reduce_only": True}, "Invalid reduce-only order"),
        ({"market": "X-PERP"}, "No such market: X-PERP"),
        ({"price": 50_000.5}, "Invalid price"),
    ],
)
def test_a_refusal_is_raised_in_the_words_of_the_dialect(alice, changed, sentence):
    with pytest.raises(ClientRaised, match=f"^{sentence}$"):
        alice.place_order(**{"market": "BTC-PERP", "side": "buy", "price": 50_000.0, "size": 0.001} | changed)


# The account


def test_the_account_its_balances_and_positions(alice, bob, price):
    buy(alice, price, 0.004)
    sell(bob, price, 0.004)
    account = alice.get_account_info()
    assert (account["leverage"], account["makerFee"], account["takerFee"]) == (10, 0.0002, 0.0005)
    assert account["totalPositionSize"] == pytest.approx(0.004 * price, rel=0.01)
    position = alice.get_position(name="BTC-PERP", show_avg_price=True)
    assert (position["netSize"], position["side"], position["entryPrice"]) == (0.004, "buy", price)
    assert position["recentAverageOpenPrice"] == price
    assert bob.get_position(name="BTC-PERP")["netSize"] == -0.004
    assert "recentAverageOpenPrice" not in bob.get_positions()[0]
    (balance,) = alice.get_balances()
    assert balance["coin"] == "USD" and 0 < balance["free"] < balance["total"] < 100_000


def test_leverage(alice):
    assert alice.set_leverage(leverage=5) is None
    assert alice.get_account_info()["leverage"] == 5
    with pytest.raises(ClientRaised, match="^Invalid leverage$"):
        alice.set_leverage(leverage=101)


def test_a_key_that_may_only_read_and_one_that_there_is_not(client, price):
    eyes = client(EYES)
    assert eyes.get_account_info()["username"] == "trader-0"
    with pytest.raises(ClientRaised, match="^Not authorized$"):
        buy(eyes, price)
    with pytest.raises(ClientRaised, match="^Not logged in: Invalid signature$"):
        client(EYES | {"secret": "another"}).get_balances()


def test_a_subaccount_and_one_that_there_is_not(client):
    assert client(ACCOUNTS[0], subaccount_name="my grid").get_balances()[0]["total"] == 50
    with pytest.raises(ClientRaised, match="^No such subaccount$"):
        client(ACCOUNTS[0], subaccount_name="another").get_balances()
