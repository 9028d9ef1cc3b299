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

from acme_exchange.store.memory import MemoryStore
from acme_exchange.store.sql.database import Database, Durability, database_url, file_url
from acme_exchange.store.sql.file import InUse, StoreUnusable
from acme_exchange.store.sql.store import DatabaseStore
from acme_exchange.store.store import Candle, FillFilter, FirstStart, OrderFilter, Page, Period, Store
