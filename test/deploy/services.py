"""What the compose file starts, with the host's folders and ports in place of the containers'."""

import getpass
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from acme_bot.workspace import make_workspace
from test.deploy.image import ABSOLUTE, PROJECT, carry_out, stages

BUILT = stages(PROJECT / "deploy" / "Dockerfile")
SERVICES = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
CONTEXT = ("hummingbot", "acme_exchange", "requirements-venue.txt", "constraints.txt")


def prepared_copy(project: Path) -> Path:
    """The folder `deploy` of a project in which `./prepare` was run, as a person does."""
    folder = project / "deploy"
    shutil.copytree(PROJECT / "deploy", folder, ignore=shutil.ignore_patterns("fleet", ".env", "__pycache__"))
    subprocess.run(["./prepare"], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def settings_of(fleet: Path) -> dict[str, str]:
    """What `./prepare` wrote into `.env`, without the shell's quotes."""
    lines = (fleet / ".env").read_text(encoding="utf-8").splitlines()
    return {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines if line[0] != "#")}


def filled_in(text: str, settings: Mapping[str, str]) -> str:
    """A text of the compose file with the values of `.env`."""
    for name, value in settings.items():
        text = text.replace(f"${{{name}:?run ./prepare first}}", value)
    return text


def add_context(fleet: Path) -> Path:
    """Puts beside a prepared `deploy` what the builder is given besides, and returns the folder that has both."""
    for name in CONTEXT:
        (fleet.parent / name).symlink_to(PROJECT / name)
    return fleet.parent


def venue_command(fleet: Path) -> list[str]:
    """The arguments of the venue's Python, with the host's folders for what is mounted."""
    mounted = [text.split(":")[:2] for text in SERVICES["venue"]["volumes"]]
    paths = {target: str(fleet / source) for source, target in mounted}
    settings = settings_of(fleet)
    return [paths.get(each, filled_in(each, settings)) for each in SERVICES["venue"]["command"][1:]]


@dataclass(frozen=True)
class Broker:
    """The command of the compose file's broker, at a port and in a folder of its own."""

    command: list[str]
    environment: dict[str, str]


def broker(fleet: Path, folder: Path, port: int) -> Broker:
    settings = (fleet / "mosquitto.conf").read_text(encoding="utf-8")
    settings = settings.replace("listener 1883", f"listener {port} 127.0.0.1").replace("/mosquitto/", f"{folder}/")
    # As root it would become a user who may not look into this folder; in its image the file is that user's.
    (folder / "fleet.conf").write_text(f"{settings}user {getpass.getuser()}\n", encoding="utf-8")
    *shell, script = SERVICES["broker"]["command"]
    script = script.replace("$$", "$").replace("/mosquitto/", f"{folder}/").replace("chown mosquitto", "true")
    return Broker([*shell, script], {"PATH": f"{os.environ['PATH']}:/usr/sbin", **settings_of(fleet)})


def bot_image(root: Path, context: Path) -> Path:
    """Carries out the bots' image, in a folder where Hummingbot is without this connector, as in what it is made from.

    Returns the folder of Hummingbot in it."""
    home = make_workspace(root / "home" / "hummingbot")
    for folder in home.glob("hummingbot/**/acme_perpetual*/"):
        shutil.rmtree(folder)
    authorities = root / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    authorities.parent.mkdir(parents=True)
    shutil.copy(ssl.get_default_verify_paths().openssl_cafile, authorities)
    carry_out(BUILT["bot"], root, context)
    return home


def environment_of(root: Path, *built: str) -> dict[str, str]:
    """The variables of the stages of an image that was carried out in `root`."""
    return {name: ABSOLUTE.sub(str(root), value) for each in built for name, value in BUILT[each].environment.items()}


def environment_of_service(name: str, fleet: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """The variables that the compose file gives a service. :param ports: what stands in place of a usual port"""
    values = {key: filled_in(str(value), settings_of(fleet)) for key, value in SERVICES[name]["environment"].items()}
    for usual, port in ports.items():
        values = {key: re.sub(rf"(^|:){usual}\b", rf"\g<1>{port}", value) for key, value in values.items()}
    return values


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
