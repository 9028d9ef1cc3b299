"""What the images would have and start, made in folders: the venue, a bot's Hummingbot, the API, the broker."""

import asyncio
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
import yaml

from test.deploy.image import PROJECT, carry_out, stages
from test.deploy.services import BUILT, SERVICES, add_context, bot_image, broker, free_port, settings_of, venue_command

LOOK = """
from hummingbot.client.settings import AllConnectorSettings
assert "acme_perpetual" in AllConnectorSettings.get_connector_settings()
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
print(type(CandlesFactory.get_candle(CandlesConfig(connector="acme_perpetual", trading_pair="BTC-USD"))).__name__)
import ssl, sys, urllib.request
for url in sys.argv[1:]:
    print(urllib.request.urlopen(url).status)
"""
UVICORN = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "here": os.getcwd()}))
"""


@pytest.fixture(scope="module")
def context(fleet) -> Path:
    """What the builder is given: the project, with the prepared `deploy` in it."""
    return add_context(fleet)


@pytest.fixture(scope="module")
def venue(fleet, context, tmp_path_factory) -> Iterator[str]:
    """The venue as the compose file starts it from its image, at a free port. The value is its address."""
    image = tmp_path_factory.mktemp("venue")
    (stage,) = stages(PROJECT / "Dockerfile").values()
    stage.steps = [(name, text) for name, text in stage.steps if name != "RUN"]
    carry_out(stage, image, context)
    served = subprocess.Popen(
        [sys.executable, *venue_command(fleet), "--port", "0"], cwd=image / "acme", stdout=subprocess.PIPE, text=True
    )
    try:
        yield re.search(r"https://\S+", served.stdout.readline())[0]
    finally:
        served.terminate()
        served.wait()


def health(service: str, url: str, authority: Path) -> subprocess.CompletedProcess:
    kind, python, *code = SERVICES[service]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    here = [text.replace("https://localhost:8600", url) for text in code]
    known = {**os.environ, "SSL_CERT_FILE": str(authority)}
    return subprocess.run([sys.executable, *here], env=known, capture_output=True, text=True, timeout=60)


def test_the_venue_answers_its_health_check_to_whoever_trusts_its_authority(fleet, venue):
    by_name = venue.replace("127.0.0.1", "localhost")
    another = Path(ssl.get_default_verify_paths().openssl_cafile)

    assert health("venue", by_name, fleet / "fleet" / "tls" / "authority.pem").returncode == 0
    refused = health("venue", by_name, another)
    assert refused.returncode != 0 and "CERTIFICATE_VERIFY_FAILED" in refused.stderr
    assert SERVICES["venue"]["environment"]["SSL_CERT_FILE"] == "/tls/authority.pem"


def test_the_owners_token_is_in_a_file_of_the_owners_alone(fleet, venue):
    access = list((fleet / "fleet" / "venue").glob("*.admin.json"))

    assert len(access) == 1 and stat.S_IMODE(access[0].stat().st_mode) == 0o600
    created = subprocess.run(
        [sys.executable, "-m", "acme_exchange", "account", "create", "alice", "--data", fleet / "fleet" / "venue"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert created.returncode == 0 and "secret" in created.stdout, created.stderr


def test_a_bots_image_has_the_connector_and_its_candles_and_trusts_the_venue(fleet, context, venue, tmp_path):
    root = tmp_path / "root of image"
    bot_image(root, context)

    trusted = root / BUILT["bot"].environment["SSL_CERT_FILE"].lstrip("/")
    assert (root / "etc" / "ssl" / "certs" / "ca-certificates.crt").read_text() in trusted.read_text()
    looked = subprocess.run(
        [sys.executable, "-c", LOOK, f"{venue}/api/markets"],
        cwd=root / "home" / "hummingbot",
        env={**os.environ, "SSL_CERT_FILE": str(trusted)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.stdout.split() == ["AcmePerpetualCandles", "200"], looked.stderr


@pytest.fixture
def api(context, tmp_path) -> Path:
    """The folder of hummingbot-api in its image, with a source that has a little of what the real one has."""
    source = tmp_path / "source"
    for name in ("models", "routers", "services", "utils", "database"):
        (source / name).mkdir(parents=True)
    for name in ("main.py", "config.py", "deps.py"):
        (source / name).touch()
    (source / "models" / "bot_orchestration.py").write_text('image: str = "hummingbot/hummingbot:latest"\n')
    account = source / "bots" / "credentials" / "master_account"
    account.mkdir(parents=True)
    (account / "conf_client.yml").write_text("mqtt_bridge:\n  mqtt_host: localhost\n  mqtt_namespace: hbot\n")
    (source / "bots" / "scripts").mkdir()
    (source / "bots" / "scripts" / "v2_with_controllers.py").write_text("shipped")

    root = tmp_path / "root"
    carry_out(BUILT["api"], root, context, {"hummingbot-api": source}, leaving_out="pip install")
    folder = root / "hummingbot-api"
    (folder / "uvicorn.py").write_text(UVICORN)
    return folder


def start(api: Path) -> dict:
    command = json.loads(BUILT["api"].all("CMD")[0])
    broker = {
        "BROKER_HOST": "127.0.0.1",
        "BROKER_PORT": "1883",
        "BROKER_USERNAME": "fleet",
        "BROKER_PASSWORD": "hidden",
    }
    started = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=api,
        env={**os.environ, **broker},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert started.returncode == 0, started.stderr
    return json.loads(started.stdout)


def test_the_api_lays_out_the_hosts_folder_lets_bots_into_the_broker_and_listens_on_loopback_alone(api):
    (api / "bots").mkdir()

    started = start(api)

    assert started == {"arguments": ["main:app", "--host", "127.0.0.1", "--port", "8000"], "here": str(api)}
    conf = api / "bots" / "credentials" / "master_account" / "conf_client.yml"
    written = yaml.safe_load(conf.read_text())
    assert written["mqtt_bridge"] == {
        "mqtt_host": "127.0.0.1",
        "mqtt_namespace": "hbot",
        "mqtt_port": 1883,
        "mqtt_username": "fleet",
        "mqtt_password": "hidden",
        "mqtt_autostart": True,
    }
    assert written["rate_oracle_source"] == {"name": "acme_perpetual"}
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    assert (api / "bots" / "instances").is_dir() and (api / "bots" / "conf" / "controllers").is_dir()
    assert "acme-fleet-bot:1" in (api / "models" / "bot_orchestration.py").read_text()


def test_what_the_user_changed_in_the_bots_folder_stays_when_the_api_starts_again(api):
    (api / "bots").mkdir()
    start(api)
    script = api / "bots" / "scripts" / "v2_with_controllers.py"
    script.write_text("mine")
    conf = api / "bots" / "credentials" / "master_account" / "conf_client.yml"
    changed = yaml.safe_load(conf.read_text()) | {"rate_oracle_source": {"name": "binance"}}
    conf.write_text(yaml.safe_dump(changed))

    start(api)

    assert script.read_text() == "mine"
    assert yaml.safe_load(conf.read_text())["rate_oracle_source"] == {"name": "binance"}


@pytest.mark.skipif(
    shutil.which("mosquitto_passwd") is None, reason="there is no MQTT broker: apt-get install mosquitto"
)
async def test_the_broker_lets_in_who_has_the_password_and_nobody_else(fleet, tmp_path):
    port = free_port()
    service = broker(fleet, tmp_path, port)
    started = subprocess.Popen(service.command, env={**os.environ, **service.environment}, stderr=subprocess.DEVNULL)
    try:
        await until_listening(port, started)
        settings = settings_of(fleet)
        name, password = settings["BROKER_USERNAME"], settings["BROKER_PASSWORD"]
        async with aiomqtt.Client("127.0.0.1", port, username=name, password=password):
            pass
        for secret in ("", "another"):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, username=name, password=secret):
                    pass
        passwords = tmp_path / "passwords"
        assert password not in passwords.read_text() and stat.S_IMODE(passwords.stat().st_mode) == 0o600
    finally:
        started.terminate()
        started.wait()


async def until_listening(port: int, process: subprocess.Popen) -> None:
    while process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise AssertionError(f"The broker has ended: {process.returncode}")
