"""Starts the bot of a new workspace: writes a strategy's settings, unless they are there."""

from pathlib import Path

from acme_bot.bot import Strategy
from acme_bot.hbot import Hbot, HbotError
from acme_bot.positions import running_bot
from acme_bot.problem import Problem, quoted

CONFIGURATION = "maker.yml"
WHERE = {"inventory_maker": "controllers", "perpetual_market_making": "strategies"}


def settings_of(workspace: Path, strategy: Strategy) -> Path:
    """The file with the settings of the bot that `start_new` starts."""
    return workspace / "conf" / WHERE[strategy.name] / CONFIGURATION


def start_new(hbot: Hbot, strategy: Strategy) -> None:
    """Writes the strategy's settings, unless they are there, and starts the bot, which goes on by itself.

    Raises `Problem` when a bot runs there already, or does not come to start.
    """
    workspace = hbot.workspace
    if running_bot(workspace) is not None:
        raise Problem(f"A bot runs in {workspace} already: `{quoted(workspace / 'hbot')} status` shows it.")
    if not settings_of(workspace, strategy).exists():
        hbot.create(strategy.name, CONFIGURATION, strategy.settings)
    kind = "--controller" if WHERE[strategy.name] == "controllers" else "--v1-strategy"
    try:
        hbot.run("start", CONFIGURATION, kind)
    except HbotError as error:
        raise Problem(f"The bot did not start. {error}") from None
