"""JSON in and out without a binary float in between: money must arrive, and leave, to its last digit."""

from decimal import Decimal
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


class InvalidJson(ValueError):
    """The text is no JSON."""


def encode(value: Any) -> bytes:
    """The JSON of `value`; every `Decimal` is written as a JSON number with exactly its own digits."""
    return _encoder.encode(value)


def decode(text: bytes | str) -> Any:
    """The value that `text` holds, its fractional numbers as `Decimal`.

    :raises InvalidJson: when it is no JSON (`NaN` and `Infinity` are none either).
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidJson(str(error)) from None
