"""What `deploy` says, read by what reads it: Docker's compose without a Docker, and hadolint."""

import json
import os
import re
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from test.deploy.image import PROJECT, stages
from test.deploy.services import settings_of

TOOLS = Path(sys.executable).parent
DOCKERFILES = [PROJECT / "Dockerfile", PROJECT / "deploy" / "Dockerfile"]
PINNED = re.compile(r"[\w./-]+:(version-)?\d[\w.-]*")


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """As a person who has none of its variables set."""
    known = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [TOOLS / "docker-compose", "--profile", "image", *arguments]
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def services(fleet) -> dict[str, dict]:
    shown = compose(fleet, "config", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)["services"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_finds_nothing(dockerfile):
    looked = subprocess.run([TOOLS / "hadolint", dockerfile], capture_output=True, text=True, timeout=60)

    assert (looked.returncode, looked.stdout) == (0, "")


def test_compose_says_what_to_do_first(tmp_path):
    (tmp_path / "compose.yaml").write_text((PROJECT / "deploy" / "compose.yaml").read_text())

    refused = compose(tmp_path, "config")

    assert refused.returncode != 0
    assert "run ./prepare first" in refused.stderr


def test_every_image_and_source_has_a_version(services):
    bases = [stage.base for path in DOCKERFILES for stage in stages(path).values() if stage.base != "bot"]
    images = [service["image"] for service in services.values()]
    sources = [
        source for each in services.values() for source in each.get("build", {}).get("additional_contexts", {}).values()
    ]

    assert all(PINNED.fullmatch(image) for image in bases + images), bases + images
    assert all(re.search(r"#[0-9a-f]{40}$", source) for source in sources)
    requirements = (PROJECT / "deploy" / "requirements-api.txt").read_text().splitlines()
    assert all("==" in line for line in requirements if not line.startswith("#"))


def test_no_secret_is_in_a_file_that_is_committed_and_all_are_in_one_of_the_owners(fleet):
    secrets = {name: value for name, value in settings_of(fleet).items() if name.endswith("PASSWORD")}
    committed = "".join(path.read_text() for path in fleet.iterdir() if path.is_file() and path.name != ".env")

    assert set(secrets) == {"API_PASSWORD", "CONFIG_PASSWORD", "BROKER_PASSWORD", "POSTGRES_PASSWORD"}
    assert len(set(secrets.values())) == 4 and all(len(value) >= 32 for value in secrets.values())
    assert not any(value in committed for value in secrets.values())
    made = [fleet / ".env", *(fleet / "fleet").rglob("*")]
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert {"/deploy/.env", "/deploy/fleet/"} <= set(ignored)


def test_only_the_hosts_loopback_reaches_a_port(services, fleet):
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert settings_of(fleet)["VENUE_ADDRESS"] == "127.0.0.1"
    assert {name for name, service in services.items() if service.get("network_mode") == "host"} == {"venue", "api"}


def test_what_is_up_is_asked_how_it_does_and_comes_back_after_a_crash(services):
    running = {name: service for name, service in services.items() if "profiles" not in service}

    assert set(running) == {"venue", "broker", "database", "api"}
    assert all("healthcheck" in each and each["restart"] == "unless-stopped" for each in running.values())
    assert set(services["api"]["depends_on"]) == {"venue", "broker", "database"}


def test_bots_are_started_with_folders_that_the_host_has(services, fleet):
    mounted = {each["target"]: each["source"] for each in services["api"]["volumes"]}

    assert mounted["/hummingbot-api/bots"] == f"{services['api']['environment']['BOTS_PATH']}/bots"
    assert Path(mounted["/hummingbot-api/bots"]) == fleet / "fleet" / "bots"


def test_the_builders_are_given_what_is_copied_and_no_key():
    let_through = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = {
        source
        for path in DOCKERFILES
        for stage in stages(path).values()
        for text in stage.all("COPY")
        if not text.startswith("--from=")
        for source in text.split()[:-1]
    }

    assert copied == let_through
    assert not any("key" in name for name in let_through)


def test_preparing_again_keeps_what_there_is(fleet):
    def kept() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in [fleet / ".env", *(fleet / "fleet" / "tls").iterdir()]}

    before = kept()
    subprocess.run(["./prepare"], cwd=fleet, check=True, capture_output=True, timeout=60)

    assert kept() == before


@pytest.fixture
def prepared(fleet, tmp_path) -> Path:
    """A fleet of the test's own, with the same authority."""
    subprocess.run(["cp", "-R", f"{fleet}/.", tmp_path], check=True)
    return tmp_path


def test_more_names_are_given_to_a_certificate_of_the_same_authority(prepared):
    tls = prepared / "fleet" / "tls"
    authority = (tls / "authority.pem").read_bytes()
    subprocess.run(["./prepare", "venue.example", "10.1.2.3"], cwd=prepared, check=True, capture_output=True)

    names = ssl._ssl._test_decode_cert(str(tls / "venue.pem"))["subjectAltName"]

    assert (tls / "authority.pem").read_bytes() == authority
    assert ("DNS", "localhost") in names and ("DNS", "venue.example") in names and ("IP Address", "10.1.2.3") in names


def test_what_is_no_name_is_refused_and_changes_nothing(prepared):
    before = (prepared / "fleet" / "tls" / "venue.pem").read_bytes()

    refused = subprocess.run(["./prepare", "https://venue"], cwd=prepared, capture_output=True, text=True)

    assert (refused.returncode, refused.stderr) == (
        1,
        'prepare: "https://venue" is no name of a machine and no address.\n',
    )
    assert (prepared / "fleet" / "tls" / "venue.pem").read_bytes() == before


def test_the_api_and_the_bots_share_one_hummingbot():
    built = stages(PROJECT / "deploy" / "Dockerfile")
    services = yaml.safe_load((PROJECT / "deploy" / "compose.yaml").read_text())["services"]

    assert built["api"].base == "bot"
    assert {services[name]["build"]["target"] for name in ("bot", "api")} == {"bot", "api"}
    assert any(f"#{services['bot']['image']}#" in step for step in built["api"].all("RUN"))


def test_a_folder_that_the_settings_could_not_name_is_refused_and_stays_as_it_is(tmp_path):
    folder = tmp_path / "it's here"
    folder.mkdir()
    (folder / "prepare").write_bytes((PROJECT / "deploy" / "prepare").read_bytes())

    refused = subprocess.run(["sh", "./prepare"], cwd=folder, capture_output=True, text=True)

    assert refused.returncode == 1 and "copy the project elsewhere" in refused.stderr
    assert [path.name for path in folder.iterdir()] == ["prepare"]
