"""A venue that is killed again and again in the middle of trading, and must have lost nothing that it ever said."""

from pathlib import Path

import pytest

from test.acme_exchange.kills import Kills, end_again_and_again


@pytest.mark.timeout(0)
async def test_nothing_that_was_said_is_lost(tmp_path: Path, pytestconfig: pytest.Config, capsys):
    """`--restarts` says how often it is killed; `--kill-seed` decides when, and what the traders do."""
    seed = pytestconfig.getoption("kill_seed")

    def made(number: int) -> Kills:
        folder = tmp_path / str(number)
        folder.mkdir()
        return Kills(folder, f"{seed} {number}" if number else seed)

    def tell(text: str) -> None:
        with capsys.disabled():
            print(text, end="", flush=True)

    print(await end_again_and_again(made, pytestconfig.getoption("restarts"), tell))
