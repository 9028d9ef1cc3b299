"""Shows, cancels and closes what a workspace's bot has on the venue: its orders and positions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psutil
import yaml

from acme_bot.compare.venue_client import Key, VenueClient
from acme_bot.hbot import CONNECTOR
from acme_bot.problem import Problem, quoted
from acme_bot.server import DEFAULT_SERVER

TRIES = 3
NET = "net"


@dataclass(frozen=True)
class OpenPosition:
    """`size` is signed, in coins; `value` in USD, unsigned; `side` is "net", or "long" or "short" in hedge mode."""

    market: str
    side: str
    size: Decimal
    value: Decimal

    def __str__(self) -> str:
        direction = "long" if self.size > 0 else "short"
        return f"{direction} {abs(self.size).normalize():f} on {self.market}, worth {self.value:,.2f} USD"


def stored_client(workspace: Path, password: str, connector: str = CONNECTOR) -> VenueClient:
    """A client with the key that `connect` has stored in a workspace.

    Raises `Problem` when there is none, or when the password is not the one of the key.
    """
    server = _stored(workspace, connector).get(f"{connector}_server") or DEFAULT_SERVER
    return VenueClient(server, stored_key(workspace, password, connector))


def stored_key(workspace: Path, password: str, connector: str = CONNECTOR) -> Key:
    """The key that `connect` has stored in a workspace. Raises `Problem` as `stored_client` does."""
    values = _stored(workspace, connector)
    key, secret = (_decrypted(values[f"{connector}_{name}"], password) for name in ("api_key", "api_secret"))
    return Key(key, secret, values.get(f"{connector}_subaccount") or "")


def _stored(workspace: Path, connector: str) -> dict[str, str]:
    path = workspace / "conf" / "connectors" / f"{connector}.yml"
    if not path.exists():
        raise Problem(f"{workspace} has no key: `acme-bot workspace {quoted(workspace)} --connect` stores the venue's.")
    values: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def running_bot(workspace: Path) -> int | None:
    """The process of the bot that `hbot start` has started there; None when none runs."""
    try:
        pid = int((workspace / "data" / "bot" / "bot.pid").read_text())
        command = psutil.Process(pid).cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return pid if any("hummingbot.cli.engine" in part for part in command) else None


def require_stopped(workspace: Path) -> None:
    """Raises `Problem` while the bot runs: it would go on trading."""
    if running_bot(workspace) is not None:
        stop = f"`{quoted(workspace / 'hbot')} stop`"
        raise Problem(f"The bot in {workspace} runs, and would trade on: stop it first with {stop}.")


def cancel_orders(client: VenueClient) -> int:
    """Cancels every order of the account. Returns how many there were. Raises `VenueError`."""
    orders = client.get("/orders")
    client.ask("DELETE", "/orders", {})
    return len(orders)


def open_positions(client: VenueClient) -> list[OpenPosition]:
    """The account's open positions. Raises `VenueError`."""
    return list(_open(client))


def close_positions(client: VenueClient) -> list[OpenPosition]:
    """Closes every position of the account with orders at any price, which only reduce. Returns those that there were.

    Raises `Problem` when some of it cannot be closed, because nobody is there to trade with.
    """
    found = left = open_positions(client)
    for _ in range(TRIES):
        for position in left:
            client.ask("POST", "/orders", _closing_order(position))
        left = open_positions(client)
        if not left:
            return found
    raise Problem(f"This is left, for nobody trades it at present: {'; '.join(map(str, left))}.")


def _closing_order(position: OpenPosition) -> dict[str, str | bool | None]:
    order: dict[str, str | bool | None] = {
        "market": position.market,
        "side": "sell" if position.size > 0 else "buy",
        "type": "market",
        "size": f"{abs(position.size):f}",
        "price": None,
        "reduceOnly": True,
    }
    return order if position.side == NET else {**order, "positionSide": position.side}


def _open(client: VenueClient) -> Iterator[OpenPosition]:
    for one in client.get("/positions"):
        size = Decimal(one["netSize"])
        if size:
            value = abs(Decimal(one["cost"]) + Decimal(one["unrealizedPnl"]))
            yield OpenPosition(one["future"], one["positionSide"], size, value)


def _decrypted(value: str, password: str) -> str:
    from eth_account import Account

    try:
        return Account.decrypt(json.loads(bytes.fromhex(value)), password).decode()
    except ValueError:
        raise Problem("The password is not the one of this bot's keys.") from None
