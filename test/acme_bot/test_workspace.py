import errno
import importlib.metadata
import os
import stat
from pathlib import Path

import pytest
import yaml

from acme_bot import workspace
from acme_bot.workspace import WorkspaceError, installed_hummingbot, make_workspace, require_workspace

CONNECTOR_MODULE = "connector/derivative/acme_perpetual/acme_perpetual_derivative.py"


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A small stand-in for the installed Hummingbot, so that a test can upgrade it."""
    package = tmp_path / "site-packages" / "hummingbot"
    for name, text in {
        "__init__.py": "",
        "VERSION": "1",
        CONNECTOR_MODULE: "old = True\n",
        "connector/derivative/acme_perpetual/__init__.py": "",
        "templates/hummingbot_logs_TEMPLATE.yml": "template_version: 12\nloggers: {}\n",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.setattr(workspace, "installed_hummingbot", lambda: package)
    return package


def inode(path: Path) -> int:
    return path.stat().st_ino


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_package_takes_no_space(installed, tmp_path):
    made = make_workspace(tmp_path / "bot")

    assert inode(made / "hummingbot" / CONNECTOR_MODULE) == inode(installed / CONNECTOR_MODULE)
    assert files(made / "hummingbot") == files(installed)


def test_where_links_are_not_possible_the_package_is_copied(installed, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)

    made = make_workspace(tmp_path / "bot")

    assert files(made / "hummingbot") == files(installed)
    assert inode(made / "hummingbot" / CONNECTOR_MODULE) != inode(installed / CONNECTOR_MODULE)


def test_a_linked_connector_folder_becomes_a_real_one(installed, tmp_path):
    """The loader must find the connector on disk, also where a developer has only linked it in."""
    folder = installed / "connector" / "derivative" / "acme_perpetual"
    folder.rename(tmp_path / "checkout")
    folder.symlink_to(tmp_path / "checkout")

    made = make_workspace(tmp_path / "bot")

    assert not (made / "hummingbot" / CONNECTOR_MODULE).parent.is_symlink()
    assert (made / "hummingbot" / CONNECTOR_MODULE).read_text() == "old = True\n"


def test_what_holds_keys_is_closed_to_others(installed, tmp_path):
    (tmp_path / "bot").mkdir(mode=0o755)

    made = make_workspace(tmp_path / "bot")

    for name in ("conf", "conf/connectors", "logs", "data"):
        assert stat.S_IMODE((made / name).stat().st_mode) == 0o700, name


def test_an_upgrade_arrives_and_removed_modules_go(installed, tmp_path):
    made = make_workspace(tmp_path / "bot")
    (installed / CONNECTOR_MODULE).unlink()
    (installed / CONNECTOR_MODULE).with_name("acme_perpetual_new.py").write_text("new = True\n")

    make_workspace(made)

    assert files(made / "hummingbot") == files(installed)


def test_what_the_user_has_stays(installed, tmp_path):
    made = make_workspace(tmp_path / "bot")
    own = {
        "conf/conf_client.yml": "log_level: DEBUG\n",
        "conf/connectors/acme_perpetual.yml": "sealed\n",
        "conf/hummingbot_logs.yml": "template_version: 99\n",
        "logs/logs_bot.log": "log\n",
        "data/bot.sqlite": "data\n",
        "scripts/mine.py": "mine = True\n",
        "controllers/__init__.py": "mine = True\n",
    }
    for name, text in own.items():
        (made / name).write_text(text)

    make_workspace(made)

    assert {name: (made / name).read_text() for name in own} == own


def test_a_failed_refresh_leaves_the_old_package(installed, tmp_path, monkeypatch):
    made = make_workspace(tmp_path / "bot")
    before = files(made)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspace, "_link_or_copy", fail)
    with pytest.raises(OSError):
        make_workspace(made)

    assert files(made) == before


def test_an_interrupted_first_attempt_is_completed(installed, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(workspace, "_refresh_package", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            make_workspace(tmp_path / "bot")

    made = make_workspace(tmp_path / "bot")

    assert files(made / "hummingbot") == files(installed)
    assert (made / "conf" / "conf_client.yml").exists()


def test_a_folder_with_something_else_is_refused_and_unchanged(installed, tmp_path):
    """A Hummingbot source tree above all: it, too, has a `hummingbot` and a `conf`."""
    (tmp_path / "source" / "hummingbot").mkdir(parents=True)
    (tmp_path / "source" / "hummingbot" / "mine.py").write_text("mine\n")
    before = files(tmp_path / "source")

    with pytest.raises(WorkspaceError, match="not empty and no workspace: name a folder that is empty"):
        make_workspace(tmp_path / "source")

    assert files(tmp_path / "source") == before


def test_a_file_is_refused(installed, tmp_path):
    (tmp_path / "bot").write_text("")

    with pytest.raises(WorkspaceError, match="is a file"):
        make_workspace(tmp_path / "bot")


def test_a_hummingbot_without_the_connector_is_refused_with_how_to_install_it(tmp_path, monkeypatch):
    class Distribution:
        @staticmethod
        def locate_file(name):
            return tmp_path / name

    (tmp_path / "hummingbot").mkdir()
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Distribution)

    with pytest.raises(WorkspaceError, match="has no Acme connector: run `pip install"):
        make_workspace(tmp_path / "bot")
    assert not (tmp_path / "bot").exists()


def test_no_hummingbot_is_refused_with_how_to_install_it(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)

    with pytest.raises(WorkspaceError, match="Hummingbot is not installed for this Python: run"):
        installed_hummingbot()


def test_the_clients_workspace_must_be_one(tmp_path):
    with pytest.raises(WorkspaceError, match=f"make one with `acme-bot workspace {tmp_path}`"):
        require_workspace(tmp_path)


def test_hummingbot_understands_the_settings_and_stays_at_home(tmp_path):
    """The real Hummingbot's own models read what a new workspace is given, and read back what they write."""
    from hummingbot.client.config.client_config_map import AnonymizedMetricsDisabledMode, ClientConfigMap
    from hummingbot.client.config.config_helpers import ClientConfigAdapter

    made = make_workspace(tmp_path / "bot")
    settings = ClientConfigMap(**yaml.safe_load((made / "conf" / "conf_client.yml").read_text()))
    written = ClientConfigMap(**yaml.safe_load(ClientConfigAdapter(settings).generate_yml_output_str_with_comments()))

    for read in (settings, written):
        assert isinstance(read.anonymized_metrics_mode, AnonymizedMetricsDisabledMode)
        assert read.paper_trade.paper_trade_exchanges == []
        assert read.send_error_logs is False
        assert read.global_token.global_token_name == "USD"
        assert read.rate_oracle_source.name == "acme_perpetual"
