"""Finds what is wrong with an installation, a workspace or a source tree, and says how to mend it."""

import filecmp
import importlib.metadata
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from acme_bot.hbot import CONNECTOR, SECOND_CONNECTOR
from acme_bot.installation import (
    DISTRIBUTION,
    PACKAGES,
    altered_files,
    changed_files,
    installed_from,
    named,
    newer_files,
    outdated_files,
    read_manifest,
    require_tree,
    requirements,
    supported_versions,
    tree_version,
)
from acme_bot.problem import quoted
from acme_bot.server import DEFAULT_SERVER, reason_of_silence
from acme_bot.workspace import MARKER, WorkspaceError, installed_hummingbot, is_workspace

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Finding:
    """Something wrong, and what to do about it: a sentence each, without a secret."""

    problem: str
    mend: str


def examine(place: Path | None) -> Iterator[Finding]:
    """What is wrong with this Python's installation, and with the workspace or source tree `place`.

    Raises `WorkspaceError` when `place` is neither.
    """
    yield from _python()
    if place is None:
        return
    place = place.expanduser().resolve()
    yield from _workspace(place) if is_workspace(place) else _tree(require_tree(place))
    yield from _keys(place)
    yield from _servers(place)


def _python() -> Iterator[Finding]:
    try:
        needed = requirements()
    except importlib.metadata.PackageNotFoundError:
        yield Finding(f"{DISTRIBUTION} is not installed for this Python.", "Run `pip install .` in this project.")
        return
    for required in needed:
        try:
            version = importlib.metadata.version(required.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(f"{required.name} is not installed for this Python.", f"Run `pip install '{required}'`.")
            continue
        if not required.specifier.contains(version, prereleases=True):
            yield Finding(
                f"{required.name} {version} is installed, and this project was tested with {required.specifier}.",
                f"Run `pip install '{required}'`.",
            )
    try:
        installed_hummingbot()
    except WorkspaceError as error:
        problem, mend = str(error).split(": ", 1)
        yield Finding(f"{problem}.", mend[0].upper() + mend[1:])
        return
    yield from _own_files()


def _own_files() -> Iterator[Finding]:
    """What has become of this project's own files: another copy may have been laid over them, or the project be
    newer."""
    altered = altered_files()
    if altered:
        yield Finding(
            f"The installed {DISTRIBUTION} has files that were changed or removed since: {named(altered)}.",
            "Run `pip install --no-deps .` in this project.",
        )
    source = installed_from()
    newer = [name for name in newer_files(source) if name not in altered] if source else []
    if newer:
        # Without the folder `build`, in which pip would find what it built the last time.
        yield Finding(
            f"{source} is not what was installed from it: {named(newer)}.",
            "Run `rm -rf build && pip install --no-deps .` in it.",
        )


def _workspace(place: Path) -> Iterator[Finding]:
    refresh = f"Stop its bots and run `acme-bot workspace {quoted(place)}`."
    made_of = (place / MARKER).read_text(encoding="utf-8").strip()
    installed = f"Hummingbot {importlib.metadata.version('hummingbot')}"
    if made_of != installed:
        yield Finding(f"{place} was made of {made_of}, and {installed} is installed.", refresh)
    try:
        package = installed_hummingbot()
    except WorkspaceError:
        return  # said already
    stale = [str(path.relative_to(package)) for path in _modules(package) if not _is_same(path, place, package)]
    if stale:
        yield Finding(f"{place} has an older copy of what is installed: {named(stale)}.", refresh)


def _modules(package: Path) -> Iterator[Path]:
    yield package / "VERSION"
    for folder in PACKAGES:
        yield from sorted((package.parent / folder).rglob("*.py"))


def _is_same(path: Path, place: Path, package: Path) -> bool:
    copy = place / "hummingbot" / path.relative_to(package)
    return copy.is_file() and (copy.samefile(path) or filecmp.cmp(copy, path, shallow=False))


def _tree(root: Path) -> Iterator[Finding]:
    install = f"Run `acme-bot install {quoted(root)}`."
    version = tree_version(root)
    if version not in supported_versions():
        yield Finding(
            f"{root} is Hummingbot {version}, and this connector was tested with {supported_versions()}.",
            "Check out one of those.",
        )
    manifest = read_manifest(root)
    if manifest is None:
        yield Finding(f"{root} has no Acme connector that `acme-bot install` put there.", install)
        return
    changed = changed_files(root, manifest)
    if changed:
        yield Finding(
            f"{root} has files that were changed or removed since they were put there: {named(changed)}.",
            f"Keep your changes elsewhere, then run `acme-bot uninstall {quoted(root)}` and "
            f"`acme-bot install {quoted(root)}`.",
        )
    outdated = outdated_files(manifest)
    if outdated:
        yield Finding(f"{root} has another version of the connector than this project: {named(outdated)}.", install)


def _keys(place: Path) -> Iterator[Finding]:
    """The encrypted keys, where others on this machine could read them: neither they nor a folder above keeps them
    out."""
    for path in sorted((place / "conf" / "connectors").glob("*.yml")):
        folders = [path, *path.parents][: [path, *path.parents].index(place) + 1]
        if all(each.stat().st_mode & OTHERS for each in folders):
            yield Finding(
                f"{path} can be read by others on this machine; it holds your keys, encrypted.",
                f"Run `chmod 700 {quoted(path.parent)}`.",
            )


def _servers(place: Path) -> Iterator[Finding]:
    for connector in (CONNECTOR, SECOND_CONNECTOR):
        settings = place / "conf" / "connectors" / f"{connector}.yml"
        # Without a connection the first one's server is the usual one, and there is no second.
        if settings.exists() or connector == CONNECTOR:
            yield from _server(settings, connector)


def _server(settings: Path, connector: str) -> Iterator[Finding]:
    try:
        values = yaml.safe_load(settings.read_text(encoding="utf-8")) if settings.exists() else {}
        server = (values or {}).get(f"{connector}_server") or DEFAULT_SERVER
    except (OSError, yaml.YAMLError, AttributeError):
        yield Finding(f"{settings} cannot be read.", f"Remove it, and run `connect {connector}` again.")
        return
    reason = reason_of_silence(server)
    if reason is not None:
        yield Finding(
            f"The server {server} does not answer as an Acme server ({reason}).",
            f"Start it (on this machine: `acme-exchange serve`), or name another with `connect {connector}`.",
        )
