"""Pays funding, and expires dated futures, as time passes (Acme API §8)."""

from decimal import Decimal

from acme_exchange.engine.commands import Advance
from acme_exchange.engine.events import FundingPaid, FundingSettled, Settled
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import ZERO
from acme_exchange.engine.model.state import State
from acme_exchange.engine.rules.trading import close


def advance(state: State, command: Advance) -> None:
    """Does in every market what is due by now."""
    for market in state.markets.values():
        if not market.index or market.halted:
            continue
        if market.statistics.is_behind(state.now):
            market.statistics.record(state.now, market.price)
            state.changed.markets[market.name] = market
        if (funding := market.funding) and state.now >= funding.next_time:
            _settle_funding(state, market, *funding.settle(state.now))
        expiry = market.specification.expiry
        if expiry is not None and state.now >= expiry and not market.expired:
            expire(state, market)
    state.plan()


def _settle_funding(state: State, market: Market, rate: Decimal, time: int) -> None:
    """Each position pays net size × mark × rate. Net sizes add up to nought, so the payments do too, exactly."""
    state.changed.markets[market.name] = market
    state.emit(FundingSettled(market.name, rate, time))
    for _, holding in sorted(market.active.items()):
        if not holding.size:
            continue
        account = holding.account
        # A short's payment at a rate of nought would be a negative zero, but for the sum.
        payment = ZERO + holding.size * market.mark * rate
        account.cash -= payment
        holding.recent -= payment
        state.change_account(account)
        state.touch_holding(holding)
        payment_id = state.next_id("payment")
        state.emit(FundingPaid(payment_id, account.name, market.name, holding.side, payment, rate, time))


def expire(state: State, market: Market) -> None:
    """A dated future ends: orders are cancelled, and every position is closed at the index, without a fee."""
    withdraw_all(state, market)
    for _, holding in sorted(market.active.items()):
        account, size = holding.account, holding.size
        profit = holding.trade(-size, market.index, ZERO)
        account.cash += profit
        state.emit(Settled(account.name, market.name, holding.side, size, market.index, profit, state.now))
        state.update_activity(holding)
        state.change_account(account)
        state.touch_holding(holding)
    market.open_interest = ZERO
    market.enabled = False
    market.expired = True
    state.touch_market(market)


def withdraw_all(state: State, market: Market) -> None:
    """Cancels all orders of a market."""
    for order in [*market.book.bids.orders(), *market.book.asks.orders()]:
        close(state, order)
