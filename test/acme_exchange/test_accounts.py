import json
import os
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from acme_exchange.accounts.file import AccountsError, first_account, load_accounts

ALICE = {"name": "alice", "key": "alice-key", "secret": "hush", "deposit": 10000, "readOnly": False}


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "accounts.json"

    def write(content) -> Path:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_accounts_are_read_with_their_keys_and_deposits(file):
    eyes = {"name": "alice", "key": "eyes", "secret": "s", "readOnly": True}
    bob = {"name": "bob", "key": "bob-key", "secret": "t", "deposit": "0.10"}
    alice, other = load_accounts(file([ALICE, bob, eyes]))
    assert (alice.name, alice.deposit) == ("alice", 10000)
    assert [(key.key, key.secret, key.read_only) for key in alice.keys] == [
        ("alice-key", "hush", False),
        ("eyes", "s", True),
    ]
    assert (other.name, other.deposit, other.keys[0].read_only) == ("bob", Decimal("0.10"), False)
    assert "hush" not in repr(alice)


def test_a_deposit_is_exactly_what_is_written(file):
    (account,) = load_accounts(file('[{"name": "a", "key": "k", "secret": "s", "deposit": 10000.10}]'))
    assert str(account.deposit) == "10000.10"


@pytest.mark.parametrize(
    ("changed", "place", "fix"),
    [
        ({"name": ""}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": 7}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": "[bold]x"}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": "a\x1b[2Jb"}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": "bob "}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": "b\u202eob"}, 'entry 2, field "name": does not fit', "1 to 64 letters"),
        ({"name": "@quotes"}, 'entry 2, field "name": does not fit', 'not beginning with "@"'),
        ({"key": "two words"}, 'entry 2, field "key": does not fit', "without spaces"),
        ({"key": "alice-key"}, 'entry 2, field "key": is the same as in entry 1', "write a different key"),
        ({"secret": ""}, 'entry 2, field "secret": does not fit', "1 to 256 characters"),
        ({"secret": 12345}, 'entry 2, field "secret": does not fit', "1 to 256 characters"),
        ({"deposit": -1}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": "much"}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": True}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": "1e-13"}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": "1_000"}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": "\u0661\u0662"}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"deposit": "NaN"}, 'entry 2, field "deposit": does not fit', "an amount of USD"),
        ({"readOnly": "yes"}, 'entry 2, field "readOnly": does not fit', "true or false"),
        ({"readonly": True}, 'entry 2, field "readonly": is not known', "name, key, secret, deposit, readOnly"),
        ({"name": "alice"}, 'entry 2, field "deposit": entry 1 already gives the deposit', "leave it out here"),
    ],
)
def test_an_entry_that_does_not_fit_is_named_with_its_field_and_what_to_write(file, changed, place, fix):
    bob = {"name": "bob", "key": "bob-key", "secret": "hush-too", "deposit": 5}
    with pytest.raises(AccountsError) as error:
        load_accounts(file([ALICE, bob | changed]))
    text = str(error.value)
    assert place in text and fix in text
    assert "hush" not in text and "12345" not in text


@pytest.mark.parametrize("name", ["name", "key", "secret", "deposit"])
def test_a_missing_field_is_named(file, name):
    entry = {field: value for field, value in ALICE.items() if field != name}
    with pytest.raises(AccountsError, match=f'entry 1, field "{name}": is missing; write '):
        load_accounts(file([entry]))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[{]", "line 1: is not JSON"),
        ('[\n{"name": "a",}]', "line 2: is not JSON"),
        ("{}", "write a JSON list"),
        ("[]", "write a JSON list with at least one"),
        ("[5]", "entry 1: write an object"),
    ],
)
def test_a_file_that_is_no_list_of_accounts_says_so(file, content, text):
    with pytest.raises(AccountsError, match=text):
        load_accounts(file(content))


def test_a_file_that_is_not_there_or_not_text_says_so(tmp_path: Path):
    with pytest.raises(AccountsError, match="nowhere.json: cannot be read"):
        load_accounts(tmp_path / "nowhere.json")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AccountsError, match="is not UTF-8 text"):
        load_accounts(tmp_path / "bytes")


def test_a_first_start_makes_an_account_that_only_its_owner_can_read_and_later_ones_find_it(tmp_path: Path):
    mask = os.umask(0)
    try:
        path, (account,) = first_account(tmp_path / "deep" / "acme")
    finally:
        os.umask(mask)
    assert (account.deposit, len(account.keys), account.keys[0].read_only) == (10_000, 1, False)
    assert len(account.keys[0].secret) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert first_account(path.parent) == (path, [account])
    assert first_account(tmp_path / "other")[1] != [account]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AccountsError, match="cannot keep the account's key here .*--accounts"):
        first_account(tmp_path / "file")
