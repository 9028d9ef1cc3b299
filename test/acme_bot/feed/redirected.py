"""`python -m test.acme_bot.feed.redirected EXCHANGE ADDRESS ...`: acme-bot, whose exchange is a stand-in at an
address."""

import sys
from typing import Any

from acme_bot.cli import main
from test.acme_bot.feed.stand_in import EXCHANGES


class Lasting:
    """What a test's monkeypatch does, without an end."""

    def setattr(self, place: Any, name: str, value: Any) -> None:
        setattr(place, name, value)

    def setitem(self, place: Any, name: str, value: Any) -> None:
        place[name] = value


if __name__ == "__main__":
    exchange, address, *arguments = sys.argv[1:]
    stand_in = next(each for each in EXCHANGES if each.exchange == exchange)()
    stand_in.address = address
    stand_in.redirect(Lasting())
    sys.exit(main(arguments))
