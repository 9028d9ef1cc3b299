import pytest

import hummingbot


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """Hummingbot's data folder, where the connector leaves files: one of each test's own."""
    monkeypatch.setattr(hummingbot, "_data_path", str(tmp_path))
    return tmp_path
