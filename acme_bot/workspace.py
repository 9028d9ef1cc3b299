"""Makes workspaces: folders that are a complete Hummingbot each, one bot to a folder.

Hummingbot keeps its configuration, logs and data beside its own package, wherever that is, and runs one bot per
installation. A workspace gives a bot a root of its own: the installed `hummingbot` package, hard-linked, beside
`conf/`, `logs/`, `data/`, `scripts/` and `controllers/`. Its `hbot` is Hummingbot's command line, and `acme-bot client`
opens the interactive client.

A new workspace's Hummingbot is configured so that a bot on this machine stays on this machine:

- no usage metrics and no error logs are sent (`anonymized_metrics_mode`, `send_error_logs`);
- no spot exchange is offered for paper trading, because offering one means fetching its markets at every start;
- the display token is USD, the only coin that Acme has;
- the rate source is Acme, the server that the workspace's `connect acme_perpetual` was told: another would need the
  internet, and would value a simulated market at the real one's price.

The user's later changes to any of this are never touched.
"""

import importlib.metadata
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from acme_bot.problem import Problem, quoted
from acme_bot.strategy_files import add_examples

CONNECTOR = Path("connector", "derivative", "acme_perpetual")
MARKER = ".acme-workspace"
PRIVATE = 0o700
OWN_FOLDERS = (
    "conf",
    "conf/connectors",
    "conf/strategies",
    "conf/scripts",
    "conf/controllers",
    "logs",
    "data",
    "scripts",
    "controllers",
)
CLIENT_SETTINGS = {
    "anonymized_metrics_mode": "anonymized_metrics_disabled",
    "send_error_logs": False,
    "paper_trade": {"paper_trade_exchanges": []},
    "global_token": {"global_token_name": "USD"},
    "rate_oracle_source": {"name": "acme_perpetual"},
}


# Hummingbot finds its root, and `python -m` its package, in the folder that they are started in.
HBOT = """\
#!/bin/sh
cd {folder} && exec {python} -m acme_bot.hbot_command "$@"
"""


class WorkspaceError(Problem):
    """What is in the way of a workspace, and what to do about it, in one sentence."""


def make_workspace(folder: Path) -> Path:
    """Makes `folder` a workspace, or brings the Hummingbot of an existing one up to date with the installed one.

    What the user has in `conf/`, `logs/`, `data/`, `scripts/` and `controllers/` of an existing one stays as it is.
    Returns the folder's absolute path. Raises `WorkspaceError` when `folder` holds something else, or when no
    Hummingbot with the Acme connector is installed; nothing has been changed then.
    """
    installed = installed_hummingbot()
    folder = folder.expanduser().resolve()
    if not is_workspace(folder):
        require_empty(folder)
        _make_private_folder(folder)
    # The mark comes first: what was interrupted half-way is a workspace that the next run completes.
    (folder / MARKER).write_text(f"Hummingbot {importlib.metadata.version('hummingbot')}\n", encoding="utf-8")
    _refresh_package(installed, folder)
    _add_missing_folders(folder)
    add_examples(folder)
    _add_missing_settings(installed, folder / "conf")
    _write_hbot(folder)
    return folder


def require_workspace(folder: Path) -> Path:
    """The absolute path of an existing workspace. Raises `WorkspaceError` when `folder` is none."""
    folder = folder.expanduser().resolve()
    if not is_workspace(folder):
        raise WorkspaceError(f"{folder} is not a workspace: make one with `acme-bot workspace {quoted(folder)}`.")
    return folder


def is_workspace(folder: Path) -> bool:
    return (folder / MARKER).is_file()


def require_empty(folder: Path) -> None:
    """Raises `WorkspaceError` when `folder` is there and is anything but an empty folder."""
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder} is a file: name a folder that is empty or not there yet.")
    if folder.is_dir() and any(folder.iterdir()):
        raise WorkspaceError(f"{folder} is not empty and no workspace: name a folder that is empty or not there yet.")


def installed_hummingbot() -> Path:
    """The installed `hummingbot` package's folder, also when this runs inside a workspace, which has one of its own.

    Raises `WorkspaceError` when Hummingbot, or in it the Acme connector, is not installed.
    """
    try:
        package = Path(str(importlib.metadata.distribution("hummingbot").locate_file("hummingbot")))
    except importlib.metadata.PackageNotFoundError:
        raise WorkspaceError("Hummingbot is not installed for this Python: run `make venv` in this project.") from None
    if not (package / CONNECTOR / "__init__.py").is_file():
        raise WorkspaceError(
            f"The Hummingbot in {package.parent} has no Acme connector: "
            "run `pip install --no-deps .` in this project with the same Python."
        )
    return package


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)


def _refresh_package(installed: Path, folder: Path) -> None:
    """Puts a new tree beside the old one and swaps them, so that a failure leaves the old one in place."""
    with tempfile.TemporaryDirectory(prefix=".refresh-", dir=folder) as beside:
        # Python writes its compiled files under a passing name of this form first.
        shutil.copytree(
            installed, Path(beside, "new"), copy_function=_link_or_copy, ignore=shutil.ignore_patterns("*.pyc.*")
        )
        package = folder / "hummingbot"
        if os.path.lexists(package):
            package.rename(Path(beside, "old"))
        Path(beside, "new").rename(package)


def _link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(os.path.realpath(source), destination)
    except OSError:
        shutil.copy2(source, destination)


def _add_missing_folders(folder: Path) -> None:
    for name in OWN_FOLDERS:
        _make_private_folder(folder / name)


def _write_hbot(folder: Path) -> None:
    hbot = folder / "hbot"
    hbot.write_text(HBOT.format(folder=shlex.quote(str(folder)), python=shlex.quote(sys.executable)), encoding="utf-8")
    hbot.chmod(PRIVATE)


def _add_missing_settings(installed: Path, conf: Path) -> None:
    if not (conf / "conf_client.yml").exists():
        (conf / "conf_client.yml").write_text(yaml.safe_dump(CLIENT_SETTINGS, sort_keys=False), encoding="utf-8")
    if not (conf / "hummingbot_logs.yml").exists():
        shutil.copyfile(installed / "templates" / "hummingbot_logs_TEMPLATE.yml", conf / "hummingbot_logs.yml")
