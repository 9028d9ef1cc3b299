"""A fleet's parts as `deploy` says, each a process that can be killed and started again."""

import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from acme_bot import tether
from test.deploy import services
from test.deploy.image import PROJECT

REQUIREMENTS = PROJECT / "deploy" / "requirements-api.txt"
READY_SECONDS = 300


class Part:
    """A process, with what it prints in `folder`."""

    def __init__(self, name: str, folder: Path, command: list[str], environment: Mapping[str, str], port: int):
        self.name = name
        self.port = port
        self._folder = folder
        self._command = command
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        return self._folder / f"{self.name}.log"

    def start(self) -> None:
        """Returns as soon as it listens."""
        with self.log.open("a") as log:
            self._process = tether.start(
                self._command, folder=self._folder, environment=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_SECONDS
        while not listens(self.port):
            log = self.log.read_text()[-3000:]
            assert self._process.poll() is None and time.monotonic() < deadline, f"{self.name} did not start:\n{log}"
            time.sleep(0.05)

    def kill(self) -> None:
        """As `kill -9` does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            # PostgreSQL disconnects its clients then; to the others it is Ctrl-C.
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def program(name: str) -> str | None:
    """Where Debian has a program, also those that only the administrator's PATH leads to."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))


def broker(fleet: Path, folder: Path) -> Part:
    """mosquitto, which lets in whoever has the password."""
    port = services.free_port()
    service = services.broker(fleet, folder, port)
    return Part("broker", folder, service.command, service.environment, port)


def database(folder: Path, password: str) -> Part:
    """PostgreSQL, which refuses to run as root: another user then runs it, who has to be let into `folder`."""
    port = services.free_port()
    data = folder / "data"
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    as_user = _as_another_user(folder)
    initdb, postgres = str(program("initdb")), str(program("postgres"))
    options = ["--username=hbot", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync"]
    subprocess.run([*as_user, initdb, *options, str(data)], cwd=folder, check=True, capture_output=True)
    command = [*as_user, postgres, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
    return Part("database", folder, command, {}, port)


def _as_another_user(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    # Who becomes another user has to say again that he ends with his parent.
    return ["setpriv", "--pdeathsig=KILL", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def create_database(port: int, password: str) -> None:
    known = {**os.environ, "PGPASSWORD": password}
    where = ["--host=127.0.0.1", f"--port={port}", "--username=hbot"]
    command = [str(program("createdb")), *where, "hummingbot_api"]
    deadline = time.monotonic() + READY_SECONDS
    while subprocess.run(command, env=known, capture_output=True).returncode != 0:
        assert time.monotonic() < deadline, "PostgreSQL does not take a database"
        time.sleep(0.2)


def venue(fleet: Path, folder: Path) -> Part:
    """The venue over TLS, which always pays the same way of the market, and funding often."""
    port = services.free_port()
    options = ["--port", str(port), "--seed", "7", "--funding-interval", "120"]
    command = [sys.executable, "-m", *services.venue_command(fleet)[1:], *options]
    trusted = fleet / "fleet" / "tls" / "authority.pem"
    return Part("venue", folder, command, {"PYTHONPATH": str(PROJECT), "SSL_CERT_FILE": str(trusted)}, port)


def api(fleet: Path, root: Path, source: Path, ports: Mapping[str, int], docker: Path) -> Part:
    """hummingbot-api as its image and the compose file start it, from the folder of the host where bots are.

    :param root: an empty folder, for what its image has
    :param ports: of the parts that it talks to, by the number of their usual one
    :param docker: the socket of what starts containers
    """
    home = services.bot_image(root, fleet.parent)
    services.carry_out(services.BUILT["api"], root, fleet.parent, {"hummingbot-api": source}, leaving_out="pip install")
    here = root / "hummingbot-api"
    (here / "bots").symlink_to(fleet / "fleet" / "bots")
    shutil.rmtree(home / "data")
    (home / "data").symlink_to(fleet / "fleet" / "api-data")
    port = services.free_port()
    start = here / "start_api.py"
    start.write_text(start.read_text(encoding="utf-8").replace('"8000"', f'"{port}"'), encoding="utf-8")
    environment = {
        **services.environment_of(root, "bot", "api"),
        **services.environment_of_service("api", fleet, ports),
        "DOCKER_HOST": f"unix://{docker}",
    }
    return Part("api", here, [str(api_environment() / "bin" / "python"), start.name], environment, port)


def api_environment() -> Path:
    """A virtual environment of hummingbot-api, made once in the user's cache folder, over this project's own.

    Its packages want others than Hummingbot's in places: each has its own there, and finds the rest here.
    """
    site_packages = Path(platformdirs.__file__).parents[1]
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + str(site_packages).encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("acme-perpetual") / f"fleet-{key}"
    if not (folder / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        python = folder / "bin" / "python"
        (beside,) = folder.glob("lib/python3.*/site-packages")
        (beside / "acme-perpetual.pth").write_text(f"{site_packages}\n")
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
        (folder / ".complete").touch()
    return folder
