"""Who has an account: the accounts file, and the account that a first start makes."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, StringConstraints, ValidationError

FIRST_ACCOUNT = "main"
FIRST_DEPOSIT = Decimal(10_000)
DOLLARS = Field(ge=0, le=10**12, decimal_places=12)
"""What can be deposited, as `FIXES` says it."""

SUBACCOUNT_SEPARATOR = "/"

FIXES = {
    "name": 'write the account\'s name, 1 to 64 characters, not beginning with "@"',
    "key": "write the API key, 1 to 128 printable ASCII characters without spaces",
    "secret": "write the API secret, 1 to 256 characters",
    "deposit": "write an amount of USD from 0 to 1000000000000, with at most 12 decimals, such as 10000",
    "readOnly": "write true or false, or leave it out",
}


class AccountsError(Exception):
    """The accounts file cannot be used; the text says where and what to write instead."""


@dataclass(frozen=True)
class KeyEntry:
    """A key of an account; its secret appears in no representation."""

    key: str
    read_only: bool
    secret: str = field(repr=False)


@dataclass(frozen=True)
class ApiKey:
    """A key as the venue knows it. Its secret appears in no representation.

    :ivar account: the account's name.
    :ivar read_only: refused on every write.
    """

    key: str
    account: str
    read_only: bool = False
    secret: str = field(repr=False, kw_only=True)


@dataclass(frozen=True)
class AccountEntry:
    """An account as the venue opens it.

    :ivar deposit: USD.
    :ivar keys: at least one.
    """

    name: str
    deposit: Decimal
    keys: tuple[KeyEntry, ...]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(strict=True, pattern=r"^[^@]", max_length=64)]
    key: Annotated[str, StringConstraints(strict=True, pattern=r"^[!-~]{1,128}$")]
    secret: Annotated[SecretStr, Field(min_length=1, max_length=256)]
    deposit: Annotated[Decimal, Field(allow_inf_nan=False), DOLLARS] | None = None
    readOnly: StrictBool = False


def subaccount_name(account: str, subaccount: str) -> str:
    """What the account is called that the keys of `account` reach by naming `subaccount` (Acme API §2)."""
    return f"{account}{SUBACCOUNT_SEPARATOR}{subaccount}"


def main_account(name: str) -> str | None:
    """The account that `name` is a subaccount of; None when it is none."""
    main, separator, _ = name.rpartition(SUBACCOUNT_SEPARATOR)
    return main if separator else None


def load_accounts(path: Path) -> list[AccountEntry]:
    """Reads a JSON list of `{"name", "key", "secret", "deposit", "readOnly"}`.

    Entries with the same name are keys of one account, whose deposit one of them gives.

    :raises AccountsError: naming the entry, the field and what to write; never a secret.
    """
    lines = [_line(path, number, entry) for number, entry in enumerate(_entries(path), start=1)]
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
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass  # Another first start, at the same moment, was faster: its account is the one.
    finally:
        unfinished.unlink()


def _entries(path: Path) -> list[Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise AccountsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise AccountsError(f"{path}: is not UTF-8 text; write a JSON list of accounts") from None
    except json.JSONDecodeError as error:
        raise AccountsError(f"{path}, line {error.lineno}: is not JSON ({error.msg})") from None
    if not isinstance(entries, list) or not entries:
        raise AccountsError(f'{path}: write a JSON list with at least one {{"name", "key", "secret", "deposit"}}')
    return entries


def _line(path: Path, number: int, entry: Any) -> _Line:
    if not isinstance(entry, dict):
        raise AccountsError(f'{path}, entry {number}: write an object {{"name", "key", "secret", "deposit"}}')
    try:
        return _Line.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0])
    if name not in FIXES:
        raise AccountsError(f'{path}, entry {number}, field "{name}": is not known; the fields are {", ".join(FIXES)}')
    problem = "is missing" if first["type"] == "missing" else "does not fit"
    raise AccountsError(f'{path}, entry {number}, field "{name}": {problem}; {FIXES[name]}')


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
