"""Concludes every command: updates marks, liquidates accounts that are worth too little, and emits the changes of
books, tickers, positions and balances."""

from acme_exchange.engine.events import BalanceChanged, BookChanged, PositionChanged, TickerChanged
from acme_exchange.engine.model.accounts import Account
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.standing import Standing, balance, is_overcommitted, is_underwater, standing
from acme_exchange.engine.model.state import State
from acme_exchange.engine.rules.liquidation import liquidate, withdraw_losing_orders
from acme_exchange.engine.views import position_view


def conclude(state: State) -> None:
    """Sees to it that every account can bear its positions and orders, then reports books, positions and balances."""
    _refresh_marks(state)
    standings = _standings(state)
    while any(_relieve(state, account, stands) for account, stands in standings):
        _refresh_marks(state)
        standings = _standings(state)
    for market in state.touched_markets.values():
        _report_market(state, market)
    for holding in state.touched_holdings.values():
        if not holding.account.house:
            state.emit(PositionChanged(position_view(holding), state.now))
    _report_balances(state, standings)


def _relieve(state: State, account: Account, stands: Standing) -> bool:
    """Liquidates an account under its maintenance margin, or withdraws orders that could cost more than it is worth.

    A halted market's mark stands still: what an account has there neither brings anything about nor holds it up.

    :returns: whether there was anything to do.
    """
    if is_underwater(stands):
        return liquidate(state, account)
    return is_overcommitted(stands) and withdraw_losing_orders(state, account)


def _standings(state: State) -> list[tuple[Account, Standing]]:
    """Of the accounts that were touched, but for the house's, which need no margin."""
    touched = (account for _, account in sorted(state.touched_accounts.items()))
    return [(account, standing(account)) for account in touched if not account.house]


def _refresh_marks(state: State) -> None:
    for market in state.touched_markets.values():
        state.refresh_mark(market)


def _report_market(state: State, market: Market) -> None:
    if market.index:
        market.statistics.record(state.now, market.price)
    bids, asks = market.book.bids.take_changes(), market.book.asks.take_changes()
    if bids or asks:
        state.emit(BookChanged(market.name, bids, asks, state.now))
    ticker = market.ticker
    if ticker != market.shown:
        market.shown = ticker
        state.emit(TickerChanged(market.name, *ticker, state.now))


def _report_balances(state: State, standings: list[tuple[Account, Standing]]) -> None:
    for account, stands in standings:
        money = balance(account, stands)
        if money != account.shown:
            account.shown = money
            state.emit(BalanceChanged(account.name, money, state.now))
