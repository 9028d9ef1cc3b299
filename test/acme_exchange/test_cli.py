"""`acme-exchange serve`, as a process."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from acme_exchange.cli.notices import Activity
from acme_exchange.mid_prices import FILE_NAME as MIDDLES
from test.acme_exchange.processes import carried_out, command, serving

PATIENCE_SECONDS = 120
ALICE = {"name": "alice", "key": "alice-key", "secret": "alice-secret", "deposit": 10000}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user whose home is empty."""
    return {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([ALICE]))
    path.chmod(0o600)
    return path


def end(process: subprocess.Popen, number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Ends a venue; its exit status and what else it printed."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def run(environment: dict[str, str], *arguments: object) -> tuple[int, str, str]:
    """A venue that does not come to listen."""
    done = carried_out(environment, "serve", *arguments)
    return done.returncode, done.stdout, done.stderr


def ask(url: str, path: str, context: ssl.SSLContext | None = None) -> object:
    with urllib.request.urlopen(f"{url}/api{path}", timeout=PATIENCE_SECONDS, context=context) as response:
        return json.load(response)["result"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_says_where_it_listens_and_a_signal_ends_it(environment, accounts, number):
    with serving(environment, "--accounts", accounts) as (process, url):
        assert ask(url, "/") == {"name": "acme", "status": "ok"}
        status, out, err = end(process, number)
    assert (status, out) == (0, "")
    assert "Traceback" not in err
    host, port = url.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_the_first_start_makes_an_account_and_later_ones_use_it(environment, tmp_path):
    with serving(environment) as (process, _):
        err = end(process)[2]
    path = Path(re.search(r"are in (.+accounts\.json)$", err, re.MULTILINE)[1])
    assert path.is_relative_to(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (entry,) = json.loads(path.read_text())
    assert (entry["deposit"], entry["readOnly"]) == (10000, False)
    assert entry["secret"] not in err
    with serving(environment) as (process, _):
        assert str(path) in end(process)[2]
    assert json.loads(path.read_text()) == [entry]


def test_in_memory_the_same_key_is_used_and_is_all_that_is_kept(environment, tmp_path):
    folder = tmp_path / "kept"
    with serving(environment, "--data", folder, "--memory") as (process, _):
        assert str(folder / "accounts.json") in end(process)[2]
    entries = (folder / "accounts.json").read_text()

    with serving(environment, "--data", folder, "--memory") as (process, _):
        assert str(folder / "accounts.json") in end(process)[2]

    assert [path.name for path in folder.iterdir()] == ["accounts.json"]
    assert (folder / "accounts.json").read_text() == entries


def test_a_seed_is_new_at_each_start_and_printed_unless_it_is_given(environment, accounts):
    def seed(*arguments: object) -> str:
        with serving(environment, "--accounts", accounts, *arguments) as (process, _):
            return re.search(r"--seed (\d+) repeats", end(process)[2])[1]

    assert seed() != seed()
    assert seed("--seed", 12) == "12"


def test_without_liquidity_the_books_are_empty(environment, accounts):
    with serving(environment, "--accounts", accounts, "--no-liquidity") as (_, url):
        book = ask(url, "/markets/BTC-PERP/orderbook")
        assert (book["bids"], book["asks"]) == ([], [])
    with serving(environment, "--accounts", accounts) as (_, url):
        assert len(ask(url, "/markets/BTC-PERP/orderbook?depth=100")["bids"]) == 100


def test_the_funding_interval_is_as_given(environment, accounts):
    interval = 1_000_000
    with serving(environment, "--accounts", accounts, "--funding-interval", interval) as (_, url):
        at = datetime.fromisoformat(ask(url, "/futures/BTC-PERP")["nextFundingTime"])
    assert at.timestamp() % interval == 0


def test_a_bad_accounts_file_is_one_sentence_and_nothing_listens(environment, accounts):
    accounts.write_text(json.dumps([ALICE, {**ALICE, "key": "other", "name": "bob", "deposit": "much"}]))
    status, out, err = run(environment, "--port", 0, "--accounts", accounts)
    assert (status, out) == (1, "")
    assert err == (
        f'{accounts}, entry 2, field "deposit": does not fit; '
        "write an amount of USD from 0 to 1000000000000, with at most 12 decimals, such as 10000\n"
    )


def test_an_accounts_file_that_others_can_read_is_warned_about(environment, accounts):
    accounts.chmod(0o644)
    with serving(environment, "--accounts", accounts) as (process, _):
        assert f"can read the secrets in {accounts}; chmod 600 ends that" in end(process)[2]


def test_a_port_in_use_is_one_sentence(environment, accounts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = run(environment, "--port", port, "--accounts", accounts)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"Port {port} of 127.0.0.1 is in use; ")
    assert "Traceback" not in err


def test_a_host_of_another_machine_is_one_sentence(environment, accounts):
    status, _, err = run(environment, "--port", 0, "--host", "192.0.2.1", "--accounts", accounts)
    assert status == 1
    assert err.splitlines()[-1].startswith("192.0.2.1 is no address of this machine; ")


def test_outside_of_loopback_it_says_what_that_means(environment, accounts):
    process = subprocess.Popen(
        command("--port", 0, "--host", "0.0.0.0", "--accounts", accounts),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout.readline().startswith("Acme is listening on http://0.0.0.0:")
        assert "Warning: 0.0.0.0 can be reached from other machines" in end(process)[2]
    finally:
        process.kill()
        process.communicate()


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(tmp_path: Path, authority: trustme.CA) -> dict[str, Path]:
    """A certificate of that authority's for this machine, and its key."""
    issued = authority.issue_cert("127.0.0.1")
    paths = {"--tls-cert": tmp_path / "cert.pem", "--tls-key": tmp_path / "key.pem"}
    paths["--tls-cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    paths["--tls-key"].write_bytes(issued.private_key_pem.bytes())
    paths["--tls-key"].chmod(0o600)
    return paths


def arguments_of(options: dict[str, Path]) -> list[object]:
    return [part for option in options.items() for part in option]


def test_over_tls_clients_that_trust_its_authority_and_the_owner_are_answered(
    environment, accounts, authority, tls, tmp_path
):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    data = tmp_path / "kept"
    with serving(environment, "--accounts", accounts, "--data", data, *arguments_of(tls)) as (process, url):
        assert url.startswith("https://")
        assert ask(url, "/", trusting) == {"name": "acme", "status": "ok"}
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            ask(url, "/")
        for words in (["account", "deposit", "alice", "5", "--data", data], ["faults", "--data", data]):
            done = carried_out(environment, *words)
            assert done.returncode == 0, done.stderr
        assert "Warning" not in end(process)[2]


def test_what_the_owners_commands_find_holds_no_key_also_where_one_file_holds_both(
    environment, accounts, tls, tmp_path
):
    both, data = tmp_path / "both.pem", tmp_path / "kept"
    both.write_bytes(b"".join(path.read_bytes() for path in tls.values()))
    both.chmod(0o600)
    files = arguments_of(dict.fromkeys(tls, both))
    with serving(environment, "--accounts", accounts, "--data", data, *files) as (_, url):
        access = json.loads((data / "venue.sqlite.admin.json").read_text())
        assert url.startswith("https://") and "PRIVATE KEY" not in access["certificate"]
        assert access["certificate"].count("BEGIN CERTIFICATE") == tls["--tls-cert"].read_text().count(
            "BEGIN CERTIFICATE"
        )


def test_a_key_that_others_can_read_is_warned_about(environment, accounts, tls):
    tls["--tls-key"].chmod(0o640)
    with serving(environment, "--accounts", accounts, *arguments_of(tls)) as (process, _):
        assert f"can read the key in {tls['--tls-key']}; chmod 600 ends that" in end(process)[2]


def test_a_certificate_or_key_that_cannot_be_used_is_one_sentence(environment, accounts, tls, tmp_path):
    certificate, key = tls["--tls-cert"], tls["--tls-key"]
    other, locked = tmp_path / "other.pem", tmp_path / "locked.pem"
    other.write_bytes(trustme.CA().issue_cert("127.0.0.1").private_key_pem.bytes())
    locked.write_bytes(
        load_pem_private_key(key.read_bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")
        )
    )
    for given, sentence in (
        ([certificate, tmp_path / "nowhere"], f"{tmp_path / 'nowhere'}: cannot be read (No such file or directory); "),
        ([certificate, other], f"{other}: is not the key of the certificate in {certificate}; "),
        ([certificate, locked], "The key of --tls-key has a passphrase, "),
        ([accounts, key], f"{accounts} or {key}: is no certificate, or no key, in PEM form "),
    ):
        files = arguments_of(dict(zip(tls, given)))
        status, out, err = run(environment, "--port", 0, "--accounts", accounts, *files)
        assert (status, out) == (1, ""), given
        assert err.splitlines()[-1].startswith(sentence), err
    status, _, err = run(environment, "--port", 0, "--accounts", accounts, "--tls-cert", certificate)
    assert (status, err) == (1, "--tls-cert needs --tls-key beside it; write both, or neither.\n")


# Whose commands reach whom


def test_a_command_reaches_the_venue_of_the_database_that_it_names_or_none(environment, accounts, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    with serving(environment, "--accounts", accounts, "--data", tmp_path / "kept") as (process, _):
        assert (
            carried_out(environment, "account", "create", "bob", "--deposit", "777", "--database", other).returncode
            == 0
        )
        with serving(environment, "--accounts", accounts, "--database", other) as (second, _):
            done = carried_out(environment, "account", "deposit", "bob", "1", "--database", other)
            assert done.stdout == "bob has 778 USD now.\n"
            end(second)
        assert "bob" not in carried_out(environment, "account", "list", "--data", tmp_path / "kept").stdout
        done = carried_out(environment, "account", "deposit", "alice", "1", "--data", tmp_path / "kept")
        assert done.stdout == "alice has 10001 USD now.\n", done.stderr
        assert f"All of it is kept in {tmp_path / 'kept' / 'venue.sqlite'}; " in end(process)[2]
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"venue.sqlite", MIDDLES}


def test_a_venue_that_keeps_nothing_leaves_its_file_to_nobody_else(environment, accounts, tmp_path):
    here = ("--accounts", accounts, "--memory", "--data", tmp_path / "here")
    with serving(environment, *here) as (process, url):
        status, _, err = run(environment, "--port", 0, *here)
        assert status == 1
        assert err.splitlines()[-1].startswith(f"{tmp_path / 'here' / 'memory.admin.json'}: another venue that runs")
        assert (
            carried_out(environment, "faults", "--data", tmp_path / "here").stdout == f"No faults are set on {url}.\n"
        )
        assert "Nothing of it is kept." in end(process)[2]
    assert list((tmp_path / "here").iterdir()) == []


def test_accounts_and_a_database_are_enough_in_a_home_where_nothing_is(environment, accounts, tmp_path):
    with serving(environment, "--accounts", accounts, "--database", f"sqlite:///{tmp_path / 'b.sqlite'}") as (
        process,
        _,
    ):
        assert end(process)[0] == 0
    assert not (tmp_path / "data").exists()


def test_a_database_that_is_none_makes_no_key_file(environment, tmp_path):
    status, _, err = run(environment, "--database", "nonsense")
    assert (status, err) == (1, "--database: write a URL such as sqlite:////home/you/venue.sqlite\n")
    assert not (tmp_path / "data").exists()


def test_a_full_disk_at_the_start_is_a_sentence(environment, tmp_path):
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    script += "from acme_exchange.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, "serve", "--port", "0", "--data", str(tmp_path / "full")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "or take another directory with --data" in done.stderr.splitlines()[-1]


def test_it_says_which_version_it_is(environment):
    """As a process that nothing was done for."""
    words = [sys.executable, "-m", "acme_exchange", "--version"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert re.fullmatch(r"acme-exchange \d+\.\d+\.\d+\n", done.stdout)


def test_a_line_a_minute_says_what_happened_and_nothing_when_nothing_did():
    clients = 0
    activity = Activity(lambda: clients)
    assert activity.line() is None
    activity.orders, activity.fills, clients = 1200, 1, 2
    assert activity.line() == "2 connections; in the last minute 1,200 orders, 1 fill"
    assert activity.line() == "2 connections; in the last minute 0 orders, 0 fills"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--host", ""], "write an address of this machine, such as 127.0.0.1"),
        (["--port", "\u0668\u0666"], "write a port from 0 to 65535"),
        (["--port", "70000"], "write a port from 0 to 65535, not '70000'"),
        (["--port", "http"], "write a port from 0 to 65535, not 'http'"),
        (["--funding-interval", "0"], "write a whole number of seconds above 0, not '0'"),
        (["--header-prefix", "F:X"], "write letters, digits and hyphens, such as FTX, not 'F:X'"),
    ],
)
def test_an_argument_that_does_not_fit_says_what_to_write(environment, arguments, sentence):
    status, _, err = run(environment, *arguments)
    assert status == 2
    assert sentence in err


def test_a_venue_that_keeps_nothing_starts_without_what_reads_a_database(environment):
    script = "import sys; from acme_exchange.cli.main import main\ntry: main(['serve', '--help'])\n"
    script += "except SystemExit: pass\nprint({'sqlalchemy', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stdout + done.stderr
