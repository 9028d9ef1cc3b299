"""`acme-exchange serve` and `acme-exchange page` as they are typed: the addresses that they print sign in once."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

from test.acme_exchange.processes import carried_out, serving

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/#code=(\S+)")


def page_command(data: str, *arguments: str) -> subprocess.CompletedProcess:
    return carried_out(os.environ, "page", *arguments, "--data", data)


def sign_in(address: str) -> dict | int:
    """Whom it signs in; the status of a refusal."""
    url, code = ADDRESS.search(address).groups()
    request = urllib.request.Request(f"{url}/page/session", json.dumps({"code": code}).encode(), {"Origin": url})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        return error.code


def test_the_addresses_that_are_printed_sign_in_once(tmp_path):
    data = str(tmp_path / "data")
    with serving(dict(os.environ), "--data", data) as (process, url):
        of_account, of_owner = page_command(data), page_command(data, "--owner")
        read_only, of_nobody = page_command(data, "main", "--read-only"), page_command(data, "nobody")

        assert of_account.stdout.startswith(url)
        opened = sign_in(of_account.stdout)
        assert (opened["account"], opened["readOnly"], opened["owner"]) == ("main", False, False)
        assert sign_in(of_account.stdout) == 401
        assert sign_in(read_only.stdout)["readOnly"]
        assert sign_in(of_owner.stdout)["owner"]
        assert of_nobody.returncode == 1 and 'There is no account "nobody"' in of_nobody.stderr

        printed = next(line for line in process.stderr if ADDRESS.search(line))
        assert sign_in(printed)["account"] == "main"


def test_without_a_venue_it_says_so(tmp_path):
    alone = page_command(str(tmp_path))

    assert alone.returncode == 1 and alone.stdout == "" and "running" in alone.stderr
