"""The owner's operations on a venue: to open and disable accounts, deposit, set limits, make and revoke keys."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool

from acme_exchange.accounts.file import DOLLARS, FIXES
from acme_exchange.accounts.keys import ApiKey, account_name, main_account, no_account
from acme_exchange.api.rate_limits import ORDERS, REQUESTS
from acme_exchange.api.wire.requests import Name, Number, Request
from acme_exchange.engine import CancelOrders, CreateAccount, Deposit, Refused
from acme_exchange.owner.interface import AdminInterface
from acme_exchange.owner.limits import A_SECOND, AS_FOR_ANY, RateLimit
from acme_exchange.venue import Venue

WHAT_TO_WRITE = {
    "Invalid parameter requests": f"requests: {A_SECOND}",
    "Invalid parameter orders": f"orders: {A_SECOND}",
    "Invalid parameter name": f"name: {FIXES['name']}",
    "Invalid parameter deposit": f"deposit: {FIXES['deposit']}",
    "Invalid parameter amount": (
        "amount: write an amount of USD above 0 and up to 1000000000000, with at most 12 decimals, such as 10000"
    ),
}


class CreateAccountRequest(Request):
    name: Annotated[str, Field(strict=True), AfterValidator(account_name)]
    deposit: Annotated[Number, DOLLARS] = Decimal(0)


class DepositRequest(Request):
    account: Name
    amount: Annotated[Number, DOLLARS, Field(gt=0)]


class CreateKeyRequest(Request):
    account: Name
    read_only: StrictBool = Field(False, alias="readOnly")


class RevokeKeyRequest(Request):
    key: Name


class AccountRequest(Request):
    account: Name


class LimitsRequest(Request):
    account: Name
    requests: RateLimit | None = None
    orders: RateLimit | None = None


class Administration:
    """The owner's operations on a venue. Each is whole, or refused and nothing."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._operations: dict[str, tuple[type[Request], Callable[[Any], dict[str, Any]]]] = {
            "accounts": (CreateAccountRequest, self._create_account),
            "deposits": (DepositRequest, self._deposit),
            "keys": (CreateKeyRequest, self._create_key),
            "revocations": (RevokeKeyRequest, self._revoke_key),
            "disabling": (AccountRequest, self._disable),
            "enabling": (AccountRequest, self._enable),
            "limits": (LimitsRequest, self._limit),
        }

    def perform(self, operation: str, fields: Any) -> dict[str, Any]:
        """Carries out an operation.

        :param operation: one of those in `__init__`.
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
            admin.add("POST", f"/{operation}", partial(self.perform, operation))

    def _create_account(self, asked: CreateAccountRequest) -> dict[str, Any]:
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
        return self._create_key(CreateKeyRequest(account=asked.name, readOnly=False))

    def _deposit(self, asked: DepositRequest) -> dict[str, Any]:
        self._require_account(asked.account)
        self._venue.execute(Deposit(asked.account, asked.amount))
        return {"account": asked.account, "balance": self._venue.engine.balance(asked.account).total}

    def _create_key(self, asked: CreateKeyRequest) -> dict[str, Any]:
        self._require_account(asked.account)
        text, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        self._venue.store.add_key(ApiKey(text, asked.account, asked.read_only, secret=secret))
        return {"account": asked.account, "key": text, "secret": secret, "readOnly": asked.read_only}

    def _revoke_key(self, asked: RevokeKeyRequest) -> dict[str, Any]:
        if self._venue.store.keyring.find(asked.key) is None:
            raise Refused(404, "There is no such key; account keys shows those that an account has")
        self._venue.revoke_key(asked.key)
        return {"key": asked.key}

    def _disable(self, asked: AccountRequest) -> dict[str, Any]:
        """Its keys are refused, and those of its subaccounts; the orders of all of them are cancelled."""
        self._require_account(asked.account)
        self._set(asked.account, disabled=True)
        orders = 0
        for name in self._venue.engine.account_names():
            if self._venue.store.keyring.is_disabled(name):
                orders += len(self._venue.engine.open_orders(name))
                self._venue.execute(CancelOrders(name))
        return {"account": asked.account, "cancelled": orders}

    def _enable(self, asked: AccountRequest) -> dict[str, Any]:
        self._require_account(asked.account)
        self._set(asked.account, disabled=False)
        return {"account": asked.account}

    def _limit(self, asked: LimitsRequest) -> dict[str, Any]:
        """Sets an account's limits: what is absent stays, `default` is as for any account."""
        self._require_account(asked.account)
        wanted = {"requests": asked.requests, "orders": asked.orders}
        changes = {name: None if rate == AS_FOR_ANY else rate for name, rate in wanted.items() if rate is not None}
        self._set(asked.account, **changes)
        settings = self._venue.store.keyring.settings(asked.account)
        return {
            "account": asked.account,
            "requests": settings.requests or REQUESTS.limit,
            "orders": settings.orders or ORDERS.limit,
        }

    def _set(self, account: str, **changes: Any) -> None:
        store = self._venue.store
        store.set_account(account, replace(store.keyring.settings(account), **changes))

    def _require_account(self, name: str) -> None:
        if not self._venue.engine.has_account(name):
            raise Refused(404, no_account(name))
