"""Draws the soak as a chart: every series over the run's time, with the line by which it was judged."""

from collections.abc import Sequence
from pathlib import Path

from acme_bot.soak.trend import Trend

COLUMNS = 3
SIZE_INCHES = (6, 3.2)
RISING, STEADY = "tab:red", "tab:green"


def draw(trends: Sequence[Trend], title: str, path: Path) -> None:
    """Writes a PNG with one panel for each trend. Needs no display."""
    # It takes seconds to load, which only a chart is worth.
    from matplotlib.figure import Figure

    rows = -(-len(trends) // COLUMNS)
    figure = Figure(figsize=(SIZE_INCHES[0] * COLUMNS, SIZE_INCHES[1] * rows), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flat
    for panel, trend in zip(panels, trends):
        series, ends = trend.series, (trend.started, trend.ended)
        panel.plot(series.times, series.values, ".", color="tab:blue", markersize=2)
        panel.plot(
            ends,
            [trend.intercept + trend.slope * time for time in ends],
            linewidth=2,
            color=RISING if trend.is_rising else STEADY,
        )
        panel.axvspan(*ends, color="0.95")
        panel.set_title(
            f"{series.name}: {trend.rise:+.2f} {series.unit}, {series.tolerance:.4g} allowed", fontsize="medium"
        )
        panel.set_xlabel("s")
        panel.set_ylabel(series.unit)
    for panel in panels:
        panel.set_axis_off()
    figure.savefig(path, format="png")
