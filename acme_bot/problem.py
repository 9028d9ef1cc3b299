"""`Problem`: the exception that ends a command of `acme-bot` with a sentence instead of a traceback."""

import shlex
from pathlib import Path


def quoted(path: Path) -> str:
    """A path as it can be pasted into a shell."""
    return shlex.quote(str(path))


class Problem(Exception):
    """What is wrong, and what to do about it, in words for the user. The command line prints it and exits with 1."""
