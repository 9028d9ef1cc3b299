"""Turns events and records into rows of tables, and back."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from acme_exchange.accounts.keys import AccountSettings, ApiKey
from acme_exchange.engine.events import Deposited, Filled, FundingPaid, FundingSettled, Liquidated, Settled, Traded
from acme_exchange.engine.model.plain_data import PlainData
from acme_exchange.engine.views import Order
from acme_exchange.store.ledger import Posting
from acme_exchange.store.store import Candle

ORDER_MONEY = frozenset({"size", "price", "filled_size", "average_fill_price"})
ORDER_FIELDS = tuple(name for name in Order.__struct_fields__ if name != "remaining_size")
ZERO = Decimal(0)


class Fields:
    """Takes a record's fields as a row of values: in their order, decimals as text."""

    def __init__(self, *names: str) -> None:
        """:param names: two at least."""
        self.names = names
        self._values = attrgetter(*names)

    def __call__(self, record: Any) -> tuple[Any, ...]:
        return tuple([str(value) if type(value) is Decimal else value for value in self._values(record)])


ORDER = Fields(*ORDER_FIELDS)
ORDER_STATE = Fields("id", "size", "status", "filled_size", "average_fill_price")
FILL, PAYMENT, RATE, TRADE = (Fields(*kind.__struct_fields__) for kind in (Filled, FundingPaid, FundingSettled, Traded))
CANDLE = Fields("open", "high", "low", "close", "volume")
CANDLE_CHANGES = Fields("high", "low", "close", "volume")
KEY_NAMES = ("key", "account", "read_only", "secret", "revoked")


def key_row(key: ApiKey) -> tuple[Any, ...]:
    """A key that is accepted, in the order of `KEY_NAMES`."""
    return key.key, key.account, key.read_only, key.secret, False


def settings_row(account: str, settings: AccountSettings) -> tuple[Any, ...]:
    """What the owner has set for an account, in the order of the table's columns."""
    return account, settings.disabled, settings.requests, settings.orders


def order_of(row: Any) -> Order:
    money = {name: _money(getattr(row, name)) for name in ORDER_MONEY}
    values = {name: getattr(row, name) for name in ORDER_FIELDS} | money
    remaining = ZERO if row.status == "closed" else Decimal(row.size) - Decimal(row.filled_size)
    return Order(remaining_size=remaining, **values)


def fill_of(row: Any) -> Filled:
    return _record(Filled, row, ("price", "size", "fee", "fee_rate", "profit"))


def payment_of(row: Any) -> FundingPaid:
    return _record(FundingPaid, row, ("payment", "rate"))


def rate_of(row: Any) -> FundingSettled:
    return _record(FundingSettled, row, ("rate",))


def trade_of(row: Any) -> Traded:
    return _record(Traded, row, ("price", "size"))


def candle_of(row: Any) -> Candle:
    return _record(Candle, row, ("open", "high", "low", "close", "volume"))


def posting_row(event: Posting) -> dict[str, Any] | None:
    """What is no fill and no funding, but moves cash: a deposit, an expiry, a loss that the house bore."""
    row = {
        "account": event.account,
        "time": event.time,
        "market": None,
        "position_side": None,
        "size": None,
        "price": None,
    }
    if isinstance(event, Deposited):
        return row | {"kind": "deposit", "amount": str(event.amount)}
    if isinstance(event, Settled):
        return row | {
            "kind": "expiry",
            "amount": str(event.profit),
            "market": event.market,
            "size": str(event.size),
            "position_side": event.position_side,
            "price": str(event.price),
        }
    return row | {"kind": "absorbed loss", "amount": str(event.absorbed)} if event.absorbed else None


def posting_of(row: Any) -> Posting:
    amount = Decimal(row.amount)
    if row.kind == "deposit":
        return Deposited(row.account, amount, row.time)
    if row.kind == "expiry":
        size, price = Decimal(row.size), Decimal(row.price)
        return Settled(row.account, row.market, row.position_side, size, price, amount, row.time)
    return Liquidated(row.account, amount, row.time)


def worth_keeping(fills: Sequence[Filled], is_house: Iterable[bool]) -> list[Filled]:
    """The fills of trades with an account in them: both halves, also the house's."""
    by_accounts = {fill.trade_id for fill, house in zip(fills, is_house) if not house}
    return [fill for fill in fills if fill.trade_id in by_accounts]


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _record[Kind: PlainData](kind: type[Kind], row: Any, money: Sequence[str]) -> Kind:
    values = {name: getattr(row, name) for name in kind.__struct_fields__}
    return kind(**values | {name: Decimal(values[name]) for name in money})
