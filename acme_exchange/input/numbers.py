"""Reads numbers as people and programs write them: by one rule in requests, in files and on the command line."""

import re
from decimal import Decimal
from typing import Any

JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
SHORT_NUMBER = re.compile(r"-?(0|[1-9]\d{0,11})(\.\d{1,12})?", re.ASCII)
"""As most are: within all reason, as they are written."""
LARGEST_NUMBER = Decimal("1e15")
MOST_DECIMAL_PLACES = 40
COUNTED_DECIMAL_PLACES = 12
"""What the venue counts in. Of a number with more, those that are nought are left out; it is another one otherwise."""


def number(value: Any) -> Decimal:
    """A number, or a text that holds one as JSON has it, exactly as it is written.

    :raises ValueError: it is none, or out of all reason: an exponent of a million is no amount, and would exhaust the
        venue.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise ValueError("not a number")
    if SHORT_NUMBER.fullmatch(str(value)):
        return Decimal(value)
    if isinstance(value, str) and not JSON_NUMBER.fullmatch(value):
        raise ValueError("not a number")
    try:
        read = Decimal(value)
    except ArithmeticError:
        raise ValueError("out of range") from None
    if not read.is_finite():
        raise ValueError("not a number")
    return _within_reason(read)


def _within_reason(value: Decimal) -> Decimal:
    exponent = int(value.as_tuple().exponent)
    if not -MOST_DECIMAL_PLACES <= exponent <= 15 or value.copy_abs() > LARGEST_NUMBER:
        raise ValueError("out of range")
    if exponent >= -COUNTED_DECIMAL_PLACES:
        return value
    sign, digits, _ = value.as_tuple()
    while exponent < -COUNTED_DECIMAL_PLACES and digits[-1] == 0 and len(digits) > 1:
        digits, exponent = digits[:-1], exponent + 1
    return Decimal((sign, digits, exponent)) if value else Decimal(0)
