"""Reads a file of accounts and their keys, and makes the account of a first start."""

import json
import os
import secrets
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from acme_exchange.accounts.keys import NAME_FORM, AccountEntry, KeyEntry, account_name
from acme_exchange.input import numbers
from acme_exchange.input.errors import UserError
from acme_exchange.input.files import read_list
from acme_exchange.input.folders import make_directory, sync_directory

FIRST_ACCOUNT = "main"
FIRST_DEPOSIT = Decimal(10_000)
DOLLARS = Field(ge=0, le=10**12, decimal_places=12)
"""What can be deposited, as `FIXES` says it."""

FIXES = {
    "name": f"write the account's name, {NAME_FORM}",
    "key": "write the API key, 1 to 128 printable ASCII characters without spaces",
    "secret": "write the API secret, 1 to 256 characters",
    "deposit": "write an amount of USD from 0 to 1000000000000, with at most 12 decimals, such as 10000",
    "readOnly": "write true or false, or leave it out",
}


class AccountsError(UserError):
    """The accounts file cannot be used; the text says where and what to write instead."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(strict=True), AfterValidator(account_name)]
    key: Annotated[str, StringConstraints(strict=True, pattern=r"^[!-~]{1,128}$")]
    secret: Annotated[SecretStr, Field(min_length=1, max_length=256)]
    deposit: Annotated[Decimal, BeforeValidator(numbers.number), DOLLARS] | None = None
    readOnly: StrictBool = False


def load_accounts(path: Path) -> list[AccountEntry]:
    """Reads a JSON list of `{"name", "key", "secret", "deposit", "readOnly"}`.

    Entries with the same name are keys of one account, whose deposit one of them gives.

    :raises AccountsError: naming the entry, the field and what to write; never a secret.
    """
    lines = [_line(path, position, entry) for position, entry in enumerate(_entries(path), start=1)]
    _refuse_repeated_keys(path, lines)
    names = dict.fromkeys(line.name for line in lines)
    return [_account(path, name, lines) for name in names]


def first_account(directory: Path | None = None) -> tuple[Path, list[AccountEntry]]:
    """The account of whoever gives no accounts file: made at the first start, found again at every later one.

    :param directory: where its key file lies; the user's data directory when absent.
    :returns: the key file, which its owner alone can read, and the accounts in it.
    :raises AccountsError: when the file cannot be made, or has been spoiled.
    """
    path = (directory or platformdirs.user_data_path("acme-exchange", appauthor=False)) / "accounts.json"
    try:
        make_directory(path.parent)
        if not path.exists():
            _write_first_account(path)
    except OSError as error:
        raise AccountsError(
            f"{path}: cannot keep the account's key here ({error.strerror}); "
            f"make the directory writable, or name an accounts file with --accounts"
        ) from None
    return path, load_accounts(path)


def _write_first_account(path: Path) -> None:
    entry = {
        "name": FIRST_ACCOUNT,
        "key": secrets.token_urlsafe(24),
        "secret": secrets.token_urlsafe(32),
        "deposit": int(FIRST_DEPOSIT),
        "readOnly": False,
    }
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump([entry], file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass  # Another first start, at the same moment, was faster: its account is the one.
    finally:
        unfinished.unlink()
        sync_directory(path.parent)


def _entries(path: Path) -> list[Any]:
    entries = read_list(path, "accounts", AccountsError)
    if not entries:
        raise AccountsError(f'{path}: write a JSON list with at least one {{"name", "key", "secret", "deposit"}}')
    return entries


def _line(path: Path, position: int, entry: Any) -> _Line:
    if not isinstance(entry, dict):
        raise AccountsError(f'{path}, entry {position}: write an object {{"name", "key", "secret", "deposit"}}')
    try:
        return _Line.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0])
    if name not in FIXES:
        raise AccountsError(
            f'{path}, entry {position}, field "{name}": is not known; the fields are {", ".join(FIXES)}'
        )
    problem = "is missing" if first["type"] == "missing" else "does not fit"
    raise AccountsError(f'{path}, entry {position}, field "{name}": {problem}; {FIXES[name]}')


def _refuse_repeated_keys(path: Path, lines: Sequence[_Line]) -> None:
    first_use: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        earlier = first_use.setdefault(line.key, number)
        if earlier != number:
            raise AccountsError(
                f'{path}, entry {number}, field "key": is the same as in entry {earlier}; write a different key'
            )


def _account(path: Path, name: str, lines: Sequence[_Line]) -> AccountEntry:
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.name == name]
    deposits = [(number, line.deposit) for number, line in numbered if line.deposit is not None]
    if not deposits:
        raise AccountsError(f'{path}, entry {numbered[0][0]}, field "deposit": is missing; {FIXES["deposit"]}')
    if len(deposits) > 1:
        raise AccountsError(
            f'{path}, entry {deposits[1][0]}, field "deposit": entry {deposits[0][0]} already gives the deposit '
            f'of "{name}"; leave it out here'
        )
    keys = (KeyEntry(line.key, line.readOnly, line.secret.get_secret_value()) for _, line in numbered)
    return AccountEntry(name, deposits[0][1], tuple(keys))
