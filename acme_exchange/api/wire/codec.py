"""Reads and writes JSON without a binary float in between: money arrives, and leaves, to its last digit."""

import re
from decimal import Decimal
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_string_or_scaled_zero = re.compile(rb'"(?:[^"\\]|\\.)*"|-?(?<![0-9.])0E[-+][0-9]+')


class InvalidJson(ValueError):
    """The text is no JSON."""


def encode(value: Any) -> bytes:
    """The JSON of `value`; every `Decimal` is written as a JSON number with exactly its own digits, and nought as `0.0`
    where it would be written `0E-8`."""
    text = _encoder.encode(value)
    return _string_or_scaled_zero.sub(_plain, text) if b"0E" in text else text


def _plain(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"0.0"


def decode(text: bytes | str) -> Any:
    """The value that `text` holds, its fractional numbers as `Decimal`.

    :raises InvalidJson: when it is no JSON (`NaN` and `Infinity` are none either).
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidJson(str(error)) from None
