"""The interface of every store: the records that history is made of, and the questions that the venue asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from acme_exchange.accounts.keys import AccountSettings, ApiKey, Keyring
from acme_exchange.engine.events import Event, Filled, FundingPaid, FundingSettled, Traded
from acme_exchange.engine.model.plain_data import PlainData
from acme_exchange.engine.model.words import OrderKind, Side
from acme_exchange.engine.views import Order
from acme_exchange.store.ledger import Deposits, Entry, Flow
from acme_exchange.store.progress import Progress

HOUSE_PREFIX = "@"
CANDLE_RESOLUTIONS = (15, 60, 300, 900, 3600, 14400, 86400)
MOST_CANDLES_KEPT = 10_000
MOST_TRADES_KEPT = 100_000


def is_house(account: str) -> bool:
    """Whether an account is the venue's own."""
    return account.startswith(HOUSE_PREFIX)


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time, both ends included; None: without end.

    :ivar start: microseconds since the epoch.
    :ivar end: microseconds since the epoch.
    """

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Page[Record]:
    """The first records that fit a query.

    :ivar more: whether further ones fit.
    """

    records: list[Record]
    more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which of an account's orders are meant; None: all."""

    market: str | None = None
    side: Side | None = None
    kind: OrderKind | None = None

    def accepts(self, order: Order) -> bool:
        return (
            self.market in (None, order.market) and self.side in (None, order.side) and self.kind in (None, order.kind)
        )


@dataclass(frozen=True, slots=True)
class FillFilter:
    """Which of an account's fills are meant; None: all.

    :ivar least_id: those of this id, and of higher ones.
    """

    market: str | None = None
    order_id: int | None = None
    least_id: int | None = None

    def accepts(self, fill: Filled) -> bool:
        return (
            self.market in (None, fill.market)
            and self.order_id in (None, fill.order_id)
            and (self.least_id is None or fill.id >= self.least_id)
        )


class Candle(PlainData, frozen=True, gc=False):
    """The trades of one span of time.

    :ivar start: microseconds since the epoch.
    :ivar volume: US dollars.
    """

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class FirstStart:
    """When a venue first started, and with which seed.

    :ivar time: microseconds since the epoch.
    """

    time: int
    seed: str


class ChangingState(Protocol):
    """An engine, as a store sees it."""

    def take_changes(self) -> dict[str, Any]:
        """The rows of its snapshot that are new or differ since this was last called."""


class Store(Protocol):
    """What the venue asks of its history. Nothing here refuses: an unknown account or market has no records.

    A store also is what the engine asks whether an account has used a client id.

    :ivar state: the engine's snapshot that was kept before, without client ids; None in a new store.
    :ivar first_start: None in a new store, and in one from before these were kept.
    :ivar progress: how much of what was recorded is kept.
    :ivar keyring: who may sign in; changed by the store's methods alone.
    :ivar address: of the database, without its password; None when nothing outlives the process.
    :ivar file: that the database lies in; None when it lies in none.
    """

    state: dict[str, Any] | None
    first_start: FirstStart | None
    progress: Progress
    keyring: Keyring
    address: str | None
    file: Path | None

    def has_used(self, account: str, client_id: str) -> bool:
        """Whether an account has used a client id, ever."""

    def use(self, account: str, client_id: str) -> None:
        """An account uses a client id; the order that does is recorded right after."""

    def begin(self, first_start: FirstStart) -> None:
        """Says to a new store when the venue first started."""

    def keep_state_of(self, engine: ChangingState) -> None:
        """Has the store keep the rows of the engine that have changed, whenever it keeps something."""

    def add_key(self, key: ApiKey) -> None:
        """From now on the key is accepted."""

    def set_account(self, account: str, settings: AccountSettings) -> None:
        """From now on the account's settings are these, all of them."""

    def revoke_key(self, key: str) -> None:
        """From now on the key, which was accepted, is not, nor ever again."""

    async def close(self) -> None:
        """Keeps what is not kept yet, and ends.

        :raises StoreFailed: it cannot be kept.
        """

    def record(self, events: Sequence[Event]) -> None:
        """Keeps what one command has caused, all of it or nothing."""

    def order(self, account: str, order_id: int) -> Order | None:
        """An order of the account, open or closed."""

    def order_by_client_id(self, account: str, client_id: str) -> Order | None:
        """An order of the account, open or closed."""

    def was_cancelled_by_client(self, order_id: int) -> bool:
        """Whether a cancel of the client's closed the order."""

    async def orders(
        self, account: str, accepted: OrderFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Order]:
        """Orders, open and closed, by the time they were placed."""

    async def fills(
        self, account: str, accepted: FillFilter, period: Period, limit: int, oldest_first: bool = False
    ) -> Page[Filled]:
        """Fills by their time."""

    async def funding_payments(self, account: str, market: str | None, period: Period, limit: int) -> list[FundingPaid]:
        """Newest first; all those of the oldest moment, even past the limit, so that nothing hides behind a page."""

    async def funding_rates(self, market: str | None, period: Period, limit: int) -> list[FundingSettled]:
        """Newest first; all those of the oldest moment, even past the limit."""

    async def ledger(self, account: str, period: Period, limit: int) -> list[Entry]:
        """What moved the account's cash, newest first; all that did at the oldest moment, even past the limit."""

    async def deposits(self) -> dict[str, Deposits]:
        """What was deposited into each account that had a deposit."""

    async def flows(self, account: str, span: int, start: int, until: int) -> list[Flow]:
        """What the account did in spans of time, in no order.

        :param span: microseconds.
        :param start: microseconds since the epoch, included like `until`.
        """

    async def trades(self, market: str, period: Period, limit: int, least_id: int = 0) -> list[Traded]:
        """Public trades of this id and of higher ones, newest first."""

    async def candles(self, market: str, resolution: int, period: Period, now: int, limit: int) -> list[Candle]:
        """The latest candles that start within the period, oldest first, without gaps from the first trade to `now`.

        :param resolution: seconds, one of `CANDLE_RESOLUTIONS`.
        :param now: microseconds since the epoch.
        """
