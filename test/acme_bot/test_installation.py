import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from acme_bot import installation
from acme_bot.cli import main
from acme_bot.installation import MANIFEST, PACKAGES, install, supported_versions, tree_version, uninstall
from acme_bot.workspace import WorkspaceError, installed_hummingbot

CONNECTOR, CANDLES = map(str, PACKAGES)
SUPPORTED = "20260922"


@pytest.fixture
def tree(tmp_path) -> Path:
    """What `install` looks at, of a Hummingbot source tree."""
    root = tmp_path / "hummingbot"
    for folder in (Path(CONNECTOR).parent, Path(CANDLES).parent, "test/hummingbot/connector/derivative"):
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").touch()
    (root / "hummingbot" / "VERSION").write_text("2.16.0\n")
    (root / "setup.py").write_text(f'def main():\n    version = "{SUPPORTED}"\n')
    return root


def files_of(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_what_is_put_in_is_taken_out_and_nothing_else(tree):
    before = files_of(tree)

    files = install(tree)

    assert {
        f"{CONNECTOR}/acme_perpetual_derivative.py",
        f"{CANDLES}/acme_perpetual_candles.py",
        f"{CONNECTOR}/acme_perpetual_rate_source.py",
        f"test/{CANDLES}/test_acme_perpetual_candles.py",
        f"test/{CONNECTOR}/test_acme_perpetual_derivative.py",
    } <= set(files)
    assert files_of(tree).keys() == before.keys() | set(files) | {MANIFEST}
    compiled = tree / CONNECTOR / "__pycache__" / "x.pyc"
    compiled.parent.mkdir()
    compiled.touch()

    assert uninstall(tree) == (files, [])
    assert files_of(tree) == before
    assert not (tree / CONNECTOR).exists() and not (tree / "test" / CONNECTOR).exists()


def test_a_second_installation_brings_up_to_date(tree, monkeypatch):
    first = install(tree)
    name = f"{CONNECTOR}/acme_perpetual_utils.py"
    fewer = dict(installation._sources())
    newer = tree.parent / "newer.py"
    newer.write_text("newer = True\n")
    gone = fewer.popitem()[0]
    monkeypatch.setattr(installation, "_sources", lambda: fewer | {name: newer})

    assert set(install(tree)) == set(first) - {gone}
    assert (tree / name).read_text() == "newer = True\n" and not (tree / gone).exists()
    assert set(uninstall(tree)[0]) == set(first) - {gone}


def test_a_file_that_was_changed_is_left_and_named(tree, capsys):
    install(tree)
    changed = tree / CONNECTOR / "acme_perpetual_utils.py"
    changed.write_text("mine = True\n")

    with pytest.raises(WorkspaceError, match="were changed since: hummingbot.*acme_perpetual_utils.py. Move them away"):
        install(tree)
    assert main(["uninstall", str(tree)]) == 0

    assert f"Left {CONNECTOR}/acme_perpetual_utils.py, which was changed" in capsys.readouterr().out
    assert [path.name for path in (tree / CONNECTOR).iterdir()] == ["acme_perpetual_utils.py"]
    assert not (tree / MANIFEST).exists()


def test_files_in_the_way_are_named_and_nothing_is_changed(tree):
    other = tree / CANDLES / "constants.py"
    other.parent.mkdir()
    other.write_text("of somebody else\n")
    before = files_of(tree)

    with pytest.raises(WorkspaceError, match=f"files in the way .*: {CANDLES}/constants.py. Move"):
        install(tree)
    assert files_of(tree) == before


def test_an_interrupted_installation_can_be_repeated_and_undone(tree, monkeypatch):
    before = files_of(tree)
    copied = []

    def interrupted(source, target):
        if len(copied) == 3:
            raise KeyboardInterrupt
        copied.append(target.write_bytes(source.read_bytes()))

    with monkeypatch.context() as patched:
        patched.setattr(installation.shutil, "copyfile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install(tree)
    install(tree)
    uninstall(tree)
    assert files_of(tree) == before


@pytest.mark.parametrize("missing", ["setup.py", "hummingbot/VERSION", "test/hummingbot"])
def test_what_is_no_tree_is_refused_with_what_is_missing(tree, missing, capsys):
    path = tree / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    assert main(["install", str(tree)]) == 1
    assert f"is no Hummingbot source tree: it has no {missing}. Name the folder" in capsys.readouterr().err


def test_a_version_that_was_not_tested_is_refused_with_those_that_were(tree):
    (tree / "setup.py").write_text('    version = "20240101"\n')
    with pytest.raises(WorkspaceError, match=r"is Hummingbot 20240101, and .* tested with <=\d{8},>=\d{8}"):
        install(tree)
    (tree / "setup.py").write_text("version = read_version()\n")
    with pytest.raises(WorkspaceError, match="does not say which version"):
        install(tree)


def test_taking_out_what_was_not_put_in(tree):
    with pytest.raises(WorkspaceError, match="nothing was put into it with `acme-bot install`"):
        uninstall(tree)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": "1", "files": {"../../outside": "x"}}', '{"version": "1", "files": {"/etc/passwd": "x"}}'],
)
def test_a_record_that_cannot_be_trusted_is_refused(tree, text):
    (tree / MANIFEST).write_text(text)
    with pytest.raises(WorkspaceError, match="is not as `acme-bot install` wrote it"):
        uninstall(tree)


def test_the_supported_versions_are_those_of_the_installation():
    assert importlib.metadata.version("hummingbot") in supported_versions()
    assert Version("20260101") not in supported_versions()


@pytest.fixture
def whole_tree(tree) -> Path:
    """A tree with all of Hummingbot in it, compiled, but without this project: made of the installed package."""
    shutil.rmtree(tree / "hummingbot")
    ours = {Path(each).name for each in PACKAGES}
    shutil.copytree(
        installed_hummingbot(),
        tree / "hummingbot",
        copy_function=os.link,
        ignore=lambda folder, names: ours & set(names),
    )
    (tree / "hummingbot" / "VERSION").touch()
    for folder in (tree / "test", *filter(Path.is_dir, (tree / "test").rglob("*"))):
        (folder / "__init__.py").touch()
    project = Path(__file__).parents[2]
    shutil.copyfile(
        project / "test" / "isolated_asyncio_wrapper_test_case.py",
        tree / "test" / "isolated_asyncio_wrapper_test_case.py",
    )
    return tree


def test_inside_a_tree_the_connector_is_found_and_its_tests_pass(whole_tree):
    assert tree_version(whole_tree) == Version(SUPPORTED)
    install(whole_tree)
    for folder in ("data_feed", "data_feed/candles_feed"):
        (whole_tree / "test" / "hummingbot" / folder / "__init__.py").touch()  # as in Hummingbot's own tree

    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from hummingbot.client.settings import AllConnectorSettings as settings;"
            "import hummingbot; print(hummingbot.__file__, 'acme_perpetual' in settings.get_connector_settings())",
        ],
        cwd=whole_tree,
        capture_output=True,
        text=True,
    )
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"test/{CANDLES}",
            *(
                f"test/{CONNECTOR}/test_acme_perpetual_{name}.py"
                for name in ("utils", "market_data", "auth", "rate_source")
            ),
        ],
        cwd=whole_tree,
        capture_output=True,
        text=True,
    )

    assert found.stdout == f"{whole_tree / 'hummingbot' / '__init__.py'} True\n", found.stderr
    assert ran.returncode == 0, ran.stdout
