"""One bot on two accounts of two servers: two connectors, each of whose books agrees with its own venue's."""

import os
import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from acme_bot.compare.bot_records import Records
from acme_bot.compare.reconciliation import both_sides_filled, reconcile_statements
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.view import show_reconciliation
from acme_bot.demo.run import BOT
from acme_bot.hbot import CONNECTOR, SECOND_CONNECTOR, Hbot
from acme_bot.strategy_files import add_files
from acme_bot.venue import DEPOSIT, Venue
from test.end_to_end import transcripts

PATIENCE = 600
WIDTH = 120
STOP_SECONDS = 25
FUNDING_SECONDS = 60
NO_FUNDING = 3600
PAPER_CONNECTOR = f"{CONNECTOR}_paper_trade"
PAPER_RECORDS = f"{CONNECTOR}_PaperTrade"  # the same, as Hummingbot's records name it
STRATEGIES_PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
SCRIPT = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOURCE = os.environ.get("HUMMINGBOT_SOURCE")
SPOT_PERPETUAL = {
    "spot_connector": PAPER_CONNECTOR,
    "spot_market": "BTC-USD",
    "perpetual_connector": SECOND_CONNECTOR,
    "perpetual_market": "BTC-USD",
    "order_amount": "0.002",
    "perpetual_leverage": "3",
    "next_arbitrage_opening_delay": "2",
    # In percent, and so low that any difference of the two prices is taken.
    "min_opening_arbitrage_pct": "-5",
    "min_closing_arbitrage_pct": "-5",
    "spot_market_slippage_buffer": "0.05",
    "perpetual_market_slippage_buffer": "0.05",
}
SPOT_PERPETUAL_NAME = "spot_perpetual_arbitrage"
FUNDING_RATE_NAME = "acme_funding_rate_arb"
FUNDING_RATE = {
    "connectors": f"{CONNECTOR},{SECOND_CONNECTOR}",
    "tokens": "BTC",
    "leverage": "5",
    "position_size_quote": "300",
    "min_funding_rate_profitability": "0.0000001",
    "profitability_to_take_profit": "0.5",
    "funding_rate_diff_stop_loss": "-1",
}


@pytest.fixture
def start_venues(tmp_path) -> Iterator[Callable[[int], dict[str, Venue]]]:
    """Starts a venue for each connector, whose markets take different courses, with so many seconds from one funding
    payment to the next."""
    venues = {}

    def start(funding_seconds: int) -> dict[str, Venue]:
        for seed, connector in enumerate((CONNECTOR, SECOND_CONNECTOR), start=3):
            folder = tmp_path / connector
            folder.mkdir()
            venues[connector] = Venue(folder, funding_seconds=funding_seconds, seed=seed)
            venues[connector].start()
        return venues

    try:
        yield start
    finally:
        for venue in venues.values():
            venue.stop()


class Arbitrage:
    """A bot on two venues, and both parties' books of it."""

    def __init__(self, hbot: Hbot, venues: dict[str, Venue]):
        self.ledgers = {connector: VenueAccount(venue.url, venue.watcher) for connector, venue in venues.items()}
        self.records = {name: Records(hbot.workspace, BOT, name) for name in (*venues, PAPER_RECORDS)}
        self._hbot = hbot
        for connector, venue in venues.items():
            hbot.connect(venue.url, venue.trader.key, venue.trader.secret, connector=connector)

    def run(self, strategy: str, settings: dict[str, str], until: Callable[[], bool]) -> str:
        """Until that is so, and all funding that was paid is known. Returns what `hbot status` says then."""
        self._hbot.create(strategy, BOT, settings)
        bot = self._hbot.start_bot(BOT)
        deadline = time.monotonic() + PATIENCE
        while not (until() and self._is_quiet()):
            assert bot.poll() is None and time.monotonic() < deadline, self._hbot.bot_errors(BOT)
            time.sleep(0.5)
        status = self._hbot.run("status")
        self._hbot.run("stop")
        return status

    def _is_quiet(self) -> bool:
        return all(
            float(ledger.price().funding_time) - time.time() > STOP_SECONDS
            and len(ledger.funding()) == len(self.records[connector].statement().funding)
            for connector, ledger in self.ledgers.items()
        )

    def agreement(self, connector: str) -> str:
        """The two parties' books of that account, which agree in every line."""
        books, account = self.ledgers[connector].statement()
        lines = reconcile_statements(self.records[connector].statement(), books, Decimal(DEPOSIT), account)
        assert [line for line in lines if not line.agrees] == []
        shown = StringIO()
        show_reconciliation(Console(file=shown, width=WIDTH), lines)
        return f"{connector}:\n{shown.getvalue()}"

    def is_filled(self, connector: str) -> bool:
        return both_sides_filled(self.records[connector].statement())


def test_spot_perpetual_arbitrage_trades_the_second_account_against_paper(hbot: Hbot, start_venues, keep_transcript):
    """Hummingbot's paper trading takes its prices from the first server, whose account nothing is done on."""
    settings = hbot.workspace / "conf" / "conf_client.yml"
    paper = {"paper_trade_exchanges": [CONNECTOR], "paper_trade_account_balance": {"BTC": 1, "USD": 100_000}}
    settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), "paper_trade": paper}))
    arbitrage = Arbitrage(hbot, start_venues(NO_FUNDING))

    def both_were_filled() -> bool:
        return arbitrage.is_filled(SECOND_CONNECTOR) and arbitrage.is_filled(PAPER_RECORDS)

    name = SPOT_PERPETUAL_NAME
    status = arbitrage.run(name, SPOT_PERPETUAL, until=both_were_filled)

    keep_transcript(
        name, name, SPOT_PERPETUAL, f"$ my-bot/hbot status\n{status}\n{arbitrage.agreement(SECOND_CONNECTOR)}"
    )
    assert both_were_filled()
    books, account = arbitrage.ledgers[CONNECTOR].statement()
    assert (books.orders, account.holding.balance) == ({}, DEPOSIT)


@pytest.mark.skipif(SOURCE is None, reason="HUMMINGBOT_SOURCE names no Hummingbot source tree")
def test_funding_rate_arbitrage_between_two_servers(hbot: Hbot, start_venues, tmp_path, keep_transcript):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "v2_funding_rate_arb.py").write_bytes(Path(SOURCE, "scripts", "v2_funding_rate_arb.py").read_bytes())
    (script,) = SCRIPT.findall(STRATEGIES_PAGE.read_text(encoding="utf-8"))
    (scripts / "acme_funding_rate_arb.py").write_text(script)
    add_files(hbot.workspace, "scripts", scripts)
    venues = start_venues(FUNDING_SECONDS)
    arbitrage = Arbitrage(hbot, venues)

    def both_were_paid() -> bool:
        return all(arbitrage.records[connector].statement().funding for connector in venues)

    name = FUNDING_RATE_NAME
    status = arbitrage.run(name, FUNDING_RATE, until=both_were_paid)

    lines = ["$ my-bot/hbot status", status, *map(arbitrage.agreement, venues)]
    keep_transcript(name, name, FUNDING_RATE, "\n".join(lines))
    for connector in venues:
        assert arbitrage.is_filled(connector)
        assert arbitrage.ledgers[connector].valuation().holding.position == 0  # closed when the bot stopped


@pytest.mark.parametrize("name, settings", [(SPOT_PERPETUAL_NAME, SPOT_PERPETUAL), (FUNDING_RATE_NAME, FUNDING_RATE)])
def test_the_docs_show_a_run_with_these_settings(name, settings):
    assert transcripts.is_kept(name, name, settings)
