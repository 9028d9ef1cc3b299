"""What the owner may do to a venue, and what is refused."""

from decimal import Decimal

import pytest

from acme_exchange.engine import Refused
from acme_exchange.owner.operations import Administration
from acme_exchange.venue import Venue
from test.acme_exchange.venue import ALICE, MORNING, ManualClock, simulated_venue


@pytest.fixture
async def venue() -> Venue:
    return simulated_venue(ManualClock(MORNING), 7, [ALICE], liquidity=False)


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
        ("revocations", {"key": "none-such"}, "There is no such key; account keys shows"),
    ],
)
async def test_what_is_refused_says_what_to_do_and_has_changed_nothing(venue: Venue, operation, fields, what_to_do):
    before, keys = venue.engine.snapshot(), dict(venue.keys)

    with pytest.raises(Refused, match=what_to_do):
        Administration(venue).perform(operation, fields)

    assert (venue.engine.snapshot(), venue.keys) == (before, keys)
