import asyncio
from itertools import count

from acme_exchange.api import pacemaker, turns
from acme_exchange.api.authentication import Authenticator
from acme_exchange.api.pacemaker import Pacemaker
from acme_exchange.api.rate_limits import REQUESTS, Charge, RateLimits
from acme_exchange.api.strangers import Strangers
from acme_exchange.api.websocket import WebSocketInterface
from test.acme_exchange.venue import RunningVenue


def made_for(running: RunningVenue, limits: RateLimits) -> Pacemaker:
    feeds = running.server.feeds
    sockets = WebSocketInterface(
        feeds,
        Authenticator({}, running.venue.engine.has_account, running.clock),
        running.clock,
        running.server.faults.outbox,
        Strangers(limits, running.clock),
    )
    return Pacemaker(running.venue, feeds, limits, sockets)


async def test_the_limits_of_whoever_is_silent_are_forgotten(running: RunningVenue):
    limits = RateLimits()
    limits.admit([Charge(REQUESTS, "alice")], running.clock.now())
    running.clock.advance(1)
    made_for(running, limits).beat()
    assert len(limits) == 0


async def test_the_market_gives_way_to_others_while_it_has_much_to_do(running: RunningVenue, monkeypatch):
    """Each look at the clock finds another millisecond gone; a turn is two of them."""
    clock = count(step=0.001)
    monkeypatch.setattr(turns, "monotonic", lambda: next(clock))
    done, seen = [], set()

    def market():
        for step in range(30):
            done.append(step)
            yield

    monkeypatch.setattr(running.venue, "pulse", market)
    made = made_for(running, RateLimits())
    made.start()
    while len(done) < 30:
        await asyncio.sleep(0)
        seen.add(len(done))
    await made.stop()
    assert len(seen) >= 10


async def test_a_fault_is_logged_and_the_market_goes_on(running: RunningVenue, monkeypatch, caplog):
    monkeypatch.setattr(pacemaker, "MARKET_SECONDS", 0)
    went_on = asyncio.Event()
    faults = iter([RuntimeError("the market has a fault")])

    def market():
        for fault in faults:
            raise fault
        went_on.set()
        return iter(())

    monkeypatch.setattr(running.venue, "pulse", market)
    made = made_for(running, RateLimits())
    made.start()
    await asyncio.wait_for(went_on.wait(), timeout=60)
    await made.stop()
    assert "the market has a fault" in caplog.text
