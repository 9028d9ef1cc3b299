"""What the owner may do to a venue, and what is refused."""

from decimal import Decimal

import pytest

from acme_exchange.accounts.keys import AccountSettings
from acme_exchange.engine import PlaceOrder, Refused
from acme_exchange.owner.operations import Administration
from acme_exchange.venue import Venue
from test.acme_exchange.venue import ALICE, MORNING, ManualClock, beat, simulated_venue


@pytest.fixture
async def venue() -> Venue:
    venue = simulated_venue(ManualClock(MORNING), 7, [ALICE], liquidity=False)
    beat(venue)
    return venue


async def test_an_account_is_opened_with_its_money_and_a_key(venue: Venue):
    made = Administration(venue).perform("accounts", {"name": "carol", "deposit": "25.5"})
    assert venue.engine.balance("carol").total == Decimal("25.5")
    assert (venue.keys[made["key"]].account, venue.keys[made["key"]].secret) == ("carol", made["secret"])


async def test_a_subaccount_needs_its_account(venue: Venue):
    administration = Administration(venue)
    administration.perform("accounts", {"name": "alice/grid", "deposit": 5})
    assert venue.engine.balance("alice/grid").total == 5
    with pytest.raises(Refused, match='There is no account "alcie" that "alcie/grid" could be a subaccount of'):
        administration.perform("accounts", {"name": "alcie/grid"})
    assert not venue.engine.has_account("alcie/grid")


@pytest.mark.parametrize(
    "operation, fields, what_to_do",
    [
        ("accounts", {"name": "alice"}, 'There is an account "alice" already; account deposit adds money to it'),
        ("accounts", {"name": "@carol"}, 'name: write .* 1 to 64 letters.* not beginning with "@"'),
        ("accounts", {"name": "[bold]carol"}, "name: write .* 1 to 64 letters"),
        ("accounts", {"name": "carol\r"}, "name: write .* 1 to 64 letters"),
        ("deposits", {"account": "alice", "amount": "1_000"}, "amount: write an amount of USD above 0"),
        ("deposits", {"account": "alice", "amount": "\u0661\u0662"}, "amount: write an amount of USD above 0"),
        ("accounts", {"name": "carol", "deposit": "-1"}, "deposit: write an amount of USD from 0 to 1000000000000"),
        ("accounts", {"name": "carol", "deposit": "1e13"}, "deposit: write an amount of USD from 0 to 1000000000000"),
        ("accounts", {"name": "carol", "deposit": "1e-13"}, "with at most 12 decimals"),
        ("deposits", {"account": "alice", "amount": 0}, "amount: write an amount of USD above 0"),
        ("deposits", {"account": "alice", "amount": "1e-13"}, "with at most 12 decimals"),
        ("deposits", {"account": "carol", "amount": 1}, 'There is no account "carol"; account list shows'),
        ("keys", {"account": "carol"}, 'There is no account "carol"; account list shows'),
        ("disabling", {"account": "carol"}, 'There is no account "carol"; account list shows'),
        ("revocations", {"key": "none-such"}, "There is no such key; account keys shows"),
    ],
)
async def test_what_is_refused_says_what_to_do_and_has_changed_nothing(venue: Venue, operation, fields, what_to_do):
    before, keys = venue.engine.snapshot(), dict(venue.keys)

    with pytest.raises(Refused, match=what_to_do):
        Administration(venue).perform(operation, fields)

    assert (venue.engine.snapshot(), venue.keys) == (before, keys)


async def test_a_disabled_account_is_refused_with_its_subaccounts_and_its_orders_are_cancelled(venue: Venue):
    administration = Administration(venue)
    grid = administration.perform("accounts", {"name": "alice/grid", "deposit": 5_000})
    for name in ("alice", "alice/grid"):
        venue.execute(PlaceOrder(name, "BTC-PERP", "buy", "limit", Decimal("0.01"), Decimal(60_000)))
    keys = dict(venue.keys)

    assert administration.perform("disabling", {"account": "alice"}) == {"account": "alice", "cancelled": 2}
    assert venue.keys == {}
    assert not venue.is_open_to("alice/grid")
    assert venue.engine.open_orders("alice") == venue.engine.open_orders("alice/grid") == []
    made = administration.perform("keys", {"account": "alice/grid"})["key"]
    assert made not in venue.keys

    administration.perform("enabling", {"account": "alice"})
    assert venue.keys.keys() == keys.keys() | {made} and grid["key"] in venue.keys
    assert venue.is_open_to("alice/grid")


async def test_an_account_is_allowed_as_many_requests_and_orders_as_the_owner_says(venue: Venue):
    administration = Administration(venue)

    def settings() -> AccountSettings:
        return venue.store.keyring.settings("alice")

    done = administration.perform("limits", {"account": "alice", "orders": 100})
    assert (done, settings()) == ({"account": "alice", "requests": 30, "orders": 100}, AccountSettings(orders=100))
    administration.perform("limits", {"account": "alice", "requests": 5})
    administration.perform("disabling", {"account": "alice"})
    administration.perform("enabling", {"account": "alice"})
    assert settings() == AccountSettings(requests=5, orders=100)
    administration.perform("limits", {"account": "alice", "requests": "default"})
    assert settings() == AccountSettings(orders=100)
    assert venue.store.keyring.settings("bob") == AccountSettings()
    with pytest.raises(Refused, match="orders: write how many a second, from 1 to 100000, or default"):
        administration.perform("limits", {"account": "alice", "orders": 0})
    with pytest.raises(Refused, match='There is no account "nobody"'):
        administration.perform("limits", {"account": "nobody", "orders": 5})


async def test_of_a_disabled_subaccount_the_main_accounts_keys_are_refused_too(venue: Venue):
    administration = Administration(venue)
    administration.perform("accounts", {"name": "alice/grid"})
    administration.perform("disabling", {"account": "alice/grid"})
    assert "alice-key" in venue.keys and not venue.is_open_to("alice/grid")
    administration.perform("revocations", {"key": "alice-key"})
    administration.perform("enabling", {"account": "alice/grid"})
    assert "alice-key" not in venue.keys
