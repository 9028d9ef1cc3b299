"""`tools/bootstrap` in a folder with spaces in its name: which Python it takes, and what it has uv do.

uv is a script here that writes down what it is asked for: what it really installs is in the environment that runs this.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
NAMES_OF_PACKAGES = {"yaml": "pyyaml"}
HUMMINGBOT = "hummingbot==20260922"


def write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def other_python(path: Path, version: str, is_suitable: bool = False) -> Path:
    """A Python that says that it is another one."""
    status = 0 if is_suitable else 1
    return write_script(
        path,
        f'[ "$1" = --version ] && echo Python {version} && exit 0\n'
        f'case "$2" in *platform*) echo {version};; *base_prefix*) echo /elsewhere {version};; *) exit {status};; esac',
    )


class Checkout:
    """What the bootstrap needs of the project, with a uv that writes down what it is asked for."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "my projects" / "acme bot"
        self.cache = place / "my cache"
        self._asked = place / "asked"
        for name in ("bootstrap", "install.py"):
            target = self.folder / "tools" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / "tools" / name, target)
        shutil.copy(PROJECT / "requirements-venue.txt", self.folder)
        (self.folder / "constraints.txt").write_text(f"aiohttp==3.13.5\n{HUMMINGBOT}\n")
        for name in ("setup.py", "pyproject.toml"):
            (self.folder / name).touch()
        (self.folder / "test" / "foreign_clients").mkdir(parents=True)
        (self.folder / "test" / "foreign_clients" / "requirements.txt").touch()
        self.commands = place / "commands"
        write_script(self.commands / "uv", f'echo "$*" >> {str(self._asked)!r}')

    def bootstrap(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.folder / "tools" / "bootstrap", *arguments],
            env={
                **os.environ,
                "PATH": f"{self.commands}:{Path(sys._base_executable).parent}:/usr/bin:/bin",
                "XDG_CACHE_HOME": str(self.cache),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def keep_wheel(self) -> Path:
        """Has an earlier environment of this machine compiled Hummingbot. Returns the wheel."""
        asked = [sys._base_executable, "-c", "from tools.install import wheel_cache; print(wheel_cache().resolve())"]
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.cache)}
        place = subprocess.run(asked, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stdout
        wheel = Path(place.strip(), "hummingbot-20260922-cp312-cp312-linux_x86_64.whl")
        wheel.touch()
        return wheel

    @property
    def installed(self) -> list[str]:
        """What uv was asked to install, each time."""
        return [line for line in self._asked.read_text().splitlines() if line.startswith("pip install ")]

    @property
    def version(self) -> str:
        asked = [self.folder / ".venv" / "bin" / "python", "--version"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def test_the_venue_is_installed_first_and_alone_when_that_is_asked_for(checkout):
    done = checkout.bootstrap("--venue")

    assert done.returncode == 0, done.stderr
    assert checkout.installed == [
        "pip install --python .venv/bin/python --no-deps -r requirements-venue.txt -c constraints.txt"
    ]
    assert checkout.bootstrap("--venue").stdout == ""
    assert len(checkout.installed) == 1


def test_what_was_compiled_once_is_installed_and_not_compiled_again(checkout):
    wheel = checkout.keep_wheel()

    done = checkout.bootstrap("--bot")

    assert done.returncode == 0, done.stderr
    asked = checkout.installed
    assert f"pip install --python .venv/bin/python --no-deps {wheel}" in asked
    assert asked[-1].endswith("--no-deps --no-build-isolation --reinstall .")
    assert (checkout.folder / ".venv" / "others.txt").read_text() == "aiohttp==3.13.5\n\n"
    assert checkout.bootstrap("--bot").stdout == ""


def test_what_changes_is_installed_again_and_so_is_a_project_that_moved(checkout, tmp_path):
    checkout.keep_wheel()
    checkout.bootstrap("--bot")

    (checkout.folder / "setup.py").write_text("changed = True")
    assert "Installing this project" in checkout.bootstrap("--bot").stdout

    moved = checkout.folder.rename(tmp_path / "my projects" / "elsewhere")
    checkout.folder = moved
    assert "Installing this project" in checkout.bootstrap("--bot").stdout


def test_without_a_compiler_it_says_which_and_how_to_get_it(checkout):
    write_script(checkout.commands / "only" / "env", "exit 0")
    tools = ("dirname", "sed", "grep", "uname", "env", "sh")
    for tool in tools:
        (checkout.commands / tool).symlink_to(shutil.which(tool))
    python = Path(sys._base_executable)

    done = checkout.bootstrap("--bot", PATH=str(checkout.commands), PYTHON=str(python))

    assert done.returncode == 1
    assert "bootstrap: Hummingbot is compiled here and no cc was found: install a C and C++ compiler" in done.stderr


@pytest.mark.parametrize("version", ["3.13.0", "3.11.7"])
def test_another_version_of_python_is_refused_in_a_sentence(checkout, version):
    done = checkout.bootstrap("--venue", PYTHON=str(other_python(checkout.commands / "python-else", version)))

    assert done.returncode == 1
    assert re.fullmatch(rf"bootstrap: PYTHON=\S+ is Python {version} .* need Python 3.12, .*\n", done.stderr)
    assert not (checkout.folder / ".venv").exists()


def test_an_environment_of_another_version_is_made_anew(checkout):
    other_python(checkout.folder / ".venv" / "bin" / "python", "3.13.0")

    done = checkout.bootstrap("--venue")

    assert done.returncode == 0, done.stderr
    assert ".venv is of Python 3.13.0" in done.stdout
    assert checkout.version.startswith("Python 3.12.")


def test_the_python_that_is_named_is_taken_also_when_there_is_an_environment(checkout):
    other_python(checkout.folder / ".venv" / "bin" / "python", "3.12.0", is_suitable=True)

    done = checkout.bootstrap("--venue", PYTHON=sys._base_executable)

    assert done.returncode == 0, done.stderr
    assert "made anew" in done.stdout and checkout.version.startswith("Python 3.12.")
    assert "made anew" not in checkout.bootstrap("--venue", PYTHON=sys._base_executable).stdout


def test_a_folder_that_cannot_be_written_to_is_a_sentence(checkout):
    temporary = Path(tempfile.gettempdir())
    above = [path for path in checkout.folder.parents if path.is_relative_to(temporary) and path != temporary]
    for path in (*above, *checkout.folder.rglob("*")):
        path.chmod(0o755)
    checkout.folder.chmod(0o555)
    as_nobody = {"user": "nobody"} if os.geteuid() == 0 else {}

    done = subprocess.run(
        ["sh", checkout.folder / "tools" / "bootstrap"], capture_output=True, text=True, check=False, **as_nobody
    )

    assert done.returncode == 1
    assert re.fullmatch(r"bootstrap: .*acme bot cannot be written to, .*\n", done.stderr), done.stderr


def test_the_venue_and_the_demo_need_nothing_that_is_not_in_its_requirements():
    listed = {
        line.lower() for line in (PROJECT / "requirements-venue.txt").read_text().split() if not line.startswith("#")
    }
    allowed = {*sys.stdlib_module_names, "acme_exchange", "acme_bot", *listed, "pydantic_core"}

    found = {
        (file.name, name)
        for folder in ("acme_exchange", "acme_bot")
        for file in sorted((PROJECT / folder).rglob("*.py"))
        if not {"examples", "soak"} & set(file.parts) and file.name not in ("client.py", "open_and_close.py")
        for node in ast.parse(file.read_text()).body
        for name in imported(node)
        if NAMES_OF_PACKAGES.get(name, name.replace("_", "-")) not in allowed and name not in allowed
    }

    assert found == set()


def imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name.split(".")[0] for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").split(".")[0]]
    return []
