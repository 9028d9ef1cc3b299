"""Reads the tables of keys and of the accounts' settings."""

from sqlalchemy import Connection, select

from acme_exchange.accounts.keys import AccountSettings, ApiKey, Keyring
from acme_exchange.store.sql import tables


def keyring(connection: Connection) -> Keyring:
    """Reads all keys that were not revoked, the revoked ones' texts, and the accounts' settings."""
    revoked = connection.scalars(select(tables.keys.c.key).where(tables.keys.c.revoked))
    return Keyring(unrevoked(connection), revoked, settings(connection))


def unrevoked(connection: Connection) -> list[ApiKey]:
    """The keys that are not revoked, those of disabled accounts included."""
    columns = tables.keys.c
    found = connection.execute(select(tables.keys).where(~columns.revoked).order_by(columns.account, columns.key))
    return [ApiKey(row.key, row.account, row.read_only, secret=row.secret) for row in found]


def settings(connection: Connection) -> dict[str, AccountSettings]:
    """Reads what the owner has set, by account."""
    found = connection.execute(select(tables.settings))
    return {row.account: AccountSettings(row.disabled, row.requests, row.orders) for row in found}
