"""The real parts: a venue in a process of its own, a workspace, and the real `hbot` in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import hummingbot
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.hbot import Hbot
from acme_bot.venue import Venue
from acme_bot.workspace import make_workspace
from test.acme_bot.processes import assert_gone
from test.browser import browser, browser_if_any, look  # noqa: F401
from test.end_to_end import transcripts

pytest.register_assert_rewrite("test.end_to_end.trader")
from test.end_to_end.trader import exchange, log, start_trader, store, trader  # noqa: E402, F401


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    venue = Venue(tmp_path_factory.mktemp("venue"), funding_seconds=3600, seed=7)
    venue.start()
    yield venue
    venue.stop()


@pytest.fixture
def ledger(venue) -> VenueAccount:
    """The account as its owner sees it, who may also trade by hand."""
    return VenueAccount(venue.url, venue.trader)


@pytest.fixture
def hbot(tmp_path) -> Iterator[Hbot]:
    """Its bot is gone when the test is, also one that failed: later tests look at what runs."""
    workspace = make_workspace(tmp_path / "workspace")
    hbot = Hbot(workspace)
    with hbot.together():
        yield hbot
    left = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if Path(process.cwd()) == workspace:
                process.kill()
                left.append(process)
    assert_gone(left)


@pytest.fixture
def keep_transcript(request) -> Callable[[str, str, Mapping[str, str], str], None]:
    """As `transcripts.keep`, when the run was started to do so."""
    return transcripts.keep if request.config.getoption("--keep-transcripts") else lambda *_: None


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """Where a connector in the test's own process leaves its files, as a bot's data folder is for its process."""
    monkeypatch.setattr(hummingbot, "_data_path", str(tmp_path / "data"))
