"""Keeps, in a file beside the database, by which rules orders were filled on followed markets: what an account earned
means nothing without them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

FILE_NAME = "fill-rules.jsonl"


def keep_rule(folder: Path, time: int, rule: str) -> None:
    """
    :param time: from which on it holds, microseconds since the epoch.
    :param rule: in words.
    """
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        # The end of the line comes first: half a line that was left before spoils none but itself.
        file.write("\n" + json.dumps({"time": time, "rule": rule}))


def read_rules(folder: Path, since: int) -> Sequence[str]:
    """Those that held from `since` on, microseconds since the epoch, each once; none where none were kept."""
    path = folder / FILE_NAME
    if not path.exists():
        return []
    rules = list(_rules(path.read_text(encoding="utf-8", errors="replace")))
    before = [rule for time, rule in rules if time <= since][-1:]
    return list(dict.fromkeys([*before, *(rule for time, rule in rules if time > since)]))


def _rules(text: str) -> Iterator[tuple[int, str]]:
    for line in text.splitlines():
        # A venue that was killed may have left half a line, and a power cut anything.
        with suppress(ValueError, TypeError, KeyError):
            one = json.loads(line)
            yield int(one["time"]), str(one["rule"])
