"""Serves files that Python packages bring for browsers, as they are."""

import importlib.util
from pathlib import Path

from acme_exchange.engine import Refused


def file_of_package(package: str, *path: str) -> Path:
    """Where a package has a file. The package itself, and what it needs, is not loaded.

    :param path: below the package's folder.
    :raises Refused: 404, the package is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise Refused(404, f"The package {package} is not installed; install what setup.py names")
    return Path(found.origin).parent.joinpath(*path)
