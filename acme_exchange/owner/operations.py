"""What the owner may do to a venue: open accounts, deposit, make and revoke keys; while it runs, or while it does not."""

import json
import secrets
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool
from sqlalchemy import URL

from acme_exchange.accounts.file import DOLLARS, FIXES, ApiKey, main_account
from acme_exchange.api.wire import codec
from acme_exchange.api.wire.requests import Name, Number, Request
from acme_exchange.clock import SystemClock
from acme_exchange.engine import CreateAccount, Deposit, Engine, Refused
from acme_exchange.market import MarketPlan
from acme_exchange.owner.access import AdminAccess, read_access
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.store import Database, DatabaseStore, InUse
from acme_exchange.venue import Venue

PATIENCE_SECONDS = 30
WHAT_TO_WRITE = {
    "Invalid parameter name": f"name: {FIXES['name']}",
    "Invalid parameter deposit": f"deposit: {FIXES['deposit']}",
    "Invalid parameter amount": "amount: write an amount of USD above 0 and up to 1000000000000, with at most 12 decimals, such as 10000",
}


class AdministrationError(Exception):
    """What was asked was not done, or it is not known whether it was; the text says which."""


def no_account(name: str) -> str:
    """What somebody is told who names an account that there is not."""
    return f'There is no account "{name}"; account list shows those that there are'


class CreateAccountRequest(Request):
    name: Annotated[str, Field(strict=True, pattern=r"^[^@]", max_length=64)]
    deposit: Annotated[Number, DOLLARS] = Decimal(0)


class DepositRequest(Request):
    account: Name
    amount: Annotated[Number, DOLLARS, Field(gt=0)]


class CreateKeyRequest(Request):
    account: Name
    read_only: StrictBool = Field(False, alias="readOnly")


class RevokeKeyRequest(Request):
    key: Name


class Administration:
    """The owner's operations on a venue. Each is whole, or refused and nothing."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._operations: dict[str, tuple[type[Request], Callable[[Any], dict]]] = {
            "accounts": (CreateAccountRequest, self._create_account),
            "deposits": (DepositRequest, self._deposit),
            "keys": (CreateKeyRequest, self._create_key),
            "revocations": (RevokeKeyRequest, self._revoke_key),
        }

    def perform(self, operation: str, fields: Any) -> dict:
        """Carries one out.

        :param operation: `accounts`, `deposits`, `keys` or `revocations`.
        :raises Refused: naming what is wrong, and what to do.
        """
        request, handler = self._operations[operation]
        try:
            return handler(request.read(fields))
        except Refused as refused:
            raise Refused(refused.status, WHAT_TO_WRITE.get(refused.text, refused.text)) from None

    def add_to(self, admin: AdminInterface) -> None:
        """Has each be asked for by `POST /admin/{operation}`."""
        for operation in self._operations:
            admin.add("POST", f"/{operation}", lambda fields, name=operation: self.perform(name, fields))

    def _create_account(self, asked: CreateAccountRequest) -> dict:
        if self._venue.engine.has_account(asked.name):
            raise Refused(
                400,
                f'There is an account "{asked.name}" already; account deposit adds money to it, and '
                "account keys --create makes a further key",
            )
        main = main_account(asked.name)
        if main is not None and not self._venue.engine.has_account(main):
            raise Refused(404, f'There is no account "{main}" that "{asked.name}" could be a subaccount of')
        self._venue.execute(CreateAccount(asked.name))
        if asked.deposit:
            self._venue.execute(Deposit(asked.name, asked.deposit))
        return self._create_key(CreateKeyRequest(account=asked.name))

    def _deposit(self, asked: DepositRequest) -> dict:
        self._require_account(asked.account)
        self._venue.execute(Deposit(asked.account, asked.amount))
        return {"account": asked.account, "balance": self._venue.engine.balance(asked.account).total}

    def _create_key(self, asked: CreateKeyRequest) -> dict:
        self._require_account(asked.account)
        text, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        self._venue.store.add_key(ApiKey(text, asked.account, asked.read_only, secret=secret))
        return {"account": asked.account, "key": text, "secret": secret, "readOnly": asked.read_only}

    def _revoke_key(self, asked: RevokeKeyRequest) -> dict:
        if asked.key not in self._venue.keys:
            raise Refused(404, "There is no such key; account keys shows those that an account has")
        self._venue.store.revoke_key(asked.key)
        return {"key": asked.key}

    def _require_account(self, name: str) -> None:
        if not self._venue.engine.has_account(name):
            raise Refused(404, no_account(name))


@dataclass(frozen=True)
class Premises:
    """Where a venue keeps what it has.

    :ivar database: where its data is.
    :ivar access: the file that lets its owner's commands in while it runs.
    """

    database: URL
    access: Path | None

    async def administer(self, operation: str, fields: Mapping[str, Any]) -> dict:
        """Has an operation done: by the venue, if one runs here; else directly. It is kept when this returns.

        :raises AdministrationError: it was refused, or it is not known whether it was done.
        :raises StoreUnusable: there is no working with the database.
        """
        access = self.access and read_access(self.access)
        if access is not None and (answer := _ask(access, operation, fields)) is not None:
            return answer
        try:
            return await self._do(operation, fields)
        except InUse as error:
            raise AdministrationError(
                f"{error}; commands reach it through the file that --admin named when it was started"
            ) from None
        except Refused as refused:
            raise AdministrationError(f"Nothing was done: {refused.text}") from None

    async def _do(self, operation: str, fields: Mapping[str, Any]) -> dict:
        store = DatabaseStore(Database(self.database))
        try:
            engine = Engine([], client_ids=store) if store.state is None else Engine.restore(store.state, store)
            venue = Venue(engine, MarketPlan((), seed=0).simulation(), store, SystemClock())
            result = Administration(venue).perform(operation, fields)
            await store.progress.settle()
            return result
        finally:
            await store.close()


def _ask(access: AdminAccess, operation: str, fields: Mapping[str, Any]) -> dict | None:
    """The running venue's answer; None when there is no venue at that address (any more)."""
    unknown = (
        f"The venue at {access.url} did not answer: it is not known whether that was done; look before you repeat it"
    )
    try:
        with access.open(f"/{operation}", PATIENCE_SECONDS, codec.encode(dict(fields))) as response:
            return codec.decode(response.read())["result"]
    except urllib.error.HTTPError as error:
        if error.code == 403:
            return None  # Another venue has that address now: the file is left over from one that was killed.
        raise AdministrationError(f"Nothing was done: {_reason(error)}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return None
        raise AdministrationError(unknown) from None
    except (OSError, ValueError):
        raise AdministrationError(unknown) from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return json.loads(error.read())["error"]
    except (OSError, ValueError, KeyError):
        return f"the venue answered {error.code}"
