"""The engine's state as plain data, and back. Money is written as decimal text, orders in their queue order."""

from dataclasses import fields
from decimal import Decimal

from acme_exchange.engine.accounts import Account, Holding
from acme_exchange.engine.funding import MICROSECONDS, FundingClock
from acme_exchange.engine.markets import Market
from acme_exchange.engine.orders import LiveOrder
from acme_exchange.engine.specification import MarketSpecification
from acme_exchange.engine.state import State
from acme_exchange.engine.trading import register
from acme_exchange.engine.used_ids import UsedIds
from acme_exchange.engine.views import Balance

VERSION = 1

_ORDER_MONEY = ("size", "price", "filled", "filled_notional")
_ORDER_PLAIN = ("client_id", "reduce_only", "ioc", "post_only", "status", "created_at", "liquidation")
_HOLDING_MONEY = ("size", "cost", "realized", "recent", "buys", "sells")
_SPECIFICATION_MONEY = ("price_increment", "size_increment", "min_provide_size", "max_size")


def dump(state: State) -> dict:
    """The whole state."""
    return {
        "version": VERSION,
        "now": state.now,
        "funding_interval": state.funding_interval,
        "counters": dict(state.counters),
        "markets": [_dump_market(market) for market in state.markets.values()],
        "accounts": [_dump_account(account) for account in state.accounts.values()],
    }


def load(data: dict) -> State:
    """The state of a `dump`.

    :raises ValueError: the dump is of another version.
    """
    if data["version"] != VERSION:
        raise ValueError(f"version: this engine reads snapshots of version {VERSION}, not {data['version']}")
    interval = data["funding_interval"]
    markets = [_load_market(plain, interval * MICROSECONDS) for plain in data["markets"]]
    state = State({market.name: market for market in markets}, interval)
    state.now = data["now"]
    state.counters = dict(data["counters"])
    for number, plain in enumerate(data["accounts"]):
        state.accounts[plain["name"]] = _load_account(state, plain, number)
    for market, plain in zip(markets, data["markets"]):
        _load_orders(state, market, plain["orders"])
    for account in state.accounts.values():
        account.orders = dict(sorted(account.orders.items()))
        for holding in account.holdings.values():
            state.update_activity(holding)
    return state


def _load_orders(state: State, market: Market, rows: list[dict]) -> None:
    queue = [_load_order(state, market, row) for row in rows]
    for order in queue:
        market.book.own(order.side).add(order)
    market.book.bids.take_changes()
    market.book.asks.take_changes()
    # Holdings know their orders by age, books by price: each gets its own order of things.
    for order in sorted(queue, key=lambda order: order.id):
        register(order)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _dump_market(market: Market) -> dict:
    specification = {field.name: getattr(market.specification, field.name) for field in fields(MarketSpecification)}
    statistics, funding = market.statistics, market.funding
    return {
        "specification": specification | {name: str(specification[name]) for name in _SPECIFICATION_MONEY},
        "enabled": market.enabled,
        "expired": market.expired,
        "index": _text(market.index),
        "last": _text(market.last),
        "mark": _text(market.mark),
        "open_interest": str(market.open_interest),
        "ticker": [_text(value) for value in market.shown],
        "statistics": [
            [bucket, str(price), str(volume)]
            for bucket, price, volume in zip(statistics.buckets, statistics.prices, statistics.volumes)
        ],
        "funding": funding and {
            "start": funding.start,
            "since": funding.since,
            "next_time": funding.next_time,
            "premium": str(funding.premium),
            "area": str(funding.area),
        },
        "orders": [_dump_order(order) for order in [*market.book.bids.orders(), *market.book.asks.orders()]],
    }


def _load_market(plain: dict, interval: int) -> Market:
    specification = plain["specification"]
    market = Market(MarketSpecification(**specification | {
        name: Decimal(specification[name]) for name in _SPECIFICATION_MONEY
    }))
    market.enabled = plain["enabled"]
    market.expired = plain["expired"]
    market.index, market.last, market.mark = (_money(plain[name]) for name in ("index", "last", "mark"))
    market.open_interest = Decimal(plain["open_interest"])
    market.shown = tuple(_money(text) for text in plain["ticker"])
    for bucket, price, volume in plain["statistics"]:
        market.statistics.buckets.append(bucket)
        market.statistics.prices.append(Decimal(price))
        market.statistics.volumes.append(Decimal(volume))
    market.funding = _load_funding(plain["funding"], interval)
    return market


def _load_funding(plain: dict | None, interval: int) -> FundingClock | None:
    if plain is None:
        return None
    clock = FundingClock(interval, plain["start"])
    clock.since = plain["since"]
    clock.next_time = plain["next_time"]
    clock.premium = Decimal(plain["premium"])
    clock.area = Decimal(plain["area"])
    return clock


def _dump_account(account: Account) -> dict:
    return {
        "name": account.name,
        "cash": str(account.cash),
        "leverage": account.leverage,
        "mode": account.mode,
        "maker_fee": str(account.maker_fee),
        "taker_fee": str(account.taker_fee),
        "used_client_ids": account.used_client_ids.dump(),
        "shown": [str(account.shown.total), str(account.shown.free)],
        "holdings": [
            {"market": holding.market.name, "side": holding.side, "traded": holding.traded}
            | {name: str(getattr(holding, name)) for name in _HOLDING_MONEY}
            for holding in account.holdings.values()
        ],
    }


def _load_account(state: State, plain: dict, number: int) -> Account:
    account = Account(plain["name"], number, Decimal(plain["maker_fee"]), Decimal(plain["taker_fee"]))
    account.cash = Decimal(plain["cash"])
    account.leverage = plain["leverage"]
    account.mode = plain["mode"]
    account.used_client_ids = UsedIds.load(plain["used_client_ids"])
    account.shown = Balance(*map(Decimal, plain["shown"]))
    for row in plain["holdings"]:
        holding = Holding(account, state.markets[row["market"]], row["side"])
        holding.traded = row["traded"]
        for name in _HOLDING_MONEY:
            setattr(holding, name, Decimal(row[name]))
        account.holdings[holding.key] = holding
    return account


def _dump_order(order: LiveOrder) -> dict:
    names = {"id": order.id, "account": order.account.name, "holding": order.holding.side, "side": order.side}
    plain = {name: getattr(order, name) for name in _ORDER_PLAIN}
    money = {name: _text(getattr(order, name)) for name in _ORDER_MONEY}
    return names | {"kind": order.kind, "reducing": order.reducing} | plain | money


def _load_order(state: State, market: Market, plain: dict) -> LiveOrder:
    holding = state.accounts[plain["account"]].holdings[market.name, plain["holding"]]
    order = LiveOrder(holding, plain["side"], plain["kind"], Decimal(plain["size"]), reducing=plain["reducing"])
    order.id = plain["id"]
    for name in _ORDER_PLAIN:
        setattr(order, name, plain[name])
    for name in _ORDER_MONEY:
        setattr(order, name, _money(plain[name]))
    return order
