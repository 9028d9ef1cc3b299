"""What the runs of strategies showed, as the docs have it: `--keep-transcripts` writes it anew."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from acme_bot.demo.run import BOT
from acme_bot.hbot import create_arguments

FOLDER = Path(__file__).parents[2] / "docs" / "transcripts"


def keep(name: str, strategy: str, settings: Mapping[str, str], printed: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = [*_commands(strategy, settings), *(line.rstrip() for line in printed.splitlines())]
    _file(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_kept(name: str, strategy: str, settings: Mapping[str, str]) -> bool:
    """Whether there is a transcript of a run with these settings."""
    begins = _commands(strategy, settings)
    return _file(name).exists() and _file(name).read_text(encoding="utf-8").splitlines()[: len(begins)] == begins


def _commands(strategy: str, settings: Mapping[str, str]) -> list[str]:
    return [
        f"$ {shlex.join(['my-bot/hbot', *create_arguments(strategy, BOT, settings)])}",
        f"$ my-bot/hbot start {BOT}",
    ]


def _file(name: str) -> Path:
    return FOLDER / f"{name}.txt"
