"""What the venue says, field by field (Acme API §4 to §6): every name that leaves over the wire is in this module."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Side = Literal["buy", "sell"]
Level = tuple[Decimal, Decimal]
"""Price and size."""
Spelled = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "number"})]
"""A number as the dialect spells it, `0.107`, `9258.0`, `1e-08`: clients take a book's checksum over the digits as
sent."""
SpelledLevel = tuple[Spelled, Spelled]
Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class Answer(Struct, frozen=True, rename="camel"):
    """A JSON object of the contract; its fields are spelt in camel case on the wire."""


class Success(Answer, kw_only=True, frozen=True):
    success: bool = True
    result: Any
    has_more_data: bool | UnsetType = UNSET


class Failure(Answer, kw_only=True, frozen=True):
    success: bool = False
    error: str


class Status(Answer, frozen=True):
    name: str = "acme"
    status: str = "ok"


class Coin(Answer, frozen=True):
    id: str
    name: str
    fiat: bool
    collateral: bool
    collateral_weight: Decimal
    usd_fungible: bool
    can_deposit: bool
    can_withdraw: bool
    can_convert: bool


US_DOLLAR = Coin(
    id="USD",
    name="US Dollar",
    fiat=True,
    collateral=True,
    collateral_weight=Decimal(1),
    usd_fungible=True,
    can_deposit=False,
    can_withdraw=False,
    can_convert=False,
)


class Market(Answer, frozen=True):
    name: str
    type: Literal["future", "spot"]
    underlying: str | None
    base_currency: str | None
    quote_currency: str | None
    enabled: bool
    post_only: bool
    restricted: bool
    price_increment: Spelled
    size_increment: Spelled
    min_provide_size: Spelled
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    price: Decimal | None
    change_1h: Decimal = msgspec.field(name="change1h")
    change_24h: Decimal = msgspec.field(name="change24h")
    change_bod: Decimal
    quote_volume_24h: Decimal = msgspec.field(name="quoteVolume24h")
    volume_usd_24h: Decimal = msgspec.field(name="volumeUsd24h")
    high_leverage_fee_exempt: bool
    source: str | None
    halted: bool


class OrderBook(Answer, frozen=True):
    bids: list[SpelledLevel]
    asks: list[SpelledLevel]
    time: float


class Trade(Answer, frozen=True):
    id: int
    price: Decimal
    size: Decimal
    side: Side
    liquidation: bool
    time: Time


class Candle(Answer, frozen=True):
    start_time: Time
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Future(Answer, frozen=True):
    name: str
    underlying: str
    type: Literal["perpetual", "future"]
    perpetual: bool
    expired: bool
    enabled: bool
    expiry: Time | None
    index: Decimal | None
    mark: Decimal | None
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    imf_factor: Decimal
    price_increment: Spelled
    size_increment: Spelled
    volume_usd_24h: Decimal = msgspec.field(name="volumeUsd24h")
    open_interest: Decimal
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    source: str | None
    halted: bool


class FutureStatistics(Answer, frozen=True):
    volume: Decimal
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    open_interest: Decimal


class FundingRate(Answer, frozen=True):
    future: str
    rate: Decimal
    time: Time


class FundingPayment(Answer, frozen=True):
    id: int
    future: str
    payment: Decimal
    rate: Decimal
    time: Time


class Position(Answer, frozen=True):
    future: str
    side: Side
    size: Decimal
    net_size: Decimal
    open_size: Decimal
    long_order_size: Decimal
    short_order_size: Decimal
    cost: Decimal
    entry_price: Decimal | None
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    initial_margin_requirement: Decimal
    maintenance_margin_requirement: Decimal
    estimated_liquidation_price: Decimal | None
    collateral_used: Decimal
    position_side: Literal["net", "long", "short"]
    recent_average_open_price: Decimal | None | UnsetType = UNSET
    recent_break_even_price: Decimal | None | UnsetType = UNSET
    recent_pnl: Decimal | None | UnsetType = UNSET


class Account(Answer, frozen=True):
    username: str
    collateral: Decimal
    free_collateral: Decimal
    total_account_value: Decimal
    total_position_size: Decimal
    initial_margin_requirement: Decimal
    maintenance_margin_requirement: Decimal
    margin_fraction: Decimal | None
    open_margin_fraction: Decimal | None
    liquidating: bool
    leverage: int
    maker_fee: Decimal
    taker_fee: Decimal
    positions: list[Position]
    position_mode: Literal["oneway", "hedge"]


class Balance(Answer, frozen=True):
    coin: str
    total: Decimal
    free: Decimal
    available_without_borrow: Decimal
    usd_value: Decimal
    spot_borrow: Decimal


class Order(Answer, frozen=True):
    id: int
    client_id: str | None
    market: str
    future: str | None
    type: Literal["limit", "market"]
    side: Side
    size: Decimal
    price: Decimal | None
    reduce_only: bool
    ioc: bool
    post_only: bool
    status: Literal["new", "open", "closed"]
    filled_size: Decimal
    remaining_size: Decimal
    avg_fill_price: Decimal | None
    created_at: Time
    liquidation: bool
    position_side: Literal["long", "short"] | None


class Fill(Answer, frozen=True):
    id: int
    market: str
    future: str | None
    type: Literal["order", "liquidation"]
    side: Side
    price: Decimal
    size: Decimal
    order_id: int
    trade_id: int
    time: Time
    fee_rate: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Literal["maker", "taker"]
    base_currency: str | None
    quote_currency: str | None
    client_id: str | None
    position_side: Literal["long", "short"] | None


class Frame(Answer, frozen=True):
    """Any WebSocket frame of the server's."""

    type: str
    channel: str | UnsetType = UNSET
    market: str | UnsetType = UNSET
    code: int | UnsetType = UNSET
    msg: str | UnsetType = UNSET
    data: Any = UNSET


class BookFrame(Answer, frozen=True):
    time: float
    checksum: int
    bids: list[SpelledLevel]
    asks: list[SpelledLevel]
    action: Literal["partial", "update"]


class Ticker(Answer, frozen=True):
    bid: Spelled | None
    ask: Spelled | None
    bid_size: Spelled | None
    ask_size: Spelled | None
    last: Spelled | None
    time: float


class MarketsFrame(Answer, frozen=True):
    action: Literal["partial", "update"]
    data: dict[str, Market]


class Funding(Answer, frozen=True):
    future: str
    index: Decimal | None
    mark: Decimal | None
    next_funding_rate: Decimal | None
    next_funding_time: Time | None
    open_interest: Decimal
    time: Time


class Fault(Answer, frozen=True):
    """Told to the venue's owner alone; no part of the Acme API."""

    id: int
    name: str
    rate: float
    seconds: float | None
    times: int | None
    method: str | None
    path: str | None
    channel: str | None
    seen: int
    struck: int
