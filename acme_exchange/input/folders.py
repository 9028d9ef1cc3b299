"""Makes folders for their owner alone, which outlast a power cut."""

import os
from pathlib import Path

DATABASE_FILE = "venue.sqlite"
"""In a folder where a venue keeps what it has."""


def make_directory(path: Path) -> None:
    """Makes it and those above it, its owner's alone, and waits until the disk has them.

    :raises OSError: it cannot be made.
    """
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in missing:
        sync_directory(made.parent)


def sync_directory(path: Path) -> None:
    """Waits until the disk knows the names in a directory."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
