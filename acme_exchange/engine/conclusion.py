"""What follows from a command: new marks, liquidations, and the reports of what has changed."""

from acme_exchange.engine.events import BalanceChanged, BookChanged, PositionChanged, TickerChanged
from acme_exchange.engine.liquidation import liquidate
from acme_exchange.engine.margin import balance, is_underwater
from acme_exchange.engine.markets import Market
from acme_exchange.engine.pictures import position_picture
from acme_exchange.engine.state import State


def conclude(state: State) -> None:
    """Liquidates until no account is under its maintenance margin, then reports books, positions and balances."""
    _refresh_marks(state)
    while underwater := [account for _, account in sorted(state.touched_accounts.items()) if is_underwater(account)]:
        liquidate(state, underwater[0])
        _refresh_marks(state)
    for market in state.touched_markets.values():
        _report_market(state, market)
    for holding in state.touched_holdings.values():
        if not holding.account.house:
            state.emit(PositionChanged(position_picture(holding), state.now))
    _report_balances(state)


def _refresh_marks(state: State) -> None:
    for market in state.touched_markets.values():
        state.refresh_mark(market)


def _report_market(state: State, market: Market) -> None:
    if market.index is not None:
        market.statistics.record(state.now, market.price)
    bids, asks = market.book.bids.take_changes(), market.book.asks.take_changes()
    if bids or asks:
        state.emit(BookChanged(market.name, bids, asks, state.now))
    ticker = market.ticker
    if ticker != market.shown:
        market.shown = ticker
        state.emit(TickerChanged(market.name, *ticker, state.now))


def _report_balances(state: State) -> None:
    for _, account in sorted(state.touched_accounts.items()):
        if account.house:
            continue
        money = balance(account)
        if money != account.shown:
            account.shown = money
            state.emit(BalanceChanged(account.name, money, state.now))
