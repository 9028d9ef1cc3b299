"""The dialect's real frames, recorded on 2021-07-22: `test/recordings`."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "recordings" / "ftx-2021-07-22"


def frames(direction: str) -> list[dict[str, Any]]:
    """
    :param direction: "sent" or "received", as the client saw it.
    """
    lines = gzip.decompress((FOLDER / "ws.jsonl.gz").read_bytes()).splitlines()
    records = (json.loads(line, parse_float=Decimal) for line in lines)
    return [record["frame"] for record in records if record["dir"] == direction]


def markets() -> list[dict[str, Any]]:
    return json.loads(gzip.decompress((FOLDER / "GET_markets.json.gz").read_bytes()))["result"]
