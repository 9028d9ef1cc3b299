"""`acme-exchange serve --follow`: a venue whose market is a recording, over real sockets."""

import gzip
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest

from acme_exchange.market.follow.lines import (
    BookLine,
    Candle,
    HistoryLine,
    MarketLine,
    PriceLine,
    SnapshotLine,
    TradeLine,
    write_line,
)  # fmt: skip

BTC = "BTC-PERP"
NOON = 1_723_161_600_000_000
MINUTE = 60_000_000
PATIENCE = 180


def at(seconds: float) -> dict:
    return {"market": BTC, "time": NOON + int(seconds * 1e6), "received": NOON + int(seconds * 1e6)}


@pytest.fixture
def day(tmp_path):
    """A recording: a history of three minutes, a book, and a trade."""
    candles = [Candle(NOON - MINUTE * (3 - i), "100", str(101 + i), "99", "100.5", "1000") for i in range(3)]
    lines = [
        MarketLine(
            **at(0), source="binance_perpetual", pair="BTC-USDT", price_increment="0.1", size_increment="0.001",
            minimum="0.001", maker_fee="0.0002", taker_fee="0.0005",
        ),
        HistoryLine(**at(0), resolution=60, candles=candles),
        PriceLine(**at(0), mark="100", index="100.2", rate="0.0003", next_funding_time=NOON + 3600 * 1_000_000),
        SnapshotLine(**at(0), bids=[("99.9", "5")], asks=[("100.1", "4")]),
        BookLine(**at(0.1), bids=[("99.8", "2")], asks=[]),
        TradeLine(**at(0.2), side="buy", price="100.1", size="1", id="1"),
        # So that the recording lasts while the test looks.
        BookLine(**at(3600), bids=[("99.7", "2")], asks=[]),
    ]  # fmt: skip
    path = tmp_path / "day.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(map(write_line, lines))))
    return path


@contextmanager
def serving(*options: str):
    process = subprocess.Popen(
        [sys.executable, "-m", "acme_exchange", "serve", "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    found = re.search(r"http://\S+", process.stdout.readline())
    try:
        yield found and found.group()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def ask(url: str, path: str):
    with urllib.request.urlopen(f"{url}/api{path}", timeout=PATIENCE) as answer:
        return json.load(answer)["result"]


def test_the_market_is_the_recording_s_with_its_past_and_says_so(day, tmp_path):
    log = tmp_path / "access.log"
    with serving("--follow", str(day), "--data", str(tmp_path / "data"), "--access-log", str(log)) as url:
        while (market := ask(url, f"/markets/{BTC}"))["last"] is None:
            time.sleep(0.1)  # A client without a key may ask 30 times a second.
        assert (market["bid"], market["ask"], market["last"]) == (99.9, 100.1, 100.1)
        assert (market["source"], market["halted"]) == ("binance_perpetual", False)
        assert ask(url, f"/markets/{BTC}/orderbook")["bids"] == [[99.9, 5.0], [99.8, 2.0]]
        future = ask(url, f"/futures/{BTC}")
        assert (future["mark"], future["index"], future["nextFundingRate"]) == (100, 100.2, 0.0003)
        assert [each["name"] for each in ask(url, "/markets")] == [BTC]
        candles = ask(url, f"/markets/{BTC}/candles?resolution=60&limit=3")
        past = ask(url, f"/markets/{BTC}/candles?resolution=60&start_time=0&end_time=1723161600")
        assert [each["high"] for each in past] == [101, 102, 103]
        assert candles[-1]["close"] == 100.1
        assert (future["source"], future["halted"]) == ("binance_perpetual", False)
    sources = {entry["path"]: entry["source"] for entry in map(json.loads, log.read_text().splitlines())}
    assert sources[f"/api/markets/{BTC}"] == sources[f"/api/futures/{BTC}"] == "binance_perpetual"
    assert sources["/api/markets"] is None


def test_a_database_keeps_to_its_kind(day, tmp_path):
    data = str(tmp_path / "data")
    with serving("--data", data):
        pass
    process = subprocess.run(
        [sys.executable, "-m", "acme_exchange", "serve", "--port", "0", "--data", data, "--follow", str(day)],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert process.returncode == 1
    assert "BTC-PERP had prices of its own in this database, and follows binance_perpetual now" in process.stderr


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path):
    for options, why in (
        (["--follow", str(tmp_path / "missing")], "cannot be read"),
        (["--follow", str(tmp_path), "--replay", str(tmp_path)], "leave one out"),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "acme_exchange", "serve", "--port", "0", "--data", str(tmp_path / "data"), *options],
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert process.returncode == 1 and why in process.stderr and "Traceback" not in process.stderr
