"""Starts hummingbot-api in its image: lays out the bots' folder, names the broker's password there, and becomes it.

The folder `bots` is the host's, because the containers of bots mount parts of it. What the image brought for it is
copied where nothing is yet. A bot reads the broker's name and password from its account's `conf_client.yml`.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

SHIPPED = Path("bots-as-shipped")
BOTS = Path("bots")
FOLDERS = ("instances", "conf/controllers", "conf/scripts", "credentials", "archived", "data")
FIRST_ACCOUNT = BOTS / "credentials" / "master_account" / "conf_client.yml"
COMMAND = ("-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "8000")


def main() -> None:
    is_new = not FIRST_ACCOUNT.exists()
    lay_out()
    if is_new:
        change(FIRST_ACCOUNT, rate_oracle_source={"name": "acme_perpetual"}, global_token={"global_token_name": "USD"})
    for settings in BOTS.glob("credentials/*/conf_client.yml"):
        let_into_the_broker(settings)
    os.execv(sys.executable, (sys.executable, *COMMAND))


def lay_out() -> None:
    """Copies what is missing, and nothing over what is there."""
    for source in sorted(path for path in SHIPPED.rglob("*") if path.is_file()):
        target = BOTS / source.relative_to(SHIPPED)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for folder in FOLDERS:
        (BOTS / folder).mkdir(parents=True, exist_ok=True)


def let_into_the_broker(settings: Path) -> None:
    change(
        settings,
        mqtt_bridge={
            "mqtt_host": os.environ["BROKER_HOST"],
            "mqtt_port": int(os.environ["BROKER_PORT"]),
            "mqtt_username": os.environ["BROKER_USERNAME"],
            "mqtt_password": os.environ["BROKER_PASSWORD"],
            "mqtt_autostart": True,
        },
    )


def change(settings: Path, **sections: dict[str, Any]) -> None:
    """Writes values into sections of a client's settings, in a file that its owner alone can read."""
    written = yaml.safe_load(settings.read_text(encoding="utf-8")) or {}
    for name, values in sections.items():
        written[name] = {**(written.get(name) or {}), **values}
    changed = settings.with_name(f"{settings.name}.new")
    changed.touch(mode=0o600)
    changed.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    changed.replace(settings)


if __name__ == "__main__":
    main()
