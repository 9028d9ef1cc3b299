import http.server
import importlib.metadata
import json
import shutil
import threading
from pathlib import Path

import pytest

from acme_bot import doctor
from acme_bot.cli import main
from acme_bot.doctor import examine
from acme_bot.installation import DISTRIBUTION, PACKAGES, install
from acme_bot.workspace import MARKER, WorkspaceError, make_workspace
from test.acme_bot.test_installation import tree  # noqa: F401


class Acme(http.server.BaseHTTPRequestHandler):
    answer = b'{"success": true, "result": {"name": "acme", "status": "ok"}}'

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """The address of something that answers the ping."""
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Acme)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    listening.server_close()


def connect(place: Path, server: str, connector: str = "acme_perpetual") -> None:
    settings = place / "conf" / "connectors" / f"{connector}.yml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"connector: {connector}\n{connector}_api_key: encrypted\n{connector}_server: {server}\n")


@pytest.fixture
def workspace(tmp_path, server) -> Path:
    made = make_workspace(tmp_path / "bot")
    connect(made, server)
    return made


def only(place: Path | None) -> str:
    """The one thing that is wrong, and its mend."""
    (finding,) = examine(place)
    return f"{finding.problem} {finding.mend}"


def test_nothing_is_wrong(workspace, capsys):
    assert main(["doctor", str(workspace)]) == 0
    assert capsys.readouterr().out == "✓ Nothing is wrong.\n"


def test_a_workspace_of_an_older_hummingbot(workspace):
    (workspace / MARKER).write_text("Hummingbot 20260101\n")
    assert f"was made of Hummingbot 20260101, and Hummingbot {importlib.metadata.version('hummingbot')}" in only(
        workspace
    )


@pytest.mark.parametrize("folder", PACKAGES, ids=str)
def test_a_workspace_with_an_older_connector(workspace, folder):
    stale = workspace / folder / "__init__.py"
    stale.unlink()
    stale.write_text("older = True\n")
    assert f"older copy of what is installed: {folder.relative_to('hummingbot')}/__init__.py." in only(workspace)
    assert f"run `acme-bot workspace {workspace}`" in only(workspace)

    make_workspace(workspace)
    assert list(examine(workspace)) == []


def test_keys_that_others_can_read(workspace):
    for folder in (workspace, workspace / "conf", workspace / "conf" / "connectors"):
        folder.chmod(0o755)
    assert "acme_perpetual.yml can be read by others on this machine" in only(workspace)
    assert f"chmod 700 {workspace / 'conf' / 'connectors'}" in only(workspace)

    (workspace / "conf").chmod(0o700)
    assert list(examine(workspace)) == []


def test_a_server_that_does_not_answer(workspace, server):
    connect(workspace, "http://127.0.0.1:9")
    assert "The server http://127.0.0.1:9 does not answer as an Acme server" in only(workspace)
    assert "`acme-exchange serve`" in only(workspace)


def test_a_second_server_that_does_not_answer(workspace, server):
    connect(workspace, server, "acme_perpetual_second")
    assert list(examine(workspace)) == []
    connect(workspace, "http://127.0.0.1:9", "acme_perpetual_second")
    assert "The server http://127.0.0.1:9 does not answer" in only(workspace)
    assert "`connect acme_perpetual_second`" in only(workspace)


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b'{"success": false}'])
def test_a_server_that_is_none_of_acmes(workspace, answer, monkeypatch):
    monkeypatch.setattr(Acme, "answer", answer)
    assert "does not answer as an Acme server" in only(workspace)


def test_settings_that_cannot_be_read(workspace):
    (workspace / "conf" / "connectors" / "acme_perpetual.yml").write_text("a: [")
    assert "acme_perpetual.yml cannot be read. Remove it" in only(workspace)


@pytest.mark.parametrize("name, version", [("aiohttp", "3.14.1"), ("hummingbot", "20240101")])
def test_a_package_of_a_version_that_was_not_tested(monkeypatch, capsys, name, version):
    installed = importlib.metadata.version
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda each: version if each == name else installed(each))
    assert main(["doctor"]) == 1
    assert f"✗ {name} {version} is installed, and this project was tested with " in capsys.readouterr().out


def test_a_missing_connector(monkeypatch):
    def missing():
        raise WorkspaceError("The Hummingbot in /here has no Acme connector: run `pip install --no-deps .` here.")

    monkeypatch.setattr(doctor, "installed_hummingbot", missing)
    assert only(None) == "The Hummingbot in /here has no Acme connector. Run `pip install --no-deps .` here."


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A copy of this project's installation that Python finds first: what `pip` wrote down of it, and the files."""
    packages = tmp_path / "site-packages"
    for file in importlib.metadata.files(DISTRIBUTION):
        if ".." not in file.parts and file.suffix != ".pyc":
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), packages / file)
    monkeypatch.syspath_prepend(packages)
    name_source(packages, tmp_path / "gone")
    return packages


def name_source(packages: Path, folder: Path) -> None:
    """Says that this project was installed from a folder."""
    (record,) = packages.glob("*.dist-info/direct_url.json")
    record.write_text(json.dumps({"dir_info": {}, "url": folder.as_uri()}))


def test_an_installation_as_it_was_made(installed):
    assert list(examine(None)) == []


@pytest.mark.parametrize("folder", PACKAGES, ids=str)
def test_an_older_copy_laid_over_the_installed_connector(installed, folder):
    (installed / folder / "__init__.py").write_text("older = True\n")

    assert only(None) == (
        f"The installed {DISTRIBUTION} has files that were changed or removed since: {folder}/__init__.py. "
        "Run `pip install --no-deps .` in this project."
    )


def test_files_of_the_installed_connector_that_something_removed(installed):
    removed = PACKAGES[0] / "acme_perpetual_registration.py"
    (installed / removed).unlink()

    assert f"were changed or removed since: {removed}." in only(None)


def test_an_installation_that_its_project_has_left_behind(installed, tmp_path):
    source = tmp_path / "a project"
    shutil.copytree(installed / "hummingbot", source / "hummingbot")
    name_source(installed, source)
    assert list(examine(None)) == []

    (source / PACKAGES[0] / "acme_perpetual_utils.py").write_text("newer = True\n")
    (source / PACKAGES[0] / "acme_perpetual_wisdom.py").write_text("new = True\n")

    assert only(None) == (
        f"{source} is not what was installed from it: {PACKAGES[0]}/acme_perpetual_utils.py, "
        f"{PACKAGES[0]}/acme_perpetual_wisdom.py. Run `rm -rf build && pip install --no-deps .` in it."
    )


@pytest.mark.parametrize("record", ["", "[", "[]", "{}", '{"url": 5}', '{"url": "https://acme.example/acme.whl"}'])
def test_an_installation_that_does_not_say_from_where(installed, record):
    (path,) = installed.glob("*.dist-info/direct_url.json")
    path.write_text(record)

    assert list(examine(None)) == []


def test_an_older_copy_is_said_once(installed, tmp_path):
    source = tmp_path / "project"
    shutil.copytree(installed / "hummingbot", source / "hummingbot")
    name_source(installed, source)
    (installed / PACKAGES[0] / "acme_perpetual_utils.py").write_text("older = True\n")

    assert "were changed or removed since" in only(None)


def test_a_source_tree(tree, server):  # noqa: F811
    connect(tree, server)
    (tree / "conf" / "connectors").chmod(0o700)
    assert f"no Acme connector that `acme-bot install` put there. Run `acme-bot install {tree}`." in only(tree)

    install(tree)
    assert list(examine(tree)) == []

    (tree / "setup.py").write_text('version = "20240101"\n')
    assert "is Hummingbot 20240101, and this connector was tested with" in only(tree)


def test_a_source_tree_with_changed_and_outdated_files(tree, server, monkeypatch):  # noqa: F811
    connect(tree, server)
    (tree / "conf" / "connectors").chmod(0o700)
    install(tree)
    (tree / PACKAGES[0] / "__init__.py").write_text("mine = True\n")
    assert f"changed or removed since they were put there: {PACKAGES[0]}/__init__.py." in only(tree)

    (tree / PACKAGES[0] / "__init__.py").write_text("")
    monkeypatch.setattr(doctor, "outdated_files", lambda manifest: ["a.py"])
    assert f"another version of the connector than this project: a.py. Run `acme-bot install {tree}`." in only(tree)


def test_what_is_neither(tmp_path):
    with pytest.raises(WorkspaceError, match="is no Hummingbot source tree"):
        list(examine(tmp_path))
