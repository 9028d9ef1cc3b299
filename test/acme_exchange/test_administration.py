"""What the owner may do to a venue, and what is refused."""

from decimal import Decimal
from test.acme_exchange.venue import ALICE, MORNING, ManualClock

import pytest

from acme_exchange.administration import Administration
from acme_exchange.engine import Refused
from acme_exchange.venue import Venue, simulated_venue


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
