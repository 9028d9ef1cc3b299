import sqlite3
from contextlib import closing
from decimal import Decimal
from itertools import pairwise

import pytest
from msgspec import structs

from acme_exchange.engine import FundingSettled
from acme_exchange.market import default_markets, plan_markets
from acme_exchange.past import SPANS, Past
from acme_exchange.store import Candle, Database, DatabaseStore, Period, file_url
from acme_exchange.store.store import CANDLE_RESOLUTIONS, MOST_CANDLES_KEPT
from acme_exchange.venue import planned_venue
from test.acme_exchange.venue import ALICE, ManualClock

SECOND = 1_000_000
BEGAN = 1_767_323_107_250_000
EVER = Period()


def past(seed: str = "7") -> Past:
    return Past(seed, BEGAN, default_markets(BEGAN)[:3])


async def candles(
    resolution: int,
    stored: tuple = (),
    period: Period = EVER,
    now: int = BEGAN,
    limit: int = 1501,
    market: str = "BTC-PERP",
    seed: str = "7",
) -> list[Candle]:
    return await past(seed).before(stored, market, resolution, period, now, limit)


def traded(start: int, price: str, volume: str = "65") -> Candle:
    return Candle(start, *[Decimal(price)] * 4, Decimal(volume))


@pytest.mark.parametrize("resolution", CANDLE_RESOLUTIONS)
async def test_it_leads_without_a_gap_to_the_price_that_the_simulation_begins_with(resolution):
    found = await candles(resolution, limit=5000)

    assert len(found) == SPANS + 1
    assert found[-1].close == 65000 and found[-1].start <= BEGAN < found[-1].start + resolution * SECOND
    for earlier, later in pairwise(found):
        assert later.start - earlier.start == resolution * SECOND
        assert later.open == earlier.close
    for candle in found:
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
        assert candle.volume == 0 and candle.close % 1 == 0


@pytest.mark.parametrize(("fine", "coarse"), [(15, 60), (60, 300), (300, 900), (900, 3600), (3600, 14400)])
async def test_coarser_candles_are_made_of_the_finer_ones(fine, coarse):
    parts = await candles(fine, limit=2000)
    for whole in (await candles(coarse, limit=2000))[-100:]:
        own = [part for part in parts if whole.start <= part.start < whole.start + coarse * SECOND]
        assert (whole.open, whole.close) == (own[0].open, own[-1].close)
        assert (whole.high, whole.low) == (max(part.high for part in own), min(part.low for part in own))


async def test_it_moves_as_much_as_the_market_does():
    closes = [float(candle.close) for candle in await candles(60, limit=2000)]
    moves = [(later / earlier - 1) ** 2 for earlier, later in pairwise(closes)]
    a_year = (sum(moves) / len(moves) * 365.25 * 1440) ** 0.5
    assert 0.7 < a_year < 0.9


async def test_the_seed_decides_it():
    assert await candles(60) == await candles(60)
    assert await candles(60) != await candles(60, seed="8")
    assert (await candles(60))[0].close != (await candles(60, market="ETH-PERP"))[0].close


async def test_trades_come_after_it_and_the_candle_of_both_holds_both():
    last = (await candles(60))[-1]
    later = traded(last.start + 120 * SECOND, "70000")
    now = later.start + SECOND

    *_, end, gap, first = await candles(60, (later,), now=now)
    assert (end, first) == (last, later)
    assert gap == traded(last.start + 60 * SECOND, "65000", "0")

    *_, both = await candles(60, (traded(last.start, "70000"),))
    assert both == structs.replace(last, high=Decimal(70000), close=Decimal(70000), volume=Decimal(65))


async def test_a_period_may_lie_in_it_or_before_it():
    whole = await candles(60)
    period = Period(whole[-10].start, whole[-8].start)

    assert await candles(60, period=period) == whole[-10:-7]
    assert await candles(60, limit=5) == whole[-5:]
    assert await candles(60, period=Period(end=BEGAN - 10 * 365 * 86_400 * SECOND)) == []


async def test_it_is_forgotten_like_trades_are():
    now = BEGAN + (MOST_CANDLES_KEPT + 1) * 15 * SECOND
    stored = (traded(now - now % (15 * SECOND), "66000"),)

    assert await candles(15, stored, now=now) == list(stored)
    assert len(await candles(60, stored, now=now)) > 1


async def test_what_has_no_past_has_none():
    assert await candles(60, market="LTC-PERP") == []


async def rates(
    stored: tuple = (), market: str | None = "BTC-PERP", period: Period = EVER, limit: int = 1000, seed="7"
):
    return await past(seed).rates_before(stored, market, period, limit)


async def test_it_has_a_funding_rate_for_every_hour():
    found = await rates(limit=5000)

    hour = 3600 * SECOND
    assert [rate.time for rate in found] == [BEGAN // hour * hour - back * hour for back in range(SPANS)]
    assert len({rate.rate for rate in found}) > 100 and all(abs(rate.rate) < Decimal("1e-6") for rate in found)
    assert found == await rates(limit=5000) != await rates(limit=5000, seed="8")


async def test_its_funding_rates_follow_those_that_were_paid():
    paid = FundingSettled("BTC-PERP", Decimal("0.001"), BEGAN + 3600 * SECOND)

    found = await rates((paid,), limit=3)
    assert found == [paid, *(await rates())[:2]]
    assert await rates((paid,), limit=1) == [paid]
    period = Period(found[2].time, found[1].time)
    assert await rates(period=period) == found[1:]
    assert await rates(period=Period(start=BEGAN)) == await rates(period=Period(end=0)) == []


async def test_the_rates_of_all_perpetuals_come_by_whole_moments():
    found = await rates(market=None, limit=4)

    assert [rate.market for rate in found] == ["BTC-PERP", "ETH-PERP", "SOL-PERP"] * 2
    assert await rates(market="BTC/USD") == []


async def candles_after_a_start(directory, time: int, seed: int) -> list[Candle]:
    store = DatabaseStore(Database(file_url(directory)))
    try:
        venue = planned_venue(ManualClock(time), plan_markets(time, seed), [ALICE], store=store)
        return await venue.candles("BTC-PERP", 60, Period(end=BEGAN - 60 * SECOND), 1501)
    finally:
        await store.close()


async def test_it_is_the_same_after_a_restart_with_another_seed(tmp_path):
    first = await candles_after_a_start(tmp_path, BEGAN, seed=7)

    assert len(first) == 1501
    assert await candles_after_a_start(tmp_path, BEGAN + 3600 * SECOND, seed=8) == first


async def test_a_venue_whose_start_was_not_kept_goes_on_without_one(tmp_path):
    await candles_after_a_start(tmp_path, BEGAN, seed=7)
    with closing(sqlite3.connect(tmp_path / "venue.sqlite")) as database:
        database.executescript(
            "ALTER TABLE venue DROP COLUMN began; ALTER TABLE venue DROP COLUMN first_seed;"
            "ALTER TABLE venue DROP COLUMN is_open; DROP TABLE settings;"
            "ALTER TABLE markets DROP COLUMN price_band; ALTER TABLE markets DROP COLUMN source;"
            "UPDATE venue SET version = 1"
        )

    assert await candles_after_a_start(tmp_path, BEGAN + SECOND, seed=7) == []
