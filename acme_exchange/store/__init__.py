"""The one place where history lives: what the engine has reported and then forgets."""

from acme_exchange.store.memory import MemoryStore
from acme_exchange.store.sql.database import Database, Durability, database_url, file_url
from acme_exchange.store.sql.file import InUse, StoreUnusable
from acme_exchange.store.sql.store import DatabaseStore
from acme_exchange.store.store import Candle, FillFilter, FirstStart, OrderFilter, Page, Period, Store

__all__ = [
    "Candle",
    "Database",
    "DatabaseStore",
    "Durability",
    "FillFilter",
    "FirstStart",
    "InUse",
    "MemoryStore",
    "OrderFilter",
    "Page",
    "Period",
    "Store",
    "StoreUnusable",
    "database_url",
    "file_url",
]
