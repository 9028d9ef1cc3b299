"""Carries out the owner's operations where a venue keeps its data: through the venue while it runs, and on the database
while it does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from acme_exchange.engine import Engine, Refused
from acme_exchange.owner.access import path_for, read_access
from acme_exchange.owner.remote import AdministrationError, NotRunning, ask
from acme_exchange.store import Database, DatabaseStore, InUse


@dataclass(frozen=True)
class DataLocation:
    """Where a venue keeps what it has.

    :ivar database: where its data is.
    :ivar directory: where else its files are.
    """

    database: URL
    directory: Path

    @property
    def access(self) -> Path:
        """The file that lets its owner's commands in while it runs."""
        return path_for(self.database, self.directory)

    async def administer(self, operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Has an operation done: by the venue, if one works with the database; else directly. It is kept when this
        returns.

        :raises AdministrationError: it was refused, or it is not known whether it was done.
        :raises StoreUnusable: there is no working with the database.
        """
        if access := read_access(self.access):
            try:
                done: dict[str, Any] = ask(access, "POST", f"/{operation}", fields)
                return done
            except NotRunning:
                pass  # The file is left over from a venue that was killed.
        try:
            return await self._do(operation, fields)
        except InUse as error:
            raise AdministrationError(
                f"Nothing was done: {error}. A venue is reached through {self.access}, which it leaves when it "
                "listens, and that leads to none; ask again in a moment, or start the venue again"
            ) from None
        except Refused as refused:
            raise AdministrationError(f"Nothing was done: {refused.text}") from None

    async def _do(self, operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        # What asks a venue that runs, or looks into its data, need not wait until all of one is imported.
        from acme_exchange.clock import SystemClock
        from acme_exchange.market import MarketPlan
        from acme_exchange.owner.operations import Administration
        from acme_exchange.venue import Venue

        store = DatabaseStore(Database(self.database))
        try:
            engine = Engine([], client_ids=store) if store.state is None else Engine.restore(store.state, store)
            venue = Venue(engine, MarketPlan((), seed=0).simulation(), store, SystemClock())
            result = Administration(venue).perform(operation, fields)
            await store.progress.settle()
            return result
        finally:
            await store.close()
