"""Exact arithmetic: the decimal context the engine computes in, and the one place where a quotient is rounded.

Inputs have at most `MAX_DECIMALS` decimals and are below `MAX_MAGNITUDE`. The longest product the engine forms (size ×
mark × rate, or position cost) therefore has far fewer digits than `EXACT.prec`, and sums grow by a digit for each
tenfold of terms. `EXACT` traps `Inexact`: a result that would lose a digit is an error, never a silent rounding.
"""

import functools
from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)

MAX_DECIMALS = 12
MAX_MAGNITUDE = Decimal("1e15")
ZERO = Decimal(0)

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, FloatOperation])
_QUOTIENTS = Context(prec=120, traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation])


def exactly[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Runs `function` in the `EXACT` context, whatever context its caller computes in."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        before = getcontext()
        if before is EXACT:
            return function(*args, **kwargs)
        setcontext(EXACT)
        try:
            return function(*args, **kwargs)
        finally:
            setcontext(before)

    return wrapper


def divide(dividend: Decimal, divisor: Decimal, quantum: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """`dividend / divisor` rounded once, to a multiple of `quantum`, which is a power of ten; never a negative zero."""
    quotient = _QUOTIENTS.divide(dividend, divisor).quantize(quantum, rounding, _QUOTIENTS)
    return quotient or quotient.copy_abs()


def is_amount(value: object, decimals: int = MAX_DECIMALS) -> bool:
    """Whether `value` is a finite Decimal small enough, and with few enough decimals, to be counted exactly."""
    if not isinstance(value, Decimal) or not value.is_finite() or value.copy_abs() >= MAX_MAGNITUDE:
        return False
    text = str(value)
    if "E" in text:
        return int(value.as_tuple().exponent) >= -decimals
    # To write a number takes a quarter of the time that it takes to take it apart.
    return len(text.partition(".")[2]) <= decimals
