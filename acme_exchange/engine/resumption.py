"""Restores the engine after a restart: from a snapshot, with the markets as they are defined now."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from acme_exchange.engine.model.funding import MICROSECONDS
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.specification import MarketSpecification
from acme_exchange.engine.snapshot import market_row, specification_of, specification_row


class MarketsChanged(ValueError):
    """The markets do not fit what there is; the text says why, and what to do."""


def resumed(snapshot: dict[str, Any], markets: Iterable[MarketSpecification], funding_interval: int) -> dict[str, Any]:
    """The snapshot with these markets in it.

    A market keeps its book, prices and positions; its definition may have changed, except in what would leave orders
    and positions without a meaning. A dated future lives until the expiry that it had, and only then begins anew.

    :param markets: their names differ.
    :param funding_interval: seconds. With another one, the next payment is due at the next multiple of that.
    :raises MarketsChanged: the markets do not fit the orders and positions that there are.
    """
    before = {row["name"]: row for row in snapshot["markets"]}
    used = {row["market"] for row in snapshot["orders"]}
    used |= {row["market"] for row in snapshot["holdings"] if Decimal(row["size"])}
    rows = {each.name: _redefined(before.get(each.name), each, used) for each in markets}
    if lost := sorted(used - set(rows)):
        raise MarketsChanged(
            f"There are positions or orders in {', '.join(lost)}, which is no market of this venue now; start it once "
            "more with that market and close them"
        )
    for row in rows.values():
        if funding_interval != snapshot["funding_interval"] and row["funding_since"] is not None:
            interval = funding_interval * MICROSECONDS
            row["funding_next"] = (row["funding_since"] // interval + 1) * interval
    remaining = {part: [row for row in snapshot[part] if row["market"] in rows] for part in ("holdings", "statistics")}
    return snapshot | remaining | {"markets": list(rows.values()), "funding_interval": funding_interval}


def _redefined(row: dict[str, Any] | None, defined: MarketSpecification, used: set[str]) -> dict[str, Any]:
    before = specification_of(row) if row else defined
    if row is None or (row["expired"] and before.expiry != defined.expiry):
        return market_row(Market(defined))
    if before.source != defined.source:
        was = f"followed {before.source}" if before.source else "had prices of its own"
        does = f"follows {defined.source}" if defined.source else "has prices of its own"
        raise MarketsChanged(f"{defined.name} {was} in this database, and {does} now; start the venue as it was")
    is_used = defined.name in used
    for name in ("price_increment", "size_increment", "kind"):
        was, does = getattr(before, name), getattr(defined, name)
        if is_used and was != does:
            raise MarketsChanged(
                f"{defined.name}: {name} was {was} and is {does} now, but there are positions or orders; start the "
                "venue once more as it was and close them"
            )
    enabled = not row["expired"] and (defined.enabled or is_used)
    return row | specification_row(replace(defined, enabled=enabled, expiry=before.expiry))
