import pytest

import hummingbot
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import DeadlineRESTConnection


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """Hummingbot's data folder, where the connector leaves files: one of each test's own."""
    monkeypatch.setattr(hummingbot, "_data_path", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def requests_through_the_session(request, monkeypatch):
    """Where `aioresponses` answers in place of aiohttp's session, requests go through that, as those to a proxy do."""
    if hasattr(request.module, "aioresponses"):
        monkeypatch.setattr(
            DeadlineRESTConnection, "_exchange", lambda connection, each: connection._exchange_through(each, None)
        )
