"""Simulates an index: a random walk whose volatility comes in clusters."""

from math import exp, log, sqrt
from random import Random
from typing import Protocol

STEP = 250_000
"""Microseconds between two prices of an index."""

PULL_A_DAY = log(2) / 2
"""How strongly the logarithm of a price is pulled back to where it began: half of the distance is gone in two days."""

_STEPS_A_YEAR = 365.25 * 86_400 * 1_000_000 / STEP
_STEPS_A_DAY = 86_400 * 1_000_000 / STEP
_SHOCK = 0.03
_PERSISTENCE = 0.965
_PULL = PULL_A_DAY / _STEPS_A_DAY


class Index(Protocol):
    """A price that moves by steps of `STEP`.

    :ivar last_return: how the latest step has changed the price's logarithm.
    """

    last_return: float

    @property
    def price(self) -> float:
        """The price now, in US dollars."""

    def step(self) -> None:
        """Moves on by one `STEP`."""


class IndexWalk:
    """A GARCH(1,1) walk of the logarithm of the price, on a fixed time step.

    A large move makes further large moves likelier: the excess halves in about half a minute, and over a year returns
    have the standard deviation `volatility`. A weak pull halves the distance to `anchor` in two days, so that a venue
    that runs for months keeps a plausible price.

    :param seed: decides the path.
    :param start: the first price, in US dollars.
    :param speed: how much of the market's time passes in a step's: a step of `speed` times the variance and the pull,
        so that a fast market costs no more than a slow one.
    """

    def __init__(self, seed: str, start: float, anchor: float, volatility: float, speed: float = 1.0):
        self._random = Random(seed)
        self._mean_variance = volatility * volatility / _STEPS_A_YEAR * speed
        self._reversion = _PULL * speed
        self._variance = self._mean_variance
        self._anchor = log(anchor)
        self._log_price = log(start)
        self.last_return = 0.0

    @property
    def price(self) -> float:
        """The price now, in US dollars."""
        return exp(self._log_price)

    def step(self) -> None:
        """Moves on by one `STEP`."""
        shock = sqrt(self._variance) * self._random.gauss(0.0, 1.0)
        self._variance = (
            self._mean_variance * (1 - _SHOCK - _PERSISTENCE) + _SHOCK * shock * shock + _PERSISTENCE * self._variance
        )
        self.last_return = shock
        self._log_price += shock + self._reversion * (self._anchor - self._log_price)
