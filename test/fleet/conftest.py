"""A whole fleet as `deploy` lays it out: the venue, hummingbot-api from source, its database and broker, and bots."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hummingbot_api_client import HummingbotAPIClient

from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key
from test.deploy import services
from test.fleet import parts
from test.fleet.docker_stub import DockerStub
from test.fleet.parts import Part

SOURCE = "HUMMINGBOT_API_SOURCE"
NEEDED = {"mosquitto": "mosquitto", "initdb": "postgresql", "createdb": "postgresql-client"}


def what_is_missing() -> str:
    """What has to be there before a fleet can run, or nothing."""
    if not Path(os.environ.get(SOURCE) or os.devnull, "main.py").is_file():
        return f"{SOURCE} names no checkout of github.com/hummingbot/hummingbot-api"
    absent = sorted({package for name, package in NEEDED.items() if parts.program(name) is None})
    return f"apt-get install {' '.join(absent)}" if absent else ""


@dataclass
class Fleet:
    """:ivar folder: the prepared `deploy`
    :ivar keys: of the venue's accounts, by name
    """

    folder: Path
    venue: Part
    broker: Part
    database: Part
    api: Part
    docker: DockerStub
    keys: dict[str, Key] = field(default_factory=dict)

    @property
    def server(self) -> str:
        return f"https://localhost:{self.venue.port}"

    def account(self, name: str) -> VenueAccount:
        return VenueAccount(self.server, self.keys[name])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[Fleet]:
    if missing := what_is_missing():
        pytest.skip(missing)
    folder = services.prepared_copy(tmp_path_factory.mktemp("a project"))
    services.add_context(folder)
    with pytest.MonkeyPatch.context() as environment, tempfile.TemporaryDirectory(prefix="acme-fleet-") as data:
        environment.setenv("SSL_CERT_FILE", str(folder / "fleet" / "tls" / "authority.pem"))
        yield from _running(folder, tmp_path_factory, Path(data))


def _running(folder: Path, tmp_path_factory, data: Path) -> Iterator[Fleet]:
    password = services.settings_of(folder)["POSTGRES_PASSWORD"]
    venue = parts.venue(folder, tmp_path_factory.mktemp("venue"))
    broker = parts.broker(folder, tmp_path_factory.mktemp("broker"))
    database = parts.database(data, password)
    docker = DockerStub(tmp_path_factory.mktemp("docker"), folder.parent)
    ports = {"8600": venue.port, "1883": broker.port, "5432": database.port}
    source = Path(os.environ[SOURCE])
    api = parts.api(folder, tmp_path_factory.mktemp("api"), source, ports, docker.socket)
    started: list[Part | DockerStub] = []
    try:
        for part in (venue, broker, database, docker):
            part.start()
            started.append(part)
        parts.create_database(database.port, password)
        api.start()
        started.append(api)
        yield Fleet(folder, venue, broker, database, api, docker)
    finally:
        for part in reversed(started):
            part.stop()


@pytest.fixture
async def client(fleet: Fleet) -> AsyncIterator[HummingbotAPIClient]:
    settings = services.settings_of(fleet.folder)
    url = f"http://127.0.0.1:{fleet.api.port}"
    async with HummingbotAPIClient(url, settings["API_USERNAME"], settings["API_PASSWORD"]) as client:
        yield client
