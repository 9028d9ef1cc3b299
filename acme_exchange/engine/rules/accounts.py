"""Carries out the commands about accounts and their settings, and those that set an index."""

from acme_exchange.engine.commands import CreateAccount, Deposit, SetIndex, SetLeverage, SetPositionMode
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import Deposited
from acme_exchange.engine.model.funding import MICROSECONDS, FundingClock
from acme_exchange.engine.model.money import is_amount
from acme_exchange.engine.model.state import State

MAX_LEVERAGE = 20


def create_account(state: State, command: CreateAccount) -> None:
    """Opens an account.

    :raises Refused: 400 `Invalid parameter name`: taken, the house's, or no name; `makerFee`, `takerFee` likewise.
    """
    name = command.account
    if not 1 <= len(name) <= 64 or name.startswith("@") or name in state.accounts:
        raise Refused(400, "Invalid parameter name")
    for word, fee in (("makerFee", command.maker_fee), ("takerFee", command.taker_fee)):
        if not is_amount(fee) or not -1 < fee < 1:
            raise Refused(400, f"Invalid parameter {word}")
    state.open_account(name, command.maker_fee, command.taker_fee)
    state.change_account(state.accounts[name])


def deposit(state: State, command: Deposit) -> None:
    """Adds money.

    :raises Refused: 404 `No such subaccount`; 400 `Invalid parameter amount`.
    """
    account = state.account(command.account)
    if not is_amount(command.amount) or command.amount <= 0:
        raise Refused(400, "Invalid parameter amount")
    account.cash += command.amount
    state.change_account(account)
    state.emit(Deposited(account.name, command.amount, state.now))


def set_leverage(state: State, command: SetLeverage) -> None:
    """Sets the one leverage of an account. Positions and orders it already has are not affected, only `free` is.

    :raises Refused: 404 `No such subaccount`; 400 `Invalid leverage`.
    """
    account = state.account(command.account)
    if type(command.leverage) is not int or not 1 <= command.leverage <= MAX_LEVERAGE:
        raise Refused(400, "Invalid leverage")
    account.leverage = command.leverage
    state.change_account(account)


def set_position_mode(state: State, command: SetPositionMode) -> None:
    """Switches between one-way and hedge mode.

    :raises Refused: 404 `No such subaccount`; 400 `Invalid parameter mode`, or that there are positions or orders.
    """
    account = state.account(command.account)
    if command.mode not in ("oneway", "hedge"):
        raise Refused(400, "Invalid parameter mode")
    if command.mode != account.mode and account.active:
        raise Refused(400, "Cannot change position mode with open positions or orders")
    account.mode = command.mode
    state.change_account(account)


def set_index(state: State, command: SetIndex) -> None:
    """Moves the index; a perpetual's funding begins with its first.

    :raises Refused: 404 `No such market: {name}`; 400 `Invalid parameter price`.
    """
    market = state.market(command.market)
    if not is_amount(command.price) or command.price <= 0:
        raise Refused(400, "Invalid parameter price")
    market.index = command.price
    if market.perpetual and market.funding is None:
        market.funding = FundingClock(state.funding_interval * MICROSECONDS, state.now)
    state.plan()
    state.touch_market(market)
    state.touch_those_in(market)
