"""Draws the report as a chart: the profit over time, by market, and the price after fills."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from acme_bot.report.report import Report
from acme_bot.report.session import ROLES
from acme_exchange.mid_prices import HORIZONS

SIZE_INCHES = (11, 7.5)
DOTS_AN_INCH = 110
FEWEST_BARS = 3
UP, DOWN, MAKER, TAKER = "#1a8f5c", "#c03a4b", "#2f6fd0", "#c58a1b"


def draw(report: Report) -> bytes:
    """Draws the report, as a PNG. Needs matplotlib, and no display."""
    # It takes seconds to load, which only a chart is worth.
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    # A dollar sign in a name would begin a formula.
    figure.suptitle(report.title, parse_math=False)
    axes = figure.subplot_mosaic([["curve", "curve"], ["markets", "after"]], height_ratios=[3, 2])
    _draw_curve(axes["curve"], report)
    _draw_markets(axes["markets"], report)
    _draw_after(axes["after"], report)
    for panel in axes.values():
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="both", color="0.92")
        panel.set_axisbelow(True)
    target = BytesIO()
    figure.savefig(target, format="png", dpi=DOTS_AN_INCH)
    return target.getvalue()


def _draw_curve(panel: Any, report: Report) -> None:
    curve = report.curve
    times = [datetime.fromtimestamp(time, UTC) for time in curve.times]
    panel.plot(times, curve.profits, color=MAKER, linewidth=1.6)
    for colour, is_shown in ((UP, [one >= 0 for one in curve.profits]), (DOWN, [one <= 0 for one in curve.profits])):
        panel.fill_between(times, curve.profits, 0, where=is_shown, color=colour, alpha=0.15, interpolate=True)
    panel.axhline(0, color="0.5", linewidth=0.8)
    panel.set_title("Profit after fees and funding, USD", loc="left", fontsize="medium")


def _draw_markets(panel: Any, report: Report) -> None:
    totals = [float(one.total) for one in report.profits]
    names = [one.market or "borne by the house" for one in report.profits]
    panel.barh(names, totals, color=[UP if total >= 0 else DOWN for total in totals], height=0.6)
    panel.set_ylim(max(len(names), FEWEST_BARS) - 0.5, -0.5)
    panel.axvline(0, color="0.5", linewidth=0.8)
    panel.set_title("Profit by market, USD", loc="left", fontsize="medium")


def _draw_after(panel: Any, report: Report) -> None:
    for role, colour in zip(ROLES, (MAKER, TAKER)):
        known = [one for one in report.markouts if one.role == role and one.basis_points is not None]
        places, values = [HORIZONS.index(one.seconds) for one in known], [one.basis_points for one in known]
        panel.plot(places, values, "o-", color=colour, label=role)
    panel.set_xticks(range(len(HORIZONS)), [f"{seconds} s" for seconds in HORIZONS])
    panel.axhline(0, color="0.5", linewidth=0.8)
    panel.legend(frameon=False)
    panel.set_title("Mid price against the fill, bp", loc="left", fontsize="medium")
