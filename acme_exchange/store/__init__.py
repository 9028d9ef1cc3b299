"""The one place where history lives: what the engine has reported and then forgets.

The contract of a :class:`Store`:

- What one command has caused is kept whole or not at all (`record`), and in the order of the commands.
- Nobody is told what is not kept: `progress` says how much is, and who answers a client waits for it
  (`Progress.settle`). Kept means that a `kill -9` does not undo it; with a database opened for `Durability.POWER_CUT`,
  the default, nor does a power cut. Commands that come while the database writes are kept together, in one transaction.
- What is asked for by `await` sees all that was recorded before the question; what is asked for directly does too.
- Ids and client order ids are never given or accepted a second time, over restarts as well.
- After a restart the engine goes on from `state`, which is of the moment of the last command that was kept.

Known limits: one venue at a time works with a database (`InUse`). A store that cannot keep something says so once, as
`StoreFailed`, and is of no use from then on: its venue ends. A log of SQLite's that is damaged in its middle looks like
one that ends there. `MemoryStore` keeps the latest 50,000 records, and of older orders that their client ids were used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from acme_exchange.store.memory import MemoryStore
from acme_exchange.store.sql.file import Durability, InUse, StoreUnusable
from acme_exchange.store.store import Candle, FillFilter, FirstStart, OrderFilter, Page, Period, Store

if TYPE_CHECKING:
    from acme_exchange.store.sql.database import Database, database_url, file_url
    from acme_exchange.store.sql.store import DatabaseStore

_OF_DATABASES = {"Database": "database", "database_url": "database", "file_url": "database", "DatabaseStore": "store"}
"""What needs SQLAlchemy, whose import is a third of a venue's start: one that keeps nothing starts without it."""


def __getattr__(name: str) -> object:
    if name not in _OF_DATABASES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.sql.{_OF_DATABASES[name]}"), name)
