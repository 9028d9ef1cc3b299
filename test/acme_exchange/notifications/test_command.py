"""`acme-exchange serve` with somebody to tell, as a process."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from acme_exchange.notifications import notifier
from test.acme_exchange.notifications.mailbox import Mailbox
from test.acme_exchange.processes import ProcessVenue, command
from test.acme_exchange.venue import Client

PATIENCE_SECONDS = 120
ACCOUNTS = [{"name": name, "key": f"{name}-key", "secret": f"{name}-secret", "deposit": 10000} for name in ("a", "b")]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.mark.parametrize("way", ["option", "environment"])
async def test_a_fill_is_told_and_the_address_is_printed_nowhere(environment, tmp_path, way):
    (tmp_path / "accounts.json").write_text(json.dumps(ACCOUNTS))
    mailbox = Mailbox()
    await mailbox.open()
    secret = f"{mailbox.url}/hush-hush"
    given = ["--notify", secret] if way == "option" else []
    venue = await asyncio.create_subprocess_exec(
        *command("--port", 0, "--no-liquidity", "--accounts", tmp_path / "accounts.json", *given),
        env=environment if given else {**environment, "ACME_NOTIFY_URL": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        line = await asyncio.wait_for(venue.stdout.readline(), PATIENCE_SECONDS)
        assert await mailbox.next() == notifier.WELCOME
        running = ProcessVenue(line.decode().split()[-1])
        async with aiohttp.ClientSession() as http:
            for name, side in (("a", "buy"), ("b", "sell")):
                client = Client(http, running, f"{name}-key", f"{name}-secret")
                assert (await client.place("BTC-PERP", side, "0.01", 64000)).status == 200
        venue.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(venue.communicate(), PATIENCE_SECONDS)
        messages = ""
        while notifier.FAREWELL not in messages:
            messages += await mailbox.next()
    finally:
        if venue.returncode is None:
            venue.kill()
            await venue.wait()
        await mailbox.close()
    assert "a bought 0.0100 BTC-PERP at 64,000.0 (" in messages
    assert b"ntfy is told of fills" in err
    assert secret.encode() not in out + err and b"hush-hush" not in out + err and b"Traceback" not in err


async def test_what_is_no_address_is_refused_in_a_sentence_that_does_not_repeat_it(environment):
    for given, variable in (["--notify", "ftp://hush-hush"], ""), ([], "hush-hush"):
        venue = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "acme_exchange",
            "serve",
            "--memory",
            *given,
            env={**environment, "ACME_NOTIFY_URL": variable},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(venue.communicate(), PATIENCE_SECONDS)
        assert venue.returncode in (1, 2) and out == b""
        last = err.decode().splitlines()[-1]
        assert "write the whole address of a Discord or Slack webhook" in last
        assert "hush-hush" not in err.decode()
