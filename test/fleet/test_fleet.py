"""Hummingbot's own distributed way, through its REST interface and the client for it that is on PyPI."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from hummingbot_api_client import HummingbotAPIClient

from acme_bot.compare.bot_records import Records
from acme_bot.compare.reconciliation import reconcile_statements
from acme_bot.compare.venue_client import VenueError
from acme_bot.hbot import CONNECTOR
from test.fleet import parts
from test.fleet.conftest import Fleet
from test.fleet.docker_stub import Container

PAIR = "BTC-USD"
DEPOSIT = Decimal(10_000)
QUOTES = {
    "id": "quotes",
    "controller_name": "pmm_simple",
    "controller_type": "market_making",
    "connector_name": CONNECTOR,
    "trading_pair": PAIR,
    "leverage": 5,
    "position_mode": "ONEWAY",
    "total_amount_quote": 500,
    "buy_spreads": [0.0004],
    "sell_spreads": [0.0004],
    "buy_amounts_pct": [1],
    "sell_amounts_pct": [1],
    "executor_refresh_time": 3,
    "cooldown_time": 1,
    "take_profit": 0.0005,
    "stop_loss": 0.004,
    "time_limit": 60,
}
LONGEST_SECONDS = 300
QUIET_SECONDS = 80


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `condition` says once it is true; a part that is not there says nothing."""
    deadline = time.monotonic() + LONGEST_SECONDS
    said: Any = None
    while True:
        try:
            said = await condition()
        except (aiohttp.ClientError, VenueError, TimeoutError) as error:
            said, reason = None, error
        else:
            reason = said
        if said:
            return said
        assert time.monotonic() < deadline, f"{what}: {reason!r}"
        await asyncio.sleep(0.2)


class Numbers:
    """What a run took, for whoever looks at it."""

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)

    def say(self, what: str) -> None:
        print(f"{'':8}  {what}", flush=True)


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    return Numbers()


async def test_a_fleet_trades_and_comes_back_from_the_loss_of_each_part(fleet: Fleet, client, numbers):
    with numbers.timed("both credentials are taken, a wrong one is not"):
        await connect(fleet, client)
    with numbers.timed("orders, positions and trades of alice, through the API"):
        await trade(fleet, client)
    with numbers.timed("executors of the API"):
        await execute(fleet, client)
    with numbers.timed("a bot is deployed, and is filled"):
        bot = await deploy(fleet, client)
        await filled_more(fleet, "bob")
    for part, kill in (("API", lose_api), ("bot", lose_bot), ("broker", lose_broker), ("venue", lose_venue)):
        with numbers.timed(f"kill -9 of the {part}: back, and trading"):
            await kill(fleet, client, bot)
            await filled_more(fleet, "bob")
    await until(lambda: venue_says(lambda: is_far_from_funding(fleet, bot)), "a while without a funding payment")
    with numbers.timed("the bot is stopped"):
        await stop(fleet, client, bot)
    await flatten(fleet, client)
    await agree(fleet, client, bot, numbers)


async def connect(fleet: Fleet, client: HummingbotAPIClient) -> None:
    await client.accounts.add_account("bob")
    wrong = credential(fleet, "alice") | {f"{CONNECTOR}_api_secret": "wrong"}
    with pytest.raises(aiohttp.ClientResponseError, match="400"):
        await client.accounts.add_credential("bob", CONNECTOR, wrong)
    for account, name in (("master_account", "alice"), ("bob", "bob")):
        await client.accounts.add_credential(account, CONNECTOR, credential(fleet, name))
        assert await client.accounts.list_account_credentials(account) == [CONNECTOR]
    state = await client.portfolio.get_state(refresh=True)
    for account in ("master_account", "bob"):
        (usd,) = state[account][CONNECTOR]
        assert (usd["token"], Decimal(str(usd["units"])), Decimal(str(usd["value"]))) == ("USD", DEPOSIT, DEPOSIT)


def credential(fleet: Fleet, name: str) -> dict[str, str]:
    key = fleet.keys[name]
    values = {"api_key": key.key, "api_secret": key.secret, "server": fleet.server, "subaccount": ""}
    return {f"{CONNECTOR}_{field}": value for field, value in values.items()}


async def order(client: HummingbotAPIClient, side: str, amount: str, **more: Any) -> str:
    placed = await client.trading.place_order("master_account", CONNECTOR, PAIR, side, float(amount), **more)
    return str(placed["order_id"])


async def trade(fleet: Fleet, client: HummingbotAPIClient) -> None:
    account = fleet.account("alice")
    await order(client, "BUY", "0.01")
    await until(position_is(client, Decimal("0.01")), "the position that was bought")

    far = account.price().mark * Decimal("0.9")
    resting = await order(client, "BUY", "0.02", order_type="LIMIT", price=float(round(far)))
    await until(active_orders_are(client, {resting}), "the order that rests")
    await until(lambda: venue_says(lambda: [one.id for one in account.open_orders()] == [resting]), "the venue has it")
    await client.trading.cancel_order("master_account", CONNECTOR, resting)
    await until(active_orders_are(client, set()), "the order that was cancelled")
    assert account.open_orders() == []


def position_is(client: HummingbotAPIClient, amount: Decimal) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        found = (await client.trading.get_positions(["master_account"]))["data"]
        return sum((Decimal(str(one["amount"])) for one in found), Decimal(0)) == amount

    return asked


def active_orders_are(client: HummingbotAPIClient, ids: set[str]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        found = (await client.trading.get_active_orders(["master_account"]))["data"]
        return {one["order_id"] for one in found} == ids

    return asked


async def venue_says(question: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(question)


async def execute(fleet: Fleet, client: HummingbotAPIClient) -> None:
    created = await client.executors.create_executor(
        {
            "type": "position_executor",
            "connector_name": CONNECTOR,
            "trading_pair": PAIR,
            "side": 2,
            "amount": "0.005",
            "leverage": 5,
            "triple_barrier_config": {"stop_loss": "0.05", "take_profit": "0.05", "open_order_type": 1},
        },
        account_name="master_account",
    )
    executor = created["executor_id"]
    await until(position_is(client, Decimal("0.005")), "what the executor sold")
    await client.executors.stop_executor(executor)
    await until(position_is(client, Decimal("0.01")), "what it bought back when it was stopped")


async def deploy(fleet: Fleet, client: HummingbotAPIClient) -> Container:
    await client.controllers.create_or_update_controller_config("quotes", QUOTES)
    # The client's own method has no word for a bot without a screen.
    answer = await client.bot_orchestration._post(
        "/bot-orchestration/deploy-v2-controllers",
        json={
            "instance_name": "quotes",
            "credentials_profile": "bob",
            "controllers_config": ["quotes"],
            "image": parts.IMAGE,
            "headless": True,
        },
    )
    assert answer["success"], answer
    bot = fleet.docker.containers[answer["unique_instance_name"]]
    await until(runs(client, bot), "the bot reports to the broker")
    return bot


def runs(client: HummingbotAPIClient, bot: Container) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        active = (await client.bot_orchestration.get_active_bots_status())["data"]
        return bot.id in active and bool(active[bot.id]["performance"])

    return asked


async def filled_more(fleet: Fleet, name: str) -> None:
    """Returns when the account was filled twice more than now."""
    before = await asyncio.to_thread(lambda: len(fleet.account(name).statement()[0].fills))
    account = fleet.account(name)
    await until(lambda: venue_says(lambda: len(account.statement()[0].fills) >= before + 2), "two more fills")


async def lose_api(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    fleet.api.kill()
    fleet.api.start()
    await until(position_is(client, Decimal("0.01")), "the position, after the API was killed")
    await until(runs(client, bot), "the bot, after the API was killed")


async def lose_bot(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    bot.kill()
    await client.docker.start_container(bot.id)
    await until(runs(client, bot), "the bot that was killed")


async def lose_broker(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    fleet.broker.kill()
    fleet.broker.start()
    await until(runs(client, bot), "the bot, after the broker was killed")


async def lose_venue(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    fleet.venue.kill()
    fleet.venue.start()
    await until(lambda: client.portfolio.get_state(["master_account"], refresh=True), "the portfolio")


def is_far_from_funding(fleet: Fleet, bot: Container) -> bool:
    """Whether the bot has recorded every payment, and the next comes after both parties' last word: a bot that
    stops leaves its position open, for which only the venue records what is paid then."""
    account = fleet.account("bob")
    left = float(account.price().funding_time) - time.time()
    return left > QUIET_SECONDS and len(records(bot).statement().funding) == len(account.funding())


def records(bot: Container) -> Records:
    (file,) = bot.root.glob("data/*.sqlite")
    return Records(bot.root, file.name, CONNECTOR)


async def stop(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    """hummingbot-api's success says that the command was sent; what the bot prints says when it has stopped."""
    answer = await client.bot_orchestration.stop_bot(bot.id)
    assert answer["response"]["success"], answer
    await until(lambda: venue_says(lambda: "Hummingbot stopped." in bot.printed), "the bot has stopped")
    assert fleet.account("bob").open_orders() == []
    await client.docker.stop_container(bot.id)
    assert not bot.is_running


async def flatten(fleet: Fleet, client: HummingbotAPIClient) -> None:
    await order(client, "SELL", "0.01", position_action="CLOSE")
    await until(position_is(client, Decimal(0)), "nothing is left of alice's position")
    assert fleet.account("alice").open_orders() == []
    assert fleet.account("alice").valuation().holding.position == 0


async def agree(fleet: Fleet, client: HummingbotAPIClient, bot: Container, numbers: Numbers) -> None:
    statement, valuation = fleet.account("bob").statement()
    lines = reconcile_statements(records(bot).statement(), statement, DEPOSIT, valuation)
    for line in lines:
        numbers.say(f"{line.name}: {line.hummingbot} | {line.venue}")
    assert [line for line in lines if not line.agrees] == []
    assert statement.fills
