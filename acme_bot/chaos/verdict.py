"""Compares, when a bot has stopped, its records with the venue's ledger of its account."""

from decimal import Decimal

from acme_bot.bot import Bot
from acme_bot.chaos.bots import COIN, PAIR
from acme_bot.compare.reconciliation import Line, reconcile_connector, reconcile_statements
from acme_bot.compare.statement import Statement
from acme_bot.compare.venue_account import Valuation, VenueAccount


def compare(bot: Bot, account: VenueAccount, statement: tuple[Statement, Valuation], opening: Decimal) -> list[Line]:
    """The lines of the demo's reconciliation, and one more: nothing was reported a second time.

    :param statement: the venue's, of the moment when the bot had stopped: a position that is left goes on paying
    funding
    :param opening: what the account had in the beginning, in USD
    """
    venue, valuation = statement
    lines = reconcile_statements(bot.records.statement(), venue, opening, valuation, COIN)
    repetitions = bot.repetitions()
    lines.append(Line("reported a second time", str(repetitions), "0", agrees=repetitions == 0))
    while True:
        before = account.valuation().holding
        connector = bot.hbot.connector_state(PAIR)
        # The answers count when no funding payment fell between them.
        if before == account.valuation().holding:
            return [*lines, *reconcile_connector(connector, before, COIN)]
