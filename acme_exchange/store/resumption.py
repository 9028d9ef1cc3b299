"""Going on after a restart: the markets as they are defined now, with what they were when the venue ended."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from acme_exchange.engine import Engine, MarketSpecification
from acme_exchange.engine.model.state import ClientIds
from acme_exchange.store import StoreUnusable

MICROSECONDS = 1_000_000
DEFINED = tuple(field.name for field in fields(MarketSpecification) if field.name != "expiry")
INCREMENTS = ("price_increment", "size_increment")


def resumed_engine(
    state: dict[str, Any] | None, markets: Sequence[MarketSpecification], funding_interval: int, client_ids: ClientIds
) -> Engine:
    """The engine of a venue that goes on, or of a new one.

    A market keeps its book, prices and positions; its definition may have changed, except in what would leave orders
    and positions without a meaning. A dated future lives until the expiry that it had, and only then begins anew.

    :param state: what a store has kept; None for a new venue.
    :param funding_interval: seconds.
    :raises StoreUnusable: the markets do not fit the orders and positions that there are.
    """
    fresh = Engine(markets, funding_interval, client_ids)
    if state is None:
        return fresh
    old = {row["name"]: row for row in state["markets"]}
    used = {row["market"] for row in state["orders"]}
    used |= {row["market"] for row in state["holdings"] if float(row["size"])}
    new = [_resumed(old.get(row["name"]), row, used) for row in fresh.snapshot()["markets"]]
    names = {row["name"] for row in new}
    if lost := sorted(used - names):
        raise StoreUnusable(
            f"There are positions or orders in {', '.join(lost)}, which is no market of this venue now; start it once "
            "more with that market and close them, or take another directory with --data"
        )
    state = state | {
        "markets": [_with_interval(row, state["funding_interval"], funding_interval) for row in new],
        "funding_interval": funding_interval,
        "holdings": [row for row in state["holdings"] if row["market"] in names],
        "statistics": [row for row in state["statistics"] if row["market"] in names],
    }
    return Engine.restore(state, client_ids)


def _resumed(old: dict[str, Any] | None, defined: dict[str, Any], used: set[str]) -> dict[str, Any]:
    if old is None or (old["expired"] and old["expiry"] != defined["expiry"]):
        return defined
    changed = [name for name in (*INCREMENTS, "kind") if old[name] != defined[name]]
    if changed and old["name"] in used:
        raise StoreUnusable(
            f"{old['name']}: {changed[0]} was {old[changed[0]]} and is {defined[changed[0]]} now, but there are "
            "positions or orders; start the venue once more as it was and close them, or take another directory with "
            "--data"
        )
    row = old | {name: defined[name] for name in DEFINED}
    return row | {"enabled": not old["expired"] and (defined["enabled"] or old["name"] in used)}


def _with_interval(row: dict[str, Any], before: int, now: int) -> dict[str, Any]:
    """With another funding interval, the next payment is due at the next multiple of that."""
    if before == now or row["funding_since"] is None:
        return row
    interval = now * MICROSECONDS
    return row | {"funding_next": (row["funding_since"] // interval + 1) * interval}
