"""What the launcher of the interactive client changes in it."""

import pytest

from acme_bot.client import Balances
from test.acme_exchange.venue import running_venue


class Application:
    """What the launcher needs of Hummingbot's."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def notify(self, text: str) -> None:
        self.shown.append(text.strip())

    async def show_balances(self) -> None:
        self.shown.append("Exchanges Total: $ 0")


@pytest.fixture
def application() -> Application:
    return Application()


def connected(folder, **servers: str) -> None:
    (folder / "conf" / "connectors").mkdir(parents=True)
    for name, server in servers.items():
        (folder / "conf" / "connectors" / f"{name}.yml").write_text(f"{name}_server: {server}\n", encoding="utf-8")


async def test_without_a_venue_no_total_of_nought_is_shown(application, tmp_path):
    connected(tmp_path, acme_perpetual="http://127.0.0.1:1")

    await Balances(application, tmp_path).show()

    sentence, comfort = application.shown
    assert sentence.startswith("No venue answers at http://127.0.0.1:1 (")
    assert "`connect acme_perpetual`" in sentence and "`hbot" not in sentence
    assert comfort == "What is there is not shown, and not lost: the venue keeps it."


async def test_other_exchanges_are_shown_all_the_same(application, tmp_path):
    connected(tmp_path, acme_perpetual="http://127.0.0.1:1", binance_perpetual="")

    await Balances(application, tmp_path).show()

    assert application.shown[1] == "Exchanges Total: $ 0"
    assert application.shown[2].startswith("What is there is not shown")


async def test_where_nothing_is_connected_nothing_is_added(application, tmp_path):
    await Balances(application, tmp_path).show()

    assert application.shown == ["Exchanges Total: $ 0"]


async def test_where_the_venue_answers_nothing_is_added(application, tmp_path):
    async with running_venue() as venue:
        connected(tmp_path, acme_perpetual=venue.url)
        await Balances(application, tmp_path).show()

    assert application.shown == ["Exchanges Total: $ 0"]
