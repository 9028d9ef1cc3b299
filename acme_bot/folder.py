"""Where a run leaves what it makes."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from acme_bot.workspace import require_empty


def in_folder(folder: Path | None, prefix: str, console: Console, run: Callable[[Path], int]) -> int:
    """Calls `run` with `folder`, which must be empty or not there yet, or with a temporary one, which is removed when
    all went well. Returns what `run` does, 0 for well. Raises `WorkspaceError` when `folder` holds something."""
    place = _prepared(folder) if folder else Path(tempfile.mkdtemp(prefix=prefix))
    status = run(place)
    if folder is None and status == 0:
        shutil.rmtree(place)
    else:
        console.print(f"Hummingbot's configuration, logs and data, and the venue's log, are in {place}", soft_wrap=True)
    return status


def _prepared(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    require_empty(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
