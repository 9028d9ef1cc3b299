"""The words that fields may hold, as types, so that a type checker finds one that is misspelt (Acme API §5)."""

from typing import Literal

Side = Literal["buy", "sell"]
OPPOSITE: dict[Side, Side] = {"buy": "sell", "sell": "buy"}
OrderKind = Literal["limit", "market"]
OrderStatus = Literal["new", "open", "closed"]
PositionMode = Literal["oneway", "hedge"]
PositionSide = Literal["long", "short"]
HoldingSide = Literal["net", "long", "short"]
Liquidity = Literal["maker", "taker"]
FillKind = Literal["order", "liquidation"]
MarketKind = Literal["perpetual", "future", "spot"]
