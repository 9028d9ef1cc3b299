"""Servers and keys of other kinds: TLS with an authority of one's own, behind a proxy, subaccounts, keys that only
read."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import trustme

from acme_bot.demo.run import BOT
from acme_bot.demo.strategies import MARKET_MAKING
from acme_bot.hbot import Hbot
from test.end_to_end.trader import DEPOSIT, READER, Exchange, Log, Trader

HOST = "acme.example"
PATIENCE = 600
GRID_DEPOSIT = 1234
NOT_AUTHORIZED = "Not authorized (the API key may only read: connect acme_perpetual with one that may trade)"


class Gate:
    """A proxy that leads wherever `CONNECT` asks to one port of this machine, and notes what was asked for."""

    def __init__(self, port: int):
        self.asked: list[str] = []
        self.url = ""
        self._port = port
        self._is_open = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def open(self) -> None:
        self._thread.start()
        assert self._is_open.wait(PATIENCE)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._is_open.set()
        await self._ended.wait()
        leading = asyncio.all_tasks() - {asyncio.current_task()}
        for task in leading:
            task.cancel()
        await asyncio.gather(*leading, return_exceptions=True)
        server.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(request.split(b"\r\n")[0].decode())
        venue_reader, venue_writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await asyncio.gather(self._pass(reader, venue_writer), self._pass(venue_reader, writer))
        finally:
            writer.close()
            venue_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        if writer.can_write_eof():
            writer.write_eof()


@contextmanager
def venue_over_tls(folder: Path) -> Iterator[tuple[int, Path]]:
    """A venue that calls itself `HOST`; its port, and its access log. Its authority is in `authority.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    (folder / "server.pem").chmod(0o600)
    accounts = [
        {"name": "main", "key": "main-key", "secret": "main-secret", "deposit": 10},
        {"name": "main/grid", "key": "grid-key", "secret": "grid-secret", "deposit": GRID_DEPOSIT},
    ]
    (folder / "accounts.json").write_text(json.dumps(accounts))
    (folder / "accounts.json").chmod(0o600)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "acme_exchange",
            "serve",
            "--port",
            "0",
            "--seed",
            "7",
            "--accounts",
            folder / "accounts.json",
            "--access-log",
            folder / "access.log",
            "--tls-cert",
            folder / "server.pem",
            "--tls-key",
            folder / "server.pem",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield int(process.stdout.readline().rsplit(":", 1)[1]), folder / "access.log"
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture
def behind_a_gate(tmp_path, monkeypatch) -> Iterator[tuple[str, Gate, Path]]:
    """The URL of a venue over TLS that only a proxy leads to, that proxy, and the venue's access log."""
    with venue_over_tls(tmp_path) as (port, access_log):
        gate = Gate(port)
        gate.open()
        monkeypatch.setenv("HTTPS_PROXY", gate.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        yield f"https://{HOST}:{port}", gate, access_log
        gate.close()


def placements(access_log: Path) -> list[dict]:
    entries = [json.loads(line) for line in access_log.read_text().splitlines()]
    return [entry for entry in entries if (entry["method"], entry["path"]) == ("POST", "/api/orders")]


def test_a_bot_trades_on_a_subaccount_of_a_server_with_an_authority_of_its_own_behind_a_proxy(
    hbot: Hbot, behind_a_gate, tmp_path
):
    url, gate, access_log = behind_a_gate

    hbot.connect(url, "main-key", "main-secret", subaccount="grid")
    assert f"{GRID_DEPOSIT}" in hbot.run("balance")
    hbot.create(MARKET_MAKING.name, BOT, MARKET_MAKING.settings)
    bot = hbot.start_bot(BOT)
    deadline = time.monotonic() + PATIENCE
    while not placements(access_log):
        assert time.monotonic() < deadline, hbot.bot_errors(BOT)
        time.sleep(0.5)
    hbot.run("stop")
    bot.wait()

    assert {(entry["account"], entry["status"]) for entry in placements(access_log)} == {("main/grid", 200)}
    assert set(gate.asked) == {f"CONNECT {url.removeprefix('https://')} HTTP/1.1"}
    log = Path(hbot.workspace, "logs", f"logs_{Path(BOT).stem}.log").read_text(encoding="utf-8")
    assert "Subscribed to private order" in log and "Subscribed to public order book" in log


def test_a_server_whose_authority_is_not_trusted_is_not_spoken_to(hbot: Hbot, behind_a_gate, monkeypatch):
    url, _, access_log = behind_a_gate
    monkeypatch.delenv("SSL_CERT_FILE")

    hbot.connect(url, "main-key", "main-secret")

    assert "CERTIFICATE_VERIFY_FAILED" in hbot.run("connect")
    assert access_log.read_text() == ""


async def test_a_key_that_may_only_read_shows_the_account_and_is_refused_every_order(
    exchange: Exchange, start_trader: Callable[..., Awaitable[Trader]], log: Log
):
    trader = await start_trader(key=READER)

    assert trader.connector.get_balance("USD") == DEPOSIT
    order_id = trader.buy("0.01", Decimal(60_000))
    await trader.hears(order_id, "failed")
    trader.connector.set_leverage("BTC-USD", 3)

    assert trader.failure(order_id) == NOT_AUTHORIZED
    assert log.has(NOT_AUTHORIZED)
    await trader.until(lambda: log.has(f"Error setting leverage 3 for BTC-USD: {NOT_AUTHORIZED}"))
    assert await exchange.balance() == DEPOSIT
