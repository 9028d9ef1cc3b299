"""What all answers have in common: envelopes, and how times and numbers are written (Acme API §1 and §6).

Every name that leaves over the wire is here, in `market_data` or in `account_data`.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLLATERAL = "USD"
NOTHING = Decimal(0)

Level = tuple[Decimal, Decimal]
"""Price and size."""
Spelled = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "number"})]
"""A number as the dialect spells it, `0.107`, `9258.0`, `1e-08`: clients take a book's checksum over the digits as
sent."""
SpelledLevel = tuple[Spelled, Spelled]
Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class Answer(Struct, frozen=True, rename="camel"):
    """A JSON object of the contract; its fields are spelt in camel case on the wire."""


class Success(Answer, kw_only=True, frozen=True):
    success: bool = True
    result: Any
    has_more_data: bool | UnsetType = UNSET


class Failure(Answer, kw_only=True, frozen=True):
    success: bool = False
    error: str


class Status(Answer, frozen=True):
    name: str = "acme"
    status: str = "ok"


class Frame(Answer, frozen=True):
    """Any WebSocket frame of the server's."""

    type: str
    channel: str | UnsetType = UNSET
    market: str | UnsetType = UNSET
    code: int | UnsetType = UNSET
    msg: str | UnsetType = UNSET
    data: Any = UNSET


def iso(time: int) -> str:
    """`time`, in microseconds since the epoch, as Acme API §1 writes times."""
    seconds, microseconds = divmod(time, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06}+00:00"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Most of what is told has happened in the latest few seconds."""
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def iso_or_none(time: int | None) -> str | None:
    return None if time is None else iso(time)


def epoch_seconds(time: int) -> float:
    """`time`, in microseconds since the epoch, in seconds."""
    return time / 1_000_000


def spelled(number: Decimal) -> msgspec.Raw:
    """The number as the checksum of Acme API §6 has it, as Python's `repr(float)` writes it."""
    return msgspec.Raw(repr(float(number)).encode())
