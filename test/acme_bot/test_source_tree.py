"""In Hummingbot's own source tree, which HUMMINGBOT_SOURCE names: its tests over all connectors, and its style.

The tree is copied, and the compiled modules that it lacks come from the installed package.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acme_bot.installation import MANIFEST, install, uninstall
from acme_bot.workspace import installed_hummingbot

SOURCE = os.environ.get("HUMMINGBOT_SOURCE")
pytestmark = [
    pytest.mark.skipif(SOURCE is None, reason="HUMMINGBOT_SOURCE names no Hummingbot source tree"),
    pytest.mark.timeout(900),
]
OURS = (
    "test/hummingbot/connector/derivative/acme_perpetual",
    "test/hummingbot/data_feed/candles_feed/acme_perpetual_candles",
)
# Settings, configuration, trade fee schemas, metadata of connectors: whatever looks at all of them.
OVER_ALL = (
    "test/hummingbot/client",
    "test/hummingbot/core/rate_oracle/test_rate_oracle.py",
    "test/hummingbot/connector/test_utils.py",
    "test/hummingbot/connector/test_connector_base.py",
    "test/hummingbot/connector/test_markets_recorder.py",
    "test/hummingbot/connector/test_connector_metrics_collector.py",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    tree = tmp_path_factory.mktemp("hummingbot") / "tree"
    shutil.copytree(SOURCE, tree, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    package = installed_hummingbot()
    for compiled in package.rglob("*.so"):
        if (tree / "hummingbot" / compiled.relative_to(package)).parent.is_dir():
            shutil.copyfile(compiled, tree / "hummingbot" / compiled.relative_to(package))
    install(tree)
    return tree


def run(tree: Path, *command: str) -> None:
    ran = subprocess.run([sys.executable, "-m", *command], cwd=tree, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]


@pytest.mark.parametrize("tests", [OURS, OVER_ALL], ids=["the connector's own", "over all connectors"])
def test_the_trees_tests_pass(tree: Path, tests: tuple[str, ...]):
    run(tree, "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_the_tree_finds_nothing_wrong_with_the_style(tree: Path):
    files = [name for name in json.loads((tree / MANIFEST).read_text())["files"] if name.endswith(".py")]
    assert files
    run(tree, "flake8", *files)
    run(tree, "isort", "--check-only", "--settings-path=pyproject.toml", *files)


def test_afterwards_the_tree_is_as_it_was(tree: Path):
    uninstall(tree)
    left = [str(path) for path in tree.rglob("*acme*") if "__pycache__" not in path.parts]
    assert left == []
