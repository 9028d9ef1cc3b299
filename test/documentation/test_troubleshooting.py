"""`docs/troubleshooting.md` against the messages in the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from unittest.mock import patch

from acme_bot.workspace import CLIENT_SETTINGS
from hummingbot.client.config.client_config_map import RATE_SOURCE_MODES, ClientConfigMap
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants import EXCHANGE_NAME, READ_ONLY_KEY_ERROR
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import AcmeApiError

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WHO_SAYS_IT = re.compile(r"bootstrap: |acme-bot: |✗ ")
SOURCES = ("acme_bot", "acme_exchange", "hummingbot", "tools")
# Hummingbot says these on the connector's behalf.
BASE_CLASSES = ("connector/exchange_py_base.py", "connector/perpetual_derivative_py_base.py")
# A value is a word or two, or a list; a longer one is a message too, of this project's or of what it stands on.
VALUE = re.compile(r"\S+( \S+)?|\S+(, \S+)+")
FROM_BELOW = re.compile(r"Cannot connect to host \S+ ssl:\w+ \[.+\]|\[Errno \d+\] .+|database or disk is full")
# What a template says by itself: with less, it would fit whatever a page quotes.
FEWEST_CHARACTERS = 15


class Texts(ast.NodeVisitor):
    """The texts of a module: each as the list of what stands between its values."""

    def __init__(self):
        self.found: list[list[str]] = []

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.append([node.value])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pieces = [""]
        for part in node.values:
            if isinstance(part, ast.Constant):
                pieces[-1] += part.value
            else:
                pieces.append("")
        self.found.append(pieces)


def python_texts() -> Iterator[list[str]]:
    base_classes = (distribution("hummingbot").locate_file(f"hummingbot/{name}") for name in BASE_CLASSES)
    for file in [*base_classes, *(file for folder in SOURCES for file in sorted((PROJECT / folder).rglob("*.py")))]:
        texts = Texts()
        texts.visit(ast.parse(Path(file).read_text(encoding="utf-8")))
        yield from texts.found


def shell_texts() -> Iterator[list[str]]:
    script = (PROJECT / "tools" / "bootstrap").read_text(encoding="utf-8")
    joined = re.sub(r'"\s*\\\n\s*"', " ", script)
    for text in re.findall(r'fail (?:\\\n\s*)?"([^"]+)"', joined):
        yield re.split(r"\$\w+", text)


def error_without_the_rate_source() -> str:
    """How Hummingbot ends when its settings name a source of rates that no connector has brought."""
    with patch.dict(RATE_SOURCE_MODES):
        RATE_SOURCE_MODES.pop(EXCHANGE_NAME, None)
        try:
            ClientConfigMap.validate_rate_oracle_source(CLIENT_SETTINGS["rate_oracle_source"])
        except KeyError as error:
            return f"KeyError: {error}"
    return ""


@cache
def known() -> tuple[set[str], list[re.Pattern]]:
    """The texts without values, and patterns of those with some."""
    texts = [
        [str(AcmeApiError(403, READ_ONLY_KEY_ERROR))],
        [error_without_the_rate_source()],
        *python_texts(),
        *shell_texts(),
    ]
    constant = {pieces[0] for pieces in texts if len(pieces) == 1}
    patterns = [
        re.compile("(.+?)".join(map(re.escape, pieces)))
        for pieces in texts
        if len(pieces) > 1 and len("".join(pieces)) >= FEWEST_CHARACTERS
    ]
    return constant, patterns


def is_said(message: str) -> bool:
    """Whether the code has the message, and the messages in it."""
    constant, patterns = known()
    if message in constant or FROM_BELOW.fullmatch(message):
        return True
    filled_in = (match.groups() for pattern in patterns if (match := pattern.fullmatch(message)))
    return any(all(VALUE.fullmatch(value) or is_said(value) for value in values) for values in filled_in)


def test_every_message_that_is_quoted_is_in_the_code():
    messages = [WHO_SAYS_IT.sub("", line, count=1) for block in BLOCK.findall(PAGE) for line in block.splitlines()]

    assert len(messages) > 40
    assert [message for message in messages if not is_said(message)] == []
