"""Copies scripts and controllers into a workspace: the examples of this package, and the user's own."""

import filecmp
import shutil
from collections.abc import Iterator
from pathlib import Path

from acme_bot.problem import Problem

EXAMPLES = Path(__file__).parent / "examples"
FOLDERS = ("scripts", "controllers")
PRIVATE = 0o700


class StrategyFilesError(Problem):
    """Why a folder of scripts or controllers cannot be taken into a workspace, and what to do about it."""


def add_examples(workspace: Path) -> None:
    """Puts the examples where there is no file of their name."""
    for folder in FOLDERS:
        for source in _files(EXAMPLES / folder):
            target = workspace / folder / source.relative_to(EXAMPLES / folder)
            if not target.exists():
                _copy(source, target)


def add_files(workspace: Path, folder: str, source: Path) -> int:
    """Copies all of `source` into `folder`, which is "scripts" or "controllers", of a workspace.

    Returns how many Python files that were. Raises `StrategyFilesError` when `source` is no such folder, or when a file
    of the same name and another content is there already that is no example of this package; nothing has been copied
    then.
    """
    source = require_files(folder, source)
    targets = {file: workspace / folder / file.relative_to(source) for file in _files(source)}
    in_the_way = [target for file, target in targets.items() if not _may_become(target, file, workspace)]
    if in_the_way:
        raise StrategyFilesError(
            f"{', '.join(map(str, in_the_way))}: there already, and different from what is in {source}. Nothing was "
            "copied: rename or remove yours, or take what you want over by hand."
        )
    for file, target in targets.items():
        _copy(file, target)
    return sum(file.suffix == ".py" and file.stat().st_size > 0 for file in targets)


def require_files(folder: str, source: Path) -> Path:
    """The absolute path of a folder of "scripts" or "controllers". Raises `StrategyFilesError` when `source` is
    none."""
    source = source.expanduser().resolve()
    if not source.is_dir():
        raise StrategyFilesError(
            f"--{folder}: {source} is no folder; name one, such as a Hummingbot source tree's {folder}."
        )
    where = "*.py" if folder == "scripts" else "*/*.py"
    if not any(file.name != "__init__.py" for file in source.glob(where)):
        layout = (
            ""
            if folder == "scripts"
            else (" Hummingbot looks for them in folders by type: market_making, directional_trading, generic.")
        )
        raise StrategyFilesError(f"--{folder}: there are no {folder} in {source}.{layout}")
    return source


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
            yield file


def _may_become(target: Path, source: Path, workspace: Path) -> bool:
    if not target.exists() or target.stat().st_size == 0 or filecmp.cmp(target, source, shallow=False):
        return True
    example = EXAMPLES / target.relative_to(workspace)
    return example.is_file() and filecmp.cmp(target, example, shallow=False)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    shutil.copyfile(source, target)
