"""A fleet's parts, each a process that can be killed and started again: broker, database, venue, hummingbot-api."""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import yaml

from acme_bot import tether
from acme_bot.compare.venue_client import Key
from acme_bot.hbot import CONNECTOR
from acme_bot.workspace import make_workspace

PROJECT = Path(__file__).parents[2]
REQUIREMENTS = PROJECT / "deploy" / "requirements-api.txt"
IMAGE = "acme-fleet-bot:1"
READY_SECONDS = 300
COPIED = ("main.py", "config.py", "deps.py", "models", "routers", "services", "utils", "database")


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
            said = self.log.read_text()[-3000:]
            assert self._process.poll() is None and time.monotonic() < deadline, f"{self.name} did not start:\n{said}"
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


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def program(name: str) -> str | None:
    """Where Debian has a program, also those that only the administrator's PATH leads to."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))


def broker(folder: Path, name: str, password: str) -> Part:
    """mosquitto, which lets in whoever has the password."""
    port = free_port()
    passwords = folder / "passwords"
    with os.fdopen(os.open(passwords, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(f"{name}:{password}\n")
    subprocess.run([str(program("mosquitto_passwd")), "-U", str(passwords)], check=True)
    # As root it would become a user who may not look into this folder.
    as_itself = ["user root"] if os.geteuid() == 0 else []
    told = [*as_itself, f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}"]
    (folder / "mosquitto.conf").write_text("\n".join(told) + "\n")
    return Part("broker", folder, [str(program("mosquitto")), "-c", str(folder / "mosquitto.conf")], {}, port)


def database(folder: Path, password: str) -> Part:
    """PostgreSQL, which refuses to run as root: another user then runs it, who has to be let into `folder`."""
    port = free_port()
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


def venue(folder: Path, tls: Path) -> Part:
    """The venue over TLS, which keeps what it has in `folder`."""
    port = free_port()
    certificate = ["--tls-cert", str(tls / "venue.pem"), "--tls-key", str(tls / "venue-key.pem")]
    options = ["--data", str(folder), "--port", str(port), "--seed", "7", "--funding-interval", "120"]
    command = [sys.executable, "-m", "acme_exchange", "serve", *options, *certificate]
    # The administrator's commands, which ask the venue itself, need to trust it too.
    return Part("venue", folder, command, {"PYTHONPATH": str(PROJECT)}, port)


def open_account(folder: Path, name: str) -> Key:
    ran = subprocess.run(
        [sys.executable, "-m", "acme_exchange", "account", "create", name, "--data", str(folder)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    said = dict(line.split() for line in ran.stdout.splitlines())
    return Key(said["key"], said["secret"])


def api(folder: Path, source: Path, environment: Mapping[str, str]) -> Part:
    """hummingbot-api as in its image: on the Hummingbot of the bots' image, with the packages that it needs besides."""
    port = free_port()
    home = make_workspace(folder / "home")
    here = folder / "hummingbot-api"
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (source / name).is_dir():
            shutil.copytree(source / name, here / name, ignore=unwanted)
        else:
            here.mkdir(exist_ok=True)
            shutil.copy(source / name, here)
    shutil.copytree(source / "bots", here / "bots", ignore=unwanted)
    for name in ("instances", "conf/controllers", "conf/scripts", "archived", "data"):
        (here / "bots" / name).mkdir(parents=True, exist_ok=True)
    _let_into_the_broker(here / "bots" / "credentials" / "master_account" / "conf_client.yml", environment)
    python = api_environment() / "bin" / "python"
    command = [str(python), "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", str(port)]
    return Part("api", here, command, {**environment, "PYTHONPATH": str(home)}, port)


def _let_into_the_broker(settings: Path, environment: Mapping[str, str]) -> None:
    """Bots read the broker's password from their account's settings, which begin as the first account's."""
    written = yaml.safe_load(settings.read_text(encoding="utf-8"))
    written["mqtt_bridge"] |= {
        "mqtt_host": environment["BROKER_HOST"],
        "mqtt_port": int(environment["BROKER_PORT"]),
        "mqtt_username": environment["BROKER_USERNAME"],
        "mqtt_password": environment["BROKER_PASSWORD"],
    }
    written |= {"rate_oracle_source": {"name": CONNECTOR}, "global_token": {"global_token_name": "USD"}}
    settings.chmod(0o600)
    settings.write_text(yaml.safe_dump(written), encoding="utf-8")


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


def new_password() -> str:
    return secrets.token_urlsafe(18)
