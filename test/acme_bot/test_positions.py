"""What is left on a real venue when a bot was stopped, and the commands that end it."""

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from acme_bot import cli, hbot_command, password
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.positions import running_bot
from acme_bot.problem import Problem
from acme_bot.server import first_key, running_server
from acme_bot.venue import Venue
from acme_bot.workspace import MARKER
from hummingbot.client.config import config_crypt

PROJECT = Path(__file__).parents[2]
PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    venue = Venue(tmp_path_factory.mktemp("venue"), funding_seconds=3600, seed=1)
    venue.start()
    yield venue
    venue.stop()


@pytest.fixture(scope="module")
def workspace(venue, tmp_path_factory) -> Path:
    """The part of a workspace that holds the key, as `connect` leaves it."""
    folder = tmp_path_factory.mktemp("my bots") / "my bot"
    (folder / "conf" / "connectors").mkdir(parents=True)
    (folder / MARKER).touch()
    stored = {
        f"acme_perpetual_api_{name}": _encrypted(value)
        for name, value in (("key", venue.trader.key), ("secret", venue.trader.secret))
    }
    (folder / "conf" / "connectors" / "acme_perpetual.yml").write_text(
        yaml.safe_dump({**stored, "acme_perpetual_server": venue.url, "acme_perpetual_subaccount": ""})
    )
    return folder


def _encrypted(text: str) -> str:
    """As Hummingbot does, but with less work to find it out again."""
    keyfile = config_crypt._create_v3_keyfile_json(text.encode(), PASSWORD.encode(), work_factor=1)
    return json.dumps(keyfile).encode().hex()


@pytest.fixture
def account(venue) -> VenueAccount:
    return VenueAccount(venue.url, venue.trader)


@pytest.fixture(autouse=True)
def no_password(monkeypatch) -> None:
    for name in password.VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def given(monkeypatch) -> None:
    monkeypatch.setenv("HBOT_PASSWORD", PASSWORD)


def test_stop_waits_longer_unless_it_is_told_how_long():
    assert hbot_command.patient(["stop", "--json"]) == ["stop", "--json", "--timeout", "100"]
    for arguments in (["stop", "--timeout=5"], ["stop", "--timeout", "5"], ["stop", "--force"], ["status"], []):
        assert hbot_command.patient(arguments) == arguments


def test_close_cancels_and_closes_what_the_bot_has_left(account, workspace, given, capsys):
    price = account.price()
    account.place("buy", Decimal("0.0123"), price.ask + 50, "taken")
    account.place("buy", Decimal("0.002"), Decimal(30_000), "resting")

    (left,) = hbot_command.left_open(workspace)
    assert left.startswith("Left open: long 0.0123 on BTC-PERP, worth ")
    assert left.endswith(f"`acme-bot close '{workspace}'` closes it.")

    assert cli.main(["close", str(workspace)]) == 0

    assert capsys.readouterr().out.startswith("Closed: long 0.0123 on BTC-PERP, worth ")
    assert account.open_orders() == [] and account.valuation().holding.position == 0
    assert hbot_command.left_open(workspace) == []
    assert cli.main(["close", str(workspace)]) == 0
    assert capsys.readouterr().out == "There is no position to close.\n"


def test_cancel_cancels_the_orders_and_leaves_the_position(account, workspace, given, capsys):
    account.place("sell", Decimal("0.003"), account.price().bid - 50, "sold")
    account.place("buy", Decimal("0.002"), Decimal(30_000), "low")

    assert cli.main(["cancel", str(workspace)]) == 0

    assert capsys.readouterr().out == "Cancelled 1 order.\n"
    assert account.open_orders() == [] and account.valuation().holding.position == Decimal("-0.003")
    assert "short 0.003 on BTC-PERP" in hbot_command.left_open(workspace)[0]
    cli.main(["close", str(workspace)])


def test_a_server_that_does_not_answer_is_named_in_a_line(workspace, tmp_path):
    assert list(hbot_command.silent_servers(workspace)) == []

    (tmp_path / "conf" / "connectors").mkdir(parents=True)
    (tmp_path / "conf" / "connectors" / "acme_perpetual.yml").write_text("acme_perpetual_server: http://127.0.0.1:1\n")
    (sentence,) = hbot_command.silent_servers(tmp_path)
    assert sentence.startswith("No venue answers at http://127.0.0.1:1 (")
    assert "acme-exchange serve" in sentence


def test_balance_ends_with_that_line_and_shows_no_money(tmp_path):
    (tmp_path / "conf" / "connectors").mkdir(parents=True)
    (tmp_path / "conf" / "connectors" / "acme_perpetual.yml").write_text("acme_perpetual_server: http://127.0.0.1:1\n")

    asked = subprocess.run(
        [sys.executable, "-m", "acme_bot.hbot_command", "balance"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (asked.returncode, asked.stdout) == (1, "")
    assert re.fullmatch(r"No venue answers at http://127.0.0.1:1 .*\n", asked.stderr), asked.stderr


def test_without_the_password_it_says_where_to_look(workspace):
    assert "hbot' balance" in hbot_command.left_open(workspace)[0]


@pytest.mark.parametrize("command", ["cancel", "close"])
def test_a_wrong_password_is_a_sentence(command, workspace, monkeypatch, capsys):
    monkeypatch.setenv("HBOT_PASSWORD", "guessed")

    assert cli.main([command, str(workspace)]) == 1

    assert capsys.readouterr().err == "acme-bot: The password is not the one of this bot's keys.\n"


@pytest.mark.parametrize("command", ["cancel", "close"])
def test_a_bot_that_runs_has_to_be_stopped_first(command, workspace, given, capsys):
    pid_file = workspace / "data" / "bot" / "bot.pid"
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    command_line = [sys.executable, "-c", "print(flush=True); input()", "hummingbot.cli.engine"]
    engine = subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    # Until it runs, the system does not show its command line.
    engine.stdout.readline()
    try:
        pid_file.write_text(str(engine.pid))
        assert running_bot(workspace) == engine.pid
        assert cli.main([command, str(workspace)]) == 1
    finally:
        engine.communicate(b"\n")

    assert "stop it first with `" in capsys.readouterr().err
    assert running_bot(workspace) is None


def test_a_workspace_without_a_key_is_a_sentence(tmp_path, given, capsys):
    (tmp_path / MARKER).touch()

    assert cli.main(["close", str(tmp_path)]) == 1

    assert f"acme-bot workspace {tmp_path} --connect" in capsys.readouterr().err


def test_a_new_bot_needs_a_venue_and_nothing_is_made_without_one(tmp_path, given, capsys):
    assert cli.main(["new", str(tmp_path / "bot"), "--server", "http://127.0.0.1:1"]) == 1

    assert capsys.readouterr().err.startswith("acme-bot: No venue answers at http://127.0.0.1:1 (")
    assert not (tmp_path / "bot").exists()


def test_the_key_is_the_one_that_the_venue_has_made(tmp_path):
    with pytest.raises(Problem, match="accounts.json is not there, .*`acme-exchange serve`, which makes it"):
        first_key(tmp_path)

    (tmp_path / "accounts.json").write_text(
        '[{"name": "main", "key": "eyes", "secret": "s", "readOnly": true, "deposit": 1},'
        ' {"name": "main", "key": "hands", "secret": "t"}]'
    )
    assert first_key(tmp_path).key == "hands"


def test_the_server_is_the_venue_that_runs(venue, tmp_path):
    assert running_server(tmp_path, venue.url) == venue.url


class Terminal:
    """Somebody who types."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)

    def isatty(self) -> bool:
        return True

    def getpass(self, question: str) -> str:
        return self._answers.pop(0)


@pytest.mark.parametrize(
    ("answers", "is_new", "outcome"),
    [
        (["a", "a"], True, "a"),
        (["a"], False, "a"),
        ([""], False, "The password is empty: choose one."),
        (["a", "b"], True, "The two are not the same: run this again."),
    ],
)
def test_the_password_is_asked_for_and_a_new_one_twice(answers, is_new, outcome, monkeypatch):
    typing = Terminal(*answers)
    monkeypatch.setattr(password.sys, "stdin", typing)
    monkeypatch.setattr(password.getpass, "getpass", typing.getpass)
    try:
        assert password.ask_password(is_new) == outcome
    except Problem as problem:
        assert str(problem) == outcome


def test_without_a_terminal_the_password_has_to_be_in_the_environment(monkeypatch):
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(password.sys, "stdin", nothing)
        with pytest.raises(Problem, match="set HBOT_PASSWORD"):
            password.ask_password(is_new=False)

        monkeypatch.setenv("HBOT_PASSWORD", "from there")
        assert password.ask_password(is_new=True) == "from there"
