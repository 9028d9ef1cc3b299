"""Fills `.venv`, which `tools/bootstrap` has made: the venue's packages first, then Hummingbot and all others.

uv installs, the one on the PATH or one from PyPI; where it cannot be had, pip does. Hummingbot is compiled unless PyPI
or an earlier run has a package of it for this machine. Runs with nothing but Python's own library.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = Path("constraints.txt")
VENUE_REQUIREMENTS = Path("requirements-venue.txt")
VENUE_DONE = VENV / ".venue-installed"
DEPENDENCIES_DONE = VENV / ".dependencies-installed"
PROJECT_DONE = VENV / ".project-installed"
FOREIGN_CLIENTS = VENV / "foreign-clients"
FOREIGN_CLIENTS_REQUIREMENTS = Path("test", "foreign_clients", "requirements.txt")
SOURCES = ("setup.py", "pyproject.toml", "hummingbot", "acme_exchange", "acme_bot", "test/hummingbot")
LOG = VENV / "bootstrap.log"
TELL_SECONDS = 5
SHOWN_LINES = 25
UV = "uv>=0.8"

# Lines of the build, by which its progress is known: what Cython makes of each module, and the compiler of that.
TRANSLATED = re.compile(rb"^\s*\[\s*(\d+)/(\d+)\] Cythonizing", re.MULTILINE)
COMPILING = re.compile(rb"^\s*building '[\w.]+' extension", re.MULTILINE)
# To compile a module takes about so many times as long as to translate it.
COMPILING_TO_TRANSLATING = 3.0
ENOUGH_MODULES = 5


class InstallationError(Exception):
    """Why it does not go on, and what to do, in a sentence.

    :ivar output: what a command that failed printed last.
    """

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


class Installer:
    """uv or pip, for this environment."""

    def __init__(self, uv: str | None) -> None:
        self.uv = uv

    def install(self, title: str, *arguments: object) -> None:
        """Raises `InstallationError`. What uv cannot install, for instance because only pip knows where to find it, pip
        is asked for."""
        if self.uv is not None:
            try:
                run(title, self.uv, "pip", "install", "--python", PYTHON, *arguments)
                return
            except InstallationError:
                say(f"  uv could not do it; {title} with pip ...")
        require_pip(self)
        run(title, PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *_for_pip(arguments))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venue", action="store_true", help="stop as soon as the venue can run")
    parser.add_argument("--bot", action="store_true", help="stop as soon as a bot can run")
    options = parser.parse_args()
    os.chdir(PROJECT)
    try:
        with alone():
            fill(options)
    except InstallationError as error:
        print("\n".join(filter(None, (error.output, f"bootstrap: {error}"))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"bootstrap: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def fill(options: argparse.Namespace) -> None:
    if not has_text(DEPENDENCIES_DONE, CONSTRAINTS.read_text()):
        installer = Installer(find_uv())
        install_venue(installer)
        if options.venue:
            return
        install_dependencies(installer)
    if options.venue:
        return
    install_project()
    if not options.bot:
        install_foreign_clients()


@contextmanager
def alone() -> Iterator[None]:
    """Waits until no other process fills this environment."""
    with (VENV / ".being-filled").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another command that fills .venv ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_venue(installer: Installer) -> None:
    wanted = VENUE_REQUIREMENTS.read_text() + CONSTRAINTS.read_text()
    if has_text(VENUE_DONE, wanted):
        return
    say("Installing what the venue needs ...")
    installer.install("installing packages", "--no-deps", "-r", VENUE_REQUIREMENTS, "-c", CONSTRAINTS)
    VENUE_DONE.write_text(wanted)


def install_dependencies(installer: Installer) -> None:
    wanted = CONSTRAINTS.read_text()
    hummingbot = next(line for line in wanted.splitlines() if line.startswith("hummingbot=="))
    others = VENV / "others.txt"
    others.write_text(wanted.replace(hummingbot, ""))
    say("Installing the packages that Hummingbot needs ...")
    PROJECT_DONE.unlink(missing_ok=True)
    installer.install("installing packages", "--build-constraints", CONSTRAINTS, "-r", others)
    require_pip(installer)
    install_hummingbot(installer, hummingbot)
    DEPENDENCIES_DONE.write_text(wanted)


def install_hummingbot(installer: Installer, hummingbot: str) -> None:
    """From PyPI or from what an earlier run has compiled; else it is compiled, and kept for the next environment."""
    version = hummingbot.partition("==")[2]
    if installed_version("hummingbot") == version:
        return
    wheels = wheel_cache()
    ready = next(iter(sorted(wheels.glob(f"hummingbot-{version}-cp312-*.whl"))), None)
    if ready is None:
        ready = download_hummingbot(hummingbot, wheels) or build_hummingbot(hummingbot, wheels)
    else:
        say(f"Installing the Hummingbot that was compiled earlier ({wheels}) ...")
    installer.install("installing Hummingbot", "--no-deps", ready)


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def wheel_cache() -> Path:
    """Where compiled packages are kept for this kind of machine; in `.venv` where the user's cache cannot be
    written."""
    default = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser()
    kind = "-".join(filter(None, (platform.machine(), *platform.libc_ver())))
    place = Path(os.environ.get("XDG_CACHE_HOME") or default, "acme-perpetual", "wheels", kind)
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError:
        place = VENV / "wheels"
        place.mkdir(exist_ok=True)
    return place


def download_hummingbot(hummingbot: str, wheels: Path) -> Path | None:
    """The package that PyPI has for this machine, if it has one."""
    with tempfile.TemporaryDirectory(dir=wheels) as place:
        command = (PYTHON, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
        try:
            run("looking for Hummingbot's package", *command, "-d", place, hummingbot)
        except InstallationError:
            return None
        return moved(Path(place), wheels)


def build_hummingbot(hummingbot: str, wheels: Path) -> Path:
    require_compiler()
    cores = os.cpu_count() or 1
    say(
        f"Compiling Hummingbot for this machine, for which PyPI has no package of it, on {cores} "
        f"{'core' if cores == 1 else 'cores'}: a few minutes, once."
    )
    with tempfile.TemporaryDirectory(dir=wheels) as place:
        settings = Path(place, "build.cfg")
        settings.write_text(f"[build_ext]\nparallel = {cores}\n")
        environment = {"DIST_EXTRA_CONFIG": str(settings), "CFLAGS": f"{os.environ.get('CFLAGS', '')} -g0".strip()}
        command = (
            PYTHON,
            "-m",
            "pip",
            "wheel",
            "--disable-pip-version-check",
            "-v",
            "--no-deps",
            "--no-build-isolation",
        )
        run("compiling", *command, "--no-binary", "hummingbot", "-w", place, hummingbot, environment=environment)
        return moved(Path(place), wheels)


def moved(place: Path, wheels: Path) -> Path:
    """The wheel in `place`, now in `wheels`: there is none before it is whole."""
    wheel = next(place.glob("*.whl"))
    return wheel.replace(wheels / wheel.name)


def require_compiler() -> None:
    for compiler in ("cc", "c++"):
        if shutil.which(compiler) is None:
            raise InstallationError(
                f"Hummingbot is compiled here and no {compiler} was found: install a C and C++ compiler "
                "(Debian and Ubuntu: apt-get install build-essential; macOS: xcode-select --install)."
            )
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise InstallationError(
            "Hummingbot is compiled here and Python's headers are missing: install them (Debian and Ubuntu: "
            f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-dev)."
        )


def find_uv() -> str | None:
    """The uv to install with; None when there is none and none can be had."""
    own = VENV / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is not None:
        return found
    base = getattr(sys, "_base_executable", sys.executable)
    for command in ((base, "-m", "pip", "--python", PYTHON), (PYTHON, "-m", "pip")):
        if command[0] == PYTHON:
            subprocess.run([PYTHON, "-m", "ensurepip"], check=False, stdout=subprocess.DEVNULL)
        try:
            run("installing uv", *command, "install", "--disable-pip-version-check", UV)
        except InstallationError:
            continue
        return str(own)
    return None


def require_pip(installer: Installer) -> None:
    if subprocess.run([PYTHON, "-c", "import pip"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
        return
    if installer.uv is not None:
        run("installing pip", installer.uv, "pip", "install", "--python", PYTHON, "pip")
    else:
        run("installing pip", PYTHON, "-m", "ensurepip")


def install_foreign_clients() -> None:
    """Clients that others wrote, for the tests that run them against the venue."""
    wanted = FOREIGN_CLIENTS_REQUIREMENTS.read_text()
    if has_text(FOREIGN_CLIENTS / "requirements.txt", wanted):
        return
    say("Installing the clients that others wrote, for tests ...")
    shutil.rmtree(FOREIGN_CLIENTS, ignore_errors=True)
    Installer(find_uv()).install(
        "installing packages", "--no-deps", "--target", FOREIGN_CLIENTS, "-r", FOREIGN_CLIENTS_REQUIREMENTS
    )
    (FOREIGN_CLIENTS / "requirements.txt").write_text(wanted)


def install_project() -> None:
    """The connector is copied, not linked: Hummingbot's loader finds it on disk, so every change is installed again."""
    installing = project_files()
    if has_text(PROJECT_DONE, installing):
        return
    say("Installing this project over Hummingbot ...")
    clear_build()
    installer = Installer(find_uv())
    installer.install("installing this project", "--no-deps", "--no-build-isolation", "--reinstall", ".")
    clear_build()
    PROJECT_DONE.write_text(installing)


def project_files() -> str:
    """Where the project is, and a line for each file that is installed of it: its commands name the folder they are
    in."""
    files = (
        file
        for source in map(Path, SOURCES)
        for file in (sorted(source.rglob("*")) if source.is_dir() else [source])
        if file.is_file() and file.suffix != ".pyc"
    )
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file}" for file in files]
    return "\n".join([str(PROJECT), *lines, ""])


def clear_build() -> None:
    for path in (Path("build"), *Path().glob("*.egg-info")):
        shutil.rmtree(path, ignore_errors=True)


def has_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def run(title: str, *command: object, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command with its output in the log, and a line about how far it is while it lasts.

    Raises `InstallationError` when it fails, with the end of what it said.
    """
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    progress = Progress(title)
    try:
        while True:
            try:
                status = process.wait(TELL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f"  {progress.line(LOG.read_bytes(), time.monotonic())}")
    finally:
        process.kill()
    if status != 0:
        end = "\n".join(LOG.read_text(errors="replace").splitlines()[-SHOWN_LINES:])
        raise InstallationError(
            f"{title} failed; its whole output is in {LOG}. Run the same command again to continue.", end
        )


class Progress:
    """How far a command is, by what it has printed so far."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began = time.monotonic()
        self._translating_since: float | None = None
        self._compiling_since: float | None = None

    def line(self, output: bytes, now: float) -> str:
        """`now` is in seconds of the monotonic clock."""
        translated, compiling = TRANSLATED.findall(output), len(COMPILING.findall(output))
        if not translated:
            return f"{self._title}: {now - self._began:.0f} s"
        total = int(translated[0][1])
        if self._translating_since is None:
            self._translating_since = now
        if compiling == 0:
            each = (now - self._translating_since) / len(translated)
            left = each * (total - len(translated)) + each * COMPILING_TO_TRANSLATING * total
            return f"{self._title}: module {len(translated)} of {total} translated{_about(left, len(translated))}"
        if self._compiling_since is None:
            self._compiling_since = now
        # The line comes before a module is compiled.
        done = compiling - 1
        left = (now - self._compiling_since) / max(done, 1) * (total - done)
        return f"{self._title}: module {compiling} of {total}{_about(left, done)}"


def _about(seconds: float, done: int) -> str:
    """How long it will still take, in words; nothing before there is enough to tell by."""
    if done < ENOUGH_MODULES:
        return ""
    minutes = round(seconds / 60)
    return f", about {minutes} minute{'s' if minutes > 1 else ''} left" if minutes else ", less than a minute left"


def _for_pip(arguments: Sequence[object]) -> list[object]:
    """The same for pip, which takes constraints of builds from the environment, and has another word for anew."""
    found = list(arguments)
    if "--build-constraints" in found:
        at = found.index("--build-constraints")
        os.environ["PIP_CONSTRAINT"] = str(found[at + 1])  # relative: pip splits it at spaces
        del found[at : at + 2]
    return ["--force-reinstall" if each == "--reinstall" else each for each in found]


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
