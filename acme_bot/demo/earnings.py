"""Splits what a bot earned into trading, fees and funding."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from acme_bot.compare.reconciliation import EXACT
from acme_bot.compare.statement import Statement
from acme_bot.compare.venue_account import Valuation


@dataclass(frozen=True)
class Earnings:
    """In USD, each positive when it was received: `trading` is of prices alone, an open position taken at the mark."""

    trading: Decimal
    fees: Decimal
    funding: Decimal

    @property
    def total(self) -> Decimal:
        with localcontext(EXACT):
            return self.trading + self.fees + self.funding


def earnings(statement: Statement, valuation: Valuation) -> Earnings:
    """What one account has earned by all that `statement` has, up to the moment of `valuation`.

    The parts are added up from single fills and payments; together they are, to the last digit, by how much more the
    account is worth.
    """
    with localcontext(EXACT):
        flow = sum(
            (fill.price * fill.amount * (1 if fill.side == "sell" else -1) for fill in statement.fills.values()),
            Decimal(0),
        )
        return Earnings(
            trading=flow + valuation.position_value,
            fees=-sum((fill.fee for fill in statement.fills.values()), Decimal(0)),
            funding=sum((payment.amount for payment in statement.funding), Decimal(0)),
        )
