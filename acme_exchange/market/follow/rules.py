"""By which rules orders were filled on followed markets, kept beside the database: what an account earned means nothing
without them."""

import json
from collections.abc import Sequence
from pathlib import Path

FILE_NAME = "fill-rules.jsonl"


def keep_rule(folder: Path, time: int, rule: str) -> None:
    """
    :param time: from which on it holds, microseconds since the epoch.
    :param rule: in words.
    """
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        print(json.dumps({"time": time, "rule": rule}), file=file)


def read_rules(folder: Path, since: int) -> Sequence[str]:
    """Those that held from `since` on, microseconds since the epoch, each once; none where none were kept."""
    path = folder / FILE_NAME
    if not path.exists():
        return []
    kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    before = [one["rule"] for one in kept if one["time"] <= since][-1:]
    return list(dict.fromkeys([*before, *(one["rule"] for one in kept if one["time"] > since)]))
