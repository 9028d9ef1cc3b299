"""Computes what the page shows of an account's past and the API does not tell: its equity, the profit of its fills, and
its ledger."""

from decimal import Decimal
from typing import Any, Literal

from acme_exchange.accounts.keys import ApiKey
from acme_exchange.api.routes import period_of
from acme_exchange.api.wire import account_data, answers, requests
from acme_exchange.api.wire.account_data import Fill
from acme_exchange.api.wire.answers import Answer
from acme_exchange.api.wire.requests import Request
from acme_exchange.page.equity import EquityCurve, equity_curve
from acme_exchange.store import FillFilter, Period
from acme_exchange.store.ledger import Entry
from acme_exchange.venue import Venue


class EquityQuery(Request):
    resolution: Literal["15", "60", "300", "900", "3600", "14400", "86400"] = "60"


class PageFill(Fill, frozen=True):
    """A fill, and what it realized before its fee."""

    profit: Decimal = Decimal(0)


class LedgerPage(Answer, frozen=True):
    """The latest entries within a period, the newest first, each as an :class:`Entry` has it, and the balance as it is
    now."""

    balance: Decimal
    entries: list[dict[str, Any]]


async def equity(venue: Venue, key: ApiKey, fields: object) -> EquityCurve:
    return await equity_curve(venue, key.account, int(EquityQuery.read(fields).resolution))


async def fills(venue: Venue, key: ApiKey, fields: object) -> list[PageFill]:
    asked = requests.FillsQuery.read(fields)
    page = await venue.store.fills(
        key.account, FillFilter(asked.market, asked.order_id), period_of(asked), asked.limit, asked.order == "asc"
    )
    return [_with_profit(account_data.fill(fill), fill.profit) for fill in page.records]


async def ledger(venue: Venue, key: ApiKey, fields: object) -> LedgerPage:
    """All entries of the oldest moment are told, so that the next page can end right before it."""
    asked = requests.TradesQuery.read(fields)
    period, now = period_of(asked), venue.clock.now()
    balance = venue.engine.balance(key.account).total
    until = now if period.end is None else min(now, period.end)
    entries = await venue.store.ledger(key.account, Period(period.start, until), asked.limit)
    return LedgerPage(balance, [_presented(entry) for entry in entries])


def _with_profit(fill: Fill, profit: Decimal) -> PageFill:
    return PageFill(**{name: getattr(fill, name) for name in fill.__struct_fields__}, profit=profit)


def _presented(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__slots__} | {"time": answers.iso(entry.time)}
