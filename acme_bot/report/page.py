"""Writes the report as one page of HTML: nothing outside it, no script, and every text as text."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from acme_bot.report.report import Part, Report

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; }
dt, .note, th { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: right; font-weight: normal; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr + tr td { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
"""


def page(report: Report, chart: bytes) -> str:
    """
    :param chart: a PNG, which becomes a part of the page.
    """
    source = f"data:image/png;base64,{b64encode(chart).decode()}"
    title = escape(report.title)
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            "<dl>",
            *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts),
            "</dl>",
            f'<img src="{source}" alt="Profit over time, profit by market, and the market after the fills">',
            *(line for part in report.parts for line in _part(part)),
            "</body>\n</html>\n",
        ]
    )


def _part(part: Part) -> Iterable[str]:
    yield f"<h2>{escape(part.title)}</h2>"
    yield '<div class="wide"><table>'
    yield _row("th", part.columns)
    for row in part.rows:
        yield _row("td", row)
    yield "</table></div>"
    if part.note:
        yield f'<p class="note">{escape(part.note)}</p>'


def _row(cell: str, texts: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(text)}</{cell}>' for text in texts)}</tr>"
