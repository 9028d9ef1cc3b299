"""What a bot and the venue have of the bot's account, compared when the bot has stopped."""
from decimal import Decimal

from acme_bot.chaos.bots import COIN, PAIR, Bot
from acme_bot.ledger import Ledger
from acme_bot.reconciliation import Line, reconcile_books, reconcile_connector


def compare(bot: Bot, ledger: Ledger, opening: Decimal) -> list[Line]:
    """The lines of the demo's reconciliation, and one more: nothing was reported a second time.

    :param opening: what the account had in the beginning, in USD
    """
    venue, account = ledger.statement()
    lines = reconcile_books(bot.records.books(), venue, opening, account, COIN)
    repetitions = bot.repetitions()
    lines.append(Line("reported a second time", str(repetitions), "0", agrees=repetitions == 0))
    while True:
        before = ledger.account().holding
        connector = bot.hbot.connector_state(PAIR)
        # The position that is left goes on paying funding: the answers count when none fell between them.
        if before == ledger.account().holding:
            return [*lines, *reconcile_connector(connector, before, COIN)]
