"""Writes the engine's state as tables of plain data, and reads it back. Money is decimal text, orders are in their
queue order.

Each table is a list of rows; what a row can be computed from is not repeated in it. The same rows say what has changed:
whoever keeps them, row by row, can have the engine go on from there. What a followed market displays is not among them:
it is halted until its source has told it again.
"""

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from acme_exchange.engine.model.accounts import Account, Holding
from acme_exchange.engine.model.funding import MICROSECONDS, FundingClock
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.mirror import FollowedFunding
from acme_exchange.engine.model.orders import LiveOrder
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.engine.model.standing import balance, standing
from acme_exchange.engine.model.state import Changed, ClientIds, RememberedIds, State
from acme_exchange.engine.rules.checks import closes
from acme_exchange.engine.rules.trading import register

VERSION = 1

_ORDER_PLAIN = ("client_id", "reduce_only", "ioc", "post_only", "created_at")
_HOLDING_MONEY = ("size", "cost", "realized", "recent")
_SPECIFICATION_MONEY = ("price_increment", "size_increment", "min_provide_size", "max_size", "price_band")
_SPECIFICATION = tuple(field.name for field in fields(MarketSpecification))
_MARKET_PRICES = ("index", "last", "mark")
_NO_FUNDING = {"funding_start": None, "funding_since": None, "funding_next": None, "premium": None, "area": None}


def dump(state: State) -> dict[str, Any]:
    """The whole state. Client ids are None when somebody else keeps them."""
    markets = list(state.markets.values())
    return {
        "version": VERSION,
        "now": state.now,
        "funding_interval": state.funding_interval,
        "counters": dict(state.counters),
        "client_ids": _pairs(state.client_ids),
        "markets": [market_row(market) for market in markets],
        "statistics": [row for market in markets for row in _statistics_rows(market)],
        "accounts": [_account_row(account) for account in state.accounts.values()],
        "holdings": _holding_rows(held for account in state.accounts.values() for held in account.holdings.values()),
        "orders": [
            _order_row(order)
            for market in markets
            for side in (market.book.bids, market.book.asks)
            for order in side.orders()
            if not order.mirrored
        ],
    }


def take_changes(state: State) -> dict[str, Any]:
    """The rows of `dump` that are new or differ since this was last called.

    Orders and client ids are not among them: events report those, for all accounts but the house's.
    """
    changed, state.changed = state.changed, Changed(state.now)
    changed.accounts[state.house.number] = state.house
    return {
        "now": state.now,
        "funding_interval": state.funding_interval,
        "counters": dict(state.counters),
        "markets": [market_row(market) for market in changed.markets.values()],
        "statistics": [row for market in changed.markets.values() for row in _statistics_rows(market, changed.since)],
        "accounts": [_account_row(account) for account in changed.accounts.values()],
        "holdings": _holding_rows(changed.holdings.values()),
    }


def load(data: dict[str, Any], client_ids: ClientIds | None = None) -> State:
    """The state of a `dump`.

    :param client_ids: those used, if somebody else keeps them.
    :raises ValueError: the dump is of another version.
    """
    if data["version"] != VERSION:
        raise ValueError(f"version: this engine reads snapshots of version {VERSION}, not {data['version']}")
    if client_ids is None:
        client_ids = RememberedIds(map(tuple, data["client_ids"]))
    interval = data["funding_interval"]
    markets = {row["name"]: _load_market(row, interval * MICROSECONDS) for row in data["markets"]}
    state = State(markets, interval, client_ids)
    state.now = data["now"]
    state.counters = dict(data["counters"])
    _load_statistics(state, data["statistics"])
    for row in data["accounts"]:
        state.accounts[row["name"]] = _load_account(row)
    for row in data["holdings"]:
        _load_holding(state, row)
    _load_orders(state, data["orders"])
    _recompute(state)
    return state


def _load_orders(state: State, rows: list[dict[str, Any]]) -> None:
    queue = [_load_order(state, row) for row in rows]
    for order in queue:
        order.market.book.own(order.side).add(order)
        order.holding.reserve(order, order.remaining)
    # Holdings know their orders by age, books by price: each gets its own order of things.
    for order in sorted(queue, key=lambda order: order.id):
        register(order)
        state.update_activity(order.holding)


def _recompute(state: State) -> None:
    """What was last reported is what holds: a report of every change ends each command."""
    for market in state.markets.values():
        market.book.bids.take_changes()
        market.book.asks.take_changes()
        market.shown = market.ticker
    state.plan()
    for account in state.accounts.values():
        account.shown = balance(account, standing(account))


def _pairs(client_ids: ClientIds) -> list[list[str]] | None:
    return sorted(map(list, client_ids.pairs)) if isinstance(client_ids, RememberedIds) else None


def specification_row(specification: MarketSpecification) -> dict[str, Any]:
    """The part of a market's row that defines it."""
    row = {name: getattr(specification, name) for name in _SPECIFICATION}
    return row | {name: str(row[name]) for name in _SPECIFICATION_MONEY}


def specification_of(row: dict[str, Any]) -> MarketSpecification:
    """The definition in a market's row."""
    values = {name: row[name] for name in _SPECIFICATION}
    return MarketSpecification(**values | {name: Decimal(row[name]) for name in _SPECIFICATION_MONEY})


def market_row(market: Market) -> dict[str, Any]:
    """What a snapshot holds of a market, but for its orders and its day."""
    if market.definition is None:
        market.definition = specification_row(market.specification)
    row = market.definition | {
        name: str(price) if (price := getattr(market, name)) else None for name in _MARKET_PRICES
    }
    row |= {"open_interest": str(market.open_interest), "enabled": market.enabled, "expired": market.expired}
    funding = market.funding
    if funding is None:
        return row | _NO_FUNDING
    if isinstance(funding, FollowedFunding):
        return row | funding.row()
    return row | {
        "funding_start": funding.start,
        "funding_since": funding.since,
        "funding_next": funding.next_time,
        "premium": str(funding.premium),
        "area": str(funding.area),
    }


def _load_market(row: dict[str, Any], interval: int) -> Market:
    market = Market(specification_of(row))
    market.expired = row["expired"]
    market.open_interest = Decimal(row["open_interest"])
    for name in _MARKET_PRICES:
        if row[name] is not None:
            setattr(market, name, Decimal(row[name]))
    if market.mirror is not None:
        market.mirror.mark = market.mark
        market.funding = FollowedFunding.resumed(row)
    elif row["funding_start"] is not None:
        market.funding = clock = FundingClock(interval, row["funding_start"])
        clock.since = row["funding_since"]
        clock.next_time = row["funding_next"]
        clock.premium = Decimal(row["premium"])
        clock.area = Decimal(row["area"])
    return market


def _statistics_rows(market: Market, since: int = 0) -> list[dict[str, Any]]:
    return [
        {"market": market.name, "bucket": bucket, "price": str(price), "volume": str(volume)}
        for bucket, price, volume in market.statistics.rows(since)
    ]


def _load_statistics(state: State, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        statistics = state.markets[row["market"]].statistics
        statistics.buckets.append(row["bucket"])
        statistics.prices.append(Decimal(row["price"]))
        statistics.volumes.append(Decimal(row["volume"]))


def _account_row(account: Account) -> dict[str, Any]:
    return {
        "number": account.number,
        "name": account.name,
        "cash": str(account.cash),
        "leverage": account.leverage,
        "mode": account.mode,
        "maker_fee": str(account.maker_fee),
        "taker_fee": str(account.taker_fee),
    }


def _load_account(row: dict[str, Any]) -> Account:
    account = Account(row["name"], row["number"], Decimal(row["maker_fee"]), Decimal(row["taker_fee"]))
    account.cash = Decimal(row["cash"])
    account.leverage = row["leverage"]
    account.mode = row["mode"]
    return account


def _holding_rows(holdings: Iterable[Holding]) -> list[dict[str, Any]]:
    """One for each position that ever was open; a holding that only has orders is made again from them."""
    return [_holding_row(holding) for holding in holdings if holding.traded]


def _holding_row(holding: Holding) -> dict[str, Any]:
    row = {"account": holding.account.name, "market": holding.market.name, "side": holding.side}
    return row | {name: str(getattr(holding, name)) for name in _HOLDING_MONEY}


def _load_holding(state: State, row: dict[str, Any]) -> None:
    account, market = state.accounts[row["account"]], state.markets[row["market"]]
    holding = Holding(account, market, row["side"])
    holding.traded = True
    for name in _HOLDING_MONEY:
        setattr(holding, name, Decimal(row[name]))
    account.holdings[holding.key] = holding
    state.update_activity(holding)


def _order_row(order: LiveOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "account": order.account.name,
        "market": order.market.name,
        "position_side": order.position_side,
        "side": order.side,
        "kind": order.kind,
        "size": str(order.size),
        "price": str(order.price),
        "filled_size": str(order.filled),
        "filled_notional": str(order.filled_notional),
    } | {name: getattr(order, name) for name in _ORDER_PLAIN}


def _load_order(state: State, row: dict[str, Any]) -> LiveOrder:
    account, market = state.accounts[row["account"]], state.markets[row["market"]]
    holding = account.holding(market, row["position_side"] or "net")
    account.holdings[holding.key] = holding
    reducing = row["reduce_only"] or closes(holding, row["side"])
    order = LiveOrder(holding, row["side"], row["kind"], Decimal(row["size"]), Decimal(row["price"]), reducing)
    order.id = row["id"]
    order.status = "open"
    order.filled = Decimal(row["filled_size"])
    order.filled_notional = Decimal(row["filled_notional"])
    for name in _ORDER_PLAIN:
        setattr(order, name, row[name])
    return order
