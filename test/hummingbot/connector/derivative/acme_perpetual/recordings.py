"""Frames of the API's dialect as a real exchange sent them on 2021-07-22; they stand beside the project, not in it."""

import json
import unittest
from functools import cache
from pathlib import Path
from typing import Any, Dict, List

FOLDER = Path(__file__).resolve().parents[5].parent / "shared" / "recordings" / "ftx-2021-07-22"

needs_recordings = unittest.skipUnless(FOLDER.is_dir(), f"the recorded frames are not there: {FOLDER.name}")


@cache
def received_texts() -> List[str]:
    """What the exchange sent, frame by frame, as text."""
    lines = [json.loads(line) for line in (FOLDER / "ws.jsonl").read_text().splitlines()]
    return [json.dumps(line["frame"]) for line in lines if line["dir"] == "received"]


def book_frames() -> List[Dict[str, Any]]:
    """The frames of the `orderbook` channel that hold a book."""
    frames = [json.loads(text) for text in received_texts()]
    return [frame for frame in frames if frame["channel"] == "orderbook" and "data" in frame]


def markets_text() -> str:
    """The answer of `GET /markets`."""
    return (FOLDER / "GET_markets.json").read_text()
