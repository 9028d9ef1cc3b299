"""Accounts and their keys: what each is called, and what is known of it."""

import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal

SUBACCOUNT_SEPARATOR = "/"
LONGEST_NAME = 64
NAME_FORM = (
    f"1 to {LONGEST_NAME} letters, digits, spaces within, and any of . _ - + / # : ( ) @, not beginning with \"@\""
)
NAME_SIGNS = frozenset("._-+/#:()@ ")


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


def account_name(text: str) -> str:
    """The name of an account. What is none cannot be mistaken for another in a terminal or a page, nor change it.

    :raises ValueError: it is not of `NAME_FORM`.
    """
    fits = all(letter in NAME_SIGNS or unicodedata.category(letter)[0] in "LN" for letter in text)
    if not fits or not 1 <= len(text) <= LONGEST_NAME or text != text.strip() or text.startswith("@"):
        raise ValueError(f"write {NAME_FORM}")
    return text


def subaccount_name(account: str, subaccount: str) -> str:
    """What the account is called that the keys of `account` reach by naming `subaccount` (Acme API §2)."""
    return f"{account}{SUBACCOUNT_SEPARATOR}{subaccount}"


def main_account(name: str) -> str | None:
    """The account that `name` is a subaccount of; None when it is none."""
    main, separator, _ = name.rpartition(SUBACCOUNT_SEPARATOR)
    return main if separator else None
