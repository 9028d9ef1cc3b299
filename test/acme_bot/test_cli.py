import errno
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from acme_bot import cli
from acme_bot.workspace import is_workspace


def test_workspace_makes_one_and_says_how_to_use_it(tmp_path, capsys):
    assert cli.main(["workspace", str(tmp_path / "bot")]) == 0

    assert is_workspace(tmp_path / "bot")
    assert f"acme-bot client {tmp_path / 'bot'}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["workspace", "client"])
def test_what_is_in_the_way_is_a_sentence_and_no_traceback(command, tmp_path, capsys):
    (tmp_path / "mine").touch()

    assert cli.main([command, str(tmp_path)]) == 1

    assert capsys.readouterr().err.startswith(f"acme-bot: {tmp_path} is not ")


@pytest.mark.parametrize(
    "command", [["workspace"], ["demo", "--folder"], ["chaos", "--folder"], ["soak", "--folder"]], ids=" ".join
)
def test_a_place_that_cannot_be_written_to_is_a_sentence(command, capsys):
    assert cli.main([*command, "/proc/version/bot"]) == 1

    assert re.fullmatch(r"acme-bot: /proc/version.*: Not a directory\. Name another place\.\n", capsys.readouterr().err)


def test_a_folder_that_may_not_be_written_to_is_told_with_what_to_do(monkeypatch, tmp_path, capsys):
    def refuse(folder: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(cli, "make_workspace", refuse)

    assert cli.main(["workspace", str(tmp_path)]) == 1

    advice = "Make it writable for you, or name another place."
    assert capsys.readouterr().err == f"acme-bot: {tmp_path}: Permission denied. {advice}\n"


def test_the_version_is_this_projects_and_hummingbots(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    assert re.fullmatch(r"hummingbot-acme-perpetual \S+, hummingbot \d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("seconds", ["-1", "1.5", "soon"])
def test_seconds_that_are_none_are_refused_with_what_to_write(seconds, capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", f"--seconds={seconds}"])

    assert "write a whole number of seconds, or 0 for no end" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "0", "1.5", "soon"])
def test_the_chaos_needs_some_seconds(seconds, capsys):
    with pytest.raises(SystemExit):
        cli.main(["chaos", f"--seconds={seconds}"])

    assert "write a whole number of seconds above 0" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["-1", "0", "19", "soon"])
def test_the_soak_needs_enough_seconds_to_judge(seconds, capsys):
    with pytest.raises(SystemExit):
        cli.main(["soak", f"--seconds={seconds}"])

    assert "write a whole number of seconds, 20 or more" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "chaos", "soak"])
def test_a_folder_with_something_in_it_is_left_alone(command, tmp_path, capsys):
    (tmp_path / "mine").touch()

    assert cli.main([command, "--folder", str(tmp_path)]) == 1

    assert capsys.readouterr().err.startswith(f"acme-bot: {tmp_path} is not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_soak_names_the_package_that_it_needs(monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "scipy" else find_spec(name))

    assert cli.main(["soak", "--seconds=600"]) == 1

    assert capsys.readouterr().err == "acme-bot: the soak needs scipy: pip install scipy\n"
