"""The report of a paper session: its sums are the ledger's, to the last digit, and what it says of orders is so."""

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from acme_bot import cli
from acme_bot.compare.venue_client import Key
from acme_bot.report.figures import curve, profits, shares, waits
from acme_bot.report.markouts import markouts
from acme_bot.report.page import page
from acme_bot.report.report import report_of
from acme_bot.report.run import show
from acme_bot.report.session import Session, read_session
from acme_bot.workspace import MARKER
from acme_exchange.accounts.keys import AccountEntry, KeyEntry
from acme_exchange.engine.model.money import EXACT
from acme_exchange.market import plan_markets
from acme_exchange.market.follow.rules import keep_rule, read_rules
from acme_exchange.store import Database, DatabaseStore, file_url
from acme_exchange.store.sql.ledger import account_lines
from acme_exchange.venue import planned_venue
from test.acme_exchange.venue import BOB, MORNING, ManualClock, beat, place

HOSTILE = "<img src=x onerror=alert(1)>/../$x_1$"
MALLORY = AccountEntry(HOSTILE, Decimal(10_000), (KeyEntry("mallory-key", False, "mallory-secret"),))
IDLE = AccountEntry("idle", Decimal(1), (KeyEntry("idle-key", False, "idle-secret"),))
INTERVAL = 300


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Where a venue that has ended keeps what Mallory has done: see `trade`."""
    folder = tmp_path_factory.mktemp("venue")
    asyncio.run(trade(folder))
    return folder


async def trade(folder: Path) -> None:
    """Mallory buys 0.1003 as a maker after 3 s, sells 0.07 as a taker at a loss, pays funding, and keeps the rest."""
    clock = ManualClock(MORNING)
    store = DatabaseStore(Database(file_url(folder)))
    plan = plan_markets(clock.now(), 7, liquidity=False)
    venue = planned_venue(clock, plan, [MALLORY, BOB, IDLE], INTERVAL, store)
    beat(venue)
    place(venue, "bob", "sell", "0.5", 65_020)
    place(venue, HOSTILE, "buy", "0.1003", 65_000)
    clock.advance(3)
    place(venue, "bob", "sell", "0.1003", None)
    clock.advance(1)
    place(venue, HOSTILE, "buy", "0.001", None)
    place(venue, "bob", "buy", "1", 64_980)
    clock.advance(1)
    place(venue, HOSTILE, "sell", "0.07", None)
    for _ in range(20):
        clock.advance(INTERVAL / 10)
        beat(venue)
    await store.close()


@pytest.fixture(scope="module")
def session(data: Path) -> Session:
    return read_session(data, HOSTILE)


def test_every_sum_is_the_ledgers(data: Path, session: Session):
    with closing(sqlite3.connect(data / "venue.sqlite")) as ledger:
        query = "SELECT group_concat(fee), group_concat(profit) FROM fills WHERE account = ?"
        fees, realized = ledger.execute(query, [HOSTILE]).fetchone()
        (paid,) = ledger.execute("SELECT group_concat(payment) FROM payments WHERE account = ?", [HOSTILE]).fetchone()
        (cash,) = ledger.execute("SELECT cash FROM accounts WHERE name = ?", [HOSTILE]).fetchone()

    (one,) = profits(session)

    assert one.market == "BTC-PERP"
    assert one.fees == total(fees) == EXACT.add(shares(session)[0].fees, shares(session)[1].fees)
    assert one.realized == total(realized) < 0
    assert one.funding == -total(paid) != 0
    assert one.unrealized == session.line.equity - Decimal(cash) != 0
    assert one.total == session.line.profit == session.line.equity - 10_000
    assert curve(session).profits[-1] == float(session.line.profit)


def total(concatenated: str) -> Decimal:
    return sum(map(Decimal, concatenated.split(",")), Decimal(0))


def test_makers_and_takers_share_what_was_traded(session: Session):
    maker, taker = shares(session)

    assert (maker.fills, maker.volume) == (1, Decimal("6519.5"))
    assert (taker.fills, taker.volume) == (2, Decimal("65.02") + Decimal("4548.6"))
    assert maker.fraction + taker.fraction == pytest.approx(1)


def test_a_fill_is_held_against_the_mid_price_that_trades_tell(session: Session):
    """A second after Mallory's first fill at 65,000 somebody has bought at 65,020: the mid price is 65,010."""
    found = {(one.role, one.seconds): one for one in markouts(session)}

    assert found["maker", 1].basis_points == pytest.approx(10 / 65_000 * 10_000)
    assert (found["maker", 1].known, found["maker", 1].fills) == (1, 1)
    assert found["maker", 60].basis_points is None, "nobody has traded for long"
    # Bought at 65,020 with the mid price at 65,000 a second later; sold at 64,980, the mid price as it was.
    gained = -20 * 0.001 + -20 * 0.07
    assert found["taker", 1].basis_points == pytest.approx(gained / (65.02 + 4548.6) * 10_000)


def test_the_mid_price_that_the_venue_has_kept_comes_first(session: Session):
    fill = next(fill for fill in session.fills if fill.liquidity == "maker")

    found = markouts(replace(session, mid_prices={(fill.time, fill.id, 60): 65_013.0}))

    assert next(one.basis_points for one in found if (one.role, one.seconds) == ("maker", 60)) == pytest.approx(2.0)


def test_an_order_that_was_met_has_waited_until_then(session: Session):
    filled, cancelled = waits(session, [2.0, 4.0])

    assert (filled.orders, filled.median) == (1, 3.0)
    assert (cancelled.orders, cancelled.median) == (2, 3.0)
    assert len(waits(session, None)) == 1


def test_the_deepest_fall_is_from_what_was_before(session: Session):
    course = curve(session)

    assert course.profits[0] == 0
    assert course.drawdown >= -min(course.profits) > 0
    assert list(course.times) == sorted(course.times)


def test_the_page_holds_no_script_and_every_name_as_text(session: Session):
    report = report_of(session, [])
    text = page(report, b"\x89PNG")

    assert report.title.endswith(HOSTILE) and HOSTILE not in text
    seen = Tags(text)
    assert seen.names.count("img") == 1 and "script" not in seen.names
    assert all(url.startswith("data:") for url in seen.urls)
    assert not [name for name in seen.attributes if name.startswith("on")]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[str] = []
        self.urls: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.urls += [value for name, value in attrs if name in ("src", "href")]


def test_rules_are_told_that_held_while_the_account_traded(tmp_path, session: Session):
    start = session.entries[0].time
    for time, rule in ((1, "of old"), (2, "behind; 50 ms"), (start + 1, "prob1; 50 ms"), (start + 2, "behind; 50 ms")):
        keep_rule(tmp_path, time, rule)

    assert read_rules(tmp_path, start) == ["behind; 50 ms", "prob1; 50 ms"]
    with (tmp_path / "fill-rules.jsonl").open("ab") as file:
        file.write(b'\n\0\xff\n[]\n{"time": 5')
    keep_rule(tmp_path, start + 100, "prob3; 0 ms")
    assert read_rules(tmp_path, start) == ["behind; 50 ms", "prob1; 50 ms", "prob3; 0 ms"]
    assert read_rules(tmp_path / "none", start) == []
    assert dict(report_of(session, []).facts)["fill rule"].startswith("orders fill by price, then time")


def test_the_command_prints_the_report_and_leaves_it_as_a_chart_and_a_page(data: Path, tmp_path, capsys):
    assert cli.main(["report", HOSTILE, "--data", str(data), "--out", str(tmp_path)]) == 0

    printed = capsys.readouterr().out
    with closing(Database(file_url(data), read_only=True)) as kept, kept.engine.connect() as connection:
        line = next(line for line in account_lines(connection) if line.name == HOSTILE)
    assert f"{line.profit:f}".rstrip("0") in printed
    assert "When orders were cancelled is on the bot's record" in printed
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["report-_img_src_x_onerror_alert_1_x_1_.html", "report-_img_src_x_onerror_alert_1_x_1_.png"]
    assert (tmp_path / written[1]).read_bytes().startswith(b"\x89PNG")


def test_a_workspace_is_its_keys_account_and_knows_when_orders_were_cancelled(
    data: Path, tmp_path, monkeypatch, capsys
):
    (tmp_path / MARKER).touch()
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "bot.sqlite")) as records, records:
        columns = "last_status TEXT, market TEXT, creation_timestamp INTEGER, last_update_timestamp INTEGER"
        records.execute(f'CREATE TABLE "Order" ({columns})')
        orders = [
            ("OrderCancelled", "acme_perpetual", 1000, 3500),
            ("OrderCancelled", "binance", 0, 9),
            ("x", "y", 0, 9),
        ]
        records.executemany('INSERT INTO "Order" VALUES (?, ?, ?, ?)', orders)
    monkeypatch.setattr("acme_bot.report.run.ask_password", lambda is_new: "open sesame")
    monkeypatch.setattr("acme_bot.report.run.stored_key", lambda workspace, password: Key("mallory-key", ""))

    monkeypatch.chdir(tmp_path.parent)

    assert cli.main(["report", tmp_path.name, "--data", str(data), "--text"]) == 0

    printed = capsys.readouterr().out
    assert HOSTILE in printed
    assert re.search(r"cancelled +1 +2\.50 +2\.50", printed)


@pytest.mark.parametrize(
    "account, sentence",
    [
        ("nobody", "has no account 'nobody'; its accounts are: "),
        ("idle", "The account 'idle' has not traded: there is nothing to report."),
    ],
)
def test_what_cannot_be_reported_is_said(data: Path, capsys, account: str, sentence: str):
    assert cli.main(["report", account, "--data", str(data), "--text"]) == 1
    assert sentence in capsys.readouterr().err


def test_a_folder_without_a_venue_is_named(tmp_path, capsys):
    assert cli.main(["report", "main", "--data", str(tmp_path), "--text"]) == 1
    assert "name the venue's folder with --data" in capsys.readouterr().err


def test_what_is_missing_for_charts_is_named(data: Path, capsys, monkeypatch):
    monkeypatch.setattr("acme_bot.report.run.find_spec", lambda name: None)

    assert cli.main(["report", HOSTILE, "--data", str(data)]) == 1
    assert "pip install matplotlib" in capsys.readouterr().err
    assert cli.main(["report", HOSTILE, "--data", str(data), "--text"]) == 0


def test_a_name_is_printed_as_it_is(session: Session, capsys):
    show(report_of(session, []), Console(width=120))

    assert HOSTILE in capsys.readouterr().out
