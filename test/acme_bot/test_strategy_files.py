from pathlib import Path

import pytest

from acme_bot import cli
from acme_bot.strategy_files import StrategyFilesError, add_examples, add_files

RUNNER = "v2_with_controllers.py"


@pytest.fixture
def workspace(tmp_path) -> Path:
    add_examples(tmp_path / "bot")
    return tmp_path / "bot"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)
    return folder


def test_a_workspace_begins_with_a_controller_and_what_runs_it(workspace):
    assert (workspace / "controllers" / "market_making" / "inventory_maker.py").is_file()
    assert (workspace / "scripts" / RUNNER).is_file()
    assert (workspace / "controllers" / "__init__.py").is_file() and (workspace / "scripts" / "__init__.py").is_file()


def test_the_users_changes_to_an_example_stay(workspace):
    (workspace / "scripts" / RUNNER).write_text("mine = True\n")

    add_examples(workspace)

    assert (workspace / "scripts" / RUNNER).read_text() == "mine = True\n"


def test_a_folder_is_copied_with_its_subfolders_and_without_what_python_left(workspace, tmp_path):
    source = written(tmp_path / "theirs", generic__grid="grid = 1\n", generic__examples__hello="hello = 1\n")
    written(source / "generic" / "__pycache__", grid="compiled\n")

    assert add_files(workspace, "controllers", source) == 2

    assert (workspace / "controllers" / "generic" / "grid.py").read_text() == "grid = 1\n"
    assert (workspace / "controllers" / "generic" / "examples" / "hello.py").is_file()
    assert not (workspace / "controllers" / "generic" / "__pycache__").exists()


def test_hummingbots_own_runner_takes_the_place_of_the_example(workspace, tmp_path):
    add_files(workspace, "scripts", written(tmp_path / "theirs", v2_with_controllers="theirs = True\n"))

    assert (workspace / "scripts" / RUNNER).read_text() == "theirs = True\n"


def test_a_file_of_the_users_is_never_replaced_and_nothing_else_is_copied_then(workspace, tmp_path):
    written(workspace / "scripts", b="mine = True\n")
    source = written(tmp_path / "theirs", a="new = 1\n", b="theirs = True\n")

    with pytest.raises(StrategyFilesError, match=r"scripts/b\.py: there already, and different .* Nothing was copied"):
        add_files(workspace, "scripts", source)

    assert (workspace / "scripts" / "b.py").read_text() == "mine = True\n"
    assert not (workspace / "scripts" / "a.py").exists()


def test_the_same_folder_can_be_taken_again(workspace, tmp_path):
    source = written(tmp_path / "theirs", a="new = 1\n")

    assert add_files(workspace, "scripts", source) == add_files(workspace, "scripts", source) == 1


@pytest.mark.parametrize(
    ("option", "files", "sentence"),
    [
        ("scripts", None, "is no folder; name one"),
        ("scripts", {"sub__a": ""}, "there are no scripts in"),
        ("controllers", {"grid": "x = 1\n"}, "in folders by type: market_making, directional_trading, generic"),
    ],
)
def test_what_is_no_such_folder_is_refused_before_anything_is_made(option, files, sentence, tmp_path, capsys):
    source = tmp_path / "theirs" if files is None else written(tmp_path / "theirs", **files)

    assert cli.main(["workspace", str(tmp_path / "bot"), f"--{option}", str(source)]) == 1

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "bot").exists()
