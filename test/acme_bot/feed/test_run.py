"""`acme-bot feed` as a process: what it writes, what it keeps, how it ends."""

import asyncio
import gzip
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest

from acme_bot.cli import main
from acme_exchange.market.follow.lines import GapLine, Line, MarketLine, SnapshotLine, TradeLine, read_line
from test.acme_bot.feed.mirror import Mirror
from test.acme_bot.feed.stand_in import Binance

PATIENCE = 120


@pytest.fixture
async def binance() -> AsyncIterator[Binance]:
    stand_in = Binance()
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


async def feed(binance: Binance, *options: str) -> Process:
    command = [sys.executable, "-m", "test.acme_bot.feed.redirected", binance.exchange, binance.address]
    return await asyncio.create_subprocess_exec(
        *command, "feed", binance.exchange, binance.pair, "--no-history", *options, stdout=PIPE, stderr=DEVNULL
    )


async def test_lines_are_written_and_kept_alike_and_sigterm_leaves_a_whole_recording(binance, tmp_path):
    record = tmp_path / "day.jsonl.gz"
    process = await feed(binance, "--record", str(record))
    lines: list[Line] = []
    async with asyncio.timeout(PATIENCE):
        await binance.connected()
        await binance.change(bids=[("61799.0", "3")])
        mirror = Mirror()
        while not mirror.equals(binance.bids, binance.asks):
            lines.append(read_line(await process.stdout.readline()))
            mirror.take(lines[-1])
        await binance.trade("sell", "61800.2", "0.45", 2)
        while not isinstance(lines[-1], TradeLine):
            lines.append(read_line(await process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        rest = (await process.stdout.read()).splitlines()
        assert await process.wait() == 0
    assert isinstance(lines[0], MarketLine) and any(isinstance(line, SnapshotLine) for line in lines)
    assert not any(isinstance(line, GapLine) for line in lines)
    with gzip.open(record) as file:
        assert [read_line(line) for line in file] == [*lines, *map(read_line, rest)]


async def test_it_ends_when_nobody_reads_its_lines_any_more(binance):
    process = await feed(binance)
    async with asyncio.timeout(PATIENCE):
        await binance.connected()
        process._transport.get_pipe_transport(1).close()
        while process.returncode is None:
            await binance.change(bids=[("61799.0", "3"), ("61798.0", f"{binance.sequence}")])
            await asyncio.sleep(0.05)
        assert process.returncode == 0


async def test_paper_trades_on_the_exchange_s_book_and_ends_both_processes(binance, tmp_path):
    command = [sys.executable, "-m", "test.acme_bot.feed.redirected", binance.exchange, binance.address]
    options = ["--port", "0", "--data", str(tmp_path / "data"), "--latency", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, "paper", binance.exchange, binance.pair, *options, stdout=PIPE, stderr=DEVNULL
    )
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client:
        await binance.connected()
        await binance.change(bids=[("61799.0", "3")])
        url = (await process.stdout.readline()).decode().split()[-1]
        best: list = []
        while best != [61800.2, 61800.3]:
            await binance.price("61800.0", "61795.5", f"0.0001{binance.sequence}")
            await binance.change(bids=[("61799.0", f"{binance.sequence}")])
            async with client.get(f"{url}/api/markets/BTC-PERP") as answer:
                market = (await answer.json())["result"]
            best = [market["bid"], market["ask"]]
        assert market["source"] == "binance_perpetual" and market["priceIncrement"] == 0.1
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_two_pairs_that_would_be_one_market_are_refused(capsys):
    assert main(["feed", "binance_perpetual", "BTC-USDT", "BTC-USDC", "BTC-USDT"]) == 1
    assert "BTC-USDT and BTC-USDC would both be BTC-PERP; leave one of them out." in capsys.readouterr().err


def test_an_exchange_that_hummingbot_has_not_and_a_recording_that_is_there_are_refused(capsys, tmp_path):
    assert main(["feed", "mtgox_perpetual", "BTC-USDT"]) == 1
    assert "Hummingbot has no perpetual connector mtgox_perpetual; it has " in capsys.readouterr().err
    kept = tmp_path / "kept.gz"
    kept.write_bytes(b"kept")
    assert main(["feed", "binance_perpetual", "BTC-USDT", "--record", str(kept)]) == 1
    assert f"{kept} is there already; name another file with --record." in capsys.readouterr().err
    assert kept.read_bytes() == b"kept"
