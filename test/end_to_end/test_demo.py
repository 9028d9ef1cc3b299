"""`acme-bot demo` as a user runs it: the real Hummingbot on a real venue, and nothing left of either.

One of its lives is watched, with everything logged, for the account's keys and secrets: in the clear in one file alone.
"""

import asyncio
import errno
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, TimeoutError as TookTooLong, expect

from acme_bot import tether
from acme_bot.compare.bot_records import reading
from acme_exchange.api.routes import ROUTES
from test.acme_bot.processes import assert_gone
from test.browser import looking
from test.end_to_end.looking import guesses_cost
from test.end_to_end.witness import TALKATIVE, Witness

BOTH_SIDES = re.compile(r"fills [1-9]\d* buy [1-9]\d* sell")
EARNED = re.compile(r"It earned (\S+) USD with \d+ fills: trading (\S+), fees (\S+), funding (\S+)\.$", re.MULTILINE)
PAGE = re.compile(r"http://\S+#code=\S+")
SOON_MILLISECONDS = 2_000
POLL_SECONDS = 0.1
OPENING = 10_000


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen]:
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()


@pytest.fixture
def start_demo(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    with ExitStack() as stack:

        def start(*options: str) -> subprocess.Popen:
            command = [sys.executable, "-m", "acme_bot", "demo", "--seed", "7", "--folder", str(tmp_path / "demo")]
            return stack.enter_context(started([*command, *options]))

        yield start


def read_until(demo: subprocess.Popen, pattern: str | re.Pattern) -> str:
    """What the demo prints up to the first line with `pattern`; fails with all of it when it ends before."""
    printed = ""
    for line in demo.stdout:
        printed += line
        if re.search(pattern, line):
            return printed
    pytest.fail(f"The demo ended without {pattern!r}:\n{printed}")


def offspring(demo: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


def ports_of(processes: list[psutil.Process]) -> set[int]:
    return {
        connection.laddr.port
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def assert_refused(ports: set[int]) -> None:
    for port in ports:
        with socket.socket() as knock:
            assert knock.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def assert_success(demo: subprocess.Popen, printed: str) -> None:
    assert demo.returncode == 0, printed
    total, *parts = map(float, EARNED.search(printed).groups())
    assert total == pytest.approx(sum(parts), abs=0.011), printed
    assert parts[1] < 0, printed
    assert "What next:" in printed and "acme-bot new my-bot" in printed, printed
    assert [line for line in printed.splitlines() if "✗" in line] == []
    assert re.search(r"filled on both sides\s.*yes.*yes.*✓", printed), printed
    assert re.search(r"each order: .*✓", printed) and re.search(r"each fill: .*✓", printed), printed


async def cancel_one(page: Page) -> int:
    """Cancels an order of the bot's on the page; returns its id. The bot may be quicker: then another."""
    await expect(page.locator("[data-mine]")).not_to_have_count(0)
    await expect(page.locator("#count-orders")).to_have_text(re.compile(r"\d"))
    await page.get_by_role("tab", name="Open orders").click()
    while True:
        name = await page.locator("#panel-orders tbody button").first.get_attribute("aria-label")
        with suppress(TookTooLong):
            await page.get_by_role("button", name=name, exact=True).click(timeout=SOON_MILLISECONDS)
            await page.get_by_role("button", name="Cancel the order").click()
            cancelled = page.locator("#notices", has_text="Cancelled:")
            await expect(cancelled.or_(page.locator("dialog .refusal:not(:empty)")).first).to_be_visible()
            if await cancelled.count():
                return int(name.split()[-1])
            await page.keyboard.press("Escape")


async def until_recorded(records: Path, order: int, status: str) -> None:
    """Waits until the bot has an order, by the venue's id, on record as being in a state."""
    query = 'SELECT last_status FROM "Order" WHERE exchange_order_id = ?'
    while True:
        with reading(records) as connection:
            if connection.execute(query, [str(order)]).fetchall() == [(status,)]:
                return
        await asyncio.sleep(POLL_SECONDS)


def plain(number: str) -> Decimal:
    """An amount as the page writes it."""
    return Decimal(number.replace(",", "").replace("−", "-"))


def figure(printed: str, name: str) -> Decimal:
    """A figure of the reconciliation, as the venue has it."""
    return Decimal(re.search(rf"{name}\s+│\s+\S+\s+│\s+(\S+)", printed)[1])


def test_the_books_agree_when_a_v2_controller_has_had_its_time(start_demo):
    """Which is too short for both sides to be filled: it goes on until they are."""
    demo = start_demo("--seconds", "1", "--strategy", "inventory_maker")

    printed = demo.communicate()[0]

    assert_success(demo, printed)
    # On a busy machine both may be filled before anybody looks.
    assert printed.count("Its time is over; it goes on until both sides are filled") <= 1, printed


@dataclass
class Ended(Witness):
    """A demo that was ended with Ctrl-C once it was filled on both sides, with everything logged.

    :ivar page: that was opened at the address that the demo printed, and is open still; None without a browser.
    """

    process: subprocess.Popen | None = None
    offspring: list[psutil.Process] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    page: Page | None = None

    def await_quotes(self) -> None:
        self.printed += read_until(self.process, r"quotes (buy|sell)")
        self.offspring = offspring(self.process)
        self.ports = ports_of(self.offspring)
        self.look(self.offspring, re.search(r"http://[\d.:]+", self.printed)[0])

    def end(self) -> None:
        self.printed += read_until(self.process, BOTH_SIDES)
        self.process.send_signal(signal.SIGINT)
        self.printed += self.process.communicate()[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def witness(tmp_path_factory, browser_if_any: Browser | None) -> AsyncIterator[Ended]:
    ended = Ended(tmp_path_factory.mktemp("demo"))
    command = [sys.executable, "-c", TALKATIVE, "demo", "--seed", "7", "--folder", str(ended.folder)]
    async with AsyncExitStack() as stack:
        ended.process = stack.enter_context(started(command))
        await asyncio.to_thread(ended.await_quotes)
        if browser_if_any is not None:
            look = await stack.enter_async_context(looking(browser_if_any))
            ended.page = await look(PAGE.search(ended.printed).group())
            cancelled = await cancel_one(ended.page)
            await until_recorded(ended.folder / "workspace" / "data" / "demo.sqlite", cancelled, "OrderCancelled")
            await ended.page.get_by_role("tab", name="Fills").click()
        await asyncio.to_thread(ended.end)
        yield ended


def test_the_books_agree_when_the_demo_is_ended_with_ctrl_c(witness: Ended):
    assert len(witness.offspring) == 2 and len(witness.ports) == 1
    assert_success(witness.process, witness.printed)
    assert_gone(witness.offspring)
    assert_refused(witness.ports)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_has_what_the_books_have(witness: Ended, browser: Browser):
    """Of the orders, one was cancelled there."""
    page, printed = witness.page, witness.printed
    await expect(page.locator("#who")).to_contain_text("demo")
    await expect(page.locator("#connection")).to_have_text("connection lost; trying again")
    fills = page.locator("#panel-fills tbody tr")
    assert await fills.count() == figure(printed, "buy fills") + figure(printed, "sell fills")
    assert sum(map(Decimal, await fills.locator("td:nth-child(7)").all_text_contents())) == figure(printed, "fees, USD")
    balance = await page.locator("#account-balance").get_attribute("title")
    assert float(plain(balance)) == float(figure(printed, r"balance, USD \(connector\)"))
    held = await page.locator("#panel-positions tbody tr").all_text_contents()
    position = figure(printed, r"position, BTC \(connector\)")
    assert len(held) == (position != 0)
    assert all(f"{abs(position)}" in text and ("short" in text) == (position < 0) for text in held)
    profit = plain((await page.locator("#profit").get_attribute("title")).split()[0])
    unrealised = await page.locator("#panel-positions td:nth-child(8)").evaluate_all("cells => cells.map(c => c.title)")
    assert OPENING + profit == plain(balance) + sum(map(plain, unrealised)), "the balance is the reconciliation's"


def test_everything_was_logged(witness: Witness):
    """Or what follows would prove little."""
    log = witness.log
    assert " - DEBUG - " in log and "acme_perpetual" in log
    assert len(witness.processes) == 2 and len(witness.answers) > 2 * len(ROUTES)
    assert any(path.suffix == ".sqlite" for path in witness.written_files())


def test_one_file_holds_the_keys_and_only_its_owner_can_read_it(witness: Witness):
    """The venue has to know the secret, since it checks signatures with it. Hummingbot's own copy is encrypted."""
    holding = {
        path: found for path, content in witness.written_files().items() if (found := witness.in_the_clear(content))
    }
    assert list(holding) == [witness.accounts_file], holding
    assert stat.S_IMODE(witness.accounts_file.stat().st_mode) == 0o600
    assert (witness.folder / "workspace" / "conf" / "connectors" / "acme_perpetual.yml").exists()


@pytest.mark.skipif(not tether.HAS_PRCTL, reason="a process is copied on Linux alone, and only a copy can be told so")
def test_no_time_is_spent_on_making_a_random_password_slow_to_guess(witness: Witness):
    assert guesses_cost(witness.folder / "workspace") == {1}


def test_the_process_list_holds_none(witness: Witness):
    """Hummingbot takes the password of its key store from the environment of its own processes, and nothing else."""
    assert {name: found for name, seen in witness.processes.items() if (found := witness.in_the_clear(seen))} == {}
    with_password = [name for name, seen in witness.processes.items() if "HBOT_PASSWORD=" in seen]
    assert all("hummingbot" in name for name in with_password) and len(with_password) == 1
    password = re.search(r"HBOT_PASSWORD=(.+)", witness.processes[with_password[0]])[1]
    assert not any(password.encode() in content for content in witness.written_files().values())


def test_the_venue_tells_none(witness: Witness):
    assert {asked: found for asked, text in witness.answers.items() if (found := witness.in_the_clear(text))} == {}


def test_the_demo_prints_none(witness: Witness):
    assert witness.in_the_clear(witness.printed) == []


def test_terminated_before_its_first_order_it_reconciles_and_says_what_is_missing(start_demo):
    demo = start_demo()
    read_until(demo, "hbot connect")

    demo.send_signal(signal.SIGTERM)
    printed = demo.communicate()[0]

    assert demo.returncode == 1
    assert re.search(r"orders left open\s+│\s+0 │\s+0 │ ✓", printed), printed
    assert "lines differ: filled on both sides" in printed


def test_nothing_is_left_of_a_killed_demo(start_demo, tmp_path):
    demo = start_demo()
    read_until(demo, r"quotes (buy|sell)")
    processes = offspring(demo)
    ports = ports_of(processes)
    assert len(processes) == 2 and len(ports) == 1

    demo.kill()

    assert_gone(processes)
    assert_refused(ports)


def test_the_market_is_open_while_the_rest_is_prepared_and_what_fails_there_ends_it_all(start_demo, tmp_path):
    prepare = tmp_path / "prepare"
    prepare.write_text('#!/bin/sh\necho compiling module 1 of 60\nread held < "$0.held"\necho no compiler\nexit 3\n')
    prepare.chmod(0o755)
    os.mkfifo(tmp_path / "prepare.held")
    demo = start_demo("--prepare", str(prepare))
    printed = read_until(demo, "compiling module 1 of 60") + read_until(demo, "^mark .* bid .* ask .* last ")
    assert "The market is open: http://127.0.0.1:" in printed
    ports = ports_of(offspring(demo))

    (tmp_path / "prepare.held").write_text("go on\n")
    printed = demo.communicate()[0]

    assert demo.returncode == 1
    assert "acme-bot: compiling module 1 of 60\nno compiler\n" in printed
    assert len(ports) == 1
    assert_refused(ports)


def test_ended_while_the_rest_is_prepared_it_says_how_to_go_on_and_leaves_nothing(start_demo, tmp_path):
    demo = start_demo("--prepare", "sleep 600")
    read_until(demo, "^mark ")
    processes = offspring(demo)
    assert len(processes) == 2

    demo.send_signal(signal.SIGINT)
    printed = demo.communicate()[0]

    assert demo.returncode == 1
    assert "The same command goes on where this one stopped." in printed
    assert_gone(processes)


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    Path(tmp_path, "mine").touch()

    refused = subprocess.run(
        [sys.executable, "-m", "acme_bot", "demo", "--folder", tmp_path], capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"acme-bot: {tmp_path} is not empty")
