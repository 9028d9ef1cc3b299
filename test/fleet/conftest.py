"""A whole fleet: hummingbot-api from source on PostgreSQL and mosquitto, the venue over TLS, and what starts bots."""

import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from hummingbot_api_client import HummingbotAPIClient

from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key
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
    """:ivar keys: of the venue's accounts, by name."""

    venue: Part
    broker: Part
    database: Part
    api: Part
    docker: DockerStub
    keys: dict[str, Key]
    username: str
    password: str

    @property
    def server(self) -> str:
        return f"https://localhost:{self.venue.port}"

    def account(self, name: str) -> VenueAccount:
        return VenueAccount(self.server, self.keys[name])


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Path:
    """A private authority, and a certificate of it for the venue."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "venue.pem")
    certificate.private_key_pem.write_to_path(folder / "venue-key.pem")
    return folder


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, tls: Path) -> Iterator[Fleet]:
    if missing := what_is_missing():
        pytest.skip(missing)
    authority = tls / "authority.pem"
    trusted = tls / "authorities.pem"
    system = Path(ssl.get_default_verify_paths().openssl_cafile)
    trusted.write_text((system.read_text() if system.exists() else "") + authority.read_text())
    with pytest.MonkeyPatch.context() as environment, tempfile.TemporaryDirectory(prefix="acme-fleet-") as data:
        environment.setenv("SSL_CERT_FILE", str(trusted))
        yield from _running(tmp_path_factory, tls, trusted, Path(data))


def _running(tmp_path_factory, tls: Path, trusted: Path, data: Path) -> Iterator[Fleet]:
    passwords = {name: parts.new_password() for name in ("broker", "database", "api", "config")}
    venue = parts.venue(tmp_path_factory.mktemp("venue"), tls)
    broker = parts.broker(tmp_path_factory.mktemp("broker"), "fleet", passwords["broker"])
    database = parts.database(data, passwords["database"])
    docker = DockerStub(tmp_path_factory.mktemp("docker"), parts.IMAGE, trusted)
    environment = {
        "USERNAME": "fleet",
        "PASSWORD": passwords["api"],
        "CONFIG_PASSWORD": passwords["config"],
        "BROKER_HOST": "127.0.0.1",
        "BROKER_PORT": str(broker.port),
        "BROKER_USERNAME": "fleet",
        "BROKER_PASSWORD": passwords["broker"],
        "DATABASE_URL": f"postgresql+asyncpg://hbot:{passwords['database']}@127.0.0.1:{database.port}/hummingbot_api",
        "DOCKER_HOST": f"unix://{docker.socket}",
    }
    api = parts.api(tmp_path_factory.mktemp("api"), Path(os.environ[SOURCE]), environment)
    started: list[Part | DockerStub] = []
    try:
        for part in (venue, broker, database, docker):
            part.start()
            started.append(part)
        parts.create_database(database.port, passwords["database"])
        keys = {name: parts.open_account(venue.log.parent, name) for name in ("alice", "bob")}
        api.start()
        started.append(api)
        yield Fleet(venue, broker, database, api, docker, keys, "fleet", passwords["api"])
    finally:
        for part in reversed(started):
            part.stop()


@pytest.fixture
async def client(fleet: Fleet) -> AsyncIterator[HummingbotAPIClient]:
    async with HummingbotAPIClient(f"http://127.0.0.1:{fleet.api.port}", fleet.username, fleet.password) as client:
        yield client
