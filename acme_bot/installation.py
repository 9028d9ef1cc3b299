"""Copies the connector, its candles and their tests into a Hummingbot source tree, and removes them again.

Nothing of Hummingbot's own is changed. What was put in is written down with its hashes, in a file of the tree's root,
so that exactly that is taken out, and nothing that was changed since.
"""

import base64
import csv
import filecmp
import hashlib
import importlib.metadata
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from acme_bot.workspace import WorkspaceError, installed_hummingbot

DISTRIBUTION = "hummingbot-acme-perpetual"
MANIFEST = ".acme-perpetual.json"
PACKAGES = (
    Path("hummingbot", "connector", "derivative", "acme_perpetual"),
    Path("hummingbot", "data_feed", "candles_feed", "acme_perpetual_candles"),
)
SIGNS_OF_A_TREE = (
    "setup.py",
    "hummingbot/VERSION",
    "hummingbot/connector/derivative",
    "hummingbot/data_feed/candles_feed",
    "test/hummingbot",
)
VERSION_IN_SETUP = re.compile(r"""^\s*version\s*=\s*["']([^"']+)["']""", re.MULTILINE)
MOST_NAMED = 5


@dataclass(frozen=True)
class Manifest:
    """What was put into a tree: the version of this project, and the hash of each file by its path in the tree."""

    version: str
    files: dict[str, str]


def install(root: Path) -> list[str]:
    """Lays this project's folders into the Hummingbot source tree `root`, or brings them up to date there.

    Returns the paths of the files, relative to `root`. Raises `WorkspaceError` when `root` is no source tree, of a
    version that was not tested, or has files in the way: nothing has been changed then.
    """
    root = require_tree(root)
    version = tree_version(root)
    if version not in supported_versions():
        raise WorkspaceError(
            f"{root} is Hummingbot {version}, and this connector was tested with "
            f"{supported_versions()}: check out one of those."
        )
    earlier = read_manifest(root)
    sources = _sources()
    known = earlier.files if earlier else {}
    in_the_way = [name for name in sources if (root / name).exists() and file_hash(root / name) != known.get(name)]
    if in_the_way:
        raise WorkspaceError(
            f"{root} has files in the way that this project did not put there, or that were changed since: "
            f"{named(in_the_way)}. Move them away."
        )
    # What was put in is on record first: an interrupted run can be repeated, and undone.
    hashes = {name: file_hash(source) for name, source in sources.items()}
    _write_manifest(root, Manifest(importlib.metadata.version(DISTRIBUTION), known | hashes))
    _remove_unchanged(root, {name: known[name] for name in known.keys() - hashes.keys()})
    for name, source in sources.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        _copy_whole(source, root / name)
    _write_manifest(root, Manifest(importlib.metadata.version(DISTRIBUTION), hashes))
    return sorted(sources)


def uninstall(root: Path) -> tuple[list[str], list[str]]:
    """Takes out of the tree `root` what `install` put in.

    Returns the files taken out, and those left because they were changed since, relative to `root`. Raises
    `WorkspaceError` when nothing was put in.
    """
    root = root.expanduser().resolve()
    manifest = read_manifest(root)
    if manifest is None:
        raise WorkspaceError(f"{root} has no {MANIFEST}: nothing was put into it with `acme-bot install`.")
    taken, left = _remove_unchanged(root, manifest.files)
    (root / MANIFEST).unlink()
    return taken, left


def require_tree(root: Path) -> Path:
    """The absolute path of a Hummingbot source tree. Raises `WorkspaceError`, with what is missing, when it is none."""
    root = root.expanduser().resolve()
    missing = [name for name in SIGNS_OF_A_TREE if not (root / name).exists()]
    if missing:
        raise WorkspaceError(
            f"{root} is no Hummingbot source tree: it has no {', '.join(missing)}. "
            "Name the folder that `git clone` of Hummingbot made."
        )
    return root


def tree_version(root: Path) -> Version:
    """The version that a source tree's `setup.py` gives its package, such as 20260729. Raises `WorkspaceError`."""
    found = VERSION_IN_SETUP.search((root / "setup.py").read_text(encoding="utf-8"))
    try:
        return Version(found[1] if found else "none")
    except InvalidVersion:
        raise WorkspaceError(f"{root / 'setup.py'} does not say which version of Hummingbot it is of.") from None


def supported_versions() -> SpecifierSet:
    """The versions of Hummingbot that this project was tested with, ."""
    return next(required.specifier for required in requirements() if required.name == "hummingbot")


def requirements() -> list[Requirement]:
    """What this project's installation needs besides itself, its tests left out."""
    every = map(Requirement, importlib.metadata.requires(DISTRIBUTION) or ())
    return [required for required in every if required.marker is None or required.marker.evaluate({"extra": ""})]


def read_manifest(root: Path) -> Manifest | None:
    """What was put into a tree; None when nothing was. Raises `WorkspaceError` when its record cannot be read."""
    path = root / MANIFEST
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(digest) for name, digest in record["files"].items()}
        if any(Path(name).is_absolute() or ".." in Path(name).parts for name in files):
            raise ValueError
        return Manifest(str(record["version"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise WorkspaceError(
            f"{path} is not as `acme-bot install` wrote it: remove it, and the acme_perpetual folders "
            "beneath hummingbot and test, and install again."
        ) from None


def changed_files(root: Path, manifest: Manifest) -> list[str]:
    """The files that were put in and are not there as they were."""
    return [
        name
        for name, digest in manifest.files.items()
        if not (root / name).is_file() or file_hash(root / name) != digest
    ]


def outdated_files(manifest: Manifest) -> list[str]:
    """The files that installing now would change."""
    now = {name: file_hash(source) for name, source in _sources().items()}
    return sorted(name for name in now.keys() | manifest.files.keys() if now.get(name) != manifest.files.get(name))


def altered_files() -> list[str]:
    """The modules of this project that are not as they were when it was installed: their paths beneath
    `site-packages`."""
    record = importlib.metadata.distribution(DISTRIBUTION).read_text("RECORD") or ""
    # Not what lies elsewhere, such as the commands: they name the interpreter, and change when an environment is moved.
    return [
        name
        for name, digest, _ in csv.reader(record.splitlines())
        if name.endswith(".py") and not name.startswith("..") and digest not in ("", _recorded_hash(_installed(name)))
    ]


def installed_from() -> Path | None:
    """The folder that this project was installed from; None when it was no folder, or is none any more."""
    try:
        record = json.loads(importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
        address = urlsplit(record["url"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    folder = Path(unquote(address.path))
    return folder if address.scheme == "file" and folder.is_dir() else None


def newer_files(source: Path) -> list[str]:
    """The connector's modules that are in the folder `source`, and not so in the installation that was made from
    there."""
    names = (path.relative_to(source) for folder in PACKAGES for path in sorted((source / folder).glob("*.py")))
    return [str(name) for name in names if not _has_same_text(source / name, _installed(name))]


def file_hash(path: Path) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def named(names: list[str]) -> str:
    """Some of the names, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _installed(name: str | Path) -> Path:
    """Where a file of this project is installed."""
    return Path(str(importlib.metadata.distribution(DISTRIBUTION).locate_file(name)))


def _recorded_hash(path: Path) -> str | None:
    """The hash of a file as an installation's `RECORD` has it; None when there is no such file."""
    if not path.is_file():
        return None
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")


def _has_same_text(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)


def _sources() -> dict[str, Path]:
    """Where each file comes from, by its path in a tree."""
    package = installed_hummingbot()
    folders = {each: package.parent / each for each in PACKAGES} | {
        "test" / each: _tests() / each.relative_to("hummingbot") for each in PACKAGES
    }
    return {
        str(target / path.relative_to(source)): path
        for target, source in folders.items()
        for path in sorted(source.rglob("*.py"))
    }


def _tests() -> Path:
    """The tests of the connector: as installed with this package, or beside it in a checkout."""
    installed = Path(__file__).with_name("hummingbot_tests")
    return installed if installed.is_dir() else Path(__file__).parents[1] / "test" / "hummingbot"


def _copy_whole(source: Path, target: Path) -> None:
    beside = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, beside)
    beside.replace(target)


def _write_manifest(root: Path, manifest: Manifest) -> None:
    text = json.dumps({"version": manifest.version, "files": dict(sorted(manifest.files.items()))}, indent=1)
    (root / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _remove_unchanged(root: Path, files: dict[str, str]) -> tuple[list[str], list[str]]:
    taken, left = [], []
    for name, digest in sorted(files.items()):
        if not (root / name).exists():
            continue
        if file_hash(root / name) == digest:
            (root / name).unlink()
            taken.append(name)
        else:
            left.append(name)
    for folder in {Path(name).parent for name in files}:
        _remove_if_done_with(root / folder)
    return taken, left


def _remove_if_done_with(folder: Path) -> None:
    """Removes a folder in which nothing is left but what Python compiled."""
    if folder.is_dir() and all(path.name == "__pycache__" for path in folder.iterdir()):
        shutil.rmtree(folder)
