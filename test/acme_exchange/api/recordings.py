"""The dialect's real frames, recorded on 2021-07-22, which lie beside the checkout."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "recordings" / "ftx-2021-07-22"

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings of the dialect (../shared/recordings) are not beside this checkout"
)


def frames(direction: str) -> list[dict[str, Any]]:
    """
    :param direction: "sent" or "received", as the client saw it.
    """
    lines = (FOLDER / "ws.jsonl").read_text().splitlines()
    records = (json.loads(line, parse_float=Decimal) for line in lines)
    return [record["frame"] for record in records if record["dir"] == direction]


def markets() -> list[dict[str, Any]]:
    return json.loads((FOLDER / "GET_markets.json").read_text())["result"]
