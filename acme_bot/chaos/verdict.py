"""What a bot and the venue have of the bot's account, compared when the bot has stopped."""

from decimal import Decimal

from acme_bot.chaos.bots import COIN, PAIR, Bot
from acme_bot.compare.reconciliation import Line, reconcile_books, reconcile_connector
from acme_bot.compare.statement import Books
from acme_bot.compare.venue_account import Account, Ledger


def compare(bot: Bot, ledger: Ledger, statement: tuple[Books, Account], opening: Decimal) -> list[Line]:
    """The lines of the demo's reconciliation, and one more: nothing was reported a second time.

    :param statement: the venue's, of the moment when the bot had stopped: a position that is left goes on paying funding
    :param opening: what the account had in the beginning, in USD
    """
    venue, account = statement
    lines = reconcile_books(bot.records.books(), venue, opening, account, COIN)
    repetitions = bot.repetitions()
    lines.append(Line("reported a second time", str(repetitions), "0", agrees=repetitions == 0))
    while True:
        before = ledger.account().holding
        connector = bot.hbot.connector_state(PAIR)
        # The answers count when no funding payment fell between them.
        if before == ledger.account().holding:
            return [*lines, *reconcile_connector(connector, before, COIN)]
