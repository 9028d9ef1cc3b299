"""How far a compilation is, by what it has printed."""

import pytest

from tools import install
from tools.install import InstallationError, Progress, run

TRANSLATED = b"  [%2d/60] Cythonizing hummingbot/core/clock.pyx\n"
COMPILING = b"  building 'hummingbot.core.clock' extension\n"


def progress(began: float = 0.0) -> Progress:
    made = Progress("compiling")
    made._began = began
    return made


def test_before_anything_is_known_there_is_the_time():
    assert progress().line(b"Collecting hummingbot\n", now=7.0) == "compiling: 7 s"


def test_translating_is_a_part_of_it_that_takes_less_time():
    watched = progress()
    watched.line(TRANSLATED % 1, now=0.0)
    output = b"".join(TRANSLATED % number for number in range(1, 31))

    # A second each so far: 30 s more of that, and 180 s to compile.
    assert watched.line(output, now=30.0) == "compiling: module 30 of 60 translated, about 4 minutes left"


def test_compiling_tells_the_module_and_the_time_that_is_left():
    watched = progress()
    translated = b"".join(TRANSLATED % number for number in range(1, 61))
    watched.line(translated + COMPILING, now=60.0)

    assert watched.line(translated + COMPILING * 31, now=120.0) == "compiling: module 31 of 60, about 1 minute left"
    assert watched.line(translated + COMPILING * 60, now=178.0).endswith("module 60 of 60, less than a minute left")


@pytest.fixture
def commands(monkeypatch) -> list[str]:
    """What would be run; uv does not succeed."""
    made: list[str] = []

    def note(title: str, *command: object, environment: object = None) -> None:
        made.append(" ".join(map(str, command)))
        if command[0] == "uv":
            raise InstallationError(f"{title} failed")

    monkeypatch.setattr(install, "run", note)
    monkeypatch.setattr(install, "require_pip", lambda installer: None)
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return made


@pytest.mark.parametrize("uv", ["uv", None])
def test_what_uv_cannot_install_and_where_there_is_none_pip_does(uv, commands, monkeypatch):
    monkeypatch.setenv("PIP_CONSTRAINT", "to be put back")

    install.Installer(uv).install(
        "installing", "--build-constraints", "constraints.txt", "-r", "others.txt", "--reinstall"
    )

    assert commands[-1] == (
        ".venv/bin/python -m pip install --disable-pip-version-check -r others.txt --force-reinstall"
    )
    assert install.os.environ["PIP_CONSTRAINT"] == "constraints.txt"
    assert len(commands) == (2 if uv else 1)


def test_a_package_that_pypi_has_is_not_compiled(commands, monkeypatch, tmp_path):
    wheel = tmp_path / "hummingbot-20260922-cp312-cp312-macosx_14_0_arm64.whl"
    monkeypatch.setattr(install, "wheel_cache", lambda: tmp_path)
    monkeypatch.setattr(install, "installed_version", lambda name: None)
    monkeypatch.setattr(install, "moved", lambda place, wheels: wheel)

    install.install_hummingbot(install.Installer(None), "hummingbot==20260922")

    assert "pip download" in commands[0] and "--only-binary=:all:" in commands[0]
    assert commands[-1].endswith(f"--no-deps {wheel}") and not any("pip wheel" in command for command in commands)


def test_one_that_is_installed_already_is_left_alone(commands, monkeypatch):
    monkeypatch.setattr(install, "installed_version", lambda name: "20260922")

    install.install_hummingbot(install.Installer(None), "hummingbot==20260922")

    assert commands == []


def test_a_command_that_fails_is_told_with_the_end_of_what_it_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".venv").mkdir()

    with pytest.raises(InstallationError, match="^looking failed; its whole output is in") as failed:
        run("looking", "sh", "-c", "echo no such thing; exit 3")
    assert failed.value.output == "no such thing"
