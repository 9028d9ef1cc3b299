"""Draws which part of the project imports which, into docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "architecture.md"
BEGIN, END = "```mermaid\n", "```\n"
# Folder or file below the project: how the diagram calls it. A file belongs to the longest that it lies in.
PARTS = {
    "acme_bot": "acme_bot",
    "acme_bot/compare": "acme_bot.compare",
    "acme_bot/problem": "acme_bot.problem",
    "acme_exchange": "acme_exchange",
    "acme_exchange/__main__": "acme_exchange.cli",
    "acme_exchange/input": "acme_exchange.input",
    "acme_exchange/accounts": "acme_exchange.accounts",
    "acme_exchange/cli": "acme_exchange.cli",
    "acme_exchange/owner": "acme_exchange.owner",
    "acme_exchange/api": "acme_exchange.api",
    "acme_exchange/engine": "acme_exchange.engine",
    "acme_exchange/market": "acme_exchange.market",
    "acme_exchange/notifications": "acme_exchange.notifications",
    "acme_exchange/page": "acme_exchange.page",
    "acme_exchange/server": "acme_exchange.server",
    "acme_exchange/store": "acme_exchange.store",
    "hummingbot/connector/derivative/acme_perpetual": "acme_perpetual",
    "hummingbot/data_feed/candles_feed/acme_perpetual_candles": "acme_perpetual_candles",
    "hummingbot": "Hummingbot",
}


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, also within its functions; of `from a import b`, both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def files() -> Iterator[Path]:
    """The project's own sources, without tests, tools and measurements."""
    for folder in ("acme_bot", "acme_exchange", "hummingbot"):
        yield from sorted((PROJECT / folder).rglob("*.py"))


def part(path: str) -> str | None:
    """The part that a path or a module below the project lies in, `None` for what others wrote."""
    path = path.removesuffix(".py")
    fitting = [folder for folder in PARTS if path == folder or path.startswith(f"{folder}/")]
    return PARTS[max(fitting, key=len)] if fitting else None


def arrows() -> set[tuple[str, str]]:
    """Pairs of parts, the first of which imports the second."""
    found = {
        (part(file.relative_to(PROJECT).with_suffix("").as_posix()), part(name.replace(".", "/")))
        for file in files()
        for name in imported(file)
    }
    return {(one, other) for one, other in found if other is not None and one != other}


def diagram() -> str:
    lines = [f"    {one} --> {other}" for one, other in sorted(arrows())]
    return "\n".join(["flowchart TD", *lines, ""])


def drawn(page: str) -> str:
    """The page, with the diagram as the code has it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{diagram()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
