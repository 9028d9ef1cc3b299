"""The steps of `Dockerfile`, carried out in a folder instead of an image."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
STEPS = re.findall(r"^([A-Z]+) (.+)$", (PROJECT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)

PINNED = {
    f"{canonicalize_name(name)}=={version}"
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)", (PROJECT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
}


def steps(kind: str) -> list[str]:
    return [text for name, text in STEPS if name == kind]


def alone(packages: Path, *more: Path) -> dict[str, str]:
    """An environment in which Python finds those packages, started with -S."""
    path = os.pathsep.join(map(str, (*more, packages)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """What is copied into the image, and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    for copied in steps("COPY"):
        *sources, target = copied.split()
        for source in sources:
            into = folder / target if target != "./" else folder / source
            copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
            copy(PROJECT / source, into)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """What the step that installs packages installs: those of the file alone, at the pinned versions."""
    folder = tmp_path_factory.mktemp("packages")
    asked = (PROJECT / "requirements-venue.txt").read_text(encoding="utf-8")
    for name in (line for line in asked.splitlines() if not line.startswith("#")):
        found = distribution(name)
        assert f"{canonicalize_name(name)}=={found.version}" in PINNED
        for top in {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(found.locate_file(top))
    return folder


def test_what_is_copied_is_let_through_to_the_builder():
    let_through = (PROJECT / ".dockerignore").read_text().splitlines()

    assert let_through[0] == "*"
    assert {f"!{source}" for copied in steps("COPY") for source in copied.split()[:-1]} <= set(let_through)


def test_the_version_of_python_is_the_one_that_the_packages_are_pinned_for():
    base = steps("FROM")[0]

    assert re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-\w+", base)[1] == "{}.{}".format(*sys.version_info)


def test_the_packages_come_from_the_files_that_are_there_then():
    install = next(step for step in steps("RUN") if "uv pip install" in step)
    used = set(re.findall(r"\S+\.txt", install))
    before = [text for _, text in STEPS[: STEPS.index(("RUN", install))]]

    assert used == {"requirements-venue.txt", "constraints.txt"}
    assert all(any(name in text for text in before) for name in used)


def test_the_command_serves_the_venue_and_its_page_from_what_was_copied_and_installed(image, packages, tmp_path):
    command = json.loads(steps("CMD")[0])
    assert command[0] == "python" and f"--host {'0.0.0.0'}" in " ".join(command)
    assert steps("VOLUME") == ["/data"] and "/data" in command
    # -S leaves out what is installed here; the venue itself is installed there neither.
    inside = [
        sys.executable,
        "-S",
        *("127.0.0.1" if each == "0.0.0.0" else each for each in command[1:]),
        "--port",
        "0",
    ]
    inside = [str(tmp_path) if each == "/data" else each for each in inside]
    served = subprocess.Popen(inside, cwd=image, env=alone(packages), stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", served.stdout.readline())[0]
        with urllib.request.urlopen(f"{url}/") as page:
            assert "text/html" in page.headers["Content-Type"]
        with urllib.request.urlopen(f"{url}/api/markets") as markets:
            assert json.load(markets)["success"] is True
    finally:
        served.terminate()
        served.wait()
    assert (tmp_path / "accounts.json").exists()


@pytest.mark.parametrize("module", ["acme_exchange", "acme_bot"])
def test_what_opens_the_market_needs_no_more_than_that(module, packages, tmp_path):
    asked = subprocess.run(
        [sys.executable, "-S", "-m", module, "--version"],
        cwd=tmp_path,
        env=alone(packages, PROJECT),
        capture_output=True,
        text=True,
    )

    assert (asked.returncode, asked.stderr) == (0, "")
