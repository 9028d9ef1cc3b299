"""Makes the three bots of the chaos, each with a strategy of its own."""

from collections.abc import Sequence
from pathlib import Path

from acme_bot.bot import Bot, Strategy
from acme_bot.compare.venue_account import VenueAccount
from acme_bot.compare.venue_client import Key
from acme_bot.hbot import CONNECTOR

# On this market a part of an order is never too little to be an order of its own: every position can be closed.
COIN = "ETH"
PAIR, MARKET = f"{COIN}-USD", f"{COIN}-PERP"
SCRIPT = Path(__file__).with_name("open_and_close.py")
# Spreads are in percent. The quotes are close enough to the mid price to be hit, an open position is closed soon,
# whether it wins or loses, and everything comes round every other second.
MAKER = {
    "derivative": CONNECTOR,
    "market": PAIR,
    "leverage": "5",
    "order_amount": "0.01",
    "order_levels": "5",
    "order_level_spread": "0.005",
    "order_level_amount": "0",
    "long_profit_taking_spread": "0.02",
    "short_profit_taking_spread": "0.02",
    "stop_loss_spread": "0.04",
    "time_between_stop_loss_orders": "2",
    "stop_loss_slippage_buffer": "0.05",
}
NEAR = {"bid_spread": "0.02", "ask_spread": "0.02", "order_refresh_time": "2", "filled_order_delay": "1"}
FAR = {"bid_spread": "0.03", "ask_spread": "0.03", "order_refresh_time": "1.5", "filled_order_delay": "1"}


def make_bots(folder: Path, seed: int) -> list[Bot]:
    """Two market makers, one closer to the mid price than the other, and one that opens and closes."""
    turns = {"derivative": CONNECTOR, "market": PAIR, "order_amount": "0.01", "seed": str(seed)}
    strategies = {
        "near": Strategy("perpetual_market_making", MAKER | NEAR),
        "far": Strategy("perpetual_market_making", MAKER | FAR),
        "turns": Strategy(SCRIPT.stem, turns, files=[SCRIPT]),
    }
    return [Bot(name, strategy, folder / name) for name, strategy in strategies.items()]


def open_accounts(bots: Sequence[Bot], server: str, watchers: dict[str, Key]) -> dict[str, VenueAccount]:
    """Each bot's account on the venue, by the bot's name."""
    return {bot.name: VenueAccount(server, watchers[bot.name], MARKET) for bot in bots}
