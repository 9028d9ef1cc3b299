"""Checks and normalizes the address of the venue's server, and reads which server `connect` was told."""

import os
import re
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from yarl import URL

import hummingbot.client.settings as settings
import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS

SERVER_HELP = f"Write an address such as https://acme.example, or nothing for {CONSTANTS.DEFAULT_SERVER}."


def normalized_server(server: str) -> str:
    """The address of a server as the connector uses it: `scheme://host[:port]`, with nothing after it.

    An empty text stays one, and stands for the default server. A slash or `/api` at the end, as one copies it from the
    API's description, is dropped. The text itself is in no message: a secret may have been pasted in the wrong place.

    :raises ValueError: with a sentence for the user, when the address is none, or not safe to send keys to
    """
    server = (server or "").strip()
    if not server:
        return ""
    url = _parsed(server)
    if url.scheme not in ("http", "https") or not _is_host(url.raw_host or ""):
        raise ValueError(f"The server's address is no URL. {SERVER_HELP}")
    if not _is_only_a_server(url):
        raise ValueError(f"The server's address is more than a server. {SERVER_HELP}")
    if url.scheme == "http" and not is_loopback(url.host or ""):
        raise ValueError(
            "The server is on another machine, and http would send your orders there in the clear. "
            "Write its address with https://."
        )
    return str(url.origin())


def known_domain(connector: str = CONSTANTS.EXCHANGE_NAME) -> str:
    """The domain of the server that public data is to come from where no account names one: the one that this
    Hummingbot's `connect` was told, and where there was none, the one that `ACME_PERPETUAL_SERVER` names.

    Which one was connected is read from the connector's file of settings, where it stands in the clear, so it is known
    before the password is.

    :param connector: the one that was connected: `CONSTANTS.EXCHANGE_NAME` or `CONSTANTS.SECOND_NAME`
    :return: an address, `connector` for the default server, or `CONSTANTS.UNKNOWN_DOMAIN` where none is known: other
        people's market data would be taken for the user's
    :raises ValueError: when there is no reading it, or it is not as `normalized_server` wants it
    """
    path = settings.CONNECTORS_CONF_DIR_PATH / f"{connector}.yml"
    if path.is_file():
        server = setting(path, f"{connector}_server", "server's address")
        return normalized_server("" if server is None else str(server)) or connector
    return normalized_server(os.environ.get(CONSTANTS.SERVER_VARIABLE, "")) or CONSTANTS.UNKNOWN_DOMAIN


def setting(path: Path, name: str, meaning: str) -> Any:
    """A value of one of Hummingbot's files of settings; None when it is not there.

    :param meaning: what the value is, for the message
    :raises ValueError: when there is no reading it
    """
    try:
        values = YAML(typ="safe").load(path) if path.is_file() else None
    except (OSError, YAMLError) as error:
        raise ValueError(f"The {meaning} cannot be read from {path} ({type(error).__name__}).") from None
    return values.get(name) if isinstance(values, dict) else None


@lru_cache(maxsize=32)
def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(server: str) -> URL:
    try:
        url = URL(server)
        return url if url.port is not None else URL()  # reading the port checks it
    except ValueError:
        return URL()


def _is_only_a_server(url: URL) -> bool:
    extras = (url.user, url.password, url.query_string, url.fragment)
    return not any(extras) and url.path.rstrip("/") in ("", CONSTANTS.API_PATH)


def _is_host(host: str) -> bool:
    return re.fullmatch(r"[\w.:-]+", host, re.ASCII) is not None
