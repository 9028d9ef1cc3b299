"""Reads `--fault`: a fault that a venue begins with."""

import argparse

from acme_exchange.api.faults import TIMED_FAULTS, FaultName, FaultRequest
from acme_exchange.engine import Refused

FORM = "NAME=RATE, or NAME=RATE:SECONDS for " + " and ".join(TIMED_FAULTS)


def fault(text: str) -> FaultRequest:
    """What `--fault` asks for.

    :raises argparse.ArgumentTypeError: saying what to write.
    """
    name, _, numbers = text.partition("=")
    rate, _, seconds = numbers.partition(":")
    if name not in list(FaultName):
        raise argparse.ArgumentTypeError(f"write {FORM}; the names are {', '.join(FaultName)}, not {name!r}")
    try:
        return FaultRequest.read({"name": name, "rate": rate, "seconds": seconds or None}).checked()
    except Refused as refused:
        reason = "a rate is above 0 and at most 1, seconds at most 3600"
        raise argparse.ArgumentTypeError(f"write {FORM}; {reason}, not {text!r} ({refused.text})") from None
