"""Recorded prices."""

import logging
from decimal import Decimal
from pathlib import Path

import pytest

from acme_exchange.engine import Requote, SetIndex
from acme_exchange.market import MarketFileError, MarketSimulation, default_markets, load_replay, start_at
from acme_exchange.market.index import STEP

SECOND = 1_000_000
NOW = 1_767_323_045 * SECOND
MARKETS = default_markets(NOW)

TICKS = """\
time,price
2026-01-02T03:04:05Z,65000
2026-01-02T03:04:06.5+00:00,65010.5
1767323047,64990
1767323047500,64000
"""
CANDLES = """\
Time, Open, High, Low, Close, Volume
2026-01-02 03:04:00,100,120,90,110,7
2026-01-02 03:05:00,110,115,95,100,8
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.csv"


def loaded(file: Path, text: str):
    file.write_text(text)
    return load_replay(file, MARKETS)


def problem(file: Path, text: str) -> str:
    with pytest.raises(MarketFileError) as raised:
        loaded(file, text)
    return str(raised.value).removeprefix(f"{file}, ")


def path(recording) -> list[tuple[float, float]]:
    return [(time / SECOND, price) for time, price in zip(recording.times, recording.prices)]


def test_prices_are_read_with_their_times_however_those_are_written(file):
    recordings = loaded(file, TICKS)
    assert set(recordings) == {"BTC"}
    assert path(recordings["BTC"]) == [(0, 65000), (1.5, 65010.5), (2, 64990), (2.5, 64000)]


def test_a_candle_goes_to_the_extreme_away_from_its_close_first(file):
    text = CANDLES.replace("Volume", "market").replace(",7\n", ",ETH-PERP\n").replace(",8\n", ",ETH-PERP\n")
    assert path(loaded(file, text)["ETH"]) == [
        (0, 100),
        (15, 90),
        (30, 120),
        (45, 110),
        (60, 110),
        (75, 115),
        (90, 95),
        (105, 100),
    ]


def test_hummingbots_own_files_of_candles_are_read(file):
    """Their columns are those of its candle feeds, and their times doubles."""
    header = "timestamp,open,high,low,close,volume,quote_asset_volume,n_trades,taker_buy_base_volume,"
    rows = "1767323040.0,100.0,120.0,90.0,110.0,7.0,735.0,0.0,0.0,0.0\n1767323100.0,110.0,115.0,95.0,100.0,8,9,0,0,0\n"
    recording = loaded(file, f"{header}taker_buy_quote_volume\n{rows}")["BTC"]
    assert recording.first == 1_767_323_040 * SECOND
    assert path(recording)[:5] == [(0, 100), (15, 90), (30, 120), (45, 110), (60, 110)]


def test_one_file_holds_several_markets(file):
    recordings = loaded(file, "market,time,price\nSOL-PERP,1,150\nETH-PERP,1,3400\nSOL-PERP,2,151\nETH-PERP,3,3300\n")
    assert {name: path(recording) for name, recording in recordings.items()} == {
        "SOL": [(0, 150), (1, 151)],
        "ETH": [(0, 3400), (2, 3300)],
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: the columns are missing; write a header with time (or timestamp) and price"),
        ("when,price\n1,2\n", "line 1: the columns are when, price; write a header with time (or timestamp)"),
        ("time,timestamp\n1,2\n", "line 1: the columns are time, timestamp; write a header with time"),
        ("time,open,high,low\n1,2,2,2\n", "line 1: the columns are time, open, high, low; write a header"),
        ("time,price,open,high,low,close\n", "line 1: the columns are time, price, open"),
        ("time,price\n", "line 1: there are no prices; write a line for each below the header"),
        ("time,price\n1,65000\n2\n", "line 3: has 1 values for 2 columns"),
        ("time,price\n1,65000\n\n3,65000\n", "line 3: has 0 values for 2 columns"),
        ("time,price\n1,65000\n2,\n", "line 3: the price '' does not fit; write US dollars from 1.0 to 1000000000"),
        ("time,price\n1,65000\n2,nan\n", "line 3: the price 'nan' does not fit"),
        ("time,price\n1,65000\n2,0.5\n", "line 3: the price '0.5' does not fit"),
        ("time,price\n1,65000\nnoon,1\n", "line 3: the time 'noon' does not fit; write ISO-8601 such as"),
        ("time,price\n1,65000\n-2,1\n", "line 3: the time '-2' does not fit"),
        ("time,price,market\n1,65000,BTC\n", "line 2: there is no market 'BTC'; write one of BTC-PERP, ETH-PERP"),
        ("time,price,market\n1,9,BTC-PERP\n1,9,BTC/USD\n", "line 3: BTC/USD and BTC-PERP follow the same index, that"),
        ("time,open,high,low,close\n1,9,8,7,7\n", "line 2: open and close are not between low and high"),
        (
            "time,price\n5,65000\n7,1\n6,1\n",
            "line 4: 1970-01-01T00:00:06+00:00 is not after 1970-01-01T00:00:07+00:00 of line 3; sort the rows by time",
        ),
        ("time,open,high,low,close\n60,9,9,9,9\n60,9,9,9,9\n", "line 3: 1970-01-01T00:01:00+00:00 is not after"),
        (
            "time,open,high,low,close\n0,9,9,9,9\n60,9,9,9,9\n180,9,9,9,9\n",
            "line 4: comes 0:02:00 after line 3, where the rows are usually 0:01:00 apart; fill in the missing rows",
        ),
        ("time,open,high,low,close\n0,9,9,9,9\n60,9,9,9,9\n90,9,9,9,9\n150,9,9,9,9\n", "line 4: comes 0:00:30 after"),
        (
            "time,price\n0,9\n1,9\n2,9\n3603,9\n",
            "line 5: comes 1:00:01 after line 4, where the rows are usually 0:00:01",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_line_and_the_fix(file, text, sentence):
    assert problem(file, text).startswith(sentence)


def test_prices_that_come_once_a_day_have_no_gaps(file):
    day = 86_400
    assert len(loaded(file, f"time,price\n0,9\n{day},9\n{2 * day},9\n{4 * day},9\n")["BTC"].prices) == 4


def test_two_prices_of_one_moment_are_one_after_the_other(file):
    assert path(loaded(file, "time,price\n0,9\n1,10\n1,11\n")["BTC"]) == [(0, 9), (1, 10), (1, 11)]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(MarketFileError, match="cannot be read"):
        load_replay(tmp_path / "none.csv", MARKETS)
    (tmp_path / "binary.csv").write_bytes(b"time,price\n\xff,1\n")
    with pytest.raises(MarketFileError, match="is not UTF-8 text"):
        load_replay(tmp_path / "binary.csv", MARKETS)


def simulation(file: Path, text: str, speed: float = 1.0) -> MarketSimulation:
    recordings = loaded(file, text)
    indices = {name: recording.index(speed) for name, recording in recordings.items()}
    return MarketSimulation(7, start_at(MARKETS, recordings), replayed=indices, speed=speed)


def index_prices(simulated: MarketSimulation, steps: int, market: str = "BTC-PERP") -> list[Decimal]:
    batches = [list(simulated.commands(NOW + step * STEP)) for step in range(steps)]
    return [c.price for batch in batches for c in batch if isinstance(c, SetIndex) and c.market == market]


def test_the_index_of_all_its_markets_follows_the_recorded_prices_and_stays_at_the_last(file, caplog):
    expected = [65000] * 6 + [Decimal("65010.5")] * 2 + [64990] * 2
    assert index_prices(simulation(file, TICKS), 13) == [*expected, 64000, 64000, 64000]
    assert index_prices(simulation(file, TICKS), 11, "BTC/USD") == [*expected, 64000]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "The recorded prices of BTC have ended; it stays at 64000.0."
    ] * 2


def test_the_other_markets_are_simulated_beside_it(file):
    assert len(set(index_prices(simulation(file, TICKS), 12, "ETH-PERP"))) > 6


def test_liquidity_is_quoted_around_the_recorded_prices(file):
    simulated = simulation(file, "time,price\n0,100\n1,200\n")
    for step in range(8):
        quotes = [c for c in simulated.commands(NOW + step * STEP) if isinstance(c, Requote)]
    (quoted,) = [quote for quote in quotes if quote.market == "BTC-PERP"]
    assert quoted.bids[0][0] <= 200 <= quoted.asks[0][0]
    assert quoted.asks[0][0] - quoted.bids[0][0] <= 4


def test_at_a_higher_speed_the_recorded_time_passes_faster(file):
    assert index_prices(simulation(file, TICKS, speed=2.0), 7) == [
        65000,
        65000,
        65000,
        Decimal("65010.5"),
        64990,
        64000,
        64000,
    ]
    assert index_prices(simulation(file, TICKS, speed=0.5), 13)[-1] == Decimal("65010.5")
