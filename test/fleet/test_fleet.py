"""Hummingbot's own distributed way, through its REST interface and the client for it that is on PyPI."""

import asyncio
import json
import os
import re
import shlex
import sys
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
from acme_bot.compare.venue_client import Key, VenueError
from acme_bot.hbot import CONNECTOR
from test.deploy import services
from test.fleet.conftest import Fleet
from test.fleet.docker_stub import Container

PAIR = "BTC-USD"
DEPOSIT = Decimal(10_000)
PAGE = (services.PROJECT / "docs" / "scaling.md").read_text(encoding="utf-8")
LONGEST_SECONDS = 300
QUIET_SECONDS = 80


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `condition` says once it is true; a part that is not there says nothing."""
    deadline = time.monotonic() + LONGEST_SECONDS
    found: Any = None
    while True:
        try:
            found = await condition()
        except (aiohttp.ClientError, VenueError, TimeoutError) as error:
            found, reason = None, error
        else:
            reason = found
        if found:
            return found
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
    with numbers.timed("orders, positions and trades of bob, through the API"):
        await trade(fleet, client)
    with numbers.timed("executors of the API"):
        await execute(fleet, client)
    with numbers.timed("a bot is deployed, and is filled"):
        bot = await deploy(fleet, client)
        await filled_more(fleet, "alice")
    for part, kill in (("API", lose_api), ("bot", lose_bot), ("broker", lose_broker), ("venue", lose_venue)):
        with numbers.timed(f"kill -9 of the {part}: back, and trading"):
            await kill(fleet, client, bot)
            await filled_more(fleet, "alice")
    await until(lambda: venue_says(lambda: is_far_from_funding(fleet, bot)), "a while without a funding payment")
    with numbers.timed("the bot is stopped"):
        await stop(fleet, client, bot)
    await flatten(fleet, client)
    await agree(fleet, client, bot, numbers)


async def connect(fleet: Fleet, client: HummingbotAPIClient) -> None:
    """Alice as the page says, bob by the client of hummingbot-api."""
    for name in ("alice", "bob"):
        (command,) = console(0)
        shown = await typed(fleet, command.replace("alice", name))
        fleet.keys[name] = Key(
            *(re.search(rf"^{field} +(\S+)$", shown, re.MULTILINE)[1] for field in ("key", "secret"))
        )
    (fleet.folder / "credential.json").write_text(json.dumps(credential(fleet, "alice")), encoding="utf-8")
    await typed(fleet, *console(1))

    wrong = credential(fleet, "bob") | {f"{CONNECTOR}_api_secret": "wrong"}
    with pytest.raises(aiohttp.ClientResponseError, match="400"):
        await client.accounts.add_credential("master_account", CONNECTOR, wrong)
    await client.accounts.add_credential("master_account", CONNECTOR, credential(fleet, "bob"))
    state = await client.portfolio.get_state(refresh=True)
    for account in ("master_account", "alice"):
        assert await client.accounts.list_account_credentials(account) == [CONNECTOR]
        (usd,) = state[account][CONNECTOR]
        assert (usd["token"], Decimal(str(usd["units"])), Decimal(str(usd["value"]))) == ("USD", DEPOSIT, DEPOSIT)


def credential(fleet: Fleet, name: str) -> dict[str, str]:
    """What the page lets a person write, with the account's key and the server's port."""
    key = fleet.keys[name]
    text = block("json").replace("KEY", key.key).replace("SECRET", key.secret)
    return json.loads(text.replace("https://localhost:8600", fleet.server))


def block(language: str, number: int = 0) -> str:
    """A block of the page's section on how a bot comes to be."""
    section = PAGE.split("### From an account to a bot\n")[1].split("\n### ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[number]


def console(number: int) -> list[str]:
    return [line.removeprefix("$ ") for line in block("console", number).splitlines()]


async def typed(fleet: Fleet, *commands: str) -> str:
    """What the last of the commands says, which the shell carries out where the page does, and at the fleet's ports."""
    script = "\n".join(["set -e", *commands])
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{fleet.api.port}").replace(
        "--data /data", "--data fleet/venue"
    )
    script = script.replace("docker compose exec venue python", shlex.quote(sys.executable))
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        cwd=fleet.folder,
        env={**os.environ, "PYTHONPATH": str(services.PROJECT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await shell.communicate()
    assert shell.returncode == 0, f"{commands[-1]}: {output.decode()}"
    return output.decode()


async def order(client: HummingbotAPIClient, side: str, amount: str, **more: Any) -> str:
    placed = await client.trading.place_order("master_account", CONNECTOR, PAIR, side, float(amount), **more)
    return str(placed["order_id"])


async def trade(fleet: Fleet, client: HummingbotAPIClient) -> None:
    account = fleet.account("bob")
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
    controller = fleet.folder / "fleet" / "bots" / "conf" / "controllers" / "first.yml"
    controller.write_text(block("yaml"), encoding="utf-8")
    (function, *_) = console(1)
    answer = json.loads(await typed(fleet, function, *console(2)))
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
    read = len(fleet.broker.log.read_text())
    fleet.broker.kill()
    fleet.broker.start()

    async def are_back() -> bool:
        log = fleet.broker.log.read_text()[read:]
        return all(f" as {client_id}" in log for client_id in ("hummingbot-api-", f"hbot.{bot.id} "))

    # The status that the API gives is the last one that it heard, and would not tell.
    await until(are_back, "API and bot at the broker, after that was killed")


async def lose_venue(fleet: Fleet, client: HummingbotAPIClient, bot: Container) -> None:
    fleet.venue.kill()
    fleet.venue.start()
    await until(lambda: client.portfolio.get_state(["master_account"], refresh=True), "the portfolio")


def is_far_from_funding(fleet: Fleet, bot: Container) -> bool:
    """Whether the bot has recorded every payment, and the next comes after both parties' last word: a bot that
    stops leaves its position open, for which only the venue records what is paid then."""
    account = fleet.account("alice")
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
    assert fleet.account("alice").open_orders() == []
    await client.docker.stop_container(bot.id)
    assert not bot.is_running


async def flatten(fleet: Fleet, client: HummingbotAPIClient) -> None:
    await order(client, "SELL", "0.01", position_action="CLOSE")
    await until(position_is(client, Decimal(0)), "nothing is left of bob's position")
    assert fleet.account("bob").open_orders() == []
    assert fleet.account("bob").valuation().holding.position == 0


async def agree(fleet: Fleet, client: HummingbotAPIClient, bot: Container, numbers: Numbers) -> None:
    statement, valuation = fleet.account("alice").statement()
    lines = reconcile_statements(records(bot).statement(), statement, DEPOSIT, valuation)
    for line in lines:
        numbers.say(f"{line.name}: {line.hummingbot} | {line.venue}")
    assert [line for line in lines if not line.agrees] == []
    assert statement.fills
