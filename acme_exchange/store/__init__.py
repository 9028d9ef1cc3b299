"""The one place where history lives: what the engine has reported and then forgets."""

from acme_exchange.store.memory import MemoryStore
from acme_exchange.store.records import Candle, FillFilter, OrderFilter, Page, Period, Store

__all__ = ["Candle", "FillFilter", "MemoryStore", "OrderFilter", "Page", "Period", "Store"]
