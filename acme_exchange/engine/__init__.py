"""The deterministic core of the venue: matching, money, margin, liquidation and funding."""

from acme_exchange.engine.commands import (
    Advance,
    CancelOrder,
    CancelOrders,
    Command,
    CreateAccount,
    Deposit,
    EnableMarket,
    ModifyOrder,
    PlaceOrder,
    Requote,
    SetIndex,
    SetLeverage,
    SetPositionMode,
)
from acme_exchange.engine.engine import Engine
from acme_exchange.engine.errors import Refused
from acme_exchange.engine.events import (
    BalanceChanged,
    BookChanged,
    Deposited,
    Event,
    Filled,
    FundingPaid,
    FundingSettled,
    Liquidated,
    MarketChanged,
    OrderChanged,
    PositionChanged,
    Settled,
    TickerChanged,
    Traded,
)
from acme_exchange.engine.model.specification import MarketSpecification

__all__ = [
    "Advance", "BalanceChanged", "BookChanged", "CancelOrder", "CancelOrders", "Command", "CreateAccount", "Deposit",
    "Deposited",
    "EnableMarket", "Engine", "Event", "Filled", "FundingPaid", "FundingSettled", "Liquidated", "MarketChanged",
    "MarketSpecification", "ModifyOrder", "OrderChanged", "PlaceOrder", "PositionChanged", "Refused", "Requote",
    "SetIndex", "SetLeverage", "Settled", "SetPositionMode", "TickerChanged", "Traded",
]
