"""What the venue says of an account, as it says it (Acme API §5, §6), for tests to change where they need to."""

import json
from decimal import Decimal
from typing import Any, Dict, List, Optional

from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire

TIME = "2026-01-02T03:04:05.678901+00:00"
EPOCH_SECONDS = 1767323045.678901  # TIME


def success(result: Any) -> str:
    """A REST answer's body."""
    return json.dumps({"success": True, "result": result}, default=_number)


def refusal(message: str) -> str:
    return json.dumps({"success": False, "error": message})


def frame(channel: str, data: Any) -> Dict[str, Any]:
    """A frame of a private channel, as the user stream passes it on."""
    return wire.private_frame(json.dumps({"channel": channel, "type": "update", "data": data}, default=_number))


def market(name: str = "BTC-PERP", **changes: Any) -> Dict[str, Any]:
    """As recorded on 2021-07-22, apart from the name."""
    return {
        "name": name,
        "enabled": True,
        "postOnly": False,
        "priceIncrement": 1.0,
        "sizeIncrement": 0.0001,
        "minProvideSize": 0.001,
        "last": 32195.0,
        "bid": 32195.0,
        "ask": 32196.0,
        "price": 32195.0,
        "type": "future",
        "baseCurrency": None,
        "quoteCurrency": None,
        "underlying": name.split("-")[0],
        "restricted": False,
        "highLeverageFeeExempt": True,
        "change1h": -0.008286101527846229,
        "change24h": 0.005905142785727676,
        "changeBod": 0.008425734511056819,
        "quoteVolume24h": 2040637338.7775,
        "volumeUsd24h": 2040637338.7775,
        **changes,
    }


def account(**changes: Any) -> Dict[str, Any]:
    return {
        "username": "alice",
        "collateral": 10000.0,
        "freeCollateral": 9900.5,
        "totalAccountValue": 10000.0,
        "totalPositionSize": 0.0,
        "initialMarginRequirement": 0.1,
        "maintenanceMarginRequirement": 0.03,
        "marginFraction": None,
        "openMarginFraction": None,
        "liquidating": False,
        "leverage": 10,
        "makerFee": 0.0002,
        "takerFee": 0.0005,
        "positions": [],
        "positionMode": "oneway",
        **changes,
    }


def order(id: int = 9596912, client_id: Optional[str] = "HBOT1", **changes: Any) -> Dict[str, Any]:
    """A buy of 1 BTC at 10,000 USD that rests untouched."""
    data = {
        "id": id,
        "clientId": client_id,
        "market": "BTC-PERP",
        "future": "BTC-PERP",
        "type": "limit",
        "side": "buy",
        "size": 1.0,
        "price": 10000.0,
        "reduceOnly": False,
        "ioc": False,
        "postOnly": False,
        "status": "open",
        "filledSize": 0.0,
        "avgFillPrice": None,
        "createdAt": TIME,
        "liquidation": False,
        "positionSide": None,
        **changes,
    }
    remaining = Decimal(str(data["size"])) - Decimal(str(data["filledSize"]))
    return {"remainingSize": 0.0 if data["status"] == "closed" else float(remaining), **data}


def fill(id: int = 3741, order_id: int = 9596912, client_id: Optional[str] = "HBOT1", **changes: Any) -> Dict[str, Any]:
    """A maker's buy of 1 BTC at 10,000 USD, for a fee of 2 USD."""
    return {
        "id": id,
        "market": "BTC-PERP",
        "future": "BTC-PERP",
        "type": "order",
        "side": "buy",
        "price": 10000.0,
        "size": 1.0,
        "orderId": order_id,
        "tradeId": id + 7,
        "time": TIME,
        "feeRate": 0.0002,
        "fee": 2.0,
        "feeCurrency": "USD",
        "liquidity": "maker",
        "baseCurrency": None,
        "quoteCurrency": None,
        "clientId": client_id,
        "positionSide": None,
        **changes,
    }


def position(net_size: float = 1.0, **changes: Any) -> Dict[str, Any]:
    """A position in BTC-PERP, entered at 10,000 USD."""
    return {
        "future": "BTC-PERP",
        "side": "sell" if net_size < 0 else "buy",
        "size": abs(net_size),
        "netSize": net_size,
        "openSize": abs(net_size),
        "longOrderSize": 0.0,
        "shortOrderSize": 0.0,
        "cost": net_size * 10000,
        "entryPrice": 10000.0 if net_size else None,
        "unrealizedPnl": 12.5 if net_size else 0.0,
        "realizedPnl": 0.0,
        "initialMarginRequirement": 0.1,
        "maintenanceMarginRequirement": 0.03,
        "estimatedLiquidationPrice": None,
        "collateralUsed": abs(net_size) * 1000,
        "positionSide": "net",
        **changes,
    }


def balance(coin: str = "USD", total: float = 10000.0, free: float = 9900.5) -> Dict[str, Any]:
    return {
        "coin": coin,
        "total": total,
        "free": free,
        "availableWithoutBorrow": free,
        "usdValue": total,
        "spotBorrow": 0.0,
    }


def funding_payment(id: int, time: str, payment: float, future: str = "BTC-PERP") -> Dict[str, Any]:
    """`payment` is what the account paid: negative when it received."""
    return {"id": id, "future": future, "payment": payment, "rate": 0.0000125, "time": time}


def default_markets() -> List[Dict[str, Any]]:
    """The venue's default markets (Acme API §8), the ones that cannot be traded included."""
    return [
        market("BTC-PERP"),
        market("ETH-PERP", priceIncrement=0.1, sizeIncrement=0.001, minProvideSize=0.001),
        market("DOGE-PERP", priceIncrement=5e-07, sizeIncrement=1.0, minProvideSize=1.0),
        market("BTC-1231"),
        market("BTC/USD", type="spot", underlying=None, baseCurrency="BTC", quoteCurrency="USD"),
        market("OLD-PERP", enabled=False),
    ]


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is no JSON")
