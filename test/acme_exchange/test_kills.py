"""A venue that is killed again and again in the middle of trading, and must have lost nothing that it ever said."""

from pathlib import Path

import pytest

from test.acme_exchange.kills import Kills

PROGRESS_EVERY = 20


@pytest.mark.timeout(0)
async def test_nothing_that_was_said_is_lost(tmp_path: Path, pytestconfig: pytest.Config, capsys):
    """`--restarts` says how often it is killed; `--kill-seed` decides when, and what the traders do."""
    kills = Kills(tmp_path, pytestconfig.getoption("kill_seed"))
    restarts = pytestconfig.getoption("restarts")
    for number in range(1, restarts + 1):
        await kills.live()
        if number % PROGRESS_EVERY == 0:
            with capsys.disabled():
                print(f"\n{number} of {restarts}: {kills.summary}", end="", flush=True)
    await kills.end()
    print(kills.summary)
