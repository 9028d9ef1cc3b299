"""Hummingbot's interactive client in a workspace: the launcher that the package on PyPI lacks.

It runs inside the workspace (`open_client` sees to that), where `hummingbot` is the workspace's own.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from acme_bot.hbot_command import silent_servers
from acme_bot.workspace import require_workspace

if TYPE_CHECKING:
    from hummingbot.client.config.config_crypt import BaseSecretsManager
    from hummingbot.client.config.config_helpers import ClientConfigAdapter
    from hummingbot.client.hummingbot_application import HummingbotApplication


def open_client(folder: Path) -> None:
    """Turns this process into the client of the workspace `folder`. Raises `WorkspaceError` when it is none."""
    workspace = require_workspace(folder)
    os.chdir(workspace)
    # A module that is run is looked for in the current folder first: that makes the workspace's Hummingbot win.
    os.execv(sys.executable, [sys.executable, "-m", "acme_bot.client"])


def run_client() -> None:
    """Asks for the password, which the first time is a new one, and runs the client until `exit`."""
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
    from hummingbot.client.config.config_helpers import load_client_config_map_from_file
    from hummingbot.client.ui import login_prompt
    from hummingbot.client.ui.style import load_style

    settings = load_client_config_map_from_file()
    secrets_manager = login_prompt(ETHKeyFileSecretManger, style=load_style(settings))
    if secrets_manager is not None:
        asyncio.run(_run(settings, secrets_manager))


async def _run(settings: "ClientConfigAdapter", secrets_manager: "BaseSecretsManager") -> None:
    from hummingbot.client.runner import bootstrap_application

    application = await bootstrap_application(settings, secrets_manager)
    application.show_balances = Balances(application, Path.cwd()).show
    await application.run()


class Balances:
    """The client's `balance`, which by itself shows a total of nought when a venue does not answer."""

    def __init__(self, application: "HummingbotApplication", workspace: Path) -> None:
        self._application = application
        self._show = application.show_balances
        self._workspace = workspace

    async def show(self) -> None:
        silent = await asyncio.to_thread(list, silent_servers(self._workspace, connect="connect"))
        for sentence in silent:
            self._application.notify(f"\n{sentence}")
        connected = len(list((self._workspace / "conf" / "connectors").glob("*.yml")))
        if connected > len(silent) or not silent:
            await self._show()
        if silent:
            self._application.notify("What is there is not shown, and not lost: the venue keeps it.")


if __name__ == "__main__":
    run_client()
