"""The steps of a Dockerfile, carried out in a folder that stands for the image's root."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]
STEP = re.compile(r"^([A-Z]+) (.+)$", re.MULTILINE)
CONTINUED = re.compile(r"\\\n *")
ABSOLUTE = re.compile(r"(?<![\w.}])(?=/(?:home|etc|opt|hummingbot-api|data)\b)")


@dataclass
class Stage:
    """One `FROM` and what follows it.

    :ivar base: what it begins with: an image, or a stage before it
    :ivar steps: (instruction, the rest of its line), in order
    """

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, kind: str) -> list[str]:
        return [text for name, text in self.steps if name == kind]

    @property
    def environment(self) -> dict[str, str]:
        return dict(text.split("=", 1) for text in self.all("ENV"))


def stages(dockerfile: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name; one without a name has the empty one."""
    found: dict[str, Stage] = {}
    for name, text in STEP.findall(CONTINUED.sub("", dockerfile.read_text(encoding="utf-8"))):
        if name == "FROM":
            base, _, alias = text.partition(" AS ")
            stage = found[alias] = Stage(base)
        else:
            stage.steps.append((name, text))
    return found


def carry_out(
    stage: Stage, root: Path, context: Path, sources: Mapping[str, Path] = {}, leaving_out: str | None = None
) -> None:
    """Copies and runs what a stage says, in the folder that stands for the root of its image.

    :param root: has what the stage begins with already
    :param context: the folder that is built in
    :param sources: what `COPY --from=NAME` means
    :param leaving_out: a part of the commands that are not run
    """
    folder = root
    for name, text in stage.steps:
        if name == "WORKDIR":
            folder = root / text.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            _copy(text, root, folder, context, sources)
        elif name == "RUN" and not (leaving_out and leaving_out in text):
            command = ABSOLUTE.sub(shlex.quote(str(root)), text)
            subprocess.run(["sh", "-euc", command], cwd=folder, check=True)


def _copy(text: str, root: Path, folder: Path, context: Path, sources: Mapping[str, Path]) -> None:
    origin = context
    if text.startswith("--from="):
        name, text = text.removeprefix("--from=").split(" ", 1)
        origin = sources[name]
    *copied, target = text.split()
    place = root / target.lstrip("/") if target.startswith("/") else folder / target
    for each in copied:
        source = origin / each
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            into = place / source.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, into)
