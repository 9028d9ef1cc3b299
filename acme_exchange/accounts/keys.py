"""API keys and the accounts that they belong to: names, settings, and the keyring in which a key is found."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

SUBACCOUNT_SEPARATOR = "/"
LONGEST_NAME = 64
NAME_FORM = (
    f'1 to {LONGEST_NAME} letters, digits, spaces within, and any of . _ - + / # : ( ) @, not beginning with "@"'
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


@dataclass(frozen=True)
class AccountSettings:
    """What the owner has set for an account.

    :ivar disabled: whether its keys are refused until it is enabled again, and those of its subaccounts.
    :ivar requests: how many a second each of its keys may send; None: as many as any (Acme API §3).
    :ivar orders: how many a second it may place and modify; None: as many as any.
    """

    disabled: bool = False
    requests: int | None = None
    orders: int | None = None


AS_ANY = AccountSettings()


class Keyring:
    """The keys that may sign in, and the settings of their accounts.

    :ivar accepted: the keys that are accepted now, by their text; the same object for good.
    :ivar revoked: the texts of keys that never will be again.
    """

    def __init__(
        self,
        keys: Iterable[ApiKey] = (),
        revoked: Iterable[str] = (),
        settings: Mapping[str, AccountSettings] | None = None,
    ) -> None:
        """:param settings: by account; those of the accounts that are as any can be absent."""
        self.accepted: dict[str, ApiKey] = {}
        self.revoked = set(revoked)
        self._settings = dict(settings or {})
        self._keys: dict[str, ApiKey] = {}
        for key in keys:
            self.add(key)

    def find(self, text: str) -> ApiKey | None:
        """A key that is not revoked, accepted or not."""
        return self._keys.get(text)

    def settings(self, account: str) -> AccountSettings:
        """What the owner has set for the account itself."""
        return self._settings.get(account, AS_ANY)

    def is_disabled(self, account: str) -> bool:
        """Whether the account is, or the one that it is a subaccount of."""
        main = main_account(account)
        return self.settings(account).disabled or (main is not None and self.is_disabled(main))

    def most_requests(self, key: str) -> int | None:
        """How many requests a second a key may send; None: as many as any."""
        return self.settings(self._keys[key].account).requests if key in self._keys else None

    def add(self, key: ApiKey) -> None:
        """Adds a key."""
        self._keys[key.key] = key
        if not self.is_disabled(key.account):
            self.accepted[key.key] = key

    def revoke(self, text: str) -> None:
        """From now on the key is not accepted, nor ever again."""
        del self._keys[text]
        self.accepted.pop(text, None)
        self.revoked.add(text)

    def set(self, account: str, settings: AccountSettings) -> None:
        """From now on these are the account's, all of them."""
        self._settings[account] = settings
        self.accepted.clear()
        self.accepted.update((text, key) for text, key in self._keys.items() if not self.is_disabled(key.account))


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


def no_account(name: str) -> str:
    """What somebody is told who names an account that there is not."""
    return f'There is no account "{name}"; account list shows those that there are'
