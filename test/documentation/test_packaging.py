"""`setup.py` against what the packages import."""

import ast
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
OWN = {"acme_exchange", "acme_bot", "hummingbot"}


def imported(folder: str) -> set[str]:
    """The packages of others that modules below a folder import."""
    names = set()
    for path in (PROJECT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - OWN


def test_every_package_that_is_imported_is_declared():
    declared = [Requirement(line) for line in requires("hummingbot-acme-perpetual")]
    shipped = {
        canonicalize_name(each.name)
        for each in declared
        if each.marker is None or each.marker.evaluate({"extra": "soak"})
    }
    distributions = packages_distributions()
    # Of the namespace package `ruamel` this is the only part.
    distributions["ruamel"] = ["ruamel.yaml"]
    missing = {
        name
        for folder in ("acme_exchange", "acme_bot", "hummingbot")
        for name in imported(folder)
        if not {canonicalize_name(each) for each in distributions.get(name, [])} & shipped
    }
    assert missing == set()
