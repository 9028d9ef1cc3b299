"""The deterministic core of the venue: matching, money, margin, liquidation and funding.

**Use.** A command goes into `Engine.apply` with the time, events come out; everything else only asks. Who calls it
keeps the order of commands, and keeps what the events tell: the engine forgets orders that are closed, and all history.

**Invariants**, after each command:

- Longs equal shorts in each market, and what everyone is worth, the house included, adds up to the deposits, exactly.
- No book is crossed; a level's size is the sum of its orders'; no order has filled over its size.
- An account other than the house's is worth at least its maintenance margin, and what its resting orders would lose
  against the mark, were all filled at once. By orders of its own it loses its own money, never the house's.
- A command that is refused has changed nothing.

**Ordering.** Orders match by price, then by time. What the clock brings about (`Engine.is_due`) is applied, as
`Advance`, before a command that comes later. The events of a command come in the order in which things happened: of an
order new, fills, open or closed; of a trade the maker's half, the taker's, the trade; then books, tickers, positions
and balances, each once and as they ended. Times never run backwards.

**Promised.** The same markets, commands and times give the same events, byte for byte, also by way of a snapshot. Money
is exact: quotients are rounded in one place, and never moved. An order costs a few look-ups, however many rest.

**Known limits.** One thread. US dollars alone. A liquidation is over within the command that brought it about, so that
a mark that jumps past what an account has costs the house the rest. Where accounts trade only among themselves they
make the mark, as far as the median with the index lets them, and with it funding and whom it liquidates.
"""

from acme_exchange.engine.commands import (
    Advance,
    CancelOrder,
    CancelOrders,
    Command,
    CreateAccount,
    Delist,
    Deposit,
    FollowCommand,
    FollowFunding,
    FollowPrices,
    Halt,
    MirrorBook,
    MirrorTrade,
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
    OrderChanged,
    PositionChanged,
    Settled,
    TickerChanged,
    Traded,
)
from acme_exchange.engine.model.specification import MarketSpecification
