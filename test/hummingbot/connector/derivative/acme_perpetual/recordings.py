"""Frames of the API's dialect as a real exchange sent them on 2021-07-22; a tree they are not in skips their tests."""

import gzip
import json
import unittest
from functools import cache
from pathlib import Path
from typing import Any, Dict, List

FOLDER = Path(__file__).resolve().parents[4] / "recordings" / "ftx-2021-07-22"

needs_recordings = unittest.skipUnless(FOLDER.is_dir(), f"the recorded frames are not there: {FOLDER.name}")


@cache
def received_texts() -> List[str]:
    """What the exchange sent, frame by frame, as text."""
    lines = [json.loads(line) for line in gzip.decompress((FOLDER / "ws.jsonl.gz").read_bytes()).splitlines()]
    return [json.dumps(line["frame"]) for line in lines if line["dir"] == "received"]


def book_frames() -> List[Dict[str, Any]]:
    """The frames of the `orderbook` channel that hold a book."""
    frames = [json.loads(text) for text in received_texts()]
    return [frame for frame in frames if frame["channel"] == "orderbook" and "data" in frame]


def markets_text() -> str:
    """The answer of `GET /markets`."""
    return gzip.decompress((FOLDER / "GET_markets.json.gz").read_bytes()).decode()
