"""Tells whether a series rises, and by how much, whatever its noise and its outliers."""

from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

WARM_UP = 1 / 3
"""The part of the run's time that is not judged: caches fill, and Hummingbot loads what it needs as it goes."""
MOST_POINTS = 200
FEWEST_POINTS = 8
CONFIDENCE = 0.95
SECONDS_PER_HOUR = 3600

type Numbers = NDArray[numpy.float64]


@dataclass
class Series:
    """One thing that was measured over the run.

    `tolerance`, in `unit`, is by how much it may rise over the judged part of a run, of whatever length: the longer a
    run, the slower the rise that it finds. `times` are in seconds from the run's start, `values` in `unit`.
    """

    name: str
    unit: str
    tolerance: float
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, time: float, value: float) -> None:
        self.times.append(time)
        self.values.append(value)


@dataclass(frozen=True)
class Trend:
    """How a series developed over the run, in its unit.

    `rise` is over the judged part, by the Theil-Sen slope; `certain` by the lower end of that slope's 95 % confidence
    interval, and is what counts. `first` is the median of the judged part's first tenth, `last` of its last.
    """

    series: Series
    started: float
    ended: float
    slope: float
    intercept: float
    certain: float
    first: float
    last: float

    @property
    def rise(self) -> float:
        return self.slope * (self.ended - self.started)

    @property
    def per_hour(self) -> float:
        return self.slope * SECONDS_PER_HOUR

    @property
    def is_rising(self) -> bool:
        return self.certain > self.series.tolerance


def trend_of(series: Series) -> Trend:
    """Judges the last two thirds of the series' time. Raises `ValueError` when there are too few points in them."""
    times, values = numpy.array(series.times), numpy.array(series.values)
    judged = times >= times.min() + WARM_UP * numpy.ptp(times) if len(times) else times
    if numpy.count_nonzero(judged) < FEWEST_POINTS:
        raise ValueError(f"{series.name}: too few samples to judge")
    times, values = times[judged], values[judged]
    tenth = max(1, len(values) // 10)
    # It takes seconds to load, which only a judgement is worth.
    from scipy.stats import theilslopes

    thin_values, thin_times = _thinned(values, times)
    slope, intercept, low, _ = map(float, theilslopes(thin_values, thin_times, CONFIDENCE))
    started, ended = float(times[0]), float(times[-1])
    return Trend(
        series,
        started,
        ended,
        slope,
        intercept,
        certain=low * (ended - started),
        first=float(numpy.median(values[:tenth])),
        last=float(numpy.median(values[-tenth:])),
    )


def _thinned(values: Numbers, times: Numbers) -> tuple[Numbers, Numbers]:
    """At most 200 points, each the median of its neighbours: every pair of points has a slope."""
    parts = min(MOST_POINTS, len(values))
    thin_values, thin_times = (
        numpy.array([numpy.median(part) for part in numpy.array_split(of, parts)]) for of in (values, times)
    )
    return thin_values, thin_times
