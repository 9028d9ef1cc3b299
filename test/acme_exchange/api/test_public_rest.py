"""Acme API §4: every public request, its fields exactly."""

import re
import zlib
from decimal import Decimal

import aiohttp
import pytest

from test.acme_exchange.api import recordings
from test.acme_exchange.venue import Client, RunningVenue, in_path, running_venue

MARKET_FIELDS = {
    "name",
    "type",
    "underlying",
    "baseCurrency",
    "quoteCurrency",
    "enabled",
    "postOnly",
    "restricted",
    "priceIncrement",
    "sizeIncrement",
    "minProvideSize",
    "last",
    "bid",
    "ask",
    "price",
    "change1h",
    "change24h",
    "changeBod",
    "quoteVolume24h",
    "volumeUsd24h",
    "highLeverageFeeExempt",
    "source",
    "halted",
}
FUTURE_FIELDS = {
    "name",
    "underlying",
    "type",
    "perpetual",
    "expired",
    "enabled",
    "expiry",
    "index",
    "mark",
    "last",
    "bid",
    "ask",
    "imfFactor",
    "priceIncrement",
    "sizeIncrement",
    "volumeUsd24h",
    "openInterest",
    "nextFundingRate",
    "nextFundingTime",
    "source",
    "halted",
}


async def trade(alice: Client, bob: Client, price: int, size: str = "0.01") -> None:
    """Bob sells to Alice."""
    assert (await alice.place("BTC-PERP", "buy", size, price)).status == 200
    assert (await bob.place("BTC-PERP", "sell", size)).status == 200


async def test_ping_answers_with_and_without_the_last_slash(public: Client):
    for path in ("/", ""):
        assert (await public.get(path)).result == {"name": "acme", "status": "ok"}


async def test_the_time_is_the_venues_to_the_microsecond(public: Client):
    assert (await public.get("/time")).result == "2026-01-02T03:04:05.678901+00:00"


async def test_the_one_coin_is_the_us_dollar(public: Client):
    (coin,) = (await public.get("/coins")).result
    assert coin.keys() == {
        "id",
        "name",
        "fiat",
        "collateral",
        "collateralWeight",
        "usdFungible",
        "canDeposit",
        "canWithdraw",
        "canConvert",
    }
    assert (coin["id"], coin["collateral"], coin["collateralWeight"]) == ("USD", True, 1)


async def test_the_default_markets_are_those_of_the_contract(public: Client):
    markets = {market["name"]: market for market in (await public.get("/markets")).result}
    expected = {
        "BTC-PERP": ("1.0", "0.0001", "0.001"),
        "ETH-PERP": ("0.1", "0.001", "0.001"),
        "SOL-PERP": ("0.0025", "0.01", "0.01"),
        "XRP-PERP": ("0.000025", "1", "1"),
        "DOGE-PERP": ("5e-07", "1", "1"),
    }
    for name, numbers in expected.items():
        market = markets.pop(name)
        assert market.keys() == MARKET_FIELDS
        increments = [market[key] for key in ("priceIncrement", "sizeIncrement", "minProvideSize")]
        assert increments == [Decimal(number) for number in numbers]
        assert (market["type"], market["enabled"], market["underlying"]) == ("future", True, name.removesuffix("-PERP"))
        assert (market["baseCurrency"], market["quoteCurrency"]) == (None, None)
    spot = markets.pop("BTC/USD")
    assert (spot["type"], spot["underlying"]) == ("spot", None)
    assert (spot["baseCurrency"], spot["quoteCurrency"]) == ("BTC", "USD")
    assert (markets.pop("BTC-1231")["type"]) == "future"
    (disabled,) = markets.values()
    assert (disabled["enabled"], disabled["name"].endswith("-PERP")) == (False, True)


async def test_a_market_has_every_field_that_a_recorded_market_has(public: Client):
    recorded = next(market for market in recordings.markets() if market["name"] == "BTC-PERP")
    market = (await public.get("/markets/BTC-PERP")).result
    assert market.keys() - {"source", "halted"} == recorded.keys()
    for name, value in recorded.items():
        assert isinstance(market[name], (int, Decimal)) == isinstance(value, (int, float)) or market[name] is None, name


@pytest.mark.parametrize("name", ["BTC/USD", "BTC%2FUSD", "BTC%2fUSD"])
async def test_the_slash_of_a_market_may_come_as_it_is_or_encoded(public: Client, name: str):
    assert (await public.get(f"/markets/{name}")).result["name"] == "BTC/USD"
    assert (await public.get(f"/markets/{name}/orderbook")).result["bids"] == []
    assert (await public.get(f"/markets/{name}/trades?limit=5")).result == []
    assert (await public.get(f"/markets/{name}/candles?resolution=60")).result == []


@pytest.mark.parametrize("path", ["", "/orderbook", "/trades", "/candles?resolution=60"])
@pytest.mark.parametrize("name", ["NIX-PERP", "NIX/USD", "btc-perp"])
async def test_an_unknown_market_is_named_in_the_refusal(public: Client, name: str, path: str):
    answer = await public.get(f"/markets/{in_path(name)}{path}")
    assert (answer.status, answer.error) == (404, f"No such market: {name}")


async def test_the_order_book_is_best_first_and_as_deep_as_asked(public: Client, alice: Client, running: RunningVenue):
    for rank in range(3):
        await alice.place("BTC-PERP", "buy", "0.001", 60000 - rank)
        await alice.place("BTC-PERP", "sell", "0.002", 70000 + rank)
    book = (await public.get("/markets/BTC-PERP/orderbook?depth=2")).result
    assert book == {
        "bids": [[60000, Decimal("0.001")], [59999, Decimal("0.001")]],
        "asks": [[70000, Decimal("0.002")], [70001, Decimal("0.002")]],
        "time": Decimal("1767323045.678901"),
    }
    assert len((await public.get("/markets/BTC-PERP/orderbook")).result["bids"]) == 3


async def test_the_default_depth_is_twenty_and_the_greatest_a_hundred(http):
    async with running_venue(liquidity=True) as lively:
        public = Client(http, lively)
        depths = [
            len((await public.get(f"/markets/BTC-PERP/orderbook{query}")).result["asks"])
            for query in ("", "?depth=100")
        ]
        assert depths == [20, 100]


async def test_trades_are_newest_first_within_the_period(
    public: Client, alice: Client, bob: Client, running: RunningVenue
):
    for price in (64001, 64002, 64003):
        await trade(alice, bob, price)
        running.advance(1)
    trades = (await public.get("/markets/BTC-PERP/trades")).result
    assert [one["price"] for one in trades] == [64003, 64002, 64001]
    assert trades[-1].keys() == {"id", "price", "size", "side", "liquidation", "time"}
    assert (trades[-1]["side"], trades[-1]["size"], trades[-1]["liquidation"]) == ("sell", Decimal("0.01"), False)
    assert trades[-1]["time"] == "2026-01-02T03:04:05.678901+00:00"
    query = "start_time=1767323045.678901&end_time=1767323046.678901"
    assert [one["price"] for one in (await public.get(f"/markets/BTC-PERP/trades?{query}")).result] == [64002, 64001]
    assert [one["price"] for one in (await public.get("/markets/BTC-PERP/trades?limit=1")).result] == [64003]


async def test_candles_are_oldest_first_without_gaps(public: Client, alice: Client, bob: Client, running: RunningVenue):
    await trade(alice, bob, 64000)
    await trade(alice, bob, 64500, "0.02")
    running.advance(60)
    running.advance(60)
    await trade(alice, bob, 63000)
    candles = (await public.get("/markets/BTC-PERP/candles?resolution=60")).result
    first, gap, last = candles
    assert first == {
        "startTime": "2026-01-02T03:04:00.000000+00:00",
        "time": 1767323040000,
        "open": 64000,
        "high": 64500,
        "low": 64000,
        "close": 64500,
        "volume": 1930,
    }
    assert [gap[name] for name in ("startTime", "open", "high", "low", "close", "volume")] == [
        "2026-01-02T03:05:00.000000+00:00",
        64500,
        64500,
        64500,
        64500,
        0,
    ]
    assert (last["time"], last["open"], last["volume"]) == (1767323160000, 63000, 630)
    within = "/markets/BTC-PERP/candles?resolution=60&start_time=1767323100&end_time=1767323159"
    assert (await public.get(within)).result == [gap]
    assert len((await public.get("/markets/BTC-PERP/candles?resolution=300")).result) == 2


async def test_futures_are_perpetual_or_dated_and_spot_is_none(public: Client):
    futures = {future["name"]: future for future in (await public.get("/futures")).result}
    assert "BTC/USD" not in futures
    perpetual, dated = futures["BTC-PERP"], futures["BTC-1231"]
    assert perpetual.keys() == dated.keys() == FUTURE_FIELDS
    assert (perpetual["type"], perpetual["perpetual"], perpetual["expiry"]) == ("perpetual", True, None)
    assert perpetual["nextFundingTime"] == "2026-01-02T04:00:00.000000+00:00"
    assert (dated["type"], dated["perpetual"], dated["expired"]) == ("future", False, False)
    assert dated["expiry"].startswith("2026-12-31T")
    assert (dated["nextFundingRate"], dated["nextFundingTime"]) == (None, None)
    assert (await public.get("/futures/BTC-PERP")).result == perpetual


async def test_a_futures_statistics_have_their_four_fields(public: Client, alice: Client, bob: Client):
    await trade(alice, bob, 64000)
    statistics = (await public.get("/futures/BTC-PERP/stats")).result
    assert statistics.keys() == {"volume", "nextFundingRate", "nextFundingTime", "openInterest"}
    assert (statistics["volume"], statistics["openInterest"]) == (640, Decimal("0.01"))


@pytest.mark.parametrize("path", ["/futures/{}", "/futures/{}/stats", "/funding_rates?future={}"])
@pytest.mark.parametrize("name", ["NIX-PERP", "BTC/USD"])
async def test_an_unknown_future_is_named_in_the_refusal(public: Client, name: str, path: str):
    answer = await public.get(path.format(in_path(name)))
    assert (answer.status, answer.error) == (404, f"No such future: {name}")


async def test_funding_rates_are_newest_first_and_can_be_chosen(public: Client, running: RunningVenue):
    for _ in range(3):
        running.advance(3600)
    rates = (await public.get("/funding_rates?future=ETH-PERP")).result
    assert [rate["time"][11:16] for rate in rates] == ["06:00", "05:00", "04:00"]
    assert rates[0].keys() == {"future", "rate", "time"}
    assert {rate["future"] for rate in rates} == {"ETH-PERP"}
    one_hour = (await public.get("/funding_rates?start_time=1767330000&end_time=1767330000")).result
    assert {rate["time"] for rate in one_hour} == {"2026-01-02T05:00:00.000000+00:00"}
    assert {"BTC-PERP", "DOGE-PERP"} <= {rate["future"] for rate in one_hour}


async def test_books_tickers_and_increments_are_spelled_as_the_checksum_has_them(
    http: aiohttp.ClientSession, alice: Client, running: RunningVenue
):
    """Clients of the dialect take the checksum over the digits as sent."""
    async with http.ws_connect(running.websocket_url) as socket:
        await socket.send_json({"op": "subscribe", "channel": "orderbook", "market": "DOGE-PERP"})
        await socket.receive()
        await socket.receive()
        assert (await alice.place("DOGE-PERP", "buy", 9258, "0.1070")).status == 200
        assert (await alice.place("DOGE-PERP", "sell", "1E+3", "1.100")).status == 200
        running.server.pacemaker.beat()
        text = (await socket.receive()).data
    levels = re.findall(r"\[([-+.e0-9]+),([-+.e0-9]+)\]", text)
    assert levels == [("0.107", "9258.0"), ("1.1", "1000.0")]
    sent = ":".join(number for level in levels for number in level)
    assert f'"checksum":{zlib.crc32(sent.encode())},' in text
    for path, expected in (
        ("/api/markets/DOGE-PERP/orderbook", '"bids":[[0.107,9258.0]],"asks":[[1.1,1000.0]]'),
        ("/api/markets/DOGE-PERP", '"priceIncrement":5e-07,"sizeIncrement":1.0,"minProvideSize":1.0'),
        ("/api/futures/DOGE-PERP", '"priceIncrement":5e-07,"sizeIncrement":1.0'),
    ):
        async with http.get(running.url + path) as answer:
            assert expected in await answer.text()


async def test_of_candles_no_more_come_than_asked_for(
    public: Client, running: RunningVenue, alice: Client, bob: Client
):
    assert (await bob.place("BTC-PERP", "sell", "0.01", 64000)).status == 200
    assert (await alice.place("BTC-PERP", "buy", "0.01", 64000)).status == 200
    running.advance(100)
    candles = (await public.get("/markets/BTC-PERP/candles?resolution=15")).result
    assert len(candles) > 3
    assert (await public.get("/markets/BTC-PERP/candles?resolution=15&limit=3")).result == candles[-3:]
    assert (await public.get("/markets/BTC-PERP/candles?resolution=15&limit=1502")).error == "Invalid parameter limit"
